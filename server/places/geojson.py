"""A city's features out of a GeoJSON file (RFC 7946), all of it or nothing. Pure: bytes in, features or sentences out.

BadPlaces   what is wrong, one sentence for each fault, with the number of its feature, counted from 1
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from server.places.outlines import Crossing, crossings, overlaps
from server.places.rules import Array, Feature, Kind

Bounds = tuple[float, float, float, float]
"""West, south, east, north."""
Progress = Callable[[int, int], None]
LARGEST_BYTES, MOST_FAULTS = 200_000_000, 20
BEYOND_DEG = 1.0
LONGEST_NAME, LONGEST_CODE = 100, 15
Position = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2)]
Line = Annotated[list[Position], Field(min_length=2)]
Lines = Annotated[list[Line], Field(min_length=1)]
SHAPES: dict[str, TypeAdapter[Any]] = {
    "Point": TypeAdapter(Position), "LineString": TypeAdapter(Line), "MultiLineString": TypeAdapter(Lines), "Polygon": TypeAdapter(Lines),
    "MultiPolygon": TypeAdapter(Annotated[list[Lines], Field(min_length=1)]),
}  # fmt: skip
MAY_BE = {
    Kind.ROAD: ("LineString", "MultiLineString"),
    Kind.LANDMARK: ("Point", "Polygon", "MultiPolygon"),
    Kind.GRID: ("Polygon", "MultiPolygon"),
    Kind.DISTRICT: ("Polygon", "MultiPolygon"),
}
IN_DEGREES = ("CRS84", "4326", "4490")
"""Ends of the names by which WGS-84 goes, and CGCS2000, which is the same to a few decimetres."""


class BadPlaces(Exception):
    """The file cannot be used; nothing of it counts."""

    def __init__(self, *faults: str) -> None:
        super().__init__("\n".join(faults))


class _Bad(Exception):
    """What is wrong with a feature."""


class _Geometry(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    type: str
    coordinates: Any


class _Feature(BaseModel):
    model_config = ConfigDict(extra="ignore", strict=True)
    type: Literal["Feature"]
    geometry: _Geometry
    properties: dict[str, Any]


def read(data: bytes, kind: Kind, bounds: Bounds | None, progress: Progress) -> list[Feature]:
    """The features of a file. `bounds` of the city tell swapped axes and the wrong city, where they are known. Raises BadPlaces."""
    rows = _rows(data)
    found: list[Feature] = []
    faults: list[str] = []
    for number, row in enumerate(rows, start=1):
        try:
            found.append(_feature(row, kind, bounds))
        except _Bad as wrong:
            faults.append(f"feature {number}{_called(row)}: {wrong}")
        progress(number, len(rows))
    if not faults:
        faults = [*_doubled(found, kind), *_crossed(found, kind)]
    if faults:
        more = [f"and {len(faults) - MOST_FAULTS} more like these"] if len(faults) > MOST_FAULTS else []
        raise BadPlaces(*faults[:MOST_FAULTS], *more)
    return found


def _rows(data: bytes) -> list[Any]:
    """The features as they stand in the file."""
    if len(data) > LARGEST_BYTES:
        raise BadPlaces(f"it is larger than {LARGEST_BYTES // 1_000_000} MB: split it by district, or leave out what has no name")  # fmt: skip
    try:
        whole = json.loads(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise BadPlaces("it is no text in UTF-8: save it as UTF-8") from None
    except (json.JSONDecodeError, RecursionError) as wrong:
        where = f" in line {wrong.lineno}" if isinstance(wrong, json.JSONDecodeError) else ""
        raise BadPlaces(f"it is broken JSON{where}: export it again as GeoJSON") from None
    if not isinstance(whole, dict) or whole.get("type") != "FeatureCollection" or not isinstance(whole.get("features"), list):  # fmt: skip
        raise BadPlaces("it is no FeatureCollection: export it as GeoJSON, all features in one file")
    crs = whole.get("crs")
    if crs and not json.dumps(crs).rstrip('"} ').endswith(IN_DEGREES):
        raise BadPlaces(f"its crs is {json.dumps(crs)[:120]}: convert it to WGS-84 (EPSG:4326)")
    if not whole["features"]:
        raise BadPlaces("it holds no features: nothing would be left of this kind")
    return list(whole["features"])


def _feature(row: Any, kind: Kind, bounds: Bounds | None) -> Feature:
    try:
        known = _Feature.model_validate(row)
    except ValidationError as wrong:
        where = ".".join(str(part) for part in wrong.errors()[0]["loc"])
        raise _Bad(f"{where or 'it'} is missing or not as GeoJSON has it; give it a geometry and properties") from None
    shape = known.geometry
    if shape.type not in MAY_BE[kind]:
        raise _Bad(f"it is a {shape.type}; a {kind} is drawn as {' or '.join(MAY_BE[kind])}")
    try:
        coordinates = SHAPES[shape.type].validate_python(shape.coordinates, strict=True)
    except ValidationError:
        raise _Bad(f"its coordinates are not those of a {shape.type}: finite numbers as [longitude, latitude], nested as GeoJSON has it") from None  # fmt: skip
    parts = [np.array([position[:2] for position in part]) for part in _parts(shape.type, coordinates)]
    _check_place(np.concatenate(parts), bounds)
    is_area = shape.type.endswith("Polygon")
    if is_area:
        _check_rings(parts)
    name_zh, name_en, code = _names(known.properties, kind)
    return Feature(name_zh, name_en, code, is_area, np.concatenate([_edges(part) for part in parts]))


def _parts(shape: str, coordinates: Any) -> list[Any]:
    """Its points, lines or rings."""
    if shape == "MultiPolygon":
        return [ring for rings in coordinates for ring in rings]
    return [[coordinates]] if shape == "Point" else [coordinates] if shape == "LineString" else list(coordinates)


def _edges(part: Array) -> Array:
    return np.hstack([part[:-1], part[1:]]) if len(part) > 1 else np.hstack([part, part])


def _check_place(points: Array, bounds: Bounds | None) -> None:
    """Whether positions are degrees, longitude first, and in the city."""
    lon, lat = points[np.argmax(np.abs(points).max(axis=1))]
    if max(abs(lon), abs(lat)) > 180:
        raise _Bad(f"{lon:.0f}, {lat:.0f} are no degrees; convert the file to WGS-84 (EPSG:4326)")
    west, south, east, north = bounds or (-180.0, -90.0, 180.0, 90.0)
    low, high = np.array([west, south]) - BEYOND_DEG, np.array([east, north]) + BEYOND_DEG
    if bounds is None:
        low, high = low + BEYOND_DEG, high - BEYOND_DEG
    outside = ((points < low) | (points > high)).any(axis=1)
    if not outside.any():
        return
    lon, lat = points[np.argmax(outside)]
    if ((points[:, ::-1] >= low) & (points[:, ::-1] <= high)).all():
        raise _Bad(f"its axes are swapped: {lon:.5f}, {lat:.5f}; write each position as [longitude, latitude]")
    raise _Bad(f"longitude {lon:.5f}, latitude {lat:.5f} is not in this city; see that the file is this city's, in degrees of WGS-84")  # fmt: skip


def _check_rings(rings: Sequence[Array]) -> None:
    for number, ring in enumerate(rings, start=1):
        if (ring[0] != ring[-1]).any():
            raise _Bad(f"its ring {number} is open; repeat the first position as the last")
        if len(np.unique(ring, axis=0)) < 3 or not np.ptp(ring, axis=0).all():
            raise _Bad(f"its ring {number} encloses nothing; draw it again, or leave it out")


def _names(told: dict[str, Any], kind: Kind) -> tuple[str, str, str]:
    """Chinese name, English name, code."""

    def first(*keys: str) -> str:
        return next((text for key in keys if (text := _text(told.get(key)))), "")

    name_zh, name_en, code = first("name_zh", "name:zh", "name"), first("name_en", "name:en"), first("code")
    if not name_zh and kind != Kind.GRID:
        raise _Bad("it has no name; fill in name_zh (or name), or leave it out")
    if max(len(name_zh), len(name_en)) > LONGEST_NAME:
        raise _Bad(f"its name is longer than {LONGEST_NAME} letters; shorten it")
    if len(code) > LONGEST_CODE or (kind == Kind.GRID and not code):
        raise _Bad(f"its code is {'empty' if not code else 'too long'}; fill in code with up to {LONGEST_CODE} letters and digits")  # fmt: skip
    return name_zh, name_en, code


def _text(value: Any) -> str:
    """A property as one line; a number that a table program keeps as 140105.0 is 140105."""
    whole = int(value) if isinstance(value, float) and value.is_integer() else value
    return "" if whole is None else " ".join(str(whole).split())


def _called(row: Any) -> str:
    """A feature's name in brackets, by which people find it."""
    told = row.get("properties") if isinstance(row, dict) else None
    name = next((_text(told[key]) for key in ("name_zh", "name", "code") if _text(told.get(key))), "") if isinstance(told, dict) else ""  # fmt: skip
    return f" ({name[:40]})" if name else ""


def _doubled(found: Sequence[Feature], kind: Kind) -> Iterator[str]:
    """Grids that share a code."""
    seen: dict[str, int] = {}
    for number, feature in enumerate(found, start=1):
        first = seen.setdefault(feature.code, number)
        if kind == Kind.GRID and first != number:
            yield f"features {first} and {number} have the same code {feature.code}; correct one, or join them into one MultiPolygon"  # fmt: skip


def _crossed(found: Sequence[Feature], kind: Kind) -> Iterator[str]:
    """Outlines that cross themselves, and grids or districts that overlap each other."""
    areas = [number for number, feature in enumerate(found) if feature.is_area]
    outlines, mutual = [found[number].edges for number in areas], kind in (Kind.GRID, Kind.DISTRICT)
    for each in crossings(outlines, mutual) or (overlaps(outlines) if mutual else ()):
        yield _in_words(each, areas)


def _in_words(crossing: Crossing, areas: Sequence[int]) -> str:
    first, second = areas[crossing.first] + 1, areas[crossing.second] + 1
    where = f"longitude {crossing.lon_deg:.6f}, latitude {crossing.lat_deg:.6f}"
    if first == second:
        return f"feature {first}: its outline crosses itself at {where}; redraw it there"
    return f"features {first} and {second} overlap at {where}; redraw their border there"
