"""When a picture was taken: cameras write local time, satellites and offsets tell UTC."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import numpy as np
import piexif
import pytest

from calibration.exif import read_exif
from models.pixels import encode_jpeg

HERE = {1: "N", 2: ((37, 1), (52, 1), (0, 1)), 3: "E", 4: ((112, 1), (33, 1), (0, 1))}
LOCAL = {36867: "2026:05:01 10:00:07"}
"""Ten in the morning in Taiyuan, eight hours ahead."""


def jpeg(taken: dict[int, Any], gps: dict[int, Any]) -> bytes:
    """A picture with such EXIF."""
    out = io.BytesIO()
    piexif.insert(
        piexif.dump({"Exif": taken, "GPS": {**HERE, **gps}}), encode_jpeg(np.zeros((16, 16, 3), np.uint8)), out
    )
    return out.getvalue()


def satellites(day: str, *clock: int) -> dict[int, Any]:
    """GPS date and time."""
    return {29: day, 7: tuple((part, 1) for part in clock)}


@pytest.mark.parametrize(("taken", "gps", "utc", "trusted"), [
    (LOCAL, {}, "2026-05-01T10:00:07", False),
    ({**LOCAL, 36881: "+08:00"}, {}, "2026-05-01T02:00:07", True),
    ({**LOCAL, 36881: "   :  "}, {}, "2026-05-01T10:00:07", False),
    ({**LOCAL, 37521: "25"}, satellites("2026:05:01", 2, 0, 7), "2026-05-01T02:00:07.250000", True),
    (LOCAL, satellites("2026:05:01", 2, 1, 30), "2026-05-01T02:01:30", True),
    ({36867: "1980:01:01 00:00:00"}, satellites("2026:05:01", 2, 0, 0), "2026-05-01T02:00:00", True),
    ({}, satellites("2026:05:01", 2, 0, 0), "2026-05-01T02:00:00", True),
    (LOCAL, satellites("", 2, 0, 0), "2026-05-01T10:00:07", False),
])  # fmt: skip
def test_a_cameras_local_time_is_not_taken_for_utc(
    taken: dict[int, Any], gps: dict[int, Any], utc: str, trusted: bool
) -> None:
    position = read_exif(jpeg(taken, gps))
    assert position is not None
    assert position.utc_trusted is trusted
    assert position.utc == datetime.fromisoformat(utc).replace(tzinfo=UTC)


def test_a_picture_without_any_time_has_none() -> None:
    position = read_exif(jpeg({}, {}))
    assert position is not None
    assert position.utc is None
