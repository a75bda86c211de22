"""When sightings are one case: wrong merges and splits on districts with known truth, beside two plainer rules; how sure a case's place is; what joining costs.

Merged counts districts in which at least one case holds sightings of two things; split counts those in which at least one thing has more than one case.
Errors are drawn as the vehicles state them, 2 m per axis shared by a pass and 0.4 m of each sighting's own, and a pass sees 80 % of the things, unless said.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import cos, radians
from pathlib import Path

import numpy as np

from benchmarks.place_row import Row
from demo.districts import ORIGIN_DEG, Drive, Matrix, looks_at_one, metres_of, row, seen, wrongs
from server.cases.rules import Point, fused, group

Rule = Callable[[Sequence[Point]], list[list[Point]]]
LINKED_M, NEAREST_D2, NEAREST_M = 10.0, 9.21, 15.0
MERGED_MOST, SPLIT_MOST = 0.10, 0.05
DISTRICTS = 400


def figures(shared: Path | None) -> list[Row]:
    """Rows of `make bench-place`; nothing of `shared` is needed."""
    return [*_aimed(), *_told(), _stable(), *_regions(), *_costs()]


def linked(points: Sequence[Point]) -> list[list[Point]]:
    """DBSCAN with min_samples 1: whatever a chain of steps of LINKED_M ties together."""
    at_m = metres_of(points)
    near = np.hypot(*(at_m[:, None] - at_m).transpose(2, 0, 1)) <= LINKED_M
    while not np.array_equal(wider := (near.astype(int) @ near) > 0, near):
        near = wider
    return [[points[n] for n in np.flatnonzero(members)] for members in np.unique(near, axis=0)]


def nearest_first(points: Sequence[Point]) -> list[list[Point]]:
    """The rule before this one: nearest pairs in sigmas first, one a pass, no shift of passes, none wider than NEAREST_M."""
    at_m, variance = metres_of(points), np.array([p.covariance[0] for p in points])
    gap = at_m[:, None] - at_m
    d2 = (gap**2).sum(2) / (variance[:, None] + variance + 1.0)
    d2[np.hypot(gap[..., 0], gap[..., 1]) > NEAREST_M] = np.inf
    owner = [[number] for number in range(len(points))]
    first, second = np.nonzero(np.triu(d2 < NEAREST_D2, 1))
    for pair in np.argsort(d2[first, second], kind="stable"):
        one, other = owner[first[pair]], owner[second[pair]]
        passes = [points[n].pass_id for n in (*one, *other)]
        if one is other or len(set(passes)) < len(passes) or np.isinf(d2[np.ix_(one, other)]).any():
            continue
        one.extend(other)
        for number in other:
            owner[number] = one
    return [[points[n] for n in members] for members in {id(members): members for members in owner}.values()]


RULES: dict[str, Rule] = {"ours": group, "DBSCAN at 10 m": linked, "nearest pairs": nearest_first}


def shares(things_m: Matrix, drive: Drive, districts: int = DISTRICTS) -> dict[str, tuple[float, float]]:
    """By rule: the share of districts wrongly merged and wrongly split. Seeds are the districts' numbers; the order of arrival is random, as ids are."""
    wrong = {name: np.zeros(2) for name in RULES}
    for number in range(districts):
        truth = seen(things_m, drive, np.random.default_rng(number))
        for name, rule in RULES.items():
            wrong[name] += wrongs(rule(list(truth)) if truth else [], truth)
    return {
        name: (float(merged), float(split)) for name, (merged, split) in ((n, w / districts) for n, w in wrong.items())
    }


def _said(found: dict[str, tuple[float, float]], which: int) -> str:
    ours, *others = ((name, f"{share[which]:.1%}") for name, share in found.items())
    return f"{ours[1]} ({', '.join(f'{name} {share}' for name, share in others)})"


def _aimed() -> list[Row]:
    pairs, single = shares(row(2, 10), Drive(), 2000), shares(row(1, 0), Drive(), 2000)
    what = "5 passes, 2 m per axis shared within a pass: wrongly"
    return [
        Row(f"two problems 10 m apart, {what} merged", _said(pairs, 0), f"≤ {MERGED_MOST:.0%}", pairs["ours"][0] <= MERGED_MOST),
        Row(f"one problem, {what} split", _said(single, 1), f"≤ {SPLIT_MOST:.0%}", single["ours"][1] <= SPLIT_MOST),
        Row(f"two problems 10 m apart, {what} split", _said(pairs, 1), f"≤ {SPLIT_MOST:.0%}", pairs["ours"][1] <= SPLIT_MOST),
    ]  # fmt: skip


def _told() -> list[Row]:
    """Other districts: no aim, to be known."""
    drive = Drive()
    districts = {
        **{f"two, {m} m apart": (row(2, m), drive) for m in (6, 15, 20)},
        **{f"row of five, {m} m apart": (row(5, m), drive) for m in (6, 10, 15, 20)},
        **{f"two, 10 m apart, {n} passes": (row(2, 10), replace(drive, passes=n)) for n in (2, 3, 10)},
        **{f"one, {n} passes": (row(1, 0), replace(drive, passes=n)) for n in (2, 3, 10)},
        "two, 10 m apart, each pass sees one of them": (row(2, 10), replace(drive, one_of_all=True)),
        "two, 10 m apart, all seen": (row(2, 10), replace(drive, recall=1.0)),
        "two, 10 m apart, 1 m of each sighting's own": (row(2, 10), replace(drive, own_sigma_m=1.0)),
    }
    rows = []
    for what, (things_m, how) in districts.items():
        found = shares(things_m, how)
        rows.append(Row(f"{what}: merged / split", f"{_said(found, 0)} / {_said(found, 1)}", "–", True))
    return rows


def _stable() -> Row:
    """How often one more sighting changes which older ones belong together, in rows of five 10 m apart; and whether the order of what is given ever matters."""
    changed, arrivals, ordered = 0, 0, 0
    for number in range(100):
        points = list(seen(row(5, 10), Drive(), np.random.default_rng(number)))
        before: set[frozenset[Point]] = set()
        for count in range(1, len(points) + 1):
            after = {frozenset(members) - {points[count - 1]} for members in group(points[:count])} - {frozenset()}
            changed, arrivals, before = (
                changed + (after != before),
                arrivals + 1,
                {frozenset(m) for m in group(points[:count])},
            )
        ordered += group(points) != group(points[::-1])
    return Row("one more sighting regroups older ones, row of five; another order regroups", f"{changed / arrivals:.1%} of {arrivals}; {ordered} of 100", "–; 0", not ordered)  # fmt: skip


def _regions() -> list[Row]:
    """Whether a case's place lies within its stated regions, over 2 to 10 passes of 1 to 3 vehicles from both sides of the street."""
    within, sure_m = np.zeros(2), []
    draws = 4000
    for number in range(draws):
        rng = np.random.default_rng(number)
        lat, lon, (ee, en, nn) = fused(looks_at_one(int(rng.integers(2, 11)), int(rng.integers(1, 4)), rng))
        error = np.array(((lon - ORIGIN_DEG[1]) * cos(radians(ORIGIN_DEG[0])), lat - ORIGIN_DEG[0])) * 111_195
        d2 = error @ np.linalg.inv([[ee, en], [en, nn]]) @ error
        within += (d2 <= 5.991, d2 <= 1.386)
        sure_m.append(np.hypot(*error))
    of_95, of_50 = within / draws
    return [
        Row("fused over passes and vehicles: 95 % region holds", f"{of_95:.1%} of {draws}, error p50 {np.median(sure_m):.2f} m", "93–97 %", 0.93 <= of_95 <= 0.97),
        Row("fused over passes and vehicles: 50 % region holds", f"{of_50:.1%}", "46–54 %", 0.46 <= of_50 <= 0.54),
    ]  # fmt: skip


def _costs() -> list[Row]:
    rows = []
    for count, passes, aim_ms in ((6, 5, 5.0), (40, 5, None)):
        spent_ms = []
        for number in range(200 if aim_ms else 10):
            points = list(seen(row(count, 10), Drive(passes=passes, recall=1.0), np.random.default_rng(number)))
            began = time.process_time()
            group(points)
            spent_ms.append(1000 * (time.process_time() - began))
        p95 = float(np.percentile(spent_ms, 95))
        aim = f"≤ {aim_ms:g} ms" if aim_ms else "–"
        rows.append(Row(f"grouping {count * passes} sightings of {count} things, processor time p95", f"{p95:.1f} ms", aim, aim_ms is None or p95 <= aim_ms))  # fmt: skip
    return rows
