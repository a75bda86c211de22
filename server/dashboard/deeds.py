"""What was done to cases on a day: it stays counted, whatever becomes of the case afterwards. Read from the audit, along its index of deeds."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.audit.search import first_id_at
from server.cases.models import Case
from server.cases.rules import UNSETTLED, State
from server.dashboard.rules import FROM, Step
from server.review.rules import UNDO_WITHIN

AT_ONCE = 500
FIGURES = {
    "confirmed": (State.CONFIRMED, UNSETTLED), "handed_over": (State.HANDED_OVER, {State.CONFIRMED}), "fixed": (State.FIXED, frozenset(State)),
    "returned": (State.RETURNED, frozenset(State)), "retracted": (State.RETRACTED, frozenset(State)),
}  # fmt: skip
"""Which move counts for which figure: to what state, out of which."""


class Row(NamedTuple):
    """What figures need of a case."""

    id: int
    category: str
    place__district_zh: str | None
    place__district_en: str | None
    shadow: bool
    state: str
    first_seen_at: datetime
    confirmed_at: datetime | None
    handed_over_at: datetime | None


@dataclass
class Deeds:
    """By figure, when each case came to it; and the cases, but for those in shadow and those merged, which are others now."""

    at: dict[str, dict[int, datetime]] = field(default_factory=lambda: {figure: {} for figure in FIGURES})
    cases: dict[int, Row] = field(default_factory=dict)

    def rows_of(self, figure: str) -> Iterator[Row]:
        """The cases that count."""
        return (self.cases[case_id] for case_id in self.at[figure] if case_id in self.cases)


def deeds_of(city_id: int, begin: datetime, end: datetime) -> Deeds:
    """The deeds of a day; a confirmation that its reviewer took back at once is none."""
    deeds, last_id = Deeds(), first_id_at(end)
    rows = AuditRow.objects.filter(verb=Verb.CASE_MOVED, id__gte=first_id_at(begin), id__lt=first_id_at(end + UNDO_WITHIN))  # fmt: skip
    for row_id, of_city, key, at, detail in rows.order_by("id").values_list("id", "city_id", "object_id", "at", "detail").iterator():  # fmt: skip
        if of_city != city_id:
            continue
        case_id, old, new = int(key), detail["old"], detail["new"]
        if (old, new) == (State.CONFIRMED, State.QUEUED):
            deeds.at["confirmed"].pop(case_id, None)
        for figure, (to, out_of) in FIGURES.items() if row_id < last_id else ():
            if new == to and old in out_of:
                deeds.at[figure].setdefault(case_id, at)
    wanted = {case_id for found in deeds.at.values() for case_id in found}
    # By id alone: with a condition more, SQLite takes another index.
    for part in _parts(wanted):
        found = (Row(*each) for each in Case.objects.filter(id__in=part).values_list(*Row._fields))
        deeds.cases |= {row.id: row for row in found if not row.shadow and row.state != State.MERGED}
    return deeds


def took_s(deeds: Deeds, step: Step) -> list[float]:
    """How long each took that came to the end of a step on the day."""
    ends = {row.id: deeds.at[step][row.id] for row in deeds.rows_of(step)}
    begins = {case_id: getattr(deeds.cases[case_id], FROM[step]) for case_id in ends}
    # Of what was decided anew since, the columns tell no more.
    lost = [case_id for case_id, begin in begins.items() if begin is None or begin > ends[case_id]]
    begins |= _moved_at(lost, {Step.HANDED_OVER: State.CONFIRMED, Step.FIXED: State.HANDED_OVER}.get(step), ends)
    return [max((end - begin).total_seconds(), 0.0) for case_id, end in ends.items() if (begin := begins[case_id])]


def _moved_at(case_ids: Iterable[int], new: State | None, before: dict[int, datetime]) -> dict[int, Any]:
    """When these cases were moved to a state last, each before its own instant; None if never."""
    found: dict[int, Any] = dict.fromkeys(case_ids)
    for part in _parts(found):
        rows = AuditRow.objects.filter(kind="case", object_id__in=[str(each) for each in part], verb=Verb.CASE_MOVED)
        for key, at, detail in rows.order_by("id").values_list("object_id", "at", "detail"):
            if detail["new"] == new and at <= before[int(key)]:
                found[int(key)] = at
    return found


def _parts(case_ids: Iterable[int]) -> Iterator[list[int]]:
    every = sorted(case_ids)
    return (every[first : first + AT_ONCE] for first in range(0, len(every), AT_ONCE))
