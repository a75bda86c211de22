"""Where and when a picture was taken, out of its EXIF."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from typing import Any

from calibration.gnss import DEFAULT_SIGMA_M, Position, is_on_earth

UTC = timezone.utc  # noqa: UP017
QUARTER, CLOCK_OFF = timedelta(minutes=15), timedelta(seconds=2)


def read_exif(data: bytes) -> Position | None:
    """Position and time in a JPEG's EXIF, None without. `t_s` is 0: the caller knows the picture's number."""
    import piexif

    try:
        exif = piexif.load(data)
    except Exception:  # piexif raises whatever a broken header leads it to
        return None
    gps = exif.get("GPS", {})
    try:
        lat, lon = _dms(gps[2], gps[1] == b"S"), _dms(gps[4], gps[3] == b"W")
    except (KeyError, ZeroDivisionError, TypeError, ValueError, IndexError):
        return None
    if not is_on_earth(lat, lon):
        return None
    utc, trusted = _taken(exif.get("Exif", {}), gps)
    heading = gps[17][0] / gps[17][1] if gps.get(17, (0, 0))[1] else None
    error = gps.get(31, (0, 0))
    return Position(
        0.0,
        lat,
        lon,
        max(0.1, error[0] / error[1]) if error[1] else DEFAULT_SIGMA_M,
        heading,
        None,
        utc,
        "exif",
        trusted,
    )


def _taken(taken: dict[int, bytes], gps: dict[int, Any]) -> tuple[datetime | None, bool]:
    """When a picture was taken, and whether that is UTC: cameras write local time, and few say of which zone."""
    local, satellites = _local(taken), _satellites(gps)
    if local is None:
        return satellites, satellites is not None
    if satellites is not None:
        zone = QUARTER * round((satellites - local) / QUARTER)
        # The camera's clock has the finer seconds, unless it is off.
        return local + zone if abs(local + zone - satellites) < CLOCK_OFF else satellites, True
    try:
        offset = datetime.strptime(taken[36881].decode("ascii").strip(" \0"), "%z").utcoffset() or timedelta(0)
    except (KeyError, ValueError, AttributeError):
        return local, False
    return local - offset, True


def _local(taken: dict[int, bytes]) -> datetime | None:
    try:
        part_s = float(b"0." + (taken.get(37521, b"").strip(b" \0") or b"0"))
        clock = datetime.strptime(taken[36867].decode("ascii"), "%Y:%m:%d %H:%M:%S").replace(tzinfo=UTC)
    except (KeyError, ValueError, AttributeError):
        return None
    return clock + timedelta(seconds=part_s)


def _satellites(gps: dict[int, Any]) -> datetime | None:
    try:
        day = datetime.strptime(gps[29].decode("ascii").strip(" \0"), "%Y:%m:%d").replace(tzinfo=UTC)
        hours, minutes, seconds = (number / divisor for number, divisor in gps[7])
    except (KeyError, ValueError, TypeError, ZeroDivisionError, AttributeError):
        return None
    return day + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _dms(parts: tuple[tuple[int, int], ...], negative: bool) -> float:
    value = sum(number / divisor / float(60**power) for power, (number, divisor) in enumerate(parts))
    return -value if negative else value
