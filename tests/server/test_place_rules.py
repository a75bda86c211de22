"""What a place is called: point in polygon, way to a line, crossings, each against another way to reckon it."""

from __future__ import annotations

from fractions import Fraction
from itertools import combinations, pairwise
from math import atan2, cos, hypot, pi, sin

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from calibration.geodesy import moved, offset_m
from server.places.outlines import crossings
from server.places.rules import (
    Array,
    Feature,
    Kind,
    Named,
    encloses,
    named,
    side_of,
    way_to,
    words_of,
)

LAT, LON = 37.87, 112.55
Ring = list[tuple[float, float]]
RADII = st.lists(st.floats(0.2, 1.0), min_size=3, max_size=12)
SURE = (1.0, 0.0, 1.0)
NOTHING: dict[Kind, list[Feature]] = {kind: [] for kind in Kind}


def edges_of(*rings: Ring) -> Array:
    return np.array([(*a, *b) for ring in rings for a, b in pairwise(ring)])


def star(radii: list[float], size: float, x: float = 0.0, y: float = 0.0) -> Ring:
    """A closed ring around (x, y), every corner of which is seen from there."""
    turns = [2 * pi * number / len(radii) + 0.1 for number in range(len(radii))]
    ring = [(x + size * r * cos(t), y + size * r * sin(t)) for r, t in zip(radii, turns, strict=True)]
    return [*ring, ring[0]]


def winds(ring: Ring, x: float, y: float) -> bool:
    """Whether a ring goes around a point: by the sum of the angles under which its edges are seen."""
    total = 0.0
    for (x1, y1), (x2, y2) in pairwise(ring):
        turn = atan2(y2 - y, x2 - x) - atan2(y1 - y, x1 - x)
        total += (turn + pi) % (2 * pi) - pi
    return abs(total) > pi


def away(rings: list[Ring], x: float, y: float) -> float:
    """How far a point is from the nearest of 400 points of each edge."""
    shares = np.linspace(0, 1, 400)
    return min(
        float(np.hypot(x1 + (x2 - x1) * shares - x, y1 + (y2 - y1) * shares - y).min())
        for ring in rings
        for (x1, y1), (x2, y2) in pairwise(ring)
    )


@settings(max_examples=200, deadline=None)
@given(RADII, RADII, RADII, st.floats(-1.2, 4.2), st.floats(-1.2, 1.2))
def test_a_point_is_inside_where_the_rings_wind_around_it(
    outer: list[float], hole: list[float], other: list[float], x: float, y: float
) -> None:
    """Two polygons, the first with a hole."""
    rings = [star(outer, 1.0), star(hole, 0.15), star(other, 1.0, x=3.0)]
    assume(away(rings, x, y) > 0.01)
    inside = (winds(rings[0], x, y) and not winds(rings[1], x, y)) or winds(rings[2], x, y)
    assert encloses(edges_of(*rings), y, x) == inside


METRES = st.tuples(st.integers(-80, 80), st.integers(-80, 80))


@settings(max_examples=150, deadline=None)
@given(st.lists(METRES, min_size=2, max_size=5))
def test_the_way_to_a_line_is_the_shortest_of_ways_to_many_of_its_points(corners: list[tuple[int, int]]) -> None:
    line = [moved(LAT, LON, *corner)[::-1] for corner in corners]
    east, north = way_to(edges_of(line), LAT, LON)
    ways = [
        offset_m(LAT, LON, lat1 + (lat2 - lat1) * share, lon1 + (lon2 - lon1) * share)
        for (lon1, lat1), (lon2, lat2) in pairwise(line)
        for share in np.linspace(0, 1, 200)
    ]
    shortest = min(hypot(*way) for way in ways)
    assert shortest - 1.2 < hypot(east, north) < shortest + 0.01
    assert min(hypot(east - e, north - n) for e, n in ways) < 1.2


def test_the_way_to_a_point_is_the_way_there() -> None:
    lat, lon = moved(LAT, LON, 30.0, -40.0)
    assert way_to(np.array([[lon, lat, lon, lat]]), LAT, LON) == pytest.approx((30.0, -40.0), abs=0.01)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 2 * pi), st.floats(0.5, 30.0), st.floats(0.1, 8.0), st.floats(0.1, 8.0), st.floats(-0.9, 0.9))
def test_a_side_is_told_where_nineteen_in_twenty_places_of_the_error_lie_on_it(
    turn: float, metres: float, sigma_e: float, sigma_n: float, correlation: float
) -> None:
    """Reckoned along the way to the road: as the share of a normal distribution that lies short of it."""
    way = (metres * cos(turn), metres * sin(turn))
    en = correlation * sigma_e * sigma_n
    along = hypot(*np.linalg.cholesky([[sigma_e**2, en], [en, sigma_n**2]]).T @ (cos(turn), sin(turn)))
    assume(abs(metres - 1.96 * along) > 1e-6)
    told = side_of(way, (sigma_e**2, en, sigma_n**2))
    assert bool(told) == (metres > 1.96 * along)
    if told:  # a place that has to go east to the road is west of it
        towards = {"west": (1, 0), "east": (-1, 0), "south": (0, 1), "north": (0, -1)}
        best = max(towards, key=lambda each: way[0] * towards[each][0] + way[1] * towards[each][1])
        assert np.dot(way, towards[told]) == pytest.approx(np.dot(way, towards[best]))


CORNERS = st.lists(st.tuples(st.integers(0, 8), st.integers(0, 8)), min_size=3, max_size=7, unique=True)


def cross(a: tuple[int, int], b: tuple[int, int], c: tuple[int, int], d: tuple[int, int]) -> bool:
    """Whether a-b and c-d cross within both: the two lines' shares of the way to their common point, exactly."""
    wide = (b[0] - a[0]) * (d[1] - c[1]) - (b[1] - a[1]) * (d[0] - c[0])
    if not wide:
        return False
    of_ab = Fraction((c[0] - a[0]) * (d[1] - c[1]) - (c[1] - a[1]) * (d[0] - c[0]), wide)
    of_cd = Fraction((c[0] - a[0]) * (b[1] - a[1]) - (c[1] - a[1]) * (b[0] - a[0]), wide)
    return 0 < of_ab < 1 and 0 < of_cd < 1


@settings(max_examples=200, deadline=None)
@given(st.lists(CORNERS, min_size=1, max_size=4), st.booleans())
def test_outlines_cross_where_some_pair_of_their_edges_does(
    outlines: list[list[tuple[int, int]]], mutual: bool
) -> None:
    edges = [
        (number, a, b) for number, ring in enumerate(outlines) for a, b in zip(ring, [*ring[1:], ring[0]], strict=True)
    ]
    expected = {
        tuple(sorted((one[0], other[0])))
        for one, other in combinations(edges, 2)
        if (mutual or one[0] == other[0]) and cross(one[1], one[2], other[1], other[2])
    }
    arrays = [edges_of([*ring, ring[0]]).astype(float) for ring in outlines]
    found = list(crossings(arrays, mutual=mutual))
    assert {(each.first, each.second) for each in found} == expected
    assert len(found) == len(expected)


def test_neighbours_whose_common_border_differs_by_a_metre_do_not_cross_and_by_ten_they_do() -> None:
    def square(west_m: float, lean_m: float) -> Array:
        corners = [(west_m, 0), (west_m + 200, 0), (west_m + 200, 200), (west_m + lean_m, 200), (west_m, 0)]
        return edges_of([moved(LAT, LON, *corner)[::-1] for corner in corners])

    assert not list(crossings([square(0, 0), square(199.5, 1)], mutual=True))
    (found,) = crossings([square(0, 0), square(195, 10)], mutual=True)
    assert (found.first, found.second) == (0, 1)
    assert offset_m(LAT, LON, found.lat_deg, found.lon_deg) == pytest.approx((200, 100), abs=1)


def thing(name: str, *rings: Ring, is_area: bool = False, code: str = "") -> Feature:
    line = [[moved(LAT, LON, *corner)[::-1] for corner in ring] for ring in rings]
    return Feature(name, f"{name} in English", code, is_area, edges_of(*line))


def box(west: float, south: float, east: float, north: float) -> Ring:
    return [(west, south), (east, south), (east, north), (west, north), (west, south)]


def test_a_place_has_its_road_side_landmark_grid_and_district() -> None:
    around = {
        Kind.ROAD: [thing("远路", [(-60, 49), (60, 49)]), thing("桃园北路", [(-12, -300), (-12, 300)])],
        Kind.LANDMARK: [thing("太原站", [(31, 0), (31, 0)]), thing("钟楼", [(0, 290), (0, 290)])],
        Kind.GRID: [thing("", box(0.5, -90, 90, 90), is_area=True, code="2"), thing("", box(-90, -90, 0.5, 90), is_area=True, code="1")],
        Kind.DISTRICT: [thing("小店区", box(-900, -900, 900, 900), is_area=True)],
    }  # fmt: skip
    place = named(LAT, LON, SURE, around)
    assert (place.road_zh, place.side, place.landmark_zh, place.landmark_m) == ("桃园北路", "east", "太原站", 30)
    assert (place.grid, place.district_zh, place.district_en) == ("1", "小店区", "小店区 in English")
    assert words_of(place, "zh-hans") == "小店区桃园北路东侧，距太原站30米"
    assert words_of(place, "en") == "桃园北路 in English, east side, 30 m from 太原站 in English, 小店区 in English"


def test_what_is_out_of_reach_names_nothing_and_nothing_has_no_words() -> None:
    around = NOTHING | {
        Kind.ROAD: [thing("远路", [(51, -9), (51, 9)])],
        Kind.LANDMARK: [thing("钟楼", [(0, 301), (0, 301)])],
        Kind.GRID: [thing("", box(5, 5, 9, 9), is_area=True, code="2")],
    }
    place = named(LAT, LON, SURE, around)
    assert place == Named()
    assert words_of(place, "zh-hans") == words_of(place, "en") == ""


def test_inside_of_a_landmark_the_distance_is_none_and_a_lone_road_is_enough() -> None:
    park = thing("迎泽公园", box(-50, -50, 50, 50), is_area=True)
    place = named(LAT, LON, SURE, NOTHING | {Kind.LANDMARK: [park]})
    assert place.landmark_m == 0
    assert words_of(place, "zh-hans") == "迎泽公园旁"
    assert words_of(Named(road_zh="迎泽大街", landmark_zh="五一广场", landmark_m=0), "en") == "迎泽大街, at 五一广场"
    assert words_of(Named(road_zh="迎泽大街"), "zh-hans") == "迎泽大街"
