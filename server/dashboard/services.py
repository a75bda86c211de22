"""The figures of the overview and of months, for the eyes of one person: out of what is kept, and looks along an index that end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django.db.models import QuerySet, Sum
from django.utils.timezone import localdate, localtime

from models.deadlines import WorkCalendar, worked
from models.taxonomy import city_codes
from server.accounts.services import cases_for, cities_for, is_inside
from server.cases.counts import categories_of, kind_of, totals
from server.cases.map_rows import AT_CITY_OR_AFTER
from server.cases.models import Case, in_shadow
from server.cases.rules import AT_CITY, OPEN, State
from server.categories.rules import category_of
from server.dashboard.models import CaseDay, Day
from server.dashboard.rules import LONGEST, Step, longest_s, quantile_s, together

CAP, AT_RISK, DAYS = 1000, 10, 30
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
INSIDE, OUTSIDE = ("seen", "confirmed", "fixed"), ("handed_over", "fixed")
"""What is shown of a day to the back office, and to a city."""


@dataclass(frozen=True)
class AtRisk:
    """A case that a city has, and how long it may still take: in working time where its category counts so; less than nothing when it is late."""

    case: Case
    left: timedelta
    is_working: bool

    @property
    def is_late(self) -> bool:
        """Whether its deadline has gone by."""
        return self.left < timedelta(0)


@dataclass(frozen=True)
class Took:
    """How long a step of cases took: half of them no longer than `median_s`, nine of ten no longer than `p90_s`."""

    step: Step
    cases: int
    median_s: float | None
    p90_s: float | None


def standing(person: Any) -> tuple[Counter[State], Counter[str]]:
    """How many cases this person may see of each state, and of each category how many are open: as last counted, out of shadow."""
    city_ids = cities_for(person)
    kept, by_state, by_category = totals(city_ids), Counter[State](), Counter[str]()
    states = set(State) if is_inside(person) else AT_CITY_OR_AFTER
    for category in categories_of(city_ids):
        for state in states:
            cases = kept.get(kind_of(category, state), 0)
            by_state[state] += cases
            by_category[category] += cases if state in OPEN else 0
    return by_state, +by_category


def waiting(person: Any, state: State, kept: int) -> int:
    """How many cases of a state there are this moment, along the list's index; from CAP on as last counted."""
    now = sum(Case.objects.filter(in_shadow(False), city_id=city_id, state=state)[:CAP].count() for city_id in cities_for(person))  # fmt: skip
    return now if now < CAP else max(now, kept)


def summed_up_at(person: Any, today: date) -> datetime | None:
    """As of when the sums of days hold: the oldest of today's; None if a city's was never made."""
    cities = cities_for(person)
    times = list(Day.objects.filter(city__in=cities, day=today).values_list("made_at", flat=True))
    return min(times) if times and len(times) == len(cities) else None


def shown_blind(person: Any) -> int:
    """How many set aside by screening wait in the queue all the same, up to CAP."""
    return sum(Case.objects.filter(blind=True, city=city_id, state=State.QUEUED)[:CAP].count() for city_id in cities_for(person))  # fmt: skip


def with_deadline(city_id: int) -> QuerySet[Case]:
    """The cases a city has and is not done with, the earliest deadline first: a walk along the index of deadlines."""
    due = Case.objects.filter(in_shadow(False), city_id=city_id, handed_over_at__isnull=False, fixed_at=None, deadline_at__gt=LONG_AGO)  # fmt: skip
    return due.filter(state__in=AT_CITY).order_by("deadline_at")


def at_risk(person: Any, now: datetime) -> list[AtRisk]:
    """The AT_RISK cases whose deadlines come next, those gone by first."""
    # Deadlines come with receipts, so that a city may see all of these: asking of each as it is walked would cost most where none may be seen.
    next_ids = [case_id for city_id in cities_for(person) for case_id in with_deadline(city_id).values_list("id", flat=True)[: 2 * AT_RISK]]  # fmt: skip
    rows = cases_for(person).filter(id__in=next_ids).select_related("city", "place")
    return [_left(case, now) for case in sorted(rows, key=lambda case: case.deadline_at or now)[:AT_RISK]]


def _left(case: Case, now: datetime) -> AtRisk:
    assert case.deadline_at is not None
    if category_of(case.category).deadline_clock != "working":
        return AtRisk(case, case.deadline_at - now, False)
    known = city_codes(case.city.key)
    calendar, early, late = known.calendar if known else WorkCalendar(), *sorted((localtime(now), localtime(case.deadline_at)))  # fmt: skip
    left = worked(early, late, calendar)
    # Late by less than a working minute is late.
    return AtRisk(case, left if case.deadline_at >= now else -max(left, timedelta(minutes=1)), True)


def overdue(person: Any, now: datetime) -> tuple[int, int]:
    """How many deadlines have gone by, and how many will within a day; each up to CAP."""
    gone = soon = 0
    for city_id in cities_for(person):
        due = with_deadline(city_id)
        gone += due.filter(deadline_at__lt=now)[:CAP].count()
        soon += due.filter(deadline_at__range=(now, now + timedelta(days=1)))[:CAP].count()
    return min(gone, CAP), min(soon, CAP)


def due_between(person: Any, begin: datetime, end: datetime) -> int:
    """How many deadlines of what cities have fall into a stretch; up to CAP."""
    cities = cities_for(person)
    return min(sum(with_deadline(each).filter(deadline_at__gte=begin, deadline_at__lt=end)[:CAP].count() for each in cities), CAP)  # fmt: skip


def days_of(person: Any, first: date, after: date) -> list[tuple[date, dict[str, int]]]:
    """What each day brought from the first to the last before `after`, days of nothing too."""
    figures = INSIDE if is_inside(person) else OUTSIDE
    rows = CaseDay.objects.filter(city__in=cities_for(person), day__gte=first, day__lt=after).order_by()
    sums = rows.values_list("day").annotate(**{f"sum_{name}": Sum(name) for name in figures})
    kept: dict[date, dict[str, int]] = {day: dict(zip(figures, numbers, strict=True)) for day, *numbers in sums}
    nothing = dict.fromkeys(figures, 0)
    return [(day, kept.get(day, nothing)) for day in (first + timedelta(days=n) for n in range((after - first).days))]


def last_days(person: Any, now: datetime) -> list[tuple[date, dict[str, int]]]:
    """What the last DAYS brought, today among them."""
    today = localdate(now)
    return days_of(person, today - timedelta(days=DAYS - 1), today + timedelta(days=1))


def took(person: Any, first: date, after: date) -> list[Took]:
    """How long the steps took that ended on these days; to a city only its own."""
    steps = list(Step) if is_inside(person) else [Step.FIXED]
    spans: Sequence[Mapping[str, Mapping[str, Any]]] = list(
        Day.objects.filter(city__in=cities_for(person), day__gte=first, day__lt=after).values_list("spans", flat=True)
    )
    found = []
    for step in steps:
        counts = together(each.get(step, {}) for each in spans)
        longest = longest_s((each.get(step, {}), each.get(LONGEST, {}).get(step)) for each in spans)
        found.append(Took(step, counts.total(), quantile_s(counts, 0.5, longest), quantile_s(counts, 0.9, longest)))
    return found
