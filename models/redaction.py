"""Makes faces, heads and plates unreadable before a picture is kept. Fails closed: without a network that knows them there is no picture.

A network of its own looks twice, for small things at its full input and for large ones at half. A head is redacted where it is suspected, and where
a person is seen without a sure one, the part of the person where it must be. A plate is redacted on or beside a vehicle, elsewhere only when it is
sure: a shop sign is evidence.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np

from models.boxes import iou
from models.packs import Pack
from models.pixels import Image, make_unreadable
from models.runtime import Detector, Found, give_memory_back

Box = tuple[float, float, float, float]
FLOORS: Final = {"head": 0.06, "plate": 0.04, "person": 0.20, "vehicle": 0.05}
"""From which score a thing is suspected. Suppression of overlaps is off: a rider behind a surer motorcycle has a head too."""
SURE_PLATE, SURE_HEAD = 0.4, 0.5
"""A plate that needs no vehicle; a head that stands for its person's. Chosen, as the floors, on data/redaction and on plates drawn by another lot."""
MARGINS: Final = {"head": 0.15, "plate": 0.10}
"""By how much of its size a region is wider than what was seen, on each side."""
BESIDE: Final = 0.15
"""How far outside of a vehicle's box, as a share of its size, the middle of its plate may lie."""
HEAD_SHARE: Final = 0.30  # of a standing person's box; a cut-off or sitting one shows more head
SAME_REGION: Final = 0.8
"""Regions that overlap so much are made unreadable as one, the one around both."""
RULES: Final = f"twice, floors {FLOORS} sure {SURE_PLATE} {SURE_HEAD} margins {MARGINS} beside {BESIDE} head {HEAD_SHARE} same {SAME_REGION}"
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
    """Redacts with one network, made ready at the first picture or by `ready`. `digest` names network and rules together.

    Raises RedactionUnavailable for a pack that cannot redact, and PackError where its network is made ready.
    """

    def __init__(self, pack: Pack, threads: int = 1) -> None:
        missing = set(FLOORS) - {label.name for label in pack.labels}
        if missing or pack.sizes != "aspect":
            lack = f"does not know {', '.join(sorted(missing))}" if missing else "has an input of one shape"
            raise RedactionUnavailable(f"pack {pack.name} {lack}, so it cannot redact; take another")
        self._pack, self._threads = pack, threads
        self._sides_px = pack.width, pack.width // 2
        self.digest = hashlib.sha256(f"{pack.digest} {RULES}".encode()).hexdigest()

    def ready(self) -> Self:
        """Load the network now: one that cannot be used is told before a picture needs it. Raises PackError."""
        _ = self._detector
        return self

    @cached_property
    def _detector(self) -> Detector:
        return Detector(self._pack, self._threads, keeps_memory=False)

    def redact(self, image: Image) -> RedactedImage:
        """A copy of `image` in which every head and plate that the network suspects is unreadable."""
        regions = self.regions(image)
        return RedactedImage(make_unreadable(image, regions), len(regions), self.digest, _KEY)

    def regions(self, image: Image) -> list[Box]:
        """What `redact` makes unreadable, in pixels of `image`; a region may reach beyond it."""
        seen = [found for side_px in self._sides_px for found in self._detector.suspects(image, FLOORS, side_px)]
        give_memory_back()
        return merged(list(_suspected(seen)))


def _suspected(seen: Sequence[Found]) -> Iterator[Box]:
    def of(name: str, score: float = 0.0) -> list[Box]:
        return [found.box_px for found in seen if found.label.name == name and found.score >= score]

    heads, vehicles = of("head", SURE_HEAD), [_wider(box, BESIDE) for box in of("vehicle")]
    yield from (_wider(box, MARGINS["head"]) for box in of("head"))
    yield from (_wider(box, MARGINS["plate"]) for box in of("plate", SURE_PLATE))
    yield from (_wider(box, MARGINS["plate"]) for box in of("plate") if any(_holds(each, box) for each in vehicles))
    for part in map(head_part, of("person")):
        if not any(_holds(part, head) for head in heads):
            yield part


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


def head_part(person: Box) -> Box:
    """Where the head of a person must be whose head was not seen."""
    x1, y1, x2, y2 = person
    width, height = x2 - x1, y2 - y1
    share = HEAD_SHARE if height > 1.6 * width else 0.55
    return x1 - 0.08 * width, y1 - 0.06 * height, x2 + 0.08 * width, y1 + share * height


def _wider(box: Box, margin: float) -> Box:
    x1, y1, x2, y2 = box
    by_x, by_y = margin * (x2 - x1), margin * (y2 - y1)
    return x1 - by_x, y1 - by_y, x2 + by_x, y2 + by_y


def _holds(outer: Box, inner: Box) -> bool:
    x, y = (inner[0] + inner[2]) / 2, (inner[1] + inner[3]) / 2
    return outer[0] <= x <= outer[2] and outer[1] <= y <= outer[3]
