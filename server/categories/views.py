"""The supervisor's page: how each category stands, what reviewers have shown of it, and the word that puts it elsewhere."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from models.taxonomy import CATEGORIES
from server.categories.rules import LEAST_PRECISION, LEAST_VERDICTS, Proof, Standing, category_of, is_called
from server.categories.services import NotAllowed, Row, make_live, make_shadow, overview
from server.fleet.models import City
from server.words import category_name, standing_name

PUT = {Standing.LIVE.value: make_live, Standing.SHADOW.value: make_shadow}
LONGEST_WORDS = 64
FIRST = (Standing.LIVE, Standing.TRIAL, Standing.SHADOW)


@require_http_methods(["GET", "HEAD", "POST"])
def categories(request: HttpRequest) -> HttpResponse:
    """The table of each city of a supervisor; a POST of city, category and standing puts one category elsewhere."""
    person: Any = request.user
    cities = City.objects.filter(id=person.city_id) if person.city_id else City.objects.order_by("id")
    if request.method == "POST":
        return _put(request, cities)
    return _page(request, cities)


def _put(request: HttpRequest, cities: QuerySet[City]) -> HttpResponse:
    person: Any = request.user
    city = get_object_or_404(cities, key=request.POST.get("city", ""))
    category, put = request.POST.get("category", ""), PUT.get(request.POST.get("standing", ""))
    if category not in CATEGORIES or put is None:
        return _page(request, cities, _("There is no such category or standing."), 400)
    try:
        put(city, category, person, timezone.now())
    except NotAllowed:
        return _page(
            request,
            cities,
            _("%(name)s cannot go live yet: its verdicts do not show that it is right often enough.")
            % {"name": category_name(category)},
            409,
        )
    query = request.GET.urlencode()
    return redirect(reverse("categories") + (f"?{query}" if query else ""))


def _page(request: HttpRequest, cities: QuerySet[City], wrong: str = "", status: int = 200) -> HttpResponse:
    words = request.GET.get("q", "").strip()[:LONGEST_WORDS]
    tables = [(city, _name_of(city), [_shown(row) for row in _rows(city, words)]) for city in cities]
    return render(request, "categories.html", {"tables": tables, "wrong": wrong, "words": words}, status=status)


def _rows(city: City, words: str) -> list[Row]:
    """The categories that go by these words: live ones first, among them those with most cases, then by name."""
    rows = [row for row in overview(city) if not words or is_called(row.category, words)]
    return sorted(rows, key=lambda row: (FIRST.index(row.standing), -row.cards, _sounds(row.category)))


def _sounds(key: str) -> str:
    """By what a reader's language orders names."""
    category = category_of(key)
    return category.name_en.casefold() if get_language() == "en" else category.pinyin_initials


def _name_of(city: City) -> str:
    return city.name_en if get_language() == "en" else city.name_zh


def _shown(row: Row) -> dict[str, Any]:
    known = row.category in CATEGORIES
    low, high = row.proof.interval
    return {
        "row": row, "name": category_name(row.category), "standing": standing_name(row.standing),
        "by": {"person": row.person, "pack": row.pack, "sandbox": _("for trials"), "": _("not measured yet")}[row.source],
        "precision": "–" if row.proof.precision is None else f"{row.proof.precision:.2f}",
        "interval": "" if row.proof.precision is None else f"{low:.2f}–{high:.2f}",
        "may": known and row.standing != Standing.LIVE, "lacks": _lacks(row.proof),
        "may_hide": known and row.standing != Standing.SHADOW,
    }  # fmt: skip


def _lacks(proof: Proof) -> str:
    """What a category lacks to be put live; empty if nothing."""
    if proof.verdicts < LEAST_VERDICTS:
        return _("%(number)d more verdicts needed") % {"number": LEAST_VERDICTS - proof.verdicts}
    return "" if proof.is_enough else _("lower bound under %(least).2f") % {"least": LEAST_PRECISION}
