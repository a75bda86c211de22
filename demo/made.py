"""Sightings by the real contract without a camera: places along streets, passes, categories, sizes. Pure and the same for the same seed."""

from __future__ import annotations

import hashlib
import random
import struct
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from math import cos, radians
from uuid import UUID

import numpy as np

from edge.identity import uuid7
from models.contract import Sighting
from models.pixels import encode_jpeg
from models.taxonomy import CATEGORIES

START_DEG = (37.87, 112.55)
WIDTH, HEIGHT = 256, 144
PASS_SIGHTINGS, STREET_PLACES, STEP_M, STREET_M = 20, 200, 25.0, 120.0
ENVELOPE_BYTES = 960
"""What a message holds beside its pictures' bytes."""
LONGEST_COMMENT = 65_533


@dataclass(frozen=True)
class Maker:
    """One vehicle's sightings: number n is the same at each call, whoever calls, however often."""

    seed: int
    vehicle: str
    street: int = 0
    unknown_share: float = 0.0
    sizes_bytes: tuple[int, int] = (4_096, 16_300)
    full_size_every: int = 0
    full_size_bytes: int = 245_000
    every_s: float = 2.0
    began: datetime = field(default_factory=lambda: datetime.fromisoformat("2026-11-02T00:00:00+00:00"))

    def id_of(self, number: int) -> UUID:
        """The id of sighting `number`."""
        return uuid7(self.seen(number), self._bits(number, "id"))

    def seen(self, number: int) -> datetime:
        """The instant of sighting `number`."""
        return self.began + timedelta(seconds=self.every_s * number)

    def size_bytes(self, number: int) -> int:
        """How many bytes the message is to have, nearly."""
        if self.full_size_every and number % self.full_size_every == self.full_size_every - 1:
            return self.full_size_bytes
        return random.Random(self._bits(number, "size")).randint(*self.sizes_bytes)

    def make(self, number: int, outbox: UUID, sequence: int, clock_error_s: float = 0.0) -> Sighting:
        """Sighting `number` as it stands in this outbox; some name a category the server must refuse (`unknown_share`)."""
        chance = random.Random(self._bits(number, "what"))
        spot = random.Random(f"{self.street}|{number % STREET_PLACES}")
        lat, lon = self.place(number)
        seen = self.seen(number) + timedelta(seconds=clock_error_s)
        picture = padded(
            base_picture(number % 8), self._bits(number, "pixels"), self.size_bytes(number) - ENVELOPE_BYTES
        )
        category = spot.choice(sorted(CATEGORIES))
        fix = {
            "utc": seen,
            "lat_deg": lat,
            "lon_deg": lon,
            "sigma_m": 1.5,
            "heading_deg": 90.0,
            "speed_mps": 4.0,
            "quality": "file",
        }
        return Sighting.model_validate({
            "id": self.id_of(number), "outbox": outbox, "sequence": sequence, "vehicle": self.vehicle, "camera": "front",
            "pass_id": UUID(bytes=self._bits(number // PASS_SIGHTINGS, "pass")), "origin": "demo",
            "seen_at": {"utc": seen, "source": "system" if clock_error_s else "gnss", "sigma_s": 86400.0 if clock_error_s else 0.5},
            "boot_id": UUID(bytes=self._bits(0, "boot")), "monotonic_ns": int(number * self.every_s * 1e9),
            "category": "made_to_be_refused" if chance.random() < self.unknown_share else category,
            "score": round(chance.uniform(0.3, 0.99), 3), "probability": round(chance.uniform(0.2, 0.99), 3),
            "place": {"lat_deg": lat + chance.gauss(0, 1) / 111_195, "lon_deg": lon + chance.gauss(0, 1) / _metres_of_longitude(lat),
                      "covariance_m2": ((1.0, 0.0), (0.0, 1.0)), "bearing_deg": 80.0, "range_m": 7.0, "near_m": 5.5, "far_m": 9.0, "method": "ground"},
            "fix": fix, "calibration_digest": "a" * 64, "settings_revision": 0, "pack": {"name": "street", "digest": "b" * 64},
            "redaction": {"digest": "c" * 64, "regions": 0},
            "pictures": [{"role": "best", "sha256": hashlib.sha256(picture).hexdigest(), "width": WIDTH, "height": HEIGHT,
                          "box": (60.0, 40.0, 130.0, 110.0), "bytes": picture}],
        })  # fmt: skip

    def place(self, number: float) -> tuple[float, float]:
        """Where the vehicle is at sighting `number`, and on the way between two."""
        north_m, east_m = self.street * STREET_M, number % STREET_PLACES * STEP_M
        lat = START_DEG[0] + north_m / 111_195
        return lat, START_DEG[1] + east_m / _metres_of_longitude(lat)

    def _bits(self, number: int, what: str) -> bytes:
        return hashlib.sha256(f"{self.seed}|{self.vehicle}|{number}|{what}".encode()).digest()[:16]


@lru_cache(maxsize=16)
def base_picture(number: int) -> bytes:
    """A small JPEG with edges, uint8 [HEIGHT, WIDTH, 3] inside."""
    blocks = np.random.default_rng(number).integers(0, 255, (HEIGHT // 16, WIDTH // 16, 3), dtype=np.uint8)
    return encode_jpeg(blocks.repeat(16, axis=0).repeat(16, axis=1), quality=70)


def padded(jpeg: bytes, unique: bytes, size_bytes: int) -> bytes:
    """The same picture with comments that make it one of its own, of `size_bytes` where it was smaller: no two sightings share a file."""
    missing = max(size_bytes - len(jpeg) - 4, len(unique))
    filling = unique + random.Random(unique).randbytes(max(0, missing - len(unique)))
    comments = b""
    for start in range(0, len(filling), LONGEST_COMMENT):
        part = filling[start : start + LONGEST_COMMENT]
        comments += struct.pack(">HH", 0xFFFE, len(part) + 2) + part
    return jpeg[:2] + comments + jpeg[2:]


def _metres_of_longitude(lat_deg: float) -> float:
    return 111_195 * cos(radians(lat_deg))
