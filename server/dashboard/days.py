"""Sums days up, one at a time: `work` calls it again and again, pages read the rows."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q, QuerySet
from django.utils.timezone import get_default_timezone, localdate

from server.cases.models import Case, in_shadow
from server.cases.rules import AT_CITY, State
from server.dashboard.deeds import deeds_of, took_s
from server.dashboard.models import CaseDay, Day
from server.dashboard.rules import LONGEST, MOST_DAYS, Step, bounds_of, classes, is_stale
from server.fleet.models import City

KEYS = ("category", "place__district_zh", "place__district_en")
NEWEST = 200
FIGURES = ("seen", "confirmed", "handed_over", "fixed", "returned", "retracted", "in_time", "late", "overdue")


def sum_up_days(now: datetime) -> int:
    """Sum up the next day that is not, or that may have changed. Returns 0: nothing waits for it."""
    for city in City.objects.order_by("id"):
        day = _next(city, now)
        if day is not None:
            sum_up(city, day, now)
            break
    return 0


def _next(city: City, now: datetime) -> date | None:
    """The newest stale day of a city since its first case."""
    today = localdate(now)
    first_seen_at = Case.objects.filter(city=city).order_by("first_seen_at").values_list("first_seen_at", flat=True).first()  # fmt: skip
    if first_seen_at is None:
        return None
    oldest = max(localdate(first_seen_at), today - timedelta(days=MOST_DAYS))
    made = dict(Day.objects.filter(city=city, day__gte=oldest).values_list("day", "made_at"))
    days = (today - timedelta(days=ago) for ago in range((today - oldest).days + 1))
    late = _arrivals(city)
    return next((day for day in days if is_stale(made.get(day), day, today, now, late.get(day))), None)


def _arrivals(city: City) -> dict[date, datetime]:
    """On which days the newest cases were first seen, and when the last of them came or moved: what a vehicle saw without a network arrives weeks later."""
    newest = Case.objects.filter(city=city).order_by("-id").values_list("first_seen_at", "state_at")[:NEWEST]
    late: dict[date, datetime] = {}
    for first_seen_at, at in newest:
        day = localdate(first_seen_at)
        late[day] = max(at, late.get(day, at))
    return late


def sum_up(city: City, day: date, now: datetime) -> None:
    """Write a day's rows in the place of those it had."""
    rows: dict[tuple[str, str, str], dict[str, int]] = defaultdict(lambda: dict.fromkeys(FIGURES, 0))
    deeds = deeds_of(city.pk, *bounds_of(day, get_default_timezone()))
    for figure in deeds.at:
        for row in deeds.rows_of(figure):
            rows[row.category, row.place__district_zh or "", row.place__district_en or ""][figure] += 1
    for figure, cases in _figures(city, day, now):
        for *key, number in cases.values_list(*KEYS).annotate(number=Count("id")):
            category, zh, en = key
            rows[category, zh or "", en or ""][figure] += number
    took = {step.value: took_s(deeds, step) for step in Step}
    spans: dict[str, dict[str, Any]] = {step: classes(lengths_s) for step, lengths_s in took.items()}
    spans |= {LONGEST: {step: max(lengths_s) for step, lengths_s in took.items() if lengths_s}}
    with transaction.atomic():
        CaseDay.objects.filter(city=city, day=day).delete()
        CaseDay.objects.bulk_create(
            CaseDay(city=city, day=day, category=category, district_zh=zh, district_en=en, **figures)
            for (category, zh, en), figures in rows.items()
        )
        Day.objects.update_or_create(city=city, day=day, defaults={"made_at": now, "spans": spans})


def _of_day(city: City, day: date, column: str) -> QuerySet[Case]:
    """Cases out of shadow that have an instant of the day in a column, by its index."""
    begin, end = bounds_of(day, get_default_timezone())
    of_day: dict[str, Any] = {f"{column}__gte": begin, f"{column}__lt": end}
    cases = Case.objects.filter(in_shadow(False), city=city, **of_day).exclude(state=State.MERGED)
    return cases.filter(handed_over_at__isnull=False) if column in ("fixed_at", "deadline_at") else cases


def _figures(city: City, day: date, now: datetime) -> Iterator[tuple[str, QuerySet[Case]]]:
    """What no deed tells: when a case was seen first, and how its deadline stands."""
    yield "seen", _of_day(city, day, "first_seen_at")
    fixed = _of_day(city, day, "fixed_at")
    yield "in_time", fixed.filter(fixed_at__lte=F("deadline_at"))
    yield "late", fixed.filter(fixed_at__gt=F("deadline_at"))
    due = _of_day(city, day, "deadline_at").filter(Q(deadline_at__lt=now), fixed_at=None, state__in=AT_CITY)
    yield "overdue", due
