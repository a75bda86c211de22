"""Cameras calculated from boards that a known one saw, and refused where they should be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from calibration.board import Board
from calibration.camera import Camera
from calibration.find import find
from calibration.pictures import read_grey
from calibration.solve import Result, calibrate, guessed_tilt_deg, held_out
from calibration.views import Refused, View, sort_out

BOARD = Board("chessboard", (9, 6))
PINHOLE = Camera((1280, 720), (1100.0, 1104.0), (655.0, 352.0), (-0.2, 0.06, 0.0008, -0.0006))
FISHEYE = Camera((640, 640), (311.0, 311.0), (326.4, 310.5), (-0.02, 0.03, -0.05, 0.02), "fisheye")
Seen = Callable[..., list[View]]


def solved(views: list[View], model: str | None = None) -> Result:
    """Calibrate without a word."""
    return calibrate(views, {}, BOARD, model, lambda _: None)  # type: ignore[arg-type]


@pytest.mark.parametrize("truth", [PINHOLE, FISHEYE])
def test_the_camera_that_saw_the_boards_is_found(truth: Camera, views_of: Seen) -> None:
    result = solved(views_of(truth, 20))
    camera = result.solved.camera
    assert camera.model == truth.model
    assert camera.focal_px == pytest.approx(truth.focal_px, rel=2e-3)
    assert camera.centre_px == pytest.approx(truth.centre_px, abs=2.0)
    assert np.median(result.held_out_px) < 0.2
    for u, v in ((100.0, 100.0), (600.0, 300.0)):
        assert camera.ray(u, v) == pytest.approx(truth.ray(u, v), abs=2e-3)


def test_what_was_left_out_is_the_same_each_time(views_of: Seen) -> None:
    views = views_of(PINHOLE, 10)
    assert held_out(views, "pinhole").tolist() == held_out(views, "pinhole").tolist()
    assert len(held_out(views, "pinhole")) == 40


def test_a_fisheye_lens_as_a_pinhole_is_refused_with_what_to_do(views_of: Seen) -> None:
    with pytest.raises(Refused, match="--model fisheye"):
        solved(views_of(FISHEYE, 20), "pinhole")


def test_one_wrong_picture_is_named_and_left_out(views_of: Seen) -> None:
    views = views_of(PINHOLE, 12)
    views[4] = replace(views[4], points_px=views[4].points_px + np.random.default_rng(2).normal(0, 8, (40, 2)))
    result = solved(views)
    assert list(result.refused) == ["04.jpg"]
    assert "does not fit the others" in result.refused["04.jpg"]
    assert result.solved.camera.focal_px == pytest.approx(PINHOLE.focal_px, rel=4e-3)


def test_boards_of_another_shape_than_told_are_refused(views_of: Seen) -> None:
    turned = [
        replace(v, board_mm=v.board_mm.reshape(5, 8, 3).transpose(1, 0, 2).reshape(40, 3))
        for v in views_of(PINHOLE, 12)
    ]
    with pytest.raises(Refused, match="count its squares"):
        solved(turned)


def test_boards_that_all_face_the_camera_are_refused(views_of: Seen) -> None:
    with pytest.raises(Refused, match="tilted"):
        solved(views_of(PINHOLE, 14, tilt_deg=3.0, noise_px=0.02))


def test_seven_pictures_are_too_few(views_of: Seen) -> None:
    with pytest.raises(Refused, match="needed are 8"):
        solved(views_of(PINHOLE, 7))


def test_the_tilt_is_known_before_the_camera(views_of: Seen) -> None:
    assert (
        guessed_tilt_deg(views_of(PINHOLE, 14, tilt_deg=2.0, noise_px=0.02))
        < 12
        < guessed_tilt_deg(views_of(PINHOLE, 14))
    )


@pytest.mark.shared
def test_a_grid_of_markers_told_the_wrong_way_round_is_refused(shared: Path) -> None:
    pictures = [
        (path.name, read_grey(path)) for path in sorted((shared / "data/calibration/aruco_board").glob("*.jpg"))
    ]
    assert len(pictures) >= 8
    for squares, is_right in (((4, 5), True), ((5, 4), False)):
        board = Board("aruco", squares, 42.5, 37.5, "6X6_1000")
        kept, refused = sort_out([view for name, grey in pictures if (view := find(name, grey, board))])
        if is_right:
            focal_px = calibrate(kept, refused, board, None, lambda _: None).solved.camera.focal_px
            assert focal_px == pytest.approx((813.0, 813.0), rel=0.01)
        else:
            with pytest.raises(Refused, match="4x5 is not 5x4"):
                calibrate(kept, refused, board, None, lambda _: None)
