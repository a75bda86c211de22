"""Counts the cases of each city by cell, category and state, for maps and figures: pages read what is kept and never count.

`work` walks the index of places once in a while, at most a hundredth of its time, and writes what has changed since.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from time import monotonic
from typing import Any

from django.db import transaction
from django.db.models import Avg, Count, F
from django.db.models.functions import Floor

from server.cases.models import Case, CaseCount, Counted
from server.cases.rules import State
from server.fleet.models import City

PER_DEGREE = 64
"""Cells a degree: 1.7 km from south to north."""
PAUSE_S, AT_MOST = 20.0, 100
"""Between two counts, at least; times as long as the last one took, at least."""
TOGETHER = 500
KEYS = ("shadow", "row", "column", "category", "state")
Key = tuple[Any, ...]
Cell = tuple[int, float, float]


class Counter:
    """Counts when it is time to."""

    def __init__(self) -> None:
        self._next_s = 0.0

    def count_cases(self, now: datetime) -> int:
        """Count all cities if it is time to. Returns 0: nothing waits for it."""
        began_s = monotonic()
        if began_s >= self._next_s:
            for city in City.objects.order_by("id"):
                count_city(city, now)
            ended_s = monotonic()
            self._next_s = ended_s + max(PAUSE_S, AT_MOST * (ended_s - began_s))
        return 0


def count_city(city: City, now: datetime) -> None:
    """Count a city's cases, and bring the rows up to date, some at a time: nobody waits long for the database."""
    there, kept = _there(city), _kept(city)
    fresh = [key for key in there if key not in kept]
    changed = [key for key, cell in there.items() if key in kept and kept[key][1] != cell]
    gone = [pk for key, (pk, _) in kept.items() if key not in there]
    for keys in _some(fresh):
        CaseCount.objects.bulk_create((_row(city, key, there[key]) for key in keys), ignore_conflicts=True)
    for keys in _some(changed):
        rows = [_row(city, key, there[key], kept[key][0]) for key in keys]
        CaseCount.objects.bulk_update(rows, ("cases", "lat_deg", "lon_deg"))
    for ids in _some(gone):
        CaseCount.objects.filter(id__in=ids).delete()
    with transaction.atomic():
        Counted.objects.update_or_create(city=city, defaults={"at": now})


def _there(city: City) -> dict[Key, Cell]:
    """What the cases say."""
    cells = Case.objects.filter(city=city).exclude(state=State.MERGED).annotate(row=Floor(F("lat_deg") * PER_DEGREE), column=Floor(F("lon_deg") * PER_DEGREE))  # fmt: skip
    rows = cells.values_list(*KEYS).annotate(cases=Count("id"), lat=Avg("lat_deg"), lon=Avg("lon_deg")).order_by()
    return {
        (shadow, int(row), int(column), category, state): (cases, round(lat, 5), round(lon, 5))
        for shadow, row, column, category, state, cases, lat, lon in rows.iterator(chunk_size=5000)
    }


def _kept(city: City) -> dict[Key, tuple[int, Cell]]:
    rows = CaseCount.objects.filter(city=city).values_list(*KEYS, "id", "cases", "lat_deg", "lon_deg")
    return {tuple(row[:5]): (row[5], (row[6], row[7], row[8])) for row in rows.iterator(chunk_size=5000)}


def _row(city: City, key: Key, cell: Cell, pk: int | None = None) -> CaseCount:
    cases, lat, lon = cell
    return CaseCount(pk=pk, city=city, **dict(zip(KEYS, key, strict=True)), cases=cases, lat_deg=lat, lon_deg=lon)


def _some(values: list[Any]) -> Iterator[list[Any]]:
    rest = iter(values)
    while some := list(islice(rest, TOGETHER)):
        yield some


def counted_at(city_ids: list[int]) -> datetime | None:
    """Since when what is kept of these cities holds: the oldest count; None if one was never counted."""
    times = list(Counted.objects.filter(city__in=city_ids).values_list("at", flat=True))
    return min(times) if times and len(times) == len(city_ids) else None
