"""The street for rules that ask where a thing stands: what breaks one lies in its zone, what looks the same does not, and some things drive."""

from __future__ import annotations

import json
from collections import Counter
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from demo.ride import standing
from demo.ride.drive import drive, to_wgs84
from demo.ride.pose import Pose
from demo.ride.street import Placed, Street, Zone
from demo.ride.training import NAMES
from demo.ride.truth import Truth
from demo.ride.write import write_zones
from edge.zones import Zones

FORBIDDEN_IN = {"misparked_two_wheeler": "no_parking", "misparked_car": "no_parking", "roadside_stall": "no_vending"}


@cache
def street(seed: int = 21) -> Street:
    return standing.layout(seed)


def inside(zone: Zone, thing: Placed) -> bool:
    (x1, x2), (y1, y2), (x, y) = zone.x_m, zone.y_m, thing.foot_m
    return x1 < x < x2 and y1 < y < y2


def held(thing: Placed, kind: str) -> bool:
    return any(zone.kind == kind and inside(zone, thing) for zone in street().zones)


def test_every_rule_is_broken_and_each_breach_lies_where_its_rule_holds() -> None:
    breaches = [thing for thing in street().objects if thing.category]
    assert Counter(thing.category for thing in breaches) == {
        "misparked_two_wheeler": 2, "misparked_shared_bike": 1, "misparked_car": 2, "roadside_stall": 2,
    }  # fmt: skip
    for thing in breaches:
        kind = FORBIDDEN_IN.get(thing.category)
        assert held(thing, kind) if kind else not held(thing, "parking")


def test_what_looks_the_same_and_breaks_nothing_is_there_too() -> None:
    calm = [t for t in street().objects if not t.category and not street().moving.get(t.id)]
    beside = [thing for thing in calm if not (held(thing, "no_parking") or held(thing, "no_vending"))]
    assert {"bicycle", "dining_table", "person"} < {thing.label for thing in beside}
    assert any(thing.label in ("car", "truck") for thing in beside)
    assert sum(held(thing, "parking") and thing.label == "bicycle" for thing in calm) >= 4
    tables = [thing for thing in calm if thing.label == "dining_table"]
    assert sum(held(thing, "no_vending") for thing in tables) == 1, "one without anybody"
    assert all(thing.label in NAMES for thing in street().objects)


def test_two_cars_and_a_rider_drive_through_a_zone_where_nobody_may_park() -> None:
    assert sorted(street().moving.values()) == [-5.0, -5.0, 2.6, 2.6]
    moments = drive(21, 3.0, standing.end_m())
    assert moments[-1].pose.x_m < standing.end_m() + 2
    for number in street().moving:
        thing = street().objects[number - 1]
        met = min(abs(thing.foot_m[0] + street().shift_m(number, m.t_s) - m.pose.x_m) for m in moments)
        assert met < 8, "the vehicle meets it"


def test_a_thing_that_drives_is_seen_where_it_is_by_then() -> None:
    number = min(street().moving)
    thing = street().objects[number - 1]
    ids = np.zeros((540, 960), np.int32)
    ids[200:220, 300:330] = number
    pose = Pose(thing.foot_m[0] - 20.0, thing.foot_m[1], 1.4, 0.0, 0.1)
    before, later = (Truth(street()).views(pose, ids, t_s)[0] for t_s in (0.0, 2.0))
    assert (before.range_m, later.range_m) == pytest.approx((20.0, 10.0))
    assert later.visible_share < before.visible_share, "its outline has grown"


def test_the_same_seed_makes_the_same_street() -> None:
    again = standing.layout(21)
    assert (again.objects, again.zones) == (street().objects, street().zones)


def test_the_vehicle_reads_the_zones_that_are_written(tmp_path: Path) -> None:
    write_zones(tmp_path / "zones.geojson", street().zones)
    zones = Zones.read(tmp_path / "zones.geojson")
    for thing in street().objects:
        if 0 < thing.foot_m[0] < standing.end_m():
            lat, lon = to_wgs84(*thing.foot_m)
            assert zones.at("no_parking", lat, lon) == held(thing, "no_parking"), thing
            assert zones.at("service_area", lat, lon)
    assert len(json.loads((tmp_path / "zones.geojson").read_text())["features"]) == 1 + len(street().zones)
