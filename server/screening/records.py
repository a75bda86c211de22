"""What people made of other cases of a category: in the city, by the vehicle that saw this one, and at its place. Each is a short walk along an index."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum
from django.utils.timezone import localtime

from calibration.geodesy import metres_per_degree
from server.cases.models import Case, Sighting
from server.cases.rules import State
from server.quality.models import DayFigure
from server.quality.rules import Answer
from server.screening.rules import Record

REMEMBERED, BASE_KEPT = timedelta(days=180), timedelta(minutes=10)
VEHICLE_VERDICTS = 200
VEHICLE_ROWS = 400
"""Sums by day of one vehicle and category; each holds a verdict at least."""
PLACE_M = 30.0
PLACE_CASES = 50
CONFIRMED = frozenset({State.CONFIRMED, State.HANDED_OVER, State.ACCEPTED, State.FIXED, State.VERIFIED, State.REOPENED})
PRIOR = Record(1, 2)
"""Of a category on which nobody has decided yet: even."""
_bases: dict[tuple[int, str], tuple[datetime, float]] = {}


def base_share(city_id: int, category: str, now: datetime) -> float:
    """The confirmed share of a category in a city, kept for a while: hundreds of days are summed for it."""
    at, share = _bases.get((city_id, category), (None, 0.5))
    if at is None or not timedelta(0) <= now - at < BASE_KEPT:
        rows = DayFigure.objects.filter(city=city_id, category=category, vehicle=None, day__gte=localtime(now - REMEMBERED).date())  # fmt: skip
        found = _record(rows.values_list("answer", "reason", "became").annotate(n=Sum("count")))
        share = (found.confirmed + PRIOR.confirmed) / (found.decided + PRIOR.decided)
        _bases[city_id, category] = (now, share)
    return share


def of_vehicle(case: Case, now: datetime) -> Record:
    """The last verdicts on cases of this category that the same vehicle was surest of."""
    surest = Sighting.objects.filter(case=case).order_by("-probability", "id").values_list("vehicle", flat=True).first()
    rows = DayFigure.objects.filter(vehicle=surest, category=case.category, day__gte=localtime(now - REMEMBERED).date())
    newest = rows.order_by("-day").values_list("answer", "reason", "became", "count")[:VEHICLE_ROWS]
    return _record(newest, VEHICLE_VERDICTS)


def at_place(case: Case, now: datetime) -> Record:
    """Cases of this category within PLACE_M on which people decided, the last ones."""
    lat, lon = (PLACE_M / each for each in metres_per_degree(case.lat_deg))
    near = Case.objects.filter(
        city_id=case.city_id,
        category=case.category,
        lat_deg__range=(case.lat_deg - lat, case.lat_deg + lat),
        lon_deg__range=(case.lon_deg - lon, case.lon_deg + lon),
        state__in=[*CONFIRMED, State.REJECTED],
        state_at__gte=now - REMEMBERED,
    ).exclude(id=case.pk)
    states = list(near.order_by("-id").values_list("state", flat=True)[:PLACE_CASES])
    return Record(sum(state in CONFIRMED for state in states), len(states))


def forget() -> None:
    """Nothing is kept: the next figures are read anew."""
    _bases.clear()


def _record(rows: Any, at_most: int | None = None) -> Record:
    confirmed = decided = 0
    for *said, count in rows:
        answer = Answer(*said)
        if answer.is_decision and (at_most is None or decided < at_most):
            confirmed, decided = confirmed + (count if answer.is_confirmed else 0), decided + count
    return Record(confirmed, decided)
