"""What was measured of a pack and lies beside it, and how a person reads it: the same table wherever figures are shown."""

from __future__ import annotations

import json
from typing import Any

from models.packs import Pack

CROSS_VALIDATED = "crossvalidated.json"
"""The figures that are published: each photograph judged by a network that did not learn from its scene."""
MEASURED = "measured.json"
"""The pack itself on the val split of the street photographs, for regressions."""

LEGEND = (
    "in: pictures that hold one; at: score from which it counts; too few: fewer than 30 boxes",
    "false/100: false alarms in 100 pictures, of sets that label all of it; clean/100: in 100 pictures of streets with nothing to see",
)
LEGEND_VALIDATED = "off by: how far stated probabilities are from the share that is right, on average"


def published_of(pack: Pack) -> dict[str, Any]:
    """A pack's published figures, else those of the val split, else none. An overlay's are its base's, unless it looks in another way."""
    for folder in (pack.folder,) if pack.sides_px else (pack.folder, pack.model.parent):
        for name in (CROSS_VALIDATED, MEASURED):
            path = folder / name
            if path.exists():
                return dict(json.loads(path.read_text(encoding="utf-8")))
    return {"categories": {}, "by": {}}


def heading(result: dict[str, Any]) -> str:
    """On what the figures were measured, and how."""
    if "folds" in result:
        return (
            f"{len(result['folds'])}-fold cross-validation by scene on {result['images']} photographs; precision and recall with 95 % intervals, at thresholds "
            f"that other scenes gave for a precision of {result['wanted_precision']:.2f}"
        )
    return f"{result['pack']} on {result['images']} pictures ({result['split']}); precision and recall at the pack's threshold, 95 % intervals"


def table(result: dict[str, Any]) -> list[str]:
    """The categories, one a line."""
    validated = "folds" in result
    lines = [
        f"{'category':22} {'boxes':>5} {'in':>4}  {'AP50':>5} {'AP':>5}  {'at':>4}  {'precision':18} {'recall':18} {'false/100':>9} {'clean/100':>9}"
        + (f"  {'off by':>6}  standing" if validated else "")
    ]
    for category, row in result["categories"].items():
        standing = f"  {row['standing']}" if validated else ""
        if row["ap50"] is None:
            lines.append(
                f"{category:22} {row['boxes']:5} {row['pictures']:4}  too few"
                + (f"{'':79}{standing}" if validated else "")
            )
            continue
        off = f"  {_number(row['calibration_error'], 2):>6}" if validated else ""
        lines.append(
            f"{category:22} {row['boxes']:5} {row['pictures']:4}  {row['ap50']:5.2f} {row['ap']:5.2f}  {row['threshold']:4.2f}"
            f"  {share(row, 'precision'):18} {share(row, 'recall'):18} {_number(row['false_per_100_images'], 1):>9}"
            f" {_number(row.get('false_per_100_clean'), 1):>9}{off}{standing}"
        )
    return [*lines, _mean(result), *LEGEND, *([LEGEND_VALIDATED] if validated else [])]


def _mean(result: dict[str, Any]) -> str:
    if not result["counted"]:
        return "no problem category has enough boxes to tell how well it is seen; label more of each"
    return f"mean over the {result['counted']} problem categories with enough boxes: AP50 {result['map50']}, AP {result['map']}"


def parts(result: dict[str, Any], wanted: frozenset[str]) -> list[str]:
    """By source, size of the box and light: the wanted categories, where there are boxes enough to tell."""
    lines = []
    for by, values in result.get("by", {}).items():
        told = [
            f"  {value:10} {category:22} {part['boxes']:5}  {share(part, 'precision'):18} {share(part, 'recall')}"
            for value, categories in values.items()
            for category, part in categories.items()
            if category in wanted and part["recall"] is not None
        ]
        lines += [f"by {by}", *told] if told else []
    return lines


def share(row: dict[str, Any], name: str) -> str:
    """Precision or recall with its interval."""
    if row[name] is None:
        return "nothing told"
    low, high = row[f"{name}_interval"]
    return f"{row[name]:.2f} ({low:.2f}–{high:.2f})"


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}f}"
