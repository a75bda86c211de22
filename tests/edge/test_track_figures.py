"""The tracking figures themselves: IDF1 against all ways to match, and a tracker that errs is told from one that does not."""

from __future__ import annotations

import importlib
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from calibration.camera import Camera
from calibration.geodesy import moved
from calibration.ground import pixel_from_ground
from calibration.mount import Mount
from edge.locate import Locator
from edge.settings import Decide, Settings
from edge.track import Tracker
from edge.values import Detection, Track

FrameAt = Callable[..., Any]
ORIGIN = (37.87, 112.55)
A, B = {n: (10.0 * n, 0.0, 10.0 * n + 20, 20.0) for n in range(4)}, {n: (10.0 * n, 100.0, 10.0 * n + 20, 120.0) for n in range(4)}  # fmt: skip


@pytest.fixture
def benchmark(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """Imports a benchmark by its name."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    return importlib.import_module


def test_the_best_matching_is_the_best_of_all(benchmark: Callable[[str], Any]) -> None:
    most, rng = benchmark("identity").most, np.random.default_rng(1)
    for _ in range(200):
        worth = rng.integers(0, 9, rng.integers(0, 5, 2)).astype(float)
        small = worth if worth.shape[0] <= worth.shape[1] else worth.T
        ways = itertools.permutations(range(small.shape[1]), small.shape[0])
        assert most(worth) == max(sum(small[row, column] for row, column in enumerate(way)) for way in ways)


def test_idf1_is_one_for_the_truth_and_less_for_each_mistake(benchmark: Callable[[str], Any]) -> None:
    idf1 = benchmark("identity").idf1
    truth = [("bin", A), ("bin", B)]
    assert idf1(truth, truth) == 1.0
    assert idf1(truth, truth[::-1]) == 1.0, "the order does not matter"
    first, rest = {n: A[n] for n in (0, 1)}, {n: A[n] for n in (2, 3)}
    assert idf1(truth, [("bin", first), ("bin", rest), ("bin", B)]) == pytest.approx(2 * 6 / 16), "cut in two"
    swapped = [("bin", first | {n: B[n] for n in (2, 3)}), ("bin", {n: B[n] for n in (0, 1)} | rest)]
    assert idf1(truth, swapped) == pytest.approx(2 * 4 / 16), "changed over"
    assert idf1(truth, [*truth, ("bin", {9: (0.0, 0.0, 1.0, 1.0)})]) == pytest.approx(2 * 8 / 17), "of nothing"
    assert idf1(truth, [("bin", A)]) == pytest.approx(2 * 4 / 12), "missed"
    assert idf1(truth, [("bag", A), ("bin", B)]) == pytest.approx(2 * 4 / 16), "another category"
    assert idf1([], []) == 1.0


class Cuts(Tracker):
    """Ends every track in the middle of the street."""

    def see(self, frame: Any, detections: list[Detection], pass_id: UUID) -> list[Track]:
        ended = self.flush() if frame.number == 7 else []
        return ended + super().see(frame, detections, pass_id)


def test_a_tracker_that_errs_is_told_from_one_that_does_not(
    benchmark: Callable[[str], Any], camera: Camera, mount: Mount, frame_at: FrameAt
) -> None:
    track, settings, locator = benchmark("track"), Settings(decide=Decide(cool_down_h=0.0)), Locator(camera, mount)
    lat, lon = moved(*ORIGIN, 24.0, -1.0)
    looks, views = [], []
    for number in range(13):
        ahead = 24.0 - 1.5 * number
        left, foot = pixel_from_ground(ahead, -0.3, 0.0, camera, mount)
        right, top = pixel_from_ground(ahead, -1.7, 0.7, camera, mount)
        looks.append((frame_at(number, 1.5 * number), [Detection((left, top, right, foot), "rubble", "waste_pile", 0.8, 0.7)]))  # fmt: skip
        views.append([number, left, top, right, foot, 1.0, ahead])
    poses = [[0.0, *moved(*ORIGIN, 1.5 * number, 0.0)] for number in range(13)]
    problem = {"id": 1, "category": "waste_pile", "class": "rubble", "lat": lat, "lon": lon, "views": views}
    truth = {"problems": [problem], "poses": poses}

    good = track.measure(Tracker(locator), looks, truth, locator, settings)
    assert (good["idf1"], good["things_told"], good["twice"], good["never_told"]) == (1.0, 1, 0.0, 0.0)
    cut = track.measure(Cuts(locator), looks, truth, locator, settings)
    assert cut["idf1"] < 0.8
    blind = [(frame, seen if frame.number < 1 else []) for frame, seen in looks]
    assert track.measure(Tracker(locator), blind, truth, locator, settings)["things_seen"] == 0
    wrong = [(frame, [replace(each, category="road_dirty", label="sand_on_road") for each in seen]) for frame, seen in looks]  # fmt: skip
    other = track.measure(Tracker(locator), wrong, truth, locator, settings)
    assert (other["idf1"], other["told_of_nothing"]) == (0.0, 1)
    shy = Settings(decide=Decide(cool_down_h=0.0, least_probability=0.9))
    assert track.measure(Tracker(locator), looks, truth, locator, shy)["never_told"] == 1.0


def test_a_true_box_of_something_too_small_to_be_asked_for_is_neither_right_nor_wrong(
    benchmark: Callable[[str], Any], frame_at: FrameAt
) -> None:
    track = benchmark("track")
    row = {"id": 1, "category": "waste_pile", "class": "rubble", "lat": 0.0, "lon": 0.0,
           "views": [[0, 0, 0, 10, 10, 1.0, 19.0], [1, 0, 0, 30, 30, 1.0, 12.0], [2, 0, 0, 30, 30, 0.3, 8.0]]}  # fmt: skip
    (thing,) = track.things_of({"problems": [row]})
    assert (thing.asked, thing.labelled) == ({1}, {0, 1})
    views = tuple(
        track.TrackView(frame_at(n, 0.0), Detection(thing.boxes[n], "rubble", "waste_pile", 0.8, 0.7)) for n in range(3)
    )
    assert track.path_of(Track(0, UUID(int=1), views), [thing], []) == {1: thing.boxes[1]}
