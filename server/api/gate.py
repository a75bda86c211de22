"""Who comes in without a page: by a token in the header, or by the session of who is signed in."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponse, HttpResponseBase
from django.utils import timezone
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.api.tokens import Holder, NoToken, TooOften, holder_of
from server.errors import answer
from server.roles import ANYBODY, MAY, ON_THIS_MACHINE, is_for_programs

BEARER = "bearer "
FORWARDED = ("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via")
LOCAL_NAMES = ("127.0.0.1", "localhost", "[::1]")


class ByToken:
    """Makes the holder of a token the person of a request, at the addresses that are for programs; who is nobody there is told so, not sent to the sign-in."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if response.status_code != 405 or not request.path.startswith("/api/"):
            return response
        problem = answer(request, 405, "method", _("This address only reads"), _("Ask by GET."))
        problem.headers["Allow"] = response.headers["Allow"]
        return problem

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
        elif name in ON_THIS_MACHINE and is_local(request):
            request.user = Holder("this machine", User.Role.ADMIN, None)  # type: ignore[assignment]
        if not request.user.is_authenticated and MAY.get(name, frozenset()) is not ANYBODY:
            return _nobody(request, _("Who asks is not known"))
        return None


def is_local(request: HttpRequest) -> bool:
    """Whether a request was made on this machine, and to it by name: what a proxy hands on was not."""
    try:
        loopback = ip_address(request.META.get("REMOTE_ADDR", "")).is_loopback
    except ValueError:
        return False
    host = request.META.get("HTTP_HOST", "")
    named = any(host == name or (host.startswith(f"{name}:") and host[len(name) + 1 :].isdigit()) for name in LOCAL_NAMES)  # fmt: skip
    return loopback and named and not any(name in request.headers for name in FORWARDED)


def _nobody(request: HttpRequest, title: str) -> HttpResponse:
    response = answer(request, 401, "sign_in", title, _("Send the header Authorization: Bearer TOKEN; your administrator makes one by: trikeye server token add NAME"))  # fmt: skip
    response.headers["WWW-Authenticate"] = 'Bearer realm="trikeye"'
    return response
