"""A ride folder: video, positions, camera, zones and truth."""

from __future__ import annotations

import csv
import hashlib
import json
import subprocess
import tempfile
from collections.abc import Callable, Iterable
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from demo.ride import drive, standing
from demo.ride.camera_look import look
from demo.ride.drive import Moment, heading_deg, receiver_error_m, to_wgs84
from demo.ride.pose import focal_px
from demo.ride.renderer import Renderer
from demo.ride.street import Street, Zone, layout
from demo.ride.truth import Truth, View

WIDTH, HEIGHT = 960, 540
START = datetime(2026, 11, 2, 1, 30, tzinfo=timezone.utc)  # noqa: UP017
VIDEO_BYTES = 7_000_000
TRUTH_WITHIN_M = 25.0


def draw_ride(seed: int, out: Path, progress: Callable[[int, int], None], fps: float = drive.FPS) -> None:
    """Draw the ride of one seed into `out`, which is made. The truth is the same on every machine; pixels may differ by renderer."""
    _draw(layout(seed), drive.drive(seed, fps), out, progress, fps)


def draw_standing_ride(seed: int, out: Path, progress: Callable[[int, int], None], fps: float = drive.FPS) -> None:
    """The same of a shorter street where things stand where they may not, and others where they may."""
    _draw(standing.layout(seed), drive.drive(seed, fps, standing.end_m()), out, progress, fps)


def _draw(street: Street, moments: list[Moment], out: Path, progress: Callable[[int, int], None], fps: float) -> None:
    out.mkdir(parents=True, exist_ok=True)
    seed = street.seed
    renderer, truth = Renderer(street, WIDTH, HEIGHT), Truth(street)
    rng = np.random.default_rng([seed, 41])
    views: list[list[View]] = []

    def pictures() -> Iterable[npt.NDArray[np.uint8]]:
        for number, moment in enumerate(moments):
            ids = renderer.ids(moment.pose, moment.t_s)
            views.append(truth.views(moment.pose, ids, moment.t_s))
            progress(number + 1, len(moments))
            yield look(renderer.draw(moment.pose, moment.t_s), rng)

    write_video(out / "video.mp4", pictures(), fps, len(moments) / fps)
    digest = hashlib.sha256((out / "video.mp4").read_bytes()).hexdigest()
    write_track(out / "track.csv", moments, seed)
    write_camera(out / "camera.toml")
    write_zones(out / "zones.geojson", street.zones)
    (out / "truth.json").write_text(json.dumps(truth_of(street, moments, views, seed, fps), separators=(",", ":")))
    (out / "ride.toml").write_text(
        f'vehicle = "TY-01"\nstart = "{START.isoformat()}"\nfps = {fps}\nseed = {seed}\nvideo_sha256 = "{digest}"\n'
    )


def write_video(path: Path, pictures: Iterable[npt.NDArray[np.uint8]], fps: float, duration_s: float) -> None:
    """H.264 in two passes at a size that fits the repository, from a lossless copy in a temporary file."""
    rate = int(VIDEO_BYTES * 8 / duration_s * 0.97)
    with tempfile.TemporaryDirectory() as folder:
        raw = Path(folder) / "lossless.mkv"
        size = f"{WIDTH}x{HEIGHT}"
        encoder = subprocess.Popen(
            ["ffmpeg", "-loglevel", "error", "-y", "-f", "rawvideo", "-pix_fmt", "bgr24", "-s", size, "-r", str(fps), "-i", "-",
             "-c:v", "libx264", "-qp", "0", "-preset", "ultrafast", str(raw)], stdin=subprocess.PIPE)  # fmt: skip
        assert encoder.stdin is not None
        for picture in pictures:
            encoder.stdin.write(picture.tobytes())
        encoder.stdin.close()
        if encoder.wait():
            raise RuntimeError("ffmpeg could not write the pictures; its message stands above")
        for part in ("1", "2"):
            target = ["-f", "null", "-"] if part == "1" else ["-movflags", "+faststart", str(path)]
            subprocess.run(
                ["ffmpeg", "-loglevel", "error", "-y", "-i", str(raw), "-c:v", "libx264", "-preset", "slow", "-b:v", str(rate), "-pix_fmt", "yuv420p",
                 "-pass", part, "-passlogfile", str(Path(folder) / "log"), *target], check=True)  # fmt: skip


def write_track(path: Path, moments: list[Moment], seed: int) -> None:
    """What the receiver said at each frame: WGS-84 of the camera with its errors."""
    errors = receiver_error_m(seed, [moment.t_s for moment in moments])
    turn = np.radians(drive.STREET_HEADING_DEG)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("t_s", "lat", "lon", "alt_m", "heading_deg_cw_from_north", "pos_accuracy_m"))
        for moment, (east, north) in zip(moments, errors, strict=True):
            along, across = east * np.sin(turn) + north * np.cos(turn), -east * np.cos(turn) + north * np.sin(turn)
            lat, lon = to_wgs84(moment.pose.x_m + along, moment.pose.y_m + across)
            rows.writerow(
                (
                    f"{moment.t_s:.3f}",
                    f"{lat:.8f}",
                    f"{lon:.8f}",
                    drive.ALTITUDE_M,
                    f"{heading_deg(moment.pose):.2f}",
                    1.05,
                )
            )


def write_camera(path: Path) -> None:
    """The camera as it is mounted, but not how it shakes."""
    f = focal_px(WIDTH)
    path.write_text(
        f'version = 1\nmodel = "pinhole"\nsize_px = [{WIDTH}, {HEIGHT}]\nfocal_px = [{f:.3f}, {f:.3f}]\ncentre_px = [{(WIDTH - 1) / 2}, {(HEIGHT - 1) / 2}]\n'
        f"distortion = []\n\n[mount]\nheight_m = {drive.HEIGHT_M}\npitch_deg = {drive.PITCH_DEG}\nroll_deg = 0.0\nyaw_deg = 0.0\npitch_sigma_deg = 0.5\n"
    )


def write_zones(path: Path, zones: Iterable[Zone] = ()) -> None:
    """The service area, a strip around the street, and where else a rule holds."""
    features = [_feature(zone) for zone in (Zone("service_area", (-60, 420), (-60, 60)), *zones)]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, indent=1))


def _feature(zone: Zone) -> dict[str, Any]:
    (x1, x2), (y1, y2) = zone.x_m, zone.y_m
    ring = [to_wgs84(x, y) for x, y in ((x1, y1), (x2, y1), (x2, y2), (x1, y2), (x1, y1))]
    return {"type": "Feature", "properties": {"kind": zone.kind},
            "geometry": {"type": "Polygon", "coordinates": [[[round(lon, 7), round(lat, 7)] for lat, lon in ring]]}}  # fmt: skip


def truth_of(street: Street, moments: list[Moment], views: list[list[View]], seed: int, fps: float) -> dict[str, Any]:
    """Everything that is known: problems with position and views, other labelled things with views, the camera's true poses."""
    seen: dict[int, list[list[float]]] = {}
    for number, frame in enumerate(views):
        for view in frame:
            if view.range_m <= TRUTH_WITHIN_M:
                seen.setdefault(view.thing.id, []).append(
                    [number, *view.box_px, round(view.visible_share, 2), round(view.range_m, 1)]
                )
    problems, others = [], []
    for thing in street.objects:
        lat, lon = to_wgs84(*thing.foot_m)
        if thing.category:
            problems.append({"id": thing.id, "category": thing.category, "class": thing.label, "lat": round(lat, 8), "lon": round(lon, 8),
                             "size_m": [round(s, 2) for s in thing.size_m], "views": seen.get(thing.id, [])})  # fmt: skip
        elif thing.id in seen:
            others.append({"id": thing.id, "class": thing.label, "views": seen[thing.id]})
    poses = [[round(m.t_s, 3), *(round(v, 8) for v in to_wgs84(m.pose.x_m, m.pose.y_m)), drive.ALTITUDE_M, round(heading_deg(m.pose), 3),
              round(float(np.degrees(m.pose.pitch_rad)), 3), round(float(np.degrees(m.pose.roll_rad)), 3)] for m in moments]  # fmt: skip
    return {
        "version": 1,
        "seed": seed,
        "fps": fps,
        "frames": len(moments),
        "problems": problems,
        "others": others,
        "poses": poses,
    }
