"""The verbs of the queue. A lease is a time in the row: expired means free. Every change is a guarded update with its audit row."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Sighting
from server.cases.notes import strike_with_answer
from server.cases.rules import AT_CITY, State
from server.cases.services import move
from server.city.services import may_have, retract, withdraw
from server.commits import hasty, synced_after, wait_for_disk
from server.review import corrections, disputes, gold, looks, merges, rows
from server.review.answers import (
    LONGEST_WORDS,
    Answered,
    BadVerdict,
    Given,
    apply,
    check_given,
    check_place,
    has_answered,
    hide_faces,
    proposed_for,
    show_faces,
    write,
)
from server.review.corrections import Correction
from server.review.models import Dispute, Look, Verdict
from server.review.narrowed import LOOKS_LOOKED_AT, WHOLE, Part, among, looks_of
from server.review.rules import (
    CARDS,
    CHANGES_KEPT,
    DECIDED_BY,
    FACE_REASON,
    LEASE,
    LOOKS,
    SPARE,
    UNDECIDED,
    UNDO_DEEP,
    UNDO_WITHIN,
    Kind,
    LookKind,
)

UNDOABLE = (Kind.FIRST, Kind.SECOND, Kind.GOLD)
AGAIN, FREE_COUNTED = 1, 100
"""How many cards of a lease may be looks at decided cases while others wait; up to how many of those that nobody holds are counted."""


@dataclass(frozen=True)
class Outcome:
    """What became of a verdict: `counted`, `second` (somebody else was first), or `known` (a resend, or answered by the same person in another window)."""

    result: str
    case_number: int


class NeedsReason(Exception):
    """The `case` has gone to the city, or may have: a try whose end is not known (`is_sure` False). Who takes it back, and all that was answered `together` with it, writes why."""

    def __init__(self, case: Case, *, is_sure: bool, together: int) -> None:
        super().__init__(f"case {case.number} has gone to the city, or may have")
        self.case, self.is_sure, self.together = case, is_sure, together


def _free(person: User, now: datetime) -> Q:
    """Undecided, and in nobody else's hands."""
    return Q(state__in=UNDECIDED) & (~runs(now) | Q(lease_until=None) | Q(lease_by=person))


def runs(now: datetime) -> Q:
    """Leased at present. A lease that ends far later than any does was given by a clock that has been set back since: it is over.

    Far later: of two that ask at once, the one that waited for the database has the older `now`.
    """
    return Q(lease_until__range=(now, now + 2 * LEASE))


def lease(person: User, now: datetime, count: int = CARDS, *, shadow: bool = False, part: Part = WHOLE) -> list[Case]:
    """Take up to `count` cards for LEASE: of the queue or a part of it, or of those in shadow; among them, as if nobody had answered them, cases to be looked at again.

    They are looked for without holding the database, and some more than are asked for: the first that no colleague took meanwhile are taken.
    """
    again, ids = _looks_to_deal(person, now, count, shadow, part), among(person, part, shadow=shadow)
    for _round in range(LOOKS):
        best = rows.best(person, now, shadow, SPARE * count, ids)
        wanted = again[: max(AGAIN, count - len(best))] if count else []
        # Two statements are one transaction, so that they wait for the others' once.
        with hasty(), transaction.atomic() if wanted else nullcontext():
            dealt = rows.take_looks(person, now, wanted)
            taken = rows.take(person, now, best, count - len(dealt))
        if len(taken) == min(count - len(dealt), len(best)):
            break
    second = rows.dealt_looks(dealt)
    read = {case.pk: case for case in rows.cases([*taken, *(case_id for case_id, *_rest in second)])}
    cases = [*(read[case_id] for case_id in taken), *looks.all_as_dealt(second, read)]
    return sorted(cases, key=lambda case: (-case.priority, case.pk))


def _looks_to_deal(person: User, now: datetime, count: int, shadow: bool, part: Part) -> list[int]:
    """Looks for this person that fit the part, those that they hold already first, then a gold card if one is due, then what is worth most."""
    if not count:
        return []
    mine = rows.held_looks(person, shadow)
    if not shadow and (card := gold.due(person, now, part)) is not None:
        mine.append(looks.deal(card, person, now).pk)
    at_most = SPARE * count if part == WHOLE else LOOKS_LOOKED_AT
    found = sorted(rows.second_looks(person, now, shadow, at_most), key=lambda row: (-row[2], row[0]))
    ids = list(dict.fromkeys([*mine, *(row[0] for row in found)]))
    fit = looks_of(part, ids)
    return [each for each in ids if each in fit]


def lease_one(person: User, now: datetime, case_id: int) -> bool:
    """Take this one card, though others are worth more. False where it is no card of theirs: a colleague has it, it is decided or in dispute, or they have answered it."""
    if not cases_for(person).filter(id=case_id).exists() or has_answered(person, case_id):
        return False
    if rows.free_case(person, now, case_id) is not None:
        return not Dispute.objects.filter(case=case_id, settled_at=None).exists() and bool(
            rows.take(person, now, [case_id], 1)
        )
    theirs = Look.objects.filter(case=case_id, done_at=None).exclude(case__state__in=rows.UNLOOKED)
    mine = theirs.filter(kind=LookKind.GOLD, person=person) | theirs.filter(kind=LookKind.SECOND).exclude(
        first_person=person
    )
    return bool(rows.take_looks(person, now, list(mine.values_list("id", flat=True))))


def count_free(person: User, now: datetime, *, shadow: bool, part: Part = WHOLE) -> int:
    """How many cards a lease would find now, up to FREE_COUNTED; nothing is taken."""
    found = rows.best(person, now, shadow, FREE_COUNTED, among(person, part, shadow=shadow))
    again = [
        row[0] for row in rows.second_looks(person, now, shadow, FREE_COUNTED if part == WHOLE else LOOKS_LOOKED_AT)
    ]
    return min(len(found) + len(looks_of(part, again)), FREE_COUNTED)


def renew(person: User, now: datetime) -> int:
    """Hold on to what this person still holds."""
    held = Case.objects.filter(runs(now), lease_by=person, state__in=UNDECIDED)
    again = looks.held_by(person).filter(runs(now))
    with hasty():
        return held.update(lease_until=now + LEASE) + (again.update(lease_until=now + LEASE) if again.exists() else 0)


def give_back(person: User) -> int:
    """Free everything this person holds."""
    held = Case.objects.filter(lease_by=person, state__in=UNDECIDED)
    again = looks.held_by(person)
    with hasty():
        return held.update(lease_by=None, lease_until=None) + looks.give_back(again)


def decide(
    person: User,
    verdict_id: UUID,
    case_id: int,
    answer: str,
    now: datetime,
    *,
    reason: int | None = None,
    category: str = "",
    words: str = "",
    correction: Correction | None = None,
    same_as: int | None = None,
    visible_ms: int = 0,
) -> Outcome:
    """Take one answer. Idempotent by `verdict_id`; the first answer to a card counts, a later one is kept as a second opinion, unless the person answered it themselves in another window: that is known.

    Who was to look at a decided case a second time is told the same as who was first. Raises BadVerdict.
    """
    given = Given(answer, reason, category, words, correction or Correction(), same_as, visible_ms)
    check_given(given)
    # What need not be read under the lock is read before it: sixteen people wait for each other there.
    case = cases_for(person).filter(id=case_id).first()
    if case is None:
        raise BadVerdict(_("There is no such case for you: it may be another city's by now."))
    if _is_known(verdict_id, person):
        return Outcome("known", case.number)
    look = looks.held_for(person, case)
    if given.correction != Correction():
        check_place(given, case, looks.as_dealt(look, Case.objects.get(id=case_id)) if look else case)
    try:
        with synced_after():
            kind = take(person, verdict_id, case, given, now, look)
    except Answered:
        return Outcome("known", case.number)
    except IntegrityError:
        if not _is_known(verdict_id, person):
            raise
        return Outcome("known", case.number)  # sent twice at once
    return Outcome("second" if kind == Kind.LATE else "counted", case.number)


def take(person: User, verdict_id: UUID, case: Case, given: Given, now: datetime, look: Look | None = None) -> Kind:
    """Write one answer and do what it says; `look`, if that is what the person was given. Call inside a transaction."""
    kind = looks.take(look, person, now) if look else None
    free = None if kind else rows.free_case(person, now, case.pk)
    if kind and look:
        proposed = look.about.proposed if look.about else proposed_for(case)
    else:
        case = free or case
        proposed = case.category
        is_first = free is not None and (
            case.state == State.QUEUED or rows.is_open(person, now, State.DISPUTED, case.shadow, case.pk)
        )
        kind = Kind.FIRST if is_first else Kind.LATE
    if kind == Kind.LATE and not given.batch and given.reason != FACE_REASON and has_answered(person, case.pk):
        raise Answered
    verdict = write(case, person, verdict_id, kind, given, proposed=proposed, counted=kind == Kind.FIRST)
    if kind == Kind.FIRST:
        apply(case, person, verdict, now, given.same_as)
        looks.ask_for_second(case, verdict, now)
    elif kind != Kind.LATE and look:
        looks.answered(look, verdict, now)
    hide_faces(verdict, now)
    return kind


def _is_known(verdict_id: UUID, person: User) -> bool:
    """Whether this verdict was taken already. Raises BadVerdict if it is somebody else's."""
    known = Verdict.objects.filter(id=verdict_id).first()
    if known is not None and known.person_id != person.pk:
        raise BadVerdict(_("It was sent by somebody else already. Load the page again and answer the card anew."))
    if known is not None:
        wait_for_disk()
    return known is not None


def undo(person: User, now: datetime, why: str = "") -> Case | None:
    """Take back this person's last answer of the last minutes, or the last batch; the card comes back to them as it was. After hand-over it is retracted with the reason `why`. None if there is nothing. Raises NeedsReason, and then nothing has changed."""
    why = why.strip()[:LONGEST_WORDS]
    with transaction.atomic():
        theirs = Verdict.objects.filter(person=person, kind__in=UNDOABLE, at__gte=now - UNDO_WITHIN).order_by("-at")
        last = next((verdict for verdict in theirs[:UNDO_DEEP] if verdict.undone_at is None), None)
        if last is None or not _undo(last, now, why):
            return None
        if last.batch:
            for other in theirs.filter(batch=last.batch, undone_at=None):
                _undo(other, now, why)
    return shown_to(person, last.case_id)


def taken_back(person: User, now: datetime) -> list[Verdict]:
    """What the undo at this instant took back of a person's answers, the last first: one, or a batch."""
    return list(Verdict.objects.filter(person=person, at__gte=now - UNDO_WITHIN, undone_at=now).order_by("-at"))


def _undo(last: Verdict, now: datetime, why: str) -> bool:
    """Undo one answer. False if it is too late."""
    case, person = Case.objects.get(id=last.case_id), last.person
    look = Look.objects.filter(verdict=last).select_related("about").first()
    if look is not None:
        may = looks.reopen(look, now)
    elif last.kind != Kind.FIRST:
        looks.after_skip(person, case, Kind(last.kind), now)
        may = True
    else:
        may = _take_back(case, last, person, now, why)
    if not may:
        return False
    Verdict.objects.filter(id=last.pk).update(undone_at=now)
    show_faces(last)
    if last.words:
        strike_with_answer(last.case_id, person, last.words, now)
    record(Verb.UNDO, "case", case.pk, city_id=case.city_id, actor_id=person.pk)
    return True


def shown_to(person: User, case_id: int) -> Case:
    """A case as the person's card shows it, if they have one of it; else as it is."""
    case = Case.objects.get(id=case_id)
    look = looks.held_for(person, case)
    return looks.as_dealt(look, case) if look else case


def holds(person: User, case: Case) -> bool:
    """Whether this person has the card, of the queue or to look at again."""
    waits = case.state in UNDECIDED and case.lease_by_id == person.pk
    return waits or looks.held_for(person, Case.objects.get(id=case.pk)) is not None


def _take_back(case: Case, last: Verdict, person: User, now: datetime, why: str) -> bool:
    """Undo what a verdict did to its case; nothing where a colleague has decided since. False if it is too late. Raises NeedsReason."""
    others = (
        Verdict.objects.filter(case=case, counted=True, undone_at=None).exclude(person=person).exclude(answer="skip")
    )
    if others.filter(at__gt=last.at).exists():
        return True
    held: dict[str, Any] = {"lease_by_id": person.pk, "lease_until": now + LEASE}
    state = State(case.state)
    still_disputed = last.answer == "unsure" and others.filter(answer="unsure").exists()
    in_dispute = disputes.take_back_first(last, now)
    if (state == DECIDED_BY.get(last.answer) and not still_disputed) or (in_dispute and state == State.DISPUTED):
        if not why and may_have(case):
            raise _needs_reason(last, case, is_sure=False)
        if last.category:
            Case.objects.filter(id=case.pk).update(category=last.proposed or proposed_for(case))
        if last.lat_deg is not None:
            corrections.put_back(case.pk, now)
        move(case.pk, state, State.QUEUED, now, person.pk, **held)
        withdraw(case, why or "undone by the reviewer", now)
    elif state == State.MERGED and merges.take_apart(last, person, now):
        pass
    elif state in AT_CITY and last.answer == "confirm":
        if not why:
            raise _needs_reason(last, case, is_sure=True)
        retract(case, why, now, person.pk)
    elif state in UNDECIDED:
        Case.objects.filter(_free(person, now), id=case.pk).update(**held)
    else:
        return False
    looks.close_about(last, now)
    return True


def _needs_reason(last: Verdict, case: Case, *, is_sure: bool) -> NeedsReason:
    around = Verdict.objects.filter(person=last.person, at__gte=last.at - UNDO_WITHIN)
    together = around.filter(batch=last.batch).count() if last.batch else 1
    return NeedsReason(case, is_sure=is_sure, together=together)


def changes_of(person: User, now: datetime) -> dict[str, list[str]]:
    """Proposed category → what this person confirmed it as lately."""
    rows = Verdict.objects.filter(person=person, at__gte=now - CHANGES_KEPT, undone_at=None).exclude(category="")
    proposed = Sighting.objects.filter(case=OuterRef("case")).values("category")[:1]
    changes: dict[str, list[str]] = {}
    for was, became in rows.values_list(Subquery(proposed), "category"):
        changes.setdefault(was, []).append(became)
    return changes
