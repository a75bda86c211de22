"""`trikeye calibrate clock`: how much later than the receiver's positions pictures are stamped, out of a drive that turns."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

import numpy as np

from calibration.camera import Camera, OtherShape
from calibration.clock_offset import NoOffset, Offset, clock_offset
from calibration.drift import seen_travel
from calibration.drives import BadDrive, Drive, open_drive
from calibration.files import MalformedCameraFile, read_camera
from calibration.mount import Mount
from calibration.pictures import Unreadable
from calibration.tracks import MalformedTrack

NAME = "trikeye calibrate clock"
TELL_EVERY = 200


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "ride",
        type=Path,
        metavar="RIDE",
        help="folder of a drive with pictures and positions, a minute or more, with some bends",
    )
    parser.add_argument(
        "--camera", type=Path, metavar="FILE", help="the camera file (default: camera.toml or camera.json in RIDE)"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    try:
        camera, mount, _ = read_camera(args.camera or _own_camera(args.ride))
        found = offset_of(open_drive(args.ride), camera, mount)
    except (BadDrive, MalformedCameraFile, MalformedTrack, NoOffset, OtherShape, Unreadable) as wrong:
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return 1
    word = "later" if found.offset_s >= 0 else "earlier"
    print(
        f"pictures are stamped {abs(found.offset_s):.2f} s {word} than positions (± {found.sigma_s:.2f} s, one sigma)"
    )
    print(f"on this vehicle, in edge.toml: [receiver] camera_late_s = {found.offset_s:.2f}")
    if args.json:
        print(json.dumps(asdict(found)))
    return 0


def offset_of(drive: Drive, camera: Camera, mount: Mount) -> Offset:
    """The offset of a drive. Raises NoOffset, Unreadable, OtherShape."""
    courses = [(each.t_s, each.heading_deg) for each in drive.positions if each.heading_deg is not None]
    if not courses:
        raise NoOffset("no position of the drive has a heading; record one with a receiver that moves")
    seen_s, turns_deg_s, before = [], [], None
    for number, (image, t_s) in enumerate(drive.pictures()):
        if before is not None:
            fitted = camera.fitted_to(image.shape[1], image.shape[0])
            seen = seen_travel(before[0], image, fitted, mount)
            if not isinstance(seen, str):
                seen_s.append((before[1] + t_s) / 2)
                turns_deg_s.append(np.degrees((mount.road_from_camera() @ seen.turn_rad)[2]) / (t_s - before[1]))
        before = image, t_s
        if number % TELL_EVERY == TELL_EVERY - 1:
            print(f"{number + 1} pictures", file=sys.stderr)
    return clock_offset(seen_s, turns_deg_s, *zip(*courses, strict=True))


def _own_camera(ride: Path) -> Path:
    if not ride.is_dir():
        raise MalformedCameraFile(
            f"{ride} {'is no folder' if ride.exists() else 'does not exist'}; name the folder of a drive"
        )
    for name in ("camera.toml", "camera.json"):
        if (ride / name).exists():
            return ride / name
    raise MalformedCameraFile(f"{ride} has no camera.toml; name one with --camera")
