"""A picture that does not come: a reviewer says so by a key, and it is written down; so is that it was a slip."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Picture
from server.errors import answer


def report(person: User, case: Case, sha256: str, *, is_broken: bool = True) -> int:
    """Write down that this person could not see this picture, once, or that they took it back; how many people say so now of the case's pictures."""
    with transaction.atomic():
        said = said_of(case)
        if ((person.pk, sha256) in said) is not is_broken:
            verb = Verb.PICTURE_REPORTED if is_broken else Verb.PICTURE_WELL
            record(verb, "case", case.pk, city_id=case.city_id, actor_id=person.pk, sha256=sha256)
            said = said_of(case)
        return len({who for who, _sha256 in said})


def said_of(case: Case) -> set[tuple[int, str]]:
    """Who says of which of a case's pictures that it is broken, and has not taken it back."""
    verbs = (Verb.PICTURE_REPORTED, Verb.PICTURE_WELL)
    rows = AuditRow.objects.filter(kind="case", object_id=str(case.pk), verb__in=verbs).order_by("id")
    last = {(who, sha256): verb for who, sha256, verb in rows.values_list("actor", "detail__sha256", "verb")}
    return {each for each, verb in last.items() if verb == Verb.PICTURE_REPORTED}


@require_POST
def report_picture(request: HttpRequest) -> HttpResponse:
    """A picture of a case is broken, or has none at all (`sha256` empty); with `well` it was a slip to say so."""
    person: Any = request.user
    number, sha256 = request.POST.get("case", ""), request.POST.get("sha256", "")
    case = cases_for(person).filter(id=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if case is None or (sha256 and not Picture.objects.filter(sighting__case=case, sha256=sha256).exists()):
        return answer(request, 400, "refused", _("This picture cannot be reported"), _("The case has no such picture. Load the page again."))  # fmt: skip
    return JsonResponse({"reports": report(person, case, sha256, is_broken=not request.POST.get("well"))})
