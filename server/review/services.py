"""The verbs of the queue. A lease is a time in the row: expired means free. Every change is a guarded update with its audit row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef, Q

from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.cases.services import move
from server.city.services import retract, withdraw
from server.review.models import Verdict
from server.review.rules import ANSWERS, CARDS, LEASE, PASSING_REASONS, UNDO_DEEP, UNDO_WITHIN


class BadVerdict(Exception):
    """A verdict that cannot be taken; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """What became of a verdict: `counted`, `second` (somebody else was first), or `known` (a resend)."""

    result: str
    case_number: int


def waiting_for(person: User, now: datetime) -> Q:
    """Cases this person may be given now."""
    free = Q(lease_until=None) | Q(lease_until__lt=now) | Q(lease_by=person)
    return Q(state=State.QUEUED) & free


def lease(person: User, now: datetime, count: int = CARDS) -> list[Case]:
    """Take up to `count` cards for LEASE. Never one that this person has answered since it was queued, and not undone."""
    mine = Verdict.objects.filter(case=OuterRef("pk"), person=person, undone_at=None, at__gte=OuterRef("state_at"))
    with transaction.atomic():
        candidates = cases_for(person).filter(waiting_for(person, now)).exclude(Exists(mine)).order_by("-priority", "id")
        ids = list(candidates.values_list("id", flat=True)[:count])
        taken = [
            case_id for case_id in ids
            if Case.objects.filter(waiting_for(person, now), id=case_id).update(lease_by=person, lease_until=now + LEASE)
        ]  # fmt: skip
    return sorted(Case.objects.filter(id__in=taken), key=lambda case: (-case.priority, case.pk))


def renew(person: User, now: datetime) -> int:
    """Hold on to what this person still holds."""
    return Case.objects.filter(lease_by=person, lease_until__gte=now, state=State.QUEUED).update(
        lease_until=now + LEASE
    )


def give_back(person: User) -> int:
    """Free everything this person holds."""
    return Case.objects.filter(lease_by=person, state=State.QUEUED).update(lease_by=None, lease_until=None)


def decide(
    person: User,
    verdict_id: UUID,
    case_id: int,
    answer: str,
    now: datetime,
    *,
    reason: int | None = None,
    words: str = "",
    visible_ms: int = 0,
) -> Outcome:
    """Take one answer. Idempotent by `verdict_id`; the first answer to a card counts, a later one is kept as a second opinion."""
    if answer not in ANSWERS:
        raise BadVerdict(f"{answer!r} is no answer")
    if answer == "reject" and reason not in range(1, 10):
        raise BadVerdict("a rejection needs a reason from 1 to 9")
    with transaction.atomic():
        case = cases_for(person).filter(id=case_id).first()
        if case is None:
            raise BadVerdict("there is no such case")
        known = Verdict.objects.filter(id=verdict_id).first()
        if known is not None:
            if known.person_id != person.pk:
                raise BadVerdict("this verdict's id belongs to somebody else")
            return Outcome("known", case.number)
        leased_to_other = (
            case.lease_by_id not in (None, person.pk) and case.lease_until is not None and case.lease_until > now
        )
        counts = case.state == State.QUEUED and not leased_to_other
        Verdict.objects.create(id=verdict_id, case=case, person=person, answer=answer, reason=reason if answer == "reject" else None,
                               words=words[:300], visible_ms=min(visible_ms, 86_400_000), counted=counts)  # fmt: skip
        record(
            Verb.VERDICT,
            "case",
            case.pk,
            city_id=case.city_id,
            actor_id=person.pk,
            answer=answer,
            reason=reason,
            counted=counts,
        )
        if counts:
            _apply(case, person, answer, reason, now)
        if answer == "reject" and reason == 8:
            Picture.objects.filter(sighting__case=case, hidden_at=None).update(hidden_at=now)
    return Outcome("counted" if counts else "second", case.number)


def _apply(case: Case, person: User, answer: str, reason: int | None, now: datetime) -> None:
    freed = {"lease_by": None, "lease_until": None}
    if answer == "skip":
        Case.objects.filter(id=case.pk).update(**freed)
    elif answer == "confirm":
        move(case.pk, State.QUEUED, State.CONFIRMED, now, person.pk, **freed)
    elif answer == "unsure":
        move(case.pk, State.QUEUED, State.DISPUTED, now, person.pk, **freed)
    else:
        remembered = None if reason in PASSING_REASONS else case.probability
        move(case.pk, State.QUEUED, State.REJECTED, now, person.pk, rejected_probability=remembered, **freed)


def undo(person: User, now: datetime) -> Case | None:
    """Take back this person's last counted answer of the last minutes; the card comes back to them. After hand-over it is retracted. None if there is nothing."""
    with transaction.atomic():
        recent = Verdict.objects.filter(person=person, counted=True, at__gte=now - UNDO_WITHIN).order_by("-at")[
            :UNDO_DEEP
        ]
        last = next((verdict for verdict in recent if verdict.undone_at is None), None)
        if last is None:
            return None
        case = Case.objects.get(id=last.case_id)
        held = {"lease_by": person, "lease_until": now + LEASE}
        state = State(case.state)
        if state in (State.CONFIRMED, State.REJECTED, State.DISPUTED):
            move(case.pk, state, State.QUEUED, now, person.pk, **held)
            withdraw(case, "undone by the reviewer", now)
        elif state in (State.HANDED_OVER, State.ACCEPTED) and last.answer == "confirm":
            retract(case, "undone by the reviewer", now, person.pk)
        elif state == State.QUEUED:
            Case.objects.filter(id=case.pk).update(**held)
        else:
            return None
        Verdict.objects.filter(id=last.pk).update(undone_at=now)
        Picture.objects.filter(sighting__case=case, hidden_at__isnull=False).update(hidden_at=None)
        record(Verb.UNDO, "case", case.pk, city_id=case.city_id, actor_id=person.pk)
    return Case.objects.get(id=case.pk)


def queue_counts(person: User, now: datetime) -> dict[str, int]:
    """How many wait, how many others hold, how many this person answered in the last 24 hours."""
    queued = cases_for(person).filter(state=State.QUEUED)
    return {
        "waiting": queued.count(),
        "with_others": queued.filter(lease_until__gte=now).exclude(lease_by=person).count(),
        "mine_today": Verdict.objects.filter(person=person, at__gte=now - timedelta(days=1), undone_at=None)
        .exclude(answer="skip")
        .count(),
    }
