"""Until when a city means to have dealt with a case: so many hours by the clock, or by the hours in which the city works. Pure.

What days are worked is a city's data (`[calendar]` in cities/<key>.toml). A year whose holidays are not in it is counted by weekends alone, and that is told.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

SATURDAY = 5
Hours = tuple[time, time]


class WorkCalendar(BaseModel):
    """When a city works: `hours` of each working day, `holidays` from first to last day, and `working_days` on weekends that make up for holidays (调休)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hours: Annotated[tuple[Hours, ...], Field(min_length=1)] = ((time(8), time(12)), (time(14), time(18)))
    holidays: tuple[tuple[date, date], ...] = ()
    working_days: frozenset[date] = frozenset()

    @model_validator(mode="after")
    def _is_in_order(self) -> Self:
        ends = [end for span in self.hours for end in span]
        if ends != sorted(set(ends)):
            raise ValueError("hours must follow each other: [[08:00:00, 12:00:00], [14:00:00, 18:00:00]]")
        if wrong := next((span for span in self.holidays if span[0] > span[1]), None):
            raise ValueError(f"a holiday ends before it begins: {wrong[0]}")
        return self

    def is_worked(self, day: date) -> bool:
        """Whether the city works on a day."""
        if day in self.working_days:
            return True
        return day.weekday() < SATURDAY and not any(first <= day <= last for first, last in self.holidays)

    def knows(self, year: int) -> bool:
        """Whether the holidays of a year are in here."""
        return any(year in (first.year, last.year) for first, last in self.holidays)


@dataclass(frozen=True)
class Deadline:
    """An instant, in the time zone it was asked in. `unknown_years`: years on the way to it whose holidays nobody has told."""

    at: datetime
    unknown_years: tuple[int, ...] = ()


def deadline(start: datetime, hours: float, clock: Literal["continuous", "working"], calendar: WorkCalendar) -> Deadline:  # fmt: skip
    """The end of `hours` (above 0) that begin at `start`, whose time zone is the city's: with `working`, only those in which the city works count."""
    left = timedelta(hours=hours)
    if clock == "continuous":
        return Deadline((start.astimezone(UTC) + left).astimezone(start.tzinfo))
    for begin, end in _worked(start, calendar):
        if end - begin >= left:
            at = (begin + left).astimezone(start.tzinfo)
            years = range(start.year, at.year + 1)
            return Deadline(at, tuple(year for year in years if not calendar.knows(year)))
        left -= end - begin
    raise OverflowError("the deadline lies beyond the year 9999")


def worked(start: datetime, end: datetime, calendar: WorkCalendar) -> timedelta:
    """How much of the time from `start` to `end` a city works. `start` is in the city's time zone."""
    done = timedelta()
    for begin, close in _worked(start, calendar):
        if begin >= end:
            break
        done += min(close, end) - begin
    return done


def _worked(start: datetime, calendar: WorkCalendar) -> Iterator[tuple[datetime, datetime]]:
    """The stretches of working time from `start` on, in UTC: there an hour is an hour, also where clocks are changed."""
    for number in range(date.max.toordinal() - start.toordinal()):
        day = start.date() + timedelta(days=number)
        if not calendar.is_worked(day):
            continue
        for span in calendar.hours:
            begin, end = (datetime.combine(day, each, start.tzinfo).astimezone(UTC) for each in span)
            if end > start:
                yield max(begin, start.astimezone(UTC)), end
