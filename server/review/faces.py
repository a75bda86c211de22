"""Pictures hidden because somebody saw a face or a plate in them: who, when, whether they are erased. A picture itself is opened by a click that is recorded."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.html import format_html
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
from server.cases.models import Case, Picture
from server.keeping.hidden import picture_numbers
from server.review.models import Verdict
from server.review.rules import FACE_REASON
from server.review.supervising import supervises
from server.roles import may
from server.words import person_name

A_PAGE, OPENED_AT_ONCE = 50, 20


def reports(person: User, before: datetime | None = None) -> list[Verdict]:
    """The answers that hid pictures in this person's cities, newest first; one more than a page has."""
    seen = Verdict.objects.filter(reason=FACE_REASON, undone_at=None, case__city__in=cities_for(person))
    if before is not None:
        seen = seen.filter(at__lt=before)
    return list(seen.select_related("person", "case__city").order_by("-at")[: A_PAGE + 1])


def hidden_of(report: Verdict) -> list[Picture]:
    """The pictures that a report hid."""
    return list(Picture.objects.filter(sighting__case=report.case_id).exclude(hidden_at=None).order_by("id"))


def opened(person: User, sha256: str, of: Case | None = None) -> Picture | None:
    """Record that a person opens a hidden picture of their cities (`of` a case, if told); None if there is none."""
    hidden = Picture.objects.filter(sha256=sha256, sighting__case__city__in=cities_for(person)).exclude(hidden_at=None)
    picture = (hidden.filter(sighting__case=of) if of else hidden).select_related("sighting__case").first()
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
    rows: list[dict[str, Any]] = [{"report": each, "who": person_name(each.person), "pictures": list(_there(each, numbers))} for each in found[:A_PAGE]]  # fmt: skip
    for row in rows:
        there = [sha256 for sha256, _number, is_there in row["pictures"] if is_there]
        row["first"] = there[0] if len(there) > 1 else ""
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
    """A hidden picture, or several of its case (`picture`), for this once, inside their page: they have no address of their own. Who may erase them, may there."""
    person: Any = request.user
    first = _opened_bytes(person, sha256)
    if first is None:
        raise Http404
    case, back, shown = first[0], request.POST.get("back", ""), {sha256: first[1]}
    for name in request.POST.getlist("picture")[:OPENED_AT_ONCE]:
        if name not in shown and (also := _opened_bytes(person, name, case)) is not None:
            shown[name] = also[1]
    numbers, words = picture_numbers([case.pk]), case_things([case.pk], person)[case.pk].words
    faces_ = [
        {
            "sha256": name,
            "name": _("picture %(number)s of %(case)s") % {"number": numbers[case.pk, name], "case": words},
            "picture": "data:image/jpeg;base64," + base64.b64encode(data).decode(),
        }
        for name, data in shown.items()
    ]
    return render(
        request,
        "face.html",
        {
            "faces": faces_,
            "name": faces_[0]["name"] if len(faces_) == 1 else words,
            "back": back if back in BACK_TO else "review_faces",
            "may_erase": may(person, "audit_erase"),
        },
    )


def _opened_bytes(person: User, sha256: str, of: Case | None = None) -> tuple[Case, bytes] | None:
    """The case and the bytes of a hidden picture, whose opening is recorded; None if there is none."""
    if not pictures.SHA256.match(sha256):
        return None
    try:
        data = pictures.path_of(sha256).read_bytes()
    except FileNotFoundError:
        return None
    shown = opened(person, sha256, of)
    return (shown.sighting.case, data) if shown is not None and shown.sighting.case is not None else None


def show_again(person: User, sha256: str) -> Case | None:
    """There is no face in a hidden picture of this person's cities: it is shown again wherever it was hidden there, with an audit row. Its case; None if it is not hidden, or erased."""
    hidden = Picture.objects.filter(sha256=sha256, sighting__case__city__in=cities_for(person)).exclude(hidden_at=None)
    with transaction.atomic():
        cases = Case.objects.filter(sightings__pictures__in=hidden).select_related("city").distinct().order_by("id")
        found = list(cases) if pictures.path_of(sha256).exists() else []
        if not found or not Picture.objects.filter(id__in=list(hidden.values_list("id", flat=True)), hidden_at__isnull=False).update(hidden_at=None):  # fmt: skip
            return None
        for case in found:
            record(Verb.HIDDEN_SHOWN, "case", case.pk, city_id=case.city_id, actor_id=person.pk, sha256=sha256)
    return found[0]


@require_POST
def show_faces(request: HttpRequest) -> HttpResponse:
    """Pictures (`picture`) in which there is no face are shown again."""
    person: Any = request.user
    wanted = [each for each in dict.fromkeys(request.POST.getlist("picture")) if pictures.SHA256.match(each)]
    cases = [case for each in wanted[:OPENED_AT_ONCE] if (case := show_again(person, each)) is not None]
    if not cases:
        messages.warning(request, _("No picture was chosen that is still hidden; nothing was changed."))
    for case in dict.fromkeys(cases):
        link = format_html('<a href="{}?city={}">{}</a>', reverse("case", args=[case.number]), case.city.key, _("Case %(number)s") % {"number": case.number})  # fmt: skip
        told = _("Shown again: %(pictures)d. The case itself stays as it was decided; if it was rejected for the face alone, have it reviewed again on its page:") % {"pictures": cases.count(case)}  # fmt: skip
        messages.success(request, format_html("{} {}", told, link))
    return redirect("review_faces")
