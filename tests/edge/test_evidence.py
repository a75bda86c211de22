"""Pictures fit: whatever the setting and however noisy the street, the message stays under what the wire carries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from edge.decide import Finding
from edge.evidence import gather
from edge.settings import Evidence as EvidenceSettings
from edge.values import Detection, Track, TrackView
from models.contract import MAX_MESSAGE_BYTES, Place, encode
from models.packs import load_pack
from models.pixels import decode_jpeg
from models.redaction import Redactor

A = UUID(int=10)
LONGEST_NAMES = {
    "vehicle": "V" * 32, "camera": "c" * 48, "category": "c" * 48, "detail": "d" * 64, "pack": {"name": "p" * 64, "digest": "0" * 64},
    "monotonic_ns": 2**62, "settings_revision": 2**30, "redaction": {"digest": "0" * 64, "regions": 99_999},
}  # fmt: skip


@pytest.fixture(scope="module")
def redactor() -> Redactor:
    """As on a vehicle."""
    return Redactor(load_pack("redaction"))


@pytest.fixture
def finding(frame_at: Callable[..., Any]) -> Finding:
    """Seen twice on pictures that no JPEG makes small: 1280x720 of noise."""
    views = []
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 255, (720, 1280, 3), dtype=np.uint8)
        detection = Detection((100.0, 100.0, 300.0, 400.0), "pothole", "road_damage", 0.5, 0.5)
        views.append(TrackView(frame_at(number, number * 2.0, image=noise), detection))
    place = Place(lat_deg=37.0, lon_deg=112.0, covariance_m2=((1.1, 0.1), (0.1, 1.1)), bearing_deg=1.1, range_m=5.1, near_m=4.1, far_m=6.1,
                  method="ground")  # fmt: skip
    return Finding(A, Track(0, UUID(int=1), tuple(views)), place, views[1])


@pytest.mark.parametrize("picture_bytes", [10_000, 110_000, 200_000])
def test_two_noisy_pictures_fit_into_one_message_at_every_setting(
    finding: Finding, redactor: Redactor, sighting_of: Callable[..., Any], picture_bytes: int
) -> None:
    evidence = gather(finding, redactor, EvidenceSettings(picture_bytes=picture_bytes).picture_bytes)
    assert [picture.role for picture in evidence.pictures] == ["best", "far"]
    for picture in evidence.pictures:
        assert len(picture.bytes) <= picture_bytes
        assert decode_jpeg(picture.bytes).shape[:2] == (picture.height, picture.width)
        assert picture.box is not None
        assert picture.box[2] == pytest.approx(300 * picture.width / 1280, rel=0.02)
    made = sighting_of(A, **LONGEST_NAMES)(UUID(int=7), 2**62)
    assert len(encode(made.model_copy(update={"pictures": evidence.pictures}))) <= MAX_MESSAGE_BYTES


def test_a_thing_seen_in_one_picture_is_shown_in_one(finding: Finding, redactor: Redactor) -> None:
    once = replace(finding, track=replace(finding.track, views=finding.track.views[1:]))
    assert [picture.role for picture in gather(once, redactor, 110_000).pictures] == ["best"]
