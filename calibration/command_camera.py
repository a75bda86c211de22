"""`trikeye calibrate camera`: a camera file from pictures of a board, a film, a live camera, or known values."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, replace
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

import numpy as np

from calibration.arguments import four, height, size, squares
from calibration.board import DICTIONARY, MARKER_SHARE, BadBoard, Board
from calibration.camera import Camera
from calibration.command_show import field_of_view_deg
from calibration.files import (
    DEFAULT_MOUNT,
    Made,
    MalformedCameraFile,
    check_mount,
    keep_old,
    read_camera,
    write_camera,
    write_whole,
)
from calibration.mount import Mount
from calibration.views import LEAST_VIEWS, Refused, View, sort_out

if TYPE_CHECKING:
    from calibration.find import Grey
    from calibration.solve import Result

NAME = "trikeye calibrate camera"
ANGLES = ("pitch", "pitch_sigma", "roll", "yaw")
PLOTS = {
    "coverage.png": "Where the board was",
    "residuals.png": "What points are off by",
    "distortion.png": "What the lens does",
}
UNSQUARE, OFF_MIDDLE, FIELDS_DEG = 0.03, 0.1, (5.0, 150.0)
"""What known values may be: focal lengths apart by their share, the principal point off the middle by the picture's share, the field of view across."""
SAID_EVERY_S = 5.0
"""How often progress is told where there is no terminal."""


class WrongUsage(Exception):
    """Arguments that do not go together; the text says what to give."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", nargs="*", help="pictures of the board, folders of them, or a film (20 to 40 views)")
    parser.add_argument("--live", metavar="CAMERA", help="watch a camera instead: its number, device or address; says what to show it next")  # fmt: skip
    add_board_arguments(parser)
    parser.add_argument("--model", choices=("pinhole", "fisheye"), help="the lens (default: what left-out boards speak for)")  # fmt: skip
    parser.add_argument("--report", type=Path, metavar="DIR", help="write plots and a page there")
    known = parser.add_argument_group("known values instead of pictures")
    known.add_argument("--known", type=four, metavar="FX,FY,CX,CY", help="focal lengths and principal point in pixels")
    known.add_argument("--size", type=size, metavar="WxH", help="size of the pictures that they are for, 1242x375")
    mount = parser.add_argument_group("how it is mounted (what is not given is kept from FILE)")
    mount.add_argument("--height", type=height, metavar="M", help="lens over the road in metres")
    mount.add_argument("--pitch", type=float, metavar="DEG", help="degrees, positive nose down")
    mount.add_argument("--pitch-sigma", type=float, metavar="DEG", help="how well the pitch is known, one sigma (default: 1.5)")  # fmt: skip
    mount.add_argument("--roll", type=float, metavar="DEG", help="degrees, positive left side up")
    mount.add_argument("--yaw", type=float, metavar="DEG", help="degrees, positive to the left")
    parser.add_argument("--output", type=Path, required=True, metavar="FILE", help="the camera file to write (.toml)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def add_board_arguments(parser: argparse.ArgumentParser) -> None:
    """What a board is told by, here and where one is printed."""
    board = parser.add_argument_group("the board")
    kind = board.add_mutually_exclusive_group()
    kind.add_argument("--charuco", action="store_const", dest="board", const="charuco", help="a chessboard with markers in its white squares")  # fmt: skip
    kind.add_argument("--aruco", action="store_const", dest="board", const="aruco", help="a grid of markers")
    parser.set_defaults(board="chessboard")
    board.add_argument("--squares", type=squares, default=(9, 6), metavar="AxD", help="squares (or markers) across and down, outer ones too (default: 9x6)")  # fmt: skip
    board.add_argument("--square-mm", type=float, default=25.0, metavar="MM", help="side of a square, or from marker to marker (default: 25)")  # fmt: skip
    board.add_argument("--marker-mm", type=float, metavar="MM", help=f"side of a marker (default: {MARKER_SHARE:g} of a square)")  # fmt: skip
    board.add_argument("--dictionary", default=DICTIONARY, metavar="NAME", help="of the markers (default: %(default)s)")


def board_of(args: argparse.Namespace) -> Board:
    """The board that is told. Raises BadBoard."""
    marker_mm = MARKER_SHARE * args.square_mm if args.marker_mm is None else args.marker_mm
    return Board(args.board, args.squares, args.square_mm, 0.0 if args.board == "chessboard" else marker_mm, args.dictionary)  # fmt: skip


def run(args: argparse.Namespace) -> int:
    from calibration.pictures import Unreadable

    refused: dict[str, str] = {}
    try:
        mount, kept = _mount(args)
        camera, made, result = _known(args) if args.known else _solved(args, refused)
        old = keep_old(args.output) if args.output.exists() and read_camera(args.output)[0] != camera else None
        if old:
            kept += f"; the file that was there, of another lens, is kept as {old}"
        write_camera(args.output, camera, mount, made)
    except (WrongUsage, BadBoard) as wrong:
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return 2
    except (MalformedCameraFile, Refused, Unreadable) as wrong:
        _name(refused)
        print(f"{NAME}: {wrong}", file=sys.stderr)
        return 1
    _name(result.refused if result else {})
    print(f"{NAME}: {kept}", file=sys.stderr)
    is_reported = not (args.report and result) or _report(args, result)
    _tell(args, camera, mount, made, result, old)
    return 0 if is_reported else 1


def _known(args: argparse.Namespace) -> tuple[Camera, Made, None]:
    if args.size is None or args.source or args.live or args.report:
        raise WrongUsage("--known FX,FY,CX,CY goes with --size WxH, and without pictures or --report")
    fx, fy, cx, cy = args.known
    if fx <= 0 or fy <= 0:
        raise WrongUsage(f"focal lengths are pixels above zero, not {fx:g} and {fy:g}; the order is FX,FY,CX,CY")
    if not (0 < cx < args.size[0] and 0 < cy < args.size[1]):
        raise WrongUsage(f"the principal point ({cx:g}, {cy:g}) lies outside of a picture of {args.size[0]}x{args.size[1]}; the order is FX,FY,CX,CY")  # fmt: skip
    if max(fx, fy) > (1 + UNSQUARE) * min(fx, fy):
        raise WrongUsage(f"focal lengths of {fx:g} and {fy:g} px are those of no camera, whose pixels are square: see that no digit is missing")  # fmt: skip
    camera = Camera(args.size, (fx, fy), (cx, cy))
    across_deg = field_of_view_deg(camera)[0]
    if across_deg is None or not FIELDS_DEG[0] <= across_deg <= FIELDS_DEG[1]:
        raise WrongUsage(f"with a focal length of {fx:g} px a picture {args.size[0]} px wide would show {across_deg:.1f}°: see that both are of the same pictures")  # fmt: skip
    if any(abs(at / (whole - 1) - 0.5) > OFF_MIDDLE for at, whole in zip((cx, cy), args.size, strict=True)):
        print(f"{NAME}: the principal point ({cx:g}, {cy:g}) is far from the middle of {args.size[0]}x{args.size[1]}, as only of a part cut out of a larger picture: see that it is so", file=sys.stderr)  # fmt: skip
    return camera, Made(how="known values"), None


def _check_report(folder: Path) -> None:
    """Raises WrongUsage if no report can be written there."""
    if find_spec("matplotlib") is None:
        raise WrongUsage(
            "--report needs matplotlib, which is not installed: pip install matplotlib, or leave --report out"
        )
    there = next(each for each in (folder.absolute(), *folder.absolute().parents) if each.exists())
    try:
        with TemporaryFile(dir=there):
            pass
    except OSError:
        raise WrongUsage(f"--report {folder}: {there} is no folder that can be written to; name another") from None


def _solved(args: argparse.Namespace, refused: dict[str, str]) -> tuple[Camera, Made, Result]:
    """A camera from views of a board; pictures that are of no use are put into `refused`. Raises Refused, Unreadable, WrongUsage."""
    from calibration.look import look
    from calibration.pictures import PICTURES, files_of
    from calibration.solve import calibrate

    if args.report:
        _check_report(args.report)
    board, tell = board_of(args), Progress()
    if bool(args.source) == bool(args.live) or args.size:
        raise WrongUsage("give pictures of the board (or folders, or a film), or --live CAMERA, or --known FX,FY,CX,CY")
    if args.live:
        views = _watched(args.live, board)
    else:
        paths = files_of(args.source)
        total = len(paths) if all(path.suffix.lower() in PICTURES for path in paths) else None
        views, missed = look(_pictures(paths, refused), board, tell, total)
        refused |= missed
    kept, useless = sort_out(views)
    refused |= useless
    result = calibrate(kept, refused, board, args.model, tell)
    tell.end()
    middle, high = (round(float(each), 3) for each in np.percentile(result.held_out_px, (50, 90)))
    made = Made(how=f"pictures of a {board.words}", pictures=len(result.views), held_out_px=(middle, high), focal_sigma_px=result.solved.focal_sigma_px)  # fmt: skip
    return result.solved.camera, made, result


def _pictures(paths: list[Path], refused: dict[str, str]) -> Iterator[tuple[str, Grey]]:
    """Each picture, and of each film the sharpest frame of each stretch; one of several that is damaged is put into `refused`. Raises Unreadable."""
    from calibration.pictures import PICTURES, Unreadable, read_grey, sharp_frames

    for path in paths:
        try:
            if path.suffix.lower() in PICTURES:
                yield path.name, read_grey(path)
            else:
                yield from sharp_frames(path)
        except Unreadable as wrong:
            if len(paths) == 1:
                raise
            refused[path.name] = str(wrong)


def _watched(source: str, board: Board) -> list[View]:
    """What a camera shows until that is enough, or until Ctrl-C if it may be. Raises Unreadable, KeyboardInterrupt."""
    from calibration.look import watch
    from calibration.pictures import live_frames

    views: list[View] = []
    bell = "\a" if sys.stderr.isatty() else ""
    try:
        watch(live_frames(source), board, views, lambda words: print(f"{bell}{words}", file=sys.stderr, flush=True))
    except KeyboardInterrupt:
        if len(views) < LEAST_VIEWS:
            raise
    return views


class Progress:
    """How far it is, on a terminal in one line that is kept up to date, elsewhere now and then."""

    def __init__(self) -> None:
        self._terminal, self._said_s, self._length = sys.stderr.isatty(), 0.0, 0

    def __call__(self, words: str) -> None:
        if time.monotonic() - self._said_s < (0.2 if self._terminal else SAID_EVERY_S):
            return
        self._said_s = time.monotonic()
        print(f"\r{words:{self._length}}" if self._terminal else words, end="" if self._terminal else "\n", file=sys.stderr, flush=True)  # fmt: skip
        self._length = len(words)

    def end(self) -> None:
        """Nothing more comes in this line."""
        if self._terminal and self._length:
            print(file=sys.stderr)


def _report(args: argparse.Namespace, result: Result) -> bool:
    """Plots and a page about them; False, and said, if they cannot be written."""
    try:
        _write_report(args, result)
    except (OSError, ImportError) as wrong:
        why = f"{wrong.filename}: {wrong.strerror}" if isinstance(wrong, OSError) else wrong
        print(f"{NAME}: the camera file {args.output} is written, but not the report: {why}", file=sys.stderr)
        return False
    print(f"{NAME}: open {args.report / 'index.html'} in a browser", file=sys.stderr)
    return True


def _write_report(args: argparse.Namespace, result: Result) -> None:
    """Raises OSError, ImportError."""
    from calibration import plots

    images = (plots.coverage_png(result), plots.residuals_png(result), plots.distortion_png(result))
    for name, image in zip(PLOTS, images, strict=True):
        write_whole(args.report / name, image)
    page = plots.report_html(result, board_of(args).words, list(PLOTS.items()))
    write_whole(args.report / "index.html", page.encode())


def _name(refused: dict[str, str]) -> None:
    """Say which pictures were of no use, by reason."""
    for reason in dict.fromkeys(refused.values()):
        names = [name for name, why in refused.items() if why == reason]
        print(f"{NAME}: refused {', '.join(names)}: {reason}", file=sys.stderr)


def _tell(
    args: argparse.Namespace, camera: Camera, mount: Mount, made: Made, result: Result | None, old: Path | None
) -> None:
    if args.json:
        used = [view.name for view in result.views] if result else []
        told = {
            "file": str(args.output),
            "camera": asdict(camera),
            "mount": asdict(mount),
            "made": made.model_dump(),
            "used": used,
            "kept_as": str(old) if old else None,
        }
        print(json.dumps({**told, "refused": result.refused if result else {}}))
        return
    print(
        f"{args.output}: {camera.model} of {camera.size_px[0]}x{camera.size_px[1]}, focal length {camera.focal_px[0]:.1f} px"
    )
    if made.held_out_px:
        print(f"{made.how}: {made.pictures} used; boards that were left out are off by {made.held_out_px[0]:.2f} px (median), 9 of 10 by less than {made.held_out_px[1]:.2f} px")  # fmt: skip
    print(f"see what that means: trikeye calibrate show {args.output}; whether it is right: trikeye calibrate check PICTURE --camera {args.output} --out grid.png")  # fmt: skip


def _mount(args: argparse.Namespace) -> tuple[Mount, str]:
    """The mount of the file that is there, or the default, with what was given put in, and words on that. Raises MalformedCameraFile, WrongUsage."""
    if args.output.suffix != ".toml":
        raise WrongUsage(f"{args.output}: a camera file is a TOML file; end its name in .toml")
    given = {f"{name}_deg": value for name in ANGLES if (value := getattr(args, name)) is not None}
    if "pitch_deg" in given:
        given.setdefault("pitch_sigma_deg", Mount.pitch_sigma_deg)
    if args.height is not None:
        given["height_m"] = args.height
    there = read_camera(args.output)[1] if args.output.exists() else None
    mount = replace(there or DEFAULT_MOUNT, **given)
    check_mount(mount)
    if there is not None:
        return mount, f"how it is mounted was kept from {args.output}{', but for what was given' if given else ''}"
    if {"height_m", "pitch_deg"} <= given.keys():
        return mount, "how it is mounted was taken as given"
    untold = {
        f"{mount.height_m:g} m high": ("height_m", "--height"),
        f"{mount.pitch_deg:g}° nose down within {mount.pitch_sigma_deg:g}°": ("pitch_deg", "--pitch"),
    }
    assumed = {words: flag for words, (key, flag) in untold.items() if key not in given}
    what = "how it is mounted" if len(assumed) == 2 else "its pitch" if "pitch_deg" not in given else "its height"
    return mount, (
        f"{what} was not told: taken {'are' if len(assumed) == 2 else 'is'} {' and '.join(assumed)}; "
        f"measure it ({', '.join(assumed.values())}) or run trikeye calibrate mount"
    )
