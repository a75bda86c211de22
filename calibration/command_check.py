"""`trikeye calibrate check`: a picture with metres on its road, by which anyone sees whether a camera file is right."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from calibration.camera import OtherShape
from calibration.files import MalformedCameraFile, read_camera, write_whole
from calibration.grid import Line, grid

NAME = "trikeye calibrate check"
YELLOW, WHITE, CYAN = (0, 220, 255), (255, 255, 255), (255, 200, 0)
NEAR = {f"{metres} m" for metres in range(1, 6)}
COLOURS = {"ahead": YELLOW, "aside": WHITE, "horizon": CYAN}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("picture", type=Path, help="a picture or a film of the road from the mounted camera; of a film its middle frame is taken")  # fmt: skip
    parser.add_argument("--camera", type=Path, required=True, metavar="FILE", help="the camera file")
    parser.add_argument("--out", type=Path, default=Path("grid.png"), help="picture to write (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    from calibration.pictures import Unreadable, draw_lines, encoded, read_colour

    try:
        camera, mount, _ = read_camera(args.camera)
        image = read_colour(args.picture)
        fitting = camera.fitted_to(image.shape[1], image.shape[0])
        lines = grid(fitting, mount)
        drawn = draw_lines(image, [(line.strokes, line.label, COLOURS[line.kind], _thickness(line)) for line in lines])
        write_whole(args.out, encoded(drawn, args.out.suffix))
    except (MalformedCameraFile, OtherShape, Unreadable) as wrong:
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return 1
    seen = [line.label for line in lines if line.kind == "ahead"]
    if not seen:
        print(f"{args.out}: no road is in this picture, if the camera hangs as the file says; see its height and pitch: trikeye calibrate show {args.camera}")  # fmt: skip
        return 1
    print(
        f"{args.out}: lines across the road at {', '.join(seen)}, along it each metre up to 5 m aside, and the horizon"
    )
    print(f"measure one: lay something {seen[0]} before the lens. A line that is too near or too far for all alike says the pitch is off; a slanted horizon, the roll")  # fmt: skip
    return 0


def _thickness(line: Line) -> int:
    return 2 if line.kind == "horizon" or line.label in NEAR else 1
