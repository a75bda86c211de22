"""The four rules of place on a synthetic street: what stands where it may not becomes a track of the rule's category, and its innocent double does not."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from calibration.camera import Camera
from calibration.geodesy import moved
from calibration.ground import NoGround, pixel_from_ground
from calibration.mount import Mount
from edge.context import Context
from edge.decide import Decider
from edge.identity import Ids
from edge.locate import Locator
from edge.settings import Decide
from edge.values import Detection, Track
from edge.zones import Kind, Zones
from models import rules
from models.packs import load_pack
from models.taxonomy import CATEGORIES

FrameAt = Callable[..., Any]
PASS, BEIJING = UUID(int=1), ZoneInfo("Asia/Shanghai")
ORIGIN = (37.87, 112.55)
ROADSIDE = (10.0, 40.0, -6.0, -2.0)
"""East from and to, north from and to: the right-hand side of a street that runs east."""


@dataclass(frozen=True)
class Thing:
    """Something on the street, and how fast it moves east by metre that the vehicle drives."""

    label: str
    east_m: float
    north_m: float
    width_m: float = 1.7
    height_m: float = 1.1
    speed: float = 0.0
    up_m: float = 0.0


BICYCLE, CAR, TABLE = (
    Thing("bicycle", 24.0, -3.5),
    Thing("car", 24.0, -3.5, 1.8, 1.5),
    Thing("dining_table", 24.0, -3.5, 1.2, 0.8),
)
VENDOR = Thing("person", 24.3, -2.6, 0.5, 1.7)
RIDER = Thing("person", 24.0, -3.5, 0.5, 1.2, up_m=0.5)
HEAP = tuple(Thing("bicycle", 23.0 + 0.8 * n, -3.5 + 0.3 * (n % 2)) for n in range(4))


@pytest.fixture
def judged(camera: Camera, mount: Mount, frame_at: FrameAt) -> Callable[..., list[Track]]:
    """Drives past things on a street with zones of some kinds and returns what broke a rule."""

    def judged(
        things: Sequence[Thing], *kinds: str, until_m: float = 30.0, zones: Zones | None = None, **told: Any
    ) -> list[Track]:
        context = Context(Locator(camera, mount), zones or zones_of(*kinds, **told), BEIJING)
        tracks: list[Track] = []
        for number in range(int(until_m / 1.5)):
            x = number * 1.5
            seen = [box for thing in things if (box := view(thing, x, camera, mount)) is not None]
            tracks += context.see(frame_at(number, x, t_s=number / 3), seen, PASS)
        return tracks + context.flush()

    return judged


Rectangle = tuple[float, float, float, float]


def feature(kind: str, where: Rectangle, **told: str) -> dict[str, Any]:
    """A zone as it stands in a file."""
    e1, e2, n1, n2 = where
    corners = [moved(*ORIGIN, e, n) for e, n in ((e1, n1), (e2, n1), (e2, n2), (e1, n2), (e1, n1))]
    shape = {"type": "Polygon", "coordinates": [[[lon, lat] for lat, lon in corners]]}
    return {"type": "Feature", "properties": {"kind": kind, **told}, "geometry": shape}


def zones_of(*kinds: str, where: Rectangle = ROADSIDE, **told: str) -> Zones:
    """A zone of each kind along the roadside."""
    rows = [feature(kind, where, **told) for kind in kinds]
    return Zones.of(json.dumps({"type": "FeatureCollection", "features": rows}).encode(), "zones")


def view(thing: Thing, x_m: float, camera: Camera, mount: Mount) -> Detection | None:
    """The box of a thing when the vehicle has come so far along the street."""
    ahead = thing.east_m + thing.speed * x_m - x_m
    if not 2.5 < ahead < 20:
        return None
    try:
        left, foot = pixel_from_ground(ahead, thing.north_m + thing.width_m / 2, thing.up_m, camera, mount)
        right, _ = pixel_from_ground(ahead, thing.north_m - thing.width_m / 2, thing.up_m, camera, mount)
        _, top = pixel_from_ground(ahead, thing.north_m, thing.up_m + thing.height_m, camera, mount)
    except NoGround:
        return None
    inside = left >= 0 and right < camera.size_px[0] and foot < camera.size_px[1]
    return Detection((left, max(top, 0.0), right, foot), thing.label, "", 0.8, 0.7) if inside else None


Judged = Callable[..., list[Track]]


@pytest.mark.parametrize(("things", "kind", "category"), [
    ([BICYCLE], "no_parking", "misparked_two_wheeler"),
    ([replace(BICYCLE, label="motorcycle")], "no_parking", "misparked_two_wheeler"),
    ([CAR], "no_parking", "misparked_car"),
    ([replace(CAR, label="truck")], "no_parking", "misparked_car"),
    ([TABLE, VENDOR], "no_vending", "roadside_stall"),
    ([replace(TABLE, label="umbrella"), VENDOR], "no_vending", "roadside_stall"),
])  # fmt: skip
def test_what_stands_where_it_may_not_is_told_once(
    judged: Judged, things: list[Thing], kind: str, category: str
) -> None:
    (track,) = judged(things, kind)
    assert {each.detection.category for each in track.views} == {category}
    assert track.label == things[0].label
    assert CATEGORIES[category]


@pytest.mark.parametrize(("things", "kind"), [
    ([replace(CAR, speed=-1.0)], "no_parking"),  # comes towards the vehicle
    ([replace(CAR, east_m=12.0, speed=0.5)], "no_parking"),  # is overtaken
    ([replace(BICYCLE, east_m=18.0, speed=0.25)], "no_parking"),  # is pushed along
    ([BICYCLE, RIDER], "no_parking"),  # waits, somebody sits on it
    ([replace(CAR, north_m=3.5)], "no_parking"),  # on the other side
    ([replace(BICYCLE, north_m=3.5)], "no_parking"),
    ([BICYCLE, CAR], "no_vending"),
    ([TABLE], "no_vending"),  # nobody sells
    ([VENDOR], "no_vending"),  # nothing to sell from
    ([TABLE, replace(VENDOR, east_m=28.0)], "no_vending"),  # a passer-by
    ([TABLE, VENDOR], "no_parking"),
])  # fmt: skip
def test_what_only_looks_like_it_is_not_told(judged: Judged, things: list[Thing], kind: str) -> None:
    assert judged(things, kind) == []


def test_somebody_behind_a_table_hides_the_feet_and_still_sells(judged: Judged) -> None:
    half = replace(VENDOR, east_m=24.8, north_m=-3.5, up_m=0.7, height_m=1.0)
    (track,) = judged([TABLE, half], "no_vending")
    assert track.best.category == "roadside_stall"


def test_a_heap_of_bicycles_outside_its_places_is_one_problem(judged: Judged) -> None:
    elsewhere = {"where": (100.0, 110.0, -6.0, -2.0)}
    (track,) = judged(HEAP, "parking", **elsewhere)
    assert track.best.category == "misparked_shared_bike"
    assert judged(HEAP[:3], "parking", **elsewhere) == [], "three are no heap"
    assert judged(HEAP, "parking") == [], "inside they may stand"
    apart = [replace(each, east_m=20.0 + 3.5 * n) for n, each in enumerate(HEAP)]
    assert judged(apart, "parking", **elsewhere) == [], "within three metres, not along a street"
    mixed = [replace(each, label="motorcycle") if n else each for n, each in enumerate(HEAP)]
    assert judged(mixed, "parking", **elsewhere) == [], "shared bikes are bicycles"


@pytest.mark.parametrize(("width_m", "told"), [(1.7, 0), (2.2, 0), (3.4, 1)])
def test_one_box_around_bicycles_counts_those_that_stand_side_by_side_in_it(
    judged: Judged, width_m: float, told: int
) -> None:
    around = replace(BICYCLE, width_m=width_m)
    assert len(judged([around], "parking", where=(100.0, 110.0, -6.0, -2.0))) == told


def test_boxes_of_single_bicycles_that_are_drawn_too_wide_are_not_counted_twice(judged: Judged) -> None:
    wide = [replace(each, width_m=2.2) for each in HEAP[:3]]
    assert judged(wide, "parking", where=(100.0, 110.0, -6.0, -2.0)) == []


def test_a_heap_where_nobody_may_park_is_not_told_bicycle_by_bicycle_too(judged: Judged) -> None:
    tracks = judged(HEAP, "no_parking")
    assert {track.best.category for track in tracks} == {"misparked_two_wheeler"}, "the city has no places for bicycles"
    rows = [feature("no_parking", ROADSIDE), feature("parking", (100.0, 110.0, -6.0, -2.0))]
    both = Zones.of(json.dumps({"type": "FeatureCollection", "features": rows}).encode(), "both")
    (track,) = judged(HEAP, zones=both)
    assert track.best.category == "misparked_shared_bike"


def test_without_zones_no_rule_fires_and_nothing_is_followed(judged: Judged) -> None:
    assert judged([BICYCLE, CAR, TABLE, VENDOR, *HEAP]) == []
    assert judged([BICYCLE, CAR, TABLE, VENDOR, *HEAP], "service_area", "depot", "permitted") == []


def test_a_thing_seen_while_the_vehicle_hardly_moves_is_not_judged(judged: Judged) -> None:
    assert judged([replace(CAR, east_m=14.0)], "no_parking", until_m=4.5) == []


@pytest.mark.parametrize(("hours", "told"), [("09:00-11:00", 1), ("11:00-20:00", 0)])
def test_a_zone_counts_at_its_hours_by_the_citys_clock(judged: Judged, hours: str, told: int) -> None:
    """The rides of these tests begin at 10:00 in Beijing."""
    assert len(judged([CAR], "no_parking", hours=hours)) == told


def test_a_car_that_the_network_calls_a_truck_now_and_then_stays_one_thing(
    camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    context, tracks = Context(Locator(camera, mount), zones_of("no_parking"), BEIJING), list[Track]()
    for number in range(20):
        seen = view(CAR, number * 1.5, camera, mount)
        both = [] if seen is None else [seen, replace(seen, label="truck", score=0.5)]
        tracks += context.see(frame_at(number, number * 1.5, t_s=number / 3), both[:: 1 - 2 * (number % 2)], PASS)
    assert len(tracks + context.flush()) == 1


def test_a_told_thing_has_a_place_and_is_told_again_only_after_the_cool_down(
    judged: Judged, camera: Camera, mount: Mount
) -> None:
    (track,) = judged([CAR], "no_parking")
    decider = Decider(Decide(cool_down_h=6.0), Locator(camera, mount), Ids("TY-01", "front", "d"))
    (finding,) = decider.decide([track])
    assert finding.shown.detection.category == "misparked_car"
    assert finding.shown.frame.image.strides[0] > 0, "its picture is kept"
    later = tuple(replace(v, frame=replace(v.frame, utc=v.frame.utc + timedelta(hours=1))) for v in track.views)
    assert decider.decide([replace(track, pass_id=UUID(int=2), views=later)]) == []


def test_what_the_city_permits_at_a_place_is_not_told(judged: Judged, camera: Camera, mount: Mount) -> None:
    (track,) = judged([CAR], "no_parking")
    locator, ids = Locator(camera, mount), Ids("TY-01", "front", "d")
    for category, told in (("misparked_car", 0), ("roadside_stall", 1)):
        zones = zones_of("permitted", category=category)
        decider = Decider(Decide(), locator, ids, zones, BEIJING)
        assert len(decider.decide([track])) == told
        assert decider.reasons["permitted"] == 1 - told


def test_the_table_of_rules_speaks_of_known_categories_zones_and_labels() -> None:
    labels = {label.name for label in load_pack("street").labels if label.role == "context"}
    for rule in rules.RULES:
        assert rule.category in CATEGORIES
        assert (rule.inside or rule.outside) in get_args(Kind)
        assert rule.labels <= labels
        assert not (rule.beside_m and rules.PERSON not in labels)
