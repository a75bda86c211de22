"""Heartbeats in, and the table of vehicles out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from pydantic import ValidationError

from models.contract import MAX_HEALTH_BYTES, Health, RefusedMessage, decode, digest_of, vehicle_of
from models.troubles import Severity, rank, trouble_of
from server.fleet.models import Heartbeat, Vehicle
from server.fleet.rules import Known, is_news, troubles_of


@dataclass(frozen=True)
class Row:
    """One vehicle as the fleet's page and `trikeye server vehicle list` show it. `troubles` are keys, worst first."""

    vehicle: Vehicle
    known: Known
    troubles: list[str]
    heard_at: datetime | None

    @property
    def severity(self) -> Severity:
        """How bad the worst is."""
        return trouble_of(self.troubles[0]).severity


def take_health(topic: str, body: bytes, now: datetime, is_kept_copy: bool) -> bool:
    """Keep a vehicle's last word on itself; False if it is no news. Raises RefusedMessage."""
    if len(body) > MAX_HEALTH_BYTES:
        raise RefusedMessage("too_large", f"the heartbeat has {len(body)} bytes, the limit is {MAX_HEALTH_BYTES}")
    name, _ = vehicle_of(topic)
    health = decode(Health, body)
    if health.vehicle != name:
        raise RefusedMessage("wrong_vehicle", f"the heartbeat of {health.vehicle} came from {name}")
    with transaction.atomic():
        vehicle = Vehicle.objects.filter(name=name, revoked_at=None).first()
        if vehicle is None:
            raise RefusedMessage("unknown_vehicle", f"{name} was never added or is revoked")
        kept = Heartbeat.objects.filter(vehicle=vehicle).first()
        digest = digest_of(body)
        if kept is not None and (kept.digest == digest or not is_news(health, _read(kept), is_kept_copy)):
            return False
        heard = {} if is_kept_copy else {"received_at": now, "skew_s": (health.at.utc - now).total_seconds()}
        Heartbeat.objects.update_or_create(
            vehicle=vehicle, defaults={"digest": digest, "body": health.model_dump(mode="json"), **heard}
        )
    return True


def overview(vehicles: QuerySet[Vehicle], now: datetime) -> list[Row]:
    """Every vehicle that is not revoked, worst first, then by name."""
    found = vehicles.filter(revoked_at=None).select_related("heartbeat", "desire", "city", "fleet")
    rows = [_row(vehicle, now) for vehicle in found]
    return sorted(rows, key=lambda row: (rank(row.troubles[0]), row.vehicle.name))


def vehicles_for(person: Any) -> QuerySet[Vehicle]:
    """The vehicles a person looks after: those of their city, or all if they belong to none."""
    return Vehicle.objects.filter(city_id=person.city_id) if person.city_id else Vehicle.objects.all()


def as_plain(row: Row) -> dict[str, Any]:
    """A row for machines."""
    known, worst = row.known, trouble_of(row.troubles[0])
    return {
        "vehicle": row.vehicle.name, "city": row.vehicle.city.key, "fleet": row.vehicle.fleet.name, "online": known.online, "severity": worst.severity,
        "troubles": row.troubles, "do": worst.do_en, "heard_at": row.heard_at.isoformat() if row.heard_at else None,
        "last_sighting_at": row.vehicle.last_sighting_at.isoformat() if row.vehicle.last_sighting_at else None,
        "desired_revision": known.desired_revision, "health": known.health.model_dump(mode="json", exclude_none=True) if known.health else None,
    }  # fmt: skip


def _row(vehicle: Vehicle, now: datetime) -> Row:
    beat, desire = getattr(vehicle, "heartbeat", None), getattr(vehicle, "desire", None)
    known = Known(
        vehicle.online, vehicle.last_seen_at, beat.received_at if beat else None, _read(beat) if beat else None, beat.skew_s if beat else None,
        desire.revision if desire else 0, float(desire.settings.get("health.every_s", 60.0)) if desire else 60.0,
    )  # fmt: skip
    heard_at = max((at for at in (known.last_seen_at, known.received_at) if at is not None), default=None)
    return Row(vehicle, known, troubles_of(known, now), heard_at)


def _read(beat: Heartbeat) -> Health | None:
    """What was kept; None if an older version of this server kept something that can no longer be read."""
    try:
        return Health.model_validate(beat.body)
    except ValidationError:
        return None
