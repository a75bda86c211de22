"""Cameras against themselves the other way round, and against OpenCV."""

from __future__ import annotations

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calibration.camera import Camera, OutsideField
from calibration.ground import NoGround, ground_from_pixel, pixel_from_ground
from calibration.mount import Mount

PINHOLE = Camera((1280, 720), (1159.0, 1154.0), (667.0, 387.0), (-0.25, 0.05, -0.001, 0.0005, -0.09))
FISHEYE = Camera((640, 640), (311.0, 311.0), (326.4, 310.5), (-0.03, 0.01, -0.012, 0.003), "fisheye")
FOLDING = Camera((640, 480), (400.0, 400.0), (319.5, 239.5), (-0.3,))
"""It turns back at r = sqrt(1 / 0.9), where the bent r is 0.703: 281 px from the middle."""

small, angles = st.floats(-0.3, 0.3), st.floats(0, 2 * math.pi)


@st.composite
def cameras(draw: st.DrawFn) -> Camera:
    """Pinholes and fisheyes with all kinds of distortion."""
    if draw(st.booleans()):
        return replace(FISHEYE, distortion=tuple(draw(st.tuples(small, small, small, small))))
    skew = st.floats(-0.02, 0.02)
    return replace(PINHOLE, distortion=draw(st.tuples(small, small, skew, skew, small)))


@given(cameras(), st.floats(0, 1.5), angles)
def test_a_direction_and_its_pixel_are_each_others(camera: Camera, angle_rad: float, around_rad: float) -> None:
    x, y = math.tan(angle_rad) * math.cos(around_rad), math.tan(angle_rad) * math.sin(around_rad)
    try:
        pixel = camera.pixel(x, y)
    except OutsideField:
        assume(False)
    back = camera.ray(*pixel)
    assert camera.pixel(*back) == pytest.approx(pixel, rel=1e-9, abs=1e-6)
    assert back == pytest.approx((x, y), rel=1e-6, abs=1e-6)


@given(cameras(), st.floats(-500, 2000), st.floats(-500, 2000))
def test_any_pixel_has_its_direction_or_is_refused(camera: Camera, u_px: float, v_px: float) -> None:
    try:
        ray = camera.ray(u_px, v_px)
    except OutsideField:
        return
    assert camera.pixel(*ray) == pytest.approx((u_px, v_px), abs=1e-6)


@pytest.mark.parametrize("camera", [PINHOLE, FISHEYE])
def test_pixels_are_those_of_opencv(camera: Camera) -> None:
    (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
    k, d, zero = np.array([[fx, 0, cx], [0, fy, cy], [0, 0, 1]]), np.array(camera.distortion), np.zeros(3)
    points = np.array([(x, y, 1.0) for x in (-0.5, 0.0, 0.3) for y in (-0.3, 0.0, 0.3)])
    project = cv2.fisheye.projectPoints if camera.model == "fisheye" else cv2.projectPoints
    shown, _ = project(points[None], zero, zero, k, d)
    assert [camera.pixel(x, y) for x, y, _ in points] == pytest.approx(shown.reshape(-1, 2), abs=1e-6)


def test_a_pixel_behind_the_fold_is_refused() -> None:
    assert FOLDING.ray(319.5 + 270, 239.5)[0] < 1.06
    with pytest.raises(OutsideField, match=r"pixel \(610, 240\)"):
        FOLDING.ray(319.5 + 290.0, 239.5)


def test_a_direction_behind_the_fold_is_refused() -> None:
    FOLDING.pixel(1.0, 0.0)
    with pytest.raises(OutsideField, match="50° off the axis"):
        FOLDING.pixel(math.tan(math.radians(50)), 0.0)


def test_what_lies_outside_of_the_field_has_no_ground() -> None:
    low = Mount(1.4, 30.0)
    ground_from_pixel((319.5, 239.5 + 200), FOLDING, low)
    with pytest.raises(NoGround, match="outside of the lens's field"):
        ground_from_pixel((319.5, 239.5 + 290), FOLDING, low)
    with pytest.raises(NoGround, match="outside of the lens's field"):
        pixel_from_ground(0.1, 0.0, 0.0, FOLDING, low)
    edge = math.sqrt(0.95 / 0.9) - 1e-6
    with pytest.raises(NoGround, match="outside of the lens's field"):
        ground_from_pixel(FOLDING.pixel(0.0, edge), FOLDING, low)


def test_a_fisheye_tells_no_direction_near_90_degrees() -> None:
    straight = replace(FISHEYE, distortion=())
    assert straight.ray(326.4 + 311 * math.radians(84), 310.5)[0] == pytest.approx(math.tan(math.radians(84)))
    with pytest.raises(OutsideField):
        straight.ray(326.4 + 311 * math.radians(86), 310.5)


@given(st.floats(-0.5, 0.5), st.floats(-0.3, 0.3))
def test_a_fisheye_too_shows_the_same_in_a_smaller_picture(x: float, y: float) -> None:
    u_px, v_px = FISHEYE.pixel(x, y)
    u2_px, v2_px = FISHEYE.fitted_to(320, 320).pixel(x, y)
    assert (2 * (u2_px + 0.5) - 0.5, 2 * (v2_px + 0.5) - 0.5) == pytest.approx((u_px, v_px))
