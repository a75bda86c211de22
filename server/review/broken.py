"""A picture that does not come: a reviewer says so by a key, and it is written down."""

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


def report(person: User, case: Case, sha256: str) -> int:
    """Write down that this person could not see this picture, once; how many people said so of the case's pictures."""
    with transaction.atomic():
        said = AuditRow.objects.filter(kind="case", object_id=str(case.pk), verb=Verb.PICTURE_REPORTED)
        if not said.filter(actor=person, detail__sha256=sha256).exists():
            record(Verb.PICTURE_REPORTED, "case", case.pk, city_id=case.city_id, actor_id=person.pk, sha256=sha256)
        return said.values("actor").distinct().count()


@require_POST
def report_picture(request: HttpRequest) -> HttpResponse:
    """A picture of a case is broken, or has none at all (`sha256` empty)."""
    person: Any = request.user
    number, sha256 = request.POST.get("case", ""), request.POST.get("sha256", "")
    case = cases_for(person).filter(id=int(number)).first() if number.isdecimal() and len(number) < 19 else None
    if case is None or (sha256 and not Picture.objects.filter(sighting__case=case, sha256=sha256).exists()):
        return answer(request, 400, "refused", _("This picture cannot be reported"), _("The case has no such picture. Load the page again."))  # fmt: skip
    return JsonResponse({"reports": report(person, case, sha256)})
