"""`trikeye edge replay`: the vehicle over a recorded ride."""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from calibration.camera import OtherShape
from calibration.files import MalformedCameraFile
from calibration.tracks import MalformedTrack
from edge.capture import NoPictures
from edge.identity import Ids
from edge.outbox import Outbox, OutboxError
from edge.pipeline import Vehicle
from edge.ride import UTC, Ride, frames_of, open_ride
from edge.settings import BadSettings, Settings, read_settings
from edge.values import Frame
from edge.zones import BadZones
from models.contract import Sighting
from models.packs import PackError, load_pack
from models.redaction import RedactionUnavailable, Redactor
from models.runtime import Detector

log = logging.getLogger("trikeye.edge")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("ride", type=Path, help="folder of a ride: video.mp4 or *.jpg, with positions")
    parser.add_argument("--config", type=Path, help="edge.toml (default: trial settings, no cool-down)")
    parser.add_argument("--data", type=Path, help="folder of the outbox (default: a new temporary one)")
    parser.add_argument("--pack", help="a shipped pack's name or a folder (default: as in the settings)")
    parser.add_argument("--began", type=_instant, metavar="TIME", help="when the ride began, such as 2026-11-28T09:30:00+08:00 (default: as the ride says)")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def _instant(told: str) -> datetime:
    try:
        instant: datetime | None = datetime.fromisoformat(told)
    except ValueError:
        instant = None
    if instant is None or instant.tzinfo is None:
        raise argparse.ArgumentTypeError(f"{told} is no instant; write it as 2026-11-28T09:30:00+08:00, with its zone")
    return instant.astimezone(UTC)


def run(args: argparse.Namespace) -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    began_s = time.monotonic()
    try:
        settings = read_settings(args.config) if args.config else Settings()
        ride = open_ride(args.ride)
        if args.began:
            ride = replace(ride, began=args.began, clock_trusted=True)
        vehicle = _vehicle(args, settings, ride)
        bad: Counter[str] = Counter()
        frames = frames_of(
            ride, settings.vehicle.camera, settings.receiver.oldest_fix_s, lambda reason: bad.update([reason])
        )
        vehicle.drive(_with_progress(frames, vehicle))
    except (
        BadSettings,
        BadZones,
        NoPictures,
        MalformedTrack,
        MalformedCameraFile,
        OtherShape,
        PackError,
        RedactionUnavailable,
        OutboxError,
    ) as trouble:
        print(f"trikeye edge replay: {trouble}", file=sys.stderr)
        return 1
    counts, gate = vehicle.counts, dict(vehicle.gate.reasons + bad)
    result = {
        "frames": counts.frames, "inferred": counts.inferred, "sightings": counts.sightings, "known": counts.known,
        "per_category": dict(sorted(counts.per_category.items())), "gate_reasons": gate, "not_told": dict(vehicle.decider.reasons), "not_covered": vehicle.not_covered,
        "no_fix": counts.no_fix, "seconds": round(time.monotonic() - began_s, 1), "outbox": str(vehicle.outbox.path),
    }  # fmt: skip
    vehicle.outbox.close()
    is_nowhere = counts.no_fix == counts.frames
    if is_nowhere:
        print(
            "trikeye edge replay: no frame had a position, so nothing could be placed; put track.csv, *.nmea or *.gpx beside the pictures",
            file=sys.stderr,
        )
    if ride.camera_guessed:
        print(
            "trikeye edge replay: the ride has no camera.toml; a camera 60° wide, 1.4 m high and level within 3° was assumed, so places are rough",
            file=sys.stderr,
        )
    print(json.dumps(result, ensure_ascii=False) if args.json else "\n".join(_lines(result)))
    return int(is_nowhere)


def _lines(result: dict[str, Any]) -> Iterator[str]:
    """What a run did, as a person reads it."""
    yield f"{result['frames']} frames, {result['inferred']} looked at, {result['sightings']} sightings; outbox: {result['outbox']}"
    for category, number in result["per_category"].items():
        yield f"  {number:4} {category}"
    for title, reasons in (("not looked at", result["gate_reasons"]), ("seen but not told", result["not_told"])):
        if reasons:
            yield f"{title}: " + ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in reasons.items())


def _vehicle(args: argparse.Namespace, settings: Settings, ride: Ride) -> Vehicle:
    if args.config is None:
        settings = settings.model_copy(
            update={"origin": "replay", "decide": settings.decide.model_copy(update={"cool_down_h": 0.0})}
        )
    elif settings.origin == "camera":
        settings = settings.model_copy(update={"origin": "replay"})
    detector = Detector(load_pack(args.pack or settings.detect.pack), settings.detect.threads)
    redactor = Redactor(load_pack(settings.redact.pack), settings.detect.threads)
    folder = args.data or (settings.vehicle.data if args.config else Path(tempfile.mkdtemp(prefix="trikeye-")))
    ids = Ids(settings.vehicle.name, settings.vehicle.camera, ride.digest)
    return Vehicle(settings, detector, redactor, Outbox(folder / "outbox.sqlite3", settings.outbox.cap_bytes, settings.outbox.urgent), ids, ride.camera, ride.mount,
                   ride.calibration_digest, ids.boot(ride.began), _tell, zones=ride.zones)  # fmt: skip


def _with_progress(frames: Iterator[Frame], vehicle: Vehicle) -> Iterator[Frame]:
    for frame in frames:
        yield frame
        if sys.stderr.isatty() and frame.number % 20 == 0:
            print(f"\rframe {frame.number}, {vehicle.counts.sightings} sightings", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)


def _tell(sighting: Sighting) -> None:
    if not sys.stderr.isatty():
        log.info(json.dumps({"event": "sighting_kept", "vehicle": sighting.vehicle, "id": str(sighting.id), "category": sighting.category,
                             "probability": round(sighting.probability, 3), "method": sighting.place.method}))  # fmt: skip
