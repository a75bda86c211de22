"""Where each begins, and the language of the pages."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from server.roles import pages_of


def home(request: HttpRequest) -> HttpResponse:
    """Everybody begins at the first page that is theirs."""
    return redirect(pages_of(request.user)[0].name)


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Switch the language and come back."""
    chosen, back = request.POST.get("language", ""), request.POST.get("next", "/")
    response = HttpResponseRedirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else "/")
    if chosen in dict(settings.LANGUAGES):
        response.set_cookie("trikeye_language", chosen, max_age=365 * 86400, samesite="Lax", httponly=True)
    return response
