"""Figures, thresholds and calibration, against cases worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest

from models.training.measure import (
    Scored,
    fit_platt,
    judge,
    overlap,
    quiet_threshold,
    threshold_for,
    weighted_precision,
)


def test_overlap_of_equal_touching_and_half_shifted_boxes() -> None:
    box = (0.0, 0.0, 10.0, 10.0)
    assert overlap(box, box) == 1
    assert overlap(box, (10, 0, 20, 10)) == 0
    assert overlap(box, (5, 0, 15, 10)) == pytest.approx(50 / 150)
    assert overlap((0, 0, 0, 0), (0, 0, 0, 0)) == 0


def test_a_box_is_met_once_and_by_the_surest() -> None:
    truth = [(0.0, 0.0, 10.0, 10.0)]
    judged, met = judge([(0.3, (0, 0, 10, 10)), (0.9, (1, 0, 10, 10)), (0.8, (50, 50, 60, 60))], truth)
    assert judged == [Scored(0.9, True), Scored(0.8, False), Scored(0.3, False)]
    assert met == [0.9]
    assert judge([(0.9, (50, 50, 60, 60))], truth)[1] == [0.0]


def test_average_precision_of_a_worked_case() -> None:
    # right, wrong, right with four boxes: a quarter at precision 1 and a quarter at 2/3.
    judged = [Scored(0.9, True), Scored(0.8, False), Scored(0.7, True)]
    assert weighted_precision(judged, np.ones(len(judged)), 4) == pytest.approx(0.25 + 0.25 * 2 / 3)
    assert weighted_precision(judged[::-1], np.ones(len(judged)), 4) == pytest.approx(0.25 + 0.25 * 2 / 3)


def test_nothing_found_or_nothing_there_is_zero() -> None:
    assert weighted_precision([], np.ones(0), 5) == 0
    assert weighted_precision([Scored(0.9, False)], np.ones(1), 0) == 0


def share(wanted: float) -> Callable[[int, int], bool]:
    return lambda right, count: right / count >= wanted


def test_the_threshold_is_the_lowest_that_keeps_the_precision() -> None:
    judged = [Scored(0.9, True)] * 6 + [Scored(0.5, False), Scored(0.4, True)] + [Scored(0.2, False)] * 10
    threshold = threshold_for(judged, share(0.8))
    assert threshold == 0.4
    assert sum(each.right for each in judged if each.score >= threshold) / 8 >= 0.8


def test_detections_of_one_score_are_told_together() -> None:
    assert threshold_for([*[Scored(0.5, True)] * 8, *[Scored(0.5, False)] * 8], share(0.8)) is None


def test_a_threshold_resting_on_few_boxes_is_none() -> None:
    assert threshold_for([Scored(0.9, True)] * 4, share(0.8)) is None
    assert threshold_for([Scored(0.9, False)] * 40, share(0.8)) is None


def test_the_quiet_threshold_lets_no_more_false_alarms_through_than_allowed() -> None:
    judged = [Scored(0.9, False), Scored(0.8, True), Scored(0.6, False), Scored(0.5, False)]
    assert 0.6 < quiet_threshold(judged, 1) < 0.8
    assert quiet_threshold(judged, 0) > 0.9
    assert quiet_threshold(judged, 3) == 0


def test_calibration_brings_overconfident_scores_to_their_share() -> None:
    rng = np.random.default_rng(4)
    scores = rng.uniform(0.02, 0.98, 4000)
    truth = 1 / (1 + np.exp(-(0.6 * np.log(scores / (1 - scores)) - 0.9)))
    a, b = fit_platt([Scored(float(s), bool(rng.random() < t)) for s, t in zip(scores, truth, strict=True)])
    assert a == pytest.approx(0.6, abs=0.1)
    assert b == pytest.approx(-0.9, abs=0.12)


def test_calibration_of_too_little_changes_nothing_and_of_one_kind_stays_finite() -> None:
    assert fit_platt([Scored(0.5, True)] * 5) == (1.0, 0.0)
    assert all(math.isfinite(value) for value in fit_platt([Scored(0.99, True)] * 200))
