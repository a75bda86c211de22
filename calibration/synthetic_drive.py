"""Drives through a town whose truth is known, and what a receiver and a camera's turn rate tell of them. Pure, and the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone

import numpy as np
import numpy.typing as npt

from calibration.geodesy import moved
from calibration.gnss import Position

Array = npt.NDArray[np.float64]
UTC = timezone.utc  # noqa: UP017
ORIGIN_DEG = (37.8706, 112.5489)
BEGAN = datetime(2026, 5, 1, 2, tzinfo=UTC)
STEP_S = 0.02
CRUISE_MPS, ACCELERATION_MPS2 = 5.0, 1.0
BIAS_LASTS_S = 60.0
NO_COURSE_MPS = 0.3
"""Slower than that a receiver tells no course."""


@dataclass(frozen=True, eq=False)
class Drive:
    """Every STEP_S: instant, east and north in metres, heading (not wrapped) and turn rate clockwise in degrees, speed; all [N]."""

    t_s: Array
    east_m: Array
    north_m: Array
    heading_deg: Array
    turn_deg_s: Array
    speed_mps: Array


@dataclass(frozen=True)
class Noise:
    """One sigma per axis: a bias that wanders, white noise of position, and noise of velocity; without the last no speed is told."""

    bias_m: float = 2.0
    white_m: float = 0.2
    velocity_mps: float | None = 0.12


def town_drive(seed: int, minutes: float = 3.0) -> Drive:
    """Straights, bends of 30° to 90° and waits at lights, in random order."""
    rng, t = np.random.default_rng([seed, 1]), np.arange(0, minutes * 60, STEP_S)
    turn, wanted, at = np.zeros_like(t), np.full_like(t, CRUISE_MPS), 4.0
    while at < t[-1] - 30:
        if rng.random() < 0.3:
            length_s = rng.uniform(8, 25)
            wanted[(t >= at) & (t < at + length_s)] = 0
            length_s += 4
        else:
            length_s, angle = rng.uniform(3, 6), rng.choice((-90, 90, -45, 45, -30, 30))
            turn += np.where((t >= at) & (t < at + length_s), angle / length_s * (1 - np.cos(2 * np.pi * (t - at) / length_s)), 0)  # fmt: skip
        at += length_s + rng.uniform(4, 12)
    speed, most = np.empty_like(t), ACCELERATION_MPS2 * STEP_S
    now = 0.0
    for i, goal in enumerate(wanted):
        now += float(np.clip(goal - now, -most, most))
        speed[i] = now
    turn = np.where(speed > 0.5, turn, 0)
    heading = rng.uniform(0, 360) + _summed(turn)
    return Drive(
        t,
        _summed(speed * np.sin(np.radians(heading))),
        _summed(speed * np.cos(np.radians(heading))),
        heading,
        turn,
        speed,
    )


def fixes(drive: Drive, seed: int, noise: Noise = Noise(), every_s: float = 1.0) -> list[Position]:
    """What a receiver tells of a drive, one sigma as it is."""
    rng, t = np.random.default_rng([seed, 2]), np.arange(0.3, drive.t_s[-1], every_s)
    keep = np.exp(-every_s / BIAS_LASTS_S)
    bias, found = rng.normal(0, noise.bias_m, 2), []
    for each in t:
        east, north, heading, speed = (float(np.interp(each, drive.t_s, series)) for series in (drive.east_m, drive.north_m, drive.heading_deg, drive.speed_mps))  # fmt: skip
        bias = keep * bias + np.sqrt(1 - keep**2) * rng.normal(0, noise.bias_m, 2)
        off = bias + rng.normal(0, noise.white_m, 2)
        place = moved(*ORIGIN_DEG, east + off[0], north + off[1])
        told_mps, course_deg = _told(speed, heading, rng, noise)
        sigma_m = float(np.hypot(noise.bias_m, noise.white_m))
        found.append(Position(float(each), *place, sigma_m, course_deg, told_mps, BEGAN + timedelta(seconds=float(each))))  # fmt: skip
    return found


def _told(speed_mps: float, heading_deg: float, rng: np.random.Generator, noise: Noise) -> tuple[float | None, float | None]:  # fmt: skip
    if noise.velocity_mps is None:
        return None, None
    rad = np.radians(heading_deg)
    velocity = speed_mps * np.array((np.sin(rad), np.cos(rad))) + rng.normal(0, noise.velocity_mps, 2)
    told_mps = float(np.hypot(*velocity))
    return told_mps, float(np.degrees(np.arctan2(*velocity)) % 360) if told_mps >= NO_COURSE_MPS else None


def _summed(rate: Array) -> Array:
    return np.asarray(np.concatenate(((0.0,), np.cumsum((rate[1:] + rate[:-1]) / 2 * STEP_S))))
