"""What a person may see, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import Exists, OuterRef, QuerySet

from server.accounts.models import User
from server.cases.models import Case, in_shadow
from server.city.models import Handover
from server.city.rules import HandoverKind
from server.fleet.models import City
from server.roles import may


def cases_for(person: Any) -> QuerySet[Case]:
    """The cases a person may see and decide: those of their city, or all if they belong to none. City officers see what was handed over to the city and is out of shadow, fleets see none."""
    cases = Case.objects.all() if may(person, "case") else Case.objects.none()
    if not is_inside(person):
        came = Handover.objects.filter(case=OuterRef("pk"), kind=HandoverKind.CONFIRMED, receipted_at__isnull=False)
        cases = cases.filter(Exists(came), in_shadow(False))
    return cases.filter(city_id=person.city_id) if person.city_id else cases


def is_inside(person: Any) -> bool:
    """Whether a person is of the back office, and not of the city: who sees what is in shadow, and who did what."""
    return bool(person.role != User.Role.CITY)


def cities_for(person: Any) -> list[int]:
    """The cities whose cases a person may see: their own, or all if they belong to none."""
    return [person.city_id] if person.city_id else list(City.objects.order_by("id").values_list("id", flat=True))


def home_city_id(person: Any) -> int | None:
    """The city whose cases this person calls by number alone: their own, else the first there is."""
    return person.city_id or City.objects.order_by("id").values_list("id", flat=True).first()


def clear_sessions(now: datetime) -> int:
    """Forget sessions that are over, as soon as one has been over for a day: a look each second, a write a day. Returns 0: nothing waits for it."""
    over = Session.objects.filter(expire_date__lt=now)
    if over.filter(expire_date__lt=now - timedelta(days=1)).exists():
        over.delete()
    return 0
