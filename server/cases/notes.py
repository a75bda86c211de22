"""What people write on cases: notes, and the reasons of what they did. Append-only; the audit has no word of it."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import StrEnum

from django.db import transaction

from server.accounts.models import User
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Note

LONGEST = 1000
STRUCK_WITHIN = timedelta(minutes=10)


class About(StrEnum):
    """The deed that a note is the reason of."""

    NOTHING = ""
    MERGE = "merge"
    SPLIT = "split"
    REOPEN = "reopen"
    HAND_OVER = "hand_over"
    RETRACT = "retract"
    ANSWER = "answer"


def add_note(case: Case, person: User, words: str, now: datetime) -> Note | None:
    """Write on a case; nothing written is no note."""
    return _add(case, person, About.NOTHING, words, now)


def add_reason(case: Case, person: User, about: About, words: str, now: datetime) -> Note | None:
    """Keep why somebody did something to a case. Call inside the transaction of the deed."""
    return _add(case, person, about, words, now)


def add_with_answer(case: Case, person: User, words: str, now: datetime) -> Note | None:
    """Keep among the notes what a reviewer wrote with an answer. Call inside the transaction of the answer."""
    return _add(case, person, About.ANSWER, words, now)


def strike_with_answer(case_id: int, person: User, words: str, now: datetime) -> None:
    """Strike out what was written with an answer that is taken back. Call inside its transaction."""
    own = Note.objects.filter(case=case_id, person=person, about=About.ANSWER, words=words.strip(), struck_at=None)
    last = own.order_by("-id").values_list("id", flat=True).first()
    if last is not None:
        Note.objects.filter(id=last).update(struck_at=now)


@transaction.atomic
def _add(case: Case, person: User, about: About, words: str, now: datetime) -> Note | None:
    words = words.strip()[:LONGEST]
    if not words:
        return None
    note = Note.objects.create(case=case, person=person, at=now, about=about, words=words)
    record(Verb.NOTE_ADDED, "case", case.pk, city_id=case.city_id, actor_id=person.pk, note=note.pk)
    return note


@transaction.atomic
def strike_note(note_id: int, case: Case, person: User, now: datetime) -> bool:
    """Strike out one's own note of the last minutes; it stays, and its words are shown to nobody. False if it is too late, not one's own, or the reason of a deed."""
    own = Note.objects.filter(id=note_id, case=case, person=person, about="", struck_at=None)
    done = own.filter(at__gt=now - STRUCK_WITHIN).update(struck_at=now)
    if done:
        record(Verb.NOTE_STRUCK, "case", case.pk, city_id=case.city_id, actor_id=person.pk, note=note_id)
    return bool(done)
