"""What the network sees in a frame, as things of ours: one box per thing."""

from __future__ import annotations

from dataclasses import dataclass

from edge.values import Box, Detection, Image
from models.boxes import iou_of
from models.runtime import Detector, Found

SAME_THING = 0.5
INSIDE = 0.7


@dataclass(frozen=True)
class Seen:
    """One look: problems by themselves, and things that are one only where they stand, or that hide others. Both best first."""

    problems: list[Detection]
    context: list[Detection]


def detect(detector: Detector, image: Image, half: Image | None = None) -> Seen:
    """What is in a picture, given halved too if that is at hand. Where two names, or a problem and its contrast (a bin in order), share a place, the surer one stays."""
    kept: list[Found] = []
    context: list[Found] = []
    for found in sorted(detector.detect(image, half=half), key=lambda each: -each.score):
        if found.label.role == "context":
            context.append(found)
        elif not any(_same(found, better) for better in kept):
            kept.append(found)
    problems = [found for found in kept if found.label.role == "problem" and found.label.category]
    return Seen([_detection(found) for found in problems], [_detection(found) for found in context])


def _detection(found: Found) -> Detection:
    return Detection(found.box_px, found.label.name, found.label.category, found.score, found.probability)


def _same(a: Found, b: Found) -> bool:
    """Whether two boxes are two names for one thing: nearly the same box or, in one category, one inside the other."""
    if a.box_px[0] >= b.box_px[2] or b.box_px[0] >= a.box_px[2] or a.box_px[1] >= b.box_px[3]:
        return False  # most pairs of a look lie side by side
    if iou_of(a.box_px, b.box_px) > SAME_THING:
        return True
    return a.label.category == b.label.category != "" and _inside(a.box_px, b.box_px) > INSIDE


def _inside(a: Box, b: Box) -> float:
    """Share of the smaller box that the other covers."""
    width = max(0.0, min(a[2], b[2]) - max(a[0], b[0]))
    height = max(0.0, min(a[3], b[3]) - max(a[1], b[1]))
    smaller = min((a[2] - a[0]) * (a[3] - a[1]), (b[2] - b[0]) * (b[3] - b[1]))
    return width * height / max(smaller, 1e-9)
