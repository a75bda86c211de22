"""`trikeye calibrate camera`: a camera file from known values."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict, replace
from pathlib import Path

from calibration.camera import Camera
from calibration.files import DEFAULT_MOUNT, Made, MalformedCameraFile, read_camera, write_camera
from calibration.mount import Mount

NAME = "trikeye calibrate camera"
ANGLES = ("pitch", "pitch_sigma", "roll", "yaw")


class WrongUsage(Exception):
    """Arguments that do not go together; the text says what to give."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    known = parser.add_argument_group("known values")
    known.add_argument("--known", type=four, metavar="FX,FY,CX,CY", help="focal lengths and principal point in pixels")
    known.add_argument("--size", type=size, metavar="WxH", help="size of the pictures that they are for, 1242x375")
    add_mount_arguments(parser)
    parser.add_argument("--output", type=Path, required=True, metavar="FILE.toml", help="the camera file to write; the mount in one that is there is kept")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def add_mount_arguments(parser: argparse.ArgumentParser) -> None:
    mount = parser.add_argument_group("how it is mounted (kept from the file, where not given)")
    mount.add_argument("--height", type=float, metavar="M", help="lens over the road in metres")
    mount.add_argument("--pitch", type=float, metavar="DEG", help="degrees, positive nose down")
    mount.add_argument(
        "--pitch-sigma", type=float, metavar="DEG", help="how well the pitch is known, one sigma (default: 1.5)"
    )
    mount.add_argument("--roll", type=float, metavar="DEG", help="degrees, positive left side up")
    mount.add_argument("--yaw", type=float, metavar="DEG", help="degrees, positive to the left")


def run(args: argparse.Namespace) -> int:
    try:
        mount = _mount(args)
        camera = _known(args)
        made = Made(how="known values")
        write_camera(args.output, camera, mount, made)
    except WrongUsage as wrong:
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return 2
    except MalformedCameraFile as wrong:
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps({"file": str(args.output), "camera": asdict(camera), "mount": asdict(mount)}))
    else:
        print(
            f"{args.output}: {camera.model} {camera.size_px[0]}x{camera.size_px[1]}; trikeye calibrate show {args.output} tells more"
        )
    return 0


def _known(args: argparse.Namespace) -> Camera:
    if args.known is None or args.size is None:
        raise WrongUsage("give both --known FX,FY,CX,CY and --size WxH")
    fx, fy, cx, cy = args.known
    if fx <= 0 or fy <= 0:
        raise WrongUsage(f"focal lengths are pixels above zero, not {fx:g} and {fy:g}; the order is FX,FY,CX,CY")
    if not (0 < cx < args.size[0] and 0 < cy < args.size[1]):
        raise WrongUsage(
            f"the principal point ({cx:g}, {cy:g}) lies outside of a picture of {args.size[0]}x{args.size[1]}; the order is FX,FY,CX,CY"
        )
    return Camera(args.size, (fx, fy), (cx, cy))


def _mount(args: argparse.Namespace) -> Mount:
    """The mount of the file that is there, or the default, with what was given put in. Raises MalformedCameraFile, WrongUsage."""
    if args.output.suffix != ".toml":
        raise WrongUsage(f"{args.output}: a camera file is a TOML file; end its name in .toml")
    given = {f"{name}_deg": value for name in ANGLES if (value := getattr(args, name)) is not None}
    if "pitch_deg" in given:
        given.setdefault("pitch_sigma_deg", Mount.pitch_sigma_deg)
    if args.height is not None:
        given["height_m"] = args.height
    there = read_camera(args.output)[1] if args.output.exists() else None
    mount = replace(there or DEFAULT_MOUNT, **given)
    if there is not None and mount.height_m == there.height_m and mount.pitch_deg == there.pitch_deg:
        print(f"{NAME}: keeping how it is mounted from {args.output}", file=sys.stderr)
    elif there is None and not {"height_m", "pitch_deg"} <= given.keys():
        print(
            f"{NAME}: how it is mounted was not told: taken are {mount.height_m:g} m high and {mount.pitch_deg:g}° nose down within "
            f"{mount.pitch_sigma_deg:g}°; measure it (--height, --pitch) or run trikeye calibrate mount",
            file=sys.stderr,
        )
    return mount


def four(words: str) -> tuple[float, ...]:
    """An argument of four numbers. Raises what argparse tells."""
    try:
        numbers = tuple(float(word) for word in words.split(","))
    except ValueError:
        numbers = ()
    if len(numbers) != 4:
        raise argparse.ArgumentTypeError(
            f"'{words}' is not four numbers with commas between, as 721.5,721.5,609.6,172.9"
        )
    return numbers


def size(words: str) -> tuple[int, int]:
    """An argument of width and height. Raises what argparse tells."""
    try:
        width, height = (int(word) for word in words.lower().split("x"))
    except ValueError:
        width = height = 0
    if width < 1 or height < 1:
        raise argparse.ArgumentTypeError(f"'{words}' is not a width and a height, as 1242x375")
    return width, height
