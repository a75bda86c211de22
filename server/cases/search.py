"""Which cases a list shows, newest first. Each look is a walk along an index, so that it costs the same among a hundred and among a million."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from heapq import nlargest

from django.db.models import QuerySet

from models.taxonomy import CATEGORIES
from server.cases.models import Case, in_shadow
from server.cases.rules import OPEN, State

ALL = "all"


@dataclass(frozen=True)
class Filter:
    """What a list is asked for: states ("" all that are open, or ALL), a category or none, in shadow or not, and only what is older than a row."""

    state: str = ""
    category: str = ""
    shadow: bool = False
    before: int | None = None

    @property
    def states(self) -> Iterable[State]:
        """The states it shows: merged cases are never listed, what they became is."""
        if self.state in set(State) - {State.MERGED}:
            return (State(self.state),)
        return [state for state in State if state in OPEN or (self.state == ALL and state != State.MERGED)]


def filter_of(asked: Mapping[str, str]) -> Filter:
    """The filter of an address; a word that means nothing filters nothing."""
    state, category, before = (asked.get(key, "") for key in ("state", "category", "before"))
    return Filter(
        state if state in {*State, ALL} else "", category if category in CATEGORIES else "", asked.get("filter") == "shadow",
        int(before) if before.isdecimal() and before.isascii() else None,
    )  # fmt: skip


def newest(cases: QuerySet[Case], city_ids: Iterable[int], wanted: Filter, count: int) -> list[Case]:
    """The newest `count` of `cases`: one look a city and state, since an index has no order over several."""
    cases = cases.filter(in_shadow(wanted.shadow))
    if wanted.category:
        cases = cases.filter(category=wanted.category)
    if wanted.before is not None:
        cases = cases.filter(id__lt=wanted.before)
    looks = (
        cases.filter(city_id=city_id, state=state).order_by("-id").values_list("id", flat=True)[:count]
        for city_id in city_ids for state in wanted.states
    )  # fmt: skip
    found = nlargest(count, {case_id for look in looks for case_id in look})
    return list(Case.objects.filter(id__in=found).select_related("city", "place").order_by("-id"))
