"""What the forms on a case's page do. Each is sent with its reason, and leads back to the page; what cannot be done is told there."""

from __future__ import annotations

from math import hypot
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from server.accounts.services import cases_for, home_city_id
from server.cases.choosing import as_choices, is_near_enough, way_between
from server.cases.deeds import reopen, send_again
from server.cases.merging import Refused, keeps_apart, last_of, merge_by_hand, split_by_hand
from server.cases.models import Case
from server.cases.notes import add_note, strike_note
from server.cases.rules import State
from server.cases.views import address_of, became_words, case_here, shown, split_words


@require_POST
def note(request: HttpRequest, number: int) -> HttpResponse:
    """Write a note, or strike out one's own of the last minutes."""
    case, person, now = case_here(request, number), _person(request), timezone.now()
    if struck := request.POST.get("strike", ""):
        if not (struck.isdecimal() and strike_note(int(struck), case, person, now)):
            return shown(request, case, _("Only your own note can be struck out, and only within ten minutes of writing it."))  # fmt: skip
    elif add_note(case, person, request.POST.get("words", ""), now) is None:
        return shown(request, case, _("The note was empty; nothing was kept."))
    return _back(request, case, _("The note was struck out.") if struck else _("The note was added."))


@require_POST
def merge(request: HttpRequest, number: int) -> HttpResponse:
    """Put this case into another one of its city. Where the two lie apart, they are shown beside each other first, and it is asked once more."""
    case = case_here(request, number)
    try:
        other, why = _other(request, case), _why(request)
        into = last_of(other)
        if reason := keeps_apart(case, into):
            raise Refused(reason)
        if not is_near_enough(case, into) and request.POST.get("sure") != str(into.number):
            return _asked_once_more(request, case, into, why)
        kept = merge_by_hand(case, other, _person(request), timezone.now(), why)
    except Refused as wrong:
        return shown(request, case, str(wrong))
    return _back(request, kept, became_words(Case.objects.get(id=case.pk)))


def _asked_once_more(request: HttpRequest, case: Case, into: Case, why: str) -> HttpResponse:
    """Both beside each other, and how far apart they lie."""
    home_id, (goes, stays) = home_city_id(request.user), as_choices([case, into], case)
    words = {"number": case.number, "other": into.number, "metres": round(hypot(*way_between(case, into)))}
    return render(request, "case_merge.html", {
        "apart": _("Case %(number)d and case %(other)d lie %(metres)d m apart; that is more than their positions are unsure by.") % words,
        "both": [(goes, _("Case %(number)d goes") % words), (stays, _("Case %(other)d stays") % words)],
        "stays": into.number, "why": why, "back": address_of(case, home_id), "merge": address_of(case, home_id, "case_merge"),
    })  # fmt: skip


def _other(request: HttpRequest, case: Case) -> Case:
    """The case that was chosen among those near by, or whose number was written. Raises Refused."""
    told = {each.strip().lstrip("#") for each in (request.POST.get("near", ""), request.POST.get("into", ""))} - {""}
    if len(told) > 1:
        raise Refused(_("One case was chosen and the number of another was written: leave only one of both."))
    number = next(iter(told), "")
    is_number = number.isdecimal() and number.isascii() and len(number) < 10
    found = cases_for(request.user).filter(city_id=case.city_id, number=int(number)).first() if is_number else None
    if found is None:
        raise Refused(_("There is no case with this number in this city."))
    return found


@require_POST
def split(request: HttpRequest, number: int) -> HttpResponse:
    """Make a case of the sightings that were chosen."""
    case = case_here(request, number)
    try:
        ids = [UUID(each) for each in request.POST.getlist("sighting")]
    except ValueError:
        ids = []
    try:
        new = split_by_hand(case, ids, _person(request), timezone.now(), _why(request))
    except Refused as wrong:
        return shown(request, case, str(wrong))
    return _back(request, new, split_words(case, address_of(case, home_city_id(request.user))))


@require_POST
def look_again(request: HttpRequest, number: int) -> HttpResponse:
    """Have the case reviewed again, or told to the city as still there."""
    case = case_here(request, number)
    try:
        reopen(case, _person(request), timezone.now(), _why(request))
    except Refused as wrong:
        return shown(request, case, str(wrong))
    still_there = case.state == State.FIXED
    return _back(request, case, _("The city will be told that it is still there.") if still_there else _("The case waits to be reviewed again."))  # fmt: skip


@require_POST
def hand_over(request: HttpRequest, number: int) -> HttpResponse:
    """Hand the case over again."""
    case = case_here(request, number)
    try:
        send_again(case, _person(request), timezone.now(), _why(request))
    except Refused as wrong:
        return shown(request, case, str(wrong))
    return _back(request, case, _("The case is on its way to the city."))


def _why(request: HttpRequest) -> str:
    """The reason. Raises Refused without one."""
    if not (why := request.POST.get("why", "").strip()):
        raise Refused(_("Write a reason; others read it in the case's timeline."))
    return why


def _person(request: HttpRequest) -> Any:
    return request.user


def _back(request: HttpRequest, case: Case, done: str) -> HttpResponse:
    """To the page of a case, which says on top what was done."""
    messages.success(request, done)
    return redirect(address_of(case, home_city_id(request.user)))
