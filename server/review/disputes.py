"""Two answers that do not agree: the case waits for a supervisor where it still may, and what the supervisor says holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from enum import StrEnum
from uuid import uuid4

from django.db import transaction
from django.db.models import Exists, QuerySet
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.accounts.services import cities_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case
from server.cases.notes import LONGEST, About, add_reason
from server.cases.rules import AT_CITY, State
from server.cases.services import move
from server.categories.models import standing_of
from server.city.services import live, note_handed_over, retract, withdraw
from server.review.answers import BadVerdict, Given, apply, check_given, write
from server.review.corrections import Correction
from server.review.models import Dispute, Look, Verdict
from server.review.rules import DECIDED_BY, Kind, Outcome


class Settled(Exception):
    """Somebody has settled this dispute already."""


def open_disputes(person: User) -> QuerySet[Dispute]:
    """What waits for a supervisor, oldest first."""
    waiting = Dispute.objects.filter(settled_at=None, city__in=cities_for(person))
    return waiting.select_related("case__city", "first__person", "second__person").order_by("opened_at", "id")


def lately_settled(person: User) -> QuerySet[Dispute]:
    """What supervisors decided, the latest first."""
    settled = Dispute.objects.filter(settled_at__isnull=False, settled_by__isnull=False, city__in=cities_for(person))
    return settled.select_related("case__city", "first__person", "second__person", "settled_by__person").order_by(
        "-settled_at"
    )


def open_dispute(first: Verdict, second: Verdict, now: datetime) -> None:
    """Let a supervisor decide between two answers. What has not left waits; what a city has stays there. Call inside the transaction of the second answer."""
    case = first.case
    Dispute.objects.filter(case=case, settled_at=None).update(settled_at=now, outcome=Outcome.MOOT)
    Dispute.objects.create(case=case, city_id=case.city_id, first=first, second=second, opened_at=now)
    record(Verb.DISPUTE_OPENED, "case", case.pk, city_id=case.city_id, actor_id=second.person_id)
    for old in (State.CONFIRMED, State.REJECTED):
        move(case.pk, old, State.DISPUTED, now, second.person_id, lease_by_id=None, lease_until=None)


def take_back_second(look: Look, now: datetime) -> bool:
    """The second answer of a look is undone: the first one holds again. False if a supervisor has decided. Call inside a transaction."""
    about = look.about
    dispute = Dispute.objects.filter(second=look.verdict_id).order_by("id").last() if look.verdict_id else None
    if dispute is None or about is None:
        return True
    if not Dispute.objects.filter(id=dispute.pk, settled_at=None).update(settled_at=now, outcome=Outcome.UNDONE):
        return dispute.outcome == Outcome.UNDONE
    move(dispute.case_id, State.DISPUTED, DECIDED_BY[about.answer], now, look.person_id)
    if about.answer == "confirm":
        _meet_receipt(dispute.case_id, now)
    return True


def _meet_receipt(case_id: int, now: datetime) -> None:
    """A case that is confirmed again may have left while it was in dispute."""
    if live().filter(case=case_id).exclude(receipted_at=None).exists():
        note_handed_over(case_id, now)


def take_back_first(verdict: Verdict, now: datetime) -> bool:
    """The first answer is undone: there is nothing left to decide between. Whether there was."""
    return bool(Dispute.objects.filter(first=verdict, settled_at=None).update(settled_at=now, outcome=Outcome.UNDONE))


def settle(person: User, dispute_id: int, outcome: Outcome, now: datetime, other: Given | None = None) -> Verdict:
    """A supervisor's word: the first answer holds, the second, or `other`. Raises BadVerdict, Settled."""
    dispute = open_disputes(person).filter(id=dispute_id).first()
    if dispute is None:
        raise Settled
    given = _ruled(dispute, outcome, other)
    with transaction.atomic():
        if not Dispute.objects.filter(id=dispute.pk, settled_at=None).update(settled_at=now, outcome=outcome):
            raise Settled
        case = Case.objects.select_for_update().get(id=dispute.case_id)
        verdict = write(case, person, uuid4(), Kind.SETTLED, given, proposed=dispute.first.proposed, counted=True)
        Dispute.objects.filter(id=dispute.pk).update(settled_by=verdict)
        record(Verb.DISPUTE_SETTLED, "case", case.pk, city_id=case.city_id, actor_id=person.pk, outcome=outcome)
        _follow(case, person, verdict, now)
    return verdict


def would_follow(
    person: User, dispute_id: int, outcome: Outcome, other: Given | None = None
) -> tuple[Dispute, Given, Follows]:
    """What such a word would do, before it is given. Raises BadVerdict, Settled."""
    dispute = open_disputes(person).filter(id=dispute_id).first()
    if dispute is None:
        raise Settled
    given = _ruled(dispute, outcome, other)
    return dispute, given, follows(dispute.case, given.answer, given.category or dispute.first.proposed)


def _ruled(dispute: Dispute, outcome: Outcome, other: Given | None) -> Given:
    given = _given(dispute, outcome, other)
    check_given(given)
    if given.answer not in DECIDED_BY or given.answer == "unsure":
        raise BadVerdict(_("A dispute ends with confirmed or rejected."))
    return given


def _given(dispute: Dispute, outcome: Outcome, other: Given | None) -> Given:
    if outcome == Outcome.OTHER and other is not None:
        return other
    if outcome not in (Outcome.FIRST, Outcome.SECOND):
        raise BadVerdict(_("Say which answer holds."))
    upheld = dispute.first if outcome == Outcome.FIRST else dispute.second
    place = (upheld.lat_deg, upheld.lon_deg) if upheld.lat_deg is not None and upheld.lon_deg is not None else None
    box = tuple(upheld.box) if upheld.box else None
    return Given(upheld.answer, upheld.reason, upheld.category, upheld.words, Correction(box, upheld.box_sha256, place))


class Follows(StrEnum):
    """What an answer would do to a case that a city has."""

    NOTHING = ""
    TAKEN_BACK = "taken_back"
    ANEW = "anew"


def follows(case: Case, answer: str, category: str) -> Follows:
    """What happens at once where this answer holds; `_follow` does it."""
    if case.state not in AT_CITY:
        return Follows.NOTHING
    if answer == "reject":
        return Follows.TAKEN_BACK
    return Follows.ANEW if answer == "confirm" and category != case.category else Follows.NOTHING


def _follow(case: Case, person: User, verdict: Verdict, now: datetime) -> None:
    """Bring a case to where the supervisor's answer says; one that is over stays as it is."""
    state, named = State(case.state), verdict.category or verdict.proposed
    if state == State.DISPUTED:
        if verdict.answer == "confirm" and named != case.category:
            _rename(case, named, now)
        apply(case, person, verdict, now)
        receipts = live().filter(case=case).exclude(receipted_at=None).order_by("receipted_at")
        since = receipts.values_list("receipted_at", flat=True).first()
        if verdict.answer == "confirm" and since is not None:
            note_handed_over(case.pk, now, since)  # it had left while it was decided
    elif follows(case, verdict.answer, named) == Follows.TAKEN_BACK:
        retract(case, "a supervisor rejected it", now, person.pk)
    elif follows(case, verdict.answer, named) == Follows.ANEW:
        _rename(case, named, now)
        move(case.pk, state, State.CONFIRMED, now, person.pk)


def _rename(case: Case, category: str, now: datetime) -> None:
    """Another category after a first answer: what has left as the old one is taken back, and leaves anew."""
    withdraw(case, "of another category", now)
    Case.objects.filter(id=case.pk).update(category=category)
    Case.objects.filter(id=case.pk).update(shadow=~Exists(standing_of()))


def retract_case(person: User, case: Case, words: str, now: datetime, *, reason: int | None) -> bool:
    """Take back a case that a city has, with a written reason. Rejected for `reason` after all where the find was wrong; None: it is needed no more, which says nothing of the find. False if no city has it. Raises BadVerdict."""
    if not words.strip():
        raise BadVerdict(_("Write a reason; others read it in the case's timeline, and the city is told."))
    given = Given("reject", reason, words=words)
    if reason is not None:
        check_given(given)
    with transaction.atomic():
        held = Case.objects.select_for_update().get(id=case.pk)
        if held.state not in AT_CITY:
            return False
        if reason is not None:
            # The words are kept once, as the reason of the deed.
            write(held, person, uuid4(), Kind.SETTLED, replace(given, words=""), proposed=held.category, counted=True)
        Dispute.objects.filter(case=held, settled_at=None).update(settled_at=now, outcome=Outcome.MOOT)
        add_reason(held, person, About.RETRACT, words, now)
        retract(held, words.strip()[:LONGEST], now, person.pk)
    return True
