"""Heading, speed and jumps out of the way itself, against drives whose truth is known; and the position between two fixes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from math import isfinite

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from calibration.geodesy import moved
from calibration.gnss import Position, compass_deg, position_at
from calibration.motion import DOUBT_S, Motion, smoothed
from calibration.synthetic_drive import Drive, Noise, fixes, town_drive

HERE = (37.87, 112.55)
Follow = Callable[[list[Position]], list[Position]]


def live(positions: list[Position]) -> list[Position]:
    """What the vehicle knows at each fix."""
    motion = Motion()
    return [motion.see(each) for each in positions]


def line(ways_m: list[float], every_s: float = 1.0, sigma_m: float = 2.0, **told: object) -> list[Position]:
    """A way northwards."""
    return [Position(i * every_s, *moved(*HERE, 0.0, way_m), sigma_m, **told) for i, way_m in enumerate(ways_m)]  # type: ignore[arg-type]


def misses(drive: Drive, positions: list[Position], *, standing: bool) -> list[float]:
    """How far headings are off, in their own sigmas."""
    off = []
    for each in positions:
        is_standing = np.interp(each.t_s, drive.t_s, drive.speed_mps) < 0.5
        if each.heading_deg is not None and is_standing == standing:
            assert each.heading_sigma_deg is not None
            true_deg = float(np.interp(each.t_s, drive.t_s, drive.heading_deg))
            off.append(((each.heading_deg - true_deg + 180) % 360 - 180) / each.heading_sigma_deg)
    return off


@pytest.mark.parametrize("follow", [live, smoothed])
@pytest.mark.parametrize("noise", [Noise(), Noise(velocity_mps=None)])
@pytest.mark.parametrize("standing", [False, True])
def test_headings_are_off_by_no_more_than_they_say(follow: Follow, noise: Noise, standing: bool) -> None:
    off: list[float] = []
    for seed in range(5):
        drive = town_drive(seed)
        off += misses(drive, follow(fixes(drive, seed, noise)), standing=standing)
    assert len(off) > 40
    assert np.mean(np.abs(off) < 1.96) >= 0.92


def test_headings_by_doppler_are_worth_something() -> None:
    drive = town_drive(1)
    told = [each for each in live(fixes(drive, 1)) if np.interp(each.t_s, drive.t_s, drive.speed_mps) > 4]
    assert len(told) > 50
    assert np.median([each.heading_sigma_deg or 90.0 for each in told]) < 3.0


def test_who_stands_from_the_start_looks_nowhere() -> None:
    wander = np.random.default_rng(3).normal(0, 0.3, 60)
    told = live(line(list(wander), speed_mps=0.1)) + live(line(list(wander)))
    assert [each.heading_deg for each in told] == [None] * 120


def test_a_heading_grows_old_at_a_light_until_it_is_none() -> None:
    ways = [4.0 * i for i in range(10)] + [36.0] * 100
    speeds = [4.0] * 10 + [0.0] * 100
    positions = [replace(p, speed_mps=v, heading_deg=0.0 if v else None) for p, v in zip(line(ways), speeds, strict=True)]  # fmt: skip
    told = live(positions)
    sigmas = [each.heading_sigma_deg for each in told[9:]]
    known = [each for each in sigmas if each is not None]
    assert known[0] < 4
    assert all(b > a for a, b in pairwise(known))
    assert 20 < len(known) < 80
    assert set(sigmas[len(known) :]) == {None}


def test_a_heading_is_less_than_a_whole_turn_however_it_was_told() -> None:
    assert (compass_deg(-1e-15), compass_deg(360.0), compass_deg(-90.0)) == (0.0, 0.0, 270.0)
    (told,) = smoothed([replace(line([0.0])[0], heading_deg=360.0, quality="exif")])
    assert told.heading_deg == 0.0


def test_a_jump_that_nobody_drives_widens_and_is_forgiven() -> None:
    ways = [4.0 * i + (40.0 if i >= 10 else 0.0) for i in range(60)]
    told = live(line(ways, speed_mps=4.0, heading_deg=0.0))
    assert {each.sigma_m for each in told[:10]} == {2.0}
    assert told[10].sigma_m == pytest.approx(40, abs=2)
    assert told[10 + int(DOUBT_S)].sigma_m == pytest.approx(40 / np.e, abs=2)
    assert told[-1].sigma_m < 2.2
    assert all(abs(((each.heading_deg or 0.0) + 180) % 360 - 180) < 1e-6 for each in told), "a jump turns nobody"  # fmt: skip
    assert [(each.lat_deg, each.lon_deg) for each in told] == [(each.lat_deg, each.lon_deg) for each in line(ways)]


@pytest.mark.parametrize("bias_m", [0.5, 4.0, 20.0])
def test_a_receiver_that_wanders_as_it_says_does_not_jump(bias_m: float) -> None:
    for noise in (Noise(bias_m), Noise(bias_m, velocity_mps=None)):
        told = live(fixes(town_drive(4), 4, noise))
        assert np.mean([each.sigma_m > 1.01 * np.hypot(bias_m, 0.2) for each in told]) < 0.05


def test_in_a_recording_both_sides_of_a_jump_are_in_doubt() -> None:
    told = smoothed(line([4.0 * i + (40.0 if i >= 10 else 0.0) for i in range(20)]))
    assert told[10].sigma_m > 35
    assert told[9].sigma_m > 30
    assert told[9].sigma_m > told[5].sigma_m > told[0].sigma_m > 10


def test_a_speed_that_no_vehicle_drives_is_none() -> None:
    jump = [Position(0.0, 37.0, 112.0), Position(1.0, 37.1, 112.0)]
    assert [each.speed_mps for each in smoothed(jump)] == [None, None]


def test_a_heading_that_a_file_tells_stays_as_it_is() -> None:
    told = smoothed([replace(each, heading_deg=123.0, quality="file") for each in line([4.0 * i for i in range(9)])])
    assert {(each.heading_deg, each.heading_sigma_deg) for each in told} == {(123.0, None)}
    assert told[4].speed_mps == pytest.approx(4.0, abs=0.1)


@given(
    st.lists(
        st.tuples(
            st.floats(-20, 20), st.floats(-89, 89), st.floats(-180, 180), st.floats(0.02, 1e5), st.none() | st.floats(0, 100),
            st.none() | st.floats(0, 360),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_whatever_fixes_say_nothing_is_infinite_and_no_sigma_shrinks(said: list[tuple[float, ...]]) -> None:
    positions = [Position(t, lat, lon, sigma, course, speed) for t, lat, lon, sigma, speed, course in said]
    for told in (live(positions), smoothed(sorted(positions, key=lambda p: p.t_s))):
        for each in told:
            numbers = (each.sigma_m, each.heading_deg, each.heading_sigma_deg, each.speed_mps)
            assert all(number is None or isfinite(number) for number in numbers)
    assert all(after.sigma_m >= before.sigma_m for before, after in zip(positions, live(positions), strict=True))


def test_between_far_neighbours_a_position_is_less_sure_and_at_them_as_sure_as_they_are() -> None:
    near, far = line([0.0, 4.0]), line([0.0, 4.0], every_s=8.0)
    half_near, half_far = position_at(near, 0.5), position_at(far, 4.0)
    assert half_near is not None
    assert half_far is not None
    assert half_near.sigma_m == pytest.approx(2.0, abs=0.01)
    assert half_far.sigma_m == pytest.approx(np.hypot(2.0, 8.0))
    assert half_near.lat_deg == pytest.approx((near[0].lat_deg + near[1].lat_deg) / 2, abs=1e-12)
    at = position_at(far, 8.0)
    assert at is not None
    assert at.sigma_m == pytest.approx(2.0)


def test_a_position_older_than_five_seconds_is_none() -> None:
    track = [Position(0.0, 37.0, 112.0), Position(1.0, 37.00001, 112.0), Position(30.0, 37.1, 112.0)]
    assert position_at(track, 0.5) is not None
    assert position_at(track, 15.0) is None
    assert position_at([], 0.0) is None


@pytest.mark.parametrize(("speed_mps", "sigma_m"), [(4.0, np.hypot(2, 12)), (0.0, 2.0), (None, np.hypot(2, 9))])
def test_beyond_the_last_fix_the_vehicle_may_have_driven_on(speed_mps: float | None, sigma_m: float) -> None:
    (last,) = line([0.0], speed_mps=speed_mps)
    found = position_at([last], 3.0)
    assert found is not None
    assert found.sigma_m == pytest.approx(sigma_m)


def test_a_heading_between_two_goes_the_short_way_and_one_known_on_one_side_alone_is_older_there() -> None:
    a, b = (replace(p, heading_deg=h, heading_sigma_deg=2.0) for p, h in zip(line([0.0, 4.0]), (350.0, 20.0), strict=True))  # fmt: skip
    found = position_at([a, b], 0.5)
    assert found is not None
    assert found.heading_deg == pytest.approx(5.0)
    assert found.heading_sigma_deg == pytest.approx(np.hypot(2, 3))
    one = position_at([a, replace(b, heading_deg=None, heading_sigma_deg=None)], 0.75)
    assert one is not None
    assert (one.heading_deg, one.heading_sigma_deg) == pytest.approx((350.0, np.hypot(2, 6 * np.sqrt(0.75))))


def test_the_way_between_two_fixes_crosses_the_date_line_the_short_way() -> None:
    found = position_at([Position(0.0, 0.5, 179.9999), Position(1.0, 0.5, -179.9999)], 0.25)
    assert found is not None
    assert found.lon_deg == pytest.approx(179.99995)


def test_utc_is_between_that_of_the_neighbours() -> None:
    noon = datetime(2026, 5, 1, 12, tzinfo=UTC)
    a, b = (replace(p, utc=noon + timedelta(seconds=i)) for i, p in enumerate(line([0.0, 4.0])))
    found = position_at([a, b], 0.25)
    assert found is not None
    assert found.utc == noon + timedelta(seconds=0.25)
