"""From pictures to views: what is found, what is blurred, and that another board is told as such."""

from __future__ import annotations

from types import ModuleType

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from calibration.board import Board
from calibration.camera import Camera
from calibration.find import find, may_show
from calibration.look import guidance, look, watch
from calibration.views import BLURRED_PX, Refused, View

BOARD = Board("chessboard", (9, 6))
CAMERA = Camera((480, 360), (420.0, 420.0), (239.5, 179.5))
Pictures = list[tuple[str, npt.NDArray[np.uint8]]]


@pytest.fixture(scope="module")
def drawn(drawn_boards: ModuleType) -> Pictures:
    return list(drawn_boards.pictures(BOARD, CAMERA, 9, 4, 0.12))


def test_what_shows_no_board_is_named(drawn: Pictures) -> None:
    noise = np.random.default_rng(1).integers(0, 255, (360, 480)).astype(np.uint8)
    told: list[str] = []
    views, missed = look([*drawn, ("noise", noise)], BOARD, told.append, 10)
    assert [view.name for view in views] == [name for name, _ in drawn]
    assert list(missed) == ["noise"]
    assert "9x6 squares" in missed["noise"]
    assert len(told) == 10
    assert told[0] == "pictures looked at: 1 of 10, a chessboard of 9x6 squares found in 1"
    assert told[9] == "pictures looked at: 10 of 10, a chessboard of 9x6 squares found in 9"


def test_another_board_is_told_with_what_to_give(drawn: Pictures) -> None:
    with pytest.raises(Refused, match="give --squares 9x6"):
        look(drawn, Board("chessboard", (8, 5)), lambda _: None)


@pytest.fixture(scope="module")
def markers(drawn_boards: ModuleType) -> Pictures:
    """A grid of markers, five times."""
    return list(drawn_boards.pictures(Board("aruco", (5, 4), 25.0, 18.0), CAMERA, 5, 4, 0.12))


def test_pictures_of_two_boards_are_told_as_such_and_never_by_squares_of_markers(drawn: Pictures, markers: Pictures) -> None:  # fmt: skip
    with pytest.raises(Refused) as told:
        look([*drawn[:3], *markers], BOARD, lambda _: None)
    said = str(told.value)
    assert "found in 3 of 8 pictures; others show markers of 4X4_100: give pictures of one board alone" in said
    assert "--aruco, with --dictionary 4X4_100" in said
    assert "--squares" not in said


def test_a_chessboard_looked_at_as_markers_is_told(drawn: Pictures) -> None:
    with pytest.raises(Refused, match=r"others show a chessboard of 9x6 squares: give --squares 9x6 without --aruco"):
        look(drawn, Board("aruco", (9, 6), 25.0, 18.0), lambda _: None)


def test_markers_of_another_dictionary_are_told(markers: Pictures) -> None:
    with pytest.raises(Refused, match="give --dictionary 4X4_1000"):
        look(markers, Board("aruco", (5, 4), 25.0, 18.0, "6X6_50"), lambda _: None)


def test_a_blurred_board_has_wide_edges(drawn: Pictures) -> None:
    name, sharp = drawn[4]
    views = [find(name, cv2.GaussianBlur(sharp, (0, 0), blur) if blur else sharp, BOARD) for blur in (0.0, 3.5)]
    edges = [view.edge_px for view in views if view is not None and view.edge_px is not None]
    assert len(edges) == 2
    assert edges[0] < 0.7 * BLURRED_PX < BLURRED_PX < edges[1]


def test_a_wide_picture_is_searched_small_and_measured_large(drawn: Pictures) -> None:
    name, grey = drawn[4]
    at_once = find(name, grey, BOARD)
    large = find(name, cv2.resize(grey, None, fx=5, fy=5, interpolation=cv2.INTER_CUBIC), BOARD)
    assert at_once is not None
    assert large is not None
    order = slice(None, None, 1 if np.abs(large.points_px[0] / 5 - at_once.points_px[0]).max() < 5 else -1)
    assert (large.points_px[order] + 0.5) / 5 - 0.5 == pytest.approx(at_once.points_px, abs=0.3)


def test_a_camera_is_watched_until_it_ends_and_told_what_to_see_next(drawn: Pictures) -> None:
    told: list[str] = []
    views: list[View] = []
    empty = np.full((360, 480), 120, np.uint8)
    frames = [each for _, grey in drawn for each in (empty, grey, grey)]
    watch(frames, BOARD, views, told.append)
    assert 7 <= len(views) <= 9
    assert len(told) == len(views) + 1
    assert "upper" in told[1] or "lower" in told[1]
    assert told[1].count("#") < told[-1].count("#") <= 24
    assert not may_show(empty, BOARD)


def test_guidance_ends_when_nothing_is_lacking(drawn: Pictures) -> None:
    views, _ = look(drawn, BOARD, lambda _: None)
    assert "that is enough" in guidance(views * 3, [])
    assert "11 more" in guidance(views, [])
