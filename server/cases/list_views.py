"""The list of cases."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from models.taxonomy import CATEGORIES
from server.accounts.services import cases_for, cities_for, home_city_id, is_inside
from server.cases.filters import RADII_M, SEVERITIES, query_of, without_each
from server.cases.models import Case
from server.cases.rules import State
from server.cases.search import Filter, districts_of, filter_of, search
from server.cases.views import address_of
from server.categories.rules import category_of
from server.fleet.heartbeats import vehicles_for
from server.places.words import kept_line
from server.roles import may
from server.words import category_name, severity_name, span, state_name

A_PAGE, MOST_VEHICLES, HINT_CHECKED = 50, 1000, 200
HIDDEN_BY = {
    "text": _("what is searched for"), "since": _("the first day"), "until": _("the last day"), "vehicle": _("the vehicle"), "district": _("the district"),
    "severity": _("the severity"), "category": _("the category"), "state": _("the state"),
}  # fmt: skip


@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """Cases, newest first: the open ones, or by what is asked for, those in shadow only if so. The next page begins at a row, nothing is counted."""
    person: Any = request.user
    wanted, now = filter_of(request.GET.dict()), timezone.now()
    cases, cities, inside = cases_for(person), cities_for(person), is_inside(person)
    found = search(cases, cities, wanted, A_PAGE, notes=inside, reader=person)
    here, home_id = query_of(wanted), home_city_id(person)
    rows = [_row(case, home_id, now) for case in found.cases]
    return render(request, "cases.html", {
        "rows": rows, "found": found, "wanted": wanted, "has_places": any(row["place"] for row in rows), "sees_shadow": inside,
        "states": [(s.value, state_name(s)) for s in State if s != State.MERGED], "severities": [(key, severity_name(key)) for key in SEVERITIES], "radii_m": RADII_M,
        "categories": [(key, each.name(get_language() or "zh-hans")) for key, each in CATEGORIES.items()], "districts": _districts(cities),
        "vehicles": list(vehicles_for(person).order_by("name").values_list("name", flat=True)[:MOST_VEHICLES]) if inside else [],
        "hiding": [] if rows or found.is_cut else _hiding(person, wanted), "is_narrow": here != "", "here": here, "may_export": may(person, "case_export"),
        "newest": f"?{here}" if wanted.before is not None else "", "older": f"?{here}&before={found.older}" if found.older is not None else "",
    })  # fmt: skip


def _row(case: Case, home_id: int | None, now: datetime) -> dict[str, Any]:
    category = category_of(case.category)
    return {
        "case": case, "address": address_of(case, home_id), "name": category_name(case.category), "place": kept_line(case), "state": state_name(case.state),
        "severity": category.severity, "severity_name": severity_name(category.severity), "age": span((now - case.first_seen_at).total_seconds()),
    }  # fmt: skip


def _districts(cities: Sequence[int]) -> list[tuple[str, str]]:
    """Key and name, in the reader's language where there is one."""
    chinese = (get_language() or "zh-hans").startswith("zh")
    return [(zh, zh if chinese or not en else en) for zh, en in districts_of(cities)]


def _hiding(person: Any, wanted: Filter) -> list[tuple[str, str]]:
    """Of a list that is empty: without which part of its filter there is something, and the address of that."""
    cases, cities, inside = cases_for(person), cities_for(person), is_inside(person)
    looser = (
        (name, each)
        for name, each in without_each(wanted)
        if search(cases, cities, each, 1, notes=inside, checked=HINT_CHECKED, reader=person).cases
    )
    return [(str(HIDDEN_BY[name]), f"?{query_of(each)}") for name, each in looser]
