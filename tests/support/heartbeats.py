"""Heartbeats for tests."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

from sightings import NOW

from models.contract import Health, encode


def heartbeat(**changes: Any) -> Health:
    """A vehicle that is well, half a second ago."""
    values: dict[str, Any] = {
        "vehicle": "TY-01", "at": {"utc": NOW - timedelta(seconds=0.5), "source": "gnss", "sigma_s": 0.5}, "boot_id": UUID(int=1), "monotonic_s": 100.0,
        "software": "0.1.0", "pack": {"name": "street", "digest": "b" * 64}, "redaction": "c" * 64, "settings_revision": 0, "watch_age_s": 1.0,
        "rates_per_s": {"frames": 25.0, "inferred": 2.0}, "gate": {"not_far_enough": 90, "dark": 10}, "temperatures_c": {"cpu": 55.0},
        "disk_free_bytes": 20 * 10**9, "disk_bytes": 64 * 10**9, "fix": {"quality": "gnss", "age_s": 0.4, "sigma_m": 1.5},
        "outbox": {"id": UUID(int=2), "committed": 20, "waiting": 3, "aside": 0, "oldest_s": 40.0},
    }  # fmt: skip
    return Health.model_validate(values | changes)


def body(**changes: Any) -> bytes:
    """The same as it travels."""
    return encode(heartbeat(**changes))
