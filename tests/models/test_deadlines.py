"""Deadlines by the hours a city works, against counting minute by minute."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from models.deadlines import WorkCalendar, deadline
from models.taxonomy import city_codes

TAIYUAN = city_codes("taiyuan")
SHANGHAI = ZoneInfo("Asia/Shanghai")
DAYS = [date(2026, 3, 20) + timedelta(days=each) for each in range(20)]
QUARTERS = st.lists(st.integers(24, 88), min_size=2, max_size=6, unique=True).filter(lambda each: not len(each) % 2)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("start", "hours", "ends"),
    [
        ("2026-11-27T09:00", 2, "2026-11-27T11:00"),
        ("2026-11-27T11:00", 4, "2026-11-27T17:00"),
        ("2026-11-27T12:30", 4, "2026-11-27T18:00"),
        ("2026-11-27T17:00", 4, "2026-11-30T11:00"),  # over a weekend
        ("2026-11-28T09:00", 8, "2026-11-30T18:00"),
        ("2026-09-30T16:00", 4, "2026-10-08T10:00"),  # over the week of the National Day
        ("2026-10-09T17:00", 4, "2026-10-10T11:00"),  # into a Saturday that is worked
        ("2026-02-13T17:00", 48, "2026-02-28T17:00"),  # with two of them, over the Spring Festival
    ],
)
def test_only_the_hours_that_taiyuan_works_count(start: str, hours: float, ends: str) -> None:
    assert TAIYUAN is not None
    assert deadline(at(start), hours, "working", TAIYUAN.calendar).at == at(ends)
    assert deadline(at(start), hours, "continuous", TAIYUAN.calendar).at == at(start) + timedelta(hours=hours)


def test_years_whose_holidays_nobody_has_told_are_named() -> None:
    assert TAIYUAN is not None
    told = deadline(at("2026-11-27T09:00"), 8, "working", TAIYUAN.calendar)
    assert told.unknown_years == ()
    assert deadline(at("2026-12-31T17:00"), 8, "working", TAIYUAN.calendar).unknown_years == (2027,)
    assert deadline(at("2026-12-31T17:00"), 48, "continuous", TAIYUAN.calendar).unknown_years == ()
    assert deadline(at("2026-11-27T09:00"), 8, "working", WorkCalendar()).unknown_years == (2026,)


@settings(max_examples=100, deadline=None)
@given(
    minute=st.integers(0, 9 * 1440),
    hours=st.integers(1, 12 * 60).map(lambda minutes: minutes / 60),
    spans=QUARTERS,
    holidays=st.lists(st.sampled_from(DAYS), max_size=4),
    working_days=st.frozensets(st.sampled_from(DAYS), max_size=4),
    zone=st.sampled_from(["Asia/Shanghai", "Europe/Berlin", "Asia/Kathmandu"]),  # Berlin's clock leaps on the 29th
)
def test_it_ends_in_the_minute_that_counting_minutes_comes_to(
    minute: int, hours: float, spans: list[int], holidays: list[date], working_days: frozenset[date], zone: str
) -> None:
    ends = [time(each // 4, each % 4 * 15) for each in sorted(spans)]
    worked = list(zip(ends[::2], ends[1::2], strict=True))
    calendar = WorkCalendar(
        hours=tuple(worked),
        holidays=tuple((day, day + timedelta(days=1)) for day in holidays),
        working_days=working_days,
    )
    start = (datetime(2026, 3, 22, tzinfo=UTC) + timedelta(minutes=minute)).astimezone(ZoneInfo(zone))
    assert deadline(start, hours, "working", calendar).at == _counted(start, hours, worked, holidays, working_days)


def _counted(
    start: datetime, hours: float, worked: list[Any], holidays: list[date], working_days: frozenset[date]
) -> datetime:
    free = {day + timedelta(days=each) for day in holidays for each in (0, 1)}
    instant, left = start.astimezone(UTC), round(hours * 60)
    while left:
        local = instant.astimezone(start.tzinfo)
        is_day = local.date() in working_days or (local.isoweekday() <= 5 and local.date() not in free)
        left -= is_day and any(begin <= local.time() < end for begin, end in worked)
        instant += timedelta(minutes=1)
    return instant


@pytest.mark.parametrize(
    "wrong",
    [
        {"hours": []},
        {"hours": [["14:00", "18:00"], ["08:00", "12:00"]]},
        {"hours": [["08:00", "08:00"]]},
        {"holidays": [["2026-01-03", "2026-01-01"]]},
    ],
)
def test_a_calendar_by_which_no_time_can_be_counted_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        WorkCalendar.model_validate(wrong)
