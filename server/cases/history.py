"""A case's timeline as its reader may see it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import hypot
from typing import Any

from django.db.models import QuerySet

from calibration.geodesy import offset_m
from server.accounts.models import User
from server.accounts.services import is_inside
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Case, Note, Sighting
from server.cases.notes import About
from server.cases.outside import taken_back_of_merged, told_outside
from server.cases.placing import merged_into, point_of
from server.cases.rules import State, fused
from server.cases.timeline import FROM_CITY, Answer, Deed, Line, Seen, Written, timeline
from server.cases.told import is_blind, looks_for
from server.review.models import Dispute, Verdict
from server.review.rows import UNLOOKED
from server.review.rules import UNDECIDED, Kind
from server.words import person_name

ROWS = 100
BEFORE_AN_ANSWER = {State.NEW, State.SET_ASIDE, State.QUEUED}


def history_of(case: Case, person: Any) -> list[Line]:
    """The last ROWS of sightings, answers, deeds, notes and words of the city each; outside of the back office only what left it (outside.py). Who may still decide the case sees of its answers and notes their own alone."""
    if not is_inside(person):
        return told_outside(case)
    kept, decided = is_kept_blind(case, person), takes_it_for_new(case, person)
    merged = merged_into(case.pk)
    verdicts = (
        Verdict.objects.filter(case__in=[case.pk, *merged]).select_related("person", "merge__into").order_by("-at")
    )
    notes, seen = (
        notes_of(case, person, kept),
        list(case.sightings.select_related("vehicle").order_by("-seen_at")[:ROWS]),
    )
    if kept:
        verdicts = verdicts.filter(person=person)
    if person.role == User.Role.REVIEWER:
        verdicts = verdicts.exclude(kind=Kind.GOLD)  # it would be known for one ever after
    deeds = AuditRow.objects.filter(kind="case", object_id=str(case.pk)).select_related("actor").order_by("-id")[:ROWS]
    return timeline(
        (Seen(row.seen_at, row.received_at, row.vehicle.name, row.range_m, case.placed_by_hand and not kept)
         for row in seen),
        (Answer(row.at, person_name(row.person), row.visible_ms, row.undone_at is not None,
                {"answer": row.answer, "reason": row.reason, "counted": row.counted, "old": row.proposed, "new": row.category, "into": into_of(row)}, merged.get(row.case_id),
                row.words if row.undone_at is None else "", row.box is not None, put_m(row, seen))
         for row in verdicts[:ROWS]),
        (Deed(row.at, person_name(row.actor) if row.actor else "", row.verb, row.detail | more)
         for row, more in _with_more(deeds, case) if not (kept and _tells_an_answer(row, person, decided))),
        (Written(row.at, person_name(row.person), row.about != "", None if row.struck_at else row.words) for row in notes.exclude(about=About.ANSWER)[:ROWS]),
        () if kept else taken_back_of_merged(case),
    )  # fmt: skip


def _with_more(deeds: Iterable[AuditRow], case: Case) -> Iterator[tuple[AuditRow, dict[str, Any]]]:
    """Audit rows, newest first, with what other rows know of them: of a message whether it is the case or its retraction and to whom it went, of the city's word its text. Each word left one row of either kind."""
    messages = {str(key): {"kind": kind, "to": name} for key, kind, name in case.handovers.values_list("id", "kind", "destination__name")}  # fmt: skip
    texts = iter(case.reports.order_by("-received_at", "-id").values_list("text", flat=True)[:ROWS])
    for row in deeds:
        if row.verb == Verb.CITY_STATUS:
            yield row, {"text": next(texts, "")}
        else:
            yield row, messages.get(row.detail.get("handover", ""), {})


def into_of(verdict: Verdict) -> int | None:
    """The number of the case that an answer merged its own into; None if it did not."""
    merge = getattr(verdict, "merge", None)
    return None if merge is None else int(merge.into.number)


def put_m(verdict: Verdict, seen: Iterable[Sighting]) -> float | None:
    """How far a verdict put the place from where the sightings of then say; None if it left it."""
    if verdict.lat_deg is None or verdict.lon_deg is None:
        return None
    then = [row for row in seen if row.received_at <= verdict.at]
    if not then:
        return None
    lat_deg, lon_deg, _covariance = fused([point_of(row) for row in then])
    return hypot(*offset_m(lat_deg, lon_deg, verdict.lat_deg, verdict.lon_deg))


def notes_of(case: Case, person: Any, kept: bool) -> QuerySet[Note]:
    """The notes that this person may read, newest first: none outside of the back office, their own alone while they are kept blind."""
    notes = case.notes.select_related("person").order_by("-at", "-id")
    if not is_inside(person):
        return notes.none()
    return notes.filter(person=person) if kept else notes


def is_kept_blind(case: Case, person: Any) -> bool:
    """Whether this person must not know yet what others, or the screening, said of a case. A supervisor settles disputes, and knows."""
    if person.role != User.Role.REVIEWER:
        return False
    return case.state in UNDECIDED or takes_it_for_new(case, person) or open_dispute_of(case) is not None


def open_dispute_of(case: Case) -> Dispute | None:
    """Two answers that a supervisor has not decided between yet: until then neither person learns of the other."""
    return Dispute.objects.filter(case=case, settled_at=None).select_related("first", "second").first()


def in_dispute(cases: Iterable[Case], person: Any) -> set[int]:
    """Of cases by id, those on which two answers differ, rather than one person being unsure; a reviewer is not told."""
    disputed = [case.pk for case in cases if case.state == State.DISPUTED]
    if not disputed or person.role == User.Role.REVIEWER:
        return set()
    return set(Dispute.objects.filter(case__in=disputed, settled_at=None).values_list("case", flat=True))


def takes_it_for_new(case: Case, person: Any) -> bool:
    """Whether a reviewer may still be given this decided case as if nobody had answered it: then nothing may say that somebody did."""
    return is_blind(person) and case.state not in UNLOOKED and looks_for(person).filter(case=case).exists()


def _tells_an_answer(row: AuditRow, person: Any, decided: bool) -> bool:
    """Whether a deed gives away what somebody else answered; of a case that is taken for new (`decided`) also what followed by itself."""
    if decided and (row.verb in FROM_CITY or (row.verb == Verb.CASE_MOVED and row.detail.get("new") not in BEFORE_AN_ANSWER)):  # fmt: skip
        return True
    if row.verb == Verb.DISPUTE_OPENED or (
        row.verb == Verb.CASE_MOVED
        and row.detail.get("new") == State.DISPUTED
        and row.detail.get("old") != State.QUEUED
    ):
        return True  # whoever was second does not know of it either
    by_other = row.actor_id is not None and row.actor_id != person.pk
    return by_other and (row.verb == Verb.UNDO or (row.verb == Verb.CASE_MOVED and row.detail.get("old") in {*UNDECIDED, State.CONFIRMED, State.REJECTED}))  # fmt: skip
