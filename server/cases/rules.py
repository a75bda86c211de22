"""The life of a case as one table, and when sightings are one case. Pure: no clock, no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import atan2, cos, degrees, radians, sqrt
from uuid import UUID

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


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
    S.SET_ASIDE: frozenset({S.NEW}),
    S.QUEUED: frozenset({S.CONFIRMED, S.REJECTED, S.DISPUTED}),
    S.DISPUTED: frozenset({S.CONFIRMED, S.REJECTED, S.QUEUED}),
    S.CONFIRMED: frozenset({S.QUEUED, S.HANDED_OVER}),
    S.REJECTED: frozenset({S.QUEUED}),
    S.HANDED_OVER: frozenset({S.ACCEPTED, S.RETURNED, S.FIXED, S.RETRACTED}),
    S.ACCEPTED: frozenset({S.RETURNED, S.FIXED, S.RETRACTED}),
    S.RETURNED: frozenset({S.QUEUED}),
    S.FIXED: frozenset({S.VERIFIED, S.REOPENED}),
    S.REOPENED: frozenset({S.HANDED_OVER}),
    S.RETRACTED: frozenset(), S.VERIFIED: frozenset(), S.MERGED: frozenset(),
}  # fmt: skip
"""What may follow what. Besides, any state but merged may become merged."""
CLOSED = frozenset({S.REJECTED, S.VERIFIED, S.RETRACTED, S.MERGED})
OPEN = frozenset(State) - CLOSED
UNSETTLED = frozenset({S.NEW, S.SET_ASIDE, S.QUEUED, S.DISPUTED})
"""Without a verdict that counts: the case is in shadow as its category is."""
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

NEIGHBOURHOOD_M = 30.0
FARTHEST_M = 15.0
CHI2_95 = 5.991  # 95 % of two dimensions
GATE_D2 = 9.21  # 99 % of two dimensions
SIZE_M2 = 1.0  # a thing is not a point: its own extent, per axis, squared


@dataclass(frozen=True)
class Point:
    """What joining needs of a sighting; covariance in m², east/north."""

    id: UUID
    pass_id: UUID
    lat_deg: float
    lon_deg: float
    covariance: tuple[float, float, float]


def may_move(old: State, new: State) -> bool:
    """Whether the table allows a move."""
    return new in MOVES[old] or (new == State.MERGED and old != State.MERGED)


def metres_between(a: Point, b: Point) -> tuple[float, float]:
    """East and north metres from a to b, flat at the size of a neighbourhood."""
    return (b.lon_deg - a.lon_deg) * 111_195 * cos(radians((a.lat_deg + b.lat_deg) / 2)), (
        b.lat_deg - a.lat_deg
    ) * 111_195


def links(points: Sequence[Point]) -> tuple[Matrix, Matrix]:
    """Which pairs may be one thing (of two passes, near in sigmas and in metres), and every pair's squared distance in sigmas: [n, n] each.

    A pair whose distance is over FARTHEST_M is infinitely far in sigmas.
    """
    lat, lon = np.array([p.lat_deg for p in points]), np.array([p.lon_deg for p in points])
    north = (lat[None] - lat[:, None]) * 111_195
    east = (lon[None] - lon[:, None]) * 111_195 * np.cos(np.radians((lat[None] + lat[:, None]) / 2))
    ee, en, nn = (
        np.array([p.covariance for p in points]).T[:, :, None] + np.array([p.covariance for p in points]).T[:, None]
    )
    ee, nn = ee + SIZE_M2, nn + SIZE_M2
    d2 = (nn * east**2 - 2 * en * east * north + ee * north**2) / np.maximum(ee * nn - en * en, 1e-9)
    d2[np.hypot(east, north) > FARTHEST_M] = np.inf
    passes = np.unique([p.pass_id.bytes for p in points], return_inverse=True)[1]
    return (d2 < GATE_D2) & (passes[:, None] != passes[None]), d2


def connected(points: Sequence[Point], start: int) -> list[int]:
    """The numbers of all points that a chain of links ties to the point number `start`, itself included."""
    may, _ = links(points)
    found = np.zeros(len(points), bool)
    found[start] = True
    while not np.array_equal(wider := found | may[found].any(axis=0), found):
        found = wider
    return [int(number) for number in np.flatnonzero(found)]


def group(points: Iterable[Point]) -> list[list[Point]]:
    """Partition sightings of one category into things. A function of the set: the order of `points` does not matter.

    Nearest pairs (in sigmas) join first; two groups that share a pass never join, and no group grows wider than FARTHEST_M.
    """
    ordered = sorted(points, key=lambda p: p.id)
    may, d2 = links(ordered)
    first, second = np.nonzero(np.triu(may, 1))
    owner = [[number] for number in range(len(ordered))]
    passes = [{point.pass_id} for point in ordered]
    nearest = np.lexsort((second, first, d2[first, second]))
    for a, b in zip(first[nearest].tolist(), second[nearest].tolist(), strict=True):
        one, other = owner[a], owner[b]
        if one is other or passes[one[0]] & passes[other[0]] or np.isinf(d2[np.ix_(one, other)]).any():
            continue
        passes[one[0]] |= passes[other[0]]
        one.extend(other)
        for number in other:
            owner[number] = one
    groups = {id(members): sorted(members) for members in owner}
    return [[ordered[number] for number in members] for members in sorted(groups.values())]


def fused(points: Sequence[Point]) -> tuple[float, float, tuple[float, float, float]]:
    """Latitude, longitude and covariance of a thing: weighted by certainty; passes share camera and mount, so the best covariance stands for all."""
    weights = [1 / (p.covariance[0] + p.covariance[2]) for p in points]
    total = sum(weights)
    best = min(points, key=lambda p: (p.covariance[0] + p.covariance[2], p.id))
    return (
        sum(w * p.lat_deg for w, p in zip(weights, points, strict=True)) / total,
        sum(w * p.lon_deg for w, p in zip(weights, points, strict=True)) / total,
        best.covariance,
    )


def ellipse_95(ee: float, en: float, nn: float) -> tuple[float, float, float]:
    """Half axes in metres of the 95 % region, the long one first, and its angle from east, counter-clockwise in degrees."""
    mean, spread = (ee + nn) / 2, sqrt(((ee - nn) / 2) ** 2 + en * en)
    return (
        sqrt(CHI2_95 * (mean + spread)),
        sqrt(CHI2_95 * max(mean - spread, 1e-6)),
        degrees(0.5 * atan2(2 * en, ee - nn)),
    )
