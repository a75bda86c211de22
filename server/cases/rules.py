"""The life of a case as one table, and when sightings are one case. Pure: no clock, no database."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import cos, hypot, radians
from uuid import UUID


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
    S.SET_ASIDE: frozenset({S.QUEUED}),
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


def distance_d2(a: Point, b: Point) -> float:
    """Squared distance in sigmas of both together."""
    east, north = metres_between(a, b)
    ee, en, nn = (a.covariance[i] + b.covariance[i] + (SIZE_M2 if i != 1 else 0.0) for i in range(3))
    return (nn * east * east - 2 * en * east * north + ee * north * north) / max(ee * nn - en * en, 1e-9)


def linked(a: Point, b: Point) -> bool:
    """Whether two sightings may be one thing: of two passes, near in sigmas and in metres."""
    return a.pass_id != b.pass_id and hypot(*metres_between(a, b)) <= FARTHEST_M and distance_d2(a, b) < GATE_D2


def group(points: Iterable[Point]) -> list[list[Point]]:
    """Partition sightings of one category into things. A function of the set: the order of `points` does not matter.

    Nearest pairs (in sigmas) join first; two groups that share a pass never join, and no group grows wider than FARTHEST_M.
    """
    ordered = sorted(points, key=lambda p: p.id)
    owner: dict[UUID, list[Point]] = {p.id: [p] for p in ordered}
    pairs = sorted(
        (distance_d2(a, b), a.id, b.id) for i, a in enumerate(ordered) for b in ordered[i + 1 :] if linked(a, b)
    )  # fmt: skip
    for _, first, second in pairs:
        one, other = owner[first], owner[second]
        if one is other or {p.pass_id for p in one} & {p.pass_id for p in other}:
            continue
        if any(hypot(*metres_between(a, b)) > FARTHEST_M for a in one for b in other):
            continue
        one.extend(other)
        for point in other:
            owner[point.id] = one
    groups = {id(members): sorted(members, key=lambda p: p.id) for members in owner.values()}
    return sorted(groups.values(), key=lambda members: members[0].id)


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
