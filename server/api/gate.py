"""Who comes in without a page: by a token in the header, or by the session of who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from server.api.tokens import NoToken, TooOften, holder_of
from server.errors import answer
from server.roles import ANYBODY, MAY, is_for_programs

BEARER = "bearer "


class ByToken:
    """Makes the holder of a token the person of a request, at the addresses that are for programs; who is nobody there is told so, not sent to the sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_view(self, request: HttpRequest, view_func: Callable[..., HttpResponseBase], view_args: Any, view_kwargs: Any) -> HttpResponse | None:  # fmt: skip
        name = request.resolver_match.view_name if request.resolver_match else ""
        if not is_for_programs(name):
            return None
        told = request.headers.get("authorization", "")
        if told[: len(BEARER)].lower() == BEARER:
            try:
                request.user = holder_of(told[len(BEARER) :].strip(), timezone.now())  # type: ignore[assignment]
            except NoToken:
                return _nobody(request, _("This token is not known, over or revoked"))
            except TooOften as wait:
                response = answer(request, 429, "too_often", _("Too many requests by this token"), str(wait))
                response.headers["Retry-After"] = str(wait.again_s)
                return response
        if not request.user.is_authenticated and MAY.get(name, frozenset()) is not ANYBODY:
            return _nobody(request, _("Who asks is not known"))
        return None


def _nobody(request: HttpRequest, title: str) -> HttpResponse:
    response = answer(request, 401, "sign_in", title, _("Send the header Authorization: Bearer TOKEN; your administrator makes one by: trikeye server token add NAME"))  # fmt: skip
    response.headers["WWW-Authenticate"] = 'Bearer realm="trikeye"'
    return response
