"""Messages in: checked, their pictures durable, their rows committed and joined, and only then answered."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from uuid import UUID

from django.db import DatabaseError, IntegrityError, InterfaceError, OperationalError, transaction
from django.utils import timezone

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
from server.audit.services import Deed, record_all
from server.cases import models as rows
from server.cases.rows import Member, add_pictures, add_sighting
from server.cases.services import join
from server.fleet.models import Vehicle
from server.intake.models import SetAside
from server.log import warn

log = logging.getLogger("trikeye.intake")
NOBODY = UUID(int=0)
ENOUGH_FAILED = 3
_syncing = ThreadPoolExecutor(16, "pictures")
T = TypeVar("T")


@dataclass(frozen=True)
class _Ready:
    """A sighting that was checked: its pictures and its row are missing."""

    topic: str
    body: bytes
    digest: str
    sighting: Sighting
    vehicle: Vehicle


def take_sighting(topic: str, body: bytes, now: datetime) -> AckItem:
    """Store a sighting and return the answer; what is refused is set aside with its reason, never dropped.

    Raises when there is no room or no database: that passes, and the message comes again. Any other failure would come again with it for ever.
    """
    return _answered(topic, body, lambda: _together([(topic, body)], now)[0])


def take_sightings(messages: Sequence[tuple[str, bytes]], now: datetime) -> list[AckItem | None]:
    """Store many (topic, body) in one transaction, which costs hardly more than one. None for what there is no room or no database for.

    One that is refused costs the others nothing; where the transaction itself fails, each gets its own.
    """
    try:
        return [*_together(messages, now)]
    except Exception as wrong:
        log.warning("%d messages could not be stored together (%s); each is tried alone", len(messages), wrong)
        return _one_by_one(messages, now)


def _together(messages: Sequence[tuple[str, bytes]], now: datetime) -> list[AckItem]:
    """Check messages and make their pictures durable, then store them in one transaction; what all need is looked up and noted once."""
    read = [(topic, body, _answered(topic, body, partial(_read, topic, body))) for topic, body in messages]
    sightings = [each for _, _, each in read if isinstance(each, Sighting)]
    vehicles = {row.name: row for row in Vehicle.objects.filter(name__in={s.vehicle for s in sightings})}
    known = _known(sightings)
    ready = [
        each if isinstance(each, AckItem) else _answered(topic, body, partial(_make_ready, topic, body, each, vehicles, known))
        for topic, body, each in read
    ]  # fmt: skip
    _keep_pictures([each.sighting for each in ready if isinstance(each, _Ready)])
    with transaction.atomic():
        used = _places_used([each.sighting for each in ready if isinstance(each, _Ready)])
        answers = [
            each if isinstance(each, AckItem) else _answered(each.topic, each.body, partial(_store, each, now))
            for each in ready
        ]
        pairs = zip(ready, answers, strict=True)
        stored = [each for each, answer in pairs if isinstance(each, _Ready) and answer.outcome == "accepted"]
        _note(stored, used, now)
    return answers


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


def cases_of(sighting_ids: Sequence[UUID]) -> dict[UUID, int | None]:
    """Which case has each of these sightings; none of them while the database does not answer."""
    try:
        return dict(rows.Sighting.objects.filter(id__in=sighting_ids).values_list("id", "case_id"))
    except DatabaseError:
        return {}


def take_status(topic: str, body: bytes, now: datetime, is_kept_copy: bool = False) -> bool:
    """Note that a vehicle is online or offline; whether it says that it is online. A copy that the broker kept may be old: it tells nothing of when. Raises RefusedMessage."""
    name, _ = vehicle_of(topic)
    status = decode(Status, body)
    if status.vehicle != name:
        return False
    heard = {} if is_kept_copy else {"last_seen_at": now}
    Vehicle.objects.filter(name=name).update(online=status.online, **heard)
    return status.online


def _read(topic: str, body: bytes) -> Sighting:
    vehicle_name, _ = vehicle_of(topic)
    sighting = decode(Sighting, body)
    if sighting.vehicle != vehicle_name:
        raise RefusedMessage("wrong_vehicle", f"the message of {sighting.vehicle} came from {vehicle_name}")
    return sighting


def _make_ready(
    topic: str, body: bytes, sighting: Sighting, vehicles: Mapping[str, Vehicle], known: Mapping[UUID, tuple[int, str]]
) -> _Ready | AckItem:
    """Check a message; or the answer, if it is here already. Raises RefusedMessage."""
    vehicle = vehicles.get(sighting.vehicle)
    if vehicle is None or vehicle.revoked_at is not None:
        raise RefusedMessage("unknown_vehicle", f"{sighting.vehicle} was never added or is revoked")
    if sighting.category not in CATEGORIES:
        raise RefusedMessage("unknown_category", f"{sighting.category!r} is not in the taxonomy")
    if sighting.id in known:
        return _known_answer(sighting, vehicle, known[sighting.id])
    for picture in sighting.pictures:
        _check(picture)
    return _Ready(topic, body, digest_of(body), sighting, vehicle)


def _keep_pictures(sightings: Sequence[Sighting]) -> None:
    """Make pictures durable, outside of any transaction; many at once, since a disk syncs those in one go. Raises OSError."""
    by_key = {picture.sha256: picture.bytes for sighting in sightings for picture in sighting.pictures}
    kept = [_syncing.submit(pictures.keep, sha256, data) for sha256, data in by_key.items()]
    wait(kept)  # all of them, also where one fails: what is tried again must not meet one still being written
    for each in kept:
        each.result()


def _store(ready: _Ready, now: datetime) -> AckItem:
    sighting, vehicle = ready.sighting, ready.vehicle
    try:
        with transaction.atomic():
            columns = _columns(sighting, vehicle, ready.digest)
            add_sighting(columns)
            join(Member._make(columns[name] for name in Member._fields), now)
    except IntegrityError:
        known = _known([sighting])
        if not known:
            raise
        return _known_answer(sighting, vehicle, known[sighting.id])
    return AckItem(id=sighting.id, digest=ready.digest, outcome="accepted")


def _note(stored: Sequence[_Ready], used: set[tuple[UUID, int]], now: datetime) -> None:
    """What hangs on sightings just stored: their pictures' rows, what is recorded of them, when their vehicles were heard. Call inside their transaction."""
    add_pictures(_picture(each.sighting.id, picture) for each in stored for picture in each.sighting.pictures)
    record_all(
        Deed(Verb.SIGHTING_TAKEN, "sighting", str(each.sighting.id), each.vehicle.city_id, None,
             {"vehicle": each.vehicle.pk, **_reused(each.sighting, used)})
        for each in stored
    )  # fmt: skip
    Vehicle.objects.filter(id__in={each.vehicle.pk for each in stored}).update(last_seen_at=now, last_sighting_at=now)


def _places_used(sightings: Sequence[Sighting]) -> set[tuple[UUID, int]]:
    """The places in outboxes that were taken before, these sightings' among them."""
    found = rows.Sighting.objects.filter(outbox__in={s.outbox for s in sightings}, sequence__in={s.sequence for s in sightings})  # fmt: skip
    return set(found.values_list("outbox", "sequence"))


def _reused(sighting: Sighting, used: set[tuple[UUID, int]]) -> dict[str, bool]:
    """Whether its place in the outbox was another's before: a copied card or a restored backup. `id` alone is identity, so it is only noted."""
    place = (sighting.outbox, sighting.sequence)
    if place not in used:
        used.add(place)
        return {}
    warn(log, "sequence_reused", sighting=sighting.id, vehicle=sighting.vehicle, outbox=place[0], sequence=place[1])
    return {"sequence_reused": True}


def _known(sightings: Sequence[Sighting]) -> dict[UUID, tuple[int, str]]:
    """Vehicle and digest of those that are here already."""
    found = rows.Sighting.objects.filter(id__in=[s.id for s in sightings]).values_list("id", "vehicle_id", "digest")
    return {sighting_id: (vehicle_id, digest) for sighting_id, vehicle_id, digest in found}


def _known_answer(sighting: Sighting, vehicle: Vehicle, there: tuple[int, str]) -> AckItem:
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


def _picture(sighting_id: UUID, picture: Picture) -> dict[str, Any]:
    return {"sighting_id": sighting_id, "sha256": picture.sha256, "role": picture.role, "width": picture.width, "height": picture.height,
            "box": json.dumps(picture.box) if picture.box else None, "jpeg_bytes": len(picture.bytes)}  # fmt: skip


def _columns(s: Sighting, vehicle: Vehicle, digest: str) -> dict[str, Any]:
    (ee, en), (_, nn) = s.place.covariance_m2
    return {
        "id": s.id, "case_id": None, "by_hand": False, "received_at": timezone.now(), "digest": digest, "city_id": vehicle.city_id, "fleet_id": vehicle.fleet_id, "vehicle_id": vehicle.pk, "outbox": s.outbox, "sequence": s.sequence,
        "pass_id": s.pass_id, "origin": s.origin, "seen_at": s.seen_at.utc, "clock_source": s.seen_at.source, "clock_sigma_s": s.seen_at.sigma_s,
        "category": s.category, "detail": s.detail, "score": s.score, "probability": s.probability, "lat_deg": s.place.lat_deg, "lon_deg": s.place.lon_deg,
        "covariance_ee": ee, "covariance_en": en, "covariance_nn": nn, "method": s.place.method, "bearing_deg": s.place.bearing_deg,
        "range_m": s.place.range_m, "near_m": s.place.near_m, "far_m": s.place.far_m, "fix_lat_deg": s.fix.lat_deg, "fix_lon_deg": s.fix.lon_deg,
        "fix_sigma_m": s.fix.sigma_m, "fix_heading_deg": s.fix.heading_deg, "camera": s.camera, "boot_id": s.boot_id, "monotonic_ns": s.monotonic_ns,
        "calibration_digest": s.calibration_digest, "settings_revision": s.settings_revision, "pack_name": s.pack.name, "pack_digest": s.pack.digest,
        "redaction_digest": s.redaction.digest, "redaction_regions": s.redaction.regions,
    }  # fmt: skip
