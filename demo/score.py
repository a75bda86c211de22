"""How well the chain did on a ride whose truth is known. Pure: rows and truth in, figures out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, hypot, radians
from statistics import median
from typing import Any

MATCH_M = 5.0
COUNTED_SHORT_PX, COUNTED_SHARE, COUNTED_RANGE_M, COUNTED_FRAMES = 16, 0.5, 20.0, 3


@dataclass(frozen=True)
class Spot:
    """A category at a place: a problem of the truth, or a case."""

    key: int
    category: str
    lat_deg: float
    lon_deg: float


@dataclass(frozen=True)
class Score:
    """`problems` are those seen well enough to be asked for; a match is the same category within MATCH_M, one to one, nearest first."""

    problems: int
    found: int
    doubled: int
    false_cases: int
    place_p50_m: float | None
    categories_found: int
    matched: dict[int, int]


def metres(a: Spot, b: Spot) -> float:
    """Distance of two spots, flat."""
    return hypot((a.lat_deg - b.lat_deg) * 111_195, (a.lon_deg - b.lon_deg) * 111_195 * cos(radians(a.lat_deg)))


def problems_of(truth: dict[str, Any]) -> tuple[list[Spot], set[int]]:
    """All problems of a truth file, and the keys of those once seen at least 16 px small side, half visible, within 20 m, in three frames."""
    spots, counted = [], set()
    for problem in truth["problems"]:
        spots.append(Spot(problem["id"], problem["category"], problem["lat"], problem["lon"]))
        needed = 1 if truth.get("photos") else COUNTED_FRAMES
        good = sum(
            min(x2 - x1, y2 - y1) >= COUNTED_SHORT_PX and share >= COUNTED_SHARE and away <= COUNTED_RANGE_M
            for _, x1, y1, x2, y2, share, away in problem["views"]
        )
        if good >= needed:
            counted.add(problem["id"])
    return spots, counted


def score(problems: Sequence[Spot], counted: set[int], cases: Sequence[Spot]) -> Score:
    """Match cases to problems. A case that fits any problem, even one too small to be asked for, is not false; a second case within
    MATCH_M of a found problem that fits no other is doubled."""
    pairs = sorted(
        (metres(p, c), p.key, c.key)
        for p in problems
        for c in cases
        if p.category == c.category and metres(p, c) <= MATCH_M
    )
    by_case: dict[int, int] = {}
    distance: dict[int, float] = {}
    taken: set[int] = set()
    for away, problem, case in pairs:
        if problem not in taken and case not in by_case:
            by_case[case], distance[case] = problem, away
            taken.add(problem)
    near = {case for _, problem, case in pairs if problem in taken}
    unmatched = [case for case in cases if case.key not in by_case]
    doubled = sum(case.key in near for case in unmatched)
    found = taken & counted
    asked = [away for case, away in distance.items() if by_case[case] in counted]
    kinds = {p.category for p in problems if p.key in found}
    return Score(
        len(counted),
        len(found),
        doubled,
        len(unmatched) - doubled,
        round(median(asked), 2) if asked else None,
        len(kinds),
        by_case,
    )


def is_real(problems: Sequence[Spot], case: Spot) -> bool:
    """What a person who knows the street would answer."""
    return any(p.category == case.category and metres(p, case) <= MATCH_M for p in problems)
