"""Destinations, hand-over and retraction."""

from __future__ import annotations

import base64
import json
import logging
import os
from datetime import datetime, timedelta
from time import monotonic
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.signing import TimestampSigner
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils.timezone import localtime

from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Picture, in_shadow
from server.cases.rules import AT_CITY, State, ellipse_95
from server.cases.services import move
from server.categories.models import standing_of
from server.categories.rules import Standing
from server.city.models import Destination, Handover
from server.city.rows import has_left
from server.city.rules import (
    LARGEST_BODY,
    SENT_IN,
    HandoverKind,
    HandoverState,
    case_body,
    due_of,
    pause_before,
)
from server.city.webhooks import Answer, checked, send
from server.counters import TRIES
from server.fleet.models import City
from server.log import tell, warn
from server.places.rules import Named
from server.places.services import name_of
from server.review.boxes import with_boxes
from server.screening.services import best_picture

log = logging.getLogger("trikeye.work")
CLAIM = timedelta(seconds=120)  # longer than any try
PICTURE_DAYS = 30
BATCH = 100
SECRET_PREFIX = "whsec_"


class SecretLost(Exception):
    """A destination's secret cannot be read, so nothing can be signed or checked; the text says what to do."""

    def __init__(self, destination: Destination, why: str) -> None:
        super().__init__(f"secrets/{destination.secret_file} in the data folder: {why}; put the file back, or run trikeye server destination add {destination.name} again and give the city the new secret")  # fmt: skip


def add_destination(city: City, name: str, url: str, *, sandbox: bool, allow_private: bool) -> tuple[Destination, str]:
    """A destination with a fresh secret (returned once; kept in a 0600 file). One that is there already gets the new address and secret. ValueError if no city can be reached at `url`."""
    checked(url, allow_private)
    file_name = f"webhook-{uuid4().hex[:12]}"
    secret = SECRET_PREFIX + base64.b64encode(os.urandom(32)).decode()
    settings.SECRETS.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(settings.SECRETS / file_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
    old = Destination.objects.filter(city=city, name=name).first()
    values = {"url": url, "secret_file": file_name, "sandbox": sandbox, "allow_private": allow_private, "enabled": True}
    destination, _ = Destination.objects.update_or_create(city=city, name=name, defaults=values)
    if old is not None:
        (settings.SECRETS / old.secret_file).unlink(missing_ok=True)
    return destination, secret


def secret_of(destination: Destination) -> str:
    """The destination's secret. Raises SecretLost."""
    try:
        secret = str((settings.SECRETS / destination.secret_file).read_text().strip())
    except (OSError, ValueError) as wrong:
        raise SecretLost(destination, type(wrong).__name__) from wrong
    if not secret.startswith(SECRET_PREFIX):
        raise SecretLost(destination, "no secret in it")
    return secret


def live() -> QuerySet[Handover]:
    """The hand-overs by which a destination has a case, may have it, or is about to get it."""
    return Handover.objects.filter(kind=HandoverKind.CONFIRMED, ended_at=None)


def prepare_handovers(now: datetime) -> int:
    """Write a hand-over for every case that may leave and that a destination does not have: confirmed and past its grace, or reopened, and out of shadow.

    Only a camera's case of a live category leaves for a destination that is no sandbox.
    """
    has_it = live().filter(case=OuterRef(OuterRef("pk")), destination=OuterRef("pk"))
    lacking = Destination.objects.filter(city=OuterRef("city"), enabled=True).exclude(Exists(has_it))
    grace_over = Q(state=State.CONFIRMED, state_at__lte=now - timedelta(seconds=settings.GRACE_S))
    due = Case.objects.filter(
        grace_over & in_shadow(False) | Q(state=State.REOPENED) & in_shadow(False),
        Exists(lacking.filter(sandbox=True)) & Exists(standing_of())
        | Exists(lacking) & Exists(standing_of(at_least=Standing.LIVE)) & Q(origin="camera"),
    )
    return sum(_prepare(case_id, now) for case_id in due.values_list("id", flat=True)[:BATCH])


@transaction.atomic
def _prepare(case_id: int, now: datetime) -> int:
    """All destinations of one case at once: a case between two of them would never be looked at again."""
    case = Case.objects.select_for_update().get(id=case_id)
    if case.state not in (State.CONFIRMED, State.REOPENED) or case.shadow:
        return 0
    return _to_lacking(case, now)


def _to_lacking(case: Case, now: datetime, actor_id: int | None = None) -> int:
    """Write a hand-over for every destination that lacks a case and may have it; how many."""
    made = 0
    for destination in _lacking(case):
        handover = Handover.objects.create(
            case=case, destination=destination, kind=HandoverKind.CONFIRMED, body={}, next_try_at=now
        )
        record(Verb.HANDOVER_MADE, "case", case.pk, city_id=case.city_id, actor_id=actor_id, handover=str(handover.pk))
        made += 1
    return made


def _lacking(case: Case) -> QuerySet[Destination]:
    """The destinations that lack a case and may have it."""
    lacking = Destination.objects.filter(city=case.city_id, enabled=True).exclude(
        id__in=live().filter(case=case).values("destination")
    )
    this = Case.objects.filter(id=case.pk)
    if this.filter(Exists(standing_of(at_least=Standing.LIVE)), origin="camera").exists():
        return lacking
    return lacking.filter(sandbox=True) if this.filter(Exists(standing_of())).exists() else lacking.none()


def _put_off(case: Case, now: datetime) -> QuerySet[Handover]:
    """What failed and waits for its next try."""
    return live().filter(case=case, state=HandoverState.WAITING, attempts__gt=0, next_try_at__gt=now + CLAIM)


def is_owed(case: Case, now: datetime) -> bool:
    """Whether a city would get a case sooner if it were handed over again: a try failed, or a case that is with one lacks elsewhere. What is confirmed and waits leaves by itself."""
    if case.state not in SENT_IN or case.shadow:
        return False
    return _put_off(case, now).filter(destination__enabled=True).exists() or (case.state in AT_CITY and _lacking(case).exists())  # fmt: skip


def hand_over_again(case: Case, now: datetime, actor_id: int) -> int:
    """Try at once what failed and waits for its next try, and write to the destinations that lack a case: one was out of order, or is new. How many; 0 where all have it, and of a case in shadow or in a state that no city gets. Call inside a transaction."""
    case = Case.objects.select_for_update().get(id=case.pk)
    if case.state not in SENT_IN or case.shadow:
        return 0
    waiting = _put_off(case, now)
    hurried = [*waiting.values_list("id", flat=True)]
    waiting.update(next_try_at=now)
    for handover_id in hurried:
        record(Verb.HANDOVER_HURRIED, "case", case.pk, city_id=case.city_id, actor_id=actor_id, handover=str(handover_id))  # fmt: skip
    return len(hurried) + _to_lacking(case, now, actor_id)


def _due(now: datetime) -> QuerySet[Handover]:
    """What may be tried now: retractions, and cases still out of shadow. A destination gets the messages of one case in the order in which they were written."""
    earlier = Handover.objects.filter(
        case=OuterRef("case"),
        destination=OuterRef("destination"),
        state=HandoverState.WAITING,
        made_at__lt=OuterRef("made_at"),
    )
    may_leave = Exists(standing_of("case__", at_least=Standing.LIVE)) | Exists(standing_of("case__")) & Q(
        destination__sandbox=True
    )
    return Handover.objects.filter(
        Q(kind=HandoverKind.RETRACTED) | Q(case__state__in=SENT_IN, case__shadow=False) & may_leave,
        state=HandoverState.WAITING,
        next_try_at__lte=now,
        destination__enabled=True,
    ).exclude(Exists(earlier))


def send_due(now: datetime, limit: int = 20) -> int:
    """Try due hand-overs, each at its own instant: a slow city must not make the next one's signature old. A destination that failed is left alone for this round."""
    began, tried = monotonic(), 0
    down: set[int] = set()
    while tried < limit:
        at = now + timedelta(seconds=monotonic() - began)
        due = _due(at).exclude(destination__in=down)
        handover = due.select_related("destination", "case__city").order_by("next_try_at").first()
        if handover is None:
            break
        # The claim is a later `next_try_at`: a worker that dies leaves it due again.
        claimed = _due(at).filter(id=handover.pk, next_try_at=handover.next_try_at)
        if claimed.update(next_try_at=at + CLAIM, attempts=F("attempts") + 1):
            tried += 1
            if not _try(handover, at):
                down.add(handover.destination_id)
    return tried


def _try(handover: Handover, now: datetime) -> bool:
    """One try. Whatever goes wrong with one city's address, secret, answer or case is noted there and tried again later; the others go on."""
    try:
        answer = _post(handover, now)
    except Exception as wrong:
        log.exception("hand-over %s", handover.pk)
        answer = Answer(False, error=f"{type(wrong).__name__}: {wrong}"[:300])
    with transaction.atomic():
        if answer.delivered:
            _note_receipt(handover, answer, now)
        else:
            _note_failure(handover, answer, now)
    TRIES.labels("delivered" if answer.delivered else "gone" if answer.gone else "failed").inc()
    told = {
        "case": handover.case_id,
        "handover": handover.pk,
        "destination": handover.destination.name,
        "kind": handover.kind,
    }
    if answer.delivered:
        tell(log, "handover_delivered", **told, external_id=answer.external_id)
    else:
        warn(log, "handover_failed", **told, attempt=handover.attempts + 1, why=answer.error)
    return answer.delivered


def _post(handover: Handover, now: datetime) -> Answer:
    destination = handover.destination
    if not handover.body:  # written at the first try, the same ever after
        handover.body = _body(handover.case, now)
        handover.save(update_fields=["body"])
    message = {"type": handover.kind, "timestamp": now.isoformat(), "data": handover.body}
    return send(destination.url, secret_of(destination), str(handover.pk), message, destination.allow_private, now)


def _note_receipt(handover: Handover, answer: Answer, now: datetime) -> None:
    row = Handover.objects.filter(id=handover.pk)
    row.update(receipted_at=now, external_id=answer.external_id, last_error="")
    # One that was withdrawn while it was on its way stays so: its retraction is written already.
    row.filter(state=HandoverState.WAITING).update(state=HandoverState.RECEIPTED)
    record(Verb.HANDOVER_RECEIPTED, "case", handover.case_id, handover=str(handover.pk))
    if live().filter(id=handover.pk).exists():
        note_handed_over(handover.case_id, now, since=now)


def note_handed_over(case_id: int, now: datetime, since: datetime | None = None) -> None:
    """A city has a case, by a receipt `since` then. Its deadline counts from the first receipt after the case was decided; who wants to know reads the row."""
    for old in (State.CONFIRMED, State.REOPENED):
        move(case_id, old, State.HANDED_OVER, now)
    case = Case.objects.select_related("city").filter(id=case_id, deadline_at=None, state__in=AT_CITY).first()
    due = due_of(case.category, case.city.key, localtime(since)) if case and since else None
    if due is not None:
        Case.objects.filter(id=case_id, deadline_at=None, state__in=AT_CITY).update(deadline_at=due.at)


def _note_failure(handover: Handover, answer: Answer, now: datetime) -> None:
    later = now + pause_before(handover.attempts + 1, answer.retry_after_s)
    row = Handover.objects.filter(id=handover.pk, state=HandoverState.WAITING)
    row.update(next_try_at=later, last_error=answer.error)
    if answer.gone:
        destination = handover.destination
        Destination.objects.filter(id=destination.pk).update(enabled=False)
        row.update(state=HandoverState.FAILED, ended_at=now)
        record(Verb.DESTINATION_DISABLED, "destination", destination.pk, city_id=destination.city_id)


def may_have(case: Case) -> bool:
    """Whether a destination has a case or may have it: what was tried may have arrived, whatever became of the answer."""
    return live().filter(case=case).exclude(state=HandoverState.WAITING, attempts=0).exists()


def withdraw(case: Case, reason: str, now: datetime) -> None:
    """Take a case back from every destination: what was never tried is cancelled; where it is or may be, a retraction follows. Call inside a transaction."""
    if has_left(case.pk):  # most cases that are merged or undone never did
        _end(live().filter(case=case), case, reason, now)


def hold_back(case: Case, reason: str, now: datetime) -> None:
    """Withdraw what has not been receipted; a destination that has the case keeps it. Call inside a transaction."""
    if has_left(case.pk):
        _end(live().filter(case=case, state=HandoverState.WAITING), case, reason, now)


def _end(rows: QuerySet[Handover], case: Case, reason: str, now: datetime) -> None:
    rows.filter(state=HandoverState.WAITING, attempts=0).update(state=HandoverState.CANCELLED, ended_at=now)
    for handover in rows.select_related("destination"):
        on_its_way = handover.state == HandoverState.WAITING
        # A try may be under way this instant: the retraction waits until it is over, lest it overtakes.
        due = min(max(now, handover.next_try_at), now + CLAIM) if on_its_way else now
        Handover.objects.create(case=case, destination=handover.destination, kind=HandoverKind.RETRACTED, next_try_at=due,
                                body={"case_number": case.number, "reason": reason, "retracts": str(handover.pk)})  # fmt: skip
        Handover.objects.filter(id=handover.pk).update(ended_at=now)
        Handover.objects.filter(id=handover.pk, state=HandoverState.WAITING).update(state=HandoverState.CANCELLED)


def retract(case: Case, reason: str, now: datetime, actor_id: int | None) -> None:
    """Withdraw a case that has left, for good. Call inside a transaction."""
    withdraw(case, reason, now)
    move(case.pk, State(case.state), State.RETRACTED, now, actor_id)


def picture_address(sha256: str) -> str:
    """An address of a picture that outsiders may open for PICTURE_DAYS; hiding the picture revokes it."""
    return f"{settings.PUBLIC_URL}/pictures/signed/{TimestampSigner(salt='picture').sign(sha256)}.jpg"


def _body(case: Case, now: datetime) -> dict[str, Any]:
    picture = best_picture(case)
    values = {
        "number": case.number, "category": case.category, "lat_deg": round(case.lat_deg, 7), "lon_deg": round(case.lon_deg, 7), "origin": case.origin,
        "error_m": round(ellipse_95(case.covariance_ee, case.covariance_en, case.covariance_nn)[0], 1), "seen_at": case.last_seen_at.isoformat(),
        "placed_by": case.placed_by, "picture_box": _share_box(picture) if picture else None, "named": name_of(case) or Named(),
    }  # fmt: skip
    body = case_body(
        values,
        case.city.key,
        case.city.division_code,
        picture_address(picture.sha256) if picture else "",
        now.isoformat(),
    )
    if len(json.dumps(body)) > LARGEST_BODY:
        raise ValueError("a hand-over must stay below 20 kB")
    return body


def _share_box(picture: Picture) -> list[float] | None:
    box = with_boxes(Picture.objects.filter(id=picture.pk)).get().box_now
    if not box:
        return None
    sides = (picture.width, picture.height, picture.width, picture.height)
    return [round(min(1.0, max(0.0, edge / side)), 4) for edge, side in zip(box, sides, strict=True)]
