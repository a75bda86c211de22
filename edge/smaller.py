"""Making a sighting smaller: less picture, never another sighting. Nothing here is sent or kept."""

from __future__ import annotations

import hashlib
import io

import piexif

from edge.economy import Economy
from models.contract import Picture, Sighting
from models.pixels import BadPicture, Image, decode_jpeg, encode_jpeg, fit_within

__all__ = ["BadPicture", "smaller"]

SMALL_PX, SMALL_QUALITY, SMALL_ROLES = 640, 60, ("best", "far")
CROP_PX, CROP_QUALITY, CROP_MARGIN = 320, 60, 0.35


def smaller(sighting: Sighting, step: Economy) -> Sighting:
    """The same sighting with less picture. A picture that would not shrink stays as it is. Raises BadPicture."""
    if step >= Economy.TEXT:
        return sighting.model_copy(update={"pictures": ()})
    if step == Economy.WHOLE:
        return sighting
    if step == Economy.SMALL:
        return sighting.model_copy(
            update={"pictures": tuple(_shrunk(each) for each in sighting.pictures if each.role in SMALL_ROLES)}
        )
    best = next((each for each in sighting.pictures if each.role == "best"), None)
    return sighting.model_copy(update={"pictures": () if best is None else (_cropped(best),)})


def _shrunk(picture: Picture) -> Picture:
    image = decode_jpeg(picture.bytes)
    small = fit_within(image, SMALL_PX)
    scale = small.shape[1] / image.shape[1]
    box = tuple(round(edge * scale, 1) for edge in picture.box) if picture.box else None
    return _lighter(picture, small, SMALL_QUALITY, box)


def _cropped(picture: Picture) -> Picture:
    image = decode_jpeg(picture.bytes)
    height, width = image.shape[:2]
    x1, y1, x2, y2 = picture.box or (0.0, 0.0, float(width), float(height))
    margin = CROP_MARGIN * max(x2 - x1, y2 - y1)
    left, top = (max(0, int(low - margin)) for low in (x1, y1))
    right, bottom = min(width, round(x2 + margin)), min(height, round(y2 + margin))
    if right - left < 16 or bottom - top < 16:  # what the wire calls a picture
        left, top, right, bottom = 0, 0, width, height
    crop = fit_within(image[top:bottom, left:right], CROP_PX)
    scale = crop.shape[1] / (right - left)
    box = tuple(round((edge - origin) * scale, 1) for edge, origin in zip(picture.box, (left, top, left, top), strict=True)) if picture.box else None  # fmt: skip
    return _lighter(picture, crop, CROP_QUALITY, box)


def _lighter(picture: Picture, image: Image, quality: int, box: tuple[float, ...] | None) -> Picture:
    data = _with_exif_of(picture.bytes, encode_jpeg(image, quality))
    if len(data) >= len(picture.bytes):
        return picture
    return Picture.model_validate({"role": picture.role, "sha256": hashlib.sha256(data).hexdigest(), "width": image.shape[1],
                                   "height": image.shape[0], "box": box, "bytes": data})  # fmt: skip


def _with_exif_of(source: bytes, jpeg: bytes) -> bytes:
    exif = piexif.load(source)
    if not (exif["Exif"] or exif["GPS"]):
        return jpeg
    out = io.BytesIO()
    piexif.insert(piexif.dump(exif), jpeg, out)
    return out.getvalue()
