"""Where a rule holds: the city's zones, one GeoJSON FeatureCollection (WGS-84, RFC 7946) of polygons, holes and all.

Each feature's `properties` say `kind`, and may say
- `category`: the zone counts for this category alone (a `permitted` place for one stall is none for another thing; one without a category permits everything);
- `hours`: when it counts, by the city's own clock: `07:00-22:00`, several with commas, over midnight `22:00-06:00`, midnight at the end is `24:00`.

BadZones   the file cannot be used; nothing of it counts
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path
from typing import Annotated, Literal, Self

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from models.taxonomy import CATEGORIES

Kind = Literal["service_area", "depot", "no_parking", "parking", "no_vending", "permitted"]
FORBIDDING = frozenset({"no_parking", "no_vending"})
"""Kinds that make an offence of something: where nobody knows what time it is, those with `hours` do not count; all others do."""
LARGEST_BYTES, MOST_POLYGONS = 8_000_000, 20_000
Array = npt.NDArray[np.float64]


class BadZones(Exception):
    """The zones cannot be used; the text names file and feature."""


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True)


Point = Annotated[list[Annotated[float, Field(allow_inf_nan=False)]], Field(min_length=2, max_length=3)]
Ring = Annotated[list[Point], Field(min_length=3, fail_fast=True)]
Rings = Annotated[list[Ring], Field(min_length=1, fail_fast=True)]


class _Polygon(_Row):
    type: Literal["Polygon"]
    coordinates: Rings


class _MultiPolygon(_Row):
    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Rings], Field(min_length=1, fail_fast=True)]


class _Properties(_Row):
    kind: Kind
    category: str | None = None
    hours: str | None = None

    @field_validator("category")
    @classmethod
    def _is_known(cls, name: str | None) -> str | None:
        if name is not None and name not in CATEGORIES:
            raise ValueError(f"no such category: {name[:48]}")
        return name

    @field_validator("hours")
    @classmethod
    def _are_hours(cls, text: str | None) -> str | None:
        spans_of(text)
        return text


class _Feature(_Row):
    type: Literal["Feature"]
    geometry: Annotated[_Polygon | _MultiPolygon, Field(discriminator="type")]
    properties: _Properties


class _Collection(_Row):
    type: Literal["FeatureCollection"]
    features: Annotated[list[_Feature], Field(max_length=MOST_POLYGONS, fail_fast=True)]


Spans = tuple[tuple[time, time], ...]


@dataclass(frozen=True)
class _When:
    """For which category (empty: for all) and when (empty: always) a zone counts."""

    category: str
    spans: Spans

    def counts(self, kind: str, category: str, local: datetime | None) -> bool:
        if self.category not in ("", category):
            return False
        if not self.spans:
            return True
        return kind not in FORBIDDING if local is None else any(_within(span, local.time()) for span in self.spans)


@dataclass(frozen=True, eq=False)
class _Layer:
    """All polygons of one kind: bounds [4, n] as west, south, east, north, and of each its edges [4, m] as x1, y1, x2, y2, in degrees."""

    bounds: Array
    edges: tuple[Array, ...]
    when: tuple[_When, ...]


@dataclass(frozen=True, eq=False)
class Zones:
    """The zones of a city, ready to be asked. An area that crosses the 180th meridian is not understood."""

    _layers: dict[str, _Layer]

    @classmethod
    def none(cls) -> Self:
        """No zones: nothing is forbidden, nothing is a depot, and the service area is everywhere."""
        return cls({})

    @classmethod
    def read(cls, path: Path) -> Self:
        """The zones of a file. Raises BadZones."""
        try:
            with path.open("rb") as file:
                return cls.of(file.read(LARGEST_BYTES + 1), str(path))
        except OSError as wrong:
            raise BadZones(f"{path}: {wrong.strerror}") from None

    @classmethod
    def of(cls, data: bytes, name: str) -> Self:
        """The zones of a file's bytes; `name` is what an error calls it. Raises BadZones."""
        if len(data) > LARGEST_BYTES:
            raise BadZones(f"{name}: larger than {LARGEST_BYTES} bytes")
        try:
            features = _Collection.model_validate_json(data).features
        except ValidationError as wrong:
            raise BadZones(f"{name}: {_first(wrong)}") from None
        found: dict[str, list[tuple[Array, _When]]] = {}
        for number, feature in enumerate(features):
            told, shape = feature.properties, feature.geometry
            when = _When(told.category or "", spans_of(told.hours))
            polygons = [shape.coordinates] if isinstance(shape, _Polygon) else shape.coordinates
            edges = [_edges(rings, f"{name}: feature {number}") for rings in polygons]
            found.setdefault(told.kind, []).extend((each, when) for each in edges)
        if sum(map(len, found.values())) > MOST_POLYGONS:
            raise BadZones(f"{name}: more than {MOST_POLYGONS} polygons")
        return cls({kind: _layer(rows) for kind, rows in found.items()})

    def has(self, kind: str) -> bool:
        """Whether there is any zone of a kind."""
        return kind in self._layers

    @property
    def polygons(self) -> dict[str, int]:
        """How many polygons there are of each kind."""
        return {kind: len(layer.edges) for kind, layer in self._layers.items()}

    @property
    def silencing(self) -> int:
        """How many `permitted` polygons name no category: inside nothing is told, no open manhole either."""
        layer = self._layers.get("permitted")
        return sum(not when.category for when in layer.when) if layer is not None else 0

    def at(self, kind: str, lat_deg: float, lon_deg: float, *, category: str = "", local: datetime | None = None) -> bool:  # fmt: skip
        """Whether a place lies in a zone of a kind that counts for `category` at the city's time `local` (None: unknown)."""
        layer = self._layers.get(kind)
        if layer is None:
            return False
        west, south, east, north = layer.bounds
        near = np.flatnonzero((west <= lon_deg) & (lon_deg <= east) & (south <= lat_deg) & (lat_deg <= north))
        return any(
            layer.when[each].counts(kind, category, local) and _encloses(layer.edges[each], lon_deg, lat_deg)
            for each in near
        )


def zones_beside(path: Path) -> Zones:
    """The zones of a file, none where there is no such file. Raises BadZones."""
    return Zones.read(path) if path.exists() else Zones.none()


def spans_of(hours: str | None) -> Spans:
    """`07:00-12:00,14:00-24:00` as times of day; empty for None. Raises ValueError."""
    if hours is None:
        return ()
    try:
        ends = [span.split("-") for span in hours.split(",")]
        spans = tuple((time.fromisoformat(begin.strip()), _end(end.strip())) for begin, end in ends)
    except ValueError:
        raise ValueError("hours are written like 07:00-22:00, several with commas") from None
    if any(begin == end for begin, end in spans):
        raise ValueError("hours begin and end at the same time; leave them out for the whole day")
    return spans


def _end(text: str) -> time:
    return time.max if text == "24:00" else time.fromisoformat(text)


def _within(span: tuple[time, time], now: time) -> bool:
    begin, end = span
    return begin <= now < end if begin < end else now >= begin or now < end


def _edges(rings: list[list[list[float]]], name: str) -> Array:
    """The edges [4, m] of all rings of one polygon. Raises BadZones."""
    edges = []
    for ring in rings:
        points = np.array([point[:2] for point in ring])
        if np.any(np.abs(points) > (180.0, 90.0)):
            raise BadZones(f"{name}: a longitude beyond 180° or a latitude beyond 90°; longitude comes first")
        edges.append(np.concatenate([points, np.roll(points, -1, axis=0)], axis=1))
    return np.concatenate(edges).T.copy()


def _layer(rows: list[tuple[Array, _When]]) -> _Layer:
    bounds = [(x.min(), y.min(), x.max(), y.max()) for (x, y, _, _), _ in rows]
    return _Layer(np.array(bounds).T.copy(), tuple(edges for edges, _ in rows), tuple(when for _, when in rows))


def _encloses(edges: Array, x: float, y: float) -> bool:
    """Whether a ray to the east crosses an odd number of edges; holes are rings like any other."""
    x1, y1, x2, y2 = edges[:, (edges[1] > y) != (edges[3] > y)]
    return bool(np.count_nonzero(x1 + (y - y1) * (x2 - x1) / (y2 - y1) > x) % 2)


def _first(wrong: ValidationError) -> str:
    """The first thing wrong, with the number of its feature, counted from 0."""
    first = wrong.errors(include_url=False, include_input=False, include_context=False)[0]
    where = [str(part) for part in first["loc"]]
    if where[:1] == ["features"] and len(where) > 1:
        where[:2] = [f"feature {where[1]}"]
    return ": ".join(filter(None, (".".join(where), first["msg"])))
