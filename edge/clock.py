"""When a picture was taken, by which clock, and how far that clock may be off. A vehicle's own clock is often wrong: satellites know better."""

from __future__ import annotations

import ctypes
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timezone, tzinfo
from pathlib import Path
from typing import NamedTuple

from calibration.gnss import EARLIEST_UTC
from models.contract import SeenAt

UTC = timezone.utc  # noqa: UP017
NOT_BEFORE = EARLIEST_UTC
"""No vehicle drove earlier: such a clock starts at its factory's date, or its receiver counts weeks from the wrong one."""
EARLIEST, LATEST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2199, 12, 31, tzinfo=UTC)
"""What travels (models/contract.py, Instant)."""
GNSS_SIGMA_S, NTP_SIGMA_S, UNKNOWN_SIGMA_S = 0.5, 1.0, 86400.0
HOURS_S = 3600.0
SYNCHRONISED = Path("/run/systemd/timesync/synchronized")
TIME_ERROR = 5


class Stamp(NamedTuple):
    utc: datetime
    source: str
    sigma_s: float


def stamp(now: datetime, gnss_utc: datetime | None, synchronised: bool) -> Stamp:
    """The instant by the best clock at hand; `now` is the system's."""
    if gnss_utc is not None and NOT_BEFORE <= gnss_utc <= LATEST:
        return Stamp(gnss_utc, "gnss", GNSS_SIGMA_S)
    if not NOT_BEFORE <= now <= LATEST:
        return Stamp(now, "none", UNKNOWN_SIGMA_S)
    return Stamp(now, "ntp", NTP_SIGMA_S) if synchronised else Stamp(now, "system", UNKNOWN_SIGMA_S)


def city_time(utc: datetime, sigma_s: float, zone: tzinfo) -> datetime | None:
    """An instant by the city's clock; None where it may be off by hours."""
    return utc.astimezone(zone) if sigma_s < HOURS_S else None


def is_synchronised() -> bool:
    """Whether the kernel or systemd says that this machine's clock follows a time server. False where neither can be asked."""
    if SYNCHRONISED.exists():
        return True
    try:
        # Room enough for a `struct timex`; all zeros asks and changes nothing.
        state = int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(512)))
    except (AttributeError, OSError, TypeError):
        return False
    return 0 <= state < TIME_ERROR


def seen_at(utc: datetime, source: str, sigma_s: float) -> SeenAt:
    """An instant as it travels; one that cannot be is brought within reach and trusted by nobody."""
    if not EARLIEST <= utc <= LATEST:
        utc, source, sigma_s = min(max(utc, EARLIEST), LATEST), "none", UNKNOWN_SIGMA_S
    return SeenAt.model_validate({"utc": utc, "source": source, "sigma_s": sigma_s})


BACK_S, FORWARD_S = 1.0, 60.0
"""By less a time server puts a clock right in normal use. Forward by more is its first setting after a start, or a jump."""


@dataclass
class ClockWatch:
    """Notices that the system's clock was set, by a clock that only counts. `faults` counts, `back_at_s` is when it last went back."""

    faults: Counter[str] = field(default_factory=Counter)
    back_at_s: float | None = None
    _ahead_s: float | None = None
    _was_unset: bool = False

    def see(self, now: datetime, monotonic_s: float) -> None:
        """Look at the clock; call it again and again."""
        ahead_s = now.timestamp() - monotonic_s
        jump_s = 0.0 if self._ahead_s is None else ahead_s - self._ahead_s
        self._ahead_s = ahead_s
        if jump_s < -BACK_S:
            self.faults["clock_back"] += 1
            self.back_at_s = monotonic_s
        self.faults["clock_forward"] += jump_s > FORWARD_S
        is_unset = not NOT_BEFORE <= now <= LATEST
        self.faults["clock_unset"] += is_unset and not self._was_unset
        self._was_unset = is_unset
