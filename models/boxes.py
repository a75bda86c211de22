"""Boxes as float arrays [n, 4] of x1, y1, x2, y2 in pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Boxes = npt.NDArray[np.float32]


def iou(one: Boxes, many: Boxes) -> npt.NDArray[np.float32]:
    """Intersection over union of one box [4] with each of many [n, 4]: [n], 0..1."""
    left_top = np.maximum(one[:2], many[:, :2])
    right_bottom = np.minimum(one[2:], many[:, 2:])
    inter = np.prod(np.clip(right_bottom - left_top, 0, None), axis=1)
    areas = np.prod(many[:, 2:] - many[:, :2], axis=1)
    union = np.prod(one[2:] - one[:2]) + areas - inter
    return np.asarray(inter / np.maximum(union, 1e-9), np.float32)


def keep_best(
    boxes: Boxes, scores: npt.NDArray[np.float32], classes: npt.NDArray[np.int64], overlap: float = 0.5
) -> list[int]:
    """Greedy non-maximum suppression per class; indices kept, best first."""
    kept: list[int] = []
    order = list(np.argsort(-scores, kind="stable"))
    while order:
        best = order.pop(0)
        kept.append(int(best))
        if order:
            rest = np.asarray(order)
            clash = (iou(boxes[best], boxes[rest]) > overlap) & (classes[rest] == classes[best])
            order = list(rest[~clash])
    return kept
