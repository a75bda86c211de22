"""Cells and ages, without a database: which cells a place may lie in, which a view holds, and how old a look is. H3 (https://h3geo.org) of resolution 12."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from math import ceil, cos, hypot, radians, sin

import h3.api.basic_int as h3

from calibration.geodesy import metres_per_degree, moved, offset_m

FINEST, COARSER = 12, (10, 8)
"""What vehicles tell, and what is kept beside it for views of a district and of a city."""
VIEWS_M = ((2_500.0, 12), (20_000.0, 10), (60_000.0, 8))
"""Up to which width a view shows cells of which resolution: no more than 16,000 lie in it, and there are fewer streets than ground."""
COVERED_BY = 3
"""By cells so many resolutions coarser a view is covered when its own are looked up."""
LEAST_SPAN_M, MOST_SPAN_M, SHAPE = 200.0, VIEWS_M[-1][0], 0.6
DAY_S = 86400
AROUND = 6
"""Points on the rim of a place's error that are asked for, beside its middle: cells are larger than most errors."""


class Quality(IntEnum):
    """How well a cell was seen."""

    SEEN = 0
    AFAR = 1
    WELL = 2
    NEAR = 3

    @property
    def column(self) -> str:
        """The column that holds when a cell was last seen so, or better."""
        return f"{self.name.lower()}_s"


class Age(StrEnum):
    """How long ago the last look was, in classes too coarse to tell a vehicle's way."""

    DAY = "day"
    THREE_DAYS = "three_days"
    WEEK = "week"
    MONTH = "month"
    OLDER = "older"


DAYS = {Age.DAY: 1, Age.THREE_DAYS: 3, Age.WEEK: 7, Age.MONTH: 30}


@dataclass(frozen=True)
class View:
    """A part of the map: its middle and its width; it is SHAPE times as high."""

    lat_deg: float
    lon_deg: float
    span_m: float

    @property
    def resolution(self) -> int:
        """Of the cells that it shows."""
        return next(resolution for up_to_m, resolution in VIEWS_M if self.span_m <= up_to_m)

    def moved(self, east: float, north: float, zoom: float = 1.0) -> View:
        """Another view, its middle so many widths east and north of this one's, and `zoom` times as wide."""
        lat, lon = moved(self.lat_deg, self.lon_deg, east * self.span_m, north * self.span_m)
        return View(min(max(lat, -85.0), 85.0), lon, min(max(self.span_m * zoom, LEAST_SPAN_M), MOST_SPAN_M))


def is_told(cell: int) -> bool:
    """Whether a vehicle may tell this cell."""
    return bool(h3.is_valid_cell(cell)) and h3.get_resolution(cell) == FINEST


def with_coarser(cells: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Cells with their qualities, and the coarser cells around them with the best quality within."""
    found: dict[int, int] = {}
    for cell, quality in cells:
        for each in (cell, *(h3.cell_to_parent(cell, resolution) for resolution in COARSER)):
            found[each] = max(quality, found.get(each, 0))
    return found


def cells_about(lat_deg: float, lon_deg: float, error_m: float) -> set[int]:
    """The cells that a place may lie in."""
    turns = [radians(360 * n / AROUND) for n in range(AROUND)] if error_m > 0 else []
    rim = [moved(lat_deg, lon_deg, error_m * sin(turn), error_m * cos(turn)) for turn in turns]
    return {h3.latlng_to_cell(*each, FINEST) for each in ((lat_deg, lon_deg), *rim)}


def ranges_of(view: View) -> list[tuple[int, int]]:
    """First and last index of the cells in and around a view, in few ranges: cells in one coarser cell follow each other."""
    resolution, coarse = view.resolution, view.resolution - COVERED_BY
    edge_m = float(h3.average_hexagon_edge_length(coarse, unit="m"))
    middle = h3.latlng_to_cell(view.lat_deg, view.lon_deg, coarse)
    steps = ceil(hypot(view.span_m, view.span_m * SHAPE) / 2 / (edge_m * 1.5)) + 1
    all_sixes = sum(6 << 3 * (15 - digit) for digit in range(coarse + 1, resolution + 1))
    ranges = []
    for cell in sorted(h3.grid_disk(middle, steps)):
        east, north = offset_m(view.lat_deg, view.lon_deg, *h3.cell_to_latlng(cell))
        # Cells differ in size by a fifth, and their children stick out a little.
        if max(abs(east) - 1.6 * edge_m, (abs(north) - 1.6 * edge_m) / SHAPE) <= view.span_m / 2:
            first = h3.cell_to_center_child(cell, resolution)
            ranges.append((first, first + all_sixes))
    return ranges


def all_of(resolution: int) -> tuple[int, int]:
    """First and last index that a cell of a resolution can have (H3's index: four bits of resolution above everything that tells where)."""
    first = (1 << 59) | (resolution << 52)
    return first, first | ((1 << 52) - 1)


def view_of(cells: Iterable[int], resolution: int) -> View | None:
    """A view that holds all these cells of a resolution; None if there are none."""
    points = [h3.cell_to_latlng(cell) for cell in cells]
    if not points:
        return None
    lats, lons = [lat for lat, _ in points], [lon for _, lon in points]
    lat, lon = (min(lats) + max(lats)) / 2, (min(lons) + max(lons)) / 2
    per_lat, per_lon = metres_per_degree(lat)
    wide_m = max((max(lons) - min(lons)) * per_lon, (max(lats) - min(lats)) * per_lat / SHAPE)
    return View(lat, lon, min(wide_m + 3 * cell_width_m(resolution), MOST_SPAN_M))


def inside(view: View, cells: Iterable[tuple[int, int]]) -> Iterator[tuple[int, int, float, float]]:
    """Those of (cell, seconds) in a view, with the place of their middle in shares of its width: right of and below its upper left corner."""
    per_lat, per_lon = metres_per_degree(view.lat_deg)
    for cell, at_s in cells:
        lat, lon = h3.cell_to_latlng(cell)
        x = 0.5 + ((lon - view.lon_deg + 180) % 360 - 180) * per_lon / view.span_m
        y = SHAPE / 2 - (lat - view.lat_deg) * per_lat / view.span_m
        if 0 <= x <= 1 and 0 <= y <= SHAPE:
            yield cell, at_s, x, y


def neighbours(cell: int) -> list[int]:
    """The cells that a cell touches."""
    return [each for each in h3.grid_disk(cell, 1) if each != cell]


def cell_width_m(resolution: int) -> float:
    """From corner to opposite corner."""
    return 2 * float(h3.average_hexagon_edge_length(resolution, unit="m"))


def age_of(at_s: int, now_s: float) -> Age:
    """The class of a look's age."""
    return next((age for age, days in DAYS.items() if now_s - at_s < days * DAY_S), Age.OLDER)
