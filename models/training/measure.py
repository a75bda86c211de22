"""Average precision, thresholds and calibration from matched detections. Numbers only, no pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import numpy.typing as npt

Box = tuple[float, float, float, float]
MIN_BOXES = 30
"""A category with fewer boxes gets no figure: it would be chance."""
LEAST_RIGHT = 5
"""A threshold rests on this many right detections or more."""


@dataclass(frozen=True)
class Scored:
    """One detection after matching: its score and whether it met a box that no better one had taken."""

    score: float
    right: bool


def area(box: Box) -> float:
    """Of a box (x1, y1, x2, y2)."""
    return (box[2] - box[0]) * (box[3] - box[1])


def overlap(a: Box, b: Box) -> float:
    """Intersection over union of two boxes (x1, y1, x2, y2)."""
    width = min(a[2], b[2]) - max(a[0], b[0])
    height = min(a[3], b[3]) - max(a[1], b[1])
    if width <= 0 or height <= 0:
        return 0.0
    shared = width * height
    return shared / (area(a) + area(b) - shared)


def judge(
    found: Sequence[tuple[float, Box]], truth: Sequence[Box], least_overlap: float = 0.5
) -> tuple[list[Scored], list[float]]:
    """Judge one picture's detections of one category, best score first; each box of the truth is given once.

    Also returns at which score each box of the truth was met, 0 where nothing met it."""
    met = [0.0] * len(truth)
    judged = []
    for score, box in sorted(found, reverse=True):
        free = [number for number, score in enumerate(met) if not score]
        best = max(free, key=lambda number: overlap(box, truth[number]), default=None)
        right = best is not None and overlap(box, truth[best]) >= least_overlap
        if right and best is not None:
            met[best] = score
        judged.append(Scored(score, right))
    return judged, met


def weighted_precision(scored: Sequence[Scored], weights: npt.NDArray[np.float64], boxes: float) -> float:
    """Area under the precision-recall curve, precision made monotone, where each detection counts `weights` times, as in a resampled set."""
    order = np.argsort([-each.score for each in scored], kind="stable")
    right = np.array([each.right for each in scored], float)[order] * weights[order]
    hits, seen = np.cumsum(right), np.cumsum(weights[order])
    precision = np.maximum.accumulate((hits / np.maximum(seen, 1e-9))[::-1])[::-1]
    return float((precision * right).sum() / boxes) if boxes else 0.0


def wilson(right: float, of: float, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927); (0, 1) of nothing."""
    if not of:
        return 0.0, 1.0
    p, n = right / of, of
    middle, half = p + z * z / (2 * n), z * sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + z * z / n)), min(1.0, (middle + half) / (1 + z * z / n))


def calibration_error(probabilities: Sequence[float], right: Sequence[bool], bins: int = 10) -> float:
    """Expected calibration error: how far stated probability and share of right ones are apart, over equally filled bins."""
    order = np.argsort(probabilities)
    p, y = np.asarray(probabilities, float)[order], np.asarray(right, float)[order]
    parts = np.array_split(np.arange(len(p)), min(bins, max(1, len(p))))
    return float(sum(len(part) * abs(p[part].mean() - y[part].mean()) for part in parts if len(part)) / max(1, len(p)))


def threshold_for(judged: Sequence[Scored], enough: Callable[[int, int], bool]) -> float | None:
    """The lowest score at or over which so many of so many detections are right that it is `enough`, and LEAST_RIGHT or more; None if never."""
    best = None
    right = 0
    ordered = sorted(judged, key=lambda each: -each.score)
    for count, each in enumerate(ordered, start=1):
        right += each.right
        ends = count == len(ordered) or ordered[count].score < each.score
        if ends and right >= LEAST_RIGHT and enough(right, count):
            best = each.score
    return best


def quiet_threshold(judged: Sequence[Scored], allowed: int) -> float:
    """The lowest threshold at which at most `allowed` of the detections are wrong."""
    wrong = sorted((each.score for each in judged if not each.right), reverse=True)
    return wrong[allowed] + 0.001 if len(wrong) > allowed else 0.0


def probability(score: float, platt: tuple[float, float]) -> float:
    """sigmoid(a * logit(score) + b), as Pack.probability states it."""
    clipped = min(max(score, 1e-6), 1 - 1e-6)
    return float(1 / (1 + np.exp(-(platt[0] * np.log(clipped / (1 - clipped)) + platt[1]))))


def fit_platt(judged: Sequence[Scored], steps: int = 50) -> tuple[float, float]:
    """a and b so that sigmoid(a * logit(score) + b) is the share that is right; slightly pulled to (1, 0)."""
    if len(judged) < MIN_BOXES:
        return 1.0, 0.0
    score = np.clip(np.array([each.score for each in judged]), 1e-4, 1 - 1e-4)
    x = np.stack([np.log(score / (1 - score)), np.ones_like(score)], axis=1)
    y = np.array([each.right for each in judged], dtype=float)
    start = np.array([1.0, 0.0])
    value = start.copy()
    for _ in range(steps):
        p = 1 / (1 + np.exp(-np.clip(x @ value, -30, 30)))
        gradient = x.T @ (p - y) + (value - start)
        value = value - np.linalg.solve(x.T @ (x * (p * (1 - p))[:, None]) + np.eye(2), gradient)
    return float(value[0]), float(value[1])
