"""The list of cases, and the page of one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from models.taxonomy import CATEGORIES
from server.accounts.services import cases_for, cities_for, home_city_id, is_inside
from server.cases.filters import RADII_M, SEVERITIES, query_of, without_each
from server.cases.history import history_of, is_kept_blind
from server.cases.models import Case
from server.cases.rules import State
from server.cases.search import Filter, districts_of, filter_of, search
from server.categories.rules import category_of
from server.city.deadlines import deadline_line
from server.fleet.heartbeats import vehicles_for
from server.fleet.models import City
from server.places.words import kept_line
from server.review.cards import card_of
from server.words import (
    category_name,
    city_status_name,
    handover_name,
    handover_state_name,
    screening_name,
    severity_name,
    span,
    state_name,
)

A_PAGE, MOST_VEHICLES = 50, 1000
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
    found = search(cases, cities, wanted, A_PAGE, notes=inside)
    here = query_of(wanted)
    rows = [_row(case, home_city_id(person), now) for case in found.cases]
    return render(request, "cases.html", {
        "rows": rows, "found": found, "wanted": wanted, "has_places": any(row["place"] for row in rows), "sees_shadow": inside,
        "states": [(s.value, state_name(s)) for s in State if s != State.MERGED], "severities": [(key, severity_name(key)) for key in SEVERITIES], "radii_m": RADII_M,
        "categories": [(key, each.name(get_language() or "zh-hans")) for key, each in CATEGORIES.items()], "districts": _districts(cities),
        "vehicles": list(vehicles_for(person).order_by("name").values_list("name", flat=True)[:MOST_VEHICLES]) if inside else [],
        "hiding": [] if rows or found.is_cut else _hiding(cases, cities, wanted, inside), "is_narrow": here != "", "here": here,
        "newest": f"?{here}" if wanted.before is not None else "", "older": f"?{here}&before={found.older}" if found.older is not None else "",
    })  # fmt: skip


def _row(case: Case, home_id: int | None, now: datetime) -> dict[str, Any]:
    category = category_of(case.category)
    return {
        "case": case, "address": _address(case, home_id), "name": category_name(case.category), "place": kept_line(case), "state": state_name(case.state),
        "severity": category.severity, "severity_name": severity_name(category.severity), "age": span((now - case.first_seen_at).total_seconds()),
    }  # fmt: skip


def _districts(cities: Sequence[int]) -> list[tuple[str, str]]:
    """Key and name, in the reader's language where there is one."""
    chinese = (get_language() or "zh-hans").startswith("zh")
    return [(zh, zh if chinese or not en else en) for zh, en in districts_of(cities)]


def _hiding(cases: QuerySet[Case], cities: Sequence[int], wanted: Filter, inside: bool) -> list[tuple[str, str]]:
    """Of a list that is empty: without which part of its filter there is something, and the address of that."""
    looser = ((name, each) for name, each in without_each(wanted) if search(cases, cities, each, 1, notes=inside).cases)
    return [(str(HIDDEN_BY[name]), f"?{query_of(each)}") for name, each in looser]


def _address(case: Case, home_id: int | None) -> str:
    """A case's page: its number, and its city where that isn't the reader's."""
    return _address_of(case.number, case.city, home_id)


def _address_of(number: int, city: City, home_id: int | None) -> str:
    return reverse("case", args=[number]) + ("" if city.pk == home_id else f"?city={city.key}")


@require_GET
def case_page(request: HttpRequest, number: int) -> HttpResponse:
    """One case with its pictures and everything that happened to it. A merged one leads to the one it became."""
    home_id, city = home_city_id(request.user), request.GET.get("city")
    of_city = {"city__key": city} if city else {"city_id": home_id}
    case = get_object_or_404(cases_for(request.user), number=number, **of_city)
    if case.merged_into_id is not None:
        return redirect(_address(Case.objects.get(id=case.merged_into_id), home_id))
    card = card_of(case, {}, cases_for(request.user), whole=True)
    return render(
        request,
        "case.html",
        {
            "card": card,
            "case": case,
            "state": state_name(case.state),
            "deadline": deadline_line(case, timezone.now()),
            "near": [(_address_of(each.at.number, case.city, home_id), each) for each in card.near],
            "screening": "" if is_kept_blind(case, request.user) else screening_name(case.screening),
            "history": history_of(case, request.user),
            "handovers": [
                {"row": row, "what": handover_name(row.kind), "state": handover_state_name(row.state)}
                for row in case.handovers.select_related("destination").order_by("made_at")
            ],
            "reports": [
                {"row": row, "what": city_status_name(row.status)} for row in case.reports.order_by("-received_at")
            ],
        },
    )
