"""`trikeye calibrate locate`: boxes of pictures in, places on the road out; the same function that the vehicle calls."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import degrees, isfinite
from pathlib import Path
from typing import Any

from calibration.camera import Camera
from calibration.files import MalformedCameraFile, read_camera
from calibration.ground import GroundPoint, NoGround, ground_of_box, is_cut
from calibration.mount import Mount
from calibration.tables import MalformedTable, rows_of, text_of
from calibration.words import of_file

COLUMNS = ("frame", "category", "x1", "y1", "x2", "y2")


@dataclass(frozen=True)
class Box:
    """A row of the table: pixels of the full picture."""

    frame: str
    category: str
    box_px: tuple[float, float, float, float]


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("camera", type=Path, metavar="CAMERA.toml", help="the camera file")
    parser.add_argument(
        "boxes",
        metavar="BOXES.csv",
        help=f"a table with the columns {','.join(COLUMNS)} in pixels; - reads it from standard input",
    )
    parser.add_argument(
        "--depth-offset", nargs="+", action="extend", default=[], type=_offset, metavar="C=M",
        help="metres from the near edge of things of a category to their middle, added to the range; negative allowed (car=1.91)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON list, an object a row, in the rows' order")


def run(args: argparse.Namespace) -> int:
    try:
        camera, mount, _ = read_camera(args.camera)
        boxes = list(read_boxes(args.boxes))
    except (MalformedCameraFile, MalformedTable) as wrong:
        print(f"trikeye: {wrong}", file=sys.stderr)
        return 1
    offsets = dict(args.depth_offset)
    located = [(box, _located(box, camera, mount, offsets.get(box.category, 0.0))) for box in boxes]
    if args.json:
        print(json.dumps([_as_object(box, point, camera) for box, point in located], ensure_ascii=False))
        return 0
    print(f"{'frame':>10}  {'category':<20} {'left m':>8} {'forward m':>9}   95 % of the range")
    for box, point in located:
        print(_as_line(box, point, camera))
    return 0


def read_boxes(where: str) -> Iterator[Box]:
    """The rows of a table of boxes. Raises MalformedTable."""
    named = "standard input" if where == "-" else where
    try:
        data = sys.stdin.buffer.read() if where == "-" else Path(where).read_bytes()
    except OSError as wrong:
        raise MalformedTable(of_file(where, wrong)) from None
    for row in rows_of(text_of(data, named), named, COLUMNS):
        x1, y1, x2, y2 = (row.number(name) for name in COLUMNS[2:])
        if x2 < x1 or y2 < y1:
            raise MalformedTable(f"{named}, line {row.line}: a box needs x1 <= x2 and y1 <= y2")
        yield Box(row.cells["frame"], row.cells["category"], (x1, y1, x2, y2))


def _offset(text: str) -> tuple[str, float]:
    category, _, metres = text.rpartition("=")
    try:
        value = float(metres)
    except ValueError:
        value = float("nan")
    if not category or not isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is no CATEGORY=METRES, like car=1.91")
    return category, value


def _is_outside(box: Box, camera: Camera) -> bool:
    (x1, y1, x2, y2), (width, height) = box.box_px, camera.size_px
    return x1 >= width or x2 <= 0 or y1 >= height or y2 <= 0


def _located(box: Box, camera: Camera, mount: Mount, depth_m: float) -> GroundPoint | None:
    if _is_outside(box, camera):
        return None
    try:
        return ground_of_box(box.box_px, camera, mount, depth_m)
    except NoGround:
        return None


def _as_object(box: Box, point: GroundPoint | None, camera: Camera) -> dict[str, Any]:
    named: dict[str, Any] = {"frame": int(box.frame) if box.frame.isdecimal() else box.frame, "category": box.category}
    if point is None:
        return named | {"no_ground": True} | ({"outside": True} if _is_outside(box, camera) else {})
    (ff, fl), (_, ll) = point.covariance_m2.tolist()
    near_m, far_m = point.range_between_m()
    return named | {
        "right_m": -point.left_m, "forward_m": point.forward_m, "covariance": [[ll, -fl], [-fl, ff]],
        "range_m": point.range_m, "bearing_right_deg": -degrees(point.bearing_left_rad), "near_m": near_m, "far_m": far_m,
        "cut": any(is_cut(box.box_px, camera)),
    }  # fmt: skip


def _as_line(box: Box, point: GroundPoint | None, camera: Camera) -> str:
    named = f"{box.frame:>10}  {box.category:<20}"
    if _is_outside(box, camera):
        return f"{named} outside of the picture, which is {camera.size_px[0]}x{camera.size_px[1]} for this camera"
    if point is None:
        return f"{named} no ground: the foot of the box is at or above the horizon, or too near to it"
    near_m, far_m = point.range_between_m()
    return f"{named} {point.left_m:z8.2f} {point.forward_m:9.2f}   {near_m:.1f} to {far_m:.1f} m{', cut by the border of the picture' if any(is_cut(box.box_px, camera)) else ''}"
