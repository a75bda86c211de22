"""Sentences of NMEA 0183 as reports. Talkers are not told apart: a position is one whoever gave it."""

from __future__ import annotations

from datetime import date
from typing import Any

from calibration.reports import Report, number

KNOT_MPS = 1852 / 3600
AIDS = {2: "dgps", 4: "rtk", 5: "float"}
MEASURED = (1, 2, 3, 4, 5)
"""Qualities of GGA that are measured; 6 is dead reckoning, 7 typed in, 8 a simulator."""
NOT_MEASURED = "NEMS"
KINDS = (b"RMC", b"GGA", b"GNS", b"GLL", b"GSA", b"GST")


def report_of(sentence: bytes) -> Report | None:
    """The report of one whole sentence, from `$` to its checksum; None for a sentence that tells no position.

    Raises whatever a broken one leads pynmeagps to.
    """
    if sentence[3:6] not in KINDS or sentence[1:2] == b"P":
        return None
    from pynmeagps import NMEAReader

    said: Any = NMEAReader.parse(sentence.strip() + b"\r\n")
    kind = str(said.msgID)
    if kind == "GSA":
        return Report(kind, is_flat=said.navMode == 2)
    if kind == "GST":
        axes = [each for each in (number(said.stdLat), number(said.stdLong)) if each is not None]
        return Report(kind, second_of_day=_second_of_day(said, 0), sigma_m=max(axes) if len(axes) == 2 else None)
    lat_deg, lon_deg = _degrees(said)
    satellites, quality = number(getattr(said, "numSV", None)), number(getattr(said, "quality", None))
    speed_knots = number(getattr(said, "spd", None))
    day = getattr(said, "date", None)
    return Report(
        kind, has_fix=lat_deg is not None and _is_measured(kind, said), second_of_day=_second_of_day(said, 4 if kind == "GLL" else 0),
        date=day if isinstance(day, date) else None, lat_deg=lat_deg, lon_deg=lon_deg,
        hdop=number(getattr(said, "HDOP", None)) or None, satellites=None if satellites is None else int(satellites),
        aid=AIDS.get(int(quality or 0), "") if kind == "GGA" else _aid_of_modes(str(getattr(said, "posMode", ""))),
        speed_mps=None if speed_knots is None else speed_knots * KNOT_MPS, course_deg=number(getattr(said, "cog", None)),
    )  # fmt: skip


def _is_measured(kind: str, said: Any) -> bool:
    modes = str(getattr(said, "posMode", ""))
    if kind == "GGA":
        return said.quality in MEASURED
    if kind == "GNS":
        return any(mode not in NOT_MEASURED for mode in modes)
    return bool(said.status == "A") and not (modes and modes in NOT_MEASURED)


def _aid_of_modes(modes: str) -> str:
    return next((aid for mode, aid in (("R", "rtk"), ("F", "float"), ("D", "dgps")) if mode in modes), "")


def _degrees(said: Any) -> tuple[float | None, float | None]:
    """A number without its half of the earth is no place."""
    lat_deg, lon_deg = number(said.lat), number(said.lon)
    if lat_deg is None or lon_deg is None or said.NS not in ("N", "S") or said.EW not in ("E", "W"):
        return None, None
    return lat_deg, lon_deg


def _second_of_day(said: Any, field: int) -> float | None:
    """Out of the text itself: a leap second, 23:59:60, is no time that Python knows."""
    text = str(said.payload[field])
    if len(text) < 6 or not text[:6].isdecimal():
        return None
    hours, minutes, seconds = int(text[:2]), int(text[2:4]), number(text[4:])
    if hours > 23 or minutes > 59 or seconds is None or seconds >= 61:
        return None
    return hours * 3600 + minutes * 60 + seconds
