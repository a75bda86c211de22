"""What the forms on a case's page do. Each is sent with its reason, and leads back to the page; what cannot be done is told there."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from server.accounts.services import cases_for, home_city_id
from server.cases.deeds import reopen, send_again
from server.cases.merging import Refused, merge_by_hand, split_by_hand
from server.cases.models import Case
from server.cases.notes import add_note, strike_note
from server.cases.views import address_of, case_here, shown


@require_POST
def note(request: HttpRequest, number: int) -> HttpResponse:
    """Write a note, or strike out one's own of the last minutes."""
    case, person, now = case_here(request, number), _person(request), timezone.now()
    if struck := request.POST.get("strike", ""):
        if not (struck.isdecimal() and strike_note(int(struck), case, person, now)):
            return shown(request, case, _("Only your own note can be struck out, and only within ten minutes of writing it."))  # fmt: skip
    elif add_note(case, person, request.POST.get("words", ""), now) is None:
        return shown(request, case, _("The note was empty; nothing was kept."))
    return _back(request, case)


@require_POST
def merge(request: HttpRequest, number: int) -> HttpResponse:
    """Put this case into another one of its city."""
    case, into = case_here(request, number), request.POST.get("into", "").strip().lstrip("#")
    other = cases_for(request.user).filter(city_id=case.city_id, number=int(into)).first() if into.isdecimal() and into.isascii() and len(into) < 10 else None  # fmt: skip
    if other is None:
        return shown(request, case, _("There is no case with this number in this city."))
    try:
        kept = merge_by_hand(case, other, _person(request), timezone.now(), _why(request))
    except Refused as wrong:
        return shown(request, case, str(wrong))
    return _back(request, kept)


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
    return _back(request, new)


@require_POST
def look_again(request: HttpRequest, number: int) -> HttpResponse:
    """Have the case reviewed again, or told to the city as still there."""
    case = case_here(request, number)
    try:
        reopen(case, _person(request), timezone.now(), _why(request))
    except Refused as wrong:
        return shown(request, case, str(wrong))
    return _back(request, case)


@require_POST
def hand_over(request: HttpRequest, number: int) -> HttpResponse:
    """Hand the case over again."""
    case = case_here(request, number)
    try:
        send_again(case, _person(request), timezone.now(), _why(request))
    except Refused as wrong:
        return shown(request, case, str(wrong))
    return _back(request, case)


def _why(request: HttpRequest) -> str:
    """The reason. Raises Refused without one."""
    if not (why := request.POST.get("why", "").strip()):
        raise Refused(_("Write a reason; others read it in the case's timeline."))
    return why


def _person(request: HttpRequest) -> Any:
    return request.user


def _back(request: HttpRequest, case: Case) -> HttpResponse:
    return redirect(address_of(case, home_city_id(request.user)))
