"""The figures of a pack on a set: per category what an operator needs, with intervals; nothing where boxes are too few."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from statistics import mean

from models.packs import Pack
from models.training.classes import CLASSES
from models.training.coco import average_precision
from models.training.dataset import MEASURED_AS
from models.training.looks import Look, outcome
from models.training.measure import MIN_BOXES, wilson

MIN_PICTURES = 10
LIVE_PRECISION = 0.70
PROBLEMS = frozenset(each.category for each in CLASSES if each.role == "problem")


@dataclass(frozen=True)
class Figures:
    """One category. `pictures` hold a box of it; intervals are Wilson's at 95 %; None where there are too few boxes to tell."""

    boxes: int
    pictures: int
    threshold: float
    ap50: float | None = None
    ap: float | None = None
    precision: float | None = None
    precision_interval: tuple[float, float] | None = None
    recall: float | None = None
    recall_interval: tuple[float, float] | None = None
    false_per_100_images: float | None = None

    @property
    def live(self) -> bool:
        """Whether the city may be told of this category from the start."""
        enough = self.boxes >= MIN_BOXES and self.pictures >= MIN_PICTURES
        return enough and self.precision_interval is not None and self.precision_interval[0] >= LIVE_PRECISION


def figures_of(looks: Sequence[Look], pack: Pack) -> dict[str, Figures]:
    """Every category that the pack can name and the set can judge."""
    thresholds: dict[str, float] = {}
    for label in pack.labels:
        category = MEASURED_AS.get(label.name, label.category)
        thresholds[category] = min(label.threshold, thresholds.get(category, 1.0))
    return {
        category: one_figure(looks, category, threshold)
        for category, threshold in sorted(thresholds.items())
        if any(look.sample.judges(category) for look in looks)
    }


def one_figure(looks: Sequence[Look], category: str, threshold: float) -> Figures:
    """The figures of one category at its threshold."""
    seen = outcome(looks, category)
    if seen.boxes < MIN_BOXES:
        return Figures(seen.boxes, seen.holding, threshold)
    told = [each.right for each in seen.judged if each.score >= threshold]
    ap50, ap = average_precision(looks, category)
    return Figures(
        seen.boxes, seen.holding, threshold, ap50, ap,
        sum(told) / len(told) if told else None, wilson(sum(told), len(told)) if told else None,
        sum(told) / seen.boxes, wilson(sum(told), seen.boxes), _false_alarms(looks, category, threshold),
    )  # fmt: skip


def _false_alarms(looks: Sequence[Look], category: str, threshold: float) -> float | None:
    """Per hundred pictures of sets that leave none of this category out; None if there is no such picture."""
    seen = outcome(looks, category, completely=True)
    wrong = sum(not each.right and each.score >= threshold for each in seen.judged)
    return 100 * wrong / seen.pictures if seen.pictures else None


def summary(figures: dict[str, Figures]) -> dict[str, object]:
    """What `trikeye models evaluate --json` prints: means over problem categories with enough boxes, and each category."""
    counted = [f for category, f in figures.items() if category in PROBLEMS and f.ap50 is not None]
    return {
        "map50": round(mean(f.ap50 for f in counted if f.ap50 is not None), 4) if counted else None,
        "map": round(mean(f.ap for f in counted if f.ap is not None), 4) if counted else None,
        "counted": len(counted),
        "categories": {category: _rounded(f) for category, f in figures.items()},
    }


def _rounded(figures: Figures) -> dict[str, object]:
    rounded: dict[str, object] = {}
    for key, value in asdict(figures).items():
        pair = isinstance(value, tuple)
        rounded[key] = [round(v, 4) for v in value] if pair else round(value, 4) if isinstance(value, float) else value
    return rounded
