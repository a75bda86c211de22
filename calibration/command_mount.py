"""`trikeye calibrate mount`: how a camera is mounted, by marks on the ground or by a minute of driving."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from calibration.arguments import height
from calibration.camera import Camera, OtherShape
from calibration.drives import BadDrive, open_drive
from calibration.files import CameraFile, MalformedCameraFile, keep_old, read_camera_file, write_camera
from calibration.marks import BadMarks, Mark, solve_mount
from calibration.mount import Mount
from calibration.tables import MalformedTable, Row, rows_of, text_of
from calibration.words import of_file

if TYPE_CHECKING:
    from calibration.drift import Drift

NAME = "trikeye calibrate mount"
COLUMNS = ("u_px", "v_px", "forward_m", "left_m")
ASSUMED_MPS = 3.0
"""The speed of a drive without positions: what stands, or drives too slowly, is told by the pictures themselves."""
LEAST_PAIRS = 150
WORST_SIGMA_DEG = 1.5
FAR_SIGMAS = 3.0
TELL_EVERY = 200


@dataclass(frozen=True)
class Found:
    """The mount, and what is said about how it was found."""

    mount: Mount
    words: str
    facts: dict[str, Any]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--camera", type=Path, required=True, metavar="FILE.toml", help="the camera file; its mount is set, all else in it stays")  # fmt: skip
    way = parser.add_mutually_exclusive_group(required=True)
    way.add_argument(
        "--marks", type=Path, metavar="FILE.csv",
        help="u_px,v_px,forward_m,left_m of 3 or more marks on level ground: where each is seen, and metres from the point under the lens",
    )  # fmt: skip
    way.add_argument(
        "--drive", type=Path, metavar="FILM|FOLDER",
        help="a minute of driving straight ahead, at 8 km/h or faster: a film, or a ride with its positions; the height stays as it is",
    )  # fmt: skip
    parser.add_argument(
        "--height", type=height, metavar="M", help="with --drive: lens over the road in metres, by tape"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    from calibration.pictures import Unreadable
    from calibration.tracks import MalformedTrack

    if args.height is not None and args.marks:
        print(f"{NAME}: --height: marks tell the height themselves", file=sys.stderr)
        return 2
    try:
        file = _camera_file(args.camera)
        found = _by_marks(args.marks, file.camera) if args.marks else _by_drive(args.drive, file, args.height)
        old = keep_old(args.camera)
        write_camera(args.camera, file.camera, found.mount, file.made, file.is_vouched)
    except (BadMarks, BadDrive, MalformedCameraFile, MalformedTable, MalformedTrack, OtherShape, Unreadable) as wrong:
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return 1
    print(f"{args.camera}: {found.words}")
    for line in _changes(file.mount, found.mount):
        print(line)
    print(f"the file that was there is kept as {old}")
    taped = file.mount if args.height is None else replace(file.mount, height_m=args.height)
    if abs(taped.height_m - file.mount.height_m) > FAR_SIGMAS * file.mount.height_sigma_m:
        print(f"{NAME}: --height {taped.height_m:g} m differs from the file's {file.mount.height_m:g} m; yours is written", file=sys.stderr)  # fmt: skip
    for words in (far := _far_changes(taped, found.mount)):
        print(f"{NAME}: {words}, far more than the file allowed for: check that the file is of this camera", file=sys.stderr)  # fmt: skip
    if args.json:
        print(json.dumps({"file": str(args.camera), "kept_as": str(old), "far_changes": far, "before": asdict(file.mount), "after": asdict(found.mount), **found.facts}))  # fmt: skip
    return 0


def _camera_file(path: Path) -> CameraFile:
    if path.suffix != ".toml":
        raise MalformedCameraFile(f"{path}: the mount is written into a camera file that ends in .toml; trikeye calibrate camera makes one")  # fmt: skip
    if not path.exists():
        raise MalformedCameraFile(f"{path} does not exist; make it first: trikeye calibrate camera --help")
    return read_camera_file(path)


def _parts(before: Mount, after: Mount) -> Iterator[tuple[str, str, tuple[float, float], tuple[float, float]]]:
    """Each part's name and unit, its value and sigma before, and after."""
    for name, unit in (("height", "m"), ("pitch", "deg"), ("roll", "deg"), ("yaw", "deg")):
        was, now = (
            (getattr(each, f"{name}_{unit}"), getattr(each, f"{name}_sigma_{unit}")) for each in (before, after)
        )
        yield name, unit, was, now


def _changes(before: Mount, after: Mount) -> list[str]:
    return [f"  {name:6} {_told(*was, unit)} -> {_told(*now, unit)}" for name, unit, was, now in _parts(before, after)]


def _told(value: float, sigma: float, unit: str) -> str:
    return f"{value:z.1f} ± {max(sigma, 0.1):.1f}°" if unit == "deg" else f"{value:z.2f} ± {max(sigma, 0.01):.2f} m"


def _far_changes(before: Mount, after: Mount) -> list[str]:
    """What changed by more than three times the sigma that was told for it."""
    return [
        f"{name} changed by {f'{abs(now[0] - was[0]):.1f}°' if unit == 'deg' else f'{abs(now[0] - was[0]):.2f} m'}"
        for name, unit, was, now in _parts(before, after)
        if abs(now[0] - was[0]) > FAR_SIGMAS * was[1]
    ]


# By marks


def _by_marks(path: Path, camera: Camera) -> Found:
    """Raises BadMarks, MalformedTable."""
    marks = read_marks(path)
    solved = solve_mount(marks, camera)
    words = f"{len(marks)} marks are seen {max(solved.residuals_px):.1f} px or less from where they lie"
    return Found(solved.mount, words, {"by": "marks", "residuals_px": solved.residuals_px})


def read_marks(path: Path) -> list[Mark]:
    """The marks of a table. Raises MalformedTable."""
    try:
        data = path.read_bytes()
    except OSError as wrong:
        raise MalformedTable(of_file(path, wrong)) from None
    return [_mark(row) for row in rows_of(text_of(data, path), path, COLUMNS)]


def _mark(row: Row) -> Mark:
    u_px, v_px, forward_m, left_m = (row.number(column) for column in COLUMNS)
    return Mark(u_px, v_px, forward_m, left_m, f"line {row.line}")


# By driving


def _by_drive(path: Path, file: CameraFile, height_m: float | None) -> Found:
    """Raises BadDrive, Unreadable, MalformedTrack, OtherShape."""
    from calibration.drift import Drift
    from calibration.gnss import position_at
    from calibration.running import Running

    mount = file.mount if height_m is None else replace(file.mount, height_m=height_m, height_sigma_m=0.02)
    drift = Drift(file.camera, mount, Running())
    drive = open_drive(path)
    for image, t_s in drive.pictures():
        at = position_at(drive.positions, t_s) if drive.positions else None
        if drive.positions and at is None:
            continue
        had = drift.pairs
        drift.see(image, t_s, at.speed_mps if at else ASSUMED_MPS, at.heading_deg if at else None)
        if drift.pairs // TELL_EVERY > had // TELL_EVERY:
            print(f"{drift.pairs} pairs of pictures", file=sys.stderr)
    found = drift.running.estimate
    if found is None or drift.pairs < LEAST_PAIRS:
        raise BadDrive(f"{path}: {_refused(drift)}")
    if max(found.pitch_sigma_deg, found.yaw_sigma_deg) > WORST_SIGMA_DEG:
        raise BadDrive(
            f"{path}: its parts do not agree (pitch within {found.pitch_sigma_deg:.1f}°, yaw within {found.yaw_sigma_deg:.1f}°): "
            "see that the camera is tight and its file is right, and drive straighter"
        )
    mount = replace(
        mount, pitch_deg=round(found.pitch_deg, 2), yaw_deg=round(found.yaw_deg, 2), pitch_sigma_deg=round(found.pitch_sigma_deg, 2),
        yaw_sigma_deg=round(found.yaw_sigma_deg, 2),
    )  # fmt: skip
    words = f"told by {drift.pairs} pairs of pictures over {found.straights} {'straight' if found.straights == 1 else 'straights'}"
    if not found.is_sure:
        words += "; 300 pairs over 3 straights in different directions would make it surer"
    facts = {"by": "drive", "pairs": drift.pairs, "straights": found.straights, "refused": dict(drift.reasons)}
    return Found(mount, words, facts)


def _refused(drift: Drift) -> str:
    why = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in drift.reasons.most_common(3))
    return (
        f"only {drift.pairs} pairs of its pictures tell which way the camera goes, needed are {LEAST_PAIRS}"
        f"{f' (refused: {why})' if why else ''}: drive a minute straight ahead, at 8 km/h or faster, by daylight"
    )
