"""Which views are of use, what is lacking, and what no camera can be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from calibration.camera import Camera
from calibration.views import (
    COLUMNS,
    LEAST_TILT_DEG,
    ROWS,
    Refused,
    View,
    check_enough,
    check_fit,
    check_shape,
    check_spread,
    coverage,
    is_fisheye,
    lacking,
    misfits,
    sort_out,
    squeeze,
    tilt_deg,
)

CAMERA = Camera((1280, 720), (1100.0, 1100.0), (640.0, 360.0))
FISHEYE = Camera((640, 640), (311.0, 311.0), (326.4, 310.5), (-0.02, 0.03, -0.05, 0.02), "fisheye")
Seen = Callable[..., list[View]]


def test_odd_sizes_blurred_ones_and_repetitions_are_refused_by_name(views_of: Seen) -> None:
    good = views_of(CAMERA, 5)
    odd = replace(good[0], name="odd.jpg", size_px=(1281, 721))
    blurred = replace(good[1], name="blurred.jpg", edge_px=9.0)
    again = replace(good[2], name="again.jpg", points_px=good[2].points_px + 3.0)
    kept, refused = sort_out([odd, *good, blurred, again])
    assert kept == good
    assert refused == {
        "odd.jpg": "is 1281x721, most are 1280x720",
        "blurred.jpg": "blurred: its edges are 9.0 px wide, up to 6 will do",
        "again.jpg": "shows the board where 02.jpg does",
    }


def test_of_a_wide_picture_edges_may_be_wider(views_of: Seen) -> None:
    (view,) = views_of(replace(CAMERA, size_px=(3840, 2160), focal_px=(3300.0, 3300.0), centre_px=(1920.0, 1080.0)), 1)
    assert sort_out([replace(view, edge_px=11.0)])[0]
    assert not sort_out([replace(view, edge_px=13.0)])[0]


def test_other_corners_of_a_board_are_not_the_same_view(views_of: Seen) -> None:
    (view,) = views_of(CAMERA, 1)
    halves = [
        replace(view, board_mm=view.board_mm[part], points_px=view.points_px[part])
        for part in (slice(0, 20), slice(20, 40))
    ]
    assert sort_out(halves)[0] == halves


def test_no_views_are_no_views() -> None:
    assert sort_out([]) == ([], {})


def test_coverage_counts_views_by_cell() -> None:
    corner = View("a", (600, 400), np.zeros((2, 3)), np.array([(1.0, 1.0), (2.0, 2.0)]))
    edge = View("b", (600, 400), np.zeros((2, 3)), np.array([(599.9, 399.9), (600.4, 1.0)]))
    counts = coverage([corner, edge, corner])
    assert counts.shape == (ROWS, COLUMNS)
    assert (counts[0, 0], counts[ROWS - 1, COLUMNS - 1], counts[0, COLUMNS - 1], counts.sum()) == (2, 1, 1, 4)


def test_what_is_lacking_is_said_in_words() -> None:
    counts = np.ones((ROWS, COLUMNS), np.int_)
    assert lacking(counts, 20.0) == []
    counts[0, :2] = 0
    counts[1:3, 2:4] = 0
    words = lacking(counts, 5.0)
    assert words[:2] == ["the board in the upper left of the picture", "the board in the middle of the picture"]
    assert "tilted" in words[2]


def test_the_tilt_is_that_of_the_normals() -> None:
    angles = np.radians((-20, 20, -20, 20))
    assert tilt_deg(np.stack((np.sin(angles), 0 * angles, np.cos(angles)), axis=1)) == pytest.approx(20.0)


def test_too_few_views_are_refused_with_what_to_do(views_of: Seen) -> None:
    check_enough(views_of(CAMERA, 8), {}, "chessboard of 9x6 squares")
    with pytest.raises(Refused, match=r"in 7 of 8 pictures, needed are 8; take at least 8"):
        check_enough(views_of(CAMERA, 7), {"x": "blurred"}, "chessboard of 9x6 squares")
    with pytest.raises(Refused, match="move and tilt"):
        check_enough(views_of(CAMERA, 2), {str(i): "shows the board where 00.jpg does" for i in range(9)}, "board")


def test_boards_in_the_middle_alone_or_tilted_alike_are_refused(views_of: Seen) -> None:
    check_spread(views_of(CAMERA), LEAST_TILT_DEG + 1)
    with pytest.raises(Refused, match="upper right of the picture"):
        check_spread(views_of(CAMERA, reach=0.0), 20.0)
    with pytest.raises(Refused, match="tilted, by 20"):
        check_spread(views_of(CAMERA), 3.0)


def test_a_view_that_does_not_fit_the_others_stands_out() -> None:
    assert misfits([0.2, 0.25, 0.3, 0.45]).tolist() == [False] * 4
    assert misfits([0.8, 0.9, 1.0, 4.0]).tolist() == [False, False, False, True]


@pytest.mark.parametrize(
    ("held_out_px", "words"), [(1.6, "glue the board onto something flat"), (93.0, "count its squares")]
)
def test_a_large_held_out_error_is_refused(held_out_px: float, words: str) -> None:
    check_fit(CAMERA, np.full(4, 1.4), "board")
    with pytest.raises(Refused, match=words):
        check_fit(CAMERA, np.full(4, held_out_px), "board")


def test_a_picture_of_more_pixels_may_be_off_by_more_of_them() -> None:
    check_fit(replace(CAMERA, size_px=(2560, 1440)), np.full(4, 2.9), "board")


@pytest.mark.parametrize(
    ("camera", "words"),
    [
        (replace(CAMERA, focal_px=(1100.0, 1060.0)), "focal lengths"),
        (replace(CAMERA, centre_px=(640.0, 440.0)), "principal point"),
        (replace(CAMERA, centre_px=(500.0, 360.0)), "principal point"),
    ],
)
def test_a_camera_that_no_lens_makes_is_refused(camera: Camera, words: str) -> None:
    check_shape(CAMERA)
    with pytest.raises(Refused, match=words):
        check_shape(camera)


def test_a_fisheye_squeezes_its_picture_and_a_pinhole_does_not(views_of: Seen) -> None:
    assert squeeze(FISHEYE, views_of(FISHEYE)) == pytest.approx(1.0, abs=0.1)
    assert squeeze(CAMERA, views_of(CAMERA)) == pytest.approx(0.0, abs=1e-9)


def test_of_equal_errors_only_a_wide_lens_that_squeezes_is_a_fisheye(views_of: Seen) -> None:
    wide = Camera((640, 640), (311.0, 311.0), (320.0, 320.0))
    squeezing = replace(wide, distortion=(-0.3, 0.08))
    equal = np.full(5, 0.3)
    assert is_fisheye(squeezing, views_of(squeezing), equal, equal)
    assert not is_fisheye(wide, views_of(wide), equal, equal)
    assert not is_fisheye(squeezing, views_of(squeezing), equal, 1.2 * equal)
    assert is_fisheye(CAMERA, views_of(CAMERA), equal, 0.7 * equal)
