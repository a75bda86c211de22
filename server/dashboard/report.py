"""A month in figures, as a page to print."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from django.db.models import Sum
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.timezone import get_default_timezone, localdate
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from server import errors
from server.accounts.services import cases_for, cities_for, is_inside
from server.cases.geo import around
from server.cases.map_rows import Found, Spot
from server.cases.map_svg import APART_PX, SHAPE
from server.cases.map_views import drawing, legend
from server.cases.models import in_shadow
from server.dashboard.models import CaseDay, Day
from server.dashboard.rules import Month, bounds_of, month_of, month_of_day
from server.dashboard.services import CAP, due_between, took
from server.dashboard.words import capped, figure_name, length, step_name
from server.fleet.models import City
from server.words import category_name

INSIDE = ("seen", "confirmed", "handed_over", "fixed", "returned", "retracted")
OUTSIDE = ("handed_over", "fixed", "returned", "retracted")
KEPT = ("in_time", "late", "overdue")
ON_MAP, DRAWN = 5_000, 200
"""Cases of the month that are looked at for its map, the newest; of how many on heaps are coarser."""


@require_GET
def report(request: HttpRequest, month: str) -> HttpResponse:
    """The page of a month; one that has not come has none."""
    person: Any = request.user
    wanted, this = month_of(month), month_of_day(localdate())
    if wanted is None or wanted.first > this.first:
        return errors.answer(request, 404, "month", _("No report of this month"), _("A report's address ends with a month that has begun, like /report/%(month)s/.") % {"month": this})  # fmt: skip
    figures = INSIDE if is_inside(person) else OUTSIDE
    rows = CaseDay.objects.filter(city__in=cities_for(person), day__gte=wanted.first, day__lt=wanted.after).order_by()
    sums = _sums(person, wanted, (*figures, *KEPT))
    before = _sums(person, wanted.before, figures)
    ended = sum(sums[name] for name in KEPT)
    now = timezone.now()
    return render(request, "report.html", {
        "to_come": capped(due_between(person, now, bounds_of(wanted.after, get_default_timezone())[0]), CAP) if wanted == this else "",
        "month": wanted.first, "is_running": wanted == this, "cities": _cities(person), "now": now, "known": _is_whole(person, wanted),
        "sums": [(figure_name(name), sums[name], before[name]) for name in figures], "before": str(wanted.before), "next": None if wanted == this else str(month_of_day(wanted.after)),
        "heads": [figure_name(name) for name in figures], "categories": _table(rows, ["category"], figures, lambda key: category_name(key[0])),
        "districts": _table(rows.exclude(district_zh="", district_en=""), ["district_zh", "district_en"], figures, _district), "ended": ended,
        "kept": [(figure_name(name), sums[name], f"{100 * sums[name] / ended:.0f} %" if ended else "–") for name in KEPT],
        "took": [(step_name(each.step), each.cases, length(each.median_s), length(each.p90_s)) for each in took(person, wanted.first, wanted.after)],
        **_map(person, wanted),
    })  # fmt: skip


def _sums(person: Any, month: Month, figures: Iterable[str]) -> dict[str, int]:
    rows = CaseDay.objects.filter(city__in=cities_for(person), day__gte=month.first, day__lt=month.after)
    return {name: sum_ or 0 for name, sum_ in rows.aggregate(**{name: Sum(name) for name in figures}).items()}


def _table(rows: Any, keys: list[str], figures: tuple[str, ...], name_of: Any) -> list[tuple[str, list[int]]]:
    """The sums by some columns, most first; rows of nothing are left out."""
    found = rows.values_list(*keys).annotate(**{f"sum_{name}": Sum(name) for name in figures})
    named = [(name_of(row[: len(keys)]), [int(number) for number in row[len(keys) :]]) for row in found]
    return sorted((row for row in named if any(row[1])), key=lambda row: ([-number for number in row[1]], row[0]))


def _district(key: tuple[str, str]) -> str:
    zh, en = key
    return en or zh if get_language() == "en" else zh


def _cities(person: Any) -> str:
    names = [city.name_en if get_language() == "en" else city.name_zh for city in City.objects.filter(id__in=cities_for(person)).order_by("id")]  # fmt: skip
    return _(", ").join(names)


def _is_whole(person: Any, month: Month) -> bool:
    """Whether each day since the first that was summed up is."""
    today, cities = localdate(), cities_for(person)
    after: date = min(month.after, today)
    days = Day.objects.filter(city__in=cities)
    first = days.order_by("day").values_list("day", flat=True).first()
    if first is None:
        return False
    wanted = max((after - max(first, month.first)).days, 0)
    return days.filter(day__gte=month.first, day__lt=after).values("day").distinct().count() >= wanted


def _map(person: Any, month: Month) -> dict[str, Any]:
    """Where the cases are that were seen first, or handed over, in the month: the drawing, and what its marks mean."""
    zone, column = get_default_timezone(), "first_seen_at" if is_inside(person) else "handed_over_at"
    begin, _end = bounds_of(month.first, zone)
    end: datetime = bounds_of(month.after, zone)[0]
    spots: list[Spot] = []
    for city_id in cities_for(person):
        cases = cases_for(person).filter(in_shadow(False), city_id=city_id, **{f"{column}__gte": begin, f"{column}__lt": end})  # fmt: skip
        rows = cases.order_by(f"-{column}").values_list(*Spot._fields)[: ON_MAP - len(spots)]
        spots += [Spot(*row) for row in rows]
    box = around([(spot.lat_deg, spot.lon_deg) for spot in spots])
    if box is None:
        return {"svg": ""}
    apart_px = APART_PX if len(spots) <= DRAWN else 2 * APART_PX
    box = box.fitted(SHAPE)
    svg = mark_safe(drawing(person, box, Found(spots=spots), "", apart_px))
    return {"svg": svg, "legend": legend(person, box)}
