"""Pictures of a board as a known camera sees it: the truth that a calibration is measured against."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np
import numpy.typing as npt

from calibration.board import Board, dark_mm, size_mm
from calibration.camera import Camera
from calibration.find import markers_of

F64 = npt.NDArray[np.float64]
Grey = npt.NDArray[np.uint8]
TEXTURE_PX_PER_MM = 6
RIM_MM = 10.0
FINER = 3
DARK, BRIGHT, AROUND = 25, 225, 120
BLUR_PX, NOISE = 0.6, 2.0


def pictures(board: Board, camera: Camera, count: int, seed: int, reach: float = 0.25) -> Iterator[tuple[str, Grey]]:
    """So many pictures [height, width] with their names: the board in all parts of the picture, tilted up to 40°, a third to two thirds as wide.

    Its middle lies up to `reach` of the picture off the middle.
    """
    texture, rays, dice = _texture(board), _rays(camera), np.random.default_rng(seed)
    for number in range(count):
        turn, move_mm = _pose(board, camera, number, reach, dice)
        yield f"drawn {number}", _drawn(texture, rays, turn, move_mm, camera.size_px, dice)


def _texture(board: Board) -> npt.NDArray[np.float32]:
    width, height = (round((side + 2 * RIM_MM) * TEXTURE_PX_PER_MM) for side in size_mm(board))
    texture = np.full((height, width), BRIGHT, np.float32)
    for left, top, across, down in dark_mm(board, markers_of(board)):
        x1, y1, x2, y2 = (round((mm + RIM_MM) * TEXTURE_PX_PER_MM) for mm in (left, top, left + across, top + down))
        texture[y1:y2, x1:x2] = DARK
    return texture


def _rays(camera: Camera) -> npt.NDArray[np.float32]:
    """Directions [height, width, 2] (x/z, y/z) of the points that a picture FINER times as fine has."""
    (width, height), (fx, fy), (cx, cy) = camera.size_px, camera.focal_px, camera.centre_px
    u, v = np.meshgrid(*((np.arange(side * FINER) + 0.5) / FINER - 0.5 for side in (width, height)))
    matrix, bent = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), np.array(camera.distortion)
    points = np.stack((u, v), axis=-1).reshape(-1, 1, 2)
    if camera.model == "fisheye":
        straight = cv2.fisheye.undistortPoints(points, matrix, bent)
    else:
        straight = cv2.undistortPointsIter(
            points, matrix, bent, None, None, (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 40, 1e-9)
        )
    return np.asarray(straight, np.float32).reshape(height * FINER, width * FINER, 2)


def _pose(board: Board, camera: Camera, number: int, reach: float, dice: np.random.Generator) -> tuple[F64, F64]:
    """Rotation [3, 3] and place of the board's upper left corner in the camera, its middle in one of 3 x 3 parts of the picture in turn."""
    width, height = camera.size_px
    tilt, around = np.radians(dice.uniform(10, 40)), dice.uniform(0, 2 * np.pi)
    turn = (
        cv2.Rodrigues(tilt * np.array((np.cos(around), np.sin(around), 0.0)))[0]
        @ cv2.Rodrigues(np.array((0, 0, dice.normal(0, 0.2))))[0]
    )
    across_mm, down_mm = size_mm(board)
    far_mm = camera.focal_px[0] * across_mm / (dice.uniform(0.33, 0.66) * width)
    column, row = number % 3, number // 3 % 3
    x, y = camera.ray(width * (0.5 + reach * (column - 1)), height * (0.5 + reach * (row - 1)))
    return np.asarray(turn), far_mm * np.array((x, y, 1.0)) - turn @ np.array((across_mm / 2, down_mm / 2, 0.0))


def _drawn(
    texture: npt.NDArray[np.float32],
    rays: npt.NDArray[np.float32],
    turn: F64,
    move_mm: F64,
    size_px: tuple[int, int],
    dice: np.random.Generator,
) -> Grey:
    """Each ray's point of the board's plane, looked up in the texture; then as coarse as a sensor, a little blurred and noisy."""
    board_from_ray = np.linalg.inv(np.column_stack((turn[:, 0], turn[:, 1], move_mm)))
    scaled = (
        np.diag((TEXTURE_PX_PER_MM, TEXTURE_PX_PER_MM, 1.0))
        @ np.array(((1, 0, RIM_MM), (0, 1, RIM_MM), (0, 0, 1.0)))
        @ board_from_ray
    )
    x, y, z = cv2.split(cv2.transform(rays, scaled.astype(np.float32)))
    fine = cv2.remap(
        texture, x / z - 0.5, y / z - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=AROUND
    )
    coarse = cv2.GaussianBlur(cv2.resize(fine, size_px, interpolation=cv2.INTER_AREA), (0, 0), BLUR_PX)
    return np.asarray(np.clip(np.round(coarse + dice.normal(0, NOISE, coarse.shape)), 0, 255), np.uint8)
