"""What a map lies on: the city's roads where they were imported, else the ground that vehicles looked at as bands along its cells, else where their sightings were made."""

from __future__ import annotations

from itertools import islice
from math import hypot
from typing import Any

import numpy as np

from calibration.geodesy import metres_per_degree
from server.accounts.services import cities_for, is_inside
from server.cases.geo import Box
from server.cases.map_svg import Lines
from server.cases.models import Sighting
from server.coverage.bands import bands
from server.coverage.models import Cell
from server.coverage.rules import MOST_SPAN_M, Quality, View, cell_width_m, inside
from server.coverage.rules import SHAPE as VIEW_SHAPE
from server.coverage.services import cells_in
from server.fleet.models import City
from server.places.models import Feature, Import
from server.places.rules import Kind

MOST_ROADS, MOST_CELLS, MOST_FIXES = 1500, 6000, 2000
WIDEST_DEG, JUMP_DEG = 0.04, 0.003
"""Of where sightings were made: how high a box is read, 4 km; from where to where nobody knows the way, 300 m."""
THIN = 400
"""Of a box's width: what is shorter is not drawn, points nearer to the last are left out."""


def roads_in(person: Any, box: Box) -> Lines:
    """The lines of a box, the longest where there are too many."""
    city_ids = cities_for(person)
    if Import.objects.filter(city__in=city_ids, kind=Kind.ROAD).exists():
        return Lines([line for city_id in city_ids for line in _named(city_id, box)])
    seen = {cell: place for city in City.objects.filter(id__in=city_ids) for cell, place in _looked_at(city, box)}
    if seen:
        return Lines(bands(dict(islice(seen.items(), MOST_CELLS))), "seen", cell_width_m(_view(box).resolution))
    if not is_inside(person):  # where vehicles drove is not the city's to know
        return Lines([])
    return Lines([line for city_id in city_ids for line in _driven(city_id, box)])


def _named(city_id: int, box: Box) -> list[list[tuple[float, float]]]:
    """Roads that were imported. None is higher than the tallest, so that the index is read between two latitudes."""
    tallest = Import.objects.filter(city=city_id, kind=Kind.ROAD).values_list("tallest_deg", flat=True).first() or 0.0
    rows = Feature.objects.filter(
        city=city_id, kind=Kind.ROAD, lat_min__range=(box.south - tallest, box.north), lat_max__gte=box.south, lon_min__lte=box.east, lon_max__gte=box.west,
    )  # fmt: skip
    least = (box.east - box.west) / THIN
    sized = rows.values_list("id", "lat_min", "lat_max", "lon_min", "lon_max")
    lengths = [(hypot(north - south, east - west), pk) for pk, south, north, west, east in sized]
    longest = [pk for length, pk in sorted(lengths, reverse=True)[:MOST_ROADS] if length >= least]
    found = []
    for start in range(0, len(longest), 500):
        blobs = Feature.objects.filter(id__in=longest[start : start + 500]).values_list("edges", flat=True)
        found += [line for blob in blobs for line in _lines(np.frombuffer(blob, "<f8").reshape(-1, 4), least)]
    return found


def _lines(edges: Any, least: float) -> list[list[tuple[float, float]]]:
    """Edges that follow each other as lines of (latitude, longitude), thinned."""
    lines: list[list[tuple[float, float]]] = []
    last: tuple[float, float] | None = None
    for west, south, east, north in edges.tolist():
        if last != (west, south):
            lines.append([(south, west)])
        line, last = lines[-1], (east, north)
        if len(line) < 2 or hypot(north - line[-1][0], east - line[-1][1]) >= least:
            line.append((north, east))
        else:
            line[-1] = (north, east)
    return lines


def _looked_at(city: City, box: Box) -> list[tuple[int, tuple[float, float]]]:
    """The cells that vehicles saw, and their middles."""
    origins = ("camera",) if Cell.objects.filter(city=city, origin="camera").exists() else ("demo", "replay")
    view = _view(box)
    per_lat, per_lon = (view.span_m / each for each in metres_per_degree(view.lat_deg))
    found = inside(view, cells_in(city, view, Quality.SEEN, origins))
    places = ((cell, (view.lat_deg + (VIEW_SHAPE / 2 - y) * per_lat, view.lon_deg + (x - 0.5) * per_lon)) for cell, _at, x, y in found)  # fmt: skip
    return [(cell, place) for cell, place in places if box.holds(*place)]


def _view(box: Box) -> View:
    per_lat, per_lon = metres_per_degree(box.middle[0])
    span_m = max((box.east - box.west) * per_lon, (box.north - box.south) * per_lat / VIEW_SHAPE)
    return View(*box.middle, min(span_m * 1.1, MOST_SPAN_M))


def _driven(city_id: int, box: Box) -> list[list[tuple[float, float]]]:
    """Where sightings were made from, a line for each stretch of a pass; of a wide box none, since only some could be read."""
    if box.north - box.south > WIDEST_DEG:
        return []
    rows = Sighting.objects.filter(city=city_id, fix_lat_deg__range=(box.south, box.north), fix_lon_deg__range=(box.west, box.east))  # fmt: skip
    found = rows.values_list("pass_id", "monotonic_ns", "fix_lat_deg", "fix_lon_deg")[:MOST_FIXES]
    lines: list[list[tuple[float, float]]] = []
    last: Any = None
    for pass_id, _ns, lat, lon in sorted(found, key=lambda row: row[:2]):
        if pass_id != last or hypot(lat - lines[-1][-1][0], lon - lines[-1][-1][1]) > JUMP_DEG:
            lines.append([])
        lines[-1].append((lat, lon))
        last = pass_id
    return [line for line in lines if len(line) > 1]
