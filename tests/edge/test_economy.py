"""Making do with a month's bytes: what is left out, in which order, and what never changes."""

from __future__ import annotations

import hashlib
import io
from datetime import UTC, datetime
from typing import Any

import numpy as np
import piexif
import pytest
from sightings import jpeg, message

from edge.economy import Economy, economy, month_of
from edge.smaller import _with_exif_of, smaller
from models.contract import Sighting, decode, encode
from models.pixels import decode_jpeg, encode_jpeg, jpeg_size

START, MIDDLE, END = (datetime(2026, 11, day, 0, 0, tzinfo=UTC) for day in (1, 16, 30))


@pytest.mark.parametrize(
    ("spent", "now", "step"),
    [
        (0, START, Economy.WHOLE),
        (190, START, Economy.WHOLE),
        (210, START, Economy.SMALL),
        (510, START, Economy.CROP),
        (810, START, Economy.TEXT),
        (1000, START, Economy.NOTHING),
        (510, MIDDLE, Economy.WHOLE),  # a little ahead of an even pace
        (700, MIDDLE, Economy.SMALL),
        (760, MIDDLE, Economy.CROP),
        (950, MIDDLE, Economy.TEXT),
        (970, END, Economy.WHOLE),  # what is left at the end may be spent
        (990, END, Economy.CROP),
        (1500, END, Economy.NOTHING),
    ],
)
def test_the_step_follows_what_is_left_of_the_bytes_and_of_the_month(spent: int, now: datetime, step: Economy) -> None:
    assert economy(spent, 1000, now) == step


def test_without_a_limit_nothing_is_left_out() -> None:
    assert economy(10**15, 0, END) == Economy.WHOLE


def test_a_vehicle_that_always_has_more_to_tell_never_spends_more_than_its_month() -> None:
    """Messages of a step's usual size, one a minute for a month: text to the last day, and never over."""
    size = {Economy.WHOLE: 170_000, Economy.SMALL: 50_000, Economy.CROP: 12_000, Economy.TEXT: 1_500, Economy.NOTHING: 0}  # fmt: skip
    spent, steps, limit = 0, set(), 1_000_000_000
    for minute in range(30 * 24 * 60):
        day, rest = divmod(minute, 1440)
        step = economy(spent, limit, datetime(2026, 11, day + 1, rest // 60, rest % 60, tzinfo=UTC))
        steps.add(step)
        spent += size[step]
    assert 0.9 * limit < spent <= limit + max(size.values())
    assert Economy.NOTHING not in steps


def photo() -> Sighting:
    """A sighting with a picture as a camera takes it: 1280 x 720, EXIF, the thing in a box."""
    rng = np.random.default_rng(3)
    image = rng.integers(0, 255, (18, 32, 3), dtype=np.uint8).repeat(40, axis=0).repeat(40, axis=1)
    exif = piexif.dump({"Exif": {piexif.ExifIFD.DateTimeOriginal: "2026:11:02 03:00:00"}, "GPS": {}})
    tagged = _with_exif_of(_tagged(exif), encode_jpeg(image, 88))
    sighting = message()
    best = sighting.pictures[0].model_dump() | picture_of(tagged, (600.0, 300.0, 700.0, 400.0))
    far = sighting.pictures[0].model_dump() | picture_of(jpeg(5, 720, 400), (10.0, 10.0, 20.0, 20.0))
    more = [far | {"role": role} for role in ("context", "far", "near")]
    return Sighting.model_validate(sighting.model_dump() | {"pictures": (best, *more)})


def _tagged(exif: bytes) -> bytes:
    out = io.BytesIO()
    piexif.insert(exif, jpeg(1), out)
    return out.getvalue()


def picture_of(data: bytes, box: tuple[float, ...]) -> dict[str, Any]:
    width, height = jpeg_size(data)
    return {"sha256": hashlib.sha256(data).hexdigest(), "width": width, "height": height, "box": box, "bytes": data}


def test_each_step_is_lighter_than_the_one_before_and_everything_but_pictures_stays() -> None:
    whole = photo()
    made = {step: smaller(whole, step) for step in (Economy.WHOLE, Economy.SMALL, Economy.CROP, Economy.TEXT)}
    sizes = [len(encode(each)) for each in made.values()]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-1] < 1500
    assert [[picture.role for picture in each.pictures] for each in made.values()] == [["best", "context", "far", "near"], ["best", "far"], ["best"], []]  # fmt: skip
    for each in made.values():
        assert each.model_dump(exclude={"pictures"}) == whole.model_dump(exclude={"pictures"})
        assert decode(Sighting, encode(each)) == each, "it is a message like any other"
        for picture in each.pictures:
            assert jpeg_size(picture.bytes) == (picture.width, picture.height)


def test_time_and_place_stay_in_the_picture_and_the_box_stays_on_the_thing() -> None:
    for step in (Economy.SMALL, Economy.CROP):
        best = smaller(photo(), step).pictures[0]
        assert piexif.load(best.bytes)["Exif"][piexif.ExifIFD.DateTimeOriginal] == b"2026:11:02 03:00:00"
        assert best.box is not None
        x1, y1, x2, y2 = (round(edge) for edge in best.box)
        shown = decode_jpeg(best.bytes)[y1:y2, x1:x2]
        there = decode_jpeg(photo().pictures[0].bytes)[300:400, 600:700]
        assert np.abs(shown.mean((0, 1)) - there.mean((0, 1))).max() < 12


def test_a_step_taken_after_another_is_still_a_message() -> None:
    once = smaller(photo(), Economy.SMALL)
    twice = smaller(once, Economy.CROP)
    assert len(encode(twice)) < len(encode(once))
    assert smaller(twice, Economy.TEXT).id == once.id


def test_a_picture_without_a_box_or_at_the_edge_is_cropped_all_the_same() -> None:
    whole = photo()
    for box in (None, (0.0, 0.0, 1280.0, 720.0), (1279.0, 719.0, 1280.0, 720.0)):
        best = whole.pictures[0].model_copy(update={"box": box})
        (crop,) = smaller(whole.model_copy(update={"pictures": (best,)}), Economy.CROP).pictures
        assert max(crop.width, crop.height) <= 320
        if crop.box is not None:
            assert -0.1 <= crop.box[0] <= crop.box[2] <= crop.width + 0.1


def test_a_byte_counts_in_its_month() -> None:
    assert month_of(datetime(2026, 12, 31, 23, 59, tzinfo=UTC)) == "2026-12"
