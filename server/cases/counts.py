"""Counts the cases of each city by cell, for maps and figures: pages read what is kept and never count.

`work` goes through each city again and again, row of cells by row from south to north, along the index of places: a hundredth of its time, whatever there is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from math import floor
from time import monotonic
from typing import Any, NamedTuple
from zlib import crc32

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import Avg, Count, F, Max, Min
from django.db.models.functions import Floor

from models.taxonomy import CATEGORIES
from server.cases.models import Case, CaseCount, Counted
from server.cases.rules import State
from server.cases.walks import CATEGORY, walk
from server.categories.models import CategoryStanding
from server.fleet.models import City

LEVELS = (256, 128, 64, 32, 16, 8)
"""Cells a degree, the finest first: 430 m from south to north, and 14 km."""
FINEST = LEVELS[0]
SPELL_S, AT_MOST, PAUSE_S = 0.05, 100, 10.0
"""How long to count at a time; how many times as long to leave it then; how long after a round through everything."""
KIND = np.dtype([("kind", "<u8"), ("cases", "<u4")])
Kinds = npt.NDArray[Any]


class Cell(NamedTuple):
    """What is kept of a cell."""

    cases: int
    lat_deg: float
    lon_deg: float
    kinds: bytes


Cells = dict[tuple[bool, int], Cell]
"""The cells of a row: in shadow or not, and the column."""


@cache
def kind_of(category: str, state: str) -> int:
    """The number that a category and state go by in `kinds`."""
    return crc32(category.encode()) << 32 | crc32(state.encode())


class Counter:
    """Counts a little when it is time to."""

    def __init__(self) -> None:
        self._rows: list[tuple[City, int]] = []
        self._began_at: datetime | None = None
        self._next_s = 0.0

    def count_cases(self, now: datetime) -> int:
        """Count for SPELL_S if it is time to. Returns 0: nothing waits for it."""
        began_s = monotonic()
        if began_s < self._next_s:
            return 0
        if not self._rows:
            self._rows, self._began_at = _all_rows(), now
        while self._rows and monotonic() < began_s + SPELL_S:
            count_row(*self._rows.pop())
        if not self._rows and self._began_at is not None:
            _note(City.objects.all(), self._began_at)
        ended_s = monotonic()
        self._next_s = ended_s + max(AT_MOST * (ended_s - began_s), 0.0 if self._rows else PAUSE_S)
        return 0


def count_all(now: datetime) -> None:
    """Count everything at once."""
    for city, row in reversed(_all_rows()):
        count_row(city, row)
    _note(City.objects.all(), now)


def _note(cities: Iterable[City], at: datetime) -> None:
    with transaction.atomic():
        for city in cities:
            Counted.objects.update_or_create(city=city, defaults={"at": at})


def _all_rows() -> list[tuple[City, int]]:
    """All rows that hold cases, or did, the last one first."""
    found = []
    for city in City.objects.order_by("id"):
        ends = Case.objects.filter(city=city).aggregate(south=Min("lat_deg"), north=Max("lat_deg"))
        kept = CaseCount.objects.filter(city=city, per_degree=FINEST).aggregate(south=Min("row"), north=Max("row"))
        edges = [floor(each * FINEST) for each in ends.values() if each is not None]
        edges += [each for each in kept.values() if each is not None]
        if edges:
            found += [(city, row) for row in range(min(edges), max(edges) + 1)]
    return found[::-1]


def count_row(city: City, row: int) -> None:
    """Count a row of the finest cells, and bring those around it up to date."""
    cells = _there(city, row)
    if cells == {key: cell for key, (_pk, cell) in _kept(city, FINEST, row).items()}:
        return  # so that nobody waits for the database's lock
    with transaction.atomic():
        for level in LEVELS:
            if level != FINEST:
                row //= 2
                finer = CaseCount.objects.filter(city=city, per_degree=2 * level, row__in=(2 * row, 2 * row + 1))
                cells = _together(finer)
            _write(city, level, row, cells)


def _there(city: City, row: int) -> Cells:
    """What a row holds, by the cases."""
    cases = Case.objects.filter(city=city, category=CATEGORY, lat_deg__gte=row / FINEST, lat_deg__lt=(row + 1) / FINEST)
    by_kind = cases.exclude(state=State.MERGED).annotate(column=Floor(F("lon_deg") * FINEST)).order_by()
    figures = {"n": Count("id"), "lat": Avg("lat_deg"), "lon": Avg("lon_deg")}
    question = by_kind.values_list("shadow", "column", "category", "state").annotate(**figures)
    parts: dict[tuple[bool, int], list[tuple[int, int, float, float]]] = {}
    for shadow, column, category, state, *figures_of in walk(question, categories_of([city.pk])):
        parts.setdefault((bool(shadow), int(column)), []).append((kind_of(category, state), *figures_of))
    return {key: _cell(some) for key, some in parts.items()}


def _cell(parts: Sequence[tuple[int, int, float, float]]) -> Cell:
    kinds = np.array(sorted((kind, cases) for kind, cases, _lat, _lon in parts), KIND)
    return _summed([(cases, lat, lon) for _kind, cases, lat, lon in parts], kinds)


def _summed(parts: Sequence[tuple[int, float, float]], kinds: Kinds) -> Cell:
    total = sum(cases for cases, _lat, _lon in parts)
    lat, lon = (sum(part[0] * part[place] for part in parts) / total for place in (1, 2))
    return Cell(total, round(lat, 5), round(lon, 5), kinds.tobytes())


def _together(rows: Iterable[CaseCount]) -> Cells:
    """Four cells as one."""
    parts: dict[tuple[bool, int], list[CaseCount]] = {}
    for each in rows:
        parts.setdefault((each.shadow, each.column // 2), []).append(each)
    found = {}
    for key, some in parts.items():
        kinds = np.frombuffer(b"".join(bytes(each.kinds) for each in some), KIND)
        whole, at = np.unique(kinds["kind"], return_inverse=True)
        summed = np.empty(len(whole), KIND)
        summed["kind"], summed["cases"] = whole, np.bincount(at, kinds["cases"])
        found[key] = _summed([(each.cases, each.lat_deg, each.lon_deg) for each in some], summed)
    return found


def _kept(city: City, level: int, row: int) -> dict[tuple[bool, int], tuple[int, Cell]]:
    rows = CaseCount.objects.filter(city=city, per_degree=level, row=row)
    found = rows.values_list("id", "shadow", "column", "cases", "lat_deg", "lon_deg", "kinds")
    return {
        (shadow, column): (pk, Cell(cases, lat, lon, bytes(kinds)))
        for pk, shadow, column, cases, lat, lon, kinds in found
    }


def _write(city: City, level: int, row: int, cells: Cells) -> None:
    """Bring a row's cells up to date."""
    kept = _kept(city, level, row)
    CaseCount.objects.filter(id__in=[pk for key, (pk, _) in kept.items() if key not in cells]).delete()
    CaseCount.objects.bulk_create(
        CaseCount(city=city, per_degree=level, row=row, shadow=key[0], column=key[1], **cell._asdict())
        for key, cell in cells.items() if key not in kept
    )  # fmt: skip
    for key, (pk, cell) in kept.items():
        if key in cells and cell != cells[key]:
            CaseCount.objects.filter(id=pk).update(**cells[key]._asdict())


def categories_of(city_ids: Iterable[int]) -> list[str]:
    """All categories there are, and those retired that a city had: to walk the index of places, which begins with them."""
    had = CategoryStanding.objects.filter(city__in=list(city_ids)).order_by().values_list("category", flat=True)
    return sorted({*CATEGORIES, *had})


class Kept(NamedTuple):
    """Cells that were read: `cases` of the kinds asked for, where they are, and their rows and columns."""

    cases: npt.NDArray[np.int64]
    lat_deg: npt.NDArray[np.float64]
    lon_deg: npt.NDArray[np.float64]


def read(city_ids: Sequence[int], level: int, kinds: Iterable[int], *, shadow: bool = False, rows: tuple[int, int] | None = None, columns: tuple[int, int] | None = None) -> Kept:  # fmt: skip
    """The kept cells of a level, from row to row and column to column, with the cases of some kinds alone."""
    found = CaseCount.objects.filter(city__in=list(city_ids), per_degree=level, shadow=shadow)
    found = found if rows is None else found.filter(row__range=rows)
    found = found if columns is None else found.filter(column__range=columns)
    cells = list(found.values_list("lat_deg", "lon_deg", "kinds"))
    numbers = np.frombuffer(b"".join(bytes(each[2]) for each in cells), KIND)
    owner = np.repeat(np.arange(len(cells)), [len(each[2]) // KIND.itemsize for each in cells])
    wanted = np.isin(numbers["kind"], np.fromiter(kinds, np.uint64))
    cases = np.bincount(owner[wanted], numbers["cases"][wanted], minlength=len(cells)).astype(np.int64)
    some = cases > 0
    places = np.array([each[:2] for each in cells], float).reshape(-1, 2)[some]
    return Kept(cases[some], places[:, 0], places[:, 1])


def totals(city_ids: Sequence[int], *, shadow: bool = False) -> dict[int, int]:
    """How many cases there are of each kind."""
    blobs = CaseCount.objects.filter(city__in=list(city_ids), per_degree=LEVELS[-1], shadow=shadow)
    numbers = np.frombuffer(b"".join(bytes(each) for each in blobs.values_list("kinds", flat=True)), KIND)
    kinds, at = np.unique(numbers["kind"], return_inverse=True)
    return dict(zip(kinds.tolist(), np.bincount(at, numbers["cases"]).astype(int).tolist(), strict=True))


def counted_at(city_ids: Sequence[int]) -> datetime | None:
    """Since when what is kept of these cities holds: the oldest count; None if one was never counted."""
    times = list(Counted.objects.filter(city__in=list(city_ids)).values_list("at", flat=True))
    return min(times) if times and len(times) == len(city_ids) else None
