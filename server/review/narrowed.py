"""A part of the queue: of one category, of one district, or both. Narrowed, never sorted: what is most worth a person's time comes first as ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.http import QueryDict
from django.utils.translation import get_language

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.accounts.services import cities_for
from server.cases.models import Case, Sighting, in_shadow
from server.places.models import CasePlace, Feature
from server.places.rules import Kind
from server.review.models import Gold, Look
from server.review.rules import UNDECIDED
from server.words import category_name

LOOKED_AT = 2000
"""Cases of a category in a city and state, or of a district, that are looked at, the newest: so a part costs the same with a million cases."""
LOOKS_LOOKED_AT = 500
"""Second looks on either side of one's own that are looked at for those of a part."""
MOST_DISTRICTS = 200


@dataclass(frozen=True)
class Part:
    """What of the queue is asked for: a category by its key, a district by its Chinese name; both empty for all of it."""

    category: str = ""
    district: str = ""


WHOLE = Part()


def part_of(asked: QueryDict) -> Part:
    """The part that an address names; an unknown category is none."""
    category = asked.get("category", "")
    return Part(category if category in CATEGORIES else "", asked.get("district", "")[:100])


def among(person: User, part: Part, *, shadow: bool) -> list[int] | None:
    """The ids of the cases of a part; None for the whole queue."""
    if part == WHOLE:
        return None
    if part.district:
        places = CasePlace.objects.filter(district_zh=part.district).order_by("-case")
        cases = Case.objects.filter(id__in=list(places.values_list("case", flat=True)[:LOOKED_AT]), state__in=UNDECIDED)
        return list((cases.filter(category=part.category) if part.category else cases).values_list("id", flat=True))
    return [
        each
        for city_id in cities_for(person)
        for state in UNDECIDED
        for each in Case.objects.filter(in_shadow(shadow), city_id=city_id, category=part.category, state=state)
        .order_by("-id")
        .values_list("id", flat=True)[:LOOKED_AT]
    ]


def looks_of(part: Part, ids: Sequence[int]) -> set[int]:
    """Those of these looks whose cards belong to a part: by what they were proposed as, since that is what such a card says, and by where they are."""
    if part == WHOLE:
        return set(ids)
    looks = Look.objects.filter(_in_district(part), id__in=ids)
    if part.category:
        looks = looks.filter(Q(about__proposed=part.category) | Q(about=None) & Exists(_proposed_as(part.category)))
    return set(looks.values_list("id", flat=True))


def golds_of(part: Part, golds: QuerySet[Gold]) -> QuerySet[Gold]:
    """Those of these gold cards that look like cards of a part."""
    fit = golds.filter(_in_district(part))
    return fit.filter(Exists(_proposed_as(part.category))) if part.category else fit


def _proposed_as(category: str) -> QuerySet[Sighting]:
    return Sighting.objects.filter(case=OuterRef("case"), category=category)


def _in_district(part: Part) -> Q:
    there = CasePlace.objects.filter(case=OuterRef("case"), district_zh=part.district)
    return Q(Exists(there)) if part.district else Q()


def words_of(part: Part, person: User) -> str:
    """A part in the reader's words, empty for the whole queue."""
    district = dict(districts_for(person)).get(part.district, part.district)
    return " · ".join(filter(None, (district, category_name(part.category) if part.category else "")))


def districts_for(person: User) -> list[tuple[str, str]]:
    """The districts that were imported for a person's cities: Chinese name, and name in the reader's language."""
    rows = Feature.objects.filter(city_id__in=cities_for(person), kind=Kind.DISTRICT).order_by("code", "id")
    english = get_language() == "en"
    names = rows.values_list("name_zh", "name_en")[:MOST_DISTRICTS]
    return [(zh, (en or zh) if english else zh) for zh, en in names if zh]
