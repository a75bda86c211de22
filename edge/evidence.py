"""The pictures of a finding: redacted first, then JPEG inside a byte budget, with time and place in their EXIF."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from datetime import datetime, timezone

import piexif

from edge.decide import Finding
from edge.values import TrackView
from models.contract import Picture
from models.pixels import encode_jpeg, fit_within
from models.redaction import RedactedImage, Redactor

WIDEST_PX, FAR_WIDEST_PX = 1280, 720
FAR_BYTES = 60_000
QUALITIES = (88, 82, 76, 68, 60, 50, 40)


@dataclass(frozen=True)
class Evidence:
    """Pictures fit to leave the vehicle, and how many regions were made unreadable in them."""

    pictures: tuple[Picture, ...]
    regions: int


def gather(finding: Finding, redactor: Redactor, picture_bytes: int) -> Evidence:
    """One or two pictures, none over `picture_bytes`: the view that shows the thing best and, if it differs, the first one from farther away."""
    best = redactor.redact(finding.shown.frame.image)
    pictures = [_picture("best", best, finding.shown, WIDEST_PX, picture_bytes)]
    regions = best.regions
    first = finding.track.views[0]
    if first.frame.number != finding.shown.frame.number:
        far = redactor.redact(first.frame.image)
        pictures.append(_picture("far", far, first, FAR_WIDEST_PX, min(FAR_BYTES, picture_bytes)))
        regions += far.regions
    return Evidence(tuple(pictures), regions)


def _picture(role: str, redacted: RedactedImage, view: TrackView, widest_px: int, budget_bytes: int) -> Picture:
    image = fit_within(redacted.image, widest_px)
    exif = _exif(view)
    while True:
        for quality in QUALITIES:
            data = _with_exif(encode_jpeg(image, quality), exif)
            if len(data) <= budget_bytes:
                scale = image.shape[1] / redacted.image.shape[1]
                box = [round(edge * scale, 1) for edge in view.detection.box_px]
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
