"""Where the sample ride's problems are said to be, by a vehicle that calibrated its mount itself, against the truth. Without the receiver's noise."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
import tempfile
from math import hypot
from pathlib import Path
from typing import Any

import numpy as np
from place_row import Row

from calibration.geodesy import offset_m
from edge.outbox import Outbox
from models.contract import Sighting, decode

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "demo" / "ride" / "sample"
SAME_M = 6.0
GUESS = "pitch_deg = 5.5\nroll_deg = 0.0\nyaw_deg = 1.0\npitch_sigma_deg = 1.5\n"
"""What somebody wrote down by eye; the truth is 7.0 and 0.0."""


def figures(_: Path | None) -> list[Row]:
    """The rows that need no data of others."""
    with tempfile.TemporaryDirectory(prefix="trikeye-place-") as folder:
        ride = unshifted_ride(Path(folder) / "ride")
        trikeye("calibrate", "mount", "--camera", str(ride / "camera.toml"), "--drive", str(ride))
        trikeye("edge", "replay", str(ride), "--data", str(Path(folder) / "data"))
        errors, distances = told(Path(folder) / "data" / "outbox.sqlite3")
    p50, p90 = np.percentile(errors, (50, 90))
    in50, in95 = float(np.mean(distances < 1.386)), float(np.mean(distances < 5.991))
    count = f"{len(errors)} places"
    return [
        Row("drawn ride, own calibration, place p50 / p90", f"{p50:.2f} / {p90:.2f} m of {count}", "<= 0.8 / 2.0 m", p50 <= 0.8 and p90 <= 2.0),
        Row("its ellipses hold, 95 % and 50 %", f"{in95:.0%}, {in50:.0%}", ">= 90 %, >= 45 %", in95 >= 0.90 and in50 >= 0.45),
    ]  # fmt: skip


def unshifted_ride(out: Path) -> Path:
    """The sample ride with its camera's true way as track, and a mount as guessed."""
    out.mkdir()
    for name in ("video.mp4", "ride.toml", "zones.geojson"):
        shutil.copy(SAMPLE / name, out)
    camera, _, _ = (SAMPLE / "camera.toml").read_text("utf-8").partition("pitch_deg")
    (out / "camera.toml").write_text(camera + GUESS, "utf-8")
    with (out / "track.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(("t_s", "lat", "lon", "heading_deg_cw_from_north", "pos_accuracy_m"))
        rows.writerows((t_s, lat, lon, heading, 0.1) for t_s, lat, lon, _, heading, *_ in truth()["poses"])
    return out


def told(outbox: Path) -> tuple[np.ndarray, np.ndarray]:
    """Metres from each place to the nearest problem of its category, and the squared distance in sigmas, the receiver's own left out."""
    box, problems, errors, distances = Outbox(outbox), truth()["problems"], [], []
    for row in box.waiting(1000):
        sighting = decode(Sighting, row.body)
        place = sighting.place
        offsets = [
            offset_m(place.lat_deg, place.lon_deg, each["lat"], each["lon"])
            for each in problems
            if each["category"] == sighting.category
        ]
        off = min(offsets, key=lambda each: hypot(*each), default=(np.inf, np.inf))
        if hypot(*off) > SAME_M:
            continue
        covariance = np.array(place.covariance_m2) - np.eye(2) * sighting.fix.sigma_m**2
        errors.append(hypot(*off))
        distances.append(float(np.array(off) @ np.linalg.solve(covariance, off)))
    box.close()
    return np.array(errors), np.array(distances)


def truth() -> dict[str, Any]:
    """All that is known of the sample ride."""
    return dict(json.loads((SAMPLE / "truth.json").read_text("utf-8")))


def trikeye(*argv: str) -> None:
    """Run one verb of this checkout; its last words come out if it fails."""
    done = subprocess.run([sys.executable, "-m", "trikeye", *argv], cwd=ROOT, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"trikeye {' '.join(argv)} ended with {done.returncode}: {done.stderr.strip()[-400:]}")
