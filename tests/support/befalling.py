"""What befell cases, as the audit has it: for figures of days."""

from __future__ import annotations

from datetime import datetime

from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Case

Move = tuple[Case, str, str, datetime]
"""A case, its old state and its new one, and when."""


def befell(*moves: Move) -> None:
    """Record moves, the first first: ids follow the clock. Whatever was recorded later is put before them."""
    ordered = sorted(moves, key=lambda move: move[3])
    AuditRow.objects.filter(at__gt=ordered[0][3]).update(at=ordered[0][3])
    for case, old, new, at in ordered:
        row = AuditRow.objects.create(verb=Verb.CASE_MOVED, kind="case", object_id=str(case.pk), city_id=case.city_id, detail={"old": old, "new": new})  # fmt: skip
        AuditRow.objects.filter(pk=row.pk).update(at=at)


def way_of(case: Case) -> list[Move]:
    """The moves that a case's own columns tell of."""
    ways = (("queued", "confirmed"), ("confirmed", "handed_over"), ("handed_over", "fixed"), ("handed_over", "returned"), ("handed_over", "retracted"))  # fmt: skip
    return [(case, old, new, at) for old, new in ways if (at := getattr(case, f"{new}_at")) is not None]
