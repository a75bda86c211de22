"""Recorded positions: the text of a `track.csv` and of a GPX file. Whoever reads the file names it for the errors."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timezone

from calibration.epochs import FLAT_SHARE, UERE_M
from calibration.gnss import DEFAULT_SIGMA_M, Position, is_on_earth
from calibration.motion import smoothed
from calibration.reports import number
from calibration.tables import MalformedTable, Row, rows_of

UTC = timezone.utc  # noqa: UP017
HEADING = "heading_deg_cw_from_north"


class MalformedTrack(Exception):
    """A position file that cannot be used; the text names file and line."""


def track_of_csv(text: str, named: object, fps: float, names: list[str] | None = None) -> list[Position]:
    """`frame` (number, or a picture's name looked up in `names`) or `t_s`, with `lat`, `lon`; other columns are optional or ignored.

    Raises MalformedTrack.
    """
    try:
        told = [_position(row, fps, names or []) for row in rows_of(text, named, ("lat", "lon"))]
    except MalformedTable as wrong:
        raise MalformedTrack(str(wrong)) from None
    return in_order(each for each in told if is_on_earth(each.lat_deg, each.lon_deg))


def _position(row: Row, fps: float, names: list[str]) -> Position:
    """Raises MalformedTable."""
    if "t_s" in row.cells:
        t_s = row.number("t_s")
    elif "frame" in row.cells:
        name = row.cells["frame"]
        t_s = (names.index(name) if name in names else row.number("frame")) / fps
    else:
        raise MalformedTable(
            f"{row.named}: its first line must name the columns lat,lon and t_s or frame; t_s and frame are missing"
        )
    sigma_m = max(0.1, row.number("pos_accuracy_m")) if row.cells.get("pos_accuracy_m") else DEFAULT_SIGMA_M
    heading_deg = row.number(HEADING) % 360 if row.cells.get(HEADING) else None
    return Position(t_s, row.number("lat"), row.number("lon"), sigma_m, heading_deg, None, None, "file")


def track_of_gpx(data: bytes, named: object) -> list[Position]:
    """Track points of a GPX file that carry a time. A document type is refused: entities could blow it up. Raises MalformedTrack."""
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise MalformedTrack(f"{named}: a GPX file with a document type is not read")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as wrong:
        raise MalformedTrack(f"{named}: {wrong}") from None
    positions: list[Position] = []
    for point in root.iter():
        said = {child.tag.rpartition("}")[2]: (child.text or "").strip() for child in point}
        if not point.tag.endswith("trkpt") or not said.get("time") or said.get("fix") == "none":
            continue
        try:
            utc = datetime.fromisoformat(said["time"].replace("Z", "+00:00"))
            lat, lon = float(point.get("lat", "nan")), float(point.get("lon", "nan"))
        except ValueError as wrong:
            raise MalformedTrack(f"{named}: {wrong}") from None
        utc = utc.replace(tzinfo=UTC) if utc.tzinfo is None else utc.astimezone(UTC)
        if is_on_earth(lat, lon):
            positions.append(Position(0.0, lat, lon, _gpx_sigma_m(said), None, None, utc, "file"))
    began = min((each.utc for each in positions if each.utc), default=None)
    return in_order(replace(each, t_s=(each.utc - began).total_seconds()) for each in positions if each.utc and began)


def _gpx_sigma_m(said: dict[str, str]) -> float:
    hdop = number(said.get("hdop"))
    sigma_m = max(0.5, hdop * UERE_M[""]) if hdop else DEFAULT_SIGMA_M
    return sigma_m * FLAT_SHARE if said.get("fix") == "2d" else sigma_m


def in_order(positions: Iterable[Position]) -> list[Position]:
    """Sorted by time, with headings and speeds by the whole way where the source gave none."""
    return smoothed(sorted(positions, key=lambda position: position.t_s))
