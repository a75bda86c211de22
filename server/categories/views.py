"""The supervisor's page: how each category stands, what reviewers have shown of it, and the word that puts it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.timezone import localdate
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from models.taxonomy import CATEGORIES
from server.categories.rules import LEAST_PRECISION, LEAST_VERDICTS, Proof, Standing, category_of, is_called
from server.categories.services import (
    AFFECTED,
    LONGEST_WHY,
    NotAllowed,
    Row,
    affected,
    make_live,
    make_shadow,
    overview,
    put_back,
)
from server.dashboard.words import capped
from server.fleet.models import City
from server.words import category_name, standing_name

LIVE, SHADOW, BACK = Standing.LIVE.value, Standing.SHADOW.value, "back"
ASKED = (SHADOW, BACK)
"""What is asked for once more, with what follows from it and a reason."""
LONGEST_WORDS = 64
FIRST = (Standing.LIVE, Standing.TRIAL, Standing.SHADOW)


@require_http_methods(["GET", "HEAD", "POST"])
def categories(request: HttpRequest) -> HttpResponse:
    """The table of each city of a supervisor. With `ask`, city and category it asks for one of them what a change needs; a POST of city, category and standing makes it."""
    person: Any = request.user
    cities = City.objects.filter(id=person.city_id) if person.city_id else City.objects.order_by("id")
    if request.method == "POST":
        return _put(request, cities)
    return _page(request, cities)


def _put(request: HttpRequest, cities: QuerySet[City]) -> HttpResponse:
    person: Any = request.user
    city = get_object_or_404(cities, key=request.POST.get("city", ""))
    category, to, why = request.POST.get("category", ""), request.POST.get("standing", ""), request.POST.get("why", "")
    if category not in CATEGORIES or to not in (LIVE, *ASKED):
        return _page(request, cities, _("There is no such category or standing."), 400)
    if to in ASKED and not why.strip():
        return _page(request, cities, _("Write a reason; it is kept in the audit."), 400, (city.key, category, to))
    before = next((row for row in overview(city) if row.category == category), None)
    try:
        if to == LIVE:
            make_live(city, category, person, timezone.now())
        else:
            (make_shadow if to == SHADOW else put_back)(city, category, person, timezone.now(), why)
    except NotAllowed:
        return _page(request, cities, _refused(to) % {"name": category_name(category)}, 409)
    query = {"q": words} if (words := _words(request)) else {}
    query |= {"put": f"{city.key} {category}", "was": before.standing.value if before else SHADOW}
    query |= {"top": "1"} if before and _is_of_today(before) else {}
    return redirect(f"{reverse('categories')}?{urlencode(query)}#{_row_id(city.key, category)}")


def _refused(to: str) -> str:
    if to == LIVE:
        return _("%(name)s cannot go live yet: its verdicts do not show that it is right often enough.")
    return _("%(name)s stands elsewhere by now; look at it again.")


def _words(request: HttpRequest) -> str:
    return request.GET.get("q", "").strip()[:LONGEST_WORDS]


def _row_id(city_key: str, category: str) -> str:
    return f"row-{city_key}-{category}"


def _page(
    request: HttpRequest,
    cities: QuerySet[City],
    wrong: str = "",
    status: int = 200,
    asked: tuple[str, str, str] | None = None,
) -> HttpResponse:
    words, told = _words(request), request.GET
    if asked is None and not wrong:
        asked = (told.get("city", ""), told.get("category", ""), told.get("ask", ""))
    tables = []
    for city in cities:
        put, was = told.get("put", "").split(" "), told.get("was", "")
        moved = (
            {put[1]: (told.get("top", "") != "1", Standing(was))}
            if len(put) == 2 and put[0] == city.key and was in {*Standing}
            else {}
        )
        rows = [_shown(city, row) | {"was_put": row.category in moved} for row in _rows(city, words, moved)]
        tables.append((city, _name_of(city), [row | {"ask": _ask(city, row, asked)} for row in rows]))
    return render(
        request,
        "categories.html",
        {"tables": tables, "wrong": wrong, "words": words, "longest_why": LONGEST_WHY},
        status=status,
    )


def _rows(city: City, words: str, moved: Mapping[str, tuple[bool, Standing]]) -> list[Row]:
    """The categories that go by these words: what somebody put elsewhere today first, then live ones, among them those with most cases, then by name. One that was `moved` just now stays where it was."""

    def place(row: Row) -> tuple[bool, int, int, str]:
        is_older, standing = moved.get(row.category, (not _is_of_today(row), row.standing))
        return is_older, FIRST.index(standing), -row.cards, _sounds(row.category)

    return sorted((row for row in overview(city) if not words or is_called(row.category, words)), key=place)


def _is_of_today(row: Row) -> bool:
    """Whether somebody put a category where it stands today: it is not to be looked for among all."""
    return row.source == "person" and row.since is not None and localdate(row.since) == localdate()


def _ask(city: City, shown: dict[str, Any], asked: tuple[str, str, str] | None) -> dict[str, Any] | None:
    """What is asked of this row before it is put elsewhere; None if nothing is, or nothing is left to do."""
    row: Row = shown["row"]
    if asked is None or asked[:2] != (city.key, row.category):
        return None
    to = asked[2]
    if not (to == SHADOW and shown["may_hide"]) and not (to == BACK and shown["back"]):
        return None
    found = affected(city, row.category)
    numbers = {name: capped(getattr(found, name), AFFECTED) for name in ("undecided", "leaving", "at_city")}
    return {"to": to, "back": shown["back"], **numbers}


def _sounds(key: str) -> str:
    """By what a reader's language orders names."""
    category = category_of(key)
    return category.name_en.casefold() if get_language() == "en" else category.pinyin_initials


def _name_of(city: City) -> str:
    return city.name_en if get_language() == "en" else city.name_zh


def _shown(city: City, row: Row) -> dict[str, Any]:
    known = row.category in CATEGORIES
    may_return = known and row.standing == Standing.SHADOW and bool(row.before)
    low, high = row.proof.interval
    return {
        "row": row, "name": category_name(row.category), "standing": standing_name(row.standing),
        "by": {"person": row.person, "pack": _("%(pack)s as measured") % {"pack": row.pack}, "sandbox": _("for trials"), "": _("not measured yet")}[row.source],
        "precision": "–" if row.proof.precision is None else f"{row.proof.precision:.2f}",
        "interval": "" if row.proof.precision is None else f"{low:.2f}–{high:.2f}",
        "may": known and row.standing != Standing.LIVE and not (may_return and row.before == Standing.LIVE), "lacks": _lacks(row.proof),
        "may_hide": known and row.standing != Standing.SHADOW, "id": _row_id(city.key, row.category),
        "back": standing_name(row.before) if may_return and row.before else "",
    }  # fmt: skip


def _lacks(proof: Proof) -> str:
    """What a category lacks to be put live; empty if nothing."""
    if proof.verdicts < LEAST_VERDICTS:
        return _("to go live: %(number)d more verdicts needed") % {"number": LEAST_VERDICTS - proof.verdicts}
    return "" if proof.is_enough else _("to go live: lower bound under %(least).2f") % {"least": LEAST_PRECISION}
