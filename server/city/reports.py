"""The way back: what a city says of a case, noted and followed."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, make_aware

from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case
from server.cases.rules import State, may_move
from server.cases.services import move, reopen_if_seen_later
from server.city.models import Destination, StatusReport
from server.city.rules import STATUS_TO_STATE
from server.city.services import live, note_handed_over
from server.city.webhooks import UTC


def take_status(destination: Destination, webhook_id: str, message: dict[str, Any], now: datetime) -> bool:
    """Note what the city says of a case, and move the case if the table allows; a late or repeated word changes nothing. False if there is no such case."""
    data = message.get("data")
    if message.get("type") != "case.status" or not isinstance(data, dict):
        return False
    status = str(data.get("status", ""))[:24]
    try:
        with transaction.atomic():
            case = _case_of(destination, data.get("case_number"))
            if case is None or status not in STATUS_TO_STATE:
                return False
            report = StatusReport.objects.create(destination=destination, webhook_id=webhook_id[:100], case=case, status=status,
                                                 text=str(data.get("text", ""))[:500], reported_at=_instant(data.get("at"), now))  # fmt: skip
            report.applied = _follow(case, destination, STATUS_TO_STATE[status], now)
            report.save(update_fields=["applied"])
            if report.applied and status == "fixed":
                reopen_if_seen_later(case.pk, now)
            record(Verb.CITY_STATUS, "case", case.pk, city_id=case.city_id, status=status, applied=report.applied)
    except IntegrityError:
        return True
    return True


def _case_of(destination: Destination, number: Any) -> Case | None:
    """The case of this number, or the one it became; locked, so that of two reports at once none is lost."""
    wanted: dict[str, Any] = {"city": destination.city_id, "number": number}
    while isinstance(number, int):
        case = Case.objects.select_for_update().filter(**wanted).first()
        if case is None or case.merged_into_id is None:
            return case
        wanted = {"id": case.merged_into_id}
    return None


def _follow(case: Case, destination: Destination, new: State, now: datetime) -> bool:
    """Move a case as a city that has it says. One returned goes back to the queue; what the city returned or fixed it no longer has."""
    has_it = live().filter(case=case, destination=destination, attempts__gt=0)
    if not has_it.exists():
        return False
    old = State(case.state)
    if old in (State.CONFIRMED, State.REOPENED):  # the city may be quicker than the receipt of the hand-over
        note_handed_over(case.pk, now)
        old = State.HANDED_OVER
    if new in (State.RETURNED, State.FIXED):
        has_it.update(ended_at=now)
    applied = may_move(old, new) and move(case.pk, old, new, now)
    if applied and new == State.RETURNED:
        move(case.pk, State.RETURNED, State.QUEUED, now, lease_by_id=None, lease_until=None)
    return applied


def _instant(text: Any, now: datetime) -> datetime:
    """When the city says it was: never later than now; now if it names no instant."""
    try:
        said = parse_datetime(str(text))
        if said is None:
            return now
        return min((make_aware(said) if is_naive(said) else said).astimezone(UTC), now)
    except (ValueError, OverflowError):
        return now
