"""Gold cards: the supervisor's page, and what a person is told of their answers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods

from models.taxonomy import CATEGORIES
from server.accounts.services import cases_for, home_city_id
from server.review.cards import best_pictures
from server.review.gold import NotGold, Score, Told, in_use, make, proposals, retire, score_of, scores_of, tell
from server.review.models import Gold
from server.review.supervising import supervises
from server.words import answer_name, category_name, person_name, state_name

SHOWN, PROPOSED, SCORED = 100, 24, timedelta(days=30)


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
        return redirect("review_gold")
    number = form.get("case", "")
    if not number.isdecimal() or len(number) > 18:
        return _page(request, _("Name the case by its number."), 400)
    city_id = int(form["city"]) if form.get("city", "").isdecimal() else home_city_id(person)
    case = cases_for(person).filter(number=int(number), city=city_id).first()
    if case is None:
        return _page(request, _("There is no case %(number)s. Look at the number again.") % {"number": number}, 404)
    try:
        make(person, case, form.get("answer", ""), form.get("category", "") or case.category, now)
    except NotGold as wrong:
        return _page(request, str(wrong), 409)
    return redirect("review_gold")


def _page(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    person: Any = request.user
    used, more = list(in_use(person)[:SHOWN]), list(proposals(person)[:PROPOSED])
    scores, pictures = scores_of(used), best_pictures([*(each.case_id for each in used), *(case.pk for case in more)])
    return render(request, "gold.html", {
        "wrong": wrong, "supervises": supervises(person), "asked": (request.POST.get("case") or request.GET.get("case", ""))[:12], "typed": request.POST, "used": [_used(each, scores[each.pk], pictures.get(each.case_id, "")) for each in used],
        "proposed": [{"case": case, "name": category_name(case.category), "state": state_name(case.state), "picture": pictures.get(case.pk, "")} for case in more],
        "categories": sorted(((key, category_name(key)) for key in CATEGORIES), key=lambda each: each[1]),
    }, status=status)  # fmt: skip


def _used(gold: Gold, score: Score, picture: str) -> dict[str, Any]:
    return {"row": gold, "right": said(gold.answer, gold.category), "score": score, "by": person_name(gold.made_by), "picture": picture,
            "share": f"{score.right / score.of:.0%}" if score.of else "–"}  # fmt: skip
