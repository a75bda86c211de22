"""Pictures: for whom may see their case, and for the city by a signed address."""

from __future__ import annotations

from django.core.signing import BadSignature, TimestampSigner
from django.db import transaction
from django.http import FileResponse, Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.template.loader import render_to_string
from django.utils.cache import get_conditional_response
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from server import pictures
from server.accounts.services import cases_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Picture
from server.cases.rules import State
from server.city.models import Handover
from server.city.rules import HandoverKind, HandoverState
from server.city.services import PICTURE_DAYS
from server.errors import answer
from server.keeping.rules import Rule
from server.keeping.services import erased_of

TAKEN_BACK = (State.RETRACTED, State.REJECTED)


@require_GET
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """A picture for somebody signed in, of a case they may see; one that was erased says so in its place."""
    if not cases_for(request.user).filter(sightings__pictures__sha256=sha256).exists():
        raise Http404
    try:
        return _picture(request, sha256)
    except Http404:
        gone = _erased(sha256)
        if gone is None:
            raise
        return HttpResponse(gone, content_type="image/svg+xml", headers={"Cache-Control": "private, no-cache"})


@require_GET
def picture_signed(request: HttpRequest, signed: str) -> HttpResponseBase:
    """A picture for the city: by a signature that ends after 30 days, while the city has the case. Each look is an audit row."""
    try:
        sha256 = TimestampSigner(salt="picture").unsign(signed, max_age=PICTURE_DAYS * 86400)
    except BadSignature:
        raise Http404 from None
    handed = Handover.objects.filter(case__sightings__pictures__sha256=sha256, kind=HandoverKind.CONFIRMED)
    handed = handed.exclude(state=HandoverState.CANCELLED).exclude(case__state__in=TAKEN_BACK)
    city_id = handed.values_list("case__city_id", flat=True).first()
    if city_id is None:
        raise Http404
    try:
        response = _picture(request, sha256)
    except Http404:
        gone = erased_of(sha256)
        if gone is None:
            raise
        why = _("Somebody could be recognised in it.") if gone.rule == Rule.FACE else _("It was kept as long as the rules of this server say.")  # fmt: skip
        return answer(request, 410, "erased", _("This picture was erased"), why)
    with transaction.atomic():
        record(Verb.PICTURE_OPENED, "picture", sha256, city_id=city_id)
    return response


def _picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """The bytes, unless a face in them was hidden in any case. Browsers ask each time, so that hiding takes effect at once."""
    rows = Picture.objects.filter(sha256=sha256)
    if not pictures.SHA256.match(sha256) or not rows.exists() or rows.exclude(hidden_at=None).exists():
        raise Http404
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{sha256}"'}
    try:
        file = pictures.path_of(sha256).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    unchanged = get_conditional_response(request, etag=headers["ETag"])
    if unchanged is not None:
        file.close()
        return unchanged
    return FileResponse(file, content_type="image/jpeg", headers=headers)


def _erased(sha256: str) -> str | None:
    """What stands where an erased picture was, as an image; None if it was not erased."""
    row = erased_of(sha256)
    return render_to_string("erased.svg", {"at": row.at, "by_hand": row.by_id is not None}) if row else None
