"""The map of last looks: when each street of a city was last seen, in classes of age too coarse to tell a vehicle's way."""

from __future__ import annotations

from collections import Counter, defaultdict
from math import isfinite
from typing import Any
from urllib.parse import urlencode

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.safestring import mark_safe
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from server.accounts.views import cities_asked
from server.coverage.map_svg import draw, swatch
from server.coverage.models import Cell
from server.coverage.rules import DAY_S, LEAST_SPAN_M, MOST_SPAN_M, Age, Quality, View, age_of, inside
from server.coverage.services import AT_MOST, cells_in, whole_view
from server.fleet.models import City

MOVES = (("north", 0.0, 0.3, 1.0), ("south", 0.0, -0.3, 1.0), ("west", -0.4, 0.0, 1.0), ("east", 0.4, 0.0, 1.0), ("closer", 0.0, 0.0, 0.5), ("farther", 0.0, 0.0, 2.0))  # fmt: skip
"""Name, widths east, widths north, times as wide."""


@require_GET
def coverage(request: HttpRequest) -> HttpResponse:
    """The page; with ?part=map the map alone, for the script that drags it."""
    cities, city = cities_asked(request)
    page: dict[str, Any] = {"cities": [(each, _name_of(each)) for each in cities], "city": city}
    if city is not None:
        page |= _shown(request, city)
    return render(request, "coverage_map.html" if request.GET.get("part") == "map" else "coverage.html", page)


@require_GET
def cells(request: HttpRequest) -> HttpResponse:
    """The cells of a view for machines: H3 index in hex, whole days since the last look."""
    _all, city = cities_asked(request)
    if city is None:
        raise Http404
    origins, quality = _origins(city), _quality(request)
    view = _view(request) or whole_view(city, origins)
    found = cells_in(city, view, quality, origins) if view else []
    now_s = timezone.now().timestamp()
    return JsonResponse({
        "city": city.key, "quality": quality.name.lower(), "resolution": view.resolution if view else None, "limited": len(found) >= AT_MOST,
        "cells": [[f"{cell:x}", max(0, int((now_s - at_s) // DAY_S))] for cell, at_s in found],
    })  # fmt: skip


def _shown(request: HttpRequest, city: City) -> dict[str, Any]:
    origins, quality = _origins(city), _quality(request)
    view = _view(request) or whole_view(city, origins)
    if view is None:
        return {"view": None}
    now_s, found = timezone.now().timestamp(), cells_in(city, view, quality, origins)
    points: dict[Age, list[tuple[float, float]]] = defaultdict(list)
    for _cell, at_s, x, y in inside(view, found):
        points[age_of(at_s, now_s)].append((x, y))
    counts = Counter({age: len(there) for age, there in points.items()})
    total = counts.total()
    ages = [
        (age, _age_name(age), mark_safe(swatch(age)), f"{round(100 * counts[age] / max(total, 1))} %") for age in Age
    ]
    words = _("Map of last looks: %(ages)s") % {"ages": ", ".join(f"{name} {share}" for _age, name, _swatch, share in ages)}  # fmt: skip
    return {
        "view": view, "svg": mark_safe(draw(view, points, words)), "ages": ages, "total": total, "limited": len(found) >= AT_MOST, "coarse": view.resolution < 12,
        "moves": [(name, _move_name(name), _query(city, quality, view.moved(*by))) for name, *by in MOVES], "whole": _query(city, quality, None),
        "qualities": [(each == quality, _quality_name(each), _query(city, each, view)) for each in (Quality.WELL, Quality.SEEN)],
        "is_real": origins == ("camera",), "quality": quality.name.lower(),
    }  # fmt: skip


def _origins(city: City) -> tuple[str, ...]:
    """What cameras saw; as long as none has, what replays and drawn rides saw."""
    return ("camera",) if Cell.objects.filter(city=city, origin="camera").exists() else ("demo", "replay")


def _quality(request: HttpRequest) -> Quality:
    return Quality.SEEN if request.GET.get("quality") == "seen" else Quality.WELL


def _view(request: HttpRequest) -> View | None:
    """The view that is asked for; None if none is, or one that is none."""
    try:
        lat, lon, span = (float(request.GET[name]) for name in ("lat", "lon", "span"))
    except (KeyError, ValueError):
        return None
    if not (abs(lat) <= 85 and abs(lon) <= 180 and isfinite(span)):
        return None
    return View(lat, lon, min(max(span, LEAST_SPAN_M), MOST_SPAN_M))


def _query(city: City, quality: Quality, view: View | None) -> str:
    where = {"lat": f"{view.lat_deg:.5f}", "lon": f"{view.lon_deg:.5f}", "span": f"{view.span_m:.0f}"} if view else {}
    return "?" + urlencode({"city": city.key, "quality": quality.name.lower(), **where})


def _name_of(city: City) -> str:
    return city.name_en if get_language() == "en" else city.name_zh


def _age_name(age: Age) -> str:
    return {
        Age.DAY: _("within a day"), Age.THREE_DAYS: _("1 to 3 days ago"), Age.WEEK: _("3 to 7 days ago"), Age.MONTH: _("7 to 30 days ago"),
        Age.OLDER: _("longer ago"),
    }[age]  # fmt: skip


def _move_name(name: str) -> str:
    return {"north": _("North"), "south": _("South"), "west": _("West"), "east": _("East"), "closer": _("Closer"), "farther": _("Farther")}[name]  # fmt: skip


def _quality_name(quality: Quality) -> str:
    return {Quality.WELL: _("seen well"), Quality.SEEN: _("seen at all")}[quality]
