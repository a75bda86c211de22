"""The crossing of bearings against scenes whose answer is known: it is where the thing stands, and its ellipse holds what it says."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest

from calibration.bearings import ELLIPSE_95, LONGEST_M, BearingNoise, crossing

NOISE = BearingNoise(
    own_rad=float(np.hypot(np.radians(0.5), 2 / 625)), shared_rad=float(np.radians(2.2)), own_position_m=0.15
)
FIX_SIGMA_M = 1.0
Array = npt.NDArray[np.float64]


def scene(range_m: float, parallax_deg: float, looks: int, beside_deg: float) -> tuple[Array, Array]:
    """Where a vehicle that drives east looks from, and a thing `range_m` from the last look, `beside_deg` off its way."""
    thing = range_m * np.array((np.cos(np.radians(beside_deg)), np.sin(np.radians(beside_deg))))
    first = thing[0] - thing[1] / np.tan(np.radians(beside_deg - parallax_deg))
    return np.stack((np.linspace(first, 0.0, looks), np.zeros(looks)), axis=1), thing


def bearings_to(thing: Array, origins: Array) -> Array:
    """Clockwise from north."""
    return np.asarray(np.arctan2(thing[0] - origins[:, 0], thing[1] - origins[:, 1]))


def long_axis_m(covariance: Array) -> float:
    """The long half-axis of the 95 % ellipse."""
    return float(ELLIPSE_95 * np.sqrt(np.linalg.eigvalsh(covariance)[-1]))


@pytest.mark.parametrize(("range_m", "parallax_deg"), [(4.0, 4.0), (15.0, 4.0), (8.0, 12.0), (15.0, 25.0)])
def test_without_noise_it_is_where_the_thing_stands(range_m: float, parallax_deg: float) -> None:
    origins, thing = scene(range_m, parallax_deg, 6, 30.0)
    crossed = crossing(origins, bearings_to(thing, origins), NOISE)
    assert crossed is not None
    assert crossed[0] == pytest.approx(thing, abs=1e-3)


@pytest.mark.parametrize(
    ("ranges_m", "parallaxes_deg"),
    [((4.0, 15.0), (4.0, 25.0)), ((4.0, 8.0), (4.0, 8.0)), ((8.0, 15.0), (8.0, 25.0))],
)
def test_the_ellipse_holds_95_of_100(ranges_m: tuple[float, float], parallaxes_deg: tuple[float, float]) -> None:
    dice, held = np.random.default_rng(7), []
    for _ in range(2500):
        parallax_deg, looks = dice.uniform(*parallaxes_deg), int(dice.integers(4, 9))
        origins, thing = scene(dice.uniform(*ranges_m), parallax_deg, looks, dice.uniform(parallax_deg + 4, 50.0))
        measured = bearings_to(thing, origins) + dice.normal(0, NOISE.own_rad, looks) + dice.normal(0, NOISE.shared_rad)
        told = origins + dice.normal(0, NOISE.own_position_m, (looks, 2)) + dice.normal(0, FIX_SIGMA_M, 2)
        if (crossed := crossing(told, measured, NOISE)) is not None:
            point, covariance = crossed
            off = point - thing
            held.append(off @ np.linalg.solve(covariance + np.eye(2) * FIX_SIGMA_M**2, off) < ELLIPSE_95**2)
    assert len(held) > 1500
    assert 0.92 < np.mean(held) < 0.98


def test_a_heading_that_is_off_for_all_looks_is_not_averaged_away() -> None:
    few, many = scene(10.0, 15.0, 4, 30.0), scene(10.0, 15.0, 40, 30.0)
    axes = []
    for origins, thing in (few, many):
        crossed = crossing(origins, bearings_to(thing, origins), replace(NOISE, own_rad=1e-4, own_position_m=1e-3))
        assert crossed is not None
        axes.append(long_axis_m(crossed[1]))
    assert axes[1] > 0.8 * axes[0] > 0.5


def test_the_turn_of_all_bearings_moves_the_point_as_told() -> None:
    origins, thing = scene(10.0, 15.0, 5, 30.0)
    shared = replace(NOISE, own_rad=1e-6, own_position_m=1e-6, shared_rad=1e-3)
    straight = crossing(origins, bearings_to(thing, origins), shared)
    turned = crossing(origins, bearings_to(thing, origins) + 1e-3, shared)
    assert straight is not None
    assert turned is not None
    assert np.outer(turned[0] - thing, turned[0] - thing) == pytest.approx(straight[1], abs=2e-6)


def test_less_parallax_is_less_sure_and_too_little_tells_no_place() -> None:
    axes = []
    for parallax_deg in (25.0, 12.0, 6.0):
        origins, thing = scene(12.0, parallax_deg, 5, 35.0)
        crossed = crossing(origins, bearings_to(thing, origins), replace(NOISE, shared_rad=0.0))
        assert crossed is not None
        axes.append(long_axis_m(crossed[1]))
    assert axes == sorted(axes)
    assert axes[-1] <= LONGEST_M
    for parallax_deg in (2.0, 0.5):
        origins, thing = scene(12.0, parallax_deg, 5, 35.0)
        assert crossing(origins, bearings_to(thing, origins), NOISE) is None


@pytest.mark.parametrize("bearings_deg", [(45.0, 45.0), (30.0, 45.0), (45.0, 225.0)])
def test_bearings_that_do_not_meet_ahead_tell_no_place(bearings_deg: tuple[float, float]) -> None:
    assert crossing([(0.0, 0.0), (5.0, 0.0)], np.radians(bearings_deg), NOISE) is None
