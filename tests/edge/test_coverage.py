"""Which ground a ride looked at: known ways in, cells out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from math import cos, hypot, radians, sin

import h3.api.basic_int as h3
import numpy as np
import pytest

from calibration.camera import Camera
from calibration.geodesy import moved, offset_m
from calibration.mount import Mount
from edge.coverage import Coverer, footprint, looks_of, network_scale
from edge.identity import Ids
from edge.locate import FARTHEST_M
from edge.values import Box, Fix, Frame
from models.contract import Coverage, encode
from models.packs import load_pack

START = datetime(2026, 11, 2, 1, 30, tzinfo=timezone.utc)  # noqa: UP017
HOME = (37.87, 112.55)
CAMERA, MOUNT, SCALE = Camera((960, 540), (625.5, 625.5), (479.5, 269.5)), Mount(1.4, 7.0), 416 / 960
IMAGE = np.broadcast_to(np.uint8(0), (540, 960, 3))
HEADING_DEG = 37.0
EVERYWHERE: Box = (0.0, 0.0, 960.0, 540.0)
FINE_CELL_M = 4.3
"""From the middle of a cell of resolution 13 to its farthest corner, and a little."""


def coverer() -> Coverer:
    return Coverer("TY-01", "replay", MOUNT, Ids("TY-01", "front", "a ride"))


def at(way_m: float, across_m: float = 0.0) -> tuple[float, float]:
    """The point so far along the way, and so far to the right of it."""
    s, c = sin(radians(HEADING_DEG)), cos(radians(HEADING_DEG))
    return moved(*HOME, way_m * s + across_m * c, way_m * c - across_m * s)


def frame(number: int, way_m: float, seconds: float, *, clock: str = "gnss", heading: float | None = HEADING_DEG, sigma_m: float = 1.5) -> Frame:  # fmt: skip
    fix = Fix(None, *at(way_m), sigma_m, heading, 4.0, "gnss")
    return Frame(
        number, "front", IMAGE, START + timedelta(seconds=seconds), clock, 0.5, int((100 + seconds) * 1e9), fix
    )


def drive(frames: Sequence[Frame], hiding_px: Sequence[Box] = (), is_poor: bool = False) -> list[Coverage]:
    """All messages of a ride."""
    made = coverer()
    told = [made.see(each, CAMERA, SCALE, hiding_px, is_poor) for each in frames]
    return [each for each in (*told, made.flush()) if each is not None]


def straight(length_m: float, speed_mps: float, **about: float) -> list[Frame]:
    return [frame(n, n * 1.5, n * 1.5 / speed_mps, **about) for n in range(int(length_m / 1.5))]  # type: ignore[arg-type]


def best(messages: Sequence[Coverage]) -> dict[int, int]:
    """Each cell's best quality."""
    found: dict[int, int] = {}
    for look in (look for message in messages for look in message.looks):
        found[look.cell] = max(look.quality, found.get(look.cell, 0))
    return found


def quality_at(messages: Sequence[Coverage], way_m: float, across_m: float = 0.0) -> int | None:
    return best(messages).get(h3.latlng_to_cell(*at(way_m, across_m), 12))


def test_the_road_ahead_was_seen_well_and_nothing_behind_or_far_aside() -> None:
    messages = drive(straight(300, 4.0))
    assert all((quality_at(messages, way) or 0) >= 2 for way in range(10, 290, 3))
    assert quality_at(messages, -20) is None
    assert quality_at(messages, 150, across_m=30) is None
    assert quality_at(messages, 150, across_m=-30) is None


def test_no_cell_is_told_that_lies_farther_off_than_a_thing_would_be_placed() -> None:
    way = straight(300, 4.0)
    for cell in best(drive(way)):
        middle = h3.cell_to_latlng(cell)
        nearest = min(hypot(*offset_m(each.fix.lat_deg, each.fix.lon_deg, *middle)) for each in way if each.fix)
        # Four of its seven parts were seen, so its middle lies no farther than one more part.
        assert nearest < FARTHEST_M + 2 * FINE_CELL_M


@pytest.mark.parametrize("speed_mps", [1.0, 4.0, 7.0])
def test_a_kilometre_travels_in_two_kilobytes_sorted(speed_mps: float) -> None:
    messages = drive(straight(2000, speed_mps))
    assert sum(len(encode(each)) for each in messages) / 2 <= 2048
    for each in messages:
        cells = [look.cell for look in each.looks]
        assert cells == sorted(set(cells))
        assert all(h3.is_valid_cell(cell) and h3.get_resolution(cell) == 12 for cell in cells)


def test_seams_between_messages_cost_no_cell() -> None:
    """The same looks in one message and in four: every cell as well seen."""
    fast, slow = drive(straight(990, 17.0)), drive(straight(990, 4.0))
    assert (len(fast), len(slow) >= 4) == (1, True)
    assert best(slow) == best(fast)


def test_nothing_is_told_to_have_been_seen_later_than_it_was() -> None:
    """A message counts as seen when its first look was."""
    way = straight(600, 4.0)
    for message in drive(way):
        for look in message.looks:
            passed = [
                each.utc
                for each in way
                if each.fix and hypot(*offset_m(*h3.cell_to_latlng(look.cell), each.fix.lat_deg, each.fix.lon_deg)) < 30
            ]
            assert message.from_utc <= max(passed)
        assert message.to_utc - message.from_utc <= timedelta(minutes=6)


def test_a_replay_tells_the_same_under_the_same_ids() -> None:
    first, again = drive(straight(900, 4.0)), drive(straight(900, 4.0))
    assert [encode(each) for each in first] == [encode(each) for each in again]
    assert len({each.id for each in first}) == len(first)


def test_ground_behind_vehicles_was_not_seen() -> None:
    way = straight(150, 4.0)
    assert drive(way, [EVERYWHERE]) == []
    whole = best(drive(way))
    beside: Box = (520.0, 0.0, 960.0, 540.0)
    half = best(drive(way, [beside]))
    assert set(half) < set(whole)
    assert quality_at(drive(way, [beside]), 70, across_m=8) is None


@pytest.mark.parametrize("worse", ["picture", "fix"])
def test_a_poor_picture_or_fix_costs_quality(worse: str) -> None:
    good = best(drive(straight(150, 4.0)))
    bad = best(drive(straight(150, 4.0), is_poor=True) if worse == "picture" else drive(straight(150, 4.0, sigma_m=9)))
    assert bad == {cell: max(quality - 1, 0) for cell, quality in good.items()}


@pytest.mark.parametrize(("clock", "heading", "reason"), [("system", 37.0, "clock_untrusted"), ("none", 37.0, "clock_untrusted"), ("gnss", None, "no_heading")])  # fmt: skip
def test_looks_that_tell_no_time_or_place_count_for_nothing(clock: str, heading: float | None, reason: str) -> None:
    made = coverer()
    for n in range(400):
        assert made.see(frame(n, n * 1.5, n, clock=clock, heading=heading), CAMERA, SCALE, (), False) is None
    assert made.flush() is None
    assert made.reasons == {reason: 400}


def test_who_stands_tells_every_five_minutes_that_it_still_looks() -> None:
    messages = drive([frame(n, 0.0, 10.0 * n) for n in range(181)])
    assert 5 <= len(messages) <= 7
    assert len({frozenset(look.cell for look in each.looks) for each in messages}) == 1


def test_another_clock_begins_another_message() -> None:
    way = [frame(n, n * 1.5, n * 0.4, clock="ntp" if n < 50 else "gnss") for n in range(100)]
    assert [each.clock_source for each in drive(way)] == ["ntp", "gnss"]


def test_a_cell_needs_four_of_its_seven_parts_and_is_as_good_as_the_fourth() -> None:
    cell = h3.latlng_to_cell(*HOME, 12)
    parts = sorted(h3.cell_to_children(cell, 13))
    assert looks_of(dict.fromkeys(parts[:3], (3, 2.0))) == []
    (look,) = looks_of({part: (quality, 7.2) for part, quality in zip(parts, (3, 3, 3, 1, 0), strict=False)})
    assert look == (cell, 1, 8)


def test_a_network_that_sees_smaller_pictures_sees_less_far() -> None:
    near, far = footprint(CAMERA, MOUNT, 0.2), footprint(CAMERA, MOUNT, 1.0)
    assert near.range_m.max() < 9 < 15 < far.range_m.max() <= FARTHEST_M
    assert far.quality.min() == 3
    assert set(footprint(CAMERA, MOUNT, SCALE).quality.tolist()) == {1, 2, 3}


@pytest.mark.parametrize(("size", "scale"), [((540, 960), 2 / 3), ((720, 1280), 0.5), ((1200, 1200), 640 / 1200), ((960, 540), 2 / 3)])  # fmt: skip
def test_the_network_s_scale_is_that_of_the_shape_it_sees(size: tuple[int, int], scale: float) -> None:
    pack = replace(load_pack("street"), width=640, height=640, sizes="wide", sides_px=())
    assert network_scale(pack, np.zeros((*size, 3), np.uint8)) == pytest.approx(scale)
    assert network_scale(replace(pack, sides_px=(640, 832)), np.zeros((*size, 3), np.uint8)) == pytest.approx(scale * 832 / 640)  # fmt: skip


def test_a_bent_lens_shows_no_ground_from_outside_of_its_field() -> None:
    bent = Camera((960, 540), (625.5, 625.5), (479.5, 269.5), (-0.45, 0.0, 0.0, 0.0))
    ground = footprint(bent, MOUNT, SCALE)
    straight_ahead = footprint(CAMERA, MOUNT, SCALE)
    widest, usual = (np.abs(np.arctan2(each.left_m, each.forward_m)).max() for each in (ground, straight_ahead))
    assert usual < widest < 1.4 * usual


def test_a_mount_that_is_hardly_known_covers_no_more_than_it_can_place() -> None:
    unsure = footprint(CAMERA, Mount(1.4, 7.0, pitch_sigma_deg=3.0), SCALE)
    assert unsure.range_m.max() < 9.0


def test_a_camera_that_sees_no_ground_covers_none() -> None:
    assert len(footprint(CAMERA, Mount(1.4, -60.0), SCALE).u_px) == 0
