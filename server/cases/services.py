"""The verbs of cases: move a case along the table, and join sightings into cases."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import cos, hypot, radians
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, QuerySet

from server.audit.rules import Verb
from server.audit.services import record
from server.cases.by_hand import as_put, case_put
from server.cases.grouping import FARTHEST_M
from server.cases.milestones import milestones
from server.cases.models import Case, Sighting
from server.cases.placing import place_of, point_of
from server.cases.rows import (
    Held,
    Member,
    add_case,
    cases_by_id,
    give,
    is_seen_after,
    next_number,
    note_merge,
    sightings_near,
    step,
    write_figures,
)
from server.cases.rules import (
    SENIORITY,
    State,
    connected,
    group_tied,
    may_move,
    metres_between,
)
from server.categories.models import standing_of

REMEMBERED = timedelta(days=30)
SHOWN_AGAIN_RISE = 0.2
SHOWN_AGAIN_VEHICLES = 3
SEEN_AFTER = timedelta(minutes=10)


class NotAllowed(Exception):
    """The table of states does not allow this move."""


def move(
    case_id: int,
    old: State,
    new: State,
    now: datetime,
    actor_id: int | None = None,
    *,
    in_shadow_anew: bool = False,
    **columns: Any,
) -> bool:
    """One guarded step of a case with its audit row, and columns that change with it. False if the case was no longer in `old`. In the queue, or `in_shadow_anew`, a case is in shadow as its category is."""
    if not may_move(old, new):
        raise NotAllowed(f"a case may not go from {old} to {new}")
    told = {"state": new, "state_at": now, **milestones(new, now), **columns}
    with transaction.atomic(savepoint=False):
        city_id = step(case_id, old, told, in_shadow_anew=in_shadow_anew or new == State.QUEUED)
        if city_id is not None:
            record(Verb.CASE_MOVED, "case", case_id, city_id=city_id, actor_id=actor_id, old=old, new=new)
    return city_id is not None


def join(sighting: Sighting | Member, now: datetime) -> None:
    """Group the sighting's neighbourhood again and give every group its case. Call inside the transaction that stored it."""
    members = _connected(sighting, now)
    rows = {row.id: row for row in members}
    alone = len(members) == 1
    _settle(
        [members] if alone else [[rows[p.id] for p in points] for points in group_tied(map(point_of, members))], now
    )


def _connected(sighting: Sighting | Member, now: datetime) -> list[Member]:
    """Every sighting that a chain of links ties to this one: the grouping of the whole set, seen from here, needs no more."""
    reach_m = 2 * FARTHEST_M
    while True:
        rows = _near(sighting, now, reach_m)
        points = [point_of(row) for row in rows]
        here = next(number for number, row in enumerate(rows) if row.id == sighting.id)
        found = connected(points, here)
        # The chain may go on outside only if one of its links reaches the edge of what was read.
        if all(hypot(*metres_between(points[here], points[n])) <= reach_m - FARTHEST_M for n in found):
            return [rows[number] for number in found]
        reach_m *= 2


def _near(row: Sighting | Member, now: datetime, reach_m: float) -> list[Member]:
    lat = reach_m / 111_195 * 1.01
    lon = lat / max(cos(radians(row.lat_deg)), 0.01)
    at_lat, at_lon = (row.lat_deg - lat, row.lat_deg + lat), (row.lon_deg - lon, row.lon_deg + lon)
    return sightings_near(row, at_lat, at_lon, now - REMEMBERED)


def _members(sightings: QuerySet[Sighting]) -> list[Member]:
    return [Member(*row) for row in sightings.values_list(*Member._fields)]


def _settle(groups: Sequence[Sequence[Member]], now: datetime) -> None:
    """Give every group its case. A case without a group of its own is merged into the one that has its first sighting."""
    groups = as_put(groups)
    cases = sorted(
        cases_by_id({row.case_id for members in groups for row in members if row.case_id is not None}),
        key=lambda c: (SENIORITY.index(State(c.state)) if c.state in SENIORITY else 99, c.number),
    )
    held = _held(cases, [row for rows in groups for row in rows])
    group_of = {row.id: number for number, rows in enumerate(groups) for row in rows}
    kept = _kept(cases, held, group_of, {number: case_put(rows) for number, rows in enumerate(groups)})
    for number, rows in enumerate(groups):
        if number not in kept:
            give([row.id for row in rows], _new_case(rows, now))
            continue
        case = kept[number]
        whole = [*rows, *(row for row in held[case.id] if row.id not in group_of)]
        moved = [row.id for row in rows if row.case_id != case.id]
        if moved or len(whole) != case.sightings_count:
            give(moved, case.id)
            _refresh(case, whole, now)
    for other in cases:
        if other not in kept.values():
            _give_up(other, held[other.id], kept, group_of, now)


def _kept(
    cases: Sequence[Held],
    held: Mapping[int, Sequence[Member]],
    group_of: Mapping[UUID, int],
    put: Mapping[int, int | None],
) -> dict[int, Held]:
    """Which group has which case: what a person put into one has that. A case goes with its first sighting, the senior one first; where that is another's already, with a later one that no case has."""
    by_id = {case.id: case for case in cases}
    kept = {number: by_id[case_id] for number, case_id in put.items() if case_id is not None}
    for case in cases:
        if case not in kept.values() and (number := group_of.get(held[case.id][0].id)) is not None:
            kept.setdefault(number, case)
    for case in cases:
        if case not in kept.values():
            free = (
                number for row in held[case.id] if (number := group_of.get(row.id)) is not None and number not in kept
            )
            if (number := next(free, None)) is not None:
                kept[number] = case
    return kept


def _give_up(
    other: Held, held: Sequence[Member], kept: Mapping[int, Held], group_of: Mapping[UUID, int], now: datetime
) -> None:
    """A case whose sightings near here all went to others: it keeps those that are not near, or is merged."""
    rest = [row for row in held if row.id not in group_of]
    if rest:
        _refresh(other, rest, now)
    else:
        case = kept[group_of[held[0].id]]
        move(other.id, State(other.state), State.MERGED, now, merged_into_id=case.id)
        note_merge(other.id, (row.id for row in held))
        _withdraw_merged(other, case, now)


def _held(cases: Sequence[Held], rows: Sequence[Member]) -> dict[int, list[Member]]:
    """All sightings of each case, the first first: of these `rows`, or read again if a case does not count just as many."""
    counts = Counter(row.case_id for row in rows)
    if any(counts[case.id] != case.sightings_count for case in cases):
        rows = _members(Sighting.objects.filter(case__in=[case.id for case in cases]))
    ordered = sorted(rows, key=lambda row: (row.received_at, row.id))
    return {case.id: [row for row in ordered if row.case_id == case.id] for case in cases}


def _withdraw_merged(other: Held, case: Held, now: datetime) -> None:
    from server.city.rows import has_left  # city stands on cases; only these steps look up
    from server.city.services import withdraw

    if has_left(other.id):
        withdraw(Case.objects.get(id=other.id), f"the same as case {case.number}", now)


def _new_case(rows: Sequence[Member], now: datetime) -> int:
    case_id = open_case(rows, min(rows, key=lambda row: row.id).category, now)
    record(Verb.CASE_OPENED, "case", case_id, city_id=rows[0].city_id)
    return case_id


def open_case(rows: Sequence[Member], category: str, now: datetime) -> int:
    """A new case that says what these sightings say; they are not in it yet, and it is not recorded yet. Returns its id."""
    first = min(rows, key=lambda row: row.id)
    # The number first: whoever puts a category elsewhere holds the city's row too, so that no case is opened as it stood before.
    number = next_number(first.city_id)
    return add_case({
        "city_id": first.city_id, "fleet_id": first.fleet_id, "number": number, "category": category, "origin": first.origin, "state_at": now, **_figures(rows)
    })  # fmt: skip


def _figures(rows: Sequence[Member], case_id: int | None = None) -> dict[str, Any]:
    """What a case says of its sightings; a new one has no id yet."""
    lat, lon, (ee, en, nn) = place_of(case_id, rows)
    return {
        "lat_deg": lat, "lon_deg": lon, "covariance_ee": ee, "covariance_en": en, "covariance_nn": nn, "probability": max(row.probability for row in rows),
        "sightings_count": len(rows), "vehicles_count": len({row.vehicle_id for row in rows}), "first_seen_at": min(row.seen_at for row in rows),
        "last_seen_at": max(row.seen_at for row in rows),
    }  # fmt: skip


def refresh(case_id: int, now: datetime) -> None:
    """Bring a case's figures up to date after sightings were put into it or taken out by hand."""
    (case,) = cases_by_id([case_id])
    _refresh(case, members_of(case_id), now)


def members_of(case_id: int) -> list[Member]:
    """A case's sightings, as joining reads them."""
    return _members(Sighting.objects.filter(case=case_id))


def _refresh(case: Held, rows: Sequence[Member], now: datetime) -> None:
    """Bring a case's figures up to date with its sightings. One set aside is screened again; a rejected one comes back only for a strong reason, a fixed one if it was seen later, one confirmed in shadow once its category has left it."""
    figures = _figures(rows, case.id)
    at_hand = ("lat_deg", "lon_deg") if case.placed_by_hand else ()
    write_figures(case.id, {name: value for name, value in figures.items() if name not in at_hand})
    if case.state == State.REJECTED and case.rejected_probability is not None:
        since = {row.vehicle_id for row in rows if row.received_at > case.state_at}
        if figures["probability"] >= case.rejected_probability + SHOWN_AGAIN_RISE or len(since) >= SHOWN_AGAIN_VEHICLES:
            move(case.id, State.REJECTED, State.QUEUED, now, lease_by_id=None, lease_until=None)
    elif case.state == State.SET_ASIDE and len(rows) > case.sightings_count:
        move(case.id, State.SET_ASIDE, State.NEW, now)
    elif case.state == State.CONFIRMED and case.shadow and len(rows) > case.sightings_count:
        if Case.objects.filter(Exists(standing_of()), id=case.id).exists():
            move(case.id, State.CONFIRMED, State.QUEUED, now, lease_by_id=None, lease_until=None)
    elif case.state == State.FIXED:
        reopen_if_seen_later(case.id, now)


def reopen_if_seen_later(case_id: int, now: datetime) -> None:
    """Reopen a fixed case that was *seen* well after the city called it fixed, by a clock that knew the time; what was seen before joins silently."""
    from server.city.rows import fixed_at  # as in _withdraw_merged

    fixed = fixed_at(case_id)
    if fixed is not None and is_seen_after(case_id, fixed + SEEN_AFTER):
        move(case_id, State.FIXED, State.REOPENED, now)
