"""What one sentence of a receiver says of one instant, whatever language it speaks."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from math import isfinite


@dataclass(frozen=True)
class Report:
    """None is what a sentence does not say. `second_of_day` may reach 86400 and more in a leap second.

    `kind` is RMC, GGA, GNS, GLL, GSA, GST, PVT or TPV; `aid` is rtk, float, dgps or nothing; sigmas are one per axis.
    """

    kind: str
    has_fix: bool | None = None
    second_of_day: float | None = None
    date: date | None = None
    lat_deg: float | None = None
    lon_deg: float | None = None
    sigma_m: float | None = None
    hdop: float | None = None
    satellites: int | None = None
    is_flat: bool | None = None
    aid: str = ""
    speed_mps: float | None = None
    speed_sigma_mps: float | None = None
    course_deg: float | None = None


def number(value: object) -> float | None:
    """A finite number, or None for what is empty, absent or none."""
    try:
        read = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        return None
    return read if isfinite(read) else None
