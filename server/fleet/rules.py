"""What is wrong with a vehicle, worst first, out of what it said and of what is heard of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from models.contract import Health
from models.troubles import rank

SILENT, MISSING = timedelta(minutes=5), timedelta(days=1)
WRONG_CLOCK_S = 300.0
TRUSTED = ("gnss", "ntp")
PASSES_WHEN_OFF = {"watch_silent", "backlog", "no_fix", "too_dark", "too_bright", "hot", "receiver_silent", "clock_unset", "clock_back", "restarting", "paused"}  # fmt: skip
"""What a vehicle that is switched off no longer suffers from; the rest waits in the yard to be mended."""


@dataclass(frozen=True)
class Known:
    """What is known of one vehicle. `every_s` is how often it was told to speak."""

    online: bool
    last_seen_at: datetime | None
    received_at: datetime | None
    health: Health | None
    skew_s: float | None
    desired_revision: int = 0
    every_s: float = 60.0


def troubles_of(known: Known, now: datetime) -> list[str]:
    """Its troubles, worst first; `well`, `off` or `new` alone if there is none."""
    heard = max((at for at in (known.last_seen_at, known.received_at) if at is not None), default=None)
    if heard is None:
        return ["new"]
    said = set(known.health.troubles) if known.health is not None else set()
    if not known.online:
        found = said - PASSES_WHEN_OFF | ({"missing"} if now - heard > MISSING else set())
        return sorted(found, key=rank) or ["off"]
    allowed = max(SILENT, 3 * timedelta(seconds=known.every_s))
    if known.health is None or known.received_at is None or now - known.received_at > allowed:
        # A vehicle that has just come online gets the same time to speak.
        has_had_time = known.received_at is not None or known.last_seen_at is None or now - known.last_seen_at > allowed
        return sorted(said | ({"silent"} if has_had_time else set()), key=rank) or ["well"]
    said |= {"clock_wrong"} if is_clock_wrong(known.health, known.skew_s) else set()
    said |= {"settings_waiting"} if known.desired_revision > known.health.settings_revision else set()
    return sorted(said, key=rank) or ["well"]


def is_clock_wrong(health: Health, skew_s: float | None) -> bool:
    """Whether it believes a clock that is far from ours. One it doubts itself is no news."""
    return health.at.source in TRUSTED and skew_s is not None and abs(skew_s) > WRONG_CLOCK_S


def is_news(new: Health, kept: Health | None, is_kept_copy: bool) -> bool:
    """Whether a heartbeat is newer than the kept one. `is_kept_copy`: the broker repeats what it keeps, and cannot say how old it is.

    Within one start of a machine its own seconds decide. Of another start, what comes live counts; a repeated one only by a trusted clock.
    """
    if kept is None:
        return True
    if new.boot_id == kept.boot_id:
        return new.monotonic_s > kept.monotonic_s
    return not is_kept_copy or (new.at.source in TRUSTED and kept.at.source in TRUSTED and new.at.utc > kept.at.utc)
