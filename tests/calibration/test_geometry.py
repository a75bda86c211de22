"""Geometry against itself the other way round, and against numeric derivatives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.camera import Camera, OtherShape
from calibration.geodesy import moved, offset_m
from calibration.ground import NoGround, ground_from_pixel
from calibration.mount import Mount

CAMERA = Camera((960, 540), (625.0, 625.0), (479.5, 269.5), (-0.2, 0.05, 0.001, -0.001))
MOUNT = Mount(1.4, 7.0, 1.0, -2.0, pitch_sigma_deg=0.5)


@pytest.mark.parametrize("v_px", [0.0, 190.0, 196.0])
def test_a_ray_at_or_above_the_horizon_has_no_ground(v_px: float) -> None:
    with pytest.raises(NoGround):
        ground_from_pixel((480.0, v_px), CAMERA, MOUNT)


@given(st.floats(-60, 60), st.floats(-179, 179), st.floats(-400, 400), st.floats(-400, 400))
def test_moving_and_measuring_agree(lat: float, lon: float, east_m: float, north_m: float) -> None:
    assert offset_m(lat, lon, *moved(lat, lon, east_m, north_m)) == pytest.approx((east_m, north_m), abs=0.02)


@given(st.floats(-0.5, 0.5), st.floats(-0.3, 0.3))
def test_a_direction_falls_on_the_same_part_of_a_smaller_picture(x: float, y: float) -> None:
    u_px, v_px = CAMERA.pixel(x, y)
    u2_px, v2_px = CAMERA.fitted_to(480, 270).pixel(x, y)
    assert ((u2_px + 0.5) / 480, (v2_px + 0.5) / 270) == pytest.approx(((u_px + 0.5) / 960, (v_px + 0.5) / 540))


@pytest.mark.parametrize("size", [(1280, 720), (1281, 721), (960, 540), (966, 540)])
def test_a_size_of_the_same_shape_fits(size: tuple[int, int]) -> None:
    assert CAMERA.fitted_to(*size).size_px == size


@pytest.mark.parametrize("size", [(640, 480), (540, 960), (980, 540)])
def test_another_shape_is_refused_with_both_sizes_and_what_to_do(size: tuple[int, int]) -> None:
    with pytest.raises(OtherShape) as told:
        CAMERA.fitted_to(*size)
    for words in (f"{size[0]}x{size[1]}", "960x540", "calibrate", "edge.toml"):
        assert words in str(told.value)
