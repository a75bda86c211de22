"""Thresholds, probabilities and figures by cross-validation: nothing is measured on a scene that taught the network or chose its threshold.

Each third of the photographs is looked at by the network that did not learn from it. On each third, the threshold and the fit of
probabilities are those that the other two thirds give; what ships is what all three give together. Values in, values out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from models.training.dataset import MEASURED_AS
from models.training.figures import LIVE_PRECISION, PROBLEMS, Figures, Parts, one_figure, parts_of
from models.training.looks import Look, Outcome, Told, outcome
from models.training.measure import (
    Scored,
    calibration_error,
    fit_platt,
    probability,
    quiet_threshold,
    threshold_for,
    wilson,
)

WANTED_PRECISION = 0.80
MARGIN = 1.0
"""Standard errors by which the wanted precision is to be passed where the threshold is chosen, so that it holds elsewhere."""
LEAST_THRESHOLD = 0.20
ALARMS_PER_PICTURE = 0.01
HIGHEST_QUIET = 0.5
"""Where the wanted precision is never reached: at most this many false alarms, or this threshold. Such a category is not live."""
LEAST_SCORE = 0.1
"""Probabilities are fitted to, and judged on, detections at or above this."""
OWN_FIT = 100
"""A category with as many boxes has a fit of its own; the others share one."""
CATEGORIES = tuple(sorted(set(MEASURED_AS.values())))
Platt = tuple[float, float]
Floors = Mapping[str, float]


@dataclass(frozen=True)
class Crossfit:
    """What three networks say of one recipe. `thresholds`, `platt` and `shared` are for the pack that ships, `fold_thresholds`
    those that the figures were measured at; `error` is the expected calibration error by category, None where boxes are too few."""

    figures: dict[str, Figures]
    parts: Parts
    thresholds: dict[str, float]
    fold_thresholds: dict[str, tuple[float, ...]]
    platt: dict[str, Platt]
    shared: Platt
    error: dict[str, float | None]


def crossfit(folds: Sequence[Sequence[Look]], floors: Floors, precision: float = WANTED_PRECISION) -> Crossfit:
    """`folds` holds for each third what the network saw that did not learn from it; `floors` below which score no threshold may lie."""
    looks = [look for fold in folds for look in fold]
    seen = {category: [outcome(fold, category) for fold in folds] for category in CATEGORIES}
    seen = {category: each for category, each in seen.items() if any(fold.looks for fold in each)}
    fold_thresholds = {
        category: tuple(
            max(threshold(_others(each, k), precision, len(folds) / (len(folds) - 1)), floors.get(category, 0.0))
            for k in range(len(folds))
        )
        for category, each in seen.items()
    }
    at = {
        category: [value for value, fold in zip(values, folds, strict=True) for _ in fold]
        for category, values in fold_thresholds.items()
    }
    thresholds = {
        category: round(max(threshold(each, precision), floors.get(category, 0.0)), 3)
        for category, each in seen.items()
    }
    figures = {category: one_figure(looks, category, at[category], thresholds[category]) for category in seen}
    own = {category for category in seen if figures[category].boxes >= OWN_FIT}
    return Crossfit(
        figures, parts_of(looks, at), thresholds, fold_thresholds,
        {category: platt(seen, [category]) for category in sorted(own & PROBLEMS)}, platt(seen, PROBLEMS),
        {category: _error(seen, category) if category in own else None for category in sorted(PROBLEMS & seen.keys())},
    )  # fmt: skip


def threshold(seen: Sequence[Outcome], precision: float, more: float = 1.0) -> float:
    """The lowest score that surely keeps the wanted precision, of these if possible one at which the category will be live when
    `more` times as many detections are counted; where there is none, one that is quiet."""
    told = [each for fold in seen for each in fold.judged]

    def precise(right: int, of: int) -> bool:
        return wilson(right, of, MARGIN)[0] >= precision

    def live(right: int, of: int) -> bool:
        return precise(right, of) and wilson(more * right, more * of)[0] >= LIVE_PRECISION

    for enough in (live, precise):
        chosen = threshold_for(told, enough)
        if chosen is not None:
            return max(LEAST_THRESHOLD, chosen)
    pictures = sum(len(fold.looks) for fold in seen)
    return min(HIGHEST_QUIET, max(LEAST_THRESHOLD, quiet_threshold(told, round(pictures * ALARMS_PER_PICTURE))))


def platt(seen: Mapping[str, Sequence[Outcome]], categories: Iterable[str]) -> Platt:
    """Scale and bias that make the scores of these categories probabilities."""
    return fit_platt([Scored(each.score, each.right) for each in _surer(seen, categories)])


def _error(seen: Mapping[str, Sequence[Outcome]], category: str) -> float:
    """How far stated probabilities of a category are off, each third stated by the fit of the other two."""
    stated, right = [], []
    for k, fold in enumerate(seen[category]):
        fit = platt({category: _others(seen[category], k)}, [category])
        held_out = _surer({category: [fold]}, [category])
        stated += [probability(each.score, fit) for each in held_out]
        right += [each.right for each in held_out]
    return calibration_error(stated, right)


def _others(folds: Sequence[Outcome], k: int) -> list[Outcome]:
    return [fold for number, fold in enumerate(folds) if number != k]


def _surer(seen: Mapping[str, Sequence[Outcome]], categories: Iterable[str]) -> list[Told]:
    return [
        each
        for category in sorted(categories)
        for fold in seen.get(category, [])
        for each in fold.told
        if each.score >= LEAST_SCORE
    ]
