"""One answer: what it may be, its row, and what it does to a case when it decides."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.merging import Refused
from server.cases.models import Case, Picture
from server.cases.notes import add_with_answer
from server.cases.rules import State
from server.cases.services import move
from server.city.services import withdraw
from server.review.contradicted import retire_contradicted
from server.review.corrections import BadCorrection, Correction, check, put
from server.review.merges import merge
from server.review.models import Verdict, ZoneProposal
from server.review.rules import ANSWERS, FACE_REASON, PASSING_REASONS, PERMITTED_REASON, SAME_REASON, WORDS_REASON, Kind

LONGEST_WORDS, LONGEST_MS = 300, 86_400_000


class BadVerdict(Exception):
    """A verdict that cannot be taken; the text says why."""


class Answered(Exception):
    """The person has answered this case already, in another window: nothing is to be stored."""


@dataclass(frozen=True)
class Given:
    """What a person answered. `category` confirms the case as another one than it was proposed as; `same_as` is the number of the case that a rejected one is the same as."""

    answer: str
    reason: int | None = None
    category: str = ""
    words: str = ""
    correction: Correction = field(default_factory=Correction)
    same_as: int | None = None
    visible_ms: int = 0
    batch: UUID | None = None


def unreadable() -> str:
    """What is told of an answer that no page of ours sends as it is now."""
    return _("What this page sent cannot be read; it may be an old one. Load the page again: nothing that was answered is lost.")  # fmt: skip


def check_given(given: Given) -> None:
    """Raises BadVerdict for what no card allows."""
    if given.answer not in ANSWERS:
        raise BadVerdict(unreadable())
    if given.answer == "reject" and given.reason not in range(1, 10):
        raise BadVerdict(_("A rejection needs one of the nine reasons; choose one."))
    if given.answer == "reject" and given.reason == WORDS_REASON and not given.words.strip():
        raise BadVerdict(_("Another reason needs words that say which."))
    if (given.same_as is not None) != (given.answer == "reject" and given.reason == SAME_REASON):
        raise BadVerdict(_("The same as another case: say which, by its number."))
    if given.category and (given.answer != "confirm" or given.category not in CATEGORIES):
        raise BadVerdict(_("A card cannot be confirmed as this category; choose one of the list."))
    if given.correction != Correction() and given.answer != "confirm":
        raise BadVerdict(_("A box or a place is put right by confirming."))


def check_place(given: Given, case: Case, shown: Case) -> None:
    """Raises BadVerdict for a correction that does not fit the case as it was `shown`."""
    try:
        check(given.correction, case, (shown.lat_deg, shown.lon_deg))
    except BadCorrection as wrong:
        raise BadVerdict(str(wrong)) from wrong


def write(
    case: Case, person: User, verdict_id: UUID, kind: Kind, given: Given, *, proposed: str, counted: bool
) -> Verdict:
    """The answer's row and its audit row. Raises IntegrityError if the id is there."""
    changed = given.category if given.category != proposed else ""
    reason = given.reason if given.answer == "reject" else None
    lat_deg, lon_deg = given.correction.place_deg or (None, None)
    verdict = Verdict.objects.create(
        id=verdict_id, case=case, person=person, kind=kind, answer=given.answer, reason=reason, category=changed, words=given.words.strip()[:LONGEST_WORDS],
        box=list(given.correction.box_px) if given.correction.box_px else None, box_sha256=given.correction.sha256 if given.correction.box_px else "",
        lat_deg=lat_deg, lon_deg=lon_deg, city_id=case.city_id, proposed=proposed, probability=case.probability, batch=given.batch,
        visible_ms=min(given.visible_ms, LONGEST_MS), counted=counted,
    )  # fmt: skip
    if counted and given.answer in ("confirm", "reject"):
        retire_contradicted(case.pk, given.answer, changed or proposed, verdict.at)
    if verdict.words:
        add_with_answer(case, person, verdict.words, verdict.at)
    became = {"old": proposed, "new": changed} if changed else {}
    batch = {"batch": str(given.batch)} if given.batch else {}
    record(Verb.VERDICT, "case", case.pk, city_id=case.city_id, actor_id=person.pk, answer=given.answer, reason=reason, counted=counted, **became, **batch)  # fmt: skip
    return verdict


def apply(case: Case, person: User, verdict: Verdict, now: datetime, same_as: int | None = None) -> None:
    """What a deciding answer does to its undecided case. Call inside the transaction that wrote it."""
    freed: dict[str, Any] = {"lease_by_id": None, "lease_until": None}
    old = State(case.state)
    if verdict.answer == "confirm":
        if verdict.category:
            Case.objects.filter(id=case.pk).update(category=verdict.category)
        if verdict.lat_deg is not None and verdict.lon_deg is not None:
            put(case.pk, (verdict.lat_deg, verdict.lon_deg))
        move(case.pk, old, State.CONFIRMED, now, person.pk, in_shadow_anew=bool(verdict.category), **freed)
    elif verdict.answer == "reject" and same_as is not None:
        try:
            merge(case, same_as, person, verdict, now)
        except Refused as wrong:
            raise BadVerdict(str(wrong)) from wrong
    elif verdict.answer == "reject":
        freed["rejected_probability"] = None if verdict.reason in PASSING_REASONS else case.probability
        move(case.pk, old, State.REJECTED, now, person.pk, **freed)
        withdraw(case, "rejected by a reviewer", now)  # after one city returned it, another may still have it
        if verdict.reason == PERMITTED_REASON:
            ZoneProposal.objects.create(verdict=verdict, case=case, city_id=case.city_id, made_at=now)
    elif verdict.answer == "unsure" and old == State.QUEUED:
        move(case.pk, old, State.DISPUTED, now, person.pk, **freed)
    else:
        Case.objects.filter(id=case.pk).update(**freed)


def has_answered(person: User, case_id: int) -> bool:
    """Whether an answer of this person, a skip aside, stands since the case was queued last."""
    given = Verdict.objects.filter(case=case_id, person=person, undone_at=None).exclude(answer="skip").order_by("-at")
    last = given.values_list("at", flat=True).first()
    if last is None:
        return False
    moves = AuditRow.objects.filter(kind="case", object_id=str(case_id), verb=Verb.CASE_MOVED, at__gt=last)
    return not moves.filter(detail__new=State.QUEUED).exists()


def hide_faces(verdict: Verdict, now: datetime) -> None:
    """Hide the pictures of a case in which somebody saw a face or a plate."""
    if verdict.reason == FACE_REASON:
        same_pictures(verdict.case_id).filter(hidden_at=None).update(hidden_at=now)


def show_faces(verdict: Verdict) -> None:
    """Show them again when that was taken back, unless somebody else saw one too."""
    if verdict.reason == FACE_REASON:
        faces = Verdict.objects.filter(reason=FACE_REASON, undone_at=None).values("case")
        still = Picture.objects.filter(sighting__case__in=faces).values("sha256")
        same_pictures(verdict.case_id).exclude(sha256__in=still).update(hidden_at=None)


def same_pictures(case_id: int) -> QuerySet[Picture]:
    """The case's pictures, and the same ones wherever else they are: a picture's address is its content."""
    return Picture.objects.filter(sha256__in=Picture.objects.filter(sighting__case=case_id).values("sha256"))


def proposed_for(case: Case) -> str:
    """The category that a case was proposed as."""
    return str(case.sightings.values_list("category", flat=True)[0])
