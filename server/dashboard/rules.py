"""Classes of duration, days to sum up again, and months. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from math import floor, inf, log2

LONGEST = "longest_s"
"""Beside a day's classes: by step, the longest duration there was."""
PER_OCTAVE = 4
"""Classes of duration a doubling: a median lies within nine percent of what sorting would give."""
STALE_AFTER = ((1, timedelta(minutes=1)), (7, timedelta(hours=1)), (62, timedelta(days=1)))
"""Up to how many days ago a day is summed up again after how long: undo, reopening and late sightings change what was. Older days stay."""
MOST_DAYS = 800


class Step(StrEnum):
    """A stretch of a case's way."""

    CONFIRMED = "confirmed"
    HANDED_OVER = "handed_over"
    FIXED = "fixed"


FROM = {Step.CONFIRMED: "first_seen_at", Step.HANDED_OVER: "confirmed_at", Step.FIXED: "handed_over_at"}
"""The column at which a step begins; it ends at the one of its name."""


def class_of(seconds: float) -> int:
    """The class that a duration falls into; below a second is a second."""
    return floor(PER_OCTAVE * log2(max(seconds, 1.0)))


def classes(durations_s: Iterable[float]) -> dict[str, int]:
    """How many durations fall into each class, as JSON keeps it."""
    return {str(key): number for key, number in sorted(Counter(map(class_of, durations_s)).items())}


def together(parts: Iterable[Mapping[str, int]]) -> Counter[int]:
    """The classes of several days as one."""
    whole: Counter[int] = Counter()
    for part in parts:
        whole.update({int(key): number for key, number in part.items()})
    return whole


def longest_s(parts: Iterable[tuple[Mapping[str, int], float | None]]) -> float:
    """The longest duration of several days, each with its classes and its own longest; a day summed up before that was kept may have had any."""
    return max((inf if longest is None else longest for classes_, longest in parts if classes_), default=inf)


def quantile_s(counts: Mapping[int, int], share: float, longest: float = inf) -> float | None:
    """The duration that a share of all do not exceed, even within its class and never more than the longest there was; None of nothing."""
    total, before = sum(counts.values()), 0.0
    for key, number in sorted(counts.items()):
        if number and before + number >= share * total:
            within = (share * total - before) / number
            return min(float(2 ** ((key + within) / PER_OCTAVE)), longest)
        before += number
    return None


def is_stale(
    made_at: datetime | None, day: date, today: date, now: datetime, arrived_at: datetime | None = None
) -> bool:
    """Whether a day is to be summed up (again): one of these days after a while, an older one a minute after something of it arrived. A clock that was set back makes no day fresh for ever."""
    if made_at is None:
        return True
    if arrived_at is not None and arrived_at > made_at and now - made_at >= STALE_AFTER[0][1]:
        return True
    age_days = (today - day).days
    after = next((after for up_to, after in STALE_AFTER if age_days <= up_to), None)
    return after is not None and not timedelta(0) <= now - made_at < after


@dataclass(frozen=True)
class Month:
    """A month of the calendar."""

    year: int
    month: int

    @property
    def first(self) -> date:
        """Its first day."""
        return date(self.year, self.month, 1)

    @property
    def after(self) -> date:
        """The first day of the next one."""
        return (self.first + timedelta(days=32)).replace(day=1)

    @property
    def before(self) -> Month:
        """The one before."""
        return month_of_day(self.first - timedelta(days=1))

    def __str__(self) -> str:
        return f"{self.year:04}-{self.month:02}"


def month_of_day(day: date) -> Month:
    """The month of a day."""
    return Month(day.year, day.month)


def month_of(text: str) -> Month | None:
    """The month that `2026-11` names; None if it names none, or one that is not of this product's time."""
    year, dash, month = text.partition("-")
    if not (dash and len(year) == 4 and len(month) == 2 and (year + month).isascii() and (year + month).isdecimal()):
        return None
    return Month(int(year), int(month)) if 2000 <= int(year) < 2200 and 1 <= int(month) <= 12 else None


def bounds_of(day: date, zone: tzinfo) -> tuple[datetime, datetime]:
    """When a day begins, and the next."""
    return datetime.combine(day, time.min, zone), datetime.combine(day + timedelta(days=1), time.min, zone)
