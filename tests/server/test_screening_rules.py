"""What screening makes of a case, without rows or pictures."""

from __future__ import annotations

import importlib
from dataclasses import replace
from math import isclose
from pathlib import Path
from types import ModuleType

import pytest

from server.screening.rules import (
    HOPELESS,
    MOST_LOGITS,
    RANDOM_VALUE,
    Record,
    Seen,
    joined,
    lot,
    overlap,
    screen,
    shift,
    urgency,
)

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
GOOD = (100.0, 50.0, 80.0)
CASE = Seen(7, 0.8, "medium", False, GOOD)


def test_without_a_second_look_or_a_record_the_vehicles_word_stands() -> None:
    assert isclose(joined(CASE), 0.8)


def test_two_looks_meet_in_the_middle_of_their_log_odds() -> None:
    """logit 0.9 = 2.197 and logit 0.5 = 0: their mean, 1.0986, is 0.75."""
    assert isclose(joined(replace(CASE, probability=0.9, second=0.5)), 0.75)
    assert isclose(joined(replace(CASE, probability=0.8, second=0.8)), 0.8), (
        "the same evidence twice is not twice as much"
    )


def test_a_record_shifts_by_its_share_against_that_of_its_city() -> None:
    assert shift(Record(), 0.6, 20) == 0
    assert isclose(shift(Record(60, 100), 0.6, 20), 0)
    assert shift(Record(90, 100), 0.6, 20) > 0 > shift(Record(30, 100), 0.6, 20)
    assert abs(shift(Record(3, 10), 0.6, 20)) < abs(shift(Record(30, 100), 0.6, 20)), "few verdicts say less"
    assert shift(Record(0, 200), 0.9, 1) == -MOST_LOGITS
    assert shift(Record(200, 200), 0.1, 1) == MOST_LOGITS
    assert shift(Record(0, 50), 0.0, 4) <= 0 <= shift(Record(50, 50), 1.0, 4), (
        "a share of nought or one is no certainty"
    )


def test_what_neither_look_bears_out_is_set_aside_as_hopeless() -> None:
    seen = replace(CASE, probability=0.6, second=0.01)
    assert joined(seen) < HOPELESS
    assert (screen(seen, 0.0).show, screen(seen, 0.0).reason) == (False, "hopeless")


@pytest.mark.parametrize(
    "seen",
    [
        replace(CASE, probability=0.05),  # nobody looked twice
        replace(CASE, probability=0.6, second=0.01, severity="critical"),
        replace(CASE, probability=0.95, second=0.01),  # sure of it once: a person decides
    ],
)
def test_nothing_else_is_hopeless(seen: Seen) -> None:
    assert (screen(seen, 0.0).show, screen(seen, 0.0).reason) == (True, "")


@pytest.mark.parametrize(
    ("seen", "reason"),
    [
        (replace(CASE, rejected_here=True), "rejected_before"),
        (replace(CASE, picture=None), "picture_unusable"),
        (replace(CASE, picture=(11.9, 50.0, 80.0)), "picture_unusable"),
        (replace(CASE, picture=(100.0, 3.9, 80.0)), "picture_unusable"),
        (replace(CASE, picture=(100.0, 50.0, 9.0)), "picture_unusable"),
    ],
)
def test_place_and_picture_set_aside_before_any_second_look(seen: Seen, reason: str) -> None:
    assert screen(replace(seen, second=0.99), 0.0).reason == reason


def test_a_share_of_what_is_set_aside_is_shown_blind_somewhere_in_the_queue() -> None:
    """Its own value is next to nothing: by that nobody would ever see it, and what screening loses would not be known."""
    found = [screen(replace(CASE, number=n, probability=0.6, second=0.01), 0.05) for n in range(20_000)]
    shown = [each for each in found if each.show]
    assert 0.04 < len(shown) / len(found) < 0.06
    assert all(each.blind and each.reason == "hopeless" for each in shown)
    places = sorted(each.priority for each in shown)
    assert places[len(places) // 4] > 0.15 * RANDOM_VALUE
    assert places[-len(places) // 4] < 0.85 * RANDOM_VALUE
    assert found == [screen(replace(CASE, number=n, probability=0.6, second=0.01), 0.05) for n in range(20_000)]


def test_expected_value_is_probability_times_severity_times_urgency() -> None:
    case = replace(CASE, probability=0.5, severity="high", deadline_h=24.0, deadline_clock="continuous")
    assert isclose(screen(case, 0.0).priority, 0.5 * 4.0)
    assert isclose(screen(replace(case, deadline_h=6.0), 0.0).priority, 0.5 * 4.0 * 2.0)
    assert isclose(screen(replace(case, second=0.1), 0.0).priority, 4.0 * 0.25), "logits 0 and -2.197: 0.25"


def test_urgency_is_one_in_a_day_and_knows_working_hours() -> None:
    assert urgency(24, "continuous") == 1
    assert urgency(8, "working") == 1
    assert urgency(2, "working") == urgency(6, "continuous") == 2
    assert urgency(0.01, "continuous") == 4
    assert urgency(None, None) == urgency(10_000, "working") == 0.5


def test_a_tenth_stands_where_a_lot_puts_it_and_nothing_later_than_by_its_value() -> None:
    plain = [screen(replace(CASE, number=n), 0.0) for n in range(20_000)]
    drawn = [screen(replace(CASE, number=n), 0.0, 0.1) for n in range(20_000)]
    assert all(after.priority >= before.priority for before, after in zip(plain, drawn, strict=True))
    moved = [after.priority for before, after in zip(plain, drawn, strict=True) if after != before]
    assert 0.06 < len(moved) / len(plain) < 0.11, "a tenth, less those whose own value is higher"
    assert max(moved) > 0.95 * RANDOM_VALUE


def test_lots_are_even_and_of_each_other_independent() -> None:
    blind, random = ([lot(what, n) < 0.5 for n in range(20_000)] for what in ("blind", "random"))
    assert 0.48 < sum(blind) / 20_000 < 0.52
    assert 0.48 < sum(a == b for a, b in zip(blind, random, strict=True)) / 20_000 < 0.52


def test_boxes_overlap_by_what_both_cover() -> None:
    assert overlap((0, 0, 10, 10), (0, 0, 10, 10)) == 1
    assert overlap((0, 0, 10, 10), (5, 0, 15, 10)) == 50 / 150
    assert overlap((0, 0, 10, 10), (20, 0, 30, 10)) == 0
    assert overlap((5, 5, 5, 5), (5, 5, 5, 5)) == 0


@pytest.fixture
def bound(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("screening_bound")


def test_the_bound_of_the_hopeless_is_the_one_that_photographs_choose(bound: ModuleType) -> None:
    finds = bound.kept()
    assert bound.chosen(finds) == HOPELESS
    assert bound.set_aside(finds, HOPELESS, True) == (0, 150)
    assert bound.set_aside(finds, HOPELESS, False) == (5, 36)


def test_a_bound_is_chosen_by_the_true_finds_that_it_may_lose(bound: ModuleType) -> None:
    """Each find is as probable to both looks, and joined just that."""
    sure, doubtful = (bound.Find("bagged_garbage", each, each, True) for each in (0.9, 0.19))
    assert bound.chosen([sure] * 200) == max(bound.BOUNDS)
    assert bound.chosen([sure] * 190 + [doubtful] * 10) == 0.175
    assert bound.chosen([sure] * 100) is None, "a hundred say too little of one in fifty"
    assert bound.chosen([sure] * 200 + [replace(doubtful, is_true=False)] * 99) == max(bound.BOUNDS)
    assert replace(doubtful, category="manhole_fault", probability=0.01).joined == 1, "critical: never hopeless"
