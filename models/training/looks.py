"""What a pack sees in every picture of a set, one box per thing and category, and which of the boxes are right."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from models.boxes import keep_best
from models.pixels import brightness_and_sharpness, read_picture
from models.runtime import OVERLAP, Detector
from models.training.dataset import MEASURED_AS, Sample
from models.training.measure import Scored, match

FLOOR = 0.01
"""Detections below this score are not looked at: they are past the end of every curve."""
Corners = tuple[float, float, float, float]


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


@dataclass(frozen=True)
class Outcome:
    """One category over many looks: pictures judged, pictures that hold a box, boxes, and every detection with its look's number."""

    pictures: int
    holding: int
    boxes: int
    judged: list[Scored]
    look_of: list[int]


def look_at(detector: Detector, samples: Sequence[Sample], progress: Callable[[int, int], None]) -> list[Look]:
    """Run the network over all samples, as the vehicle would. Raises BadPicture."""
    looks = []
    for number, sample in enumerate(samples):
        image = read_picture(sample.picture)
        by_category: dict[str, list[tuple[float, Corners]]] = {}
        for each in detector.detect(image, floor=FLOOR):
            by_category.setdefault(MEASURED_AS[each.label.name], []).append((each.score, each.box_px))
        looks.append(
            Look(
                sample,
                image.shape[1],
                image.shape[0],
                brightness_and_sharpness(image)[0],
                {c: _once(f) for c, f in by_category.items()},
            )
        )
        progress(number + 1, len(samples))
    return looks


def outcome(looks: Sequence[Look], category: str, completely: bool = False) -> Outcome:
    """Match a category's detections to its boxes in the pictures that may be judged for it."""
    pictures = holding = boxes = 0
    judged: list[Scored] = []
    look_of: list[int] = []
    for number, look in enumerate(looks):
        if not look.sample.judges(category, completely):
            continue
        truth = look.truth(category)
        pictures, holding, boxes = pictures + 1, holding + bool(truth), boxes + len(truth)
        here = match(look.found.get(category, []), truth)
        judged += here
        look_of += [number] * len(here)
    return Outcome(pictures, holding, boxes, judged, look_of)


def _once(found: list[tuple[float, Corners]]) -> list[tuple[float, Corners]]:
    """Two classes of one category may box one thing: the surer box stays, as on the vehicle."""
    boxes = np.array([box for _, box in found], np.float32)
    kept = keep_best(
        boxes, np.array([score for score, _ in found], np.float32), np.zeros(len(found), np.int64), OVERLAP
    )
    return [found[index] for index in kept]
