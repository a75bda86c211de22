"""The overview: what waits, what is at risk, where, how much a day, and how long it takes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.timezone import localdate
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from server.accounts.first_steps import first_steps
from server.accounts.models import User
from server.accounts.services import cities_for, is_inside
from server.cases.counts import counted_at
from server.cases.filters import Filter
from server.cases.map_rows import look
from server.cases.map_svg import SHAPE
from server.cases.map_views import address, begin, drawing
from server.cases.rules import State
from server.dashboard.rules import month_of_day
from server.dashboard.services import (
    CAP,
    DAYS,
    at_risk,
    last_days,
    overdue,
    shown_blind,
    standing,
    summed_up_at,
    took,
    waiting,
)
from server.dashboard.words import capped, figure_name, left_words, length, step_name
from server.places.words import kept_line
from server.review.disputes import open_disputes
from server.review.sent_back import count_sent_back
from server.roles import may
from server.words import category_name, state_name

SHOWN, BARS, LEAST_MOST = 40, 12, 5
"""Cases that the small map shows one by one; categories that have a bar of their own; how many cases a full bar stands for, at least."""
MAP_PX, MAP_APART_PX = 480, 46
"""How wide the small map is in its own pixels, so that its marks and numbers can be read on half a page and on a phone, and how far apart they lie."""
INSIDE = (State.QUEUED, State.DISPUTED, State.SET_ASIDE, State.CONFIRMED, State.HANDED_OVER, State.ACCEPTED)
OUTSIDE = (State.HANDED_OVER, State.ACCEPTED, State.REOPENED)
"""The states that wait for somebody, to the back office and to a city."""


@require_GET
def dashboard(request: HttpRequest) -> HttpResponse:
    """The page. The administrator, who looks after people and not after cases, gets its numbers alone."""
    person: Any = request.user
    now, by_state, by_category = timezone.now(), *standing(person)
    today, days = localdate(now), last_days(person, now)
    first = days[0][0]
    gone, soon = overdue(person, now)
    page: dict[str, Any] = {
        "counted_at": counted_at(cities_for(person)), "now": now, "summed_at": summed_up_at(person, today), "waits": [_waits(person, state, waiting(person, state, by_state[state])) for state in (INSIDE if is_inside(person) else OUTSIDE)],
        "blind": capped(shown_blind(person), CAP) if is_inside(person) else "", "sent_back": count_sent_back(cities_for(person)) if is_inside(person) else 0, "overdue": capped(gone, CAP), "soon": capped(soon, CAP), "any_overdue": gone > 0,
        "figures": [figure_name(name) for name in days[0][1]], "days": [(day, list(figures.values())) for day, figures in days], "today": today,
        "sums": [(figure_name(name), sum(figures[name] for _day, figures in days)) for name in days[0][1]],
        "took": [(step_name(each.step), each.cases, length(each.median_s), length(each.p90_s)) for each in took(person, first, today + timedelta(days=1))],
        "bars": _bars(by_category), "open": by_category.total(), "month": str(month_of_day(today)), "span": DAYS,
    }  # fmt: skip
    if person.role == User.Role.ADMIN:
        page |= {"steps": first_steps()}
    else:
        page |= {"risks": [_risk(person, each) for each in at_risk(person, now)], "svg": _map(person)}
    return render(request, "dashboard.html", page)


def _waits(person: Any, state: State, cases: int) -> dict[str, Any]:
    """A state with the page where one goes on with its cases. Who settles disputes is told of all that are open, also where the case has left."""
    if state == State.DISPUTED and may(person, "review_disputes"):
        return {"state": state.value, "name": state_name(state, in_dispute=True), "cases": open_disputes(person)[:CAP].count(), "link": reverse("review_disputes")}  # fmt: skip
    to = "review_queue" if state == State.QUEUED and may(person, "review_queue") else "case_list"
    link = reverse(to) if to == "review_queue" else f"{reverse(to)}?state={state}"
    return {"state": state.value, "name": state_name(state), "cases": cases, "link": link}


def _risk(person: Any, risk: Any) -> dict[str, Any]:
    case = risk.case
    return {"case": case, "address": address(case.number, case.city.key, case.city_id, person), "name": category_name(case.category), "place": kept_line(case), "left": left_words(risk), "is_late": risk.is_late}  # fmt: skip


def _bars(by_category: dict[str, int]) -> list[dict[str, Any]]:
    """The categories with most open cases, the others together; each beside the largest, or beside LEAST_MOST where all are few."""
    ranked = sorted(by_category.items(), key=lambda row: (-row[1], row[0]))
    rows = [(category_name(key), cases, f"{reverse('case_list')}?category={key}") for key, cases in ranked[:BARS]]
    if rest := ranked[BARS:]:
        rows.append((_("%(number)d other categories") % {"number": len(rest)}, sum(cases for _key, cases in rest), ""))
    most = max((LEAST_MOST, *(cases for _name, cases, _link in rows)))
    return [{"name": name, "cases": cases, "link": link, "share": f"{100 * cases / most:.1f}"} for name, cases, link in rows]  # fmt: skip


def _map(person: Any) -> str:
    wanted = Filter()
    if counted_at(cities_for(person)) is None:
        return ""
    box = begin(person, wanted).fitted(SHAPE)
    return mark_safe(drawing(person, box, look(person, wanted, box, SHOWN), "", MAP_APART_PX, MAP_PX))
