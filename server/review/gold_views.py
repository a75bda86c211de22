"""Gold cards: the supervisor's page, and what a person is told of their answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from models.taxonomy import CATEGORIES
from server.accounts.services import cases_for, home_city_id
from server.cases.models import Case
from server.cases.rules import State
from server.places.words import place_line
from server.review.gold import (
    NotGold,
    Score,
    Told,
    in_use,
    make,
    out_of_use_by_itself,
    proposals,
    retire,
    score_of,
    scores_of,
    tell,
    unfit,
)
from server.review.models import Gold
from server.review.pictured import best_pictures, shown_pictures
from server.review.supervising import supervises
from server.words import answer_name, category_name, person_name, state_name

SHOWN, PROPOSED, GONE, SCORED = 100, 24, 20, timedelta(days=30)


@require_GET
def feedback(request: HttpRequest) -> HttpResponse:
    """The gold cards that a person has answered and not been told of, as JSON; they are told with this, at most once an hour."""
    person: Any = request.user
    now = timezone.now()
    told = [_as_told(each) for each in tell(person, now)]
    score = score_of(person, now - SCORED)
    return JsonResponse({"told": told, "right": score.right, "of": score.of, "days": SCORED.days})


def _as_told(each: Told) -> dict[str, Any]:
    verdict, gold, case = each.look.verdict, each.look.gold, each.look.case
    assert verdict is not None
    assert gold is not None
    return {
        "case_number": case.number, "address": f"{reverse('case', args=[case.number])}?city={case.city.key}", "picture": best_pictures([case.pk]).get(case.pk, ""),
        "is_right": each.is_right, "yours": said(verdict.answer, verdict.category or verdict.proposed, verdict.reason), "right": said(gold.answer, gold.category),
    }  # fmt: skip


def said(answer: str, category: str, reason: int | None = None) -> str:
    """An answer, and as what it was confirmed."""
    name = answer_name(answer, reason)
    return _("%(answer)s as %(category)s") % {"answer": name, "category": category_name(category)} if answer == "confirm" else name  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
def gold_page(request: HttpRequest) -> HttpResponse:
    """The gold cards in use with how often they were answered right, and cases that could be gold. A POST makes (`case`, `answer`, `category`) or retires (`retire`) one."""
    person: Any = request.user
    if request.method != "POST":
        return _page(request)
    form, now = request.POST, timezone.now()
    if form.get("retire", "").isdecimal():
        if not retire(person, int(form["retire"]), now):
            return _page(request, _("This card has been retired already."), 409)
        messages.success(request, _("The gold card is out of use; its answers stay."))
        return redirect("review_gold")
    try:
        case = _case_of(request, form)
        gold = make(person, case, form.get("answer", ""), form.get("category", "") or case.category, now)
    except NoCase as wrong:
        return _page(request, str(wrong), wrong.status)
    except NotGold as wrong:
        return _page(request, str(wrong), 409)
    messages.success(request, _("Case %(number)d is a gold card now: %(answer)s.") % {"number": case.number, "answer": said(gold.answer, gold.category)})  # fmt: skip
    return redirect("review_gold")


class NoCase(Exception):
    """No case was named, or there is none of this number; the text says so."""

    def __init__(self, words: str, status: int) -> None:
        super().__init__(words)
        self.status = status


def _case_of(request: HttpRequest, asked: QueryDict) -> Case:
    """The case that is named by its number, and its city by id or key where that is not the reader's own. Raises NoCase."""
    person: Any = request.user
    number, city = asked.get("case", "").strip().lstrip("#"), asked.get("city", "")
    if not (number.isdecimal() and number.isascii()) or len(number) > 18:
        raise NoCase(_("Name the case by its number."), 400)
    of_city = {"city": int(city)} if city.isdecimal() else {"city__key": city} if city else {"city": home_city_id(person)}  # fmt: skip
    case = cases_for(person).select_related("city").filter(number=int(number), **of_city).first()
    if case is None:
        raise NoCase(_("There is no case %(number)s. Look at the number again.") % {"number": number}, 404)
    return case


def _page(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    """With `case` in the address it shows that case before it is made gold."""
    person: Any = request.user
    asked, found = request.POST if request.method == "POST" else request.GET, None
    if asked.get("case", ""):
        try:
            found = _case_of(request, asked)
        except NoCase as none:
            wrong, status = wrong or str(none), status if wrong else none.status
    used, more = list(in_use(person)[:SHOWN]), list(proposals(person)[:PROPOSED])
    gone, scores = list(out_of_use_by_itself(person)[:GONE]), scores_of(used)
    pictures = best_pictures([*(each.case_id for each in used), *(case.pk for case in more)])
    return render(request, "gold.html", {
        "wrong": wrong, "supervises": supervises(person), "asked": asked.get("case", "")[:12], "typed": request.POST, "used": [_used(each, scores[each.pk], pictures.get(each.case_id, "")) for each in used],
        "proposed": [{"case": case, "name": category_name(case.category), "state": state_name(case.state), "picture": pictures.get(case.pk, "")} for case in more],
        "found": _found(found, wrong) if found else None, "gone": [{"row": each, "said": said(each.answer, each.category), "state": state_name(each.case.state), "name": category_name(each.case.category)} for each in gone],
        "categories": [(key, category_name(key)) for key in CATEGORIES],
    }, status=status)  # fmt: skip


def _found(case: Case, wrong: str) -> dict[str, Any]:
    """A case as it is shown before it is made gold: why it cannot be, or the answer that it was decided by."""
    return {
        "case": case, "name": category_name(case.category), "state": state_name(case.state), "place": place_line(case), "pictures": shown_pictures(case),
        "unfit": "" if wrong else unfit(case), "may_be": not unfit(case), "answer": "reject" if case.state == State.REJECTED else "confirm",
    }  # fmt: skip


def _used(gold: Gold, score: Score, picture: str) -> dict[str, Any]:
    return {"row": gold, "right": said(gold.answer, gold.category), "score": score, "by": person_name(gold.made_by), "picture": picture,
            "share": f"{score.right / score.of:.0%}" if score.of else "–"}  # fmt: skip
