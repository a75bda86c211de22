"""Parts of the map: boxes, how coarse cells are counted together, the shape and glyph of a case. Pure.

Boxes are degrees of WGS-84, west, south, east, north, as in RFC 7946.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import cos, floor, isfinite, log2, radians
from typing import Any

from django.utils.translation import gettext as _

from server.cases.rules import State

ACROSS = 24
"""Cells from west to east of a box, at least half as many."""
FINEST = 16_384
"""Cells a degree, at most: 7 m."""
LEAST_DEG, LEAST_ROOM_DEG = 1e-4, 4e-4


class BadBox(ValueError):
    """What should be a box is none; the text says what to send."""


class Shape(StrEnum):
    """What a case's mark looks like: its state must not be told by colour alone."""

    OPEN = "open"
    CITY = "city"
    FIXED = "fixed"
    BACK = "back"
    CLOSED = "closed"


SHAPES = {
    State.HANDED_OVER: Shape.CITY, State.ACCEPTED: Shape.CITY, State.FIXED: Shape.FIXED, State.VERIFIED: Shape.FIXED, State.RETURNED: Shape.BACK,
    State.REOPENED: Shape.BACK, State.REJECTED: Shape.CLOSED, State.RETRACTED: Shape.CLOSED, State.MERGED: Shape.CLOSED,
}  # fmt: skip
"""Of the states that have one of their own; the others are open."""


@dataclass(frozen=True)
class Box:
    """A part of the earth that does not cross the date line."""

    west: float
    south: float
    east: float
    north: float

    @property
    def middle(self) -> tuple[float, float]:
        """Latitude and longitude."""
        return (self.south + self.north) / 2, (self.west + self.east) / 2

    @property
    def text(self) -> str:
        """As it stands in addresses."""
        return ",".join(f"{edge:.6f}" for edge in (self.west, self.south, self.east, self.north))

    def moved(self, east: float, north: float, zoom: float = 1.0) -> Box:
        """Another box, its middle so many widths east and heights north of this one's, and `zoom` times as wide."""
        wide, high = self.east - self.west, self.north - self.south
        lat, lon = self.middle[0] + north * high, self.middle[1] + east * wide
        half = min(max(wide * zoom, LEAST_DEG), 360.0) / 2, min(max(high * zoom, LEAST_DEG), 180.0) / 2
        lat, lon = min(max(lat, half[1] - 90), 90 - half[1]), min(max(lon, half[0] - 180), 180 - half[0])
        return Box(lon - half[0], lat - half[1], lon + half[0], lat + half[1])

    def fitted(self, shape: float) -> Box:
        """The smallest box around this one that is `shape` times as high as it is wide, in metres."""
        across = cos(radians(min(abs(self.middle[0]), 85.0)))
        wide_m, high_m = (self.east - self.west) * across, self.north - self.south
        wide, high = max(wide_m, high_m / shape) / across, max(high_m, wide_m * shape)
        lat, lon = self.middle
        return Box(max(lon - wide / 2, -180), max(lat - high / 2, -90), min(lon + wide / 2, 180), min(lat + high / 2, 90))  # fmt: skip

    def holds(self, lat_deg: float, lon_deg: float) -> bool:
        """Whether a place lies in it."""
        return self.south <= lat_deg <= self.north and self.west <= lon_deg <= self.east


def box_of(text: str) -> Box:
    """The box of an address. Raises BadBox."""
    try:
        edges = [float(each) for each in text.split(",")]
    except ValueError:
        edges = []
    if len(edges) != 4 or not all(map(isfinite, edges)):
        raise BadBox(_("bbox takes four numbers in degrees, west,south,east,north: 112.4,37.7,112.7,38.0"))
    west, south, east, north = edges
    if max(abs(south), abs(north)) > 90 and max(abs(west), abs(east)) <= 90:
        raise BadBox(_("bbox has latitude and longitude swapped: west comes first, then south, east, north"))
    if max(abs(south), abs(north)) > 90 or max(abs(west), abs(east)) > 180:
        raise BadBox(_("bbox reaches beyond the earth: longitudes end at 180 degrees, latitudes at 90"))
    if not (west < east and south < north):
        raise BadBox(_("bbox has no room in it: west must be less than east, south less than north"))
    return Box(west, south, east, north)


def around(points: Collection[tuple[float, float]]) -> Box | None:
    """The box around places (latitude, longitude) with a little room; None around nothing."""
    if not points:
        return None
    lats, lons = [lat for lat, _lon in points], [lon for _lat, lon in points]
    room = max(0.05 * (max(lats) - min(lats)), 0.05 * (max(lons) - min(lons)), LEAST_ROOM_DEG)
    return Box(min(lons) - room, min(lats) - room, max(lons) + room, max(lats) + room)


def per_degree(box: Box, finest: int = FINEST) -> int:
    """How many cells a degree to count a box by: a power of two, so that cells of one step lie within those of the last."""
    return int(min(2 ** max(floor(log2(ACROSS / (box.east - box.west))), 0), finest))


def shape_of(state: str) -> Shape:
    """The shape of a case in a state."""
    return SHAPES.get(State(state), Shape.OPEN)


def collection(features: Iterable[dict[str, Any]], **more: Any) -> dict[str, Any]:
    """A GeoJSON collection (RFC 7946: WGS-84, longitude first) with foreign members beside it."""
    return {"type": "FeatureCollection", **more, "features": list(features)}


def point(lat_deg: float, lon_deg: float, **properties: Any) -> dict[str, Any]:
    """A GeoJSON point with what is said of it."""
    place = {"type": "Point", "coordinates": [round(lon_deg, 6), round(lat_deg, 6)]}
    return {"type": "Feature", "geometry": place, "properties": properties}
