"""The queue page and what its script asks for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET, require_POST

from server.accounts.models import User
from server.accounts.services import cases_for
from server.cases.models import Case, Sighting
from server.cases.rules import State
from server.deeds import tell_leased
from server.errors import answer
from server.fleet.models import Vehicle
from server.log import request_number
from server.review.answers import BadVerdict, unreadable
from server.review.cards import Card, cards_of
from server.review.corrections import Correction
from server.review.counts import forget, queue_counts, with_counts
from server.review.looks import ages_hidden
from server.review.narrowed import part_of
from server.review.near import NEAR_M
from server.review.pictured import thumbs
from server.review.queue_page import choices, page_values, part_kinds
from server.review.rules import CARDS, FARTHEST_SAME_M, REASONS
from server.review.sent_back import sent_back
from server.review.services import (
    NeedsReason,
    changes_of,
    decide,
    give_back,
    holds,
    lease,
    lease_one,
    renew,
    shown_to,
    taken_back,
    undo,
)
from server.words import category_name


def _shadow(asked: QueryDict) -> bool:
    """Whether the cards in shadow are asked for; any other word means the queue itself."""
    return asked.get("filter") == "shadow"


@require_GET
@gzip_page
def queue(request: HttpRequest) -> HttpResponse:
    """The page, of the queue or of what is in shadow; by `piece=kinds` the categories of its filter alone, as they wait now. Its cards come by `lease`."""
    person: Any = request.user
    shadow = _shadow(request.GET)
    if request.GET.get("piece") == "kinds":
        kinds = {"part_kinds": part_kinds(person, choices(), shadow=shadow), "part": part_of(request.GET)}
        return with_counts(render(request, "part_kinds.html", kinds), queue_counts(person, timezone.now(), shadow=shadow))  # fmt: skip
    last = Sighting.objects.order_by("-received_at").values_list("received_at", flat=True).first()
    return render(request, "review.html", {"counts": queue_counts(person, timezone.now(), shadow=shadow).told, "shadow": shadow, "reasons": REASONS, "near_m": round(NEAR_M), "same_m": round(FARTHEST_SAME_M), "last_sighting": last, "grace_s": settings.GRACE_S,
                                           "no_vehicle": not Vehicle.objects.exists()} | page_values(request, shadow=shadow))  # fmt: skip


@require_POST
@gzip_page
def lease_cards(request: HttpRequest) -> HttpResponse:
    """Up to five cards as HTML, those the page holds already left out; before them the case `first` that its address asks for, and a header X-first that says so if it cannot be had."""
    person: Any = request.user
    held = {int(each) for each in request.POST.get("held", "").split(",") if each.isdigit()}
    now, shadow, asked = timezone.now(), _shadow(request.GET), _number(request.POST, "first")
    first = shown_to(person, asked) if asked is not None and lease_one(person, now, asked) else None
    leased = lease(person, now, min(CARDS + len(held), 2 * CARDS), shadow=shadow, part=part_of(request.GET))
    others = [case for case in leased if case.pk not in held and case.pk != asked]
    dealt = ([first] if first else []) + others[: CARDS - bool(first)]
    tell_leased(person.pk, (case.pk for case in dealt))
    cards = _cards(person, dealt, now)
    response = with_counts(render(request, "cards.html", {"cards": cards}), queue_counts(person, now, shadow=shadow))
    if asked is not None and first is None:
        response.headers["X-first"] = "gone"
    return response


def _cards(person: User, cases: Sequence[Case], now: datetime) -> list[Card]:
    """The cards of what a person holds."""
    back, hidden = sent_back([case.pk for case in cases]), ages_hidden(person, cases, now)
    cards = cards_of(cases, changes_of(person, now), cases_for(person), later=hidden, reader=person)
    return [replace(card, sent_back=back.get(card.case.pk)) for card in cards]


@require_POST
def renew_lease(request: HttpRequest) -> JsonResponse:
    """Hold on to the cards for another while."""
    person: Any = request.user
    return JsonResponse({"held": renew(person, timezone.now()), **queue_counts(person, timezone.now()).told})


@require_POST
def give_back_cards(request: HttpRequest) -> HttpResponse:
    """Free the cards (the page is being left)."""
    person: Any = request.user
    give_back(person)
    return HttpResponse(status=204)


@require_POST
def take_verdict(request: HttpRequest) -> HttpResponse:
    """One answer; a resend of the same id changes nothing. Refused with 403 if somebody else has signed in since the answer was given."""
    person: Any = request.user
    form, now = request.POST, timezone.now()
    if form.get("person", str(person.pk)) != str(person.pk):
        return answer(request, 403, "person", _("Somebody else is signed in"), _("Sign in as yourself in another tab; what waits here is sent then."))  # fmt: skip
    try:
        outcome = decide(
            person, UUID(form.get("id", "")), int(form.get("case", "")), form.get("answer", ""), now,
            reason=_number(form, "reason"), category=form.get("category", ""), words=form.get("words", ""), correction=_correction(form), same_as=_number(form, "same_as"),
            visible_ms=max(0, int(form.get("visible_ms") or 0)),
        )  # fmt: skip
    except BadVerdict as wrong:
        return answer(request, 400, "refused", _("The server refused an answer; its card comes back"), str(wrong))
    except (ValueError, OverflowError):
        return answer(request, 400, "refused", _("The server refused an answer; its card comes back"), unreadable())
    forget()
    return JsonResponse(
        {"result": outcome.result, "case_number": outcome.case_number, **queue_counts(person, now).told}
    )


def _number(form: QueryDict, name: str) -> int | None:
    value = form.get(name)
    return int(value) if value else None


def _correction(form: QueryDict) -> Correction:
    """Raises ValueError for what is no box or place, told to nobody: the page sends none."""
    box, lat, lon = form.get("box"), form.get("lat_deg"), form.get("lon_deg")
    if bool(lat) != bool(lon):
        raise ValueError("a place has a latitude and a longitude")
    place = (float(lat), float(lon)) if lat and lon else None
    return Correction(_sides(box) if box else None, form.get("box_sha256", "") if box else "", place)


def _sides(words: str) -> tuple[float, float, float, float]:
    sides = json.loads(words)
    if not (isinstance(sides, list) and len(sides) == 4 and all(isinstance(each, int | float) for each in sides)):
        raise ValueError("a box has four sides")
    left, top, right, bottom = map(float, sides)
    return left, top, right, bottom


@require_POST
def undo_last(request: HttpRequest) -> HttpResponse:
    """Take back the last answer; its card comes back as HTML (none if a colleague has it now), 204 if there is nothing to take back. The headers say which case it was, how many were taken back with it, what was answered, whether words or a correction went with that, and whether the city has been told; 409 (needs_reason) if it would be and `why` is missing, with the case's picture and name as HTML in `about`."""
    person: Any = request.user
    now, why = timezone.now(), request.POST.get("why", "").strip()
    try:
        case = undo(person, now, why)
    except NeedsReason as asked:
        return JsonResponse({"error": _asks_why(asked), "kind": "needs_reason", "request": request_number.get(), "about": _about(asked.case)}, status=409)  # fmt: skip
    forget()
    if case is None:
        return HttpResponse(status=204)
    back = taken_back(person, now)
    cards = [replace(card, given=back[0]) for card in _cards(person, [case] if holds(person, case) else [], now)]
    response = with_counts(render(request, "cards.html", {"cards": cards}), queue_counts(person, now))
    response.headers["X-case"], response.headers["X-cards"] = str(case.number), str(len(back))
    response.headers["X-answer"] = back[0].answer
    if back[0].words or back[0].box or back[0].lat_deg is not None:
        response.headers["X-with"] = "1"
    if case.state == State.RETRACTED or why:
        response.headers["X-retracted"] = "1"
    return response


def _about(case: Case) -> str:
    """HTML: which case is meant, while another card is on the page."""
    return render_to_string("about_case.html", {"picture": thumbs([case.pk]).get(case.pk), "name": category_name(case.category), "number": case.number})  # fmt: skip


def _asks_why(asked: NeedsReason) -> str:
    """Why an undo needs a reason, and what else it takes back."""
    gone = _("Case %(number)d has gone to the city. To take it back, write why.") if asked.is_sure else _("The hand-over of case %(number)d was tried, and the city may have it. To take it back, write why; the city is told.")  # fmt: skip
    others = _("All %(cards)d cards answered together come back.") if asked.together > 1 else ""
    return f"{gone} {others}".strip() % {"number": asked.case.number, "cards": asked.together}
