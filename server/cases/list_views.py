"""The list of cases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from server.accounts.services import cases_for, cities_for, home_city_id, is_inside
from server.cases.asked import asked, read_as_vehicle, with_vehicle
from server.cases.came import came_at
from server.cases.filters import DEADLINE, Filter, filter_of, query_of, without_each
from server.cases.history import in_dispute
from server.cases.models import Case
from server.cases.officers import replies_line, state_words
from server.cases.rules import AT_CITY
from server.cases.search import search
from server.cases.views import LIST, address_of
from server.categories.rules import category_of
from server.places.words import kept_line
from server.roles import may
from server.words import category_name, severity_name, span

A_PAGE, HINT_CHECKED = 50, 200
HIDDEN_BY = {
    "text": _("what is searched for"), "since": _("the first day"), "until": _("the last day"), "vehicle": _("the vehicle"), "district": _("the district"),
    "severity": _("the severity"), "category": _("the category"), "state": _("the state"), "order": _("the order by deadline"),
}  # fmt: skip


@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """Cases, newest first: the open ones, or by what is asked for, those in shadow only if so. The next page begins at a row, nothing is counted."""
    person: Any = request.user
    wanted, now = filter_of(request.GET.dict()), timezone.now()
    if (by_vehicle := with_vehicle(person, wanted)) is not None:
        return read_as_vehicle(request, by_vehicle)
    found = search(cases_for(person), cities_for(person), wanted, A_PAGE, notes=is_inside(person), reader=person)
    here, home_id = query_of(wanted), home_city_id(person)
    begins = (
        f"&before={wanted.before}" if wanted.before is not None else f"&after={wanted.after}" if wanted.after else ""
    )
    ends = f"&before={found.older}" if found.older is not None else f"&after={found.after}" if found.after else ""
    asked_for = here + begins
    if request.session.get(LIST, "") != asked_for:
        request.session[LIST] = asked_for
    disputed = in_dispute(found.cases, person)
    came = {} if is_inside(person) else came_at([case.pk for case in found.cases])
    rows = [_row(case, person, home_id, now, in_dispute=case.pk in disputed) | {"came_at": came.get(case.pk)} for case in found.cases]  # fmt: skip
    return render(request, "cases.html", asked(person, wanted) | {
        "rows": rows, "found": found, "has_order": True, "hiding": [] if rows or found.is_cut or wanted.number is not None else _hiding(person, wanted),
        "replies": replies_line(person), "here": here, "may_export": may(person, "case_export"), "newest": f"?{here}" if begins else "", "older": f"?{here}{ends}" if ends else "", "by_deadline": wanted.order == DEADLINE,
    })  # fmt: skip


def _row(case: Case, person: Any, home_id: int | None, now: datetime, *, in_dispute: bool) -> dict[str, Any]:
    category = category_of(case.category)
    return {
        "case": case, "address": address_of(case, home_id), "name": category_name(case.category), "place": kept_line(case) or f"{case.lat_deg:.5f}, {case.lon_deg:.5f}", "state": state_words(case.state, person, in_dispute=in_dispute),
        "severity": category.severity, "severity_name": severity_name(category.severity), "age": span((now - case.first_seen_at).total_seconds()),
        "deadline": case.deadline_at if case.state in AT_CITY else None, "is_over": case.state in AT_CITY and case.deadline_at is not None and case.deadline_at < now,
        "has_none": case.state in AT_CITY and case.deadline_at is None and category.deadline_h is None,
    }  # fmt: skip


def _hiding(person: Any, wanted: Filter) -> list[tuple[str, str]]:
    """Of a list that is empty: without which part of its filter there is something, and the address of that."""
    cases, cities, inside = cases_for(person), cities_for(person), is_inside(person)
    looser = (
        (name, each)
        for name, each in without_each(wanted)
        if search(cases, cities, each, 1, notes=inside, checked=HINT_CHECKED, reader=person).cases
    )
    return [(str(HIDDEN_BY[name]), f"?{query_of(each)}") for name, each in looser]
