"""The list of cases, and the page of one."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.views.decorators.http import require_GET

from models.taxonomy import CATEGORIES
from server.accounts.services import cases_for, cities_for, home_city_id, is_inside
from server.cases.history import history_of, is_kept_blind
from server.cases.models import Case
from server.cases.rules import State
from server.cases.search import filter_of, newest
from server.city.deadlines import deadline_line
from server.fleet.models import City
from server.places.words import kept_line
from server.review.cards import card_of
from server.words import category_name, city_status_name, handover_name, handover_state_name, screening_name, state_name

A_PAGE = 50


@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """Cases, newest first: the open ones, or by state and category, those in shadow only if asked for. One row more than the page shows tells of older ones, nothing is counted."""
    wanted, home_id = filter_of(request.GET.dict()), home_city_id(request.user)
    found = newest(cases_for(request.user), cities_for(request.user), wanted, A_PAGE + 1)
    rows = [
        {
            "case": case,
            "address": _address(case, home_id),
            "name": category_name(case.category),
            "place": kept_line(case),
            "state": state_name(case.state),
        }
        for case in found[:A_PAGE]
    ]
    here = urlencode({"state": wanted.state, "category": wanted.category, **({"filter": "shadow"} if wanted.shadow else {})})  # fmt: skip
    return render(request, "cases.html", {
        "rows": rows, "wanted": wanted, "sees_shadow": is_inside(request.user), "states": [(s.value, state_name(s)) for s in State if s != State.MERGED],
        "categories": [(key, each.name(get_language() or "zh-hans")) for key, each in CATEGORIES.items()],
        "newest": f"?{here}" if wanted.before is not None else "", "older": f"?{here}&before={found[A_PAGE - 1].pk}" if len(found) > A_PAGE else "",
    })  # fmt: skip


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
