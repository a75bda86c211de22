"""Ground points and fused passes: their derivatives, their regions against known truth, and what must hold for any input."""

from __future__ import annotations

import importlib
from dataclasses import replace
from math import isfinite
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.camera import Camera
from calibration.fuse import F64, GroundLook, PassNoise, fused
from calibration.ground import (
    FAR_M,
    TERMS,
    NoGround,
    foot_from_pixel,
    ground_from_pixel,
    ground_of_box,
    pixel_from_ground,
)
from calibration.mount import Mount

CAMERA = Camera((960, 540), (625.0, 625.0), (479.5, 269.5), (-0.2, 0.05, 0.001, -0.001))
MOUNT = Mount(1.4, 7.0, 1.0, -2.0, pitch_sigma_deg=0.5)


@pytest.fixture
def place_ground(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("place_ground")


@given(st.floats(3, 20), st.floats(-3, 3))
def test_ground_to_pixel_and_back_is_the_same_point(forward_m: float, left_m: float) -> None:
    point = ground_from_pixel(pixel_from_ground(forward_m, left_m, 0.0, CAMERA, MOUNT), CAMERA, MOUNT)
    assert (point.forward_m, point.left_m) == pytest.approx((forward_m, left_m), abs=1e-6)
    near_m, far_m = point.range_between_m()
    assert near_m < point.range_m < far_m <= FAR_M


def test_every_partial_derivative_is_the_numeric_one(place_ground: ModuleType) -> None:
    assert place_ground.partials_off() < 1e-4


@given(
    st.floats(-50, 1010),
    st.floats(-50, 600),
    st.floats(0.5, 3),
    st.floats(-20, 30),
    st.floats(0.1, 3),
    st.floats(-2, 5),
)
def test_any_pixel_has_a_finite_place_with_a_covariance_or_no_ground(
    u_px: float, v_px: float, height_m: float, pitch_deg: float, sigma_deg: float, depth_m: float
) -> None:
    mount = Mount(height_m, pitch_deg, pitch_sigma_deg=sigma_deg)
    try:
        point = ground_of_box((u_px - 5, v_px - 9, u_px + 5, v_px), replace(CAMERA, distortion=()), mount, depth_m)
    except NoGround:
        return
    assert isfinite(point.forward_m + point.left_m)
    assert point.range_m <= FAR_M + max(depth_m, 0)
    for covariance in (point.covariance_m2, point.polar_covariance):
        assert np.isfinite(covariance).all()
        assert np.allclose(covariance, covariance.T)
        assert np.linalg.eigvalsh(covariance)[0] > 0


@given(st.floats(3, 19), st.floats(0.1, 10), st.floats(-0.5, 0.5))
def test_sigma_never_shrinks_with_distance(range_m: float, more_m: float, bearing_rad: float) -> None:
    def along_m(distance_m: float) -> float:
        forward, left = distance_m * np.cos(bearing_rad), distance_m * np.sin(bearing_rad)
        plain = replace(CAMERA, distortion=())
        point = ground_from_pixel(pixel_from_ground(forward, left, 0.0, plain, MOUNT), plain, MOUNT)
        return float(np.linalg.eigvalsh(point.covariance_m2)[-1])

    assert along_m(range_m) < along_m(range_m + more_m)


@pytest.mark.parametrize(("sigma_deg", "forward_m"), [(0.3, 20.0), (2.0, 5.0), (2.0, 15.0)])
def test_the_regions_of_bearing_and_inverse_range_hold(
    sigma_deg: float, forward_m: float, place_ground: ModuleType
) -> None:
    said = place_ground.held(place_ground.mount_of(sigma_deg), forward_m, place_ground.normal, 3000)
    assert said[0.95] == pytest.approx(0.95, abs=0.012)
    assert said[0.50] == pytest.approx(0.50, abs=0.03)


def test_the_region_still_holds_most_where_every_sigma_was_wrong(place_ground: ModuleType) -> None:
    assert place_ground.held(place_ground.mount_of(1.0), 10.0, place_ground.wild, 2000)[0.95] >= 0.85


def test_a_fused_pass_holds_and_one_of_independent_looks_does_not(place_ground: ModuleType) -> None:
    drive = place_ground.Drive(10, 1.0, 0.5)
    said = place_ground.pass_held(drive, place_ground.together, 800)
    assert said[0.95] == pytest.approx(0.95, abs=0.02)
    assert said[0.50] == pytest.approx(0.50, abs=0.05)
    assert place_ground.pass_held(drive, place_ground.as_independent, 100)[0.95] < 0.6


def look(ahead_m: float, mount: Mount = MOUNT) -> GroundLook:
    """A look at the origin from so far south of it."""
    plain = replace(CAMERA, distortion=())
    point = ground_from_pixel(pixel_from_ground(ahead_m, 0.0, 0.0, plain, mount), plain, mount)
    return GroundLook(0.0, -ahead_m, 0.0, 4.0, point)


USUAL = PassNoise()


def told(looks: list[GroundLook], noise: PassNoise = USUAL) -> tuple[F64, F64]:
    """The place of looks that are of one."""
    place = fused(looks, noise)
    assert place is not None
    return place


def test_what_moves_with_the_vehicle_or_jumps_has_no_common_place() -> None:
    """A rag on the lens stays 5 m ahead wherever the vehicle is; a receiver that jumped 8 m moves half of the looks."""
    ahead = [replace(look(5.0), north_m=float(north)) for north in range(0, 16, 2)]
    assert fused(ahead, PassNoise()) is None
    jumped = [replace(look(float(m)), east_m=8.0 * (m < 9)) for m in range(14, 5, -1)]
    assert fused(jumped, PassNoise()) is None
    assert all(fused([each], PassNoise()) is not None for each in ahead)


def test_one_look_alone_says_what_its_ground_point_says() -> None:
    point, covariance = told([look(10.0)], PassNoise(0.0, 0.0, 0.0, 0.0))
    assert point == pytest.approx((0, 0), abs=1e-6)
    ahead, left = look(10.0).foot.covariance_m2.diagonal()
    assert covariance.diagonal() == pytest.approx((left, ahead))


def test_a_hundred_looks_are_surer_than_two_by_less_than_their_number() -> None:
    two, hundred = (told([look(float(m)) for m in np.linspace(12, 6, count)])[1] for count in (2, 100))
    assert 0.1 < np.trace(hundred) / np.trace(two) < 1


def test_the_terms_have_a_row_each_and_the_depth_lies_along_the_bearing() -> None:
    point = ground_of_box((500, 300, 540, 400), CAMERA, MOUNT, depth_m=2.0)
    assert point.terms.shape == (len(TERMS), 2)
    along = np.array((point.forward_m, point.left_m)) / point.range_m
    depth = point.terms[TERMS.index("depth")]
    assert depth @ along == pytest.approx(np.hypot(*depth))
    foot = np.hypot(*foot_from_pixel((520, 400), CAMERA, MOUNT))
    assert point.range_m - foot == pytest.approx(2.0)


def test_what_turns_the_camera_moves_a_deep_thing_by_its_whole_range() -> None:
    near, deep = (ground_of_box((300, 300, 340, 400), CAMERA, MOUNT, depth_m=depth_m) for depth_m in (0.0, 3.0))
    yaw = TERMS.index("yaw")
    assert np.hypot(*near.terms[yaw]) / near.range_m == pytest.approx(np.hypot(*deep.terms[yaw]) / deep.range_m)
    assert deep.terms[yaw] @ (deep.forward_m, deep.left_m) == pytest.approx(0, abs=1e-9)
    pitch = TERMS.index("pitch")
    along = np.array((near.forward_m, near.left_m)) / near.range_m
    assert deep.terms[pitch] @ along == pytest.approx(near.terms[pitch] @ along)
