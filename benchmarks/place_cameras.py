"""Cameras calculated from boards: real ones (the data of others) by boards that were left out, drawn ones by their truth too."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from drawn_boards import Grey, pictures
from place_row import Row

from calibration.board import Board
from calibration.camera import Camera, Model
from calibration.look import look
from calibration.pictures import files_of, read_grey
from calibration.solve import SPLITS, Result, calibrate, held_out
from calibration.views import sort_out

DASH, FISHEYE, DRAWN = Board("chessboard", (10, 7)), Board("chessboard", (7, 10)), Board("charuco", (9, 6), 25.0, 18.0)
LENSES: tuple[tuple[Model, bool], ...] = (("pinhole", False), ("pinhole", True), ("fisheye", False))
TRUTH = Camera((800, 500), (650.0, 651.5), (392.3, 255.8), (-0.21, 0.06, 0.0006, -0.0008))
COUNT, SEED = 18, 10


def figures(shared: Path | None) -> list[Row]:
    """Real boards where `shared` has them, and drawn ones."""
    folder = shared / "data" / "calibration" if shared else None
    return [
        _real("dash-camera boards", folder and folder / "chessboard_dashcam", DASH, (1.1, 1.6)),
        _real("fisheye boards", folder and folder / "fisheye_chessboard", FISHEYE, (0.25, 0.48)),
        *_drawn(),
    ]


def calibrated(sources: Iterable[tuple[str, Grey]], board: Board) -> Result:
    """What `trikeye calibrate camera` makes of pictures of a board."""
    views, missed = look(sources, board, lambda _: None)
    kept, useless = sort_out(views)
    return calibrate(kept, missed | useless, board, None, lambda _: None)


def _real(what: str, folder: Path | None, board: Board, aims_px: tuple[float, float]) -> Row:
    title, aim = f"{what}, held out p50 / p90 over {SPLITS} splits", f"<= {aims_px[0]:g} / {aims_px[1]:g} px"
    if folder is None:
        return Row(title, "", aim, None)
    result = calibrated(((path.name, read_grey(path)) for path in files_of([str(folder)])), board)
    middle, high = np.percentile(result.held_out_px, (50, 90))
    for model, with_k3 in LENSES:
        each = np.percentile(held_out(result.views, model, with_k3), (50, 90))
        print(
            f"  {what} as a {model}{' with k3' if with_k3 else ''}: {each[0]:.2f} / {each[1]:.2f} px", file=sys.stderr
        )
    print("".join(f"  refused {name}: {why}\n" for name, why in result.refused.items()), end="", file=sys.stderr)
    names = " ".join(result.refused) or "none"
    figure = f"{middle:.2f} / {high:.2f} px ({result.solved.camera.model}, {len(result.views)} used, refused: {names})"
    return Row(title, figure, aim, bool(middle <= aims_px[0] and high <= aims_px[1]))


def _drawn() -> list[Row]:
    result = calibrated(pictures(DRAWN, TRUTH, COUNT, SEED), DRAWN)
    middle, high = np.percentile(result.held_out_px, (50, 90))
    off = float(np.max(np.abs(np.array(result.solved.camera.focal_px) / TRUTH.focal_px - 1)))
    return [
        Row(
            f"drawn ChArUco, held out p50 / p90 over {SPLITS} splits",
            f"{middle:.3f} / {high:.3f} px",
            "<= 0.10 px",
            bool(high <= 0.10),
        ),
        Row("drawn ChArUco, focal length off by", f"{off:.3%}", "<= 0.2 %", off <= 0.002),
    ]
