"""How well tracks keep things apart and together: IDF1 of Ristani et al., Performance Measures and a Data Set for Multi-Target, Multi-Camera
Tracking (ECCV workshops 2016). Pure: boxes by frame in, a figure out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from models.boxes import Box, iou_of

SAME_BOX = 0.5
Path = Mapping[int, Box]
"""Where one thing is in the picture: frame number to x1, y1, x2, y2 in pixels."""


def idf1(truth: Sequence[tuple[str, Path]], tracks: Sequence[tuple[str, Path]]) -> float:
    """F1 of boxes that keep one identity: each true path is given at most one track of its category, so that most boxes agree (IoU of SAME_BOX)."""
    shared = np.array([[_shared(a, b) for b in tracks] for a in truth], float).reshape(len(truth), len(tracks))
    boxes = sum(len(path) for _, path in [*truth, *tracks])
    return 2 * most(shared) / boxes if boxes else 1.0


def most(worth: npt.NDArray[np.float64]) -> float:
    """The greatest sum of [n, m] values that are not negative, no two of a row or column: shortest augmenting paths (Jonker and Volgenant 1987)."""
    cost = -(worth if worth.shape[0] <= worth.shape[1] else worth.T)
    rows, columns = cost.shape
    row_price, column_price = np.zeros(rows), np.zeros(columns)
    row_of = np.full(columns, -1)
    for start in range(rows):
        reach, came_from, done = np.full(columns, np.inf), np.full(columns, -1), np.zeros(columns, bool)
        row, column, length = start, -1, 0.0
        while True:
            ahead = length + cost[row] - row_price[row] - column_price
            nearer = ~done & (ahead < reach)
            reach[nearer], came_from[nearer] = ahead[nearer], column
            column = int(np.argmin(np.where(done, np.inf, reach)))
            done[column], length = True, float(reach[column])
            if row_of[column] < 0:
                break
            row = int(row_of[column])
        paid = done & (row_of >= 0)
        row_price[start] += length
        row_price[row_of[paid]] += length - reach[paid]
        column_price[done] += reach[done] - length
        while column >= 0:
            before = int(came_from[column])
            row_of[column] = start if before < 0 else row_of[before]
            column = before
    return float(-sum(cost[row, column] for column, row in enumerate(row_of) if row >= 0))


def _shared(a: tuple[str, Path], b: tuple[str, Path]) -> int:
    if a[0] != b[0]:
        return 0
    return sum(iou_of(a[1][frame], b[1][frame]) >= SAME_BOX for frame in a[1].keys() & b[1].keys())
