"""Whether a card may be the same as the case of a number: asked before anything is answered."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from server.accounts.services import cases_for
from server.cases.merging import Refused
from server.review.merges import fitting
from server.review.near import near_of
from server.review.services import shown_to
from server.words import category_name

LONGEST_NUMBER = 9


@require_GET
def same_as(request: HttpRequest) -> HttpResponse:
    """HTML: the case with its picture, category and distance, to be chosen; or the sentence that says why it cannot be that one."""
    person: Any = request.user
    asked, number = request.GET.get("case", ""), request.GET.get("number", "")
    case = cases_for(person).filter(id=int(asked)).first() if asked.isdecimal() and len(asked) < 19 else None
    try:
        if case is None or not number.isdecimal() or len(number) > LONGEST_NUMBER:
            raise Refused(_("There is no case with this number in this city."))
        into = fitting(shown_to(person, case.pk), int(number), person)
    except Refused as wrong:
        return render(request, "same.html", {"why_not": str(wrong)})
    return render(request, "same.html", {"other": near_of(case, into, person), "name": category_name(into.category)})
