"""Boxes as float arrays [n, 4] of x1, y1, x2, y2 in pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from models.pixels import suppressed

Boxes = npt.NDArray[np.float32]
Box = tuple[float, float, float, float]


def iou(one: Boxes, many: Boxes) -> npt.NDArray[np.float32]:
    """Intersection over union of one box [4] with each of many [n, 4]: [n], 0..1."""
    width = np.maximum(np.minimum(one[2], many[:, 2]) - np.maximum(one[0], many[:, 0]), 0)
    height = np.maximum(np.minimum(one[3], many[:, 3]) - np.maximum(one[1], many[:, 1]), 0)
    inter = width * height
    areas = (many[:, 2] - many[:, 0]) * (many[:, 3] - many[:, 1])
    union = (one[2] - one[0]) * (one[3] - one[1]) + areas - inter
    return np.asarray(inter / np.maximum(union, 1e-9), np.float32)


def iou_of(a: Box, b: Box) -> float:
    """The same of two boxes; for two alone arrays take twenty times as long."""
    width, height = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    inter = width * height
    return inter / ((a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1]) - inter)


def keep_best(
    boxes: Boxes, scores: npt.NDArray[np.float32], classes: npt.NDArray[np.int64], overlap: float = 0.5
) -> list[int]:
    """Greedy non-maximum suppression per class; indices kept, best first."""
    sizes = boxes[:, 2:] - boxes[:, :2]
    return suppressed(np.hstack((boxes[:, :2], sizes)).tolist(), scores.tolist(), classes.tolist(), overlap)


def join_looks(
    boxes: Boxes,
    scores: npt.NDArray[np.float32],
    classes: npt.NDArray[np.int64],
    looks: int,
    overlap: float = 0.55,
) -> tuple[Boxes, npt.NDArray[np.float32], npt.NDArray[np.int64]]:
    """What `looks` looks at one picture found, as one: boxes averaged by score, and a thing that some looks missed is less sure. Best first.

    Weighted boxes fusion (Solovyev, Wang and Gabruseva 2021).
    """
    sums, means = np.zeros((len(boxes), 5), np.float32), np.zeros_like(boxes)
    counts, kinds, made = np.zeros(len(boxes), np.int64), np.zeros(len(boxes), np.int64), 0
    for index in np.argsort(-scores, kind="stable"):
        fits = np.where(kinds[:made] == classes[index], iou(boxes[index], means[:made]), 0) if made else np.zeros(1)
        which = int(fits.argmax()) if fits.max() > overlap else made
        made = max(made, which + 1)
        sums[which, :4] += boxes[index] * scores[index]
        sums[which, 4] += scores[index]
        means[which], counts[which], kinds[which] = sums[which, :4] / sums[which, 4], counts[which] + 1, classes[index]
    # A look that boxed one thing twice does not make it surer than certain.
    joined = sums[:made, 4] / np.maximum(counts[:made], looks)
    order = np.argsort(-joined, kind="stable")
    return means[order], joined[order].astype(np.float32), kinds[order]
