"""Making do with a SIM card's month: how small messages have to become. `edge/smaller.py` makes them so."""

from __future__ import annotations

import calendar
from datetime import datetime
from enum import IntEnum

PER_MESSAGE_BYTES = 200
"""What a message costs beside its bytes: topic, headers of MQTT, TLS and TCP, both acknowledgements."""


class Economy(IntEnum):
    """How much is left out, from nothing to everything. A message only ever goes down this list."""

    WHOLE = 0
    SMALL = 1  # the best picture and the one from afar, smaller
    CROP = 2  # the thing alone
    TEXT = 3  # no picture: kind, place and time
    NOTHING = 4  # the month is used up: only what is urgent leaves, as text


# Each step begins where the share of bytes left falls under this part of the share of the month left: the first fifth of haste is free.
STEPS = ((0.8, Economy.WHOLE), (0.5, Economy.SMALL), (0.2, Economy.CROP), (0.0, Economy.TEXT))


def economy(spent_bytes: int, month_bytes: int, now: datetime) -> Economy:
    """What the rest of the month allows; `month_bytes` 0 is no limit. A calm week makes up for a busy day."""
    if month_bytes <= 0:
        return Economy.WHOLE
    days = calendar.monthrange(now.year, now.month)[1]
    passed = (now.day - 1 + (now.hour * 3600 + now.minute * 60 + now.second) / 86400) / days
    left = 1 - spent_bytes / month_bytes
    return next((step for least, step in STEPS if left > least * (1 - passed)), Economy.NOTHING)


def month_of(now: datetime) -> str:
    """The month a byte counts in, UTC."""
    return f"{now:%Y-%m}"
