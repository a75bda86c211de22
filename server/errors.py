"""What is answered when something is wrong: a page in the reader's language or, to whom did not ask for a page, JSON; both name the request, and the log has the same number."""

from __future__ import annotations

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext as _

from server.headers import about, language_of
from server.log import request_number
from server.roles import NotForThisRole, OutOfUse

RETRY_AFTER_S = 5
STOPS = ".。 "


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return answer(request, 400, "bad_request", _("The request cannot be read"), _("Go back, load the page again and repeat what you did."))  # fmt: skip


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403: not for this role, and whom it is for; or from who was shut out meanwhile."""
    if isinstance(exception, OutOfUse):
        return answer(request, 403, "out_of_use", _("This account is out of use"), _("Nobody can work with it any more. Ask your administrator."))  # fmt: skip
    roles = exception.roles if isinstance(exception, NotForThisRole) else ()
    names = _(", ").join(str(role.label) for role in sorted(roles)) or _("nobody")
    return answer(request, 403, "role", _("Not for this role"), _("This is for: %(roles)s. Ask your administrator if it should be for you.") % {"roles": names})  # fmt: skip


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """403: the form is from before the last sign-in, or from another site."""
    return answer(request, 403, "csrf", _("This page is too old"), _("It was loaded before you last signed in. Load it again and repeat what you did."))  # fmt: skip


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404."""
    return answer(request, 404, "not_found", _("Nothing at this address"), _("It may be mistyped, gone, or not yours to see."))  # fmt: skip


def failed(request: HttpRequest) -> HttpResponse:
    """500, or 503 where it was the database: that may be back in a moment. Asks the database for nothing."""
    translation.activate(language_of(request))
    if isinstance(sys.exception(), (OperationalError, InterfaceError)):
        response = answer(request, 503, "database", _("The database does not answer"), _("Nothing you sent was kept. Try again in a minute; if it lasts, your administrator looks at the database and the room on its disk."))  # fmt: skip
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
        return response
    return answer(request, 500, "failed", _("Something failed here"), _("Nothing you sent was kept. Try again; if it fails again, tell your administrator."))  # fmt: skip


def answer(request: HttpRequest, status: int, kind: str, title: str, text: str) -> HttpResponse:
    """An error as a page or as JSON (`error`, `kind`, `request`)."""
    number = request_number.get()
    if "text/html" not in request.headers.get("accept", "") or request.path.startswith("/api/"):
        return JsonResponse({"error": _sentences(title, text), "kind": kind, "request": number}, status=status)
    values = {"status": status, "title": title, "text": text, "number": number}
    if status >= 500:
        return HttpResponse(render_to_string("error.html", values | about(request)), status=status)
    return HttpResponse(render_to_string("error.html", values, request), status=status)


def _sentences(title: str, text: str) -> str:
    """Both as sentences of the reader's language, each with one full stop."""
    return _("%(title)s. %(text)s.") % {"title": title.rstrip(STOPS), "text": text.rstrip(STOPS)}
