"""The figures of a pack on a set: per category what an operator needs, with intervals; nothing where boxes are too few."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from statistics import mean

from models.packs import Pack
from models.training.classes import CLASSES
from models.training.coco import average_precision
from models.training.dataset import MEASURED_AS
from models.training.looks import Corners, Look, Outcome, Told, outcome
from models.training.measure import MIN_BOXES, wilson
from models.training.sets import CLEAN

MIN_PICTURES = 10
LIVE_PRECISION = 0.70
PROBLEMS = frozenset(each.category for each in CLASSES if each.role == "problem")
SMALL, LARGE = 1 / 300, 0.03
"""Shares of the picture: COCO's 32 x 32 and 96 x 96 pixels of one that is 640 x 480."""
DIM = 90
"""Mean grey 0..255 below which a picture is dim: dusk, or deep shade."""
Belongs = Callable[[Look, Corners], bool]


@dataclass(frozen=True)
class Figures:
    """One category. `pictures` hold a box of it; intervals are Wilson's at 95 %; None where there are too few boxes to tell.

    False alarms are counted on pictures whose set leaves no box of the category out, and on those of streets with nothing to see.
    """

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
    false_per_100_clean: float | None = None

    @property
    def live(self) -> bool:
        """Whether the city may be told of this category from the start."""
        enough = self.boxes >= MIN_BOXES and self.pictures >= MIN_PICTURES
        return enough and self.precision_interval is not None and self.precision_interval[0] >= LIVE_PRECISION


@dataclass(frozen=True)
class Part:
    """One category in a part of the pictures or boxes; None where there are too few boxes to tell."""

    boxes: int
    told: int
    precision: float | None = None
    precision_interval: tuple[float, float] | None = None
    recall: float | None = None
    recall_interval: tuple[float, float] | None = None


Parts = dict[str, dict[str, dict[str, Part]]]
"""By source, size and light → its values → category → figures."""


def thresholds_of(pack: Pack) -> dict[str, float]:
    """From which score a category counts: the lowest of its labels'."""
    thresholds: dict[str, float] = {}
    for label in pack.labels:
        category = MEASURED_AS.get(label.name, label.category)
        thresholds[category] = min(label.threshold, thresholds.get(category, 1.0))
    return dict(sorted(thresholds.items()))


def figures_of(looks: Sequence[Look], thresholds: dict[str, float]) -> dict[str, Figures]:
    """Every category that has a threshold and that the set can judge."""
    return {
        category: one_figure(looks, category, [threshold] * len(looks), threshold)
        for category, threshold in thresholds.items()
        if any(look.sample.judges(category) for look in looks)
    }


def one_figure(looks: Sequence[Look], category: str, at: Sequence[float], threshold: float) -> Figures:
    """The figures of one category where each look has the threshold that `at` names for it; `threshold` is the one stated."""
    seen = outcome(looks, category)
    if seen.boxes < MIN_BOXES:
        return Figures(seen.boxes, seen.holding, threshold)
    ap50, ap = average_precision(looks, category)
    told = told_at(seen, at)
    right = sum(each.right for each in told)
    (precision, sure), (recall, met) = _share(right, len(told)), _share(right, seen.boxes)
    return Figures(
        seen.boxes, seen.holding, threshold, ap50, ap, precision, sure, recall, met,
        _false_per_100(looks, outcome(looks, category, completely=True), at),
        _false_per_100(looks, seen, at, CLEAN),
    )  # fmt: skip


def told_at(seen: Outcome, at: Sequence[float]) -> list[Told]:
    """The detections at or over their look's threshold."""
    return [each for each in seen.told if each.score >= at[each.look]]


def parts_of(looks: Sequence[Look], at: Mapping[str, Sequence[float]]) -> Parts:
    """Precision and recall of each category by source, size of the box, and light; `at` holds a threshold for each look."""
    seen = {category: outcome(looks, category) for category in at}
    return {
        by: {
            value: {
                category: part
                for category, each in seen.items()
                if (part := _part(looks, each, at[category], belongs)).boxes
            }
            for value, belongs in values.items()
        }
        for by, values in _groups(looks).items()
    }


def _groups(looks: Sequence[Look]) -> dict[str, dict[str, Belongs]]:
    def of_set(name: str) -> Belongs:
        return lambda look, _: look.sample.set == name

    return {
        "source": {name: of_set(name) for name in sorted({look.sample.set for look in looks} - {""})},
        "size": {
            "small": lambda look, box: look.share(box) < SMALL,
            "medium": lambda look, box: SMALL <= look.share(box) < LARGE,
            "large": lambda look, box: look.share(box) >= LARGE,
        },
        "light": {"dim": lambda look, _: look.brightness < DIM, "bright": lambda look, _: look.brightness >= DIM},
    }


def _part(looks: Sequence[Look], seen: Outcome, at: Sequence[float], belongs: Belongs) -> Part:
    there = [each for each in seen.there if belongs(looks[each.look], each.box)]
    told = [each for each in told_at(seen, at) if belongs(looks[each.look], each.box)]
    if len(there) < MIN_BOXES:
        return Part(len(there), len(told))
    right = sum(each.right for each in told)
    met = sum(0 < each.met_at >= at[each.look] for each in there)
    return Part(len(there), len(told), *_share(right, len(told)), *_share(met, len(there)))


def _share(right: int, of: int) -> tuple[float, tuple[float, float]] | tuple[None, None]:
    """A share with its interval; of nothing it is unknown."""
    return (right / of, wilson(right, of)) if of else (None, None)


def _false_per_100(looks: Sequence[Look], seen: Outcome, at: Sequence[float], source: str = "") -> float | None:
    """Wrong detections per hundred of the judged pictures (of one source); None if there is no such picture."""
    pictures = {number for number in seen.looks if source in ("", looks[number].sample.set)}
    wrong = sum(not each.right for each in told_at(seen, at) if each.look in pictures)
    return 100 * wrong / len(pictures) if pictures else None


def summary(figures: dict[str, Figures], parts: Parts) -> dict[str, object]:
    """What `trikeye models evaluate --json` prints: means over problem categories with enough boxes, each category, and parts."""
    counted = [f for category, f in figures.items() if category in PROBLEMS and f.ap50 is not None]
    return {
        "map50": _mean(f.ap50 for f in counted),
        "map": _mean(f.ap for f in counted),
        "counted": len(counted),
        "categories": {category: rounded(f) for category, f in figures.items()},
        "by": {
            by: {value: {category: rounded(part) for category, part in row.items()} for value, row in values.items()}
            for by, values in parts.items()
        },
    }


def _mean(figures: Iterable[float | None]) -> float | None:
    known = [each for each in figures if each is not None]
    return round(mean(known), 4) if known else None


def rounded(figures: Figures | Part) -> dict[str, object]:
    """As JSON, to four decimals."""
    out: dict[str, object] = {}
    for key, value in asdict(figures).items():
        pair = isinstance(value, tuple)
        out[key] = [round(v, 4) for v in value] if pair else round(value, 4) if isinstance(value, float) else value
    return out
