"""Hand-over, retraction, and the city's status coming back."""

from __future__ import annotations

import base64
import json
import os
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.core.signing import TimestampSigner
from django.db import IntegrityError, transaction
from django.db.models import F
from django.utils.dateparse import parse_datetime

from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case
from server.cases.rules import State, may_move
from server.cases.services import move
from server.city.models import Destination, Handover, StatusReport
from server.city.rules import LARGEST_BODY, STATUS_TO_STATE, HandoverKind, HandoverState, case_body, pause_before
from server.city.webhooks import send
from server.fleet.models import City
from server.screening.services import best_picture

CLAIM = timedelta(seconds=60)
PICTURE_DAYS = 30


def add_destination(city: City, name: str, url: str, *, sandbox: bool, allow_private: bool) -> tuple[Destination, str]:
    """A destination with a fresh secret (returned once; kept in a 0600 file)."""
    file_name = f"webhook-{uuid4().hex[:12]}"
    secret = "whsec_" + base64.b64encode(os.urandom(32)).decode()
    settings.SECRETS.mkdir(parents=True, exist_ok=True, mode=0o700)
    with os.fdopen(os.open(settings.SECRETS / file_name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(secret)
    return Destination.objects.create(
        city=city, name=name, url=url, secret_file=file_name, sandbox=sandbox, allow_private=allow_private
    ), secret


def secret_of(destination: Destination) -> str:
    """The destination's secret."""
    return str((settings.SECRETS / destination.secret_file).read_text().strip())


def prepare_handovers(now: datetime) -> int:
    """Write a hand-over for every confirmed case whose grace is over. Only a camera's case leaves for a destination that is no sandbox."""
    due = Case.objects.filter(
        state=State.CONFIRMED, state_at__lte=now - timedelta(seconds=settings.GRACE_S), handovers=None
    )
    made = 0
    for case in due.select_related("city")[:100]:
        destinations = Destination.objects.filter(city=case.city, enabled=True)
        for destination in destinations if case.origin == "camera" else destinations.filter(sandbox=True):
            with transaction.atomic():
                if (
                    Case.objects.filter(id=case.pk, state=State.CONFIRMED).exists()
                    and not Handover.objects.filter(
                        case=case, destination=destination, kind=HandoverKind.CONFIRMED
                    ).exists()
                ):
                    handover = Handover.objects.create(
                        case=case,
                        destination=destination,
                        kind=HandoverKind.CONFIRMED,
                        body=_body(case, now),
                        next_try_at=now,
                    )
                    record(Verb.HANDOVER_MADE, "case", case.pk, city_id=case.city_id, handover=str(handover.pk))
                    made += 1
    return made


def send_due(now: datetime, limit: int = 20) -> int:
    """Try every due hand-over once. The claim is a later `next_try_at`: a worker that dies leaves it due again."""
    tried = 0
    for handover in (
        Handover.objects.filter(state=HandoverState.WAITING, next_try_at__lte=now)
        .select_related("destination", "case")
        .order_by("next_try_at")[:limit]
    ):
        if not Handover.objects.filter(
            id=handover.pk, state=HandoverState.WAITING, next_try_at=handover.next_try_at
        ).update(next_try_at=now + CLAIM, attempts=F("attempts") + 1):
            continue
        if handover.kind == HandoverKind.CONFIRMED and Case.objects.get(id=handover.case_id).state == State.QUEUED:
            Handover.objects.filter(id=handover.pk).delete()  # undone within the grace: nothing has left
            continue
        tried += 1
        _try(handover, now)
    return tried


def _try(handover: Handover, now: datetime) -> None:
    destination = handover.destination
    body = {"type": handover.kind, "timestamp": now.isoformat(), "data": handover.body}
    answer = send(destination.url, secret_of(destination), str(handover.pk), body, destination.allow_private, now)
    with transaction.atomic():
        if answer.delivered:
            Handover.objects.filter(id=handover.pk).update(
                state=HandoverState.RECEIPTED, receipted_at=now, external_id=answer.external_id, last_error=""
            )
            record(Verb.HANDOVER_RECEIPTED, "case", handover.case_id, handover=str(handover.pk))
            if handover.kind == HandoverKind.CONFIRMED:
                move(handover.case_id, State.CONFIRMED, State.HANDED_OVER, now)
            return
        later = now + pause_before(handover.attempts + 1, answer.retry_after_s)
        Handover.objects.filter(id=handover.pk).update(next_try_at=later, last_error=answer.error)
        if answer.gone:
            Destination.objects.filter(id=destination.pk).update(enabled=False)
            Handover.objects.filter(id=handover.pk).update(state=HandoverState.FAILED)
            record(Verb.DESTINATION_DISABLED, "destination", destination.pk, city_id=destination.city_id)


def retract(case: Case, reason: str, now: datetime, actor_id: int | None) -> None:
    """Take back what has left: a retraction to every destination that has the case. Call inside a transaction."""
    for handover in Handover.objects.filter(case=case, kind=HandoverKind.CONFIRMED):
        Handover.objects.create(case=case, destination=handover.destination, kind=HandoverKind.RETRACTED, next_try_at=now,
                                body={"case_number": case.number, "reason": reason, "retracts": str(handover.pk)})  # fmt: skip
    move(case.pk, State(case.state), State.RETRACTED, now, actor_id)


def take_status(destination: Destination, webhook_id: str, message: dict[str, Any], now: datetime) -> bool:
    """Note what the city says of a case, and move the case if the table allows; a late or repeated word changes nothing. False if there is no such case."""
    data = message.get("data")
    if message.get("type") != "case.status" or not isinstance(data, dict):
        return False
    number = data.get("case_number")
    case = Case.objects.filter(city=destination.city, number=number).first() if isinstance(number, int) else None
    status = str(data.get("status", ""))[:24]
    if case is None or status not in STATUS_TO_STATE:
        return False
    reported_at = parse_datetime(str(data.get("at", ""))) or now
    try:
        with transaction.atomic():
            report = StatusReport.objects.create(destination=destination, webhook_id=webhook_id[:100], case=case, status=status,
                                                 text=str(data.get("text", ""))[:500], reported_at=reported_at)  # fmt: skip
            old, new = State(case.state), STATUS_TO_STATE[status]
            # The city may be quicker than the receipt of the hand-over.
            if old == State.CONFIRMED and Handover.objects.filter(case=case, kind=HandoverKind.CONFIRMED).exists():
                move(case.pk, State.CONFIRMED, State.HANDED_OVER, now)
                old = State.HANDED_OVER
            applied = may_move(old, new) and move(case.pk, old, new, now)
            StatusReport.objects.filter(id=report.pk).update(applied=applied)
            record(Verb.CITY_STATUS, "case", case.pk, city_id=case.city_id, status=status, applied=applied)
    except IntegrityError:
        return True
    return True


def picture_address(sha256: str) -> str:
    """An address of a picture that outsiders may open for PICTURE_DAYS; hiding the picture revokes it."""
    return f"{settings.PUBLIC_URL}/pictures/signed/{TimestampSigner(salt='picture').sign(sha256)}.jpg"


def _body(case: Case, now: datetime) -> dict[str, Any]:
    picture = best_picture(case)
    values = {
        "number": case.number, "category": case.category, "lat_deg": round(case.lat_deg, 7), "lon_deg": round(case.lon_deg, 7), "origin": case.origin,
        "error_m": round(2.45 * max(case.covariance_ee, case.covariance_nn) ** 0.5, 1), "seen_at": case.last_seen_at.isoformat(),
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
