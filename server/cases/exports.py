"""A filtered list as a file: CSV for Excel, XLSX, GeoJSON. Written to disk case by case, so that any number fits into memory."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache
from io import TextIOWrapper
from typing import IO, Any
from unicodedata import east_asian_width

import xlsxwriter
from django.conf import settings
from django.urls import reverse
from django.utils.timezone import localtime
from django.utils.translation import get_language, gettext_lazy, pgettext_lazy
from django.utils.translation import gettext as _

from calibration.chinese_maps import gcj02_from_wgs84
from server.accounts.services import cases_for, cities_for, is_inside
from server.cases.filters import Filter
from server.cases.geo import point
from server.cases.models import Case
from server.cases.rules import ellipse_95
from server.cases.search import search
from server.categories.rules import category_of, codes_of
from server.places.words import kept_line
from server.words import category_name, severity_name, state_name

MOST, AT_ONCE, WIDEST = 100_000, 1000, 60
ADDRESS, MOST_LINKS = "address", 65_000
"""Excel takes so many links a sheet; below them addresses are texts."""
RISKY = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What makes a spreadsheet take a text for a formula."""
Value = str | int | float | datetime | None


@dataclass(frozen=True)
class Column:
    """A column: its name for machines, which stays, its head for readers, and what stands in it."""

    key: str
    head: Any
    value: Callable[[Case], Value]


def _named(name_of: Callable[[str], str], key: str) -> str:
    return _named_in(name_of, key, get_language() or "")


@lru_cache(maxsize=1000)
def _named_in(name_of: Callable[[str], str], key: str, language: str) -> str:
    """A name is looked up once a language, not once a row: it took half of the time."""
    return name_of(key)


@cache
def _codes(category: str) -> str:
    return "; ".join(f"{each.scheme} {each.code}" for each in codes_of(category))


def _place(case: Case) -> str:
    return kept_line(case) if hasattr(case, "place") else ""


def _city(case: Case) -> str:
    return case.city.name_en if (get_language() or "").startswith("en") else case.city.name_zh


def _gcj02(case: Case, part: int) -> float:
    return round(gcj02_from_wgs84(case.lat_deg, case.lon_deg)[part], 7)


def _address(case: Case) -> str:
    """Of the case's page, for whoever reads the file."""
    return f"{settings.PUBLIC_URL}{reverse('case', args=[case.number])}?city={case.city.key}"


COLUMNS = (
    Column("number", gettext_lazy("Number"), lambda case: case.number),
    Column("city", gettext_lazy("City key"), lambda case: case.city.key),
    Column("city_name", gettext_lazy("City"), _city),
    Column("category", gettext_lazy("Category key"), lambda case: case.category),
    Column("category_name", gettext_lazy("Category"), lambda case: _named(category_name, case.category)),
    Column("codes", gettext_lazy("Codes"), lambda case: _codes(case.category)),
    Column("state", gettext_lazy("State key"), lambda case: case.state),
    Column("state_name", gettext_lazy("State"), lambda case: _named(state_name, case.state)),
    Column("severity_key", gettext_lazy("Severity key"), lambda case: category_of(case.category).severity),
    Column("severity", gettext_lazy("Severity"), lambda case: _named(severity_name, category_of(case.category).severity)),
    Column("place", gettext_lazy("Place"), _place),
    Column("lat_deg", gettext_lazy("Latitude (WGS-84)"), lambda case: round(case.lat_deg, 7)),
    Column("lon_deg", gettext_lazy("Longitude (WGS-84)"), lambda case: round(case.lon_deg, 7)),
    Column("lat_gcj02_deg", gettext_lazy("Latitude (GCJ-02, Chinese maps)"), lambda case: _gcj02(case, 0)),
    Column("lon_gcj02_deg", gettext_lazy("Longitude (GCJ-02, Chinese maps)"), lambda case: _gcj02(case, 1)),
    Column("error_m", gettext_lazy("Error, m"), lambda case: round(ellipse_95(case.covariance_ee, case.covariance_en, case.covariance_nn)[0], 1)),
    Column("placed_by", gettext_lazy("Source of the place"), lambda case: case.placed_by),
    Column("first_seen_at", gettext_lazy("First seen"), lambda case: case.first_seen_at),
    Column("last_seen_at", gettext_lazy("Last seen"), lambda case: case.last_seen_at),
    Column("confirmed_at", pgettext_lazy("instant", "Confirmed"), lambda case: case.confirmed_at),
    Column("handed_over_at", pgettext_lazy("instant", "Handed over"), lambda case: case.handed_over_at),
    Column("deadline_at", pgettext_lazy("instant", "Deadline"), lambda case: case.deadline_at),
    Column("fixed_at", pgettext_lazy("instant", "Fixed"), lambda case: case.fixed_at),
    Column("sightings", gettext_lazy("Sightings"), lambda case: case.sightings_count),
    Column("vehicles", pgettext_lazy("count", "Vehicles"), lambda case: case.vehicles_count),
    Column(ADDRESS, gettext_lazy("Link"), _address),
)  # fmt: skip


@dataclass
class Counted:
    """The cases of an export as they go by: how many there were, and whether more were left."""

    cases: Iterator[Case]
    rows: int = 0
    is_cut: bool = False


def walked(person: Any, wanted: Filter) -> Counted:
    """Up to MOST of the cases that a filter shows to a person, the newest first."""
    cases, city_ids, notes = cases_for(person), cities_for(person), is_inside(person)
    counted = Counted(iter(()))

    def pages() -> Iterator[Case]:
        page = replace(wanted, before=None, after="")
        while True:
            found = search(cases, city_ids, page, AT_ONCE, notes=notes, reader=person)
            counted.is_cut |= found.is_too_much
            for case in found.cases:
                if counted.rows == MOST:
                    counted.is_cut = True
                    return
                counted.rows += 1
                yield case
            if found.older is None and not found.after:
                return
            page = replace(page, before=found.older, after=found.after)

    counted.cases = pages()
    return counted


def cut_line() -> str:
    """What a file says at its end that does not hold all."""
    return _("Only the newest %(most)d cases that match, or not all of them: narrow the filter for the rest.") % {"most": MOST}  # fmt: skip


def harmless(value: Value) -> Value:
    """A text that no spreadsheet takes for a formula: one that might be has an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(RISKY) else value


def _told(value: Value) -> Value:
    return localtime(value).isoformat(timespec="seconds") if isinstance(value, datetime) else value


def write_csv(counted: Counted, file: IO[bytes]) -> None:
    """UTF-8 with a byte-order mark, by which Excel knows it."""
    text = TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
    rows = csv.writer(text)
    rows.writerow([str(column.head) for column in COLUMNS])
    for case in counted.cases:
        rows.writerow([harmless(_told(column.value(case))) for column in COLUMNS])
    if counted.is_cut:
        rows.writerow([cut_line()])
    text.detach()


def write_geojson(counted: Counted, file: IO[bytes]) -> None:
    """RFC 7946, a case a line. That means WGS-84, longitude first; `crs` says so too, for older readers."""
    crs = {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}
    file.write(f'{{"type": "FeatureCollection", "crs": {json.dumps(crs)}, "features": ['.encode())
    for number, case in enumerate(counted.cases):
        told = {column.key: _told(column.value(case)) for column in COLUMNS if column.key not in ("lat_deg", "lon_deg")}
        feature = json.dumps(point(case.lat_deg, case.lon_deg, **told), ensure_ascii=False)
        file.write(f"{',' if number else ''}\n{feature}".encode())
    note = json.dumps(cut_line() if counted.is_cut else "", ensure_ascii=False)
    file.write(f'\n], "note": {note}}}\n'.encode())


def write_xlsx(counted: Counted, file: IO[bytes]) -> None:
    """One sheet; texts are texts whatever they begin with, instants are those of the back office's clock."""
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}  # fmt: skip
    with xlsxwriter.Workbook(file, options) as book:
        sheet, bold, instant = book.add_worksheet(), book.add_format({"bold": True}), book.add_format({"num_format": "yyyy-mm-dd hh:mm"})  # fmt: skip
        sheet.freeze_panes(1, 1)
        widths = [_wide(str(column.head)) for column in COLUMNS]
        for at, column in enumerate(COLUMNS):
            sheet.write_string(0, at, str(column.head), bold)
        for row, case in enumerate(counted.cases, start=1):
            values = [column.value(case) for column in COLUMNS]
            widths = [max(wide, _wide(value)) for wide, value in zip(widths, values, strict=True)]
            _write_row(sheet, row, values, instant)
        sheet.autofilter(0, 0, counted.rows, len(COLUMNS) - 1)
        for at, wide in enumerate(widths):  # they stand before the rows in the file, and are written when it is closed
            sheet.set_column(at, at, min(wide + 2, WIDEST))
        if counted.is_cut:
            sheet.write_string(counted.rows + 1, 0, cut_line())


def _wide(value: Value) -> int:
    """How many letters wide a value is shown; a Chinese sign is two."""
    if isinstance(value, datetime):
        return len("2026-11-28 12:00")
    return sum(2 if east_asian_width(sign) in "WF" else 1 for sign in ("" if value is None else str(value)))


def _write_row(sheet: Any, row: int, values: Iterable[Value], instant: Any) -> None:
    for at, value in enumerate(values):
        if isinstance(value, datetime):
            sheet.write_datetime(row, at, localtime(value).replace(tzinfo=None), instant)
        elif isinstance(value, str) and COLUMNS[at].key == ADDRESS and row <= MOST_LINKS:
            sheet.write_url(row, at, value)
        elif isinstance(value, str):
            sheet.write_string(row, at, value)
        elif value is not None:
            sheet.write_number(row, at, value)


WRITERS: dict[str, tuple[Callable[[Counted, IO[bytes]], None], str]] = {
    "csv": (write_csv, "text/csv; charset=utf-8"),
    "geojson": (write_geojson, "application/geo+json"),
    "xlsx": (write_xlsx, "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
}
