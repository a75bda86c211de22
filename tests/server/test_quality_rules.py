"""Agreement, medians and thresholds, without rows: agreement against the tables of those who published it."""

from __future__ import annotations

from datetime import date
from math import isclose
from random import Random

import pytest

from server.categories.rules import wilson
from server.quality.agreement import alpha, coincidences, kappa, raw_share
from server.quality.rules import (
    ENOUGH,
    Answer,
    Share,
    Tally,
    advise,
    is_outlier,
    lacking,
    median_s,
    step_of,
    twentieth_of,
    week_of,
    weeks,
)

COHEN_1960 = ((88, 14, 18), (10, 40, 10), (2, 6, 12))
"""Two judges on 200 cases. By hand: they agree on 140 of 200 = 0.70; by chance on (120·100 + 60·60 + 20·40) / 200² = 0.41; (0.70 - 0.41) / 0.59 = 0.4915."""
KRIPPENDORFF_2011 = ("1233214 12...", "12332241 25.3", ".3332342 251.", "12332441 251.")


def joint(table: tuple[tuple[int, ...], ...]) -> dict[tuple[str, str], float]:
    return {(str(i), str(j)): count for i, row in enumerate(table) for j, count in enumerate(row)}


def test_kappa_is_that_of_cohens_table() -> None:
    assert raw_share(joint(COHEN_1960)) == 0.7
    assert isclose(kappa(joint(COHEN_1960)) or 0, (0.70 - 0.41) / 0.59)


def test_kappa_may_be_less_than_chance() -> None:
    """By hand: 0.29 agreed, 0.5 · 0.4 + 0.3 · 0.3 + 0.2 · 0.3 = 0.35 by chance: -0.09."""
    assert kappa(joint(((25, 13, 12), (12, 2, 16), (3, 15, 2)))) == pytest.approx((0.29 - 0.35) / 0.65)


def test_kappa_of_nothing_or_of_one_word_alone_is_none() -> None:
    assert kappa({}) is None
    assert kappa({("confirm", "confirm"): 50}) is None
    assert kappa({("confirm", "confirm"): 50, ("confirm", "reject"): 50}) == 0


def test_alpha_is_that_of_krippendorffs_table_with_its_missing_answers() -> None:
    """Four observers, twelve units, nominal: 0.743. The twelfth unit was seen by one alone and pairs with nothing: n is 40."""
    observers = [row.replace(" ", "") for row in KRIPPENDORFF_2011]
    units = [[word for word in unit if word != "."] for unit in zip(*observers, strict=True)]
    matrix = coincidences(units)
    assert sum(matrix.values()) == pytest.approx(40)
    assert alpha(matrix) == pytest.approx(0.743, abs=0.0005)


def test_alpha_of_two_observers_without_missing_answers_by_hand() -> None:
    """Krippendorff's two-by-ten binary example: 4 of 10 differ, so o(0,1) = 4; n = 20 with 14 noughts: 1 - 19 · 4 / (14 · 6) = 0.095."""
    a, b = "0100000010", "1110010000"
    matrix = coincidences(list(zip(a, b, strict=True)))
    assert alpha(matrix) == pytest.approx(0.095, abs=0.0005)


def test_alpha_of_nothing_or_of_one_word_alone_is_none() -> None:
    assert alpha({}) is None
    assert alpha(coincidences([["confirm", "confirm"]])) is None
    assert alpha(coincidences([["confirm", "confirm"], ["reject", "reject"]])) == 1


def test_the_median_is_true_to_a_step_of_time() -> None:
    random = Random(4)
    for _ in range(20):
        times = sorted(int(random.lognormvariate(8.2, 0.7)) for _ in range(501))
        steps: dict[int, int] = {}
        for ms in times:
            steps[step_of(ms)] = steps.get(step_of(ms), 0) + 1
        assert median_s(steps) == pytest.approx(times[250] / 1000, rel=0.08)
    assert median_s({}) is None
    assert step_of(0) == step_of(100) == 0
    assert step_of(86_400_000) == 72 or step_of(86_400_000) < 72


def test_weeks_begin_on_mondays() -> None:
    assert week_of(date(2026, 11, 28)) == date(2026, 11, 23)
    assert list(weeks(date(2026, 11, 10), date(2026, 11, 23))) == [date(2026, 11, 9), date(2026, 11, 16), date(2026, 11, 23)]  # fmt: skip


def test_probabilities_fall_into_twentieths_that_a_threshold_lets_pass_or_not() -> None:
    assert [twentieth_of(p) for p in (0.0, 0.049, 0.05, 0.55, 0.5499, 0.999, 1.0)] == [0, 0, 1, 11, 10, 19, 19]
    assert all(twentieth_of(step / 20) == step for step in range(20))


def test_the_advice_is_the_lowest_threshold_whose_lower_bound_meets_the_aim() -> None:
    scores = {10: (20, 60), 14: (80, 20), 17: (195, 5), 19: (300, 2)}
    advice = advise(scores, 0.90)
    assert advice.threshold == 0.55, (
        "what is under 0.55 holds the worst alone; any threshold from there to 0.70 lets the same pass"
    )
    passed = Share(575, 602)
    assert (advice.precision.part, advice.precision.of) == (575, 602)
    assert passed.interval[0] >= 0.90
    assert (advice.kept, advice.lost, advice.spared) == (575, 20, 60)
    assert advise({**scores, 14: (80, 60)}, 0.90).threshold == 0.75


def test_no_threshold_is_advised_where_all_is_good_enough_already() -> None:
    assert advise({10: (200, 2), 19: (300, 2)}, 0.90).threshold == 0


def test_too_few_verdicts_say_how_many_more() -> None:
    """28 of 29 right: the share is 0.966, and z² · 0.9 · 0.1 / (0.966 - 0.9)² = 80.4 would show it, so 52 more."""
    advice = advise({18: (28, 1)}, 0.90)
    assert (advice.threshold, advice.lacks) == (None, 52)
    assert wilson(28 * 3, 29 * 3)[0] > 0.90 > wilson(28 * 2, 29 * 2)[0]


def test_verdicts_that_are_lacking_pass_the_threshold_only_in_part() -> None:
    """Of 129 cards 29 pass: to have 52 more of these, four and a half times as many are needed."""
    advice = advise({18: (28, 1), 5: (10, 90)}, 0.90)
    assert advice.lacks == pytest.approx(52 * 129 / 29, abs=1)


@pytest.mark.parametrize("share", [Share(9, 10), Share(50, 100), Share(0, 0), Share(0, 50)])
def test_what_is_not_above_the_aim_lacks_nothing_that_verdicts_would_give(share: Share) -> None:
    assert lacking(share, 0.90) == 0


def test_lacking_is_just_enough() -> None:
    for part, of in ((19, 20), (95, 100), (186, 200), (26, 26)):
        more = lacking(Share(part, of), 0.90)
        if of + more > ENOUGH:
            assert wilson_of(part / of, of + more) >= 0.90 > wilson_of(part / of, of + more - 2)


def test_two_verdicts_say_nothing_of_the_network() -> None:
    advice = advise({19: (2, 0)}, 0.90)
    assert (advice.threshold, advice.lacks) == (None, 28)


def wilson_of(share: float, of: int) -> float:
    return wilson(share * of, of)[0]  # type: ignore[arg-type]


def test_no_threshold_helps_a_network_that_is_as_often_wrong_when_it_is_sure() -> None:
    advice = advise({5: (50, 50), 15: (50, 50), 19: (50, 50)}, 0.90)
    assert (advice.threshold, advice.lacks) == (None, 0)
    assert advice.precision.of == 300
    assert advise({}, 0.90).precision.of == 0


def test_what_an_answer_counts_for() -> None:
    tally = Tally()
    for said, count in (
        (Answer("confirm"), 50), (Answer("confirm", became="waste_pile"), 5), (Answer("reject", 1), 10), (Answer("reject", 3), 20), (Answer("unsure"), 4),
    ):  # fmt: skip
        tally.add(said, count)
    assert (tally.confirmed.part, tally.confirmed.of) == (50, 85)
    assert (tally.precision.part, tally.precision.of) == (50, 65), (
        "rejected because it is permitted there: the network saw well"
    )
    assert (tally.reasons, tally.became, tally.unsure) == ({1: 10, 3: 20}, {"waste_pile": 5}, 4)


def test_two_who_confirm_as_different_things_do_not_agree() -> None:
    words = [Answer("confirm", became=became).word for became in ("", "waste_pile", "road_dirty")]
    assert len({*words, Answer("reject", 1).word, Answer("unsure").word}) == 5
    assert Answer("reject", 1).word == Answer("reject", 4).word


@pytest.mark.parametrize(
    ("answers", "fast", "missed", "talk"),
    [
        (1000, 4, 0, False),
        (1000, 20, 0, False),
        (1000, 21, 0, True),
        (10, 5, 0, True),
        (10, 4, 0, False),
        (5, 0, 1, True),
    ],
)
def test_whom_a_supervisor_should_talk_to(answers: int, fast: int, missed: int, talk: bool) -> None:
    assert is_outlier(answers, fast, missed) is talk
