"""Boards found in pictures. A door to OpenCV."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from calibration.board import BadBoard, Bits, Board
from calibration.views import Array, View

Grey = npt.NDArray[np.uint8]
LEAST_POINTS = 8
DICTIONARIES, LEAST_MARKERS = ("4X4_1000", "5X5_1000", "6X6_1000", "7X7_1000", "ARUCO_ORIGINAL", "APRILTAG_36h11"), 4
FOUND_AT_PX, QUICK_PX = 1920, 640
"""Wider pictures are searched at this width, and corners refined in the picture itself."""

cv2.setNumThreads(1)


def find(name: str, grey: Grey, board: Board) -> View | None:
    """The board in a grey picture [height, width], None without."""
    found = _find_chessboard(grey, board) if board.kind == "chessboard" else _find_markers(grey, board)
    if found is None:
        return None
    board_mm, points_px = (np.asarray(part, np.float64) for part in found)
    if len(points_px) < LEAST_POINTS or np.linalg.matrix_rank(board_mm[:, :2] - board_mm[0, :2]) < 2:
        return None
    edge = None
    if board.kind == "chessboard":
        inner = (board.squares[0] - 1, board.squares[1] - 1)
        corners = points_px.astype(np.float32).reshape(-1, 1, 2)
        edge = float(_array(cv2.estimateChessboardSharpness(grey, inner, corners)[0]).ravel()[0])
    return View(name, (grey.shape[1], grey.shape[0]), board_mm, points_px, edge)


def may_show(grey: Grey, board: Board) -> bool:
    """Whether it is worth while to look for a board, told in a hundredth of the time; now and then a board is missed."""
    if board.kind != "chessboard":
        return True
    scale = min(1.0, QUICK_PX / grey.shape[1])
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    return bool(cv2.checkChessboard(small, (board.squares[0] - 1, board.squares[1] - 1)))


def _find_chessboard(grey: Grey, board: Board) -> tuple[Array, Array] | None:
    inner = (board.squares[0] - 1, board.squares[1] - 1)
    scale = min(1.0, FOUND_AT_PX / grey.shape[1])
    searched = grey if scale == 1 else cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    done, corners = cv2.findChessboardCornersSB(searched, inner, flags=cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_ACCURACY)
    is_rough = not done
    if not done:
        done, corners = cv2.findChessboardCorners(searched, inner)
    if not done:
        return None
    points = (_array(corners).reshape(-1, 2) + 0.5) / scale - 0.5
    if is_rough or scale != 1:
        points = _refined(grey, points, inner)
    x, y = np.meshgrid(np.arange(inner[0]), np.arange(inner[1]))
    return _array(np.stack((x, y, np.zeros(x.shape)), axis=-1).reshape(-1, 3) * board.square_mm), points


def _refined(grey: Grey, points: Array, inner: tuple[int, int]) -> Array:
    """Corners moved to where the edges around them cross, looking no further than a third of the way to the next one."""
    grid = points.reshape(inner[1], inner[0], 2)
    steps = [np.linalg.norm(np.diff(grid, axis=axis), axis=2).min() for axis in (0, 1)]
    half = int(np.clip(min(steps) / 3, 2, 11))
    enough = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-3)
    corners = points.astype(np.float32).reshape(-1, 1, 2)
    return _array(cv2.cornerSubPix(grey, corners, (half, half), (-1, -1), enough)).reshape(-1, 2)


def _find_markers(grey: Grey, board: Board) -> tuple[Array, Array] | None:
    printed, dictionary = _printed(board), _dictionary(board.dictionary)
    if isinstance(printed, cv2.aruco.CharucoBoard):
        corners, ids, _, _ = cv2.aruco.CharucoDetector(printed).detectBoard(grey)
    else:
        settings = cv2.aruco.DetectorParameters()
        settings.cornerRefinementMethod = cv2.aruco.CORNER_REFINE_SUBPIX
        corners, ids, _ = cv2.aruco.ArucoDetector(dictionary, settings).detectMarkers(grey)  # type: ignore[assignment]
    if ids is None or len(ids) == 0:
        return None
    board_points, points = printed.matchImagePoints(corners, ids)  # type: ignore[call-overload]
    if points is None or len(points) == 0:
        return None
    return _array(board_points).reshape(-1, 3), _array(points).reshape(-1, 2)


def _printed(board: Board) -> cv2.aruco.CharucoBoard | cv2.aruco.GridBoard:
    dictionary = _dictionary(board.dictionary)
    if board.kind == "charuco":
        return cv2.aruco.CharucoBoard(board.squares, board.square_mm, board.marker_mm, dictionary)
    return cv2.aruco.GridBoard(board.squares, board.marker_mm, board.square_mm - board.marker_mm, dictionary)


def _dictionary(name: str) -> cv2.aruco.Dictionary:
    number = getattr(cv2.aruco, f"DICT_{name.upper()}", None)
    if number is None:
        known = sorted(
            each.removeprefix("DICT_") for each in dir(cv2.aruco) if each.startswith("DICT_") and each[5].isdigit()
        )
        raise BadBoard(f"there is no dictionary {name} of markers; there are {', '.join(known)}")
    return cv2.aruco.getPredefinedDictionary(number)


def markers_of(board: Board) -> list[Bits]:
    """The markers of a board with their dark rim, [side, side] each, True where dark. Raises BadBoard."""
    if board.kind == "chessboard":
        return []
    dictionary, count = _dictionary(board.dictionary), len(board.marker_places)
    if count > len(dictionary.bytesList):
        raise BadBoard(
            f"a {board.words} needs {count} markers, {board.dictionary} has {len(dictionary.bytesList)}: name a larger --dictionary"
        )
    side = dictionary.markerSize + 2
    return [np.asarray(cv2.aruco.generateImageMarker(dictionary, number, side)) == 0 for number in range(count)]


def squares_seen(grey: Grey) -> tuple[int, int] | None:
    """How many squares a chessboard in a picture has, the longer side first, if any is there."""
    how = cv2.CALIB_CB_EXHAUSTIVE | cv2.CALIB_CB_LARGER
    done, _, grid = cv2.findChessboardCornersSBWithMeta(grey, (3, 3), how)
    if not done:
        return None
    down, across = sorted(grid.shape[:2])
    return across + 1, down + 1


def markers_seen(grey: Grey, dictionary: str) -> str | None:
    """The dictionary that the markers in a picture are of, the one named before others; None with fewer than a few."""
    for name in (dictionary, *DICTIONARIES):
        _, ids, _ = cv2.aruco.ArucoDetector(_dictionary(name)).detectMarkers(grey)
        if ids is not None and len(ids) >= LEAST_MARKERS:
            return name
    return None


def _array(values: Any) -> Array:
    return np.asarray(values, np.float64)
