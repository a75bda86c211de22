"""The life of a case as one table, and when sightings are one case. Pure: no clock, no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from math import atan2, cos, degrees, hypot, inf, radians, sqrt
from uuid import UUID

import numpy as np
import numpy.typing as npt

from server.cases.grouping import FARTHEST_M, LINK_D2, Seen, things

Matrix = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


class State(StrEnum):
    NEW = "new"
    SET_ASIDE = "set_aside"
    QUEUED = "queued"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    DISPUTED = "disputed"
    HANDED_OVER = "handed_over"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    FIXED = "fixed"
    RETRACTED = "retracted"
    VERIFIED = "verified"
    REOPENED = "reopened"
    MERGED = "merged"


S = State
MOVES: dict[State, frozenset[State]] = {
    S.NEW: frozenset({S.SET_ASIDE, S.QUEUED}),
    S.SET_ASIDE: frozenset({S.NEW, S.QUEUED}),
    S.QUEUED: frozenset({S.CONFIRMED, S.REJECTED, S.DISPUTED}),
    S.DISPUTED: frozenset({S.CONFIRMED, S.REJECTED, S.QUEUED}),
    S.CONFIRMED: frozenset({S.QUEUED, S.DISPUTED, S.HANDED_OVER}),
    S.REJECTED: frozenset({S.QUEUED, S.DISPUTED}),
    S.HANDED_OVER: frozenset({S.ACCEPTED, S.RETURNED, S.FIXED, S.RETRACTED, S.CONFIRMED}),
    S.ACCEPTED: frozenset({S.RETURNED, S.FIXED, S.RETRACTED, S.CONFIRMED}),
    S.RETURNED: frozenset({S.QUEUED}),
    S.FIXED: frozenset({S.VERIFIED, S.REOPENED}),
    S.REOPENED: frozenset({S.HANDED_OVER}),
    S.RETRACTED: frozenset({S.QUEUED}), S.VERIFIED: frozenset(), S.MERGED: frozenset({S.QUEUED}),
}  # fmt: skip
"""What may follow what. Besides, any state but merged may become merged. A merged one comes back if the answer that merged it is undone. What a city has is confirmed again where it was of another category: it leaves anew."""
CLOSED = frozenset({S.REJECTED, S.VERIFIED, S.RETRACTED, S.MERGED})
OPEN = frozenset(State) - CLOSED
UNSETTLED = frozenset({S.NEW, S.SET_ASIDE, S.QUEUED, S.DISPUTED})
"""Without a verdict that counts: the case is in shadow as its category is."""
AT_CITY = (S.HANDED_OVER, S.ACCEPTED)
"""A city has them and is not done."""
SENIORITY = (
    S.FIXED,
    S.ACCEPTED,
    S.HANDED_OVER,
    S.REOPENED,
    S.RETURNED,
    S.CONFIRMED,
    S.REJECTED,
    S.DISPUTED,
    S.QUEUED,
    S.SET_ASIDE,
    S.NEW,
)

CHI2_95 = 5.991  # 95 % of two dimensions
SIZE_M2 = 1.0
"""A thing is not a point, and is seen from several sides: how far its middle may lie off, per axis, squared."""
LEAST_M2 = 1e-4
MERGED_UNASKED_M, MERGED_UNASKED_D2 = 25.0, 9.0
"""Who merges cases that lie farther apart, in metres or squared sigmas, is asked once more."""


@dataclass(frozen=True)
class Point:
    """What joining needs of a sighting; covariance in m², east/north.

    Of it, `fix_sigma_m` squared per axis is the receiver's error, which a whole pass shares; where it is not told, as much as fits. What is left comes from
    camera and mount and lies along the bearing (clockwise from north), for all passes of one vehicle alike.
    """

    id: UUID
    pass_id: UUID
    lat_deg: float
    lon_deg: float
    covariance: tuple[float, float, float]
    fix_sigma_m: float = inf
    bearing_deg: float = 0.0
    vehicle_id: int = 0


Placed = tuple[float, float, tuple[float, float, float]]
"""Latitude, longitude and covariance."""


def may_move(old: State, new: State) -> bool:
    """Whether the table allows a move."""
    return new in MOVES[old] or (new == State.MERGED and old != State.MERGED)


def metres_between(a: Point, b: Point) -> tuple[float, float]:
    """East and north metres from a to b, flat at the size of a neighbourhood."""
    return (b.lon_deg - a.lon_deg) * 111_195 * cos(radians((a.lat_deg + b.lat_deg) / 2)), (
        b.lat_deg - a.lat_deg
    ) * 111_195


def links(points: Sequence[Point]) -> Mask:
    """Which pairs may be one thing: of two passes, near in sigmas and in metres. [n, n]"""
    lat, lon = np.array([p.lat_deg for p in points]), np.array([p.lon_deg for p in points])
    # Of each pair's own middle: whoever else is there must not matter.
    north = (lat - lat[:, None]) * 111_195
    east = (lon - lon[:, None]) * 111_195 * np.cos(np.radians((lat + lat[:, None]) / 2))
    ee, en, nn = (part[:, None] + part for part in np.array([p.covariance for p in points]).T)
    ee, nn = ee + 2 * SIZE_M2, nn + 2 * SIZE_M2
    d2 = (nn * east**2 - 2 * en * east * north + ee * north**2) / np.maximum(ee * nn - en * en, 1e-9)
    passes = _numbers([p.pass_id.bytes for p in points])
    may: Mask = (d2 < LINK_D2) & (np.hypot(east, north) <= FARTHEST_M) & (passes[:, None] != passes)
    return may


def connected(points: Sequence[Point], start: int) -> list[int]:
    """The numbers of all points that a chain of links ties to the point number `start`, itself included."""
    return [int(number) for number in _tied(links(points), start)]


def group(points: Iterable[Point]) -> list[list[Point]]:
    """Partition sightings of one category into things. A function of the set: the order of `points` does not matter.

    Points that no chain of links ties together do not matter to each other; two of one pass are never one thing.
    """
    every = list(points)
    if not every:
        return []
    may, left = links(every), np.ones(len(every), bool)
    groups: list[list[Point]] = []
    while left.any():
        part = _tied(may, int(left.argmax()))
        left[part] = False
        groups += group_tied([every[number] for number in part])
    return sorted(groups, key=lambda members: members[0].id)


def group_tied(points: Iterable[Point]) -> list[list[Point]]:
    """The same of points that one chain of links ties together, as `connected` found them."""
    ordered = sorted(points, key=lambda p: (p.pass_id.bytes, p.id.bytes))
    found: dict[int, list[Point]] = {}
    for point, thing in zip(ordered, things(_seen(ordered)).tolist(), strict=True):
        found.setdefault(thing, []).append(point)
    return sorted(
        (sorted(members, key=lambda p: p.id) for members in found.values()), key=lambda members: members[0].id
    )


def fused(points: Sequence[Point]) -> tuple[float, float, tuple[float, float, float]]:
    """Latitude, longitude and covariance of a thing out of its sightings, one a pass: generalised least squares.

    Errors of receivers differ from pass to pass and average out. What comes from camera and mount is the same length along the bearing, in its sigmas, on all passes of
    a vehicle: more passes from the same side do not lessen it, passes from both sides do, and so do other vehicles.
    """
    if len(points) == 1:
        ee, en, nn = points[0].covariance
        return points[0].lat_deg, points[0].lon_deg, (ee + LEAST_M2, en, nn + LEAST_M2)
    along = np.radians([p.bearing_deg for p in points])
    along = np.stack((np.sin(along), np.cos(along)), axis=1)
    covariance = np.array([[p.covariance[:2], p.covariance[1:]] for p in points])
    own = covariance - np.eye(2) * np.array([_shared_m2(p) for p in points])[:, None, None]
    reach = (own @ along[..., None])[..., 0]
    reach /= np.sqrt(np.maximum((reach * along).sum(1), LEAST_M2))[:, None]
    vehicles = _numbers([p.vehicle_id for p in points])
    model = np.zeros((len(points), 2, 3 + vehicles.max()))
    model[:, :, :2] = np.eye(2)
    model[np.arange(len(points)), :, 2 + vehicles] = reach
    left = covariance - reach[:, :, None] * reach[:, None] + np.eye(2) * LEAST_M2
    weighted = model.swapaxes(1, 2) @ np.linalg.inv(left)
    unsure = np.linalg.inv((weighted @ model).sum(0) + np.diag([0.0] * 2 + [1.0] * (vehicles.max() + 1)))
    east, north = (unsure @ (weighted @ _metres(points)[..., None]).sum(0)[:, 0])[:2]
    first = points[0]
    return (
        first.lat_deg + float(north) / 111_195,
        first.lon_deg + float(east) / (111_195 * cos(radians(first.lat_deg))),
        (float(unsure[0, 0]), float(unsure[0, 1]), float(unsure[1, 1])),
    )


def may_be_one(way_m: tuple[float, float], one: tuple[float, float, float], other: tuple[float, float, float]) -> bool:
    """Whether two cases so far east and north of each other may well be one thing, by the covariances of their places."""
    east, north = way_m
    ee, en, nn = (sum(pair) for pair in zip(one, other, strict=True))
    ee, nn = ee + 2 * SIZE_M2, nn + 2 * SIZE_M2
    d2 = (nn * east**2 - 2 * en * east * north + ee * north**2) / max(ee * nn - en * en, 1e-9)
    return bool(hypot(east, north) <= MERGED_UNASKED_M and d2 <= MERGED_UNASKED_D2)


def kept_place(own: Sequence[Point], others: Sequence[Point]) -> Placed:
    """The place of a thing out of its own sightings alone, with a covariance whose 95 % region reaches each of the others that were put to it."""
    lat, lon, told = fused(own)
    here, covariance = replace(own[0], lat_deg=lat, lon_deg=lon), np.array([told[:2], told[1:]])
    ways = sorted((np.array(metres_between(here, each)) for each in others), key=lambda way: -float(way @ way))
    for way in ways:
        if (d2 := float(way @ np.linalg.solve(covariance, way))) > CHI2_95:
            covariance = covariance + np.outer(way, way) * (1 / CHI2_95 - 1 / d2)  # it then lies on the region's edge
    return lat, lon, (float(covariance[0, 0]), float(covariance[0, 1]), float(covariance[1, 1]))


def _metres(points: Sequence[Point]) -> Matrix:
    """East and north of the first point, flat at the size of a neighbourhood. [n, 2]"""
    lat, lon = np.array([p.lat_deg for p in points]), np.array([p.lon_deg for p in points])
    return np.stack(((lon - lon[0]) * cos(radians(lat[0])), lat - lat[0]), axis=1) * 111_195


def _numbers(names: Sequence[bytes] | Sequence[int]) -> npt.NDArray[np.int64]:
    """Equal names have the same number, from 0 on by their first."""
    numbers: dict[bytes | int, int] = {}
    return np.array([numbers.setdefault(each, len(numbers)) for each in names])


def _tied(may: Mask, start: int) -> npt.NDArray[np.int64]:
    found = np.zeros(len(may), bool)
    found[start] = True
    while not np.array_equal(wider := found | may[found].any(axis=0), found):
        found = wider
    return np.flatnonzero(found)


def _shared_m2(point: Point) -> float:
    """The variance per axis that a sighting shares with the others of its pass."""
    ee, en, nn = point.covariance
    return max(min(point.fix_sigma_m**2, (ee + nn) / 2 - hypot((ee - nn) / 2, en)), 0.0)


def _seen(points: Sequence[Point]) -> Seen:
    shared_m2 = np.array([_shared_m2(p) for p in points])
    covariance = np.array([[p.covariance[:2], p.covariance[1:]] for p in points])
    passes = _numbers([p.pass_id.bytes for p in points])
    shift_m2 = np.bincount(passes, shared_m2) / np.bincount(passes)
    own = covariance + np.eye(2) * (SIZE_M2 - shared_m2)[:, None, None]
    return Seen(_metres(points), own, passes, np.maximum(shift_m2, LEAST_M2))


def ellipse_95(ee: float, en: float, nn: float) -> tuple[float, float, float]:
    """Half axes in metres of the 95 % region, the long one first, and its angle from east, counter-clockwise in degrees."""
    mean, spread = (ee + nn) / 2, sqrt(((ee - nn) / 2) ** 2 + en * en)
    return (
        sqrt(CHI2_95 * (mean + spread)),
        sqrt(CHI2_95 * max(mean - spread, 1e-6)),
        degrees(0.5 * atan2(2 * en, ee - nn)),
    )
