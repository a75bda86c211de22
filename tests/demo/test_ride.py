"""The drawn ride and the ride of photographs: what is promised of them, without drawing a picture."""

from __future__ import annotations

import argparse
import hashlib
import json
from collections import Counter
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from calibration.files import read_camera
from calibration.geodesy import offset_m
from calibration.ground import pixel_from_ground
from calibration.mount import Mount
from calibration.tracks import track_of_csv
from demo.ride import command, drive
from demo.ride.photos import ride_from_photos
from demo.ride.pose import Pose, camera_axes
from demo.ride.street import Placed, Street, layout
from demo.ride.training import NAMES, worth_a_label
from demo.ride.truth import Truth, View
from models.packs import load_pack

SAMPLE = Path(command.__file__).parent / "sample"
GROUND_CLASSES = {"pothole", "crack", "manhole_bad", "water_on_road", "sand_on_road", "footpath_damaged"}


@cache
def street(seed: int = 7) -> Street:
    return layout(seed)


@cache
def sample() -> dict[str, Any]:
    truth: dict[str, Any] = json.loads((SAMPLE / "truth.json").read_text())
    return truth


def problem_categories() -> set[str]:
    return {label.category for label in load_pack("street").labels if label.role == "problem"}


@pytest.mark.parametrize("seed", [1, 7])
def test_a_street_has_forty_problems_of_fourteen_categories_and_two_of_each(seed: int) -> None:
    count = Counter(thing.category for thing in street(seed).objects if thing.category)
    assert sum(count.values()) >= 40
    assert len(count) >= 14
    assert min(count.values()) >= 2
    assert set(count) <= problem_categories()


@pytest.mark.parametrize("seed", [1, 7])
def test_a_street_keeps_problems_of_one_category_fourteen_metres_apart(seed: int) -> None:
    """Well over twice the five metres of a match, so that no case fits two problems."""
    along: dict[str, list[float]] = {}
    for thing in street(seed).objects:
        if thing.category:
            along.setdefault(thing.category, []).append(thing.foot_m[0])
    for category, feet in along.items():
        assert np.diff(sorted(feet)).min() >= 13.0, category  # a cut-out texture may move a foot by some decimetres


def test_a_street_is_the_same_each_time_and_another_for_another_seed() -> None:
    again = layout(7)
    assert again.objects == street(7).objects
    assert np.array_equal(again.vertices, street(7).vertices)
    assert street(1).objects != street(7).objects


def test_every_labelled_thing_has_a_class_of_the_network_and_corners_of_its_own() -> None:
    truth = Truth(street())
    for number, thing in enumerate(street().objects, 1):
        assert thing.id == number
        assert thing.label in NAMES
        assert len(truth.corners[thing.id]) >= 3


def test_the_ride_keeps_its_speed_and_its_length() -> None:
    moments = drive.drive(7)
    times = np.array([m.t_s for m in moments])
    at = np.array([(m.pose.x_m, m.pose.y_m) for m in moments])
    speed = np.hypot(*np.diff(at, axis=0).T) / np.diff(times)
    pitch = np.degrees([m.pose.pitch_rad for m in moments])
    assert 60 <= times[-1] <= 90
    assert 345 <= at[-1, 0] - at[0, 0] <= 355
    assert 2.99 <= speed.min() <= speed.max() <= 6.05
    assert speed.max() - speed.min() > 1.0
    assert 0.1 < pitch.std() < 1.0
    assert drive.drive(7) == moments
    assert drive.drive(8) != moments


def test_the_receiver_drifts_by_a_metre_slowly_and_trembles_by_thirty_centimetres() -> None:
    times = [float(t) for t in np.arange(0, 80, 0.1)]
    errors = np.stack([drive.receiver_error_m(seed, times) for seed in range(300)])
    bias = errors.mean(axis=1)
    assert np.sqrt((errors[:, 0] ** 2).mean()) == pytest.approx(np.hypot(1.0, 0.3), rel=0.15)
    assert np.sqrt((errors[:, -1] ** 2).mean()) == pytest.approx(np.hypot(1.0, 0.3), rel=0.15)
    assert np.abs(bias.mean(axis=0)).max() < 0.2
    step = np.diff(errors, axis=1)
    assert step.std() == pytest.approx(np.sqrt(2) * 0.3, rel=0.2)  # the drift of a tenth of a second adds little
    apart = (errors[:, 0] * errors[:, 600]).mean() / (errors[:, 0] ** 2).mean()
    assert apart == pytest.approx(np.exp(-1), abs=0.15)  # a minute later a third of it is left


def test_street_metres_and_degrees_agree_with_the_vehicles_own_geodesy() -> None:
    lat, lon = drive.to_wgs84(300.0, 4.0)
    east, north = offset_m(*drive.ORIGIN_DEG, lat, lon)
    heading = np.radians(drive.STREET_HEADING_DEG)
    assert east * np.sin(heading) + north * np.cos(heading) == pytest.approx(300.0, abs=0.05)
    assert north * np.sin(heading) - east * np.cos(heading) == pytest.approx(4.0, abs=0.05)


def test_the_renderers_axes_and_the_vehicles_mount_see_one_point_in_one_pixel() -> None:
    camera, _, _ = read_camera(SAMPLE / "camera.toml")
    pose = Pose(0.0, 0.0, 1.4, 0.0, float(np.radians(7.0)), float(np.radians(2.0)))
    for forward, left in ((5.0, 1.5), (12.0, -3.0)):
        right, down, ahead = camera_axes(pose) @ np.array((forward, left, -1.4))
        drawn = (
            camera.focal_px[0] * right / ahead + camera.centre_px[0],
            camera.focal_px[1] * down / ahead + camera.centre_px[1],
        )
        placed = pixel_from_ground(forward, left, 0.0, camera, Mount(height_m=1.4, pitch_deg=7.0, roll_deg=2.0))
        assert drawn == pytest.approx(placed, abs=0.5)


def test_the_visible_share_falls_with_what_hides_a_thing() -> None:
    box = next(thing for thing in street().objects if thing.label == "dumped_bulky")
    pose = Pose(box.foot_m[0] - 8.0, box.foot_m[1], 1.4, 0.0, 0.1)
    ids = np.zeros((540, 960), np.int32)
    ids[200:400, 300:600] = box.id
    whole = Truth(street()).views(pose, ids)[0]
    ids[300:, :] = 0
    half = Truth(street()).views(pose, ids)[0]
    assert whole.box_px == (300, 200, 600, 400)
    assert half.box_px == (300, 200, 600, 300)
    assert half.visible_share < whole.visible_share or whole.visible_share == 1.0
    assert whole.range_m == pytest.approx(8.0)


def test_a_thing_half_behind_the_camera_is_not_wholly_visible() -> None:
    thing = next(thing for thing in street().objects if thing.label == "water_on_road")
    pose = Pose(thing.foot_m[0] + thing.size_m[0] / 2, thing.foot_m[1], 1.4, 0.0, 0.5)
    ids = np.zeros((540, 960), np.int32)
    ids[500:, 400:500] = thing.id
    assert Truth(street()).views(pose, ids)[0].visible_share < 0.2


def test_nothing_tiny_or_mostly_hidden_becomes_a_label() -> None:
    thing = Placed(1, "garbage", "exposed_garbage", (0.0, 0.0), (1.0, 1.0, 1.0))
    assert worth_a_label(View(thing, (0, 0, 8, 40), 0.35, 5.0))
    assert not worth_a_label(View(thing, (0, 0, 7, 40), 1.0, 5.0))
    assert not worth_a_label(View(thing, (0, 0, 80, 40), 0.34, 5.0))


def test_the_committed_ride_is_whole_and_small() -> None:
    ride = (SAMPLE / "ride.toml").read_text()
    assert hashlib.sha256((SAMPLE / "video.mp4").read_bytes()).hexdigest() in ride
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) <= 8_000_000
    video = cv2.VideoCapture(str(SAMPLE / "video.mp4"))
    assert (video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (960, 540)
    assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == sample()["frames"] == len(sample()["poses"])
    assert len(track_of_csv((SAMPLE / "track.csv").read_text(), "track.csv", sample()["fps"])) == sample()["frames"]


def test_the_committed_truth_is_what_its_seed_makes() -> None:
    moments = drive.drive(sample()["seed"], sample()["fps"])
    assert len(moments) == sample()["frames"]
    lat, lon = drive.to_wgs84(moments[-1].pose.x_m, moments[-1].pose.y_m)
    assert sample()["poses"][-1][1:3] == pytest.approx([lat, lon], abs=1e-7)
    made = {thing.id: thing for thing in street(sample()["seed"]).objects if thing.category}
    assert {p["id"]: p["category"] for p in sample()["problems"]} == {i: t.category for i, t in made.items()}
    for problem in sample()["problems"]:
        there = drive.to_wgs84(*made[problem["id"]].foot_m)
        assert np.hypot(*offset_m(problem["lat"], problem["lon"], *there)) < 0.05


def test_the_committed_ride_shows_forty_problems_of_fourteen_categories_well_enough_to_count() -> None:
    shown = Counter(p["category"] for p in sample()["problems"] if len(list(good_views(p))) >= 3)
    assert sum(shown.values()) >= 40
    assert len(shown) >= 14
    assert min(shown.values()) >= 2


def test_a_problems_place_on_the_map_falls_into_its_box_in_the_picture() -> None:
    camera, mount, _ = read_camera(SAMPLE / "camera.toml")
    checked = 0
    for problem in sample()["problems"]:
        if problem["class"] not in GROUND_CLASSES:
            continue
        for frame, x1, y1, x2, y2, share, range_m in good_views(problem):
            # Only with the near edge inside the picture; what is half hidden may hide it.
            if share < 0.6 or range_m > 12 or y2 >= 539:
                continue
            _, lat, lon, _, heading, pitch, roll = sample()["poses"][frame]
            east, north = offset_m(lat, lon, problem["lat"], problem["lon"])
            s, c = np.sin(np.radians(heading)), np.cos(np.radians(heading))
            here = Mount(height_m=mount.height_m, pitch_deg=pitch, roll_deg=roll)
            up = 0.14 if problem["class"] == "footpath_damaged" else 0.0
            x, y = pixel_from_ground(east * s + north * c, north * s - east * c, up, camera, here)
            assert x1 - 6 <= x <= x2 + 6, (problem["id"], frame)
            assert y1 - 6 <= y <= y2 + 14, (problem["id"], frame)
            checked += 1
    assert checked >= 60


def good_views(problem: dict[str, Any]) -> list[list[float]]:
    return [v for v in problem["views"] if min(v[3] - v[1], v[4] - v[2]) >= 16 and v[5] >= 0.5 and v[6] <= 20]


def test_photographs_become_a_ride_with_truth_in_their_own_places(tmp_path: Path) -> None:
    photos, labels, out = tmp_path / "photos", tmp_path / "labels", tmp_path / "ride"
    photos.mkdir(), labels.mkdir()
    for name, size in (("b", (300, 400)), ("a", (800, 500)), ("c", (50, 60))):
        cv2.imwrite(str(photos / f"{name}.jpg"), np.full((*size, 3), 90, np.uint8))
    (photos / "notes.txt").write_text("no picture")
    bag, car = NAMES.index("garbage_bag"), NAMES.index("car")
    (labels / "a.txt").write_text(f"{bag} 0.5 0.8 0.2 0.2\n{car} 0.5 0.5 0.2 0.2\n")
    (labels / "b.txt").write_text(f"{bag} 0.5 0.8 0.2 0.2\n")
    assert ride_from_photos(photos, out, labels, 2) == 2
    frames = sorted(out.glob("*.jpg"))
    assert len(frames) == 2
    assert {cv2.imread(str(frame)).shape for frame in frames} == {(720, 960, 3)}
    truth = json.loads((out / "truth.json").read_text())
    assert [p["class"] for p in truth["problems"]] == ["garbage_bag", "garbage_bag"]
    assert [p["views"][0][0] for p in truth["problems"]] == [0, 1]
    _, x1, y1, x2, y2, *_ = truth["problems"][0]["views"][0]
    assert (x1 + x2) / 2 == pytest.approx(480, abs=1)
    assert (y1, y2) == pytest.approx((504, 648), abs=1)
    first, second = truth["problems"]
    assert np.hypot(*offset_m(first["lat"], first["lon"], second["lat"], second["lon"])) > 5
    assert len(track_of_csv((out / "track.csv").read_text(), "track.csv", truth["fps"])) == 2


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="holds no pictures"):
        ride_from_photos(tmp_path, tmp_path / "out", None, None)


def test_a_broken_picture_is_named(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8 not a picture")
    with pytest.raises(FileNotFoundError, match=r"broken\.jpg is no picture"):
        ride_from_photos(tmp_path, tmp_path / "out", None, None)


@pytest.mark.parametrize("line", ["99 0.5 0.5 0.1 0.1", "0 0.5 half 0.1 0.1", "0 0.5"])
def test_labels_that_are_none_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str], line: str) -> None:
    cv2.imwrite(str(tmp_path / "a.jpg"), np.full((40, 60, 3), 90, np.uint8))
    (tmp_path / "a.txt").write_text(line)
    arguments = ["--from-photos", str(tmp_path), "--labels", str(tmp_path), "--out", str(tmp_path / "ride")]
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    assert command.run(parser.parse_args(arguments)) == 1
    assert "a." in capsys.readouterr().err
