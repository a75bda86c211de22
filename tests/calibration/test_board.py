"""Boards on paper: true to scale, as OpenCV has them, and found again when they are drawn."""

from __future__ import annotations

import re

import cv2
import numpy as np
import pytest

from calibration.board import BadBoard, Board, dark_mm, page, paper_for, size_mm, typed
from calibration.find import find, markers_of

CHESS, CHARUCO = Board("chessboard", (9, 6)), Board("charuco", (9, 6), 25.0, 18.0)
ARUCO = Board("aruco", (4, 5), 42.5, 37.5, "6X6_1000")
POINT_MM = 25.4 / 72


def rectangles_mm(document: bytes) -> list[tuple[float, ...]]:
    """Of a page: left, bottom, width, height of what is filled."""
    found = re.findall(rb"^([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re$", document, re.MULTILINE)
    return [tuple(float(number) * POINT_MM for number in each) for each in found]


def test_squares_and_ruler_are_true_to_scale() -> None:
    boxes = rectangles_mm(page(CHESS, []))
    squares = [box for box in boxes if box[2:] == pytest.approx((25, 25), abs=1e-3)]
    assert len(squares) == 27
    assert max(x for x, *_ in squares) - min(x for x, *_ in squares) == pytest.approx(200, abs=1e-3)
    assert sum(width == pytest.approx(100.2, abs=1e-3) for _, _, width, _ in boxes) == 1
    for left, bottom, width, height in boxes:
        assert 10 <= left <= left + width <= 287
        assert 4 <= bottom <= bottom + height <= 200


@pytest.mark.parametrize("board", [CHESS, CHARUCO, ARUCO])
def test_a_reader_finds_every_object_where_the_table_says(board: Board) -> None:
    document = page(board, markers_of(board))
    table = int(document.rsplit(b"startxref\n", 1)[1].split()[0])
    assert document[table:].startswith(b"xref\n0 6\n")
    for number, entry in enumerate(document[table:].splitlines()[3:8], start=1):
        assert document[int(entry[:10]) :].startswith(b"%d 0 obj" % number)
    length = int(re.findall(rb"/Length (\d+)", document)[0])
    assert document.split(b"stream\n", 1)[1][length:].startswith(b"endstream")
    assert typed(board).encode() in document


@pytest.mark.parametrize("board", [CHARUCO, ARUCO])
def test_the_layout_is_that_of_opencv(board: Board) -> None:
    dictionary = cv2.aruco.getPredefinedDictionary(getattr(cv2.aruco, f"DICT_{board.dictionary}"))
    size = tuple(round(4 * mm) for mm in size_mm(board))
    if board.kind == "charuco":
        drawn = cv2.aruco.CharucoBoard(board.squares, 25.0, 18.0, dictionary).generateImage(size)
    else:
        drawn = cv2.aruco.GridBoard(board.squares, 37.5, 5.0, dictionary).generateImage(size)
    ours = np.full(size[::-1], 255, np.uint8)
    for left, top, width, height in dark_mm(board, markers_of(board)) * 4:
        ours[round(top) : round(top + height), round(left) : round(left + width)] = 0
    assert np.mean(ours != drawn) < 0.02


@pytest.mark.parametrize(("board", "points"), [(CHESS, 40), (CHARUCO, 40), (ARUCO, 80)])
def test_a_drawn_board_is_found_where_it_is(board: Board, points: int) -> None:
    across, down = (round(4 * mm) + 120 for mm in size_mm(board))
    drawn = np.full((down, across), 230, np.uint8)
    for left, top, width, height in dark_mm(board, markers_of(board)) * 4 + np.array((60, 60, 0, 0)):
        drawn[round(top) : round(top + height), round(left) : round(left + width)] = 20
    view = find("drawn", cv2.GaussianBlur(drawn, (0, 0), 0.8), board)
    assert view is not None
    assert len(view.points_px) == points
    turned = np.column_stack((view.board_mm[:, :2], np.ones(points)))
    fitted, *_ = np.linalg.lstsq(turned, view.points_px, rcond=None)
    assert np.abs(fitted[:2]) == pytest.approx(4 * np.eye(2), abs=0.02)
    assert np.abs(turned @ fitted - view.points_px).max() < 0.6


def test_the_smallest_paper_that_fits_is_taken() -> None:
    assert paper_for(CHESS)[0] == "A4"
    assert paper_for(Board("chessboard", (6, 9)))[1:] == (210.0, 297.0)
    assert paper_for(Board("chessboard", (9, 6), 40.0))[0] == "A3"
    with pytest.raises(BadBoard, match="fit on A4"):
        paper_for(Board("chessboard", (9, 6), 40.0), ["A4"])


@pytest.mark.parametrize(
    ("kind", "squares", "square_mm", "marker_mm", "words"),
    [
        ("chessboard", (3, 9), 25.0, 0.0, "4 to 50"),
        ("chessboard", (9, 6), 0.0, 0.0, "1 to 1000 mm"),
        ("charuco", (9, 6), 25.0, 25.0, "marker"),
        ("aruco", (9, 6), 25.0, 2.0, "marker"),
    ],
)
def test_a_board_that_cannot_be_is_refused(
    kind: str, squares: tuple[int, int], square_mm: float, marker_mm: float, words: str
) -> None:
    with pytest.raises(BadBoard, match=words):
        Board(kind, squares, square_mm, marker_mm)  # type: ignore[arg-type]


def test_a_dictionary_without_enough_markers_is_refused() -> None:
    with pytest.raises(BadBoard, match="108 markers, 4X4_50 has 50"):
        markers_of(Board("charuco", (18, 12), 15.0, 10.0, "4X4_50"))
    with pytest.raises(BadBoard, match="there are 4X4_100"):
        markers_of(Board("charuco", (9, 6), 25.0, 18.0, "9X9_50"))
