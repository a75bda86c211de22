"""What a pack sees in every picture of a set, one box per thing and category, and which of the boxes are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.boxes import keep_best
from models.pixels import brightness_and_sharpness, read_picture
from models.runtime import OVERLAP, Detector
from models.training.dataset import MEASURED_AS, Sample
from models.training.measure import Scored, area, judge

FLOOR = 0.01
"""Detections below this score are not looked at: they are past the end of every curve."""
Corners = tuple[float, float, float, float]


class OutOfMemory(Exception):
    """A picture for which memory did not suffice; the text names it."""


@dataclass(frozen=True)
class Look:
    """One picture as the pack saw it: boxes by category in pixels, best first; brightness is the mean grey 0..255."""

    sample: Sample
    width: int
    height: int
    brightness: float
    found: dict[str, list[tuple[float, Corners]]]

    def truth(self, category: str) -> list[Corners]:
        """The labelled boxes of a category in pixels."""
        scale = (self.width, self.height, self.width, self.height)
        boxes = [box.corners for box in self.sample.boxes if box.category == category]
        return [(b[0] * scale[0], b[1] * scale[1], b[2] * scale[2], b[3] * scale[3]) for b in boxes]

    def share(self, box: Corners) -> float:
        """Of the picture that a box takes."""
        return area(box) / (self.width * self.height)


@dataclass(frozen=True)
class Told:
    """One detection of a category: its score, whether it met a labelled box, the number of its look, and its own box."""

    score: float
    right: bool
    look: int
    box: Corners


@dataclass(frozen=True)
class There:
    """One labelled box of a category: the score of the detection that met it (0 if none did), and the number of its look."""

    met_at: float
    look: int
    box: Corners


@dataclass(frozen=True)
class Outcome:
    """One category over many looks: which of the looks may be judged for it, and every detection and box in those."""

    looks: list[int]
    told: list[Told]
    there: list[There]

    @property
    def boxes(self) -> int:
        return len(self.there)

    @property
    def holding(self) -> int:
        """Pictures that hold a box."""
        return len({each.look for each in self.there})

    @property
    def judged(self) -> list[Scored]:
        return [Scored(each.score, each.right) for each in self.told]


def look_at(detector: Detector, samples: Sequence[Sample], progress: Callable[[int, int], None]) -> list[Look]:
    """Run the network over all samples, as the vehicle would. Raises BadPicture, OutOfMemory."""
    looks = []
    for number, sample in enumerate(samples):
        try:
            looks.append(_look_at(detector, sample))
        except Exception as wrong:  # onnxruntime has no type of its own for what it cannot allocate
            if not isinstance(wrong, MemoryError) and "alloc" not in str(wrong):
                raise
            raise OutOfMemory(
                f"{sample.picture}: out of memory at picture {number + 1} of {len(samples)}; give this process more, or the picture fewer pixels"
            ) from None
        progress(number + 1, len(samples))
    return looks


def _look_at(detector: Detector, sample: Sample) -> Look:
    image = read_picture(sample.picture)
    by_category: dict[str, list[tuple[float, Corners]]] = {}
    for each in detector.detect(image, floor=FLOOR):
        by_category.setdefault(MEASURED_AS[each.label.name], []).append((each.score, each.box_px))
    found = {category: _once(boxes) for category, boxes in by_category.items()}
    return Look(sample, image.shape[1], image.shape[0], brightness_and_sharpness(image)[0], found)


def outcome(looks: Sequence[Look], category: str, completely: bool = False) -> Outcome:
    """Match a category's detections to its boxes in the pictures that may be judged for it."""
    seen = Outcome([], [], [])
    for number, look in enumerate(looks):
        if not look.sample.judges(category, completely):
            continue
        found, truth = sorted(look.found.get(category, []), reverse=True), look.truth(category)
        judged, met = judge(found, truth)
        seen.looks.append(number)
        seen.told.extend(
            Told(each.score, each.right, number, box) for each, (_, box) in zip(judged, found, strict=True)
        )
        seen.there.extend(There(score, number, box) for score, box in zip(met, truth, strict=True))
    return seen


def _once(found: list[tuple[float, Corners]]) -> list[tuple[float, Corners]]:
    """Two classes of one category may box one thing: the surer box stays, as on the vehicle."""
    boxes = np.array([box for _, box in found], np.float32)
    kept = keep_best(
        boxes, np.array([score for score, _ in found], np.float32), np.zeros(len(found), np.int64), OVERLAP
    )
    return [found[index] for index in kept]
