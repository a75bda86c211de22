"""The verbs of the queue. A lease is a time in the row: expired means free. Every change is a guarded update with its audit row."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Picture, Sighting
from server.cases.rules import State
from server.cases.services import move
from server.categories.models import standing_of
from server.city.services import retract, withdraw
from server.review import rows
from server.review.models import Verdict
from server.review.rules import (
    ANSWERS,
    CARDS,
    CHANGES_KEPT,
    DECIDED_BY,
    FACE_REASON,
    LEASE,
    LOOKS,
    PASSING_REASONS,
    SPARE,
    UNDECIDED,
    UNDO_DEEP,
    UNDO_WITHIN,
)


class BadVerdict(Exception):
    """A verdict that cannot be taken; the text says why."""


@dataclass(frozen=True)
class Outcome:
    """What became of a verdict: `counted`, `second` (somebody else was first), or `known` (a resend)."""

    result: str
    case_number: int


def _free(person: User, now: datetime) -> Q:
    """Undecided, and in nobody else's hands."""
    return Q(state__in=UNDECIDED) & (~runs(now) | Q(lease_until=None) | Q(lease_by=person))


def runs(now: datetime) -> Q:
    """Leased at present. A lease that ends far later than any does was given by a clock that has been set back since: it is over.

    Far later: of two that ask at once, the one that waited for the database has the older `now`.
    """
    return Q(lease_until__range=(now, now + 2 * LEASE))


def lease(person: User, now: datetime, count: int = CARDS, *, shadow: bool = False) -> list[Case]:
    """Take up to `count` cards for LEASE: of the queue, or of those in shadow.

    They are looked for without holding the database, and some more than are asked for: the first that no colleague took meanwhile are taken.
    """
    for _ in range(LOOKS):
        # One state at a time: each has an index, both together would be scanned and sorted whole.
        found = [row for state in UNDECIDED for row in rows.first(person, now, state, shadow, SPARE * count)]
        best = [case_id for case_id, _ in sorted(found, key=lambda row: (-row[1], row[0]))[: SPARE * count]]
        with hasty():
            taken = rows.take(person, now, best, count)
        if len(taken) == min(count, len(best)):
            break
    return sorted(Case.objects.filter(id__in=taken), key=lambda case: (-case.priority, case.pk))


@contextmanager
def hasty() -> Iterator[None]:
    """For leases: a power cut may take them back, so nobody waits for the disk. The next verdict's commit carries them there."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL")


def renew(person: User, now: datetime) -> int:
    """Hold on to what this person still holds."""
    held = Case.objects.filter(runs(now), lease_by=person, state__in=UNDECIDED)
    with hasty():
        return held.update(lease_until=now + LEASE)


def give_back(person: User) -> int:
    """Free everything this person holds."""
    held = Case.objects.filter(lease_by=person, state__in=UNDECIDED)
    with hasty():
        return held.update(lease_by=None, lease_until=None)


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
    visible_ms: int = 0,
) -> Outcome:
    """Take one answer. Idempotent by `verdict_id`; the first answer to a card counts, a later one is kept as a second opinion.

    `category` confirms the case as another one than it was proposed as.
    """
    if answer not in ANSWERS:
        raise BadVerdict(f"{answer!r} is no answer")
    if answer == "reject" and reason not in range(1, 10):
        raise BadVerdict("a rejection needs a reason from 1 to 9")
    if category and (answer != "confirm" or category not in CATEGORIES):
        raise BadVerdict(f"{category!r} is no category to confirm a case as")
    # What need not be read under the lock is read before it: sixteen people wait for each other there.
    case = cases_for(person).filter(id=case_id).first()
    if case is None:
        raise BadVerdict("there is no such case")
    if _is_known(verdict_id, person):
        return Outcome("known", case.number)
    try:
        with transaction.atomic():
            free = Case.objects.filter(_free(person, now), id=case_id).first()
            case = free or case
            counts = free is not None and (
                case.state == State.QUEUED or rows.is_open(person, now, State.DISPUTED, case.shadow, case_id)
            )
            changed = category if category != case.category else ""
            Verdict.objects.create(id=verdict_id, case=case, person=person, answer=answer, reason=reason if answer == "reject" else None,
                                   category=changed, words=words[:300], visible_ms=min(visible_ms, 86_400_000), counted=counts)  # fmt: skip
            became = {"old": case.category, "new": changed} if changed else {}
            record(Verb.VERDICT, "case", case_id, city_id=case.city_id, actor_id=person.pk, answer=answer, reason=reason, counted=counts, **became)  # fmt: skip
            if counts:
                _apply(case, person, answer, reason, changed, now)
            if answer == "reject" and reason == FACE_REASON:
                _same_pictures(case).filter(hidden_at=None).update(hidden_at=now)
    except IntegrityError:
        if not _is_known(verdict_id, person):
            raise
        return Outcome("known", case.number)  # sent twice at once
    return Outcome("counted" if counts else "second", case.number)


def _is_known(verdict_id: UUID, person: User) -> bool:
    """Whether this verdict was taken already. Raises BadVerdict if it is somebody else's."""
    known = Verdict.objects.filter(id=verdict_id).first()
    if known is not None and known.person_id != person.pk:
        raise BadVerdict("this verdict's id belongs to somebody else")
    return known is not None


def _apply(case: Case, person: User, answer: str, reason: int | None, changed: str, now: datetime) -> None:
    freed: dict[str, Any] = {"lease_by": None, "lease_until": None}
    old = State(case.state)
    if answer == "confirm":
        if changed:
            Case.objects.filter(id=case.pk).update(category=changed)
            freed["shadow"] = ~Exists(standing_of())
        move(case.pk, old, State.CONFIRMED, now, person.pk, **freed)
    elif answer == "reject":
        freed["rejected_probability"] = None if reason in PASSING_REASONS else case.probability
        move(case.pk, old, State.REJECTED, now, person.pk, **freed)
        withdraw(case, "rejected by a reviewer", now)  # after one city returned it, another may still have it
    elif answer == "unsure" and old == State.QUEUED:
        move(case.pk, old, State.DISPUTED, now, person.pk, **freed)
    else:
        Case.objects.filter(id=case.pk).update(**freed)


def _same_pictures(case: Case) -> QuerySet[Picture]:
    """The case's pictures, and the same ones wherever else they are: a picture's address is its content."""
    return Picture.objects.filter(sha256__in=Picture.objects.filter(sighting__case=case).values("sha256"))


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
        if not _take_back(case, last, person, now):
            return None
        Verdict.objects.filter(id=last.pk).update(undone_at=now)
        if last.reason == FACE_REASON:
            faces = Verdict.objects.filter(reason=FACE_REASON, undone_at=None).values("case")
            still = Picture.objects.filter(sighting__case__in=faces).values("sha256")
            _same_pictures(case).exclude(sha256__in=still).update(hidden_at=None)
        record(Verb.UNDO, "case", case.pk, city_id=case.city_id, actor_id=person.pk)
    return Case.objects.get(id=case.pk)


def _take_back(case: Case, last: Verdict, person: User, now: datetime) -> bool:
    """Undo what a verdict did to its case; nothing where a colleague has decided since. False if it is too late."""
    others = (
        Verdict.objects.filter(case=case, counted=True, undone_at=None).exclude(person=person).exclude(answer="skip")
    )
    if others.filter(at__gt=last.at).exists():
        return True
    held = {"lease_by": person, "lease_until": now + LEASE}
    state = State(case.state)
    still_disputed = last.answer == "unsure" and others.filter(answer="unsure").exists()
    if state == DECIDED_BY.get(last.answer) and not still_disputed:
        if last.category:
            Case.objects.filter(id=case.pk).update(category=_proposed(case))
        move(case.pk, state, State.QUEUED, now, person.pk, **held)
        withdraw(case, "undone by the reviewer", now)
    elif state in (State.HANDED_OVER, State.ACCEPTED) and last.answer == "confirm":
        retract(case, "undone by the reviewer", now, person.pk)
    elif state in UNDECIDED:
        Case.objects.filter(_free(person, now), id=case.pk).update(**held)
    else:
        return False
    return True


def changes_of(person: User, now: datetime) -> dict[str, list[str]]:
    """Proposed category → what this person confirmed it as lately."""
    rows = Verdict.objects.filter(person=person, at__gte=now - CHANGES_KEPT, undone_at=None).exclude(category="")
    proposed = Sighting.objects.filter(case=OuterRef("case")).values("category")[:1]
    changes: dict[str, list[str]] = {}
    for was, became in rows.values_list(Subquery(proposed), "category"):
        changes.setdefault(was, []).append(became)
    return changes


def _proposed(case: Case) -> str:
    return str(case.sightings.values_list("category", flat=True)[0])
