"""Positions out of receivers and recordings, and the position at an instant. No fix never becomes a position."""

from __future__ import annotations

import csv
import xml.etree.ElementTree as ET
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from math import atan2, degrees, hypot, isfinite
from pathlib import Path

from calibration.geodesy import offset_m

UTC = timezone.utc  # noqa: UP017
UERE_M = 4.0  # what one HDOP is worth in a street; geodesy text books give 3 to 5
DEFAULT_SIGMA_M = 4.0
MOVING_MPS = 0.5
FASTEST_MPS = 100.0
LEVER_M = 3.0  # a heading out of positions needs this much way


class MalformedTrack(Exception):
    """A position file that cannot be used; the text names file and line."""


@dataclass(frozen=True)
class Position:
    """The antenna at an instant: seconds on the recording's own axis, WGS-84, one sigma per axis; UTC where the source knows it.

    `utc_trusted` is False if `utc` is a camera's local time of an unknown zone: good for what lies between two pictures alone.
    """

    t_s: float
    lat_deg: float
    lon_deg: float
    sigma_m: float = DEFAULT_SIGMA_M
    heading_deg: float | None = None
    speed_mps: float | None = None
    utc: datetime | None = None
    quality: str = "gnss"
    utc_trusted: bool = True


def is_on_earth(lat_deg: float, lon_deg: float) -> bool:
    """Within range, finite, and not null island, where receivers put themselves when they know nothing."""
    return (
        isfinite(lat_deg)
        and isfinite(lon_deg)
        and abs(lat_deg) <= 90
        and abs(lon_deg) <= 180
        and (abs(lat_deg) > 1e-4 or abs(lon_deg) > 1e-4)
    )


def believable_mps(speed_mps: float | None) -> float | None:
    """A speed that a vehicle on a road may have, or None."""
    return speed_mps if speed_mps is not None and 0 <= speed_mps <= FASTEST_MPS else None


def read_track_csv(path: Path, fps: float, names: list[str] | None = None) -> list[Position]:
    """`frame` (number, or a picture's name looked up in `names`) or `t_s`, with `lat`, `lon`; other columns are optional or ignored."""
    positions = []
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.DictReader(file)
        for line, row in enumerate(rows, start=2):
            try:
                lat, lon = float(row["lat"]), float(row["lon"])
                t_s = float(row["t_s"]) if "t_s" in row else _frame_number(row["frame"], names or []) / fps
            except KeyError as missing:
                raise MalformedTrack(
                    f"{path}: column {missing} is missing; needed are lat, lon and t_s or frame"
                ) from None
            except (TypeError, ValueError) as wrong:
                raise MalformedTrack(f"{path}, line {line}: {wrong}") from None
            if is_on_earth(lat, lon):
                sigma, heading = row.get("pos_accuracy_m"), row.get("heading_deg_cw_from_north")
                positions.append(
                    Position(
                        t_s,
                        lat,
                        lon,
                        max(0.1, float(sigma)) if sigma else DEFAULT_SIGMA_M,
                        float(heading) % 360 if heading else None,
                        None,
                        None,
                        "file",
                    )
                )
    return with_motion(positions)


def _frame_number(value: str, names: list[str]) -> int:
    return names.index(value) if value in names else int(value)


def read_nmea(lines: Iterable[bytes], count_bad: Callable[[str], None] = lambda _: None) -> Iterator[Position]:
    """Positions of RMC and GGA sentences, one per RMC with a valid fix. Broken sentences are told to `count_bad` and passed over."""
    from pynmeagps import NMEAReader

    sigma = DEFAULT_SIGMA_M
    start: datetime | None = None
    for line in lines:
        if not line.startswith(b"$"):
            continue
        try:
            said = NMEAReader.parse(line.strip() + b"\r\n")
            kind = str(said.msgID)
            if kind == "GGA" and said.quality:
                sigma = max(0.5, float(said.HDOP or 1.0) * UERE_M)
            if kind != "RMC" or said.status != "A" or said.lat in ("", None) or said.lon in ("", None):
                continue
            utc = datetime.combine(said.date, said.time, UTC)
            lat, lon = float(said.lat), float(said.lon)
            speed = believable_mps(float(said.spd) * 0.514444 if said.spd not in ("", None) else None)
            course = float(said.cog) % 360 if said.cog not in ("", None) and (speed or 0) > MOVING_MPS else None
        except Exception as wrong:  # pynmeagps raises whatever a broken sentence leads it to
            count_bad(f"{line[:40]!r}: {wrong}")
            continue
        if is_on_earth(lat, lon):
            start = start or utc
            yield Position((utc - start).total_seconds(), lat, lon, sigma, course, speed, utc, "gnss")


def read_gpx(path: Path) -> list[Position]:
    """Track points of a GPX file that carry a time. A document type is refused: entities could blow it up."""
    data = path.read_bytes()
    if b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise MalformedTrack(f"{path}: a GPX file with a document type is not read")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as wrong:
        raise MalformedTrack(f"{path}: {wrong}") from None
    positions: list[Position] = []
    for point in root.iter():
        stamp = next((child.text for child in point if child.tag.endswith("}time") or child.tag == "time"), None)
        if not point.tag.endswith("trkpt") or not stamp:
            continue
        try:
            utc = datetime.fromisoformat(stamp.strip().replace("Z", "+00:00"))
            utc = utc.replace(tzinfo=UTC) if utc.tzinfo is None else utc.astimezone(UTC)
            lat, lon = float(point.get("lat", "nan")), float(point.get("lon", "nan"))
        except ValueError as wrong:
            raise MalformedTrack(f"{path}: {wrong}") from None
        if is_on_earth(lat, lon):
            start = positions[0].utc if positions else utc
            positions.append(
                Position((utc - (start or utc)).total_seconds(), lat, lon, DEFAULT_SIGMA_M, None, None, utc, "file")
            )
    return with_motion(positions)


def with_motion(positions: list[Position]) -> list[Position]:
    """Fill in heading and speed from the way itself, over at least LEVER_M, where the source gave none."""
    out, heading = [], None
    for i, here in enumerate(positions):
        a, b = i, i
        while a > 0 and _metres(positions[a], here) < LEVER_M / 2:
            a -= 1
        while b < len(positions) - 1 and _metres(positions[b], here) < LEVER_M / 2:
            b += 1
        east, north = offset_m(positions[a].lat_deg, positions[a].lon_deg, positions[b].lat_deg, positions[b].lon_deg)
        way, time = hypot(east, north), positions[b].t_s - positions[a].t_s
        if way >= LEVER_M / 2:
            heading = degrees(atan2(east, north)) % 360
        speed = here.speed_mps if here.speed_mps is not None else (way / time if time > 0 else None)
        out.append(
            replace(
                here,
                heading_deg=here.heading_deg if here.heading_deg is not None else heading,
                speed_mps=believable_mps(speed),
            )
        )
    return out


def _metres(a: Position, b: Position) -> float:
    return hypot(*offset_m(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg))


def position_at(positions: Sequence[Position], t_s: float, oldest_s: float = 5.0) -> Position | None:
    """The position at an instant, between its neighbours; None if the nearest is further than `oldest_s` away."""
    after = bisect_right(positions, t_s, key=lambda p: p.t_s)
    before = positions[after - 1] if after else None
    following = positions[after] if after < len(positions) else None
    near = [p for p in (before, following) if p is not None and abs(p.t_s - t_s) <= oldest_s]
    if not near:
        return None
    if len(near) == 1 or before is None or following is None or following.t_s == before.t_s:
        return replace(near[0], t_s=t_s)
    share = (t_s - before.t_s) / (following.t_s - before.t_s)
    return replace(
        before if share < 0.5 else following, t_s=t_s,
        lat_deg=before.lat_deg + share * (following.lat_deg - before.lat_deg), lon_deg=before.lon_deg + share * (following.lon_deg - before.lon_deg),
        heading_deg=_between(before.heading_deg, following.heading_deg, share),
        utc=before.utc + share * (following.utc - before.utc) if before.utc and following.utc else None,
    )  # fmt: skip


def _between(a: float | None, b: float | None, share: float) -> float | None:
    if a is None or b is None:
        return a if b is None else b
    return (a + share * ((b - a + 180) % 360 - 180)) % 360
