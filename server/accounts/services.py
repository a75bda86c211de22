"""What a person may see."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet

from server.cases.models import Case
from server.fleet.models import City


def cases_for(person: Any) -> QuerySet[Case]:
    """The cases a person may see and decide: those of their city, or all if they belong to none."""
    cases = Case.objects.all()
    return cases.filter(city_id=person.city_id) if person.city_id else cases


def home_city_id(person: Any) -> int | None:
    """The city whose cases this person calls by number alone: their own, else the first there is."""
    return person.city_id or City.objects.order_by("id").values_list("id", flat=True).first()
