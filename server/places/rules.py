"""What a place is called, out of the lines and outlines around it. Pure.

Edges are arrays [n, 4] of longitude and latitude of both ends, in degrees; a point is an edge of no length. All rings of an area, holes too, are its edges.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from calibration.geodesy import metres_per_degree

Array = npt.NDArray[np.float64]
SURE = 1.96
STEP_M = 5


class Kind(StrEnum):
    ROAD = "road"
    LANDMARK = "landmark"
    GRID = "grid"
    DISTRICT = "district"


REACH_M = {Kind.ROAD: 50.0, Kind.LANDMARK: 300.0, Kind.GRID: 0.0, Kind.DISTRICT: 0.0}
"""How far away something still names a place; what has no reach names what lies in it."""
SIDES = {"east": ("东侧", "east side"), "north": ("北侧", "north side"), "west": ("西侧", "west side"), "south": ("南侧", "south side")}  # fmt: skip


@dataclass(frozen=True, eq=False)
class Feature:
    """Something of a city that has a name."""

    name_zh: str
    name_en: str
    code: str
    is_area: bool
    edges: Array


@dataclass(frozen=True)
class Named:
    """What a place is called; empty where nothing is known. `side` of the road is told only where the place's error leaves no doubt of it."""

    road_zh: str = ""
    road_en: str = ""
    side: str = ""
    landmark_zh: str = ""
    landmark_en: str = ""
    landmark_m: int | None = None
    grid: str = ""
    district_zh: str = ""
    district_en: str = ""


def encloses(edges: Array, lat_deg: float, lon_deg: float) -> bool:
    """Whether a ray to the east crosses an odd number of edges."""
    x1, y1, x2, y2 = edges[(edges[:, 1] > lat_deg) != (edges[:, 3] > lat_deg)].T
    return bool(np.count_nonzero(x1 + (lat_deg - y1) * (x2 - x1) / (y2 - y1) > lon_deg) % 2)


def way_to(edges: Array, lat_deg: float, lon_deg: float) -> tuple[float, float]:
    """East and north metres from a place to the nearest point of the edges."""
    per_lat, per_lon = metres_per_degree(lat_deg)
    ends = (edges - (lon_deg, lat_deg, lon_deg, lat_deg)) * (per_lon, per_lat, per_lon, per_lat)
    begin, along = ends[:, :2], ends[:, 2:] - ends[:, :2]
    length_2 = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(-(begin * along).sum(axis=1) / length_2, 0.0, 1.0)
    feet = begin + along * share[:, None]
    east, north = feet[np.argmin((feet**2).sum(axis=1))]
    return float(east), float(north)


def side_of(way: tuple[float, float], covariance: tuple[float, float, float]) -> str:
    """On which side of a road a place is that has `way` to go to it; empty where its error (ee, en, nn in m²) could put it on the other side."""
    east, north = way
    ee, en, nn = covariance
    # Variance along the way, times the way's length squared.
    if (east**2 + north**2) ** 2 <= SURE**2 * (east * east * ee + 2 * east * north * en + north * north * nn):
        return ""
    if abs(east) >= abs(north):
        return "west" if east > 0 else "east"
    return "south" if north > 0 else "north"


def named(
    lat_deg: float, lon_deg: float, covariance: tuple[float, float, float], around: Mapping[Kind, Sequence[Feature]]
) -> Named:
    """The name of a place by what is `around` it, further away or not: what is out of reach is left out here."""
    road = _nearest(around[Kind.ROAD], REACH_M[Kind.ROAD], lat_deg, lon_deg)
    landmark = _nearest(around[Kind.LANDMARK], REACH_M[Kind.LANDMARK], lat_deg, lon_deg)
    grid, district = (
        next((each for each in around[kind] if encloses(each.edges, lat_deg, lon_deg)), None)
        for kind in (Kind.GRID, Kind.DISTRICT)
    )
    return Named(
        road_zh=road[0].name_zh if road else "", road_en=road[0].name_en if road else "", side=side_of(road[1], covariance) if road else "",
        landmark_zh=landmark[0].name_zh if landmark else "", landmark_en=landmark[0].name_en if landmark else "",
        landmark_m=round(float(np.hypot(*landmark[1])) / STEP_M) * STEP_M if landmark else None, grid=grid.code if grid else "",
        district_zh=district.name_zh if district else "", district_en=district.name_en if district else "",
    )  # fmt: skip


def _nearest(features: Sequence[Feature], reach_m: float, lat_deg: float, lon_deg: float) -> tuple[Feature, tuple[float, float]] | None:  # fmt: skip
    """The nearest of the features within reach and the way to it: none inside of an area."""
    found: tuple[Feature, tuple[float, float]] | None = None
    for feature in features:
        inside = feature.is_area and encloses(feature.edges, lat_deg, lon_deg)
        way = (0.0, 0.0) if inside else way_to(feature.edges, lat_deg, lon_deg)
        if np.hypot(*way) <= reach_m and (found is None or np.hypot(*way) < np.hypot(*found[1])):
            found = feature, way
    return found


def words_of(place: Named, language: str) -> str:
    """`小店区桃园北路东侧，距太原站30米` for `zh…`, else `Taoyuan North Road, east side, 30 m from Taiyuan Station, Xiaodian`. A thing without an English name keeps its Chinese one; nothing known is empty."""
    if language.startswith("zh"):
        road = place.road_zh + (SIDES[place.side][0] if place.side else "")
        away = f"{place.landmark_zh}{'旁' if not place.landmark_m else ''}" if place.landmark_zh else ""
        away = f"距{place.landmark_zh}{place.landmark_m}米" if place.landmark_m else away
        return "，".join(filter(None, (place.district_zh + road, away)))
    side = SIDES[place.side][1] if place.side else ""
    landmark = place.landmark_en or place.landmark_zh
    away = f"{place.landmark_m} m from {landmark}" if place.landmark_m else f"at {landmark}" if landmark else ""
    district = place.district_en or place.district_zh
    return ", ".join(filter(None, (place.road_en or place.road_zh, side, away, district)))
