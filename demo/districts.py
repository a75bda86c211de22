"""Districts with known truth, to measure joining by: things of one kind, seen by passes whose receivers are off. Pure: the same for the same generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt

from server.cases.rules import Point

Matrix = npt.NDArray[np.floating[Any]]
ORIGIN_DEG = (37.87, 112.55)
METRES_OF_LONGITUDE = 111_195 * cos(radians(ORIGIN_DEG[0]))
HEIGHT_M, TILT_SIGMA_DEG, HEADING_SIGMA_DEG, BOX_SIGMA_M = 1.4, 0.6, 2.0, 0.3


@dataclass(frozen=True)
class Drive:
    """How often a district is driven through, how far the receiver is off (per axis, one shift a pass) and each sighting besides, and which share of the things a pass sees.

    `one_of_all`: each pass sees just one thing, whichever. `told_sigma_m`: what the receiver says of itself, if that is not true.
    """

    passes: int = 5
    shift_sigma_m: float = 2.0
    own_sigma_m: float = 0.4
    recall: float = 0.8
    one_of_all: bool = False
    told_sigma_m: float | None = None


def row(count: int, spacing_m: float) -> Matrix:
    """Things along a street: [count, 2] east/north in m."""
    return np.outer(np.arange(count), (0.8 * spacing_m, 0.6 * spacing_m))


def seen(things_m: Matrix, drive: Drive, rng: np.random.Generator) -> dict[Point, int]:
    """The sightings of things [k, 2] and the number of the thing that each one is."""
    sightings: dict[Point, int] = {}
    told_m = drive.shift_sigma_m if drive.told_sigma_m is None else drive.told_sigma_m
    variance_m2 = told_m**2 + drive.own_sigma_m**2
    for _ in range(drive.passes):
        pass_id, shift_m = _uuid(rng), rng.normal(0, drive.shift_sigma_m, 2)
        looked = rng.random(len(things_m)) < drive.recall
        chosen = [int(rng.integers(len(things_m)))] if drive.one_of_all else np.flatnonzero(looked).tolist()
        for thing in chosen:
            at_m = things_m[thing] + shift_m + rng.normal(0, drive.own_sigma_m, 2)
            covariance = (variance_m2, 0.0, variance_m2)
            sightings[Point(_uuid(rng), pass_id, *degrees_of(at_m), covariance, told_m)] = thing
    return sightings


def wrongs(groups: Sequence[Sequence[Point]], truth: dict[Point, int]) -> tuple[bool, bool]:
    """Whether some case holds sightings of more than one thing, and whether some thing has more than one case."""
    held = [{truth[point] for point in members} for members in groups]
    cases_of = [sum(thing in each for each in held) for thing in set(truth.values())]
    return any(len(each) > 1 for each in held), max(cases_of, default=0) > 1


def looks_at_one(passes: int, vehicles: int, rng: np.random.Generator, sides: int = 2) -> list[Point]:
    """Sightings of one thing, at ORIGIN_DEG, by vehicles that drive one way through a street or both. Each one's camera is tilted by an error of its own for good;
    course, box and receiver are off anew on every pass. Their covariances say just that."""
    tilts = rng.normal(0, TILT_SIGMA_DEG, vehicles)
    found = []
    for _ in range(passes):
        vehicle, range_m, sigma_m = int(rng.integers(vehicles)), rng.uniform(5, 14), rng.uniform(1.5, 3.0)
        bearing_deg = float(rng.choice((60.0, 240.0)[:sides]) + rng.uniform(-25, 25)) % 360
        along = np.array((np.sin(np.radians(bearing_deg)), np.cos(np.radians(bearing_deg))))
        across = np.array((-along[1], along[0]))
        metres_a_degree = radians(1) * (range_m**2 + HEIGHT_M**2) / HEIGHT_M
        across_sigma_m = radians(HEADING_SIGMA_DEG) * range_m
        at_m = along * metres_a_degree * tilts[vehicle] + across * rng.normal(0, across_sigma_m)
        at_m += rng.normal(0, hypot(sigma_m, BOX_SIGMA_M), 2)
        spread = (
            np.outer(along, along) * (metres_a_degree * TILT_SIGMA_DEG) ** 2
            + np.outer(across, across) * across_sigma_m**2
        )
        spread += np.eye(2) * (sigma_m**2 + BOX_SIGMA_M**2)
        covariance = (float(spread[0, 0]), float(spread[0, 1]), float(spread[1, 1]))
        found.append(Point(_uuid(rng), _uuid(rng), *degrees_of(at_m), covariance, sigma_m, bearing_deg, vehicle))
    return found


def degrees_of(at_m: Matrix) -> tuple[float, float]:
    """Latitude and longitude of a point east and north of ORIGIN_DEG."""
    return ORIGIN_DEG[0] + float(at_m[1]) / 111_195, ORIGIN_DEG[1] + float(at_m[0]) / METRES_OF_LONGITUDE


def metres_of(points: Sequence[Point]) -> Matrix:
    """East and north of ORIGIN_DEG: [n, 2]."""
    lat, lon = np.array([p.lat_deg for p in points]), np.array([p.lon_deg for p in points])
    return np.stack(((lon - ORIGIN_DEG[1]) * METRES_OF_LONGITUDE, (lat - ORIGIN_DEG[0]) * 111_195), axis=1)


def _uuid(rng: np.random.Generator) -> UUID:
    return UUID(bytes=rng.bytes(16))
