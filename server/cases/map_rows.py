"""What a map shows of a box: its cases one by one, or how many there are by cell where they are too many. Its cost does not grow with all the cases there are.

What is kept (counts.py) tells how many to expect: few are read one by one, more are counted along the index of places, very many are read from what is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from math import floor
from typing import Any, NamedTuple

from django.db.models import Avg, Count, F, QuerySet, Value
from django.db.models.functions import Coalesce, Floor

from server.accounts.services import cases_for, cities_for, is_inside
from server.cases import told
from server.cases.counts import FINEST, LEVELS, Kept, categories_of, kind_of, read
from server.cases.filters import Filter
from server.cases.geo import Box, around, per_degree
from server.cases.models import Case, in_shadow
from server.cases.rules import State
from server.cases.search import search
from server.cases.walks import CATEGORY, walk

MOST, NEWEST, WALKED, BY_STATE = 5_000, 1_000, 120_000, 3
"""Cases told one by one; those of a search, which reads each whole; entries of the index that are walked for them; how many of its entries a row found by its state costs."""
AT_CITY_OR_AFTER = frozenset({State.HANDED_OVER, State.ACCEPTED, State.FIXED, State.VERIFIED, State.REOPENED, State.RETRACTED})  # fmt: skip
"""The states in which every case has been handed over: what counts tell to who sees those alone."""

WHOLE_LEVEL = 64
Rows = Callable[[QuerySet[Case], int, Box], QuerySet[Case]]


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
    reader: Any

    def kept(self, box: Box | None, level: int, states: Iterable[str] = ()) -> Kept:
        """What is kept of it in a box."""
        rows = columns = None
        if box is not None:
            rows, columns = (floor(box.south * level), floor(box.north * level)), (floor(box.west * level), floor(box.east * level))  # fmt: skip
        kinds = (kind_of(category, state) for category in self.categories for state in states or self.states)
        return read(self.city_ids, level, kinds, shadow=self.shadow, rows=rows, columns=columns)

    def by_place(self, cases: QuerySet[Case], city_id: int, box: Box) -> QuerySet[Case]:
        """Those in a box, along the index of places: state and shadow stand in that too, and must not lead to one of states."""
        state, shadow = Coalesce(F("state"), Value("")), Coalesce(F("shadow"), Value(False))
        rows = cases.annotate(stands=state, hidden=shadow).filter(told.own_state(self.states, self.reader, "stands"), hidden=self.shadow)  # fmt: skip
        return rows.filter(
            city_id=city_id, category=CATEGORY, lat_deg__range=(box.south, box.north), lon_deg__range=(box.west, box.east)
        )  # fmt: skip

    def by_state(self, cases: QuerySet[Case], city_id: int, box: Box) -> QuerySet[Case]:
        """The same, along the index of states and categories."""
        states = told.own_states(self.states, self.reader)
        rows = cases.filter(in_shadow(self.shadow), told.own_state(self.states, self.reader), city_id=city_id, category=CATEGORY, state__in=states)  # fmt: skip
        lat, lon = Coalesce(F("lat_deg"), Value(0.0)), Coalesce(F("lon_deg"), Value(0.0))
        return rows.annotate(lat=lat, lon=lon).filter(lat__range=(box.south, box.north), lon__range=(box.west, box.east))  # fmt: skip


def look(person: Any, wanted: Filter, box: Box, most: int = MOST) -> Found:
    """What this person may see of a box; up to `most` cases are told one by one. To a reviewer each is as they are told (told.py); only of more than WALKED is it told how they were counted, for everybody alike."""
    if is_narrow(wanted):
        return _newest(person, replace(wanted, before=None, after=""), box, min(most, NEWEST))
    asked = _asked(person, wanted)
    level = next((each for each in reversed(LEVELS) if each >= per_degree(box)), FINEST)
    kept = asked.kept(box, level)
    band = Box(-180, box.south, 180, box.north)
    walk = int(asked.kept(band, min(level, WHOLE_LEVEL), State).cases.sum())
    of_states = BY_STATE * int(asked.kept(None, LEVELS[-1]).cases.sum())
    rows = asked.by_place if walk <= of_states else asked.by_state
    if min(walk, of_states) <= WALKED:
        if kept.cases.sum() <= most:
            spots = _spots(person, asked, rows, box, most + 1)
            if len(spots) <= most:
                return Found(spots=spots)
        # Finer than what is kept, nothing there, or not counted yet; and what is kept knows the real states.
        if level < per_degree(box) or not kept.cases.size or told.is_blind(person):
            return Found(heaps=_counted(asked, rows, box))
    return Found(heaps=_kept_heaps(kept))


def _newest(person: Any, wanted: Filter, box: Box, most: int) -> Found:
    found = search(cases_for(person), cities_for(person), wanted, most, notes=is_inside(person), reader=person)
    spots = [_spot(case) for case in found.cases if box.holds(case.lat_deg, case.lon_deg)]
    return Found(spots=spots, limited=found.older is not None or found.after != "" or found.is_too_much)


def whole(person: Any, wanted: Filter) -> Box | None:
    """The box around all that is asked for, as far as counts know it; None where there is nothing, or it was never counted."""
    if wanted.near is not None:
        return around([wanted.near])
    kept = _asked(person, wanted).kept(None, WHOLE_LEVEL)
    middles = zip(kept.lat_deg.tolist(), kept.lon_deg.tolist(), strict=True)
    cell = 1 / WHOLE_LEVEL
    return around([(lat + side * cell, lon + side * cell) for lat, lon in middles for side in (-1, 1)])


def is_narrow(wanted: Filter) -> bool:
    """Whether more is asked for than counts know: then the newest that match are looked at."""
    return bool(wanted.text or wanted.district or wanted.vehicle or wanted.since or wanted.until)


def _asked(person: Any, wanted: Filter) -> _Asked:
    city_ids, inside, states = cities_for(person), is_inside(person), {str(state) for state in wanted.states}
    categories = categories_of(city_ids) if wanted.categories is None else sorted(wanted.categories)
    return _Asked(city_ids, sorted(states if inside else states & AT_CITY_OR_AFTER), categories, wanted.shadow and inside, person)  # fmt: skip


def _spots(person: Any, asked: _Asked, rows: Rows, box: Box, most: int) -> list[Spot]:
    found = _new_ones(asked, box, most)
    for city_id in asked.city_ids:
        question = rows(cases_for(person), city_id, box).order_by().values_list(*Spot._fields)
        found += (Spot(*row) for row in walk(question, asked.categories, most - len(found)))
        if len(found) >= most:
            break
    return _as_told(found, person)


def _new_ones(asked: _Asked, box: Box, most: int | None = None) -> list[Spot]:
    """The decided cases that a reviewer takes for new."""
    if not told.is_blind(asked.reader) or State.QUEUED not in asked.states:
        return []
    looks = told.new_to(asked.reader, asked.city_ids, asked.shadow, asked.categories)
    looks = looks.filter(case__lat_deg__range=(box.south, box.north), case__lon_deg__range=(box.west, box.east))
    rows = list(looks.order_by().values_list("case", "case__placed_by_hand", "case__number", "case__city", "proposed", "case__lat_deg", "case__lon_deg").distinct()[:most])  # fmt: skip
    by_hand = [case_id for case_id, is_by_hand, *_ in rows if is_by_hand]
    seen = told.places_seen(by_hand) if by_hand else {}
    return [Spot(number, city_id, category, State.QUEUED, *seen.get(case_id, place)) for case_id, _, number, city_id, category, *place in rows]  # fmt: skip


def _as_told(spots: list[Spot], person: Any) -> list[Spot]:
    """Those in dispute as a reviewer is told; the others are found by what is told."""
    disputed = [spot.number for spot in spots if spot.state == State.DISPUTED]
    if not disputed or not told.is_blind(person):
        return spots
    rows = Case.objects.filter(state=State.DISPUTED, number__in=disputed).values_list("id", "city_id", "number")
    keys = {case_id: (city_id, number) for case_id, city_id, number in rows}
    masks = told.masks(dict.fromkeys(keys, State.DISPUTED), person)
    states = {keys[case_id]: mask.state for case_id, mask in masks.items()}
    return [spot._replace(state=states.get((spot.city_id, spot.number), spot.state)) for spot in spots]


def _counted(asked: _Asked, rows: Rows, box: Box) -> list[Heap]:
    """By cell, along an index."""
    cells = per_degree(box)
    parts: dict[tuple[int, int], list[tuple[int, float, float]]] = {}
    for city_id in asked.city_ids:
        of_city = rows(Case.objects.all(), city_id, box).order_by()
        by_cell = of_city.annotate(row=Floor(F("lat_deg") * cells), column=Floor(F("lon_deg") * cells))
        heaps = by_cell.values_list("row", "column").annotate(n=Count("id"), at_lat=Avg("lat_deg"), at_lon=Avg("lon_deg"))  # fmt: skip
        for row, column, *heap in walk(heaps, asked.categories):
            parts.setdefault((row, column), []).append((heap[0], heap[1], heap[2]))
    for spot in _new_ones(asked, box):
        cell = (floor(spot.lat_deg * cells), floor(spot.lon_deg * cells))
        parts.setdefault(cell, []).append((1, spot.lat_deg, spot.lon_deg))
    return [_summed(some) for some in parts.values()]


def _summed(parts: list[tuple[int, float, float]]) -> Heap:
    total = sum(cases for cases, _lat, _lon in parts)
    lat, lon = (sum(part[0] * part[place] for part in parts) / total for place in (1, 2))
    return Heap(total, lat, lon)


def _kept_heaps(kept: Kept) -> list[Heap]:
    return [Heap(*row) for row in zip(kept.cases.tolist(), kept.lat_deg.tolist(), kept.lon_deg.tolist(), strict=True)]


def _spot(case: Case) -> Spot:
    return Spot(case.number, case.city_id, case.category, case.state, case.lat_deg, case.lon_deg)
