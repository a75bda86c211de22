"""Pictures: for whom may see their case, and for the city by a signed address."""

from __future__ import annotations

from django.core.signing import BadSignature, TimestampSigner
from django.http import FileResponse, Http404, HttpRequest
from django.http.response import HttpResponseBase
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_GET

from server import pictures
from server.accounts.services import cases_for
from server.cases.models import Picture
from server.city.services import PICTURE_DAYS


@require_GET
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """A picture for somebody signed in, of a case they may see."""
    if not cases_for(request.user).filter(sightings__pictures__sha256=sha256).exists():
        raise Http404
    return _picture(request, sha256)


@require_GET
def picture_signed(request: HttpRequest, signed: str) -> HttpResponseBase:
    """A picture for the city: by a signature that ends after 30 days."""
    try:
        sha256 = TimestampSigner(salt="picture").unsign(signed, max_age=PICTURE_DAYS * 86400)
    except BadSignature:
        raise Http404 from None
    return _picture(request, sha256)


def _picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """The bytes, unless a face in them was hidden in any case. Browsers ask each time, so that hiding takes effect at once."""
    rows = Picture.objects.filter(sha256=sha256)
    if not pictures.SHA256.match(sha256) or not rows.exists() or rows.exclude(hidden_at=None).exists():
        raise Http404
    headers = {"Cache-Control": "private, no-cache", "ETag": f'"{sha256}"'}
    unchanged = get_conditional_response(request, etag=headers["ETag"])
    if unchanged is not None:
        return unchanged
    try:
        file = pictures.path_of(sha256).open("rb")
    except FileNotFoundError:
        raise Http404 from None
    return FileResponse(file, content_type="image/jpeg", headers=headers)
