"""Whether one pack is better than another on the same pictures, beyond what chance would give: a paired bootstrap over scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.training.figures import PROBLEMS
from models.training.looks import Look, Outcome, outcome
from models.training.measure import MIN_BOXES, weighted_precision

ROUNDS = 1000


@dataclass(frozen=True)
class Difference:
    """AP50 of A and of B, and the 95 % interval of B minus A."""

    a: float
    b: float
    low: float
    high: float

    @property
    def verdict(self) -> str:
        """better, worse, or within noise."""
        return "better" if self.low > 0 else "worse" if self.high < 0 else "within noise"


def compare(a: Sequence[Look], b: Sequence[Look], seed: int = 1) -> dict[str, Difference]:
    """Per problem category with enough boxes, and `mean` over them. `a` and `b` are looks at the same samples in the same order.

    Scenes, or pictures where a set names none, are drawn with replacement, the same for both packs (Efron 1979)."""
    scenes = _scenes(a)
    draws = np.random.default_rng(seed).multinomial(
        scenes.max() + 1, np.full(scenes.max() + 1, 1 / (scenes.max() + 1)), ROUNDS
    )
    weights = np.vstack([np.ones(len(scenes)), draws[:, scenes]])
    rows = {}
    for category in sorted(PROBLEMS):
        seen = outcome(a, category), outcome(b, category)
        if seen[0].boxes >= MIN_BOXES:
            boxes = weights @ np.array(
                [len(look.truth(category)) if look.sample.judges(category) else 0 for look in a], float
            )
            rows[category] = np.stack([_curve(each, weights, boxes) for each in seen])
    differences = {category: _difference(row) for category, row in rows.items()}
    return {**differences, "mean": _difference(np.mean(list(rows.values()), axis=0))} if rows else {}


def _scenes(looks: Sequence[Look]) -> npt.NDArray[np.int64]:
    names = [look.sample.scene or str(look.sample.picture) for look in looks]
    return np.unique(names, return_inverse=True)[1].astype(np.int64)


def _curve(seen: Outcome, weights: npt.NDArray[np.float64], boxes: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """AP50 of the set itself and of every resampled one."""
    of = np.array([each.look for each in seen.told], int)
    return np.array(
        [weighted_precision(seen.judged, row[of], count) for row, count in zip(weights, boxes, strict=True)]
    )


def _difference(row: npt.NDArray[np.float64]) -> Difference:
    low, high = np.percentile(row[1, 1:] - row[0, 1:], [2.5, 97.5])
    return Difference(float(row[0, 0]), float(row[1, 0]), float(low), float(high))
