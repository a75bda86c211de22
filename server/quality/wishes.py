"""A supervisor's word on a threshold: kept, audited, and sent to every vehicle of the city as a wish."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import F, Max
from django.utils.translation import gettext as _

from models.contract import LEAST_PROBABILITY
from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.audit.rules import Verb
from server.audit.services import record
from server.fleet.desires import desire
from server.fleet.models import City, Vehicle
from server.quality.figures import Period, advices
from server.quality.models import Wish


class NotAdvised(Exception):
    """A threshold that is not what the verdicts advise now, or that may not be asked of vehicles; the text says what to do."""


@dataclass(frozen=True)
class Wanted:
    """A threshold that is wanted of a city's vehicles since a day, and how many of them have reported that they follow. `asked` lack none: some were added since."""

    least_probability: float
    at: datetime
    vehicles: int
    asked: int
    reported: int


def setting_of(category: str) -> str:
    """The name of a category's threshold among a vehicle's settings."""
    return f"{LEAST_PROBABILITY}.{category}"


def want(period: Period, category: str, read: str, person: User, now: datetime) -> int:
    """Ask what is advised now of every vehicle of the city; how many were asked. `read`: what the person saw. Raises NotAdvised if that is no longer the advice."""
    advice = advices(period, settings.AIM).get(category)
    if category not in CATEGORIES or advice is None or not advice.threshold or f"{advice.threshold:.2f}" != read:
        raise NotAdvised(_("The verdicts say something else by now: read the advice again."))
    detail = {"kept": advice.kept, "lost": advice.lost, "spared": advice.spared, "low": round(advice.precision.interval[0], 4)}  # fmt: skip
    return _ask(period.city, category, advice.threshold, person, now, **detail)


def take_back(city: City, category: str, person: User, now: datetime) -> int:
    """Ask no threshold of a category any more; how many vehicles were told. Raises NotAdvised if none was asked."""
    if category not in wanted_in(city):
        raise NotAdvised(_("No threshold is wanted of this category."))
    return _ask(city, category, None, person, now)


def wanted_in(city: City) -> dict[str, Wanted]:
    """The thresholds that are wanted of a city's vehicles, by category."""
    newest = Wish.objects.filter(city=city).values("category").annotate(last=Max("id")).values("last")
    wishes = list(Wish.objects.filter(id__in=newest, least_probability__isnull=False))
    if not wishes:
        return {}
    rows = list(
        Vehicle.objects.filter(city=city, revoked_at=None).values_list(
            "desire__settings", "desire__revision", "heartbeat__body__settings_revision"
        )
    )
    return {wish.category: _wanted(wish, rows) for wish in wishes}


def _wanted(wish: Wish, rows: list[tuple[Any, Any, Any]]) -> Wanted:
    assert wish.least_probability is not None
    name = setting_of(wish.category)
    asked = [row for row in rows if (row[0] or {}).get(name) == wish.least_probability]
    reported = [row for row in asked if isinstance(row[2], int) and row[2] >= (row[1] or 0)]
    return Wanted(wish.least_probability, wish.at, len(rows), len(asked), len(reported))


def _ask(city: City, category: str, least: float | None, person: User, now: datetime, **detail: float) -> int:
    """The wish first, then vehicle after vehicle: a thousand in one transaction would hold everybody up. Who was not reached shows on the page, and is asked by the same word again."""
    with transaction.atomic():
        Wish.objects.create(city=city, category=category, least_probability=least, at=now, person=person)
        record(Verb.THRESHOLD_WANTED, "category", category, city_id=city.pk, actor_id=person.pk, least_probability=least, **detail)  # fmt: skip
    name, told = setting_of(category), 0
    for vehicle, kept in Vehicle.objects.filter(city=city, revoked_at=None).values_list("name", F("desire__settings")):
        has = (kept or {}).get(name)
        if has == least:
            continue
        if least is None:
            desire(vehicle, now, drop=(name,), actor_id=person.pk)
        else:
            desire(vehicle, now, put={name: least}, actor_id=person.pk)
        told += 1
    return told
