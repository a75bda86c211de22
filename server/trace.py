"""The whole story of one sighting or case, oldest first, out of the database: received, joined, screened, decided, handed over, answered. In words that machines can read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from server import pictures
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Case, Picture, Sighting
from server.city.models import Handover, StatusReport
from server.intake.models import SetAside
from server.review.models import Verdict


@dataclass(frozen=True)
class Step:
    """Something that happened. `told` has the same keys as the log: sighting, case, handover and so on."""

    at: datetime
    event: str
    told: dict[str, Any]


def story_of_sighting(sighting_id: UUID) -> list[Step]:
    """What became of a sighting, and of the case that has it; of a refused one, why. Empty if it never came."""
    sighting = Sighting.objects.select_related("vehicle").filter(id=sighting_id).first()
    steps = [*_refusals(sighting_id)]
    if sighting is not None:
        steps += [*_arrival(sighting)]
        if sighting.case is not None:
            steps += [*_life(sighting.case)]
    return sorted(steps, key=lambda step: step.at)


def story_of_case(case: Case) -> list[Step]:
    """What happened to a case, its sightings' arrivals among it."""
    seen = (step for row in case.sightings.select_related("vehicle") for step in _arrival(row))
    return sorted([*seen, *_life(case)], key=lambda step: step.at)


def _refusals(sighting_id: UUID) -> Iterator[Step]:
    for row in SetAside.objects.filter(sighting_id=sighting_id):
        yield Step(row.at, "sighting_refused", {"sighting": str(sighting_id), "vehicle": row.vehicle_name, "reason": row.reason, "text": row.text})  # fmt: skip


def _arrival(row: Sighting) -> Iterator[Step]:
    here = {"sighting": str(row.pk), "case": row.case_id}
    yield Step(row.seen_at, "sighting_seen", {**here, "vehicle": row.vehicle.name, "category": row.category, "probability": row.probability, "clock": row.clock_source})  # fmt: skip
    yield Step(row.received_at, "sighting_received", {**here, "vehicle": row.vehicle.name, "digest": row.digest})
    for picture in Picture.objects.filter(sighting=row).order_by("id"):
        state = "hidden" if picture.hidden_at else "there" if pictures.path_of(picture.sha256).exists() else "missing"
        yield Step(row.received_at, "picture_kept", {**here, "role": picture.role, "sha256": picture.sha256, "file": state})  # fmt: skip


def _life(case: Case) -> Iterator[Step]:
    here = {"case": case.pk, "number": case.number, "city": case.city.key}
    for row in AuditRow.objects.filter(kind="case", object_id=str(case.pk)).exclude(verb__in=(Verb.VERDICT, Verb.CITY_STATUS)).order_by("id"):  # fmt: skip
        yield Step(row.at, row.verb, {**here, "person": row.actor_id, **row.detail})
    for verdict in Verdict.objects.filter(case=case):
        yield Step(verdict.at, "verdict", {**here, "verdict": str(verdict.pk), "person": verdict.person_id, "answer": verdict.answer, "reason": verdict.reason, "counted": verdict.counted})  # fmt: skip
        if verdict.undone_at:
            yield Step(verdict.undone_at, "verdict_taken_back", {**here, "verdict": str(verdict.pk), "person": verdict.person_id})  # fmt: skip
    for handover in Handover.objects.select_related("destination").filter(case=case, state="waiting"):
        yield Step(handover.next_try_at, "handover_due", {**here, "handover": str(handover.pk), "destination": handover.destination.name, "kind": handover.kind, "attempts": handover.attempts, "last_error": handover.last_error})  # fmt: skip
    for report in StatusReport.objects.select_related("destination").filter(case=case):
        yield Step(report.received_at, "city_status", {**here, "destination": report.destination.name, "status": report.status, "said_at": report.reported_at.isoformat(), "applied": report.applied})  # fmt: skip
