"""The page of a case, and its sheet to print."""

from __future__ import annotations

from datetime import datetime
from math import hypot
from typing import Any
from urllib.parse import urlencode

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from calibration.geodesy import offset_m
from server.accounts.services import cases_for, home_city_id, is_inside
from server.cases.choosing import choices
from server.cases.deeds import may_reopen
from server.cases.evidence import before_and_after
from server.cases.hidden import hidden_of
from server.cases.history import history_of, in_dispute, is_kept_blind, notes_of, takes_it_for_new
from server.cases.merging import last_of
from server.cases.models import Case
from server.cases.notes import STRUCK_WITHIN, About
from server.cases.officers import replies_line, state_words
from server.cases.outside import retractions_of_merged, why_outside
from server.cases.parts import parts_of, way_words
from server.cases.qr import qr_svg
from server.cases.rules import AT_CITY
from server.cases.timeline import signs_of
from server.cases.told import as_told
from server.city.deadlines import deadline_line, deadline_words
from server.city.models import Handover
from server.city.rules import HandoverKind
from server.city.services import is_owed
from server.fleet.models import City
from server.keeping.hidden import gone_of
from server.review.cards import card_of
from server.review.rows import UNLOOKED
from server.review.rules import UNDECIDED
from server.roles import may
from server.words import (
    city_status_name,
    handover_name,
    handover_state_name,
    person_name,
    retraction_words,
    screening_name,
    span,
)

LIST = "list"
"""What the list of cases was asked for last, in the session: the way back from a case leads there."""
MOST_NOTES, MOST_PICTURES, MOVED_M = 200, 40, 5.0
PRINTED, PRINTED_PICTURES, PRINTED_LINES = ("answer", "deed", "city"), 2, 12


def address_of(case: Case, home_id: int | None, page: str = "case") -> str:
    """A page of a case: its number, and its city where that isn't the reader's."""
    return _address_of(case.number, case.city, home_id, page)


def _address_of(number: int, city: City, home_id: int | None, page: str = "case") -> str:
    return reverse(page, args=[number]) + ("" if city.pk == home_id else f"?city={city.key}")


def case_here(request: HttpRequest, number: int) -> Case:
    """The case of an address, if its reader may see it."""
    city = request.GET.get("city")
    of_city = {"city__key": city} if city else {"city_id": home_city_id(request.user)}
    return get_object_or_404(cases_for(request.user).select_related("city"), number=number, **of_city)


@require_GET
def case_page(request: HttpRequest, number: int) -> HttpResponse:
    """One case with its pictures and everything that happened to it. A merged one leads to the one it became."""
    case = case_here(request, number)
    if case.merged_into_id is None:
        return shown(request, case)
    kept = last_of(case)
    if not cases_for(request.user).filter(id=kept.pk).exists():
        messages.info(request, _("Case %(number)d was merged into another one, which was not handed over.") % {"number": case.number})  # fmt: skip
        return redirect("case_list")
    messages.info(request, became_words(case))
    return redirect(address_of(kept, home_city_id(request.user)))


def became_words(case: Case) -> str:
    """What the page says on top that the number of a merged case leads to."""
    return _("Case %(number)d was merged into case %(into)d.") % {"number": case.number, "into": last_of(case).number}


def split_words(case: Case, address: str) -> str:
    """What the page of a case says on top that was split off from another just now."""
    words = _("This case was split off; the rest stays in case %(number)d.") % {"number": case.number}
    return format_html('<a href="{}">{}</a>', address, words)


def shown(request: HttpRequest, case: Case, wrong: str = "") -> HttpResponse:
    """The page of a case; with the reason why something could not be done to it, and 409."""
    person: Any = request.user
    now, home_id, decided = timezone.now(), home_city_id(person), takes_it_for_new(case, person)
    told, hidden = as_told(case, person), hidden_of(case, person)
    card, history = card_of(told, {}, cases_for(person), whole=True, reader=person), history_of(case, person)
    return render(request, "case.html", {
        "card": card, "case": told, "wrong": wrong, "state": state_words(told.state, person, in_dispute=bool(in_dispute([case], person))), "replies": replies_line(person), "hidden": hidden, "face_in": [(address_of(each, home_id), each) for each in hidden.elsewhere] if hidden else [],
        "pictures": card.pictures[:MOST_PICTURES], "left_out": max(len(card.pictures) - MOST_PICTURES, 0), "pair": before_and_after(card.pictures),
        "deadline": "" if decided else deadline_line(case, now), "age": span((now - case.first_seen_at).total_seconds()),
        "gone": gone_of(case), "near": [(_address_of(each.at.number, case.city, home_id), each) for each in card.near], "print": address_of(case, home_id, "case_print"),
        "screening": "" if is_kept_blind(case, person) or not is_inside(person) else screening_name(case.screening), "history": history, "signs": signs_of(history),
        "to_review": _to_review(told, person), "to_gold": f"{reverse('review_gold')}?{_named(case)}" if may(person, "review_gold") and case.state not in UNLOOKED else "",
        "handovers": [] if decided else handovers_of(case, person), "reports": [] if decided else reports_of(case),
        "notes": _notes(case, person, now), "forms": _forms(case, person, home_id, now), "may_stay": choices(case, cases_for(person)) if may(person, "case_merge") else [], "to_list": f"{reverse('case_list')}?{request.session.get(LIST, '')}", "parts": parts_of(case) if case.sightings_count > 1 and may(person, "case_split") else [],
    }, status=409 if wrong else 200)  # fmt: skip


def _to_review(told: Case, person: Any) -> str:
    """Where this person reviews a case that waits for it; two answers that differ, on the page of disputes. Empty where there is nothing to review, or it is not theirs to do."""
    if told.state not in UNDECIDED or not may(person, "review_queue"):
        return ""
    if in_dispute([told], person) and may(person, "review_disputes"):
        return reverse("review_disputes")
    return f"{reverse('review_queue')}?{_named(told)}"


def _named(case: Case) -> str:
    """A case in the query of an address."""
    return urlencode({"case": case.number, "city": case.city.key})


def handovers_of(case: Case, person: Any) -> list[dict[str, Any]]:
    """What left for the city, oldest first, and then what was taken back of cases that became this one. Outside it is not told how a find was given up."""
    why_of = retraction_words if is_inside(person) else why_outside
    merged = [{"row": row, "what": _("the retraction of case %(number)d, merged into this one") % {"number": number}, "state": handover_state_name(row.state)} for number, row in retractions_of_merged(case)]  # fmt: skip
    rows = case.handovers.select_related("destination").order_by("made_at")
    return [{"row": row, "what": handover_name(row.kind), "state": handover_state_name(row.state), "moved": _moved_since(case, row), "why": why_of(row.body.get("reason", "")) if row.kind == HandoverKind.RETRACTED else ""} for row in rows] + merged  # fmt: skip


def _moved_since(case: Case, row: Handover) -> str:
    """Where a city was told that the case is, if that is elsewhere by now: a message says it once, and merging, splitting and later looks move a case."""
    place = row.body.get("place")
    if place is None or row.ended_at is not None or row.kind != HandoverKind.CONFIRMED:
        return ""
    away = hypot(*offset_m(case.lat_deg, case.lon_deg, place["lat"], place["lon"]))
    return way_words(case.lat_deg, case.lon_deg, place["lat"], place["lon"]) if away >= MOVED_M else ""


def reports_of(case: Case) -> list[dict[str, Any]]:
    """What the city said, newest first."""
    return [{"row": row, "what": city_status_name(row.status)} for row in case.reports.order_by("-received_at")]


def _notes(case: Case, person: Any, now: datetime) -> list[dict[str, Any]]:
    """Newest first; what can still be struck out says so."""
    return [
        {"row": note, "who": person_name(note.person), "may_strike": note.person_id == person.pk and note.about == "" and note.struck_at is None and now - note.at < STRUCK_WITHIN}
        for note in notes_of(case, person, is_kept_blind(case, person)).filter(about__in=("", About.ANSWER))[:MOST_NOTES]
    ]  # fmt: skip


def _forms(case: Case, person: Any, home_id: int | None, now: datetime) -> dict[str, str]:
    """The addresses of what this person may do to this case now."""
    may_be_done = {
        "case_note": True, "case_merge": True, "case_split": case.sightings_count > 1, "case_reopen": may_reopen(case),
        "case_retract": case.state in AT_CITY,
    }  # fmt: skip
    may_be_done["case_hand_over"] = may(person, "case_hand_over") and is_owed(case, now)
    return {name: address_of(case, home_id, name) for name, it_may in may_be_done.items() if it_may and may(person, name)}  # fmt: skip


@require_GET
def case_print(request: HttpRequest, number: int) -> HttpResponse:
    """One sheet of A4."""
    case, person = case_here(request, number), request.user
    if case.merged_into_id is not None:
        kept = last_of(case)
        is_seen = cases_for(person).filter(id=kept.pk).exists()
        return redirect(address_of(kept, home_city_id(person), "case_print") if is_seen else address_of(case, home_city_id(person)))  # fmt: skip
    told, decided = as_told(case, person), takes_it_for_new(case, person)
    card = card_of(told, {}, cases_for(person), reader=person)
    address = (
        f"{settings.PUBLIC_URL}{reverse('case', args=[case.number])}?city={case.city.key}"  # whoever reads the sheet
    )
    return render(request, "case_print.html", {
        "code": qr_svg(address, _("The address of this case, for a phone")), "card": card, "case": told, "state": state_words(told.state, person, in_dispute=bool(in_dispute([case], person))), "pictures": card.pictures[:PRINTED_PICTURES],
        "deadline": "" if decided else deadline_words(case, timezone.now()), "history": [line for line in history_of(case, person) if line.kind in PRINTED][:PRINTED_LINES],
        "handovers": [] if decided else handovers_of(case, person), "address": address, "back": address_of(case, home_city_id(person)), "now": timezone.now(),
        "city": case.city.name_en if (get_language() or "").startswith("en") else case.city.name_zh,
    })  # fmt: skip
