"""Which sightings are one thing when a pass shares its receiver's shift, and how sure a fused place is."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from math import sqrt
from typing import Any
from uuid import UUID

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from demo.districts import Drive, degrees_of, looks_at_one, metres_of, row, seen, wrongs
from server.cases.rules import Point, fused, group

SIGMA_M = 2.0


def sighting(number: int, pass_number: int, east_m: float, north_m: float = 0.0, **said: Any) -> Point:
    """One with 2 m of its pass's shift per axis and 0.4 m of its own, unless said."""
    variance = SIGMA_M**2 + 0.16
    place = degrees_of(np.array((east_m, north_m)))
    said = {"covariance": (variance, 0.0, variance), "fix_sigma_m": SIGMA_M} | said
    return Point(UUID(int=number), UUID(int=pass_number), *place, **said)


def numbers(points: Sequence[Point]) -> list[list[int]]:
    return [[point.id.int for point in members] for members in group(points)]


def test_two_things_that_both_passes_saw_are_told_apart_by_their_pattern() -> None:
    """The receiver was 5 m off to one side, then 1 m to the other: the second thing of the first pass lies nearer to the first of the second than its own."""
    points = [sighting(1, 1, -5), sighting(2, 1, 5), sighting(3, 2, 1), sighting(4, 2, 11)]
    assert numbers(points) == [[1, 3], [2, 4]]


def test_a_pass_that_saw_one_of_two_is_laid_on_the_nearer() -> None:
    both = [
        sighting(10 * n + thing, n, 10.0 * thing + shift)
        for n, shift in ((1, 1.0), (2, -1.0), (3, 0.5))
        for thing in (0, 1)
    ]
    assert numbers([*both, sighting(50, 5, 2.5)]) == [[10, 20, 30, 50], [11, 21, 31]]
    assert numbers([*both, sighting(50, 5, 7.5)]) == [[10, 20, 30], [11, 21, 31, 50]]


def test_a_row_is_laid_on_a_row_as_a_whole() -> None:
    """Bins 6 m apart and a shift of 4 m: each lies nearer to its neighbour's place than to its own, and only the end of the row tells."""
    points = [
        sighting(10 * n + thing, n, 6.0 * thing + shift) for n, shift in ((1, 0.0), (2, 4.0)) for thing in range(5)
    ]
    assert numbers(points) == [[10 + thing, 20 + thing] for thing in range(5)]


@pytest.mark.parametrize(("east_m", "cases"), [(14.0, 1), (16.0, 2)])
def test_what_lies_too_far_is_another_thing_however_unsure_it_is(east_m: float, cases: int) -> None:
    unsure = {"covariance": (400.0, 0.0, 400.0), "fix_sigma_m": 20.0}
    assert len(group([sighting(1, 1, 0, **unsure), sighting(2, 2, east_m, **unsure)])) == cases


def test_unsure_sightings_in_a_row_are_no_endless_thing() -> None:
    unsure = {"covariance": (400.0, 0.0, 400.0), "fix_sigma_m": 20.0}
    points = [sighting(n, n, 14.0 * n, **unsure) for n in range(1, 7)]
    spans_m = [np.ptp(metres_of(members)[:, 0]) for members in group(points)]
    assert max(spans_m) <= 30


def test_nothing_makes_no_cases() -> None:
    assert group([]) == []


@pytest.mark.parametrize(("things", "drive", "merged", "split"), [(2, Drive(), 0.10, 0.05), (1, Drive(), 0.0, 0.05), (1, Drive(passes=12), 0.0, 0.05)])  # fmt: skip
def test_districts_are_seldom_merged_or_split(things: int, drive: Drive, merged: float, split: float) -> None:
    """10 m apart, 5 passes, 2 m per axis shared within a pass: nearest pairs merge 12 % (`benchmarks/place_join.py`)."""
    wrong = np.zeros(2)
    for seed in range(200):
        truth = seen(row(things, 10), drive, np.random.default_rng(seed))
        wrong += wrongs(group(truth), truth)
    assert tuple(wrong / 200 <= (merged, split)) == (True, True), wrong / 200


def test_things_that_every_pass_leaves_begin_anew() -> None:
    """Each of three passes is laid on what the others saw, and none fits: for a moment there is no thing at all."""
    looks = [(1, 4, 0, (1.0, 0.0, 1.0)), (1, -19, 0, (4.0, 0.0, 16.0)), (2, -12, -5, (1.0, 0.0, 1.0)), (3, -9, 0, (9.0, -1.5, 1.0))]  # fmt: skip
    points = [sighting(n, pass_, east_m, north_m, covariance=covariance, fix_sigma_m=0.0) for n, (pass_, east_m, north_m, covariance) in enumerate(looks, 1)]  # fmt: skip
    assert sum(len(members) for members in group(points)) == 4


@given(
    st.lists(
        st.tuples(
            st.integers(1, 5), st.floats(-20, 20), st.floats(-20, 20), st.floats(1e-3, 9), st.floats(1e-3, 9),
            st.floats(-0.99, 0.99), st.floats(0, 6), st.floats(0, 359), st.integers(1, 3),
        ), min_size=1, max_size=16,
    ), st.randoms(use_true_random=False),
)  # fmt: skip
@settings(max_examples=100, deadline=None)
def test_any_sightings_make_a_partition_and_finite_places(raw: Any, shuffle: random.Random) -> None:
    points = [
        sighting(i + 1, p, e, n, covariance=(a * a, r * a * b, b * b), fix_sigma_m=fix, bearing_deg=bearing, vehicle_id=vehicle)
        for i, (p, e, n, a, b, r, fix, bearing, vehicle) in enumerate(raw)
    ]  # fmt: skip
    mixed = list(points)
    shuffle.shuffle(mixed)
    found = group(mixed)
    assert found == group(points)
    assert sorted(point.id.int for members in found for point in members) == list(range(1, len(points) + 1))
    for members in found:
        assert len({point.pass_id for point in members}) == len(members)
        lat, lon, (ee, en, nn) = fused(members)
        assert np.isfinite((lat, lon, ee, en, nn)).all()
        assert ee > 0
        assert ee * nn > en * en


def east_sigma_m(points: Sequence[Point]) -> float:
    return sqrt(fused(points)[2][0])


def test_a_place_seen_once_is_as_sure_as_the_vehicle_says() -> None:
    one = sighting(1, 1, 3, -2, covariance=(6.0, 1.5, 5.0), bearing_deg=70.0)
    lat, lon, covariance = fused([one])
    assert (lat, lon) == (one.lat_deg, one.lon_deg)
    assert covariance == pytest.approx(one.covariance, abs=0.001)


def test_receivers_average_out_and_one_camera_seen_from_one_side_does_not() -> None:
    """2 m of the receiver's and 1 m of the camera's along a bearing to the east."""
    said = {"covariance": (5.0, 0.0, 4.0), "bearing_deg": 90.0}
    same = [sighting(n, n, 0, **said) for n in range(1, 17)]
    assert east_sigma_m(same) == pytest.approx(sqrt(4 / 16 + 1), abs=0.01)
    assert sqrt(fused(same)[2][2]) == pytest.approx(2 / 4, abs=0.01)
    fleet = [sighting(n, n, 0, vehicle_id=n, **said) for n in range(1, 17)]
    assert east_sigma_m(fleet) == pytest.approx(sqrt(5 / 16), abs=0.01)
    both_sides = [sighting(n, n, 0, **(said | {"bearing_deg": 90.0 + 180.0 * (n % 2)})) for n in range(1, 17)]
    assert east_sigma_m(both_sides) == pytest.approx(2 / 4, abs=0.01)


def test_the_surer_sighting_counts_for_more() -> None:
    unsure = sighting(1, 1, 0, covariance=(16.0, 0.0, 16.0), fix_sigma_m=4.0)
    sure = sighting(2, 2, 5, covariance=(4.0, 0.0, 4.0))
    lat, lon, _ = fused([unsure, sure])
    assert metres_of([Point(UUID(int=0), UUID(int=0), lat, lon, (0, 0, 0))])[0] == pytest.approx((4.0, 0.0), abs=0.01)


@pytest.mark.parametrize("sides", [1, 2])
def test_stated_regions_of_a_fused_place_hold(sides: int) -> None:
    """Over cameras tilted for good, seen from one side of the street or from both."""
    within = np.array([d2_of(*looked(seed, sides)) for seed in range(1500)])
    assert 0.93 <= np.mean(within <= 5.991) <= 0.97
    assert 0.46 <= np.mean(within <= 1.386) <= 0.54


def test_sightings_taken_as_independent_would_claim_too_much() -> None:
    """The same from one side, with each sighting's covariance as if nothing were shared: the test above can fail."""
    within = np.array([d2_of(*looked(seed, sides=1, shared=False)) for seed in range(500)])
    assert np.mean(within <= 5.991) < 0.93


def looked(seed: int, sides: int, shared: bool = True) -> tuple[float, float, tuple[float, float, float]]:
    points = looks_at_one(10, 1 + seed % 2, np.random.default_rng(seed), sides)
    return fused(points if shared else [replace(point, vehicle_id=n) for n, point in enumerate(points)])


def d2_of(lat: float, lon: float, covariance: tuple[float, float, float]) -> float:
    ee, en, nn = covariance
    error = metres_of([Point(UUID(int=0), UUID(int=0), lat, lon, covariance)])[0]
    return float(error @ np.linalg.inv([[ee, en], [en, nn]]) @ error)
