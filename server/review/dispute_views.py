"""The supervisor's page: answers that differ side by side, and places where something is said to be permitted. And the retraction of a case."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from models.taxonomy import CATEGORIES
from server.accounts.services import home_city_id
from server.cases.rules import AT_CITY
from server.cases.views import address_of, case_here, shown
from server.places.words import place_line
from server.review.answers import BadVerdict, Given, unreadable
from server.review.disputes import (
    Follows,
    Settled,
    follows,
    lately_settled,
    open_disputes,
    retract_case,
    settle,
    would_follow,
)
from server.review.looks import of_today
from server.review.models import Dispute, Verdict
from server.review.pictured import best_pictures, shown_pictures
from server.review.rules import COMMONEST_REASON, REASONS, SAME_REASON, WORDS_REASON, Outcome
from server.review.supervising import supervises
from server.review.zones import answer_proposal, open_proposals
from server.words import answer_name, category_name, person_name, state_name

A_PAGE, LATELY = 20, 10
OTHER_REASONS = {code: words for code, words in REASONS.items() if code != SAME_REASON}


@dataclass(frozen=True)
class Side:
    """One of two answers, as the page shows it; `who` is told once the dispute is settled."""

    said: str
    words: str
    who: str
    moved: bool
    box: dict[str, float] | None
    box_sha256: str
    follows: str = ""


@require_http_methods(["GET", "HEAD", "POST"])
def disputes(request: HttpRequest) -> HttpResponse:
    """What waits for a supervisor. A POST of `dispute` and `outcome` (first, second, other) settles one, one of `proposal` answers a zone's."""
    if request.method != "POST":
        return _page(request)
    form = request.POST
    return _answer_proposal(request) if form.get("proposal") else _settle(request)


def _settle(request: HttpRequest) -> HttpResponse:
    """Settle one, which stays where it is as settled until the page is left; a word that takes a case back from the city is asked for once more (`sure`)."""
    person: Any = request.user
    form = request.POST
    try:
        other = Given(form.get("answer", ""), int(form["reason"]) if form.get("answer") == "reject" and form.get("reason") else None,
                      form.get("category", "") if form.get("answer") == "confirm" else "", form.get("words", ""))  # fmt: skip
        dispute_id, outcome = int(form.get("dispute", "")), Outcome(form.get("outcome", ""))
        dispute, given, follow = would_follow(person, dispute_id, outcome, other)
        if follow and form.get("sure") != "yes":
            return _asked_once_more(request, dispute, given, follow)
        settle(person, dispute_id, outcome, timezone.now(), other)
    except Settled:
        return _page(request, _("Somebody has settled this one meanwhile; nothing was changed."), 409)
    except BadVerdict as wrong:
        return _page(request, _("This does not settle it: %(why)s") % {"why": wrong}, 400)
    except ValueError:
        return _page(request, _("This does not settle it: %(why)s") % {"why": unreadable()}, 400)
    here = ".".join(map(str, [*(each for each in _settled_here(request) if each != dispute_id), dispute_id]))
    return redirect(f"{reverse('review_disputes')}?settled={here}#settled-now")


def _settled_here(request: HttpRequest) -> list[int]:
    """The disputes that were settled since the page was opened, the last one last."""
    return [int(each) for each in request.GET.get("settled", "").split(".") if each.isdecimal() and len(each) < 10][-A_PAGE:]  # fmt: skip


def _asked_once_more(request: HttpRequest, dispute: Dispute, given: Given, follow: Follows) -> HttpResponse:
    """What follows from a word, before it is given."""
    case, form = dispute.case, request.POST
    return render(request, "dispute_ask.html", {
        "case": case, "name": category_name(case.category), "place": place_line(case), "address": address_of(case, home_city_id(request.user)), "picture": best_pictures([case.pk]).get(case.pk, ""),
        "said": _said(given.answer, given.reason, given.category or dispute.first.proposed), "follows": follow.value, "dispute": dispute.pk, "settled": request.GET.get("settled", ""),
        "fields": [(name, form.get(name, "")) for name in ("dispute", "outcome", "answer", "category", "reason", "words") if name in form],
    })  # fmt: skip


def _answer_proposal(request: HttpRequest) -> HttpResponse:
    person: Any = request.user
    try:
        verdict_id = UUID(request.POST["proposal"])
    except ValueError:
        return _page(request, _("There is no such proposal."), 400)
    is_permitted = request.POST.get("accept") == "yes"
    if not answer_proposal(person, verdict_id, is_permitted, timezone.now()):
        return _page(request, _("Somebody has answered this one meanwhile; nothing was changed."), 409)
    messages.success(request, _("Noted as permitted there.") if is_permitted else _("Noted as not permitted there."))
    return redirect("review_disputes")


def _page(request: HttpRequest, wrong: str = "", status: int = 200) -> HttpResponse:
    person: Any = request.user
    home_id = home_city_id(person)
    found, zones = list(open_disputes(person)[: A_PAGE + 1]), list(open_proposals(person)[:A_PAGE])
    here = _settled_here(request)
    rows = sorted([*found[:A_PAGE], *(lately_settled(person).filter(id__in=here) if here else [])], key=lambda each: (each.opened_at, each.pk))  # fmt: skip
    pictures = best_pictures([each.case_id for each in zones])
    return render(request, "disputes.html", {
        "wrong": wrong, "supervises": supervises(person), "rows": [_shown(each, home_id) | ({"holds": _side(each.settled_by, ""), "is_last": each.pk == here[-1]} if each.settled_by else {}) for each in rows], "any_open": bool(found), "more": len(found) > A_PAGE,
        "looks": of_today(person, timezone.now()), "settled": [_told(each, home_id) for each in lately_settled(person)[:LATELY]],
        "zones": [{"row": each, "name": category_name(each.verdict.proposed), "place": place_line(each.case), "address": address_of(each.case, home_id), "words": each.verdict.words,
                   "picture": pictures.get(each.case_id, "")} for each in zones],
        "reasons": OTHER_REASONS, "words_reason": WORDS_REASON, "categories": [(key, category_name(key)) for key in CATEGORIES],
    }, status=status)  # fmt: skip


def _shown(dispute: Dispute, home_id: int | None) -> dict[str, Any]:
    case = dispute.case
    first, second = (replace(_side(each, ""), follows=follows(case, each.answer, each.category or each.proposed)) for each in (dispute.first, dispute.second))  # fmt: skip
    return {
        "row": dispute, "case": case, "name": category_name(dispute.first.proposed), "proposed": dispute.first.proposed, "state": state_name(case.state, in_dispute=True),
        "address": address_of(case, home_id), "place": place_line(case), "first": first, "second": second, "is_at_city": case.state in AT_CITY,
        "pictures": [(each, [side.box for side in (first, second) if side.box and side.box_sha256 == each.sha256 and not dispute.settled_at]) for each in shown_pictures(case, by_vehicle=not dispute.settled_at)],
    }  # fmt: skip


def _told(dispute: Dispute, home_id: int | None) -> dict[str, Any]:
    """A settled one: now who answered what."""
    last = dispute.settled_by
    return {
        "row": dispute, "case": dispute.case, "address": address_of(dispute.case, home_id), "name": category_name(dispute.first.proposed),
        "first": _side(dispute.first, person_name(dispute.first.person)), "second": _side(dispute.second, person_name(dispute.second.person)),
        "holds": _side(last, person_name(last.person)) if last else None, "at_city": dispute.case.state in AT_CITY, "retract": address_of(dispute.case, home_id, "case_retract"),
    }  # fmt: skip


def _said(answer: str, reason: int | None, category: str) -> str:
    """An answer, and as what it was confirmed."""
    said = answer_name(answer, reason)
    return _("%(answer)s as %(category)s") % {"answer": said, "category": category_name(category)} if answer == "confirm" else said  # fmt: skip


def _side(verdict: Verdict, who: str) -> Side:
    said = _said(verdict.answer, verdict.reason, verdict.category or verdict.proposed)
    box = None
    if verdict.box:
        left, top, right, bottom = verdict.box
        box = {"x": left, "y": top, "w": right - left, "h": bottom - top}
    return Side(said, verdict.words, who, verdict.lat_deg is not None, box, verdict.box_sha256)


@require_POST
def retract(request: HttpRequest, number: int) -> HttpResponse:
    """Take a case back from the city, with a reason, and whether the find was wrong (`because`: wrong) or is needed no more (moot)."""
    person: Any = request.user
    case, form = case_here(request, number), request.POST
    because, words = form.get("because", ""), form.get("why") or form.get("words", "")
    if because not in ("wrong", "moot"):
        return shown(request, case, _("Say whether the find was wrong, or is needed no more."))
    said = int(form["reason"]) if form.get("reason", "").isdecimal() else COMMONEST_REASON
    try:
        done = retract_case(person, case, words, timezone.now(), reason=said if because == "wrong" else None)
    except BadVerdict as wrong:
        return shown(request, case, str(wrong))
    if not done:
        return shown(request, case, _("No city has this case now; there is nothing to retract."))
    messages.success(request, _("Case %(number)d is taken back; the city is told that it need not look after it.") % {"number": case.number})  # fmt: skip
    return redirect(
        form["next"] if form.get("next") == reverse("review_disputes") else address_of(case, home_city_id(person))
    )
