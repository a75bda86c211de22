"""What vehicles should be like: the row, its signature, and which are due to be published. Intake alone signs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.conf import settings
from django.db import transaction

from models.contract import Desired, encode, signed_text, topic, why_not_adjustable
from server.audit.rules import Verb
from server.audit.services import record
from server.broker import write_own
from server.fleet.models import Desire, Heartbeat, Vehicle
from server.settings import secret

KEY = "desired-key"


class BadDesire(Exception):
    """What was asked for cannot be; the text names the setting and its bounds."""


def desire(
    name: str, now: datetime, *, put: Mapping[str, float] = {}, drop: tuple[str, ...] = (), send_again_since: datetime | None = None,
    zones: Mapping[str, str] | None = None, actor_id: int | None = None,
) -> int:  # fmt: skip
    """Change what a vehicle should be like; returns the revision. What was asked before stays, but for `send_again_since`. Raises BadDesire."""
    for key, value in put.items():
        if wrong := why_not_adjustable(key, value):
            raise BadDesire(wrong)
    with transaction.atomic():
        vehicle = Vehicle.objects.filter(name=name, revoked_at=None).first()
        if vehicle is None:
            raise BadDesire(f"there is no {name}; trikeye server vehicle list shows those there are")
        row = Desire.objects.filter(vehicle=vehicle).first() or Desire(vehicle=vehicle, revision=0)
        if missing := [key for key in drop if key not in row.settings]:
            raise BadDesire(f"{', '.join(missing)}: not set from afar")
        # A vehicle may know a later revision than a database that came back from a backup.
        row.revision = max(row.revision, _revision_of(vehicle)) + 1
        row.settings = {key: value for key, value in {**row.settings, **put}.items() if key not in drop}
        row.send_again_since, row.changed_at = send_again_since, now
        row.zones = dict(zones) if zones else row.zones
        row.save()
        record(Verb.VEHICLE_DESIRED, "vehicle", vehicle.pk, city_id=vehicle.city_id, actor_id=actor_id, revision=row.revision, settings=row.settings)  # fmt: skip
    return row.revision


def _revision_of(vehicle: Vehicle) -> int:
    body = Heartbeat.objects.filter(vehicle=vehicle).values_list("body", flat=True).first() or {}
    revision = body.get("settings_revision", 0)
    return revision if isinstance(revision, int) else 0


def public_key() -> str:
    """The key by which vehicles know what comes from this server: Ed25519, in hex. Made with its secret half at the first call."""
    path = settings.SECRETS / f"{KEY}.pub"
    if path.exists():
        return str(path.read_text().strip())
    made = _private_key().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex()
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    write_own(path, [made])
    return made


def _private_key() -> Ed25519PrivateKey:
    # The secret is 48 random bytes as text: its hash is as good a seed as 32 random bytes.
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(secret(KEY).encode()).digest())


def signed(row: Desire) -> bytes:
    """The message of a row, signed."""
    values: dict[str, Any] = {
        "vehicle": row.vehicle.name, "revision": row.revision, "settings": row.settings, "pack": row.pack, "zones": row.zones,
        "send_again_since": row.send_again_since,
    }  # fmt: skip
    bare = Desired.model_validate(values)
    text, _ = signed_text(encode(bare))
    return encode(bare.model_copy(update={"signature": _private_key().sign(text)}))


@dataclass
class Publisher:
    """Knows what this process has published. A broker may forget: `forget` makes a vehicle's due again, `forget_all` everybody's."""

    _published: dict[str, int] = field(default_factory=dict)

    def forget(self, vehicle: str) -> None:
        self._published.pop(vehicle, None)

    def forget_all(self) -> None:
        self._published.clear()

    def due(self) -> list[tuple[str, int, str, bytes]]:
        """Vehicle, revision, topic and bytes of all that is due; call `was_published` for each."""
        rows = Desire.objects.filter(vehicle__revoked_at=None).select_related("vehicle").order_by("id")
        return [
            (row.vehicle.name, row.revision, topic(row.vehicle.name, "desired"), signed(row))
            for row in rows
            if self._published.get(row.vehicle.name) != row.revision
        ]

    def was_published(self, vehicle: str, revision: int) -> None:
        self._published[vehicle] = revision
