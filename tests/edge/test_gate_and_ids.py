"""Which frames are looked at, what belongs to a pass, and ids that are the same every time."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import RFC_4122
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from calibration.geodesy import moved
from edge.decide import Passes
from edge.gate import Gate
from edge.identity import Ids, uuid7
from edge.settings import Decide
from edge.settings import Gate as GateSettings
from edge.zones import Zones

FrameAt = Callable[..., Any]
NOW = datetime(2026, 5, 1, tzinfo=UTC)
RIDE = Ids("TY-01", "front", "d" * 64)


def test_it_looks_by_metres_and_not_by_the_clock(frame_at: FrameAt) -> None:
    gate = Gate(GateSettings())
    opened = [n for n in range(100) if gate.opens(frame_at(n, n * 0.1, t_s=n / 25))]
    assert len(opened) == 7
    assert gate.reasons == {"not_far_enough": 93}


def test_at_standstill_it_looks_every_ten_seconds(frame_at: FrameAt) -> None:
    gate = Gate(GateSettings())
    assert [n for n in range(31) if gate.opens(frame_at(n, 0.0))] == [0, 10, 20, 30]


def test_without_a_fix_in_the_dark_or_behind_a_cover_it_stays_shut_and_says_why(frame_at: FrameAt) -> None:
    gate = Gate(GateSettings())
    assert not gate.opens(frame_at(0, 0.0, with_fix=False))
    assert not gate.opens(frame_at(1, 0.0, image=np.zeros((540, 960, 3), np.uint8)))
    assert not gate.opens(frame_at(2, 0.0, image=np.full((540, 960, 3), 120, np.uint8)))
    assert gate.reasons == {"no_fix": 1, "dark": 1, "blurred": 1}
    assert gate.opens(frame_at(3, 0.0)), "a shut gate must not count as a look"


def test_by_a_fix_that_places_nothing_it_does_not_look(frame_at: FrameAt) -> None:
    gate = Gate(GateSettings())
    frame = frame_at(0, 0.0)
    assert not gate.opens(replace(frame, fix=replace(frame.fix, sigma_m=99 * 4.0)))
    assert gate.reasons == {"poor_fix": 1}
    assert gate.opens(frame)


def zones(*kinds: tuple[str, str | None]) -> Zones:
    """Each kind with its hours, from 2 m behind the tests' origin to 22 m before it."""
    west, east = (moved(37.87, 112.55, metres, 0.0)[1] for metres in (-2.0, 22.0))
    ring = [[west, 37.8], [east, 37.8], [east, 37.9], [west, 37.9]]
    shape = {"type": "Polygon", "coordinates": [ring]}
    features = [{"type": "Feature", "geometry": shape, "properties": {"kind": kind, "hours": hours}} for kind, hours in kinds]  # fmt: skip
    return Zones.of(json.dumps({"type": "FeatureCollection", "features": features}).encode(), "zones")


def looked(gate: Gate, frame_at: FrameAt, **changed: Any) -> list[int]:
    return [n for n in range(5) if gate.opens(replace(frame_at(n, n * 10.0 - 10.0), **changed))]


def test_it_looks_only_inside_the_service_area_and_never_in_a_depot(frame_at: FrameAt) -> None:
    area, depot = Gate(GateSettings(), zones(("service_area", None))), Gate(GateSettings(), zones(("depot", None)))
    assert looked(area, frame_at) == [1, 2, 3]
    assert looked(depot, frame_at) == [0, 4]
    both = Gate(GateSettings(), zones(("service_area", None), ("depot", None)))
    assert looked(both, frame_at) == []
    assert (area.reasons, depot.reasons) == ({"outside_area": 2}, {"depot": 3})
    assert both.reasons == {"outside_area": 2, "depot": 3}
    assert looked(Gate(GateSettings(), zones(("no_parking", None))), frame_at) == [0, 1, 2, 3, 4]


def test_a_depots_hours_are_by_the_citys_clock_and_hold_where_no_clock_can_be_trusted(frame_at: FrameAt) -> None:
    """The tests' frames are of 02:00 UTC, 10:00 in Shanghai."""
    for hours, expected in (("09:00-11:00", [0, 4]), ("01:00-03:00", [0, 1, 2, 3, 4])):
        gate = Gate(GateSettings(), zones(("depot", hours)), ZoneInfo("Asia/Shanghai"))
        assert looked(gate, frame_at) == expected
    gate = Gate(GateSettings(), zones(("depot", "01:00-03:00")), ZoneInfo("Asia/Shanghai"))
    assert looked(gate, frame_at, clock_sigma_s=86400.0) == [0, 4]


@pytest.mark.parametrize(("way", "passes"), [
    ([(n * 10.0, 0.0, 90.0, n) for n in range(60)], 2),  # 590 m
    ([(n * 0.01, 0.0, 90.0, n * 10) for n in range(32)], 2),  # 310 s
    ([(0.0, 0.0, 90.0, 0), (1.0, 0.0, 90.0, 130)], 2),  # a stop
    ([(5.0 * n, 0.0, 90.0, n) for n in range(9)] + [(41.0 + n % 2, 0.0, 90.0, 10 * n) for n in range(1, 15)], 2),  # a stop, looked at every 10 s
    ([(0.0, 0.0, 90.0, 0), (5.0, 0.0, 90.0, 1), (5.0, 3.0, 270.0, 2), (0.0, 3.0, 270.0, 3)], 2),  # turned back
    ([(0.0, 0.0, 90.0, 0), (5.0, 0.0, 90.0, 1), (8.0, 3.0, 0.0, 2)], 1),  # round a corner
])  # fmt: skip
def test_a_pass_ends_by_length_time_stop_or_turn(
    frame_at: FrameAt, way: list[tuple[float, float, float, float]], passes: int
) -> None:
    cut = Passes(Decide(), RIDE)
    assert (
        len({cut.of(frame_at(n, e, north, heading, t_s=t)) for n, (e, north, heading, t) in enumerate(way)}) == passes
    )


def test_a_long_stop_begins_one_pass_and_then_one_every_five_minutes(frame_at: FrameAt) -> None:
    cut = Passes(Decide(), RIDE)
    began_s, seen = [], set()
    for t_s in range(0, 901, 10):
        pass_id = cut.of(frame_at(t_s, 0.0, t_s=t_s))
        began_s += [] if pass_id in seen else [t_s]
        seen.add(pass_id)
    assert began_s == [0, 130, 440, 750]


def test_an_id_is_a_version_7_uuid_of_the_time_seen() -> None:
    made = uuid7(NOW, bytes(range(10)))
    assert (made.version, made.variant) == (7, RFC_4122)
    assert made.int >> 80 == int(NOW.timestamp() * 1000)


def test_a_replay_gives_the_same_id_and_any_other_input_another() -> None:
    base = RIDE.sighting(NOW, 7, "road_damage", 0)
    assert base == Ids("TY-01", "front", "d" * 64).sighting(NOW, 7, "road_damage", 0)
    others = [
        Ids("TY-02", "front", "d" * 64).sighting(NOW, 7, "road_damage", 0), Ids("TY-01", "rear", "d" * 64).sighting(NOW, 7, "road_damage", 0),
        Ids("TY-01", "front", "e" * 64).sighting(NOW, 7, "road_damage", 0), RIDE.sighting(NOW, 8, "road_damage", 0),
        RIDE.sighting(NOW, 7, "road_dirty", 0), RIDE.sighting(NOW, 7, "road_damage", 1),
        RIDE.sighting(NOW + timedelta(milliseconds=1), 7, "road_damage", 0),
    ]  # fmt: skip
    assert len({base, *others}) == 8


def test_a_live_camera_never_gives_an_id_twice() -> None:
    live = Ids("TY-01", "front", None)
    assert live.sighting(NOW, 7, "road_damage", 0) != live.sighting(NOW, 7, "road_damage", 0)


def test_a_picture_that_is_nearly_refused_is_called_poor(frame_at: FrameAt) -> None:
    gate, noise = Gate(GateSettings()), np.random.default_rng(1).integers(0, 255, (540, 960, 3))
    for number, (share, is_poor) in enumerate(((1.0, False), (0.2, True))):
        assert gate.opens(frame_at(number, number * 2.0, image=(share * noise).astype(np.uint8)))
        assert gate.is_poor is is_poor
