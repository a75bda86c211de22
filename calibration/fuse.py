"""The looks of one pass at one thing, made one place: what they share is no less for their number, what is each one's own averages out.

Generalised least squares in (bearing, 1 / range), where a look's errors stay linear: V = own + G Gᵀ, with G what one sigma of each shared term does to all looks
(e.g. Aitken 1936; the shared columns as in Schmidt's consider filter).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, radians, sin

import numpy as np
import numpy.typing as npt

from calibration.ground import TERMS, GroundPoint

IS_FRAME = np.array([name in ("nod", "pixel_u", "pixel_v") for name in TERMS])
"""Which terms of a ground point differ from look to look; all others are the camera's, the thing's or the street's."""
STEPS = 10
CLOSE_M = 1e-3
MISFIT_SIGMAS = 5.0
"""Looks that fit one place worse than this, in sigmas of what their squared misfit may be, are not of one place that stands still."""
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True)
class GroundLook:
    """One look: where the camera was (east, north in metres of a common origin), its heading clockwise from north, its speed, and the foot it saw."""

    east_m: float
    north_m: float
    heading_deg: float
    speed_mps: float
    foot: GroundPoint


@dataclass(frozen=True)
class PassNoise:
    """What a pass adds to its looks, one sigma each: to each alone the course and the receiver's wander, to all together the course and the time between
    receiver and camera. The receiver's shift is not in here: it moves the place as it is, and the caller adds it."""

    heading_own_deg: float = 0.5
    position_own_m: float = 0.2
    heading_deg: float = 2.0
    time_s: float = 0.05


def fused(looks: Sequence[GroundLook], noise: PassNoise) -> tuple[F64, F64] | None:
    """East and north of the thing, [2], and its covariance [2, 2] in m², without the receiver's shift; of one look always.

    None if the looks cannot be of one place: the thing moves with the vehicle, the receiver jumped, or two things were taken for one.
    """
    origins = np.array([(look.east_m, look.north_m) for look in looks])
    said = np.array([(bearing_rad(look), 1 / look.foot.range_m) for look in looks])
    point = np.asarray(np.mean([_seen_at(look) for look in looks], axis=0))
    whitened = np.linalg.inv(_variance(looks, noise))
    for _ in range(STEPS):
        predicted, rows = _polar(origins, point)
        off = said - predicted
        off[:, 0] = (off[:, 0] + np.pi) % (2 * np.pi) - np.pi
        information = rows.T @ whitened @ rows
        step = np.linalg.solve(information, rows.T @ whitened @ off.reshape(-1))
        # One look beyond the next could throw the point behind the camera; half the way to the nearest look is as far as linear goes.
        longest = 0.5 * float(np.min(np.hypot(*(point - origins).T)))
        point = point + step * min(1.0, longest / max(float(np.hypot(*step)), 1e-9))
        if np.hypot(*step) < CLOSE_M:
            break
    free = off.size - 2
    if off.reshape(-1) @ whitened @ off.reshape(-1) > free + MISFIT_SIGMAS * (2 * free) ** 0.5 + 1e-9:
        return None
    return point, np.asarray(np.linalg.inv(information), np.float64)


def bearing_rad(look: GroundLook) -> float:
    """Clockwise from north."""
    return radians(look.heading_deg) - look.foot.bearing_left_rad


def _seen_at(look: GroundLook) -> tuple[float, float]:
    bearing = bearing_rad(look)
    return look.east_m + look.foot.range_m * sin(bearing), look.north_m + look.foot.range_m * cos(bearing)


def _polar(origins: F64, point: F64) -> tuple[F64, F64]:
    """Bearings and inverse ranges [N, 2] of a point, and their derivatives [2 N, 2] by its east and north."""
    way = point - origins
    squared = np.maximum(np.sum(way**2, axis=1), 0.01)
    inverse = squared**-0.5
    rows = np.empty((len(way), 2, 2))
    rows[:, 0] = np.stack((way[:, 1], -way[:, 0]), axis=1) / squared[:, None]
    rows[:, 1] = -way * (inverse**3)[:, None]
    return np.stack((np.arctan2(way[:, 0], way[:, 1]), inverse), axis=1), rows.reshape(-1, 2)


def _variance(looks: Sequence[GroundLook], noise: PassNoise) -> F64:
    """Covariance [2 N, 2 N] of all bearings and inverse ranges: blocks of each look's own, and what they share."""
    count = 2 * len(looks)
    total, shared = np.zeros((count, count)), []
    for number, look in enumerate(looks):
        own, common = _polar_terms(look, noise)
        block = slice(2 * number, 2 * number + 2)
        total[block, block] = own.T @ own
        shared.append(common)
    columns = np.stack(shared, axis=1).reshape(-1, count)
    return np.asarray(total + columns.T @ columns)


def _polar_terms(look: GroundLook, noise: PassNoise) -> tuple[F64, F64]:
    """What one sigma of each of a look's own terms [n, 2] and of each shared one [m, 2] does to its bearing and inverse range."""
    terms, range_m, bearing = look.foot.polar_terms * (-1.0, 1.0), look.foot.range_m, bearing_rad(look)
    by_east = np.array((cos(bearing), -sin(bearing) / range_m)) / range_m
    by_north = np.array((-sin(bearing), -cos(bearing) / range_m)) / range_m
    heading = radians(look.heading_deg)
    driven_m = look.speed_mps * noise.time_s
    by_time = driven_m * (sin(heading) * by_east + cos(heading) * by_north)
    own = np.array(
        ((radians(noise.heading_own_deg), 0.0), noise.position_own_m * by_east, noise.position_own_m * by_north)
    )
    common = np.array(((radians(noise.heading_deg), 0.0), by_time))
    return np.vstack((terms[IS_FRAME], own)), np.vstack((terms[~IS_FRAME], common))
