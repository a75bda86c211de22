"""Files of places as cities send them, and what is said of those that cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from server.places.geojson import LARGEST_BYTES, BadPlaces, read
from server.places.rules import Feature, Kind

TAIYUAN = (111.5, 37.45, 113.15, 38.42)
RING = [[112.54, 37.86], [112.56, 37.86], [112.56, 37.88], [112.54, 37.88], [112.54, 37.86]]
BOW_TIE = [[112.54, 37.86], [112.56, 37.88], [112.56, 37.86], [112.54, 37.88], [112.54, 37.86]]
LINE = [[112.54, 37.86], [112.56, 37.87]]


def feature(shape: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": shape, "coordinates": coordinates},
        "properties": {"name": "桃园北路", **properties},
    }


def collection(*features: Any, **more: Any) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": features, **more}, ensure_ascii=False).encode()


def taken(data: bytes, kind: str, bounds: Any = TAIYUAN) -> list[Feature]:
    return read(data, Kind(kind), bounds, lambda done, of: None)


def shifted(east_deg: float) -> list[list[float]]:
    return [[lon + east_deg, lat] for lon, lat in RING]


def swapped(points: list[list[float]]) -> list[list[float]]:
    return [[lat, lon] for lon, lat in points]


def test_each_kind_is_read_in_the_shapes_it_is_drawn_in() -> None:
    (road,) = taken(collection(feature("MultiLineString", [LINE, RING[:3]], name_en=" Taoyuan North Road ")), "road")
    assert (road.name_zh, road.name_en, road.code, road.is_area) == ("桃园北路", "Taoyuan North Road", "", False)
    assert road.edges.tolist() == [[*LINE[0], *LINE[1]], [*RING[0], *RING[1]], [*RING[1], *RING[2]]]
    point, park = taken(
        collection(feature("Point", [112.55, 37.87, 800.0], **{"name:en": "Station"}), feature("Polygon", [RING])),
        "landmark",
    )
    assert (point.edges.tolist(), point.name_en, point.is_area) == ([[112.55, 37.87, 112.55, 37.87]], "Station", False)
    assert park.is_area
    (odd,) = taken(collection(feature("LineString", LINE, name="桃园\n 北路", code=140105.0)), "road")
    assert (odd.name_zh, odd.code) == ("桃园 北路", "140105")
    (grid,) = taken(collection(feature("MultiPolygon", [[RING], [shifted(0.1)]], code=140105001001, name=None)), "grid")
    assert (grid.name_zh, grid.code, len(grid.edges)) == ("", "140105001001", 8)


def test_a_byte_order_mark_and_a_crs_that_is_wgs84_are_no_fault() -> None:
    for name in ("urn:ogc:def:crs:OGC:1.3:CRS84", "EPSG:4326", "urn:ogc:def:crs:EPSG::4490"):
        crs = {"type": "name", "properties": {"name": name}}
        assert taken(b"\xef\xbb\xbf" + collection(feature("LineString", LINE), crs=crs), "road")


NAMED = "feature 1 (桃园北路): "
FAULTS: dict[str, tuple[str, bytes, str]] = {
    "crossing itself": ("district", collection(feature("Polygon", [BOW_TIE])),
        "feature 1: its outline crosses itself at longitude 112.550000, latitude 37.870000; redraw it there"),
    "a hole over the rim": ("landmark", collection(feature("Polygon", [RING, [[lon + 0.01, lat + 0.005] for lon, lat in RING]])),
        "feature 1: its outline crosses itself at longitude 112.5"),
    "crossing another": ("grid", collection(feature("Polygon", [RING], code="1"), feature("Polygon", [[[lon + 0.01, lat + 0.01] for lon, lat in RING]], code="2")),
        "features 1 and 2 overlap at longitude 112.5"),
    "overlapping in a row": ("grid", collection(feature("Polygon", [RING], code="1"), feature("Polygon", [shifted(0.01)], code="2")),
        "features 1 and 2 overlap at longitude 112.5"),
    "the same twice": ("district", collection(feature("Polygon", [RING]), feature("Polygon", [RING])), "features 1 and 2 overlap at longitude 112.55"),
    "one in another": ("district", collection(feature("Polygon", [RING]), feature("Polygon", [[[112.55 + (lon - 112.55) / 9, 37.87 + (lat - 37.87) / 9] for lon, lat in RING]])),
        "features 1 and 2 overlap at longitude 112.5"),
    "swapped axes": ("road", collection(feature("LineString", swapped(LINE))),
        NAMED + "its axes are swapped: 37.86000, 112.54000; write each position as [longitude, latitude]"),
    "another city": ("road", collection(feature("LineString", [[116.4, 39.9], [116.5, 39.9]])),
        NAMED + "longitude 116.40000, latitude 39.90000 is not in this city; see that the file is this city's, in degrees of WGS-84"),
    "metres": ("road", collection(feature("LineString", [[12528000, 4558000], [12529000, 4558000]])),
        NAMED + "12529000, 4558000 are no degrees; convert the file to WGS-84 (EPSG:4326)"),
    "open ring": ("district", collection(feature("Polygon", [RING[:-1]])), NAMED + "its ring 1 is open; repeat the first position as the last"),
    "open hole": ("district", collection(feature("Polygon", [RING, RING[:-1]])), NAMED + "its ring 2 is open; repeat the first position as the last"),
    "flat ring": ("district", collection(feature("Polygon", [[RING[0], RING[1], RING[0]]])), NAMED + "its ring 1 encloses nothing; draw it again, or leave it out"),
    "level ring": ("district", collection(feature("Polygon", [[RING[0], [112.55, 37.86], RING[1], RING[0]]])), NAMED + "its ring 1 encloses nothing; draw it again, or leave it out"),
    "wrong crs": ("road", collection(feature("LineString", LINE), crs={"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}),
        'its crs is {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}: convert it to WGS-84 (EPSG:4326)'),
    "no name": ("road", collection(feature("LineString", LINE), feature("LineString", LINE, name=" ")), "feature 2: it has no name; fill in name_zh (or name), or leave it out"),
    "no code": ("grid", collection(feature("Polygon", [RING])), NAMED + "its code is empty; fill in code with up to 15 letters and digits"),
    "long code": ("grid", collection(feature("Polygon", [RING], code="1" * 16)), NAMED + "its code is too long; fill in code with up to 15 letters and digits"),
    "same code": ("grid", collection(feature("Polygon", [RING], code="7"), feature("Polygon", [shifted(0.1)], code="7")),
        "features 1 and 2 have the same code 7; correct one, or join them into one MultiPolygon"),
    "long name": ("road", collection(feature("LineString", LINE, name="路" * 101)), f"feature 1 ({'路' * 40}): its name is longer than 100 letters; shorten it"),
    "wrong shape": ("road", collection(feature("Polygon", [RING])), NAMED + "it is a Polygon; a road is drawn as LineString or MultiLineString"),
    "wrong nesting": ("road", collection(feature("LineString", [LINE])), NAMED + "its coordinates are not those of a LineString"),
    "words as numbers": ("road", collection(feature("LineString", [["112.54", "37.86"], LINE[1]])), NAMED + "its coordinates are not those of a LineString"),
    "not a number": ("road", collection(feature("LineString", [[float("nan"), 37.86], LINE[1]])), NAMED + "its coordinates are not those of a LineString"),
    "no geometry": ("road", collection({"type": "Feature", "geometry": None, "properties": {}}), "feature 1: geometry is missing or not as GeoJSON has it"),
    "no feature": ("road", collection("a road"), "feature 1: it is missing or not as GeoJSON has it"),
    "nothing in it": ("road", collection(), "it holds no features: nothing would be left of this kind"),
    "no collection": ("road", json.dumps(feature("LineString", LINE)).encode(), "it is no FeatureCollection: export it as GeoJSON, all features in one file"),
    "no JSON": ("road", b'{"type":\n"Feat', "it is broken JSON in line 2: export it again as GeoJSON"),
    "no UTF-8": ("road", '{"桃园北路": 1}'.encode("gbk"), "it is no text in UTF-8: save it as UTF-8"),
    "deep": ("road", b"[" * 100_000, "it is broken JSON"),
}  # fmt: skip


@pytest.mark.parametrize(("kind", "data", "said"), FAULTS.values(), ids=FAULTS)
def test_each_fault_is_one_sentence_that_names_the_feature_and_what_to_do(kind: str, data: bytes, said: str) -> None:
    with pytest.raises(BadPlaces) as wrong:
        taken(data, kind)
    assert "\n" not in str(wrong.value)
    assert str(wrong.value).startswith(said)


def test_faults_are_told_together_and_many_of_them_are_counted() -> None:
    features = [feature("LineString", LINE), *[feature("LineString", LINE, name="")] * 23]
    with pytest.raises(BadPlaces) as wrong:
        taken(collection(*features), "road")
    lines = str(wrong.value).split("\n")
    assert len(lines) == 21
    assert (lines[0][:9], lines[19][:10], lines[20]) == ("feature 2", "feature 21", "and 3 more like these")


def test_a_file_of_unheard_of_size_is_not_read() -> None:
    with pytest.raises(BadPlaces, match="larger than 200 MB: split it by district"):
        taken(b" " * (LARGEST_BYTES + 1), "road")


def test_where_a_citys_bounds_are_not_known_latitudes_beyond_the_pole_still_tell_swapped_axes() -> None:
    assert taken(collection(feature("LineString", [[116.4, 39.9], [116.5, 39.9]])), "road", None)
    with pytest.raises(BadPlaces, match="its axes are swapped"):
        taken(collection(feature("LineString", swapped(LINE))), "road", None)


def test_neighbours_and_a_district_in_the_hole_of_another_do_not_overlap() -> None:
    inner = [[112.55 + (lon - 112.55) / 9, 37.87 + (lat - 37.87) / 9] for lon, lat in RING]
    features = [feature("Polygon", [RING, inner]), feature("Polygon", [inner]), feature("Polygon", [shifted(0.02)])]
    assert len(taken(collection(*features), "district")) == 3


def test_roads_may_cross_themselves_and_parks_each_other() -> None:
    assert taken(collection(feature("LineString", BOW_TIE)), "road")
    assert len(taken(collection(feature("Polygon", [RING]), feature("Polygon", [shifted(0.01)])), "landmark")) == 2


def test_progress_is_told_feature_by_feature() -> None:
    told: list[tuple[int, int]] = []
    read(collection(*[feature("LineString", LINE)] * 3), Kind.ROAD, None, lambda done, of: told.append((done, of)))
    assert told == [(1, 3), (2, 3), (3, 3)]
