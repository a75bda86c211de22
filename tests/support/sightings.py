"""Messages for tests."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone
from typing import Any
from uuid import UUID, uuid4

import numpy as np

from models.contract import Sighting
from models.pixels import encode_jpeg, jpeg_size

UTC = timezone.utc  # noqa: UP017
NOW = datetime(2026, 11, 2, 3, 0, tzinfo=UTC)
LAT, LON = 37.8706, 112.5489


def jpeg(seed: int = 1, width: int = 320, height: int = 180) -> bytes:
    """A picture with edges."""
    blocks = np.random.default_rng(seed).integers(0, 255, (height // 20, width // 20, 3), dtype=np.uint8)
    return encode_jpeg(blocks.repeat(20, axis=0).repeat(20, axis=1))


def described(data: bytes, **changes: Any) -> dict[str, Any]:
    """A picture as a message holds it."""
    width, height = jpeg_size(data)
    return {
        "role": "best",
        "sha256": hashlib.sha256(data).hexdigest(),
        "width": width,
        "height": height,
        "bytes": data,
    } | changes


def message(**changes: Any) -> Sighting:
    """A sighting as a vehicle sends it; `east_m`, `north_m` move its place."""
    data = changes.pop("picture", None) or jpeg(changes.pop("seed", 1))
    east_m, north_m = changes.pop("east_m", 0.0), changes.pop("north_m", 0.0)
    sigma2 = changes.pop("sigma_m", 1.0) ** 2
    values: dict[str, Any] = {
        "id": uuid4(), "outbox": uuid4(), "sequence": 1, "vehicle": "TY-01", "camera": "front", "pass_id": uuid4(), "origin": "demo",
        "seen_at": {"utc": NOW - timedelta(hours=1), "source": "gnss", "sigma_s": 1.0}, "boot_id": UUID(int=1), "monotonic_ns": 5,
        "category": "bagged_garbage", "score": 0.8, "probability": 0.7,
        "place": {"lat_deg": LAT + north_m / 111195, "lon_deg": LON + east_m / 87780, "covariance_m2": ((sigma2, 0.0), (0.0, sigma2)), "bearing_deg": 10.0,
                  "range_m": 6.0, "near_m": 5.0, "far_m": 7.0, "method": "ground"},
        "fix": {"utc": NOW, "lat_deg": LAT, "lon_deg": LON, "sigma_m": 1.0, "quality": "file"}, "calibration_digest": "a" * 64, "settings_revision": 0,
        "pack": {"name": "street", "digest": "b" * 64}, "redaction": {"digest": "c" * 64, "regions": 0},
        "pictures": [{"role": "best", "sha256": hashlib.sha256(data).hexdigest(), "width": 320, "height": 180, "box": (40.0, 40.0, 120.0, 140.0), "bytes": data}],
    }  # fmt: skip
    return Sighting.model_validate(values | changes)
