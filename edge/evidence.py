"""The pictures of a find: redacted first, then JPEG inside a byte budget, with time and place in their EXIF."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime, timezone

import piexif

from edge.values import Box, Image, TrackView
from edge.views import Shown
from models.contract import Picture
from models.pixels import encode_jpeg, fit_within
from models.redaction import RedactedImage, Redactor

WIDEST_PX, VIEW_WIDEST_PX = 1280, 720
VIEW_BYTES = 60_000
ALL_BYTES = 250_000
"""Of all pictures of a sighting together: a message has 256 KiB, and what it says beside its pictures under 4 KiB."""
NEAR_MARGIN, NEAR_LEAST_PX = 0.5, 32.0
"""How much of the street a picture from near shows around the thing, on each side: in sizes of the thing, and at least."""
QUALITIES = (88, 82, 76, 68, 60, 50, 40)


@dataclass(frozen=True)
class Evidence:
    """Pictures fit to leave the vehicle, and how many regions were made unreadable in them."""

    pictures: tuple[Picture, ...]
    regions: int


@dataclass(frozen=True)
class _Cut:
    """A part of a redacted picture, and where the thing is in it."""

    image: Image
    box_px: Box


def gather(shown: Shown, redactor: Redactor, picture_bytes: int) -> Evidence:
    """One to three pictures, none over `picture_bytes`, together no more than ALL_BYTES: the best view, the thing from afar and from near, or else the
    street at another moment. Each is of another frame, and redacted.
    """
    best = redactor.redact(shown.best.frame.image)
    pictures, regions = [_picture("best", _whole(best, shown.best), shown.best, WIDEST_PX, picture_bytes)], best.regions
    view_bytes = min(VIEW_BYTES, picture_bytes, (ALL_BYTES - len(pictures[0].bytes)) // 2)
    for role, view, cut in (
        ("context", shown.other, _whole),
        ("far", shown.far, _whole),
        ("near", shown.near, _around),
    ):
        if view is not None:
            redacted = redactor.redact(view.frame.image)
            pictures.append(_picture(role, cut(redacted, view), view, VIEW_WIDEST_PX, view_bytes))
            regions += redacted.regions
    return Evidence(tuple(pictures), regions)


def _whole(redacted: RedactedImage, view: TrackView) -> _Cut:
    return _Cut(redacted.image, view.detection.box_px)


def _around(redacted: RedactedImage, view: TrackView) -> _Cut:
    height, width = redacted.image.shape[:2]
    x1, y1, x2, y2 = view.detection.box_px
    margin = max(NEAR_LEAST_PX, NEAR_MARGIN * max(x2 - x1, y2 - y1))
    within = (max(0, int(x1 - margin)), max(0, int(y1 - margin)), min(width, round(x2 + margin)), min(height, round(y2 + margin)))  # fmt: skip
    left, top, right, bottom = within
    return _Cut(redacted.image[top:bottom, left:right], (x1 - left, y1 - top, x2 - left, y2 - top))


def _picture(role: str, cut: _Cut, view: TrackView, widest_px: int, budget_bytes: int) -> Picture:
    image = fit_within(cut.image, widest_px)
    exif = _exif(view)
    while True:
        for quality in QUALITIES:
            data = _with_exif(encode_jpeg(image, quality), exif)
            if len(data) <= budget_bytes:
                scale = image.shape[1] / cut.image.shape[1]
                box = [round(edge * scale, 1) for edge in cut.box_px]
                return Picture.model_validate({"role": role, "sha256": hashlib.sha256(data).hexdigest(), "width": image.shape[1],
                                               "height": image.shape[0], "box": box, "bytes": data})  # fmt: skip
        image = fit_within(image, max(image.shape[:2]) * 3 // 4)


def _with_exif(jpeg: bytes, exif: bytes) -> bytes:
    out = io.BytesIO()
    piexif.insert(exif, jpeg, out)
    return out.getvalue()


def _exif(view: TrackView) -> bytes:
    fix, utc = view.frame.fix, view.frame.utc.astimezone(timezone.utc)  # noqa: UP017
    gps = {}
    if fix is not None:
        gps = {
            piexif.GPSIFD.GPSLatitudeRef: "N" if fix.lat_deg >= 0 else "S", piexif.GPSIFD.GPSLatitude: _dms(fix.lat_deg),
            piexif.GPSIFD.GPSLongitudeRef: "E" if fix.lon_deg >= 0 else "W", piexif.GPSIFD.GPSLongitude: _dms(fix.lon_deg),
            piexif.GPSIFD.GPSMapDatum: "WGS-84", piexif.GPSIFD.GPSDateStamp: utc.strftime("%Y:%m:%d"),
            piexif.GPSIFD.GPSTimeStamp: ((utc.hour, 1), (utc.minute, 1), (utc.second, 1)),
        }  # fmt: skip
    taken = {piexif.ExifIFD.DateTimeOriginal: _stamp(utc), piexif.ExifIFD.OffsetTimeOriginal: "+00:00"}
    return bytes(piexif.dump({"Exif": taken, "GPS": gps}))


def _stamp(utc: datetime) -> str:
    return utc.strftime("%Y:%m:%d %H:%M:%S")


def _dms(value: float) -> tuple[tuple[int, int], ...]:
    minutes, seconds_e4 = divmod(round(abs(value) * 3600 * 10000), 60 * 10000)
    return (minutes // 60, 1), (minutes % 60, 1), (seconds_e4, 10000)
