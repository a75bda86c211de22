"""What a person may see, and for how long."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from server.accounts.models import User
from server.cases.models import Case
from server.fleet.models import City

KEPT_FROM_SHADOW = (User.Role.CITY,)
KEPT_FROM_CASES = (User.Role.FLEET,)
"""Who looks after vehicles sees none of what persons decide."""


def cases_for(person: Any) -> QuerySet[Case]:
    """The cases a person may see and decide: those of their city, or all if they belong to none. What is in shadow is not for city officers, and no case for fleets."""
    cases = Case.objects.none() if person.role in KEPT_FROM_CASES else Case.objects.all()
    if person.role in KEPT_FROM_SHADOW:
        cases = cases.filter(shadow=False)
    return cases.filter(city_id=person.city_id) if person.city_id else cases


def home_city_id(person: Any) -> int | None:
    """The city whose cases this person calls by number alone: their own, else the first there is."""
    return person.city_id or City.objects.order_by("id").values_list("id", flat=True).first()


def clear_sessions(now: datetime) -> int:
    """Forget sessions that are over, as soon as one has been over for a day: a look each second, a write a day. Returns 0: nothing waits for it."""
    over = Session.objects.filter(expire_date__lt=now)
    if over.filter(expire_date__lt=now - timedelta(days=1)).exists():
        over.delete()
    return 0
