"""Probabilities of a pack fitted again to what reviewers decided: Platt scaling per category, from an export of verdicts. Numbers only, no pictures.

A category with OWN verdicts or more has a fit of its own; others share one fit of all verdicts together; where all together are fewer than SHARED, every
probability stays as it is in the pack. A verdict is a case: a thing seen on ten passes is one verdict, though each of its sightings is fitted to.

What the fit can know: reviewers see only what scored above the pack's threshold, was seen often enough and was not set aside before. So the probability is that
of a sighting that reaches a reviewer; below the threshold it is an extrapolation, and nothing is learnt of what the network missed. Lowering a threshold
later asks for a new fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from models.packs import Label, Pack
from models.training.measure import Scored, calibration_error, fit_platt
from models.verdicts import Judged

OWN, SHARED = 100, 30
FOLDS = 5
Platt = tuple[float, float]


@dataclass(frozen=True)
class Told:
    """One sighting with its verdict; `label` is the pack's."""

    case: int
    scene: str
    label: Label
    scored: Scored
    day: date


@dataclass(frozen=True)
class Fit:
    """One category: verdicts (cases), sightings, share that is right, where the fit comes from, and the expected calibration error before and after,
    each sighting judged by a fit that did not see its scene; None where there are fewer than SHARED sightings."""

    verdicts: int
    sightings: int
    right: float
    source: str
    platt: Platt | None
    before: float | None
    after: float | None


@dataclass
class Calibration:
    """Every category that was judged, the shared fit (None: too few verdicts), and sightings left out with the reason."""

    fits: dict[str, Fit]
    shared: Platt | None
    days: tuple[date, date] | None
    left_out: Counter[str] = field(default_factory=Counter)

    def platt_of(self, label: Label) -> Platt | None:
        """What a label's probability becomes; None: it stays."""
        if label.role != "problem":
            return None
        own = self.fits.get(label.category)
        return own.platt if own else self.shared


def calibrate(pack: Pack, lines: Iterable[Judged]) -> Calibration:
    """Fit the pack's probabilities to an export."""
    told, left_out = gather(pack, lines)
    by_category: dict[str, list[Told]] = {}
    for each in told:
        by_category.setdefault(each.label.category, []).append(each)
    shared = fit(told) if verdicts(told) >= SHARED else None
    own = {category: fit(some) for category, some in by_category.items() if verdicts(some) >= OWN}
    crossed = cross_fitted(pack, told, frozenset(own)) if shared else [_probability(pack, each) for each in told]
    after: dict[str, list[float]] = {}
    for each, probability in zip(told, crossed, strict=True):
        after.setdefault(each.label.category, []).append(probability)
    fits = {
        category: _row(pack, some, after[category], own.get(category), shared)
        for category, some in sorted(by_category.items())
    }
    days = (min(each.day for each in told), max(each.day for each in told)) if told else None
    return Calibration(fits, shared, days, left_out)


def gather(pack: Pack, lines: Iterable[Judged]) -> tuple[list[Told], Counter[str]]:
    """The sightings of this very network whose verdict says whether they are right, and how many others there are and why."""
    told: list[Told] = []
    left_out: Counter[str] = Counter()
    labels = {label.name: label for label in pack.labels if label.role == "problem"}
    foremost = {label.category: label for label in reversed(labels.values())}
    for line in lines:
        label = labels.get(line.label)
        if label is None or label.category != line.proposed:
            label = foremost.get(line.proposed)
        if line.pack_digest != pack.digest:
            left_out["seen by another network"] += 1
        elif line.is_right is None:
            left_out["the verdict does not say what the picture shows"] += 1
        elif label is None:
            left_out["no label of the pack has this category"] += 1
        else:
            told.append(Told(line.case, line.scene, label, Scored(line.score, line.is_right), line.day))
    return told, left_out


def verdicts(told: Sequence[Told]) -> int:
    """How many cases these sightings are of."""
    return len({each.case for each in told})


def fit(told: Sequence[Told]) -> Platt | None:
    """Scale and bias of these sightings, as they are written; None of too few."""
    if len(told) < SHARED:
        return None
    a, b = fit_platt([each.scored for each in told])
    return round(a, 4), round(b, 4)


def cross_fitted(pack: Pack, told: Sequence[Told], own: frozenset[str]) -> list[float]:
    """Each sighting's probability by a fit to the other scenes; to the other cases, where the scenes are too few to be dealt out."""
    by_scene = len({each.scene for each in told}) >= FOLDS
    groups = [each.scene if by_scene else str(each.case) for each in told]
    dealt = {group: number % FOLDS for number, group in enumerate(sorted(set(groups)))}
    folds = [dealt[group] for group in groups]
    probabilities = [0.0] * len(told)
    for fold in range(FOLDS):
        others = [each for each, of in zip(told, folds, strict=True) if of != fold]
        shared = fit(others)
        fits = {category: fit([each for each in others if each.label.category == category]) for category in own}
        for number, each in enumerate(told):
            if folds[number] == fold:
                probabilities[number] = _probability(pack, each, fits.get(each.label.category) or shared)
    return probabilities


def _probability(pack: Pack, each: Told, platt: Platt | None = None) -> float:
    """As the pack says it, or by another fit."""
    label = each.label.model_copy(update={"platt": platt}) if platt else each.label
    return pack.probability(each.scored.score, label)


def _row(pack: Pack, told: list[Told], after: list[float], own: Platt | None, shared: Platt | None) -> Fit:
    right = [each.scored.right for each in told]
    enough = len(told) >= SHARED
    return Fit(
        verdicts(told), len(told), sum(right) / len(right), "own" if own else "shared" if shared else "the pack's", own or shared,
        calibration_error([_probability(pack, each) for each in told], right) if enough else None,
        calibration_error(after, right) if enough else None,
    )  # fmt: skip
