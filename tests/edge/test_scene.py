"""A synthetic street with a known answer: boxes drawn by the camera model, tracked, placed, decided; the error is in metres."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from math import atan2, degrees, hypot
from typing import Any
from uuid import UUID
from weakref import WeakSet

import numpy as np
import pytest

from calibration.camera import Camera, OtherShape
from calibration.geodesy import moved, offset_m
from calibration.ground import NoGround, pixel_from_ground
from calibration.mount import Mount
from edge.decide import Decider, Finding, Passes
from edge.identity import Ids
from edge.locate import FARTHEST_M, Locator, heading_sigma_deg
from edge.outbox import Told
from edge.settings import Decide
from edge.track import Tracker
from edge.values import Detection, Fix, Track, TrackView

FrameAt = Callable[..., Any]
PASS = UUID(int=1)
ORIGIN = (37.87, 112.55)
Thing = tuple[
    str, str, float, float, float, float
]  # label, category, east, north, width, height; raised things: height of the foot is 2 m
POTHOLE: Thing = ("pothole", "road_damage", 20.0, -1.0, 0.8, 0.1)
LAMP: Thing = ("streetlight_broken", "streetlight_fault", 24.0, 4.0, 0.6, 0.6)


def drive(
    things: list[Thing],
    camera: Camera,
    mount: Mount,
    frame_at: FrameAt,
    missed: tuple[int, ...] = (),
    locator: Locator | None = None,
) -> list[Track]:
    """Ride 30 m east, one look per 1.5 m, and see every thing that is in the picture and within 18 m."""
    tracker, ended = Tracker(locator or Locator(camera, mount)), []
    for number in range(20):
        x = number * 1.5
        seen = (
            [] if number in missed else [box for thing in things if (box := view(thing, x, camera, mount)) is not None]
        )
        ended += tracker.see(frame_at(number, x, t_s=number / 2), seen, PASS)
    return ended + tracker.flush()


def view(thing: Thing, x_m: float, camera: Camera, mount: Mount) -> Detection | None:
    """The box of a thing from so far along the street."""
    label, category, east, north, width, height = thing
    up = 2.0 if label == "streetlight_broken" else 0.0
    if not 2.5 < east - x_m < 18:
        return None
    try:
        left, foot = pixel_from_ground(east - x_m, north + width / 2, up, camera, mount)
        right, _ = pixel_from_ground(east - x_m, north - width / 2, up, camera, mount)
        _, top = pixel_from_ground(east - x_m, north, up + height, camera, mount)
    except NoGround:
        return None
    if left < 0 or right > camera.size_px[0] - 1 or top < 0 or foot > camera.size_px[1] - 1:
        return None
    return Detection((left, top, right, foot), label, category, 0.8, 0.7)


def error_m(place: Any, thing: Thing) -> float:
    """How far a place is from where the thing stands."""
    return hypot(*offset_m(*moved(*ORIGIN, thing[2], thing[3]), place.lat_deg, place.lon_deg))


@pytest.mark.parametrize("missed", [(), (6, 7)])
def test_one_thing_is_one_track_and_stands_where_it_stands(
    camera: Camera, mount: Mount, frame_at: FrameAt, missed: tuple[int, ...]
) -> None:
    (track,) = drive([POTHOLE], camera, mount, frame_at, missed)
    located = Locator(camera, mount).place(track)
    assert located is not None
    place, shown = located
    assert place.method == "ground"
    assert error_m(place, POTHOLE) < 0.1
    assert place.near_m <= place.range_m <= place.far_m
    assert place.covariance_m2[0][0] >= 1.0, "no better than the fix it stands on"
    assert shown.frame.number > track.views[0].frame.number


def test_a_thing_far_to_the_side_is_placed_by_the_looks_that_are_near_enough(
    camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    (track,) = drive([("sand_on_road", "road_dirty", 24.0, 8.0, 1.5, 0.7)], camera, mount, frame_at)
    locator = Locator(camera, mount)
    far_m = [hypot(*(locator.foot(view) or (0, 0))) for view in track.views]
    assert sum(away <= FARTHEST_M for away in far_m) in (1, 2), "of the three surest looks one is too far off"
    located = locator.place(track)
    assert located is not None
    assert error_m(located[0], ("", "", 24.0, 8.0, 0.0, 0.0)) < 0.2
    beyond = replace(track, views=tuple(v for v, away in zip(track.views, far_m, strict=True) if away > FARTHEST_M))
    assert locator.place(beyond) is None


def test_a_thing_cut_by_the_border_wherever_it_is_near_is_placed_with_a_wider_ellipse(
    camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    thing: Thing = ("rubble", "waste_pile", 24.0, 8.0, 1.5, 0.7)
    (track,) = drive([thing], camera, mount, frame_at)
    locator = Locator(camera, mount)
    whole = locator.place(track)

    def cut(view: TrackView) -> TrackView:
        x1, y1, x2, y2 = view.detection.box_px
        shift = (x1 + x2) / 2
        return replace(view, detection=replace(view.detection, box_px=(0.0, y1, x2 - shift, y2)))

    turned = replace(track, views=tuple(
        cut(view) if hypot(*(locator.foot(view) or (0, 0))) <= FARTHEST_M else view for view in track.views
    ))  # fmt: skip
    located = locator.place(turned)
    assert whole is not None
    assert located is not None
    wide, narrow = (float(np.linalg.eigvalsh(np.array(each[0].covariance_m2))[-1]) for each in (located, whole))
    assert wide > narrow * 1.05
    assert located[0].near_m < FARTHEST_M


def test_a_raised_thing_is_placed_by_parallax(camera: Camera, mount: Mount, frame_at: FrameAt) -> None:
    (track,) = drive([LAMP], camera, mount, frame_at)
    located = Locator(camera, mount).place(track)
    assert located is not None
    assert located[0].method == "parallax"
    assert error_m(located[0], LAMP) < 0.5
    (ee, _), (_, nn) = located[0].covariance_m2
    assert min(ee, nn) > 1.0, "no better than the fix it stands on"
    assert located[0].near_m < located[0].range_m < located[0].far_m < located[0].range_m + 6


def test_the_less_parallax_the_longer_the_ellipse_and_with_hardly_any_no_crossing(
    camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    (track,) = drive([LAMP], camera, mount, frame_at)
    axes_m = []
    for looks in (len(track.views), 5):
        located = Locator(camera, mount).place(replace(track, views=track.views[:looks]))
        assert located is not None
        assert located[0].method == "parallax"
        axes_m.append(2.45 * float(np.linalg.eigvalsh(np.array(located[0].covariance_m2))[-1]) ** 0.5)
    assert axes_m[1] > 1.3 * axes_m[0] > 2.45
    located = Locator(camera, mount).place(replace(track, views=track.views[:2]))
    assert located is None or located[0].method == "ground"


@pytest.mark.parametrize("thing", [POTHOLE, LAMP])
@pytest.mark.parametrize("best", [2, -1])
def test_bearing_and_range_lead_from_the_sent_fix_to_the_sent_place(
    camera: Camera, mount: Mount, frame_at: FrameAt, thing: Thing, best: int
) -> None:
    (track,) = drive([thing], camera, mount, frame_at)
    views = list(track.views)
    views[best] = replace(views[best], detection=replace(views[best].detection, score=1e6))
    located = Locator(camera, mount).place(replace(track, views=tuple(views)))
    assert located is not None
    place, shown = located
    assert shown is views[best]
    fix = shown.frame.fix
    assert fix is not None
    east, north = offset_m(fix.lat_deg, fix.lon_deg, place.lat_deg, place.lon_deg)
    assert place.range_m == pytest.approx(hypot(east, north), abs=1e-3)
    assert place.bearing_deg == pytest.approx(degrees(atan2(east, north)) % 360, abs=1e-3)
    assert place.near_m < place.range_m < place.far_m


def test_the_95_percent_range_holds_the_place_and_is_wider_beyond_it(
    camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    (track,) = drive([POTHOLE], camera, mount, frame_at)
    located = Locator(camera, mount).place(track)
    assert located is not None
    place = located[0]
    assert 0 < place.range_m - place.near_m < place.far_m - place.range_m


@pytest.mark.parametrize(("thing", "looks"), [(POTHOLE, 1), (LAMP, 99)])
def test_the_slower_a_receiver_moves_the_larger_the_ellipse(
    camera: Camera, mount: Mount, frame_at: FrameAt, thing: Thing, looks: int
) -> None:
    """Many looks at a thing on the ground tell the course by themselves."""
    (track,) = drive([thing], camera, mount, frame_at)
    sizes_m = []
    for speed_mps in (5.0, 3.0, 1.5):
        slow = tuple(
            replace(v, frame=replace(v.frame, fix=replace(v.frame.fix, speed_mps=speed_mps, quality="gnss")))  # type: ignore[type-var]
            for v in track.views
        )
        located = Locator(camera, mount).place(replace(track, views=slow[:looks]))
        assert located is not None
        sizes_m.append(float(np.trace(located[0].covariance_m2)) ** 0.5)
    assert sizes_m[0] == pytest.approx(sizes_m[1], rel=0.05)
    assert sizes_m[1] < sizes_m[2]


def test_a_course_is_worth_little_at_walking_pace_and_a_recorded_heading_what_it_was() -> None:
    def fix(speed_mps: float | None, quality: str) -> Fix:
        return Fix(None, *ORIGIN, 1.0, 90.0, speed_mps, quality)

    sigmas_deg = [heading_sigma_deg(fix(speed_mps, "gnss")) for speed_mps in (8.0, 3.0, 1.0, 0.5, 0.0)]
    assert sigmas_deg == pytest.approx([2.0, 2.0, 7.2, 15.0, 15.0])
    assert heading_sigma_deg(fix(0.5, "file")) == heading_sigma_deg(fix(None, "gnss")) == 2.0


def test_neighbours_of_one_category_stay_apart_and_categories_never_mix(
    camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    other: Thing = ("pothole", "road_damage", 20.0, 2.5, 0.8, 0.1)
    bag: Thing = ("garbage_bag", "bagged_garbage", 20.0, -1.0, 0.5, 0.4)
    tracks = drive([POTHOLE, other, bag], camera, mount, frame_at)
    assert sorted(track.best.category for track in tracks) == ["bagged_garbage", "road_damage", "road_damage"]
    assert all(len({view.detection.category for view in track.views}) == 1 for track in tracks)


def test_a_thing_seen_once_is_not_told(camera: Camera, mount: Mount, frame_at: FrameAt) -> None:
    locator = Locator(camera, mount)
    decider = Decider(Decide(), locator, Ids("TY-01", "front", "d"))
    (track,) = drive([POTHOLE], camera, mount, frame_at)
    assert decider.decide([Track(0, PASS, track.views[:1])]) == []
    assert decider.reasons == {"seen_too_seldom": 1}


@pytest.mark.parametrize(
    ("of_all", "of_it", "told"),
    [(0.0, {}, 1), (0.0, {"road_damage": 0.99}, 0), (0.99, {"road_damage": 0.1}, 0), (0.0, {"waste_pile": 0.99}, 1)],
)
def test_a_category_is_told_from_its_own_least_probability_on_and_never_under_that_of_all(
    camera: Camera, mount: Mount, frame_at: FrameAt, of_all: float, of_it: dict[str, float], told: int
) -> None:
    decide = Decide(least_probability=of_all)
    decider = Decider(decide, Locator(camera, mount), Ids("TY-01", "front", "d"), least_of=of_it)
    (track,) = drive([POTHOLE], camera, mount, frame_at)
    assert track.best.category == "road_damage"
    assert len(decider.decide([track])) == told
    assert decider.reasons["improbable"] == 1 - told


@pytest.mark.parametrize(("cool_down_h", "told"), [(6.0, 1), (0.0, 2)])
def test_another_pass_tells_again_only_after_the_cool_down(
    camera: Camera, mount: Mount, frame_at: FrameAt, cool_down_h: float, told: int
) -> None:
    decider = Decider(Decide(cool_down_h=cool_down_h), Locator(camera, mount), Ids("TY-01", "front", "d"))
    (track,) = drive([POTHOLE], camera, mount, frame_at)
    later = tuple(
        replace(v, frame=replace(v.frame, number=v.frame.number + 900, utc=v.frame.utc + timedelta(minutes=10)))
        for v in track.views
    )
    assert len(decider.decide([track]) + decider.decide([Track(0, UUID(int=2), later)])) == told


class Picture(np.ndarray):
    """Counts itself for as long as anybody holds its pixels."""

    alive: WeakSet[Any] = WeakSet()

    def __hash__(self) -> int:  # type: ignore[override]
        return id(self)


def test_an_hour_before_one_thing_keeps_few_pictures_and_tells_it_when_the_pass_ends(
    camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    ids, locator = Ids("TY-01", "front", "d"), Locator(camera, mount)
    tracker, passes, decider = Tracker(locator), Passes(Decide(), ids), Decider(Decide(), locator, ids)
    seen = view(POTHOLE, 8.0, camera, mount)
    assert seen is not None
    findings: list[tuple[int, Finding]] = []
    most = 0
    for number in range(360):
        image = np.zeros((270, 480, 3), np.uint8).view(Picture)
        Picture.alive.add(image)
        frame = frame_at(number, 8.0, t_s=number * 10.0, image=image)
        small = replace(seen, box_px=tuple(edge / 2 for edge in seen.box_px), score=0.5 + number % 3 / 10)  # type: ignore[arg-type]
        del image
        found = decider.decide(tracker.see(frame, [small], passes.of(frame)))
        findings += [(number * 10, each) for each in found]
        del frame, found
        most = max(most, len(Picture.alive))
    assert most < 10
    ((told_s, finding),) = findings
    assert told_s <= 300
    assert finding.shown.detection.score == pytest.approx(0.7)
    for each in (finding.shown, finding.track.views[0]):
        assert isinstance(each.frame.image, Picture), "what is shown has its pixels"


def test_a_vehicle_that_drives_on_into_a_new_pass_tells_a_thing_once_from_near(
    camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    tracker, ended = Tracker(Locator(camera, mount)), []
    for number in range(20):
        x = number * 1.5
        seen = [box for box in [view(POTHOLE, x, camera, mount)] if box is not None]
        ended += tracker.see(frame_at(number, x, t_s=number / 2), seen, UUID(int=1 + (x > 10)))
    (track,) = ended + tracker.flush()
    assert track.pass_id == UUID(int=1)
    assert track.views[-1].frame.number > 10


def test_the_cool_down_outlives_a_restart(camera: Camera, mount: Mount, frame_at: FrameAt) -> None:
    decider = Decider(Decide(), Locator(camera, mount), Ids("TY-01", "front", None))
    (track,) = drive([POTHOLE], camera, mount, frame_at)
    lat, lon = moved(*ORIGIN, POTHOLE[2], POTHOLE[3])
    decider.remember([Told("road_damage", lat, lon, track.views[0].frame.utc)])
    assert decider.decide([track]) == []
    assert decider.reasons == {"told_before": 1}


def test_without_a_heading_nothing_is_placed(camera: Camera, mount: Mount, frame_at: FrameAt) -> None:
    assert drive([POTHOLE], camera, mount, lambda *a, **k: frame_at(*a, heading_deg=None, **k)) == []


@pytest.mark.parametrize("thing", [POTHOLE, LAMP])
def test_pictures_of_half_the_size_give_the_same_place(
    camera: Camera, mount: Mount, frame_at: FrameAt, thing: Thing
) -> None:
    locator = Locator(camera, mount)
    half = partial(frame_at, image=np.zeros((270, 480, 3), np.uint8))
    (track,) = drive([thing], camera.scaled_to(480, 270), mount, half, locator=locator)
    located = locator.place(track)
    assert located is not None
    assert error_m(located[0], thing) < 0.5


def test_a_picture_of_another_shape_is_refused_at_once(camera: Camera, mount: Mount, frame_at: FrameAt) -> None:
    with pytest.raises(OtherShape, match=r"640x480.*960x540.*camera\.toml"):
        Locator(camera, mount).camera_of(frame_at(0, 0.0, image=np.zeros((480, 640, 3), np.uint8)))


def test_what_could_not_be_kept_was_not_told(camera: Camera, mount: Mount, frame_at: FrameAt) -> None:
    decider = Decider(Decide(), Locator(camera, mount), Ids("TY-01", "front", None))
    (track,) = drive([POTHOLE], camera, mount, frame_at)
    (found,) = decider.decide([track])
    later = replace(track, pass_id=UUID(int=77))
    assert decider.decide([later]) == [], "the cool-down holds"
    decider.forget(found)
    assert len(decider.decide([later])) == 1


BAGS: Thing = ("garbage_bag", "bagged_garbage", 20.0, -4.0, 1.0, 0.7)


def test_what_stands_behind_a_kerb_is_placed_there(camera: Camera, mount: Mount, frame_at: FrameAt) -> None:
    """On a pavement 15 cm higher a foot seems to be a ninth farther away than it is."""
    higher = replace(mount, height_m=mount.height_m - 0.15)
    looks = [(number * 1.5, view(BAGS, number * 1.5, camera, higher)) for number in range(14)]
    tracker, ended = Tracker(Locator(camera, mount)), []
    for number, (x_m, seen) in enumerate(looks):
        ended += tracker.see(frame_at(number, x_m, t_s=number / 2), [seen] if seen else [], PASS)
    (track,) = ended + tracker.flush()
    located = Locator(camera, mount).place(track)
    assert located is not None
    assert error_m(located[0], BAGS) < 0.4
    on_road = replace(track, views=tuple(replace(each, detection=replace(each.detection, label="pothole")) for each in track.views))  # fmt: skip
    flat = Locator(camera, mount).place(on_road)
    assert flat is not None
    assert error_m(flat[0], BAGS) > error_m(located[0], BAGS)


@pytest.mark.parametrize("wide_m", [0.3, 3.0])
def test_the_wider_a_raised_thing_the_less_is_said_of_where_in_it_its_place_is(
    wide_m: float, camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    (track,) = drive([(*LAMP[:4], wide_m, 0.6)], camera, mount, frame_at)
    located = Locator(camera, mount).place(track)
    assert located is not None
    assert located[0].method == "parallax"
    across = float(np.linalg.eigvalsh(located[0].covariance_m2)[0]) - located[1].frame.fix.sigma_m ** 2  # type: ignore[union-attr]
    assert (across > 0.6) == (wide_m > 1)
