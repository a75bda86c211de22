"""Ids of sightings and passes: random for a camera, the same every time for a replay. UUIDv7: 48 bits of the time seen, in milliseconds."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


def uuid7(at: datetime, random_bits: bytes) -> UUID:
    """A UUIDv7 of an instant and ten bytes."""
    millis = int(at.timestamp() * 1000) & ((1 << 48) - 1)
    value = bytearray(millis.to_bytes(6, "big") + random_bits[:10])
    value[6] = 0x70 | value[6] & 0x0F
    value[8] = 0x80 | value[8] & 0x3F
    return UUID(bytes=bytes(value))


@dataclass(frozen=True)
class Ids:
    """Makes ids. `ride_digest` None means a live camera."""

    vehicle: str
    camera: str
    ride_digest: str | None

    def sighting(self, first_seen: datetime, first_frame: int, category: str, ordinal: int) -> UUID:
        """The id of a sighting whose track began as number `ordinal` of `first_frame`."""
        return self._make(first_seen, f"{first_frame}|{category}|{ordinal}")

    def pass_(self, began: datetime, number: int) -> UUID:
        """The id of the pass that began as number `number`."""
        return self._make(began, f"pass|{number}")

    def coverage(self, began: datetime, first_frame: int) -> UUID:
        """The id of the message on the ground that was looked at from a frame on."""
        return self._make(began, f"coverage|{first_frame}")

    def boot(self, began: datetime) -> UUID:
        """The id of this start of the software."""
        return self._make(began, "boot")

    def _make(self, at: datetime, what: str) -> UUID:
        if self.ride_digest is None:
            return uuid7(at, secrets.token_bytes(10))
        return uuid7(at, hashlib.sha256(f"{self.vehicle}|{self.ride_digest}|{self.camera}|{what}".encode()).digest())
