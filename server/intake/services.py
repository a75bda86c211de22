"""Messages in: checked, their pictures durable, their rows committed and joined, and only then answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction

from models.contract import (
    AckItem,
    Picture,
    RefusedMessage,
    Sighting,
    Status,
    decode,
    digest_of,
    identity_of,
    vehicle_of,
)
from models.pixels import BadPicture, jpeg_size
from models.taxonomy import CATEGORIES
from server import pictures
from server.audit.rules import Verb
from server.audit.services import record
from server.cases import models as rows
from server.cases.services import join
from server.fleet.models import Vehicle
from server.intake.models import SetAside

log = logging.getLogger("trikeye.intake")
NOBODY = UUID(int=0)
ENOUGH_FAILED = 3
T = TypeVar("T")


@dataclass(frozen=True)
class _Ready:
    """A sighting that was checked and whose pictures are durable: only its row is missing."""

    topic: str
    body: bytes
    digest: str
    sighting: Sighting
    vehicle: Vehicle


def take_sighting(topic: str, body: bytes, now: datetime) -> AckItem:
    """Store a sighting and return the answer; what is refused is set aside with its reason, never dropped.

    Raises when there is no room or no database: that passes, and the message comes again. Any other failure would come again with it for ever.
    """
    ready = _answered(topic, body, lambda: _make_ready(topic, body))
    return ready if isinstance(ready, AckItem) else _answered(topic, body, lambda: _store(ready, now))


def take_sightings(messages: Sequence[tuple[str, bytes]], now: datetime) -> list[AckItem | None]:
    """Store many (topic, body) in one transaction, which costs hardly more than one. None for what there is no room or no database for.

    One that is refused costs the others nothing; where the transaction itself fails, each gets its own.
    """
    try:
        ready = [_answered(topic, body, partial(_make_ready, topic, body)) for topic, body in messages]
        with transaction.atomic():
            return [
                each if isinstance(each, AckItem) else _answered(each.topic, each.body, partial(_store, each, now))
                for each in ready
            ]
    except Exception as wrong:
        log.warning("%d messages could not be stored together (%s); each is tried alone", len(messages), wrong)
        return _one_by_one(messages, now)


def _one_by_one(messages: Sequence[tuple[str, bytes]], now: datetime) -> list[AckItem | None]:
    answers: list[AckItem | None] = []
    failed = 0
    for topic, body in messages:
        # One that fails alone is its own fault; some in a row are the disk's or the database's, which are asked no more.
        if failed >= ENOUGH_FAILED:
            answers.append(None)
            continue
        try:
            answers.append(take_sighting(topic, body, now))
            failed = 0
        except (DatabaseError, OSError) as wrong:
            log.error("a message on %s could not be stored (%s); it will come again", topic, wrong)
            answers.append(None)
            failed += 1
        except Exception as wrong:
            log.exception("a message on %s is passed over", topic)
            reason = f"internal_error: {type(wrong).__name__}"
            answers.append(
                AckItem(id=identity_of(body) or NOBODY, digest=digest_of(body), outcome="refused", reason=reason)
            )
    return answers


def _answered(topic: str, body: bytes, work: Callable[[], T]) -> T | AckItem:
    """What `work` returns, or the refusal that it ends in. Raises what passes: no room, no database."""
    try:
        return work()
    except RefusedMessage as wrong:
        return _refuse(topic, body, digest_of(body), wrong)
    except (OperationalError, InterfaceError, OSError):
        raise
    except Exception as wrong:
        log.exception("a message of %s brought intake to an error; it is set aside", topic)
        refused = RefusedMessage("internal_error", f"{type(wrong).__name__}: {wrong}")
        return _refuse(topic, body, digest_of(body), refused)


def take_status(topic: str, body: bytes, now: datetime, is_kept_copy: bool = False) -> bool:
    """Note that a vehicle is online or offline; whether it says that it is online. A copy that the broker kept may be old: it tells nothing of when. Raises RefusedMessage."""
    name, _ = vehicle_of(topic)
    status = decode(Status, body)
    if status.vehicle != name:
        return False
    heard = {} if is_kept_copy else {"last_seen_at": now}
    Vehicle.objects.filter(name=name).update(online=status.online, **heard)
    return status.online


def _make_ready(topic: str, body: bytes) -> _Ready | AckItem:
    """Check a message and make its pictures durable, outside of any transaction; or the answer, if it is here already. Raises RefusedMessage."""
    vehicle_name, _ = vehicle_of(topic)
    sighting = decode(Sighting, body)
    if sighting.vehicle != vehicle_name:
        raise RefusedMessage("wrong_vehicle", f"the message of {sighting.vehicle} came from {vehicle_name}")
    vehicle = Vehicle.objects.filter(name=sighting.vehicle).first()
    if vehicle is None or vehicle.revoked_at is not None:
        raise RefusedMessage("unknown_vehicle", f"{sighting.vehicle} was never added or is revoked")
    if sighting.category not in CATEGORIES:
        raise RefusedMessage("unknown_category", f"{sighting.category!r} is not in the taxonomy")
    known = _known(sighting, vehicle)
    if known is not None:
        return known
    for picture in sighting.pictures:
        _check(picture)
    for picture in sighting.pictures:
        pictures.keep(picture.sha256, picture.bytes)
    return _Ready(topic, body, digest_of(body), sighting, vehicle)


def _store(ready: _Ready, now: datetime) -> AckItem:
    sighting, vehicle = ready.sighting, ready.vehicle
    try:
        with transaction.atomic():
            row = rows.Sighting.objects.create(**_columns(sighting, vehicle, ready.digest))
            rows.Picture.objects.bulk_create(_picture_row(row, picture) for picture in sighting.pictures)
            record(Verb.SIGHTING_TAKEN, "sighting", row.id, city_id=vehicle.city_id, vehicle=vehicle.pk, **_reused(row))
            join(row, now)
            Vehicle.objects.filter(id=vehicle.pk).update(last_seen_at=now, last_sighting_at=now)
    except IntegrityError:
        known = _known(sighting, vehicle)
        if known is None:
            raise
        return known
    return AckItem(id=sighting.id, digest=ready.digest, outcome="accepted")


def _reused(row: rows.Sighting) -> dict[str, bool]:
    """Whether its place in the outbox was another's before: a copied card or a restored backup. `id` alone is identity, so it is only noted."""
    if not rows.Sighting.objects.filter(outbox=row.outbox, sequence=row.sequence).exclude(id=row.id).exists():
        return {}
    log.warning("%s", json.dumps({"event": "sequence_reused", "outbox": str(row.outbox), "sequence": row.sequence, "id": str(row.id)}))  # fmt: skip
    return {"sequence_reused": True}


def _known(sighting: Sighting, vehicle: Vehicle) -> AckItem | None:
    there = rows.Sighting.objects.filter(id=sighting.id).values_list("vehicle_id", "digest").first()
    if there is None:
        return None
    if there[0] != vehicle.pk:
        raise RefusedMessage("id_conflict", "another vehicle has sent this id")
    return AckItem(id=sighting.id, digest=there[1], outcome="known")


def _check(picture: Picture) -> None:
    try:
        size = jpeg_size(picture.bytes)
    except BadPicture as wrong:
        raise RefusedMessage("bad_picture", str(wrong)) from None
    if size != (picture.width, picture.height):
        raise RefusedMessage(
            "bad_picture", f"the picture is {size[0]} x {size[1]}, the message says {picture.width} x {picture.height}"
        )


def _refuse(topic: str, body: bytes, digest: str, wrong: RefusedMessage) -> AckItem:
    sighting_id = identity_of(body)
    name = topic.split("/")[2][:32] if topic.count("/") == 3 else ""
    SetAside.objects.get_or_create(digest=digest, defaults={"topic": topic[:200], "vehicle_name": name, "sighting_id": sighting_id, "reason": wrong.reason,
                                                            "text": str(wrong)[:300], "body": body[:262144]})  # fmt: skip
    return AckItem(id=sighting_id or NOBODY, digest=digest, outcome="refused", reason=f"{wrong.reason}: {wrong}"[:200])


def _picture_row(row: rows.Sighting, picture: Picture) -> rows.Picture:
    return rows.Picture(sighting=row, sha256=picture.sha256, role=picture.role, width=picture.width, height=picture.height,
                        box=list(picture.box) if picture.box else None, jpeg_bytes=len(picture.bytes))  # fmt: skip


def _columns(s: Sighting, vehicle: Vehicle, digest: str) -> dict[str, Any]:
    (ee, en), (_, nn) = s.place.covariance_m2
    return {
        "id": s.id, "digest": digest, "city_id": vehicle.city_id, "fleet_id": vehicle.fleet_id, "vehicle": vehicle, "outbox": s.outbox, "sequence": s.sequence,
        "pass_id": s.pass_id, "origin": s.origin, "seen_at": s.seen_at.utc, "clock_source": s.seen_at.source, "clock_sigma_s": s.seen_at.sigma_s,
        "category": s.category, "detail": s.detail, "score": s.score, "probability": s.probability, "lat_deg": s.place.lat_deg, "lon_deg": s.place.lon_deg,
        "covariance_ee": ee, "covariance_en": en, "covariance_nn": nn, "method": s.place.method, "bearing_deg": s.place.bearing_deg,
        "range_m": s.place.range_m, "near_m": s.place.near_m, "far_m": s.place.far_m, "fix_lat_deg": s.fix.lat_deg, "fix_lon_deg": s.fix.lon_deg,
        "fix_sigma_m": s.fix.sigma_m, "fix_heading_deg": s.fix.heading_deg, "camera": s.camera, "boot_id": s.boot_id, "monotonic_ns": s.monotonic_ns,
        "calibration_digest": s.calibration_digest, "settings_revision": s.settings_revision, "pack_name": s.pack.name, "pack_digest": s.pack.digest,
        "redaction_digest": s.redaction.digest, "redaction_regions": s.redaction.regions,
    }  # fmt: skip
