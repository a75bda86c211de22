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
from server.dashboard.models import CaseDay, Day
from server.dashboard.rules import FROM, LONGEST, MOST_DAYS, Step, bounds_of, classes, is_stale
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
    for figure, cases in _figures(city, day, now):
        for *key, number in cases.values_list(*KEYS).annotate(number=Count("id")):
            category, zh, en = key
            rows[category, zh or "", en or ""][figure] += number
    took = {step.value: _took_s(city, day, step) for step in Step}
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
    for figure, column in (("seen", "first_seen_at"), *((step.value, f"{step}_at") for step in Step)):
        yield figure, _of_day(city, day, column)
    for figure in ("returned", "retracted"):
        yield figure, _of_day(city, day, f"{figure}_at")
    fixed = _of_day(city, day, "fixed_at")
    yield "in_time", fixed.filter(fixed_at__lte=F("deadline_at"))
    yield "late", fixed.filter(fixed_at__gt=F("deadline_at"))
    due = _of_day(city, day, "deadline_at").filter(Q(deadline_at__lt=now), fixed_at=None, state__in=AT_CITY)
    yield "overdue", due


def _took_s(city: City, day: date, step: Step) -> list[float]:
    """How long each took that reached a step on the day."""
    ends = f"{step}_at"
    pairs = _of_day(city, day, ends).values_list(FROM[step], ends)
    return [(end - begin).total_seconds() for begin, end in pairs if begin is not None]
