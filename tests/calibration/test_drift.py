"""Pitch and yaw told by driving: the way travelled is found without bias, what tells nothing is refused, and the alarm comes when the bracket has moved and only then."""

from __future__ import annotations

import importlib
from dataclasses import replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from calibration.camera import OtherShape, camera_of_field_of_view
from calibration.drift import Drift, Image, agreeing
from calibration.mount import Mount
from calibration.running import BLOCKS, PAIRS, Block, Running, home_of, placed_by
from calibration.synthetic import Motion, Ride, Road, frames, landmarks
from calibration.travel import Travel, mount_angles, rotation, travel

Array = npt.NDArray[np.float64]
AHEAD = (0.0, 0.0, 1.0)
APART_S = 0.375  # a pair each 1.5 m at 4 m/s


def rays(ride: Ride, noise_px: float, every: int = 1, points: int = 250) -> list[tuple[Array, Array]]:
    """Followed points of consecutive frames of a ride."""
    made, seen, rng = [], frames(ride, 1)[::every], np.random.default_rng(5)
    marks = landmarks(ride, 1)
    for first, second in pairwise(seen):
        a, b = first.pixels(marks), second.pixels(marks)
        kept = np.flatnonzero(~np.isnan(a + b).any(axis=1))[:points]
        noisy = [each[kept] + rng.normal(0, noise_px, (len(kept), 2)) for each in (a, b)]
        made.append(tuple(np.array([ride.camera.ray(u, v) for u, v in each.tolist()]) for each in noisy))
    return made  # type: ignore[return-value]


@pytest.mark.parametrize("mount", [Mount(1.4, 7.0), Mount(1.1, -3.0, 0.0, 6.0), Mount(1.6, 15.0, 4.0, -8.0)])
def test_without_noise_the_way_travelled_tells_pitch_and_yaw(mount: Mount) -> None:
    ride = Ride(mount=mount, pitch_shake_deg=0.0, length_m=4.0)
    for a, b in rays(ride, 0.0):
        found = travel(a, b, AHEAD)
        assert found is not None
        assert found.inliers.all()
        pitch, yaw = np.degrees(mount_angles(found.direction, np.radians(mount.roll_deg)))
        assert (pitch, yaw) == pytest.approx((mount.pitch_deg, mount.yaw_deg), abs=1e-3)


@pytest.mark.parametrize("mount", [Mount(1.4, 7.0), Mount(1.4, 2.0, -6.0, 12.0), Mount(1.4, 25.0, 3.0, -4.0)])
def test_angles_of_a_mount_come_back_from_the_way_ahead(mount: Mount) -> None:
    ahead = mount.road_from_camera().T @ (1.0, 0.0, 0.0)
    assert np.degrees(mount_angles(ahead, np.radians(mount.roll_deg))) == pytest.approx(
        (mount.pitch_deg, mount.yaw_deg)
    )


def told(ride: Ride, noise_px: float, every: int = 1) -> tuple[Array, list[Travel]]:
    """Pitch and yaw [N, 2] in degrees of all pairs, and what they came from."""
    found = [each for a, b in rays(ride, noise_px, every) if (each := travel(a, b, AHEAD)) is not None]
    return np.array([np.degrees(mount_angles(each.direction, 0.0)) for each in found]), found


def test_noise_of_followed_points_does_not_bend_the_way_and_sigma_says_how_much_it_scatters() -> None:
    angles, found = told(Ride(pitch_shake_deg=0.0, length_m=40.0), 0.2)
    off = angles - (7.0, 0.0)
    scatter = off.std(axis=0)
    assert np.abs(off.mean(axis=0)) == pytest.approx((0, 0), abs=0.15)
    assert 0.6 < scatter.max() / np.degrees(np.median([each.sigma_rad for each in found])) < 1.8


def test_a_shaking_body_averages_out() -> None:
    angles, _ = told(Ride(pitch_shake_deg=0.5, roll_shake_deg=0.3, length_m=60.0), 0.2, every=2)
    assert np.median(angles, axis=0) == pytest.approx((7.0, 0.0), abs=0.2)


def test_points_that_were_lost_are_no_part_of_the_way() -> None:
    rng, off = np.random.default_rng(1), []
    for a, b in rays(Ride(pitch_shake_deg=0.0, length_m=8.0), 0.1):
        b[::8] += rng.normal(0, 0.03, b[::8].shape)
        kept = agreeing(a, b)
        assert kept[::8].mean() < 0.3
        assert kept.mean() > 0.75
        found = travel(a[kept], b[kept], Mount(1.4, 5.0).road_from_camera()[0])
        assert found is not None
        off.append(np.degrees(mount_angles(found.direction, 0.0)) - (7.0, 0.0))
    assert np.median(off, axis=0) == pytest.approx((0.0, 0.0), abs=0.2)
    assert (np.abs(off) > 1.0).mean() < 0.1


def test_too_few_points_tell_nothing() -> None:
    a, b = rays(Ride(length_m=2.0), 0.0)[0]
    assert travel(a[:7], b[:7], AHEAD) is None


def test_a_turn_is_seen() -> None:
    a, b = rays(Ride(pitch_shake_deg=0.0, length_m=8.0, turns=((0.0, 9.0, 10.0),)), 0.1)[3]
    found = travel(a, b, AHEAD)
    assert found is not None
    assert np.degrees(found.turn_rad[1]) == pytest.approx(1.0, abs=0.05)
    assert rotation(found.turn_rad) @ rotation(found.turn_rad).T == pytest.approx(np.eye(3))


# From pictures

RIDE = Ride(
    camera=camera_of_field_of_view(480, 270, 75.0), mount=Mount(1.4, 9.0, 0.0, 2.0), road=Road(heading_deg=90.0)
)


@pytest.fixture
def place_street(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parents[2] / "benchmarks"))
    return importlib.import_module("place_street")


@cache
def street_of(place_street: ModuleType) -> Any:
    return place_street.Street(1)


def pictures(place_street: ModuleType, ride: Ride, count: int) -> list[Image]:
    street, motion = street_of(place_street), Motion(ride, np.random.default_rng(1))
    return [street.draw(motion, number / ride.fps) for number in range(count)]


def drift(every_m: float = 0.0) -> Drift:
    return Drift(RIDE.camera, replace(RIDE.mount, pitch_deg=5.0, yaw_deg=0.0), Running(), every_m)


def test_pictures_of_a_straight_drive_tell_how_the_camera_is_mounted(place_street: ModuleType) -> None:
    watched = drift()
    changed = [watched.see(image, n / 10, 4.0, 90.0) for n, image in enumerate(pictures(place_street, RIDE, PAIRS + 4))]
    assert sum(changed) == 1
    (block,) = watched.running.blocks
    assert (block.pitch_deg, block.yaw_deg) == pytest.approx((9.0, 2.0), abs=0.3)


def test_a_turning_drive_tells_nothing(place_street: ModuleType) -> None:
    watched, ride = drift(), replace(RIDE, turns=((0.0, 3.0, 8.0),))
    for n, image in enumerate(pictures(place_street, ride, 9)):
        watched.see(image, n / 10, 4.0, None)
    assert watched.pairs == 0
    assert watched.reasons["turning"] >= 6


def test_pictures_that_tell_no_way_are_refused_each_with_its_reason(place_street: ModuleType) -> None:
    one, other = pictures(place_street, RIDE, 1)[0], np.full((270, 480, 3), 90, np.uint8)
    noise = np.random.default_rng(1).integers(0, 255, (2, 270, 480, 3)).astype(np.uint8)
    for images, speed, apart_s, reason in (
        ((one, one), 4.0, 0.1, "no_motion"), ((other, other), 4.0, 0.1, "no_texture"), (noise, 4.0, 0.1, "no_texture"),
        ((one, one), 1.0, 0.4, "too_slow"), ((one, one), None, 0.1, "no_speed"), ((one, one), 4.0, 5.0, "gap"), ((one, one), 4.0, -1.0, "gap"),
    ):  # fmt: skip
        watched = drift()
        for n, image in enumerate(images):
            assert not watched.see(image, n * apart_s, speed, None)
        assert watched.pairs == 0
        assert watched.reasons[reason] >= 1, reason


def test_pairs_begin_no_nearer_than_told(place_street: ModuleType) -> None:
    watched = drift(1.5)
    for n, image in enumerate(pictures(place_street, RIDE, 20)):
        watched.see(image, n / 10, 4.0, None)
    assert watched.pairs + sum(watched.reasons.values()) == pytest.approx(0.4 * 20 / 1.6, abs=1)


def test_pictures_of_another_shape_are_refused() -> None:
    watched, square = drift(), np.zeros((480, 480, 3), np.uint8)
    watched.see(square, 0.0, 4.0, None)
    with pytest.raises(OtherShape):
        watched.see(square, 0.1, 4.0, None)


# The running estimate


def drive(
    running: Running, pitch_deg: float, yaw_deg: float, minutes: float, rng: np.random.Generator, began_s: float = 0.0, straight_s: float = 40.0
) -> float:  # fmt: skip
    """Minutes of driving on straights whose yaw differs a little, with the scatter of single pairs; the time at the end."""
    t_s, off = began_s, np.zeros(2)
    for number in range(int(minutes * 60 / APART_S)):
        if number % int(straight_s / APART_S) == 0:
            running.turn()
            off = rng.normal(0, (0.1, 0.2))
        t_s += APART_S
        pitch, yaw = np.add((pitch_deg, yaw_deg), off) + rng.normal(0, 0.8, 2)
        running.add(float(pitch), float(yaw), t_s)
    return t_s


def test_it_is_sure_after_three_hundred_pairs_over_three_straights() -> None:
    rng, running = np.random.default_rng(1), Running()
    t_s = drive(running, 7.0, 1.0, 1.0, rng)
    early = running.estimate
    assert early is not None
    assert not early.is_sure
    assert early.pitch_sigma_deg >= 1.0
    drive(running, 7.0, 1.0, 2.0, rng, t_s)
    found = running.estimate
    assert found is not None
    assert found.is_sure
    assert (found.pitch_deg, found.yaw_deg) == pytest.approx((7.0, 1.0), abs=0.25)
    assert 0.3 <= found.pitch_sigma_deg <= 0.5
    assert running.home == pytest.approx((7.0, 1.0), abs=0.3)


def test_one_straight_alone_is_not_enough_however_long() -> None:
    running = Running()
    drive(running, 7.0, 1.0, 10.0, np.random.default_rng(1), straight_s=1e6)
    found = running.estimate
    assert found is not None
    assert found.straights == 1
    assert found.pitch_sigma_deg == found.yaw_sigma_deg == 0.5
    assert running.home is None


def test_blocks_that_differ_widen_sigma_until_it_is_not_sure() -> None:
    running = Running(blocks=[Block(7.0 + (-1) ** n, 0.0, n, 10.0) for n in range(BLOCKS)])
    found = running.estimate
    assert found is not None
    assert found.pitch_sigma_deg == pytest.approx(1.4826, abs=0.01)
    assert not found.is_sure


@pytest.mark.parametrize(
    ("step", "word"),
    [((1.6, 0.0), "looks_lower"), ((-1.6, 0.0), "looks_higher"), ((0.0, 1.6), "looks_left"), ((0.3, -1.6), "looks_right")],
)  # fmt: skip
def test_a_bracket_that_moved_is_told_within_minutes_and_the_estimate_follows(
    step: tuple[float, float], word: str
) -> None:
    rng, running = np.random.default_rng(2), Running()
    t_s = drive(running, 7.0, 0.0, 10.0, rng)
    assert running.moved == ""
    t_s = drive(running, 7.0 + step[0], step[1], 2.5, rng, t_s)
    assert running.moved == word
    found = running.estimate
    assert found is not None
    assert (found.pitch_deg, found.yaw_deg) == pytest.approx((7.0 + step[0], step[1]), abs=0.4)
    t_s = drive(running, 7.0 + step[0], step[1], 20.0, rng, t_s)
    assert running.moved == word, "a bracket that hangs stays told, though places are right again"
    drive(running, 7.0, 0.0, 2.5, rng, t_s)
    assert running.moved == "", "put back, it is told no more"


def test_a_lean_of_half_a_minute_is_no_alarm() -> None:
    rng, running = np.random.default_rng(3), Running()
    t_s = drive(running, 7.0, 0.0, 10.0, rng)
    for _ in range(6):
        t_s = drive(running, 9.0, 0.0, 0.4, rng, t_s)
        assert running.moved == ""
        t_s = drive(running, 7.0, 0.0, 1.5, rng, t_s)
        assert running.moved == ""


def test_hours_of_noise_are_no_alarm() -> None:
    running, rng = Running(), np.random.default_rng(4)
    t_s = 0.0
    for _ in range(8):
        t_s = drive(running, 7.0, 0.0, 15.0, rng, t_s)
        assert running.moved == ""


def test_a_well_calibrated_camera_is_compared_with_its_file_from_the_first_minute() -> None:
    sure = Mount(1.4, 7.0, pitch_sigma_deg=0.4, yaw_sigma_deg=0.6)
    assert home_of(replace(sure, pitch_sigma_deg=1.5)) is None
    assert home_of(replace(sure, yaw_sigma_deg=1.0)) is None, "nobody measured where it looks to the side"
    running = Running(home_of(sure))
    drive(running, 9.0, 0.0, 2.0, np.random.default_rng(5))
    assert running.moved == "looks_lower"


def test_it_goes_on_where_it_was() -> None:
    rng, running = np.random.default_rng(6), Running()
    t_s = drive(running, 7.0, 0.0, 5.0, rng)
    again = Running(running.home, list(running.blocks), running.moved)
    assert again.estimate == running.estimate
    drive(again, 7.0, 0.0, 1.0, rng, t_s)
    assert again.blocks[-1].straight > running.blocks[-1].straight


def test_things_are_placed_by_what_is_surer() -> None:
    guess, running = Mount(1.4, 5.0, 1.0, 0.0, pitch_sigma_deg=1.5), Running()
    assert placed_by(guess, running) is guess
    drive(running, 7.02, 1.0, 5.0, np.random.default_rng(7))
    placed = placed_by(guess, running)
    assert (placed.pitch_deg, placed.yaw_deg) == pytest.approx((7.0, 1.0), abs=0.3)
    assert (placed.pitch_sigma_deg, placed.height_m, placed.roll_deg) == (pytest.approx(0.3, abs=0.2), 1.4, 1.0)
    assert placed.pitch_deg * 20 == pytest.approx(round(placed.pitch_deg * 20))
    measured = replace(guess, pitch_sigma_deg=0.2)
    assert placed_by(measured, running) is measured
    running.moved = "looks_lower"
    assert placed_by(measured, running) == replace(placed_by(guess, running))
