"""Where each begins, and the language of the pages."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from server.fleet.models import City
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


def cities_asked(request: HttpRequest) -> tuple[list[City], City | None]:
    """The cities a person may see, and the one that is asked for."""
    person: Any = request.user
    own = City.objects.filter(id=person.city_id) if person.city_id else City.objects.order_by("id")
    cities, asked = list(own), request.GET.get("city")
    if asked is None:
        return cities, cities[0] if cities else None
    found = next((each for each in cities if each.key == asked), None)
    if found is None:
        raise Http404
    return cities, found
