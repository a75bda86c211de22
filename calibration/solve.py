"""Cameras calculated from views of a board, and judged by boards that were left out. A door to OpenCV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import cv2
import numpy as np

from calibration.board import Board
from calibration.camera import Camera, Model
from calibration.views import (
    WIDE,
    Array,
    Refused,
    View,
    believed_px,
    check_enough,
    check_fit,
    check_shape,
    check_spread,
    is_fisheye,
    misfits,
    tilt_deg,
)

SPLITS, LEFT_OUT = 20, 0.2
K3_GAIN = 0.9
"""k3 is taken if left-out boards are then off by less than this share: it bends the corners wildly that no board was in."""
FISHEYE_GUESS = 2.1
"""Width to focal length to begin with, from which all tried lenses were found."""
MISFIT_ROUNDS = 3

cv2.setNumThreads(1)


@dataclass(frozen=True)
class Solved:
    """A camera, how sure its focal length is (pinhole alone), how its boards lay (rotation vectors [3]), and what their points [N, 2] are off by."""

    camera: Camera
    focal_sigma_px: float | None
    turns: tuple[Array, ...]
    off_px: tuple[Array, ...]

    @property
    def errors_px(self) -> Array:
        """The root mean square distance of each view's points."""
        return np.array([rms(off) for off in self.off_px])

    @property
    def tilt_deg(self) -> float:
        """How differently the boards are tilted."""
        return tilt_deg([cv2.Rodrigues(turn)[0][:, 2] for turn in self.turns])


@dataclass(frozen=True)
class Result:
    """What a calibration ends with: the camera, views used and refused, the errors of left-out boards, and of the other model's."""

    solved: Solved
    views: tuple[View, ...]
    refused: dict[str, str]
    held_out_px: Array
    other_held_out_px: Array | None


def rms(off_px: Array) -> float:
    """The root mean square length of [N, 2]."""
    return float(np.sqrt(np.mean(np.sum(off_px**2, axis=1))))


def solve(views: Sequence[View], model: Model, with_k3: bool = True) -> Solved:
    """The camera that fits views best, a pinhole with or without k3. Raises Refused if none can be calculated."""
    size = views[0].size_px
    try:
        k, d, turns, moves, sigma = (_fisheye if model == "fisheye" else partial(_pinhole, with_k3=with_k3))(
            views, size
        )
    except cv2.error as wrong:
        raise Refused(f"no {model} camera fits the pictures ({wrong.err}): take others, with the whole board in them, or leave out --model") from None  # fmt: skip
    focal, centre = (float(k[0, 0]), float(k[1, 1])), (float(k[0, 2]), float(k[1, 2]))
    camera = Camera(size, focal, centre, tuple(map(float, np.ravel(d))), model)
    poses = [(_flat(turn), _flat(move)) for turn, move in zip(turns, moves, strict=True)]
    off = tuple(_off_px(camera, view, *pose) for view, pose in zip(views, poses, strict=True))
    return Solved(camera, sigma, tuple(turn for turn, _ in poses), off)


def _pinhole(views: Sequence[View], size: tuple[int, int], with_k3: bool) -> Any:
    """OpenCV's matrix, distortion, turns, moves, and the focal length's sigma."""
    boards = [view.board_mm.astype(np.float32) for view in views]
    points = [view.points_px.astype(np.float32) for view in views]
    how = 0 if with_k3 else cv2.CALIB_FIX_K3
    _, k, d, turns, moves, sigmas, _, _ = cv2.calibrateCameraExtended(boards, points, size, None, None, flags=how)  # type: ignore[call-overload]
    return k, d.ravel()[: 5 if with_k3 else 4], turns, moves, float(np.mean(sigmas[:2]))


def _fisheye(views: Sequence[View], size: tuple[int, int]) -> Any:
    """OpenCV's matrix, distortion, turns and moves; it tells no sigma."""
    focal = size[0] / FISHEYE_GUESS
    guess = np.array([[focal, 0, (size[0] - 1) / 2], [0, focal, (size[1] - 1) / 2], [0, 0, 1]])
    how = cv2.fisheye.CALIB_USE_INTRINSIC_GUESS | cv2.fisheye.CALIB_RECOMPUTE_EXTRINSIC | cv2.fisheye.CALIB_FIX_SKEW
    enough = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 100, 1e-7)
    boards, points = [view.board_mm[None] for view in views], [view.points_px[None] for view in views]
    _, k, d, turns, moves = cv2.fisheye.calibrate(
        boards, points, size, guess, np.zeros((4, 1)), flags=how, criteria=enough
    )
    return k, d, turns, moves, None


def _array(values: Any) -> Array:
    return np.asarray(values, np.float64)


def _flat(values: Any) -> Array:
    return _array(values).ravel()


def guessed_tilt_deg(views: Sequence[View]) -> float:
    """How differently boards are tilted, before anything is known of the camera but that it is no fisheye."""
    width, height = views[0].size_px
    guess = np.array([[width, 0, width / 2], [0, width, height / 2], [0, 0, 1]], np.float64)
    turns = [cv2.solvePnP(view.board_mm, view.points_px, guess, None)[1] for view in views]
    return tilt_deg([cv2.Rodrigues(turn)[0][:, 2] for turn in turns])


def _matrix(camera: Camera) -> Array:
    (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
    return np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]])


def _off_px(camera: Camera, view: View, turn: Array, move_mm: Array) -> Array:
    """What each point [N, 2] of a view is off by."""
    k, d = _matrix(camera), np.array(camera.distortion)
    if camera.model == "fisheye":
        shown, _ = cv2.fisheye.projectPoints(view.board_mm[None], turn, move_mm, k, d)
    else:
        shown, _ = cv2.projectPoints(view.board_mm, turn, move_mm, k, d)
    return _array(shown).reshape(-1, 2) - view.points_px


def error_px(camera: Camera, view: View) -> float:
    """The root mean square error of a view that a camera was not made from: its pose is found first. Infinite if there is none."""
    k, d, points = _matrix(camera), np.array(camera.distortion), view.points_px[:, None]
    if camera.model == "fisheye":
        points, k, d = _array(cv2.fisheye.undistortPoints(points, k, d)), np.eye(3), np.zeros(4)
    try:
        done, turn, move = cv2.solvePnP(view.board_mm, points, k, d)
    except cv2.error:
        done = False
    return rms(_off_px(camera, view, _flat(turn), _flat(move))) if done else float("inf")


def held_out(
    views: Sequence[View], model: Model, with_k3: bool = True, tell: Callable[[int], None] = lambda _: None
) -> Array:
    """Errors in pixels of boards that were left out, all of SPLITS seeded splits, a fifth of the views left out in each. Raises Refused."""
    errors, count = [], max(1, round(LEFT_OUT * len(views)))
    for split in range(SPLITS):
        tell(split)
        order = np.random.default_rng(split).permutation(len(views))
        camera = solve([views[i] for i in order[count:]], model, with_k3).camera
        errors += [error_px(camera, views[i]) for i in order[:count]]
    return np.array(errors)


def calibrate(
    kept: Sequence[View], refused: dict[str, str], board: Board, model: Model | None, tell: Callable[[str], None]
) -> Result:
    """A camera from views of a board: of the model that was asked for, else of a pinhole unless a fisheye is clearly better.

    `refused` says why other pictures are of no use. Raises Refused, also for a camera that may not be believed. `tell` hears how far it is.
    """
    check_enough(kept, refused, board.words)
    result = _chosen(lambda each, with_k3: _calculated(kept, refused, board, each, with_k3, tell), model)
    check_fit(result.solved.camera, result.held_out_px, board.words)
    check_spread(result.views, result.solved.tilt_deg)
    check_shape(result.solved.camera)
    return result


def _chosen(calculated: Callable[[Model, bool], Result], model: Model | None) -> Result:
    """Of a pinhole and a fisheye the one that left-out boards speak for. Raises Refused, also if that is not the model asked for."""
    if model == "fisheye":
        return calculated("fisheye", False)
    pinhole = _with_k3_if_better(calculated)
    if not _may_be_fisheye(pinhole):
        return pinhole
    try:
        fisheye = calculated("fisheye", False)
    except Refused:
        return pinhole
    if not is_fisheye(pinhole.solved.camera, pinhole.views, pinhole.held_out_px, fisheye.held_out_px):
        return replace(pinhole, other_held_out_px=fisheye.held_out_px)
    if model == "pinhole":
        raise Refused(f"this is a fisheye lens: boards that were left out are off by {np.median(pinhole.held_out_px):.2f} px as a pinhole and by {np.median(fisheye.held_out_px):.2f} px as a fisheye, and it squeezes its picture outwards; give --model fisheye, or no model")  # fmt: skip
    return replace(fisheye, other_held_out_px=pinhole.held_out_px)


def _with_k3_if_better(calculated: Callable[[Model, bool], Result]) -> Result:
    plain = calculated("pinhole", False)
    try:
        more = calculated("pinhole", True)
    except Refused:
        return plain
    return more if np.median(more.held_out_px) < K3_GAIN * np.median(plain.held_out_px) else plain


def _calculated(
    kept: Sequence[View],
    refused: dict[str, str],
    board: Board,
    model: Model,
    with_k3: bool,
    tell: Callable[[str], None],
) -> Result:
    """A camera from the views that fit each other, not judged yet. Raises Refused."""
    what = f"{model}{' with k3' if with_k3 else ''}"
    solved, refused = solve(kept, model, with_k3), dict(refused)
    for _ in range(MISFIT_ROUNDS):
        errors = solved.errors_px
        off = misfits(errors)
        if not off.any():
            break
        usual = float(np.median(errors))
        refused |= {view.name: f"does not fit the others: off by {error:.1f} px, they by {usual:.1f}; blurred, or the board not flat"
                    for view, error, is_off in zip(kept, errors, off, strict=True) if is_off}  # fmt: skip
        kept = [view for view, is_off in zip(kept, off, strict=True) if not is_off]
        check_enough(kept, refused, board.words)
        solved = solve(kept, model, with_k3)
    errors = held_out(
        kept, model, with_k3, lambda split: tell(f"{what}: {len(kept)} pictures, split {split + 1} of {SPLITS}")
    )
    return Result(solved, tuple(kept), refused, errors, None)


def _may_be_fisheye(result: Result) -> bool:
    width, focal = result.solved.camera.size_px[0], result.solved.camera.focal_px[0]
    return bool(width / focal > WIDE or np.median(result.held_out_px) > believed_px(width) / 2)
