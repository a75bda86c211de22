"""Overlaps of boxes, and which of many stay."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.boxes import Box, iou, iou_of, keep_best

SIDE = st.floats(0, 300, width=32)
BOX = st.tuples(SIDE, SIDE, st.floats(1, 80, width=32), st.floats(1, 80, width=32)).map(
    lambda box: (box[0], box[1], box[0] + box[2], box[1] + box[3])
)


@pytest.mark.parametrize(
    ("a", "b", "share"),
    [
        ((0, 0, 2, 2), (0, 0, 2, 2), 1.0),
        ((0, 0, 2, 2), (1, 1, 3, 3), 1 / 7),
        ((0, 0, 2, 2), (2, 0, 4, 2), 0.0),
        ((0, 0, 4, 4), (1, 1, 2, 2), 1 / 16),
    ],
)
def test_the_overlap_of_two_boxes(a: Box, b: Box, share: float) -> None:
    assert iou_of(a, b) == pytest.approx(share)
    assert iou_of(b, a) == pytest.approx(share)


@given(BOX, BOX)
def test_two_boxes_overlap_alike_alone_and_among_many(a: Box, b: Box) -> None:
    assert iou_of(a, b) == pytest.approx(float(iou(np.array(a, np.float32), np.array([b], np.float32))[0]), abs=1e-4)


@given(st.lists(st.tuples(BOX, st.integers(0, 3), st.integers(0, 20)), min_size=1, max_size=30))
def test_what_stays_is_best_first_and_what_goes_overlaps_a_better_one_of_its_class(
    drawn: list[tuple[Box, int, int]],
) -> None:
    boxes = np.array([box for box, _, _ in drawn], np.float32)
    classes = np.array([each for _, each, _ in drawn])
    scores = np.array([score / 20 for _, _, score in drawn], np.float32)
    kept = keep_best(boxes, scores, classes)
    assert kept == sorted(kept, key=lambda index: (-scores[index], index))
    for index in range(len(drawn)):
        better = [
            other for other in kept if classes[other] == classes[index] and (-scores[other], other) < (-scores[index], index)
        ]  # fmt: skip
        assert (index in kept) == all(iou(boxes[other], boxes[index : index + 1])[0] <= 0.5 for other in better)
