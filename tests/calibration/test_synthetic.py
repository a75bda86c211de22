"""Synthetic worlds hold together: what is drawn from the truth leads back to the truth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from calibration.geodesy import offset_m
from calibration.ground import foot_from_pixel
from calibration.mount import Mount
from calibration.synthetic import ORIGIN_DEG, Ride, Road, Thing, frames, landmarks

STEADY = Ride(pitch_shake_deg=0.0, fix_white_m=0.0, fix_bias_m=0.0, road=Road(heading_deg=40.0))


@pytest.mark.parametrize("mount", [Mount(1.4, 7.0), Mount(1.1, 2.0, -3.0, 5.0), Mount(1.8, 20.0, 4.0, -8.0)])
def test_a_point_of_the_road_is_seen_where_the_geometry_puts_it(mount: Mount) -> None:
    ride = replace(STEADY, mount=mount)
    frame = frames(ride, 3)[20]
    along, left = 4.0 * 2 + ride.lever_m + 5.0, 1.0
    (pixel,) = frame.pixels(ride.road.point_m([along], [left]))
    forward, aside = foot_from_pixel((float(pixel[0]), float(pixel[1])), ride.camera, mount)
    assert (forward, aside) == pytest.approx((5.0, 1.0), abs=1e-6)


def test_the_box_of_a_thing_stands_on_the_ground_also_beyond_the_kerb() -> None:
    ride = replace(STEADY, road=Road(kerb_m=0.15, half_width_m=2.0))
    frame = frames(ride, 1)[0]
    for left, up in ((0.0, 0.0), (-3.0, 0.15)):
        box = frame.box_px(Thing(12.0, left, height_m=1.0))
        assert box is not None
        foot = ride.road.point_m(12.0, left)
        assert foot[2] == up
        (below,), (above,) = frame.pixels([foot, foot + np.array((0.0, 0.0, 1.0))])[:, None]
        assert (box[3], box[1]) == pytest.approx((below[1], above[1]), abs=0.2)
    assert frame.box_px(Thing(-5.0, 0.0)) is None
    assert frame.box_px(Thing(2.0, 0.0)) is None


def test_without_noise_the_receiver_tells_where_the_camera_is_and_where_it_goes() -> None:
    for frame in frames(STEADY, 5)[::30]:
        assert offset_m(*ORIGIN_DEG, frame.fix.lat_deg, frame.fix.lon_deg) == pytest.approx(frame.eye_m[:2], abs=1e-4)
        assert frame.fix.heading_deg == pytest.approx(40.0)
        assert frame.eye_m[2] == pytest.approx(1.4)


def test_receivers_are_off_by_what_they_say_and_mostly_alike_within_a_pass() -> None:
    passes = [[np.subtract(f.fix_m, f.eye_m[:2]) for f in frames(replace(STEADY, fix_white_m=0.3, fix_bias_m=2.0), seed)] for seed in range(60)]  # fmt: skip
    first = np.array([each[0] for each in passes])
    assert np.std(first) == pytest.approx(np.hypot(0.3, 2.0), rel=0.2)
    assert np.mean([np.std(each, axis=0) for each in passes]) < 1.2


def test_a_turn_moves_the_camera_sideways_by_its_lever() -> None:
    ride = replace(STEADY, turns=((2.0, 4.0, 20.0),))
    made = frames(ride, 1)
    assert made[0].fix.heading_deg == pytest.approx(40.0)
    assert made[-1].fix.heading_deg == pytest.approx(0.0, abs=0.5) or made[-1].fix.heading_deg == pytest.approx(
        360.0, abs=0.5
    )
    step = made[31].eye_m - made[30].eye_m
    way = np.degrees(np.arctan2(step[0], step[1])) % 360
    course = np.mean([made[30].fix.heading_deg or 0.0, made[31].fix.heading_deg or 0.0])
    assert course - way == pytest.approx(
        np.degrees(np.arctan(np.radians(20.0) * ride.lever_m / ride.speed_mps)), abs=0.1
    )


def test_the_body_shakes_as_much_as_told_and_each_seed_shakes_otherwise() -> None:
    ride = replace(STEADY, pitch_shake_deg=0.5, length_m=400.0)
    pitches = [[np.degrees(np.arcsin(-f.world_from_camera[2, 2])) for f in frames(ride, seed)] for seed in (1, 1, 2)]
    assert np.std(pitches[0]) == pytest.approx(0.5, rel=0.15)
    assert np.mean(pitches[0]) == pytest.approx(7.0, abs=0.05)
    assert pitches[0] == pitches[1] != pitches[2]


def test_a_rolling_shutter_reads_lower_rows_later() -> None:
    still, rolling = (frames(replace(STEADY, rolling_shutter_s=s), 1)[0] for s in (0.0, 0.03))
    points = STEADY.road.point_m([6.0, 25.0], [0.0, 0.0])
    near, far = rolling.pixels(points)[:, 1] - still.pixels(points)[:, 1]
    # 0.03 s times a share of the picture's height at 4 m/s brings the road nearer below the middle row.
    assert near > 0.5
    assert abs(far) < 0.2


def test_landmarks_are_on_the_ground_and_on_houses() -> None:
    points = landmarks(replace(STEADY, road=Road()), 1)
    raised = points[:, 2] > 0
    assert 0.4 < raised.mean() < 0.6
    assert np.abs(points[raised][:, 0]).min() > 5.9
