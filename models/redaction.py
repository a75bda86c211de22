"""Makes faces, heads and plates unreadable before a picture is kept. Fails closed: without a network that knows people and vehicles there is no picture.

A first redaction: the head part of every person box and the plate part of every vehicle box that the street network proposes, at a low threshold,
also where it is surer of something else.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

import numpy as np

from models.boxes import iou
from models.pixels import Image, make_unreadable
from models.runtime import Detector

FLOOR: Final = 0.10
HEAD_SHARE: Final = 0.30  # of a standing person's box; a cut-off or sitting one shows more head
PLATE_BANDS: Final = {"car": (0.45, 0.95), "bus": (0.62, 0.98), "truck": (0.5, 0.98), "motorcycle": (0.25, 0.85)}
SAME_REGION: Final = 0.8
"""Regions that overlap so much are made unreadable as one, the one around both."""
RULES: Final = f"every head {HEAD_SHARE} plates {sorted(PLATE_BANDS.items())} floor {FLOOR} same {SAME_REGION}"
Box = tuple[float, float, float, float]
SUSPECTED: Final = {"person"} | set(PLATE_BANDS)
_KEY = object()


class RedactionUnavailable(Exception):
    """There is no network that could redact, so there must be no picture."""


@dataclass(frozen=True)
class RedactedImage:
    """Pixels fit to be kept. Only `Redactor.redact` makes one."""

    image: Image
    regions: int
    digest: str
    _made_by: object = None

    def __post_init__(self) -> None:
        if self._made_by is not _KEY:
            raise RedactionUnavailable("a RedactedImage is made by Redactor.redact alone")


class Redactor:
    """Redacts with one network. `digest` names network and rules together."""

    def __init__(self, detector: Detector) -> None:
        known = {label.name for label in detector.pack.labels}
        missing = SUSPECTED - known
        if missing:
            raise RedactionUnavailable(
                f"pack {detector.pack.name} does not know {', '.join(sorted(missing))}, so it cannot redact; take another"
            )
        self._detector = detector
        self.digest = hashlib.sha256(f"{detector.pack.digest} {RULES}".encode()).hexdigest()

    def redact(self, image: Image) -> RedactedImage:
        """A copy of `image` in which every head and plate that the network suspects is unreadable."""
        regions = merged(
            [
                region
                for found in self._detector.suspects(image, SUSPECTED, FLOOR)
                if (region := region_of(found.label.name, found.box_px)) is not None
            ]
        )
        return RedactedImage(make_unreadable(image, regions), len(regions), self.digest, _KEY)


def merged(regions: list[Box]) -> list[Box]:
    """Fewer regions that cover all of these: of nearly the same ones the region around them."""
    kept = np.empty((0, 4), np.float32)
    for region in np.asarray(regions, np.float32).reshape(-1, 4):
        same = iou(region, kept)
        if len(kept) == 0 or same.max() <= SAME_REGION:
            kept = np.concatenate([kept, region[None]])
            continue
        other = kept[same.argmax()]
        other[:2], other[2:] = np.minimum(other[:2], region[:2]), np.maximum(other[2:], region[2:])
    return [(float(x1), float(y1), float(x2), float(y2)) for x1, y1, x2, y2 in kept]


def region_of(label: str, box_px: Box) -> Box | None:
    """The part of a person's or vehicle's box that may identify somebody; None for other things."""
    x1, y1, x2, y2 = box_px
    width, height = x2 - x1, y2 - y1
    if label == "person":
        share = HEAD_SHARE if height > 1.6 * width else 0.55
        return x1 - 0.08 * width, y1 - 0.06 * height, x2 + 0.08 * width, y1 + share * height
    if label in PLATE_BANDS:
        high, low = PLATE_BANDS[label]
        return x1, y1 + high * height, x2, y1 + low * height
    return None
