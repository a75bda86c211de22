"""The offset between camera and receiver out of what both see of a drive's turns."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
import numpy.typing as npt
import pytest

from calibration.clock_offset import NoOffset, clock_offset
from calibration.synthetic_drive import Drive, town_drive

Array = npt.NDArray[np.float64]


def seen(drive: Drive, offset_s: float, seed: int, *, course_deg: float = 1.0, turn_deg_s: float = 1.5) -> tuple[Array, Array, Array, Array]:  # fmt: skip
    """The camera's turn rate ten times a second by its own clock, and the receiver's course once a second."""
    rng = np.random.default_rng([seed, 7])
    camera_s, receiver_s = np.arange(0, drive.t_s[-1], 0.1), np.arange(0.3, drive.t_s[-1], 1.0)
    turn = np.interp(camera_s, drive.t_s, drive.turn_deg_s) + rng.normal(0, turn_deg_s, camera_s.size)
    course = np.interp(receiver_s, drive.t_s, drive.heading_deg) + rng.normal(0, course_deg, receiver_s.size)
    return camera_s + offset_s, turn, receiver_s, course % 360


def test_the_offset_is_found_and_its_sigma_holds() -> None:
    off = []
    for seed in range(40):
        true_s = float(np.random.default_rng([seed, 8]).uniform(-1, 1))
        with suppress(NoOffset):
            found = clock_offset(*seen(town_drive(seed), true_s, seed))
            assert abs(found.offset_s - true_s) < 0.15
            off.append((found.offset_s - true_s) / found.sigma_s)
    assert len(off) >= 32
    assert np.mean(np.abs(off) < 1.96) >= 0.87
    assert np.mean(np.abs(off) < 0.674) <= 0.65, "nor is it larger than need be"


def test_without_noise_it_is_right_to_milliseconds() -> None:
    found = clock_offset(*seen(town_drive(1), 0.237, 1, course_deg=0.0, turn_deg_s=0.0))
    assert found.offset_s == pytest.approx(0.237, abs=0.004)
    assert found.correlation > 0.999


def test_a_drive_that_turns_nowhere_is_refused() -> None:
    camera_s, turn, receiver_s, course = seen(town_drive(1), 0.2, 1)
    with pytest.raises(NoOffset, match="bends"):
        clock_offset(camera_s, turn * 0, receiver_s, np.full_like(course, 77.0))


def test_turns_of_another_drive_are_refused() -> None:
    camera_s, turn, _, _ = seen(town_drive(1), 0.0, 1)
    _, _, receiver_s, course = seen(town_drive(2), 0.0, 2)
    with pytest.raises(NoOffset, match="do not agree"):
        clock_offset(camera_s, turn, receiver_s, course)
    with pytest.raises(NoOffset, match="do not agree"):
        clock_offset(camera_s, np.zeros_like(turn), receiver_s, course)


def test_an_offset_beyond_reach_is_refused() -> None:
    with pytest.raises(NoOffset):
        clock_offset(*seen(town_drive(1), 5.0, 1))


@pytest.mark.parametrize("kept", [0, 1, 5])
def test_too_few_fixes_are_refused_with_what_to_do(kept: int) -> None:
    camera_s, turn, receiver_s, course = seen(town_drive(1), 0.2, 1)
    with pytest.raises(NoOffset, match="record one minute"):
        clock_offset(camera_s, turn, receiver_s[:kept], course[:kept])
