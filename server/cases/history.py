"""A case's timeline as its reader may see it."""

from __future__ import annotations

from typing import Any

from server.accounts.models import User
from server.accounts.services import is_inside
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Case
from server.cases.rules import State
from server.cases.timeline import Answer, Deed, Line, Seen, timeline
from server.review.rules import UNDECIDED

ROWS = 100


def history_of(case: Case, person: Any) -> list[Line]:
    """The last ROWS of sightings, answers and deeds each. Who did it is told inside the back office alone; who may still decide the case sees of its answers their own alone."""
    kept, inside = is_kept_blind(case, person), is_inside(person)
    verdicts = case.verdicts.select_related("person").order_by("-at")
    if kept:
        verdicts = verdicts.filter(person=person)
    deeds = AuditRow.objects.filter(kind="case", object_id=str(case.pk)).select_related("actor").order_by("-id")[:ROWS]
    return timeline(
        (Seen(row.seen_at, row.received_at, row.vehicle.name, row.range_m)
         for row in case.sightings.select_related("vehicle").order_by("-seen_at")[:ROWS]),
        (Answer(row.at, row.person.username if inside else "", row.visible_ms if inside else 0, row.undone_at is not None,
                {"answer": row.answer, "reason": row.reason, "counted": row.counted, "new": row.category})
         for row in verdicts[:ROWS]),
        (Deed(row.at, row.actor.username if row.actor and inside else "", row.verb, row.detail)
         for row in deeds if not (kept and _tells_an_answer(row, person))),
    )  # fmt: skip


def is_kept_blind(case: Case, person: Any) -> bool:
    """Whether this person must not know yet what others, or the screening, said of a case. A supervisor settles disputes, and knows."""
    return person.role == User.Role.REVIEWER and case.state in UNDECIDED


def _tells_an_answer(row: AuditRow, person: Any) -> bool:
    """Whether a deed of somebody else gives away what they answered."""
    by_other = row.actor_id is not None and row.actor_id != person.pk
    return by_other and (row.verb == Verb.UNDO or (row.verb == Verb.CASE_MOVED and row.detail.get("old") in {*UNDECIDED, State.CONFIRMED, State.REJECTED}))  # fmt: skip
