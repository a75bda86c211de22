"""What the network sees in a frame, as things of ours: one box per thing and category."""

from __future__ import annotations

import numpy as np

from edge.values import Detection, Image
from models.boxes import iou
from models.runtime import Detector, Found

SAME_THING = 0.5


def detect(detector: Detector, image: Image) -> list[Detection]:
    """Problems in a picture, best first. Where boxes of one category, or a problem and its contrast (a bin in order), share a place, the better one stays."""
    kept: list[Found] = []
    for found in sorted(detector.detect(image), key=lambda each: -each.score):
        if found.label.role != "context" and not any(_same(found, better) for better in kept):
            kept.append(found)
    return [
        Detection(found.box_px, found.label.name, found.label.category, found.score, found.probability)
        for found in kept
        if found.label.role == "problem" and found.label.category
    ]


def _same(a: Found, b: Found) -> bool:
    if a.label.role == b.label.role == "problem" and a.label.category != b.label.category:
        return False
    return bool(iou(np.asarray(a.box_px, np.float32), np.asarray([b.box_px], np.float32))[0] > SAME_THING)
