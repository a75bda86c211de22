"""Pictures the gate refuses: glare and a lens behind a hand, mud or a leaf; and that it refuses none of a usable ride."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edge.capture import pictures
from edge.gate import KNOWN_FROM, MEMORY, Gate, Usual
from edge.settings import Gate as GateSettings
from models.pixels import Image, glance

SAMPLE = Path(__file__).resolve().parents[2] / "demo" / "ride" / "sample"
FrameAt = Callable[..., Any]


def reasons(frame_at: FrameAt, images: Iterator[Image] | list[Image]) -> dict[str, int]:
    """What a gate that drives 2 m between them says of pictures."""
    gate = Gate(GateSettings())
    for number, image in enumerate(images):
        gate.opens(frame_at(number, number * 2.0, image=image))
    return dict(gate.reasons)


def images_of(folder: Path, step: int = 1) -> Iterator[Image]:
    video = folder / "video.mp4"
    for number, image in pictures(video if video.exists() else None, sorted(folder.glob("*.jpg")), lambda _: None):
        if number % step == 0:
            yield image


@pytest.fixture(scope="module")
def street() -> list[Image]:
    """Twenty-four pictures of the drawn ride, 1.6 s apart."""
    return list(images_of(SAMPLE, 16))[:24]


def behind(thing_bgr: tuple[int, int, int], share: float, street: Image, slope: float = 0.6, noise: float = 4.0) -> Image:  # fmt: skip
    """A street behind something near and out of focus that covers a share of the lens; a sensor's noise over all of it."""
    height, width = street.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    across = x / width + slope * y / height
    cover = 1 / (1 + np.exp((np.quantile(across, share) - across) * 50))[..., None]
    shaded = np.array(thing_bgr) * (1 + 0.15 * np.sin(3 * across))[..., None]
    seen = street * cover + shaded * (1 - cover)
    return np.clip(seen + np.random.default_rng(7).normal(0, noise, seen.shape), 0, 255).astype(np.uint8)


def test_no_picture_of_the_drawn_ride_is_refused(frame_at: FrameAt) -> None:
    assert reasons(frame_at, images_of(SAMPLE)) == {}


@pytest.mark.shared
@pytest.mark.parametrize("ride", ["kitti_0005", "gopro_footpath", "lund_walk"])
def test_no_picture_of_a_recorded_ride_is_refused(shared: Path, frame_at: FrameAt, ride: str) -> None:
    assert reasons(frame_at, images_of(shared / "data" / "replay" / ride)) == {}


@pytest.mark.parametrize(("thing", "share"), [
    ((110, 140, 200), 0.55), ((40, 60, 80), 0.45), ((50, 130, 70), 0.5), ((110, 140, 200), 0.95),
])  # fmt: skip
def test_a_hand_mud_or_a_leaf_before_the_lens_is_noticed_and_when_it_is_gone_it_looks_again(
    street: list[Image], frame_at: FrameAt, thing: tuple[int, int, int], share: float
) -> None:
    covered = [behind(thing, share, image) for image in street[14:18]]
    assert reasons(frame_at, [*street[:14], *covered, *street[18:]]) == {"blocked": 4}


def test_a_camera_that_starts_behind_a_hand_is_blocked_from_the_first_picture(street: list[Image], frame_at: FrameAt) -> None:  # fmt: skip
    assert reasons(frame_at, [behind((110, 140, 200), 0.9, image) for image in street[:3]]) == {"blocked": 3}


def test_a_small_leaf_at_the_edge_leaves_enough_to_see(street: list[Image], frame_at: FrameAt) -> None:
    assert reasons(frame_at, [*street[:14], *(behind((50, 130, 70), 0.12, image) for image in street[14:])]) == {}


def glaring(street: Image, veil: float) -> Image:
    """A street against a low sun: what the lens scatters lies over everything, the exposure goes down (light adds in linear values)."""
    height, width = street.shape[:2]
    y, x = np.mgrid[0:height, 0:width]
    away = np.hypot(x - 0.5 * width, y - 0.35 * height) / width
    light = 0.15 * (street / 255) ** 2.2 + (veil * (0.25 + 1.2 * np.exp(-((away / 0.22) ** 2))))[..., None]
    return np.asarray(255 * np.clip(light, 0, 1) ** (1 / 2.2), np.uint8)


def test_against_a_low_sun_it_does_not_look(street: list[Image], frame_at: FrameAt) -> None:
    for veil in (0.9, 1.5):
        assert reasons(frame_at, [glaring(image, veil) for image in street[:3]]) == {"glare": 3}
    assert reasons(frame_at, [glaring(image, 0.05) for image in street[:3]]) == {}


def test_a_white_sky_and_snow_over_a_street_that_can_be_seen_are_no_glare(street: list[Image], frame_at: FrameAt) -> None:  # fmt: skip
    def overcast(image: Image) -> Image:
        white = image.copy()
        white[: image.shape[0] // 3] = 255
        return white

    def snowed(image: Image) -> Image:
        white = overcast(image)
        grey = cv2.cvtColor(white, cv2.COLOR_BGR2GRAY)
        white[grey > np.quantile(grey[image.shape[0] // 2 :], 0.55)] = 255
        return white

    for changed in (overcast, snowed):
        assert glance(changed(street[3])).white.mean() > 0.2
        assert reasons(frame_at, [changed(image) for image in street]) == {}


def test_what_a_camera_has_always_shown_as_empty_is_never_called_blocked_and_is_unlearnt_only_by_the_way() -> None:
    usual, bare = Usual(), np.zeros((7, 13), bool)
    bare[:3] = True
    for _ in range(KNOWN_FROM):
        usual.learn(bare)
    assert usual.newly(bare) == 0.0
    assert usual.newly(~bare) == pytest.approx(4 / 7)
    assert usual.newly(np.ones((9, 13), bool)) == 0.0, "another camera's picture is not known"
    for _ in range(MEMORY):
        usual.learn(np.ones((7, 13), bool))
    assert usual.newly(~bare) == 0.0, "a square that stays empty is the new street"


def test_standing_before_a_wall_unlearns_nothing(street: list[Image], frame_at: FrameAt) -> None:
    gate = Gate(GateSettings())
    for number, image in enumerate(street[:14]):
        gate.opens(frame_at(number, number * 2.0, image=image))
    wall = behind((110, 140, 200), 0.6, street[14])
    assert not any(gate.opens(frame_at(20 + n, 28.0, t_s=20 + n / 25, image=wall)) for n in range(60))
    assert gate.reasons["blocked"] > 0
    known = gate._usual._looks
    assert known <= 14 + 1
