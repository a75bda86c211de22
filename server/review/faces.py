"""Pictures hidden because somebody saw a face or a plate in them: who, when, whether they are erased. A picture itself is opened by a click that is recorded."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from server import pictures
from server.accounts.models import User
from server.accounts.services import cities_for
from server.audit.rules import Verb
from server.audit.services import record
from server.audit.things import case_things
from server.audit.views import BACK_TO
from server.cases.models import Picture
from server.keeping.hidden import picture_numbers
from server.review.models import Verdict
from server.review.rules import FACE_REASON
from server.review.supervising import supervises
from server.roles import may
from server.words import person_name

A_PAGE = 50


def reports(person: User, before: datetime | None = None) -> list[Verdict]:
    """The answers that hid pictures in this person's cities, newest first; one more than a page has."""
    seen = Verdict.objects.filter(reason=FACE_REASON, undone_at=None, case__city__in=cities_for(person))
    if before is not None:
        seen = seen.filter(at__lt=before)
    return list(seen.select_related("person", "case__city").order_by("-at")[: A_PAGE + 1])


def hidden_of(report: Verdict) -> list[Picture]:
    """The pictures that a report hid."""
    return list(Picture.objects.filter(sighting__case=report.case_id).exclude(hidden_at=None).order_by("id"))


def opened(person: User, sha256: str) -> Picture | None:
    """Record that a person opens a hidden picture of their cities; None if there is none."""
    picture = Picture.objects.filter(sha256=sha256, sighting__case__city__in=cities_for(person)).exclude(hidden_at=None).select_related("sighting__case").first()  # fmt: skip
    if picture is not None and picture.sighting.case is not None:
        case = picture.sighting.case
        with transaction.atomic():
            record(Verb.HIDDEN_OPENED, "case", case.pk, city_id=case.city_id, actor_id=person.pk, sha256=sha256)  # fmt: skip
    return picture


@require_GET
def faces(request: HttpRequest) -> HttpResponse:
    """The list; `before` an instant."""
    person: Any = request.user
    found = reports(person, _instant(request.GET.get("before", "")))
    numbers = picture_numbers(each.case_id for each in found)
    rows = [{"report": each, "who": person_name(each.person), "pictures": list(_there(each, numbers))} for each in found[:A_PAGE]]  # fmt: skip
    older = found[A_PAGE - 1].at.timestamp() if len(found) > A_PAGE else ""
    return render(
        request,
        "faces.html",
        {"supervises": supervises(person), "rows": rows, "older": older, "may_erase": may(person, "audit_erase")},
    )


def _there(report: Verdict, numbers: Mapping[tuple[int, str], int]) -> Iterator[tuple[str, int, bool]]:
    """Address, number and whether there are still bytes, of each picture that a report hid."""
    for sha256 in dict.fromkeys(picture.sha256 for picture in hidden_of(report)):
        yield sha256, numbers[report.case_id, sha256], pictures.path_of(sha256).exists()


def _instant(words: str) -> datetime | None:
    try:
        return datetime.fromtimestamp(float(words), tz=UTC)
    except (ValueError, OverflowError, OSError):
        return None


@never_cache
@require_POST
def open_face(request: HttpRequest, sha256: str) -> HttpResponse:
    """One hidden picture, for this once, inside its page: it has no address of its own. Who may erase it, may there."""
    person: Any = request.user
    shown = opened(person, sha256) if pictures.SHA256.match(sha256) else None
    if shown is None or shown.sighting.case is None:
        raise Http404
    try:
        data = pictures.path_of(sha256).read_bytes()
    except FileNotFoundError:
        raise Http404 from None
    case, back = shown.sighting.case, request.POST.get("back", "")
    name = _("picture %(number)s of %(case)s") % {"number": picture_numbers([case.pk])[case.pk, sha256], "case": case_things([case.pk], person)[case.pk].words}  # fmt: skip
    return render(request, "face.html", {
        "name": name, "sha256": sha256, "picture": "data:image/jpeg;base64," + base64.b64encode(data).decode(),
        "back": back if back in BACK_TO else "review_faces", "may_erase": may(person, "audit_erase"),
    })  # fmt: skip
