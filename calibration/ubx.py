"""Messages of u-blox receivers as reports: NAV-PVT, which says all of an instant at once."""

from __future__ import annotations

from datetime import date
from typing import Any

from calibration.reports import Report

NAV_PVT = b"\xb5\x62\x01\x07"
SHORTEST = 84
"""Bytes of a NAV-PVT of the oldest protocol that has one, without frame."""
FLAT, SPATIAL, WITH_DEAD_RECKONING = 2, 3, 4


def report_of(frame: bytes) -> Report | None:
    """The report of one whole frame; None for another message. Raises ValueError, or whatever a broken one leads pyubx2 to.

    hAcc is taken as it is for each axis, though it is meant for both together: between houses it promises too much.
    """
    if not frame.startswith(NAV_PVT):
        return None
    if len(frame) < SHORTEST + 8:
        raise ValueError(f"a NAV-PVT of {len(frame)} bytes is too short")
    from pyubx2 import UBXReader

    said: Any = UBXReader.parse(frame)
    is_whole = said.fixType in (FLAT, SPATIAL, WITH_DEAD_RECKONING) and said.gnssFixOk
    day = date(said.year, said.month, said.day) if said.validDate else None
    second = said.hour * 3600 + said.min * 60 + said.second + said.nano * 1e-9
    return Report(
        "PVT", has_fix=bool(is_whole and not getattr(said, "invalidLlh", 0)), second_of_day=round(second, 3), date=day,
        lat_deg=said.lat, lon_deg=said.lon, sigma_m=said.hAcc / 1000, satellites=said.numSV, is_flat=said.fixType == FLAT,
        aid={1: "float", 2: "rtk"}.get(said.carrSoln, "dgps" if said.diffSoln else ""), speed_mps=said.gSpeed / 1000,
        speed_sigma_mps=said.sAcc / 1000, course_deg=said.headMot % 360,
    )  # fmt: skip
