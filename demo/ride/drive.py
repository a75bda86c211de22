"""How the tricycle moves along the street, and what its receiver says about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from demo.ride.pose import Pose

FPS = 10.0
START_M, END_M = 2.0, 352.0
HEIGHT_M, PITCH_DEG, LANE_M = 1.4, 7.0, -2.4
ORIGIN_DEG = (37.8706, 112.5489)
ALTITUDE_M = 785.0
STREET_HEADING_DEG = 78.0
BIAS_SIGMA_M, BIAS_TIME_S, WHITE_SIGMA_M = 1.0, 60.0, 0.3


@dataclass(frozen=True)
class Moment:
    """One frame's instant and pose."""

    t_s: float
    pose: Pose


def drive(seed: int, fps: float = FPS, until_m: float = END_M) -> list[Moment]:
    """The ride up to a place: 3 to 6 m/s, a gentle weave, pitch that shakes and jolts at joints in the road."""
    rng = np.random.default_rng([seed, 21])
    waves = [(rng.uniform(0.2, 0.5), rng.uniform(0, 6.3), rng.uniform(12, 40)) for _ in range(3)]
    shake = [
        (np.radians(a), rng.uniform(f, 1.6 * f), rng.uniform(0, 6.3))
        for a, f in ((0.22, 0.7), (0.16, 1.9), (0.10, 4.1))
    ]
    joints = np.sort(rng.uniform(START_M, END_M, 9))
    moments, x, t, jolt = [], START_M, 0.0, 0.0
    y_before = _lane(x, waves)
    while x < until_m:
        speed = float(np.clip(4.8 + 1.3 * np.sin(x / 31 + waves[0][1]) + 0.7 * np.sin(x / 13 + waves[1][1]), 3.0, 6.0))
        y = _lane(x, waves)
        yaw = float(np.arctan2(y - y_before, max(speed / fps, 1e-6)))
        jolt = float(
            jolt * 0.35 + (np.radians(rng.normal(0, 0.9)) if np.any(np.abs(joints - x) < speed / fps) else 0.0)
        )
        pitch = np.radians(PITCH_DEG) + sum(a * np.sin(2 * np.pi * f * t + p) for a, f, p in shake) + jolt
        roll = np.radians(0.3) * np.sin(2 * np.pi * 0.6 * t)
        moments.append(Moment(t, Pose(x, y, HEIGHT_M, yaw, float(pitch), float(roll))))
        x, t, y_before = x + speed / fps, t + 1 / fps, y
    return moments


def _lane(x: float, waves: list[tuple[float, float, float]]) -> float:
    return float(LANE_M + 0.3 * sum(a * np.sin(x / length + phase) for a, phase, length in waves))


def to_wgs84(x_m: float, y_m: float) -> tuple[float, float]:
    """Latitude and longitude of a street point, flat at the ride's size (5 cm at 400 m)."""
    heading = np.radians(STREET_HEADING_DEG)
    east = x_m * np.sin(heading) - y_m * np.cos(heading)
    north = x_m * np.cos(heading) + y_m * np.sin(heading)
    lat, lon = ORIGIN_DEG
    sin2 = np.sin(np.radians(lat)) ** 2
    meridian = 6378137.0 * (1 - 0.00669437999014) / (1 - 0.00669437999014 * sin2) ** 1.5
    normal = 6378137.0 / np.sqrt(1 - 0.00669437999014 * sin2)
    return float(lat + np.degrees(north / meridian)), float(lon + np.degrees(east / (normal * np.cos(np.radians(lat)))))


def heading_deg(pose: Pose) -> float:
    """Where the camera looks, clockwise from true north."""
    return float((STREET_HEADING_DEG - np.degrees(pose.yaw_rad)) % 360)


def receiver_error_m(seed: int, times_s: list[float]) -> np.ndarray:
    """East and north error of the receiver at each instant: a slow Gauss-Markov bias and white noise, [n, 2]."""
    rng = np.random.default_rng([seed, 31])
    bias, before, errors = rng.normal(0, BIAS_SIGMA_M, 2), times_s[0], []
    for t in times_s:
        keep = np.exp(-(t - before) / BIAS_TIME_S)
        bias = keep * bias + np.sqrt(1 - keep**2) * rng.normal(0, BIAS_SIGMA_M, 2)
        errors.append(bias + rng.normal(0, WHITE_SIGMA_M, 2))
        before = t
    return np.asarray(errors)
