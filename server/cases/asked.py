"""The form by which cases are asked for, the same for their list and their map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from models.taxonomy import CATEGORIES
from server.accounts.services import cities_for, is_inside
from server.cases.filters import RADII_M, SEVERITIES, Filter, query_of
from server.cases.officers import states_asked
from server.cases.search import districts_of
from server.fleet.heartbeats import vehicles_for
from server.words import category_name, severity_name

MOST_VEHICLES, NAMED = 1000, 4


def with_vehicle(person: Any, wanted: Filter) -> Filter | None:
    """The same with a vehicle's name that was written among the words as the filter that it is; None if there is none, or one was chosen already."""
    if wanted.vehicle or not is_inside(person):
        return None
    words = {each.upper(): each for each in wanted.words}
    named = vehicles_for(person).filter(name__in=[*words, *words.values()]).values_list("name", flat=True).first()
    if named is None:
        return None
    rest = [each for each in wanted.text.split() if each.upper() != named.upper()]
    return replace(wanted, vehicle=named, text=" ".join(rest), before=None)


def read_as_vehicle(request: HttpRequest, wanted: Filter) -> HttpResponse:
    """To the same page with the vehicle as a filter, which says so on top."""
    messages.info(
        request, _("Read as a vehicle: %(name)s. These are the cases that it saw.") % {"name": wanted.vehicle}
    )
    return redirect(f"{request.path}?{query_of(wanted)}")


def asked(person: Any, wanted: Filter) -> dict[str, Any]:
    """What the form holds for this person, and what was asked for."""
    inside = is_inside(person)
    return {
        "wanted": wanted, "sees_shadow": inside, "states": states_asked(person), "severities": [(key, severity_name(key)) for key in SEVERITIES],
        "categories": [(key, category_name(key)) for key in CATEGORIES], "districts": _districts(cities_for(person)), "radii_m": RADII_M, "read_as": _read_as(wanted), "is_narrow": query_of(wanted) != "",
        "vehicles": list(vehicles_for(person).order_by("name").values_list("name", flat=True)[:MOST_VEHICLES]) if inside else [],
    }  # fmt: skip


def _districts(cities: Sequence[int]) -> list[tuple[str, str]]:
    """Key and name, in the reader's language where there is one."""
    chinese = (get_language() or "zh-hans").startswith("zh")
    return [(zh, zh if chinese or not en else en) for zh, en in districts_of(cities)]


def _read_as(wanted: Filter) -> str:
    """The categories and severities that words were understood as; empty where none were."""
    understood = wanted.understood
    if understood is None:
        return ""
    told, names = [], [category_name(key) for key in CATEGORIES if key in (understood.kinds or ())]
    if names:
        words = _("; ").join(names[:NAMED])
        if len(names) > NAMED:
            words = _("%(names)s and %(number)d more") % {"names": words, "number": len(names) - NAMED}
        told.append(_("category: %(names)s") % {"names": words})
    if understood.severities:
        severities = _("; ").join(severity_name(key) for key in SEVERITIES if key in understood.severities)
        told.append(_("severity: %(names)s") % {"names": severities})
    return _(" and ").join(told)
