"""Sign-in, pictures, cases: everything but the queue."""

from __future__ import annotations

from urllib.parse import urlencode

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.contrib.auth.views import LoginView
from django.core.signing import BadSignature, TimestampSigner
from django.db import connection
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseForbidden,
    HttpResponseRedirect,
    JsonResponse,
)
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.cache import get_conditional_response
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from models.taxonomy import CATEGORIES
from server import pictures
from server.accounts.services import KEPT_FROM_CASES, KEPT_FROM_SHADOW, cases_for, home_city_id
from server.audit.models import AuditRow
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.city.services import PICTURE_DAYS
from server.review.cards import card_of
from server.words import city_status_name, handover_name, handover_state_name, happened, state_name

A_PAGE = 50


class SignIn(LoginView):
    """Sign in by name and password."""

    template_name = "login.html"
    redirect_authenticated_user = True


def home(request: HttpRequest) -> HttpResponse:
    """Reviewers go to their queue, fleet operators to their vehicles, others to the cases."""
    first = {"reviewer": "review_queue", "supervisor": "review_queue", "fleet": "vehicles"}
    return redirect(first.get(getattr(request.user, "role", ""), "case_list"))


@login_not_required
@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Switch the language and come back."""
    chosen, back = request.POST.get("language", ""), request.POST.get("next", "/")
    response = HttpResponseRedirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else "/")
    if chosen in dict(settings.LANGUAGES):
        response.set_cookie("trikeye_language", chosen, max_age=365 * 86400, samesite="Lax", httponly=True)
    return response


@login_not_required
@require_GET
def health(request: HttpRequest) -> JsonResponse:
    """Whether the page and its database answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ok": True})


@require_GET
def picture(request: HttpRequest, sha256: str) -> HttpResponseBase:
    """A picture for somebody signed in, of a case they may see."""
    if not cases_for(request.user).filter(sightings__pictures__sha256=sha256).exists():
        raise Http404
    return _picture(request, sha256)


@login_not_required
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


@require_GET
def case_list(request: HttpRequest) -> HttpResponse:
    """Cases, newest first, by state and category, those in shadow only if asked for. Paged by key: one row more than the page shows tells of older ones, nothing is counted."""
    if getattr(request.user, "role", "") in KEPT_FROM_CASES:
        only = _("This page is for those who review cases or get them.")
        return HttpResponseForbidden(render_to_string("forbidden.html", {"only": only}, request=request))
    cases = cases_for(request.user).exclude(state=State.MERGED).select_related("city").order_by("-id")
    state, category, before, asked = (request.GET.get(key, "") for key in ("state", "category", "before", "filter"))
    shadow = asked == "shadow"
    cases = cases.filter(shadow=shadow)
    if state in set(State):
        cases = cases.filter(state=state)
    if category in CATEGORIES:
        cases = cases.filter(category=category)
    if before.isdecimal():
        cases = cases.filter(id__lt=int(before))
    found = list(cases[: A_PAGE + 1])
    page = found[:A_PAGE]
    language_now, home_id = get_language() or "zh-hans", home_city_id(request.user)
    rows = [
        {
            "case": case,
            "address": _address(case, home_id),
            "name": CATEGORIES[case.category].name(language_now),
            "state": state_name(case.state),
        }
        for case in page
    ]
    wanted = urlencode({"state": state, "category": category, **({"filter": "shadow"} if shadow else {})})
    return render(request, "cases.html", {
        "rows": rows, "state": state, "category": category, "shadow": shadow, "sees_shadow": getattr(request.user, "role", "") not in KEPT_FROM_SHADOW, "states": [(s.value, state_name(s)) for s in State if s != State.MERGED],
        "categories": [(key, each.name(language_now)) for key, each in CATEGORIES.items()],
        "newest": f"?{wanted}" if before else "", "older": f"?{wanted}&before={page[-1].pk}" if len(found) > A_PAGE else "",
    })  # fmt: skip


def _address(case: Case, home_id: int | None) -> str:
    """A case's page: its number, and its city where that isn't the reader's."""
    return reverse("case", args=[case.number]) + ("" if case.city_id == home_id else f"?city={case.city.key}")


@require_GET
def case_page(request: HttpRequest, number: int) -> HttpResponse:
    """One case with its pictures and everything that happened to it. A merged one leads to the one it became."""
    home_id, city = home_city_id(request.user), request.GET.get("city")
    of_city = {"city__key": city} if city else {"city_id": home_id}
    case = get_object_or_404(cases_for(request.user), number=number, **of_city)
    if case.merged_into_id is not None:
        return redirect(_address(Case.objects.get(id=case.merged_into_id), home_id))
    card = card_of(case, {}, whole=True)
    rows = AuditRow.objects.filter(kind="case", object_id=str(case.pk)).order_by("-id")[:100]
    return render(
        request,
        "case.html",
        {
            "card": card,
            "case": case,
            "state": state_name(case.state),
            "history": [{"at": row.at, "what": happened(row.verb, row.detail)} for row in rows],
            "handovers": [
                {"row": row, "what": handover_name(row.kind), "state": handover_state_name(row.state)}
                for row in case.handovers.select_related("destination").order_by("made_at")
            ],
            "reports": [
                {"row": row, "what": city_status_name(row.status)} for row in case.reports.order_by("-received_at")
            ],
        },
    )
