"""A camera that hangs upside down is told by what the network sees of a street, soon, and never of one the right way up."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from edge.capture import pictures
from edge.turned import ENOUGH, TurnWatch, scores
from models.packs import load_pack
from models.runtime import Detector

SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "ride" / "sample" / "video.mp4"


@pytest.fixture(scope="module")
def street() -> Detector:
    return Detector(load_pack("street"))


def watched(detector: Detector, images: list[np.ndarray]) -> list[TurnWatch]:
    """How it stands after each look."""
    watch, told = TurnWatch(), []
    for image in images:
        watch.see(*scores(detector, image))
        told.append(TurnWatch(watch.upright, watch.turned))
    return told


def test_the_sample_ride_is_upright_and_upside_down_when_it_is_turned(street: Detector) -> None:
    images = [image for _, image in islice(pictures(SAMPLE, (), lambda _: None), 0, 200, 20)]
    upright = watched(street, images)
    assert upright[-1].is_upright
    assert not any(each.is_upside_down for each in upright)
    turned = watched(street, [np.ascontiguousarray(image[::-1, ::-1]) for image in images])
    assert turned[-1].is_upside_down
    assert not any(each.is_upright for each in turned)


@pytest.mark.shared
@pytest.mark.parametrize("ride", ["kitti_0005", "gopro_footpath", "lund_walk"])
def test_no_recorded_ride_is_called_upside_down(street: Detector, shared: Path, ride: str) -> None:
    stills = sorted((shared / "data" / "replay" / ride).glob("*.jpg"))[::4]
    images = [image for _, image in pictures(None, stills, lambda _: None)]
    assert images
    assert not any(each.is_upside_down for each in watched(street, images))


def test_little_says_nothing_and_a_camera_put_right_is_soon_called_so() -> None:
    watch = TurnWatch()
    watch.see(0.0, ENOUGH - 0.1)
    assert not watch.is_upside_down
    for _ in range(100):
        watch.see(1.0, 4.0)
    assert watch.is_upside_down
    for _ in range(20):
        watch.see(4.0, 1.0)
    assert watch.is_upright
    assert not watch.is_upside_down
