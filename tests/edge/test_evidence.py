"""Pictures fit: whatever the setting and however noisy the street, the message stays under what the wire carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from calibration.camera import Camera
from calibration.mount import Mount
from edge.evidence import ALL_BYTES, gather
from edge.locate import Locator
from edge.settings import Evidence as EvidenceSettings
from edge.values import Detection, TrackView
from edge.views import Shown, showable, shown
from models.contract import MAX_MESSAGE_BYTES, Picture, encode
from models.packs import load_pack
from models.pixels import decode_jpeg
from models.redaction import RedactedImage, Redactor

A = UUID(int=10)
LONGEST_NAMES = {
    "vehicle": "V" * 32, "camera": "c" * 48, "category": "c" * 48, "detail": "d" * 64, "pack": {"name": "p" * 64, "digest": "0" * 64},
    "monotonic_ns": 2**62, "settings_revision": 2**30, "redaction": {"digest": "0" * 64, "regions": 99_999},
}  # fmt: skip


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    """As on a vehicle."""
    return Redactor(load_pack("redaction"))


class Counting:
    """A redactor that counts how often it is asked."""

    def __init__(self, redactor: Redactor) -> None:
        self.redactor, self.asked = redactor, 0

    def redact(self, image: np.ndarray) -> RedactedImage:
        self.asked += 1
        return self.redactor.redact(image)


@pytest.fixture
def views(frame_at: Callable[..., Any]) -> Shown:
    """Seen three times on pictures that no JPEG makes small: 1280x720 of noise."""

    def seen(number: int, box: tuple[float, float, float, float]) -> TrackView:
        noise = np.random.default_rng(number).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
        return TrackView(frame_at(number, number * 2.0, image=noise), Detection(box, "pothole", "road_damage", 0.5, 0.5))  # fmt: skip

    return Shown(seen(1, (100.0, 100.0, 300.0, 400.0)), seen(0, (40.0, 80.0, 100.0, 160.0)), seen(2, (600.0, 200.0, 1270.0, 715.0)))  # fmt: skip


def box_of(picture: Picture) -> tuple[float, ...]:
    """Where the thing is, in shares of the picture's width and height."""
    assert picture.box is not None
    size = (picture.width, picture.height) * 2
    return tuple(edge / whole for edge, whole in zip(picture.box, size, strict=True))


@pytest.mark.parametrize("picture_bytes", [10_000, 110_000, 200_000])
def test_noisy_pictures_fit_into_one_message_at_every_setting(
    views: Shown, redactor: Redactor, sighting_of: Callable[..., Any], picture_bytes: int
) -> None:
    counting = Counting(redactor)
    evidence = gather(views, counting, EvidenceSettings(picture_bytes=picture_bytes).picture_bytes)  # type: ignore[arg-type]
    assert [picture.role for picture in evidence.pictures] == ["best", "far", "near"]
    assert counting.asked == 3
    assert sum(len(picture.bytes) for picture in evidence.pictures) <= ALL_BYTES
    for picture in evidence.pictures:
        assert len(picture.bytes) <= picture_bytes
        assert decode_jpeg(picture.bytes).shape[:2] == (picture.height, picture.width)
        assert picture.box is not None
        assert picture.box[2] <= picture.width + 0.1
        assert picture.box[3] <= picture.height + 0.1
    best, far, near = evidence.pictures
    assert box_of(best) == pytest.approx((100 / 1280, 100 / 720, 300 / 1280, 400 / 720), abs=0.005)
    assert box_of(far) == pytest.approx((40 / 1280, 80 / 720, 100 / 1280, 160 / 720), abs=0.005)
    x1, y1, x2, _ = box_of(near)
    assert x2 - x1 > 0.6, "from near it fills most of the picture"
    assert (x1, y1) > (0.2, 0.2)
    made = sighting_of(A, **LONGEST_NAMES)(UUID(int=7), 2**62)
    assert len(encode(made.model_copy(update={"pictures": evidence.pictures}))) <= MAX_MESSAGE_BYTES


def test_each_cut_shows_the_thing_where_its_box_says(frame_at: Callable[..., Any], redactor: Redactor) -> None:
    """A red thing on grey: inside every picture's box it is red, around it grey."""
    for box in ((600.0, 300.0, 700.0, 500.0), (0.0, 0.0, 90.0, 60.0), (1200.0, 690.0, 1280.0, 720.0), (600.0, 0.0, 640.0, 720.0)):  # fmt: skip
        image = np.full((720, 1280, 3), 128, np.uint8)
        x1, y1, x2, y2 = (int(edge) for edge in box)
        image[y1:y2, x1:x2] = (0, 0, 255)
        view = TrackView(frame_at(1, 0.0, image=image), Detection(box, "pothole", "road_damage", 0.5, 0.5))
        again = replace(view, frame=replace(view.frame, number=2))
        for picture in gather(Shown(view, again, again, again), redactor, 110_000).pictures:
            assert picture.box is not None
            red = decode_jpeg(picture.bytes)[..., 2].astype(int) - decode_jpeg(picture.bytes)[..., 0] > 128
            left, top, right, bottom = (round(edge) for edge in picture.box)
            assert red[top + 2 : bottom - 2, left + 2 : right - 2].mean() > 0.95, picture.role
            assert red.sum() < 1.3 * max(1, (right - left) * (bottom - top)), picture.role


def test_a_thing_seen_once_has_one_picture_and_one_that_stays_alike_is_shown_at_another_moment(views: Shown, redactor: Redactor) -> None:  # fmt: skip
    assert [picture.role for picture in gather(Shown(views.best), redactor, 110_000).pictures] == ["best"]
    pictures = gather(Shown(views.best, other=views.far), redactor, 110_000).pictures
    assert [picture.role for picture in pictures] == ["best", "context"]
    assert box_of(pictures[1]) == pytest.approx((40 / 1280, 80 / 720, 100 / 1280, 160 / 720), abs=0.005)


def test_a_speck_seen_from_near_is_still_a_picture(views: Shown, redactor: Redactor) -> None:
    detection = replace(views.best.detection, box_px=(1276.0, 716.0, 1279.0, 719.0))
    assert views.near is not None
    near = replace(views.near, detection=detection)
    assert gather(replace(views, near=near), redactor, 110_000).pictures[-1].width >= 16


# Which looks are shown


def looks(frame_at: Callable[..., Any], *sizes_px: float) -> list[TrackView]:
    """A thing that is so large from look to look; a negative size is cut off at the picture's edge."""
    return [
        TrackView(
            frame_at(n, n * 2.0, image=np.zeros((540, 960, 3), np.uint8)),
            Detection((0.0 if size < 0 else 100.0, 100.0, abs(size) + (100.0 if size > 0 else 0.0), 100.0 + abs(size)), "pothole", "road_damage", 0.5, 0.5),
        )
        for n, size in enumerate(sizes_px)
    ]  # fmt: skip


@pytest.mark.parametrize(("sizes_px", "best", "expected"), [
    ((20, 40, 80), 1, (0, 2, None)), ((20, 25, 29), 1, (None, None, 0)), ((20, 25, 26, 29), 2, (None, None, 0)), ((20,), 0, (None, None, None)),
    ((-20, 25, 60), 2, (1, None, None)), ((40, 80, -200), 0, (None, 1, None)), ((-20, -40, -80), 1, (None, None, None)), ((30, 60, 61, 20), 3, (None, 2, None)),
    ((50, -90), 1, (0, None, None)), ((80, -90), 1, (None, None, 0)),
])  # fmt: skip
def test_from_afar_the_first_whole_look_and_from_near_the_largest_if_they_show_something_new_or_else_another_moment(
    frame_at: Callable[..., Any], camera: Camera, mount: Mount, sizes_px: tuple[float, ...], best: int, expected: tuple[int | None, ...]
) -> None:  # fmt: skip
    views = looks(frame_at, *sizes_px)
    found = shown(views, views[best], Locator(camera, mount).is_cut)
    others = (found.far, found.near, found.other)
    assert tuple(each.frame.number if each else None for each in others) == expected
    kept = showable(views, views[best], Locator(camera, mount).is_cut)
    assert len(kept) <= 3
    assert all(any(each is one for one in kept) for each in (found.best, *others) if each is not None)
