"""Reports of gpsd, one line of JSON each (gpsd_json(5)): TPV has time, position and velocity."""

from __future__ import annotations

import json
from datetime import datetime, timedelta, timezone
from math import hypot, sqrt
from typing import Any
from urllib.parse import urlsplit

from calibration.reports import Report, number

UTC = timezone.utc  # noqa: UP017
PORT = 2947
WATCH = b'?WATCH={"enable":true,"json":true};\n'
LONGEST_LINE = 65536
AXIS_95, CIRCLE_95, SPEED_95 = 1.96, 2.448, 1.96
"""gpsd tells errors at 95 %: of an axis, of both axes together, of speed."""
AIDS = {2: "dgps", 3: "rtk", 4: "float"}
NOT_MEASURED = (5, 8)
"""Kinds of fix (`status`) that are dead reckoning or a simulator."""


def address_of(device: str) -> tuple[str, int] | None:
    """Host and port of `gpsd://HOST[:PORT]`; None for a serial port. Raises ValueError for one that cannot be."""
    if not device.startswith("gpsd://"):
        return None
    try:
        at = urlsplit(device)
        if at.hostname and not at.path.strip("/"):
            return at.hostname, at.port or PORT
    except ValueError:
        pass
    raise ValueError(f"{device} is no address of gpsd; it looks like gpsd://127.0.0.1:{PORT}")


def report_of(line: bytes) -> Report | None:
    """The report of one line; None for one that tells no position. Raises ValueError for what is no object of JSON."""
    said: Any = json.loads(line)
    if not isinstance(said, dict):
        raise ValueError("not an object")
    if said.get("class") != "TPV":
        return None
    lat_deg, lon_deg, utc = number(said.get("lat")), number(said.get("lon")), _utc(said.get("time"))
    mode, status = (int(number(said.get(key)) or 0) for key in ("mode", "status"))
    return Report(
        "TPV", has_fix=mode >= 2 and status not in NOT_MEASURED and lat_deg is not None and lon_deg is not None,
        second_of_day=(utc - utc.replace(hour=0, minute=0, second=0, microsecond=0)).total_seconds() if utc else None,
        date=utc.date() if utc else None, lat_deg=lat_deg, lon_deg=lon_deg, sigma_m=_sigma_m(said), is_flat=mode == 2,
        aid=AIDS.get(status, ""), speed_mps=number(said.get("speed")),
        speed_sigma_mps=_over(number(said.get("eps")), SPEED_95), course_deg=number(said.get("track")),
    )  # fmt: skip


def _sigma_m(said: dict[str, Any]) -> float | None:
    east_m, north_m = number(said.get("epx")), number(said.get("epy"))
    if east_m is not None and north_m is not None:
        return hypot(east_m, north_m) / sqrt(2) / AXIS_95
    return _over(number(said.get("eph")), CIRCLE_95)


def _over(value: float | None, share: float) -> float | None:
    return None if value is None else value / share


def _utc(said: object) -> datetime | None:
    """A leap second, 23:59:60, is no time that Python knows: it becomes the next one."""
    text = str(said).replace("Z", "+00:00")
    is_leap = text[16:19] == ":60"
    try:
        read = datetime.fromisoformat(text[:16] + ":59" + text[19:] if is_leap else text)
    except ValueError:
        return None
    return read.astimezone(UTC) + timedelta(seconds=is_leap) if read.tzinfo else None
