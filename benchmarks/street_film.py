"""What the vehicle's benchmarks look at: the sample ride as a camera gives it, 1280x720 H.264, a vehicle to drive it, and the network that is the unit."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from edge.identity import Ids
from edge.outbox import Outbox
from edge.pipeline import Vehicle
from edge.ride import Ride, frames_of
from edge.settings import Settings
from edge.values import Frame
from models.packs import Pack, load_pack
from models.redaction import Redactor
from models.runtime import Detector

ROOT = Path(__file__).resolve().parents[1]
SAMPLE = ROOT / "demo" / "ride" / "sample"
TRAINING = ROOT / ".venv-training" / "bin" / "python"
BITS_PER_S = "1500k"
"""At ten pictures a second what a camera spends at 4.5 Mbit/s and thirty."""
UNIT = "416x256"


class NotReady(Exception):
    """Something that must be installed is not; the text says what and how."""


def draw_film(folder: Path) -> Path:
    """The sample ride at 1280x720, as a ride in a new folder. Raises NotReady."""
    if not shutil.which("ffmpeg"):
        raise NotReady("ffmpeg is missing; sudo apt-get install ffmpeg")
    folder.mkdir()
    for name in ("camera.toml", "track.csv"):
        shutil.copy(SAMPLE / name, folder)
    subprocess.run(
        ["ffmpeg", "-v", "error", "-i", SAMPLE / "video.mp4", "-vf", "scale=1280:720:flags=bicubic", "-c:v", "libx264", "-preset", "fast",
         "-b:v", BITS_PER_S, "-pix_fmt", "yuv420p", folder / "video.mp4"], check=True, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return folder


def at_30_fps(film: Path, out: Path) -> Path:
    """The same pictures, thirty a second."""
    subprocess.run(
        ["ffmpeg", "-v", "error", "-itsscale", "0.333333", "-i", film, "-c", "copy", out], check=True, stdin=subprocess.DEVNULL
    )  # fmt: skip
    return out


def unit_pack(folder: Path) -> Pack:
    """The shipped street network in floats for an input of 416x256: what all costs are held against. Raises NotReady."""
    if not TRAINING.exists():
        raise NotReady(".venv-training is missing; make setup-training")
    subprocess.run(
        [TRAINING, "-m", "trikeye", "models", "export", "street", "--size", UNIT, "--name", "unit", "--out", folder],
        check=True, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    return load_pack(folder)


def vehicle_on(ride: Ride, pack: Pack, outbox: Path) -> Vehicle:
    """A vehicle that looks at every frame and tells each find anew."""
    settings = Settings()
    settings = settings.model_copy(update={
        "origin": "replay", "gate": settings.gate.model_copy(update={"every_m": 0.0}), "decide": settings.decide.model_copy(update={"cool_down_h": 0.0}),
    })  # fmt: skip
    ids = Ids("BENCH-01", "front", ride.digest)
    return Vehicle(settings, Detector(pack), Redactor(load_pack(settings.redact.pack)), Outbox(outbox), ids, ride.camera, ride.mount,
                   ride.calibration_digest, ids.boot(ride.began), lambda sighting: None)  # fmt: skip


def frames_from(ride: Ride) -> Iterator[Frame]:
    """The frames of a ride, decoded as they are asked for."""
    return frames_of(ride, "front", Settings().receiver.oldest_fix_s, Counter[str]().update)


def laps(ride: Ride) -> Iterator[Frame]:
    """The same ride over and over without an end; numbers and times go on, so nothing in it was told before."""
    number, shift = 0, timedelta()
    while True:
        for frame in frames_from(ride):
            ticks = frame.monotonic_ns + shift // timedelta(microseconds=1) * 1000
            yield replace(frame, number=number, utc=frame.utc + shift, monotonic_ns=ticks)
            number += 1
        shift = timedelta(seconds=number / ride.fps)
