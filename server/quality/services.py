"""Sums of verdicts by day, kept up by `work`, so that pages cost the same with a million cases. A day is summed anew as a whole: undoing and settling change what was."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Exists, Model, OuterRef, QuerySet, Subquery
from django.utils.timezone import localtime, make_aware

from server.cases.models import Sighting
from server.quality.models import Day, DayFigure, DayPace, DayPair, DayPerson, DayScore
from server.quality.rules import TOO_FAST_MS, Answer, step_of, twentieth_of
from server.review.models import Verdict
from server.review.rules import Kind

TABLES: tuple[type[Day], ...] = (DayFigure, DayPace, DayScore, DayPair, DayPerson)
EVERY, LOOKED_BACK = timedelta(minutes=1), timedelta(days=7)
"""How often the last two days are summed anew, and how far back a day may still change: undone, settled, retracted."""
LOOKED_BACK_EVERY = timedelta(hours=1)
Rows = dict[type[Day], Counter[tuple[Any, ...]]]
FIELDS: dict[type[Day], tuple[str, ...]] = {
    DayFigure: ("city_id", "is_real", "category", "pack", "vehicle_id", "answer", "reason", "became", "screening"),
    DayPace: ("city_id", "is_real", "category", "step"),
    DayScore: ("city_id", "is_real", "category", "twentieth", "right"),
    DayPair: ("city_id", "one_id", "other_id", "one_said", "other_said"),
    DayPerson: ("city_id", "person_id", "fast", "gold", "missed"),
}


def day_of(at: datetime) -> date:
    """The day of an instant, in the server's time zone."""
    return localtime(at).date()


def sum_day(day: date) -> bool:
    """Write a day's sums if they are not what is kept; whether they were not."""
    rows = _sums(day)
    if all(rows[table] == _kept(table, day) for table in TABLES):
        return False
    with transaction.atomic():
        for table in TABLES:
            table.objects.filter(day=day).delete()  # type: ignore[attr-defined]
            table.objects.bulk_create(list(_made(table, day, rows[table])), batch_size=500)  # type: ignore[attr-defined]
    return True


def settled_on(day: date) -> set[date]:
    """The days of the answers that a supervisor overruled on this day: they no longer count there."""
    begin, end = _bounds(day)
    cases = _settled().filter(at__gte=begin, at__lt=end).values("case")
    earlier = Verdict.objects.filter(case__in=cases, kind=Kind.FIRST, at__lt=begin)
    return {day_of(at) for at in earlier.values_list("at", flat=True)}


def all_days() -> Iterator[date]:
    """Every day from the first verdict to the last."""
    ends = [Verdict.objects.order_by(order).values_list("at", flat=True).first() for order in ("at", "-at")]
    if ends[0] is None or ends[1] is None:
        return
    day, last = day_of(ends[0]), day_of(ends[1])
    while day <= last:
        yield day
        day += timedelta(days=1)


@dataclass
class Summer:
    """Sums the days that may have changed since: at its start what was missed, then today and yesterday each minute, and each hour the days before."""

    _due: list[date] | None = None
    _summed_at: datetime | None = None
    _looked_back_at: datetime | None = None

    def sum_days(self, now: datetime) -> int:
        """Sum at most one day; returns whether more wait."""
        if self._due is None:
            newest = DayPerson.objects.order_by("-day").values_list("day", flat=True).first()
            first = newest - LOOKED_BACK if newest else date.min
            self._due = [day for day in all_days() if day >= first]
        if not self._due:
            self._due = self._next(now)
        if not self._due:
            return 0
        day = self._due.pop()
        sum_day(day)
        self._due += [each for each in settled_on(day) if each < day - LOOKED_BACK]
        return int(bool(self._due))

    def _next(self, now: datetime) -> list[date]:
        if self._summed_at is not None and timedelta(0) <= now - self._summed_at < EVERY:
            return []
        self._summed_at, today, days = now, day_of(now), 2
        if self._looked_back_at is None or not timedelta(0) <= now - self._looked_back_at < LOOKED_BACK_EVERY:
            self._looked_back_at, days = now, LOOKED_BACK.days
        return [today - timedelta(days=back) for back in reversed(range(days))]


def _bounds(day: date) -> tuple[datetime, datetime]:
    return make_aware(datetime.combine(day, time.min)), make_aware(datetime.combine(day + timedelta(days=1), time.min))


def _sums(day: date) -> Rows:
    begin, end = _bounds(day)
    said = Verdict.objects.filter(at__gte=begin, at__lt=end, undone_at=None).exclude(answer="skip")
    rows: Rows = {table: Counter() for table in TABLES}
    _add_figures(rows, said)
    _add_pairs(rows, said)
    _add_persons(rows, said)
    return rows


def _add_figures(rows: Rows, said: Any) -> None:
    """Of the answers that hold: first ones, or a supervisor's that came after. A case is of the vehicle and pack of its surest sighting: that is what a card shows."""
    surest = Sighting.objects.filter(case=OuterRef("case")).order_by("-probability", "id")
    last_word = _settled().filter(case=OuterRef("case"), at__gt=OuterRef("at"))
    found = said.filter(counted=True, kind__in=(Kind.FIRST, Kind.SETTLED)).exclude(Exists(last_word)).values_list(
        "case__city_id", "case__origin", "proposed", "category", "answer", "reason", "visible_ms", "probability", "case__blind", "case__screening",
        Subquery(surest.values("pack_name")[:1]), Subquery(surest.values("vehicle")[:1]),
    )  # fmt: skip
    for city, origin, category, became, answer, reason, ms, probability, blind, why, pack, vehicle in found:
        is_real, screening = origin == "camera", why if blind else ""
        for of in {vehicle, None}:
            rows[DayFigure][(city, is_real, category, pack or "", of, answer, reason, became, screening)] += 1
        if ms:
            rows[DayPace][(city, is_real, category, step_of(ms))] += 1
        word = Answer(answer, reason, became)
        if word.is_of_detector and not screening and probability is not None:
            rows[DayScore][(city, is_real, category, twentieth_of(probability), word.is_confirmed)] += 1


def _settled() -> QuerySet[Verdict]:
    return Verdict.objects.filter(kind=Kind.SETTLED, counted=True, undone_at=None)


def _add_pairs(rows: Rows, said: Any) -> None:
    """Each answer that came second, with the one before it that counted: neither knew of the other."""
    first = Verdict.objects.filter(
        case=OuterRef("case"), counted=True, kind=Kind.FIRST, undone_at=None, at__lt=OuterRef("at")
    )
    first = first.exclude(person=OuterRef("person")).exclude(answer="skip").order_by("-at")
    found = said.filter(kind__in=(Kind.SECOND, Kind.LATE)).annotate(about=Subquery(first.values("id")[:1]))
    pairs = found.exclude(about=None).values_list("about", "case__city_id", "person_id", "answer", "category")
    about = {row[0]: row[1:] for row in Verdict.objects.filter(id__in=found.values("about")).values_list("id", "person_id", "answer", "category")}  # fmt: skip
    for about_id, city, *other in pairs:
        one, two = sorted((_said(*about[about_id]), _said(*other)))
        rows[DayPair][(city, one[0], two[0], one[1], two[1])] += 1


def _said(person_id: int, answer: str, category: str) -> tuple[int, str]:
    return person_id, Answer(answer, became=category).word


def _add_persons(rows: Rows, said: Any) -> None:
    totals: dict[tuple[int, int], list[int]] = {}
    for city, person, kind, ms, answer, category, right, right_as in said.values_list(
        "case__city_id", "person_id", "kind", "visible_ms", "answer", "category", "look__gold__answer", "look__gold__category"
    ):  # fmt: skip
        total = totals.setdefault((city, person), [0, 0, 0, 0])
        total[0] += 1
        total[1] += 0 < ms < TOO_FAST_MS
        if kind == Kind.GOLD and right:
            total[2] += 1
            total[3] += (answer, category) != (right, right_as)
    for (city, person), (answers, fast, gold, missed) in totals.items():
        rows[DayPerson][(city, person, fast, gold, missed)] += answers


def _kept(table: type[Day], day: date) -> Counter[tuple[Any, ...]]:
    kept: Counter[tuple[Any, ...]] = Counter()
    for *values, count in table.objects.filter(day=day).values_list(*FIELDS[table], "count"):  # type: ignore[attr-defined]
        kept[tuple(values)] += count
    return kept


def _made(table: type[Day], day: date, sums: Counter[tuple[Any, ...]]) -> Iterator[Model]:
    for values, count in sums.items():
        yield table(day=day, count=count, **dict(zip(FIELDS[table], values, strict=True)))
