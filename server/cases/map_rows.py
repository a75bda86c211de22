"""What a map shows of a box: its cases one by one, or how many there are by cell where they are too many. Its cost does not grow with all the cases there are.

What is kept (counts.py) tells how many to expect: few are read one by one, more are counted along the index of places, very many are read from what is kept.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from django.db.models import Avg, Count, F, QuerySet, Sum, Value
from django.db.models.functions import Coalesce, Floor

from models.taxonomy import CATEGORIES
from server.accounts.services import cases_for, cities_for, is_inside
from server.cases.counts import PER_DEGREE
from server.cases.filters import Filter
from server.cases.geo import Box, around, per_degree
from server.cases.models import Case, CaseCount
from server.cases.rules import State
from server.cases.search import search

MOST, COUNTED_LIVE = 5_000, 100_000
"""Cases told one by one; cases counted along the index."""
AT_CITY_OR_AFTER = frozenset({State.HANDED_OVER, State.ACCEPTED, State.FIXED, State.VERIFIED, State.REOPENED, State.RETRACTED})  # fmt: skip
"""The states in which every case has been handed over: what counts tell to who sees those alone."""


class Spot(NamedTuple):
    """A case on the map."""

    number: int
    city_id: int
    category: str
    state: str
    lat_deg: float
    lon_deg: float


class Heap(NamedTuple):
    """Cases of a cell, at their middle."""

    cases: int
    lat_deg: float
    lon_deg: float


@dataclass(frozen=True)
class Found:
    """What is in a box: `spots`, or `heaps` where there are more than could be told. `limited`: only the newest that match were looked at."""

    spots: list[Spot] = field(default_factory=list)
    heaps: list[Heap] = field(default_factory=list)
    limited: bool = False

    @property
    def total(self) -> int:
        """How many cases it tells of."""
        return len(self.spots) + sum(heap.cases for heap in self.heaps)


@dataclass(frozen=True)
class _Asked:
    """What is asked for, as columns."""

    city_ids: list[int]
    states: list[str]
    categories: list[str]
    shadow: bool

    def kept(self) -> QuerySet[CaseCount]:
        """The kept counts of it."""
        return CaseCount.objects.filter(city__in=self.city_ids, shadow=self.shadow, category__in=self.categories, state__in=self.states)  # fmt: skip

    def live(self, city_id: int, box: Box) -> QuerySet[Case]:
        """The cases of it in a box, along the index of places: state and shadow stand in that index too, and must not lead to one by states."""
        state, shadow = Coalesce(F("state"), Value("")), Coalesce(F("shadow"), Value(False))
        rows = Case.objects.annotate(stands=state, hidden=shadow).filter(stands__in=self.states, hidden=self.shadow)
        return rows.filter(
            city_id=city_id, category__in=self.categories, lat_deg__range=(box.south, box.north), lon_deg__range=(box.west, box.east)
        )  # fmt: skip


def look(person: Any, wanted: Filter, box: Box, most: int = MOST) -> Found:
    """What this person may see of a box; up to `most` cases are told one by one."""
    if is_narrow(wanted):
        newest = search(
            cases_for(person), cities_for(person), replace(wanted, before=None), most, notes=is_inside(person)
        )
        spots = [_spot(case) for case in newest.cases if box.holds(case.lat_deg, case.lon_deg)]
        return Found(spots=spots, limited=newest.older is not None or newest.is_too_much)
    asked = _asked(person, wanted)
    expected = _within(asked.kept(), box).aggregate(cases=Sum("cases"))["cases"] or 0
    if expected <= most:
        spots = _spots(person, asked, box, most + 1)
        if len(spots) <= most:
            return Found(spots=spots)
    if per_degree(box) > PER_DEGREE and expected <= COUNTED_LIVE:
        return Found(heaps=[heap for city_id in asked.city_ids for heap in _counted(asked.live(city_id, box), box)])
    return Found(heaps=_kept_heaps(asked, box))


def whole(person: Any, wanted: Filter) -> Box | None:
    """The box around all that is asked for, as far as counts know it; None where there is nothing, or it was never counted."""
    if wanted.near is not None:
        lat, lon = wanted.near
        return around([(lat, lon)])
    kept = _asked(person, wanted).kept()
    edges = kept.order_by().values_list("row", "column").distinct()
    return around([((row + at) / PER_DEGREE, (column + at) / PER_DEGREE) for row, column in edges for at in (0, 1)])


def is_narrow(wanted: Filter) -> bool:
    """Whether more is asked for than counts know: then the newest that match are looked at."""
    return bool(wanted.text or wanted.district or wanted.vehicle or wanted.since or wanted.until)


def _asked(person: Any, wanted: Filter) -> _Asked:
    states = {str(state) for state in wanted.states}
    categories = sorted(_categories(cities_for(person)) if wanted.categories is None else wanted.categories)
    inside = is_inside(person)
    return _Asked(cities_for(person), sorted(states if inside else states & AT_CITY_OR_AFTER), categories, wanted.shadow and inside)  # fmt: skip


def _categories(city_ids: Iterable[int]) -> set[str]:
    """All there are, and those retired that cases still have."""
    kept = CaseCount.objects.filter(city__in=list(city_ids)).order_by().values_list("category", flat=True).distinct()
    return {*CATEGORIES, *kept}


def _within(kept: QuerySet[CaseCount], box: Box) -> QuerySet[CaseCount]:
    south, west = int(box.south * PER_DEGREE // 1), int(box.west * PER_DEGREE // 1)
    north, east = int(box.north * PER_DEGREE // 1), int(box.east * PER_DEGREE // 1)
    return kept.filter(row__range=(south, north), column__range=(west, east))


def _spots(person: Any, asked: _Asked, box: Box, most: int) -> list[Spot]:
    found: list[Spot] = []
    for city_id in asked.city_ids:
        rows = asked.live(city_id, box)
        if not is_inside(person):
            rows = rows.filter(id__in=cases_for(person).values("id"))
        found += (Spot(*row) for row in rows.values_list(*Spot._fields)[: most - len(found)])
        if len(found) >= most:
            break
    return found


def _counted(rows: QuerySet[Case], box: Box) -> list[Heap]:
    """By cell, along the index."""
    cells = per_degree(box)
    by_cell = rows.annotate(row=Floor(F("lat_deg") * cells), column=Floor(F("lon_deg") * cells)).order_by()
    found = by_cell.values("row", "column").annotate(cases=Count("id"), lat=Avg("lat_deg"), lon=Avg("lon_deg"))
    return [Heap(*row) for row in found.values_list("cases", "lat", "lon")]


def _kept_heaps(asked: _Asked, box: Box) -> list[Heap]:
    """By cell of what is kept, several together where the box is wide."""
    share = per_degree(box, PER_DEGREE) / PER_DEGREE
    by_cell = _within(asked.kept(), box).annotate(
        y=Floor(F("row") * share), x=Floor(F("column") * share), lats=F("cases") * F("lat_deg"), lons=F("cases") * F("lon_deg")
    )  # fmt: skip
    found = by_cell.order_by().values("y", "x").annotate(all=Sum("cases"), lat=Sum("lats"), lon=Sum("lons"))
    return [Heap(cases, lat / cases, lon / cases) for cases, lat, lon in found.values_list("all", "lat", "lon")]


def _spot(case: Case) -> Spot:
    return Spot(case.number, case.city_id, case.category, case.state, case.lat_deg, case.lon_deg)
