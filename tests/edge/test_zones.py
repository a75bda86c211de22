"""Zones: which places lie in them and when they count; a file that is broken or hostile is refused with file and feature."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edge.zones import LARGEST_BYTES, BadZones, Zones, zones_beside

LAT, LON = 37.87, 112.55
Ring = list[list[float]]


def square(east: float, north: float, side: float, lon: float = LON, lat: float = LAT) -> Ring:
    """A ring around (lon + east, lat + north), in thousandths of a degree."""
    x, y, h = lon + east / 1000, lat + north / 1000, side / 2000
    return [[x - h, y - h], [x + h, y - h], [x + h, y + h], [x - h, y + h], [x - h, y - h]]


def feature(rings: Any, kind: str = "no_parking", shape: str = "Polygon", **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": {"type": shape, "coordinates": rings}, "properties": {"kind": kind} | properties}  # fmt: skip


def zones(*features: dict[str, Any]) -> Zones:
    return Zones.of(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "zones")


def holds(found: Zones, east: float, north: float, kind: str = "no_parking", **asked: Any) -> bool:
    return found.at(kind, LAT + north / 1000, LON + east / 1000, **asked)


def test_a_place_lies_inside_a_polygon_but_not_in_its_hole_nor_in_another_kind() -> None:
    found = zones(feature([square(0, 0, 4), square(0, 0, 2)]))
    assert [holds(found, east, 0) for east in (-2.1, -1.9, -0.9, 0, 0.9, 1.9, 2.1)] == [False, True, False, False, False, True, False]  # fmt: skip
    assert not holds(found, 1.5, 0, "parking")
    assert (found.has("no_parking"), found.has("parking")) == (True, False)


def test_each_part_of_a_multipolygon_counts_and_its_hole_does_not() -> None:
    found = zones(feature([[square(0, 0, 2)], [square(10, 0, 4), square(10, 0, 2)]], shape="MultiPolygon"))
    assert [holds(found, east, 0) for east in (0, 5, 10, 11.5)] == [True, False, False, True]


def test_a_bent_polygon_has_no_inside_where_it_is_hollow() -> None:
    """A U: its bounding box encloses what it does not."""
    u = [[LON + x / 1000, LAT + y / 1000, 780.0] for x, y in ((0, 0), (9, 0), (9, 9), (6, 9), (6, 3), (3, 3), (3, 9), (0, 9))]  # fmt: skip
    found = zones(feature([u]))  # left open, with heights
    assert [holds(found, *at) for at in ((1, 8), (4.5, 8), (8, 8), (4.5, 1))] == [True, False, True, True]


def test_of_two_zones_over_each_other_each_counts() -> None:
    found = zones(feature([square(0, 0, 4)]), feature([square(1, 0, 4)]))
    assert [holds(found, east, 0) for east in (-1.5, 0, 2.5)] == [True, True, True]


def test_a_zone_for_one_category_counts_for_no_other() -> None:
    found = zones(feature([square(0, 0, 2)], "permitted", category="roadside_stall"))
    assert holds(found, 0, 0, "permitted", category="roadside_stall")
    assert not holds(found, 0, 0, "permitted", category="banner")
    assert not holds(found, 0, 0, "permitted")
    assert found.silencing == 0


def test_permitted_zones_that_silence_every_category_are_counted() -> None:
    stall = feature([square(0, 0, 2)], "permitted", category="roadside_stall")
    everything, depot = feature([square(0, 0, 2)], "permitted"), feature([square(0, 0, 2)], "depot")
    assert zones(stall, everything, depot, everything).silencing == 2
    assert zones(depot).silencing == 0


@pytest.mark.parametrize(("hours", "counted"), [
    ("07:00-22:00", list(range(7, 22))), ("22:00-06:00", [*range(6), 22, 23]), ("07:00-09:00, 17:00-19:00", [7, 8, 17, 18]),
    ("00:00-24:00", list(range(24))), ("12:00-24:00", list(range(12, 24))),
])  # fmt: skip
def test_hours_are_those_of_the_citys_clock(hours: str, counted: list[int]) -> None:
    found = zones(feature([square(0, 0, 2)], hours=hours))
    assert [hour for hour in range(24) if holds(found, 0, 0, local=datetime(2026, 11, 2, hour, tzinfo=UTC))] == counted


def test_where_nobody_knows_the_time_a_depot_counts_and_a_prohibition_does_not() -> None:
    rings = [square(0, 0, 2)]
    found = zones(feature(rings, "depot", hours="07:00-08:00"), feature(rings, hours="07:00-08:00"))
    assert (holds(found, 0, 0, "depot"), holds(found, 0, 0)) == (True, False)


def test_without_zones_nothing_counts(tmp_path: Path) -> None:
    for none in (Zones.none(), zones_beside(tmp_path / "zones.geojson"), zones()):
        assert not none.has("depot")
        assert not holds(none, 0, 0, "depot")


GOOD = feature([square(0, 0, 2)])


@pytest.mark.parametrize(("data", "said"), [
    (b"", "EOF"), (b"\xff\xfe\x00", ""), (b"[]", ""), (b"[" * 100_000, ""), (b'{"type": "FeatureCollection"}', "features"),
    ({"type": "Feature", "features": []}, "FeatureCollection"), ([GOOD, feature([square(0, 0, 2)], "no_parkin")], "feature 1.*kind"),
    ([feature([square(0, 0, 2)], category="nonsense")], "feature 0.*nonsense"), ([feature([square(0, 0, 2)], hours="late")], "feature 0.*hours"),
    ([feature([square(0, 0, 2)], hours="07:00-07:00")], "same time"), ([feature([square(0, 0, 2)], hours="07:00")], "hours"),
    ([feature([square(0, 0, 2)], hours=7)], "hours"), ([GOOD | {"geometry": None}], "geometry"), ([GOOD | {"properties": None}], "properties"),
    ([feature([1.0, 2.0], shape="Point")], "Point"), ([feature([])], "feature 0"), ([feature([[[1.0, 2.0], [1.0, 3.0]]])], "feature 0"),
    ([feature([[[1.0, 2.0], [1.0, 3.0], [2.0]]])], "feature 0"), ([feature([[["1", "2"], [1.0, 3.0], [2.0, 2.0]]])], "feature 0"),
    ([feature([[[LAT, LON], [LAT + 1, LON], [LAT, LON + 1]]])], "longitude comes first"), ([feature([square(1e7, 0, 2)])], "longitude"),
    (b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"kind": "depot"}, "geometry": {"type": "Polygon", "coordinates": [[[NaN, 1], [1, Infinity], [2, 2]]]}}]}', ""),
    (b'{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"kind": "depot"}, "geometry": {"type": "Polygon", "coordinates": [[[1e999, 1], [1, 1], [2, 2]]]}}]}', ""),
    (b" " * (LARGEST_BYTES + 1), "larger"), ([feature([[square(0, 0, 2)]] * 20_001, shape="MultiPolygon")], "polygons"),
])  # fmt: skip
def test_what_is_broken_or_hostile_is_refused_with_file_and_feature(tmp_path: Path, data: Any, said: str) -> None:
    path = tmp_path / "zones.geojson"
    whole = {"type": "FeatureCollection", "features": data} if isinstance(data, list) else data
    path.write_bytes(whole if isinstance(whole, bytes) else json.dumps(whole).encode())
    with pytest.raises(BadZones, match=f"(?s)zones.geojson.*{said}") as refused:
        Zones.read(path)
    assert len(str(refused.value)) < 500


def test_a_file_that_is_not_there_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(BadZones, match=r"gone\.geojson: No such file"):
        Zones.read(tmp_path / "gone.geojson")


def test_a_place_is_looked_up_among_five_thousand_polygons_in_a_fifth_of_a_millisecond() -> None:
    rng = np.random.default_rng(5)
    rows = [feature([square(float(east), float(north), 6)]) for east, north in rng.uniform(-150, 150, (5000, 2))]
    found, places = zones(*rows), rng.uniform(-150, 150, (400, 2))
    began_s = time.thread_time()
    inside = sum(holds(found, *place) for place in places)
    assert inside > 50
    assert (time.thread_time() - began_s) / len(places) < 0.0002
