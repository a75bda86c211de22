"""Measures a pack as the vehicle runs it, sets its thresholds and calibration, fills its card.

`python -m models.training.evaluate PACK`
A detection counts against a category only in pictures of sets that annotate it: unlabelled is not absent.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

from models.packs import load_pack
from models.pixels import read_picture
from models.runtime import Detector
from models.training.classes import CLASSES, NAMES
from models.training.data import Row, read_rows, street_folder
from models.training.measure import (
    MIN_BOXES,
    Box,
    Figures,
    Scored,
    at_threshold,
    average_precision,
    fit_platt,
    match,
    quiet_threshold,
    threshold_for,
)
from models.training.packfile import DEFAULT_THRESHOLD, Pack, read_pack, write_pack
from models.training.sets import annotated, may_train

FLOOR = 0.05
"""Detections below this score aren't looked at."""
WANTED_PRECISION = 0.75
ALARMS_PER_PICTURE = 0.01
"""Where the wanted precision is never reached, or boxes are too few to tell: at most this many false alarms."""
LEAST_THRESHOLD, HIGHEST_THRESHOLD = 0.25, 0.5
CATEGORY = {each.name: each.category or each.name for each in CLASSES}
"""What a class is measured as: its category, or itself if it has none."""


@dataclass
class Tally:
    """Everything seen of one category."""

    pictures: int = 0
    boxes: int = 0
    judged: list[Scored] = field(default_factory=list)


def tally(detector: Detector, pictures: list[tuple[Path, Path]]) -> dict[str, Tally]:
    """Run the network over (picture, label file) pairs and match, per category."""
    seen: dict[str, Tally] = defaultdict(Tally)
    for picture, labels in pictures:
        image = read_picture(picture)
        height, width = image.shape[:2]
        truth: dict[str, list[Box]] = defaultdict(list)
        for row in read_rows(labels):
            truth[CATEGORY[NAMES[row[0]]]].append(_pixels(row, width, height))
        found: dict[str, list[tuple[float, Box]]] = defaultdict(list)
        for each in detector.detect(image, floor=FLOOR):
            found[CATEGORY[each.label.name]].append((each.score, each.box_px))
        for category in {CATEGORY[name] for name in annotated(picture.stem)}:
            seen[category].pictures += 1
            seen[category].boxes += len(truth[category])
            seen[category].judged += match(found[category], truth[category])
    return seen


def settings(photos: dict[str, Tally], drawn: dict[str, Tally]) -> dict[str, float]:
    """Threshold per category: the wanted precision on photographs, else few false alarms; drawn frames may raise it."""
    chosen = {}
    for category in dict.fromkeys(CATEGORY.values()):
        wanted = [_threshold(tally) for tally in (photos.get(category), drawn.get(category)) if tally]
        chosen[category] = round(min(HIGHEST_THRESHOLD, max(wanted, default=DEFAULT_THRESHOLD)), 3)
    return chosen


def _threshold(one: Tally) -> float:
    precise = threshold_for(one.judged, WANTED_PRECISION)
    quiet = quiet_threshold(one.judged, round(one.pictures * ALARMS_PER_PICTURE))
    return max(LEAST_THRESHOLD, quiet if precise is None else min(precise, quiet))


def fill(pack: Pack, seen: dict[str, Tally], thresholds: dict[str, float]) -> None:
    """Write thresholds, calibration and the measured figures into the pack."""
    for label in pack["labels"]:
        label["threshold"] = thresholds[CATEGORY[label["name"]]]
    problems = {each.category for each in CLASSES if each.role == "problem"}
    a, b = fit_platt([each for category in problems for each in seen[category].judged if each.score >= 0.1])
    pack["calibration"] = {"kind": "platt", "a": round(a, 4), "b": round(b, 4)}
    card = pack["card"]
    card["measured_on"] = (
        "data/street val: 348 photographs of scenes never trained on; drawn frames never count; precision and recall "
        "are at the pack's thresholds, which were set on the same photographs and so flatter"
    )
    figures: dict[str, object] = {}
    for category in sorted(seen):
        one = figures_of(seen[category], thresholds[category])
        enough = one.boxes >= MIN_BOXES
        figures[category] = {"boxes": one.boxes, "ap50": round(one.ap50, 3) if enough else "too few"}
        if enough:
            figures[category] |= {"precision": round(one.precision, 3), "recall": round(one.recall, 3)}  # type: ignore[operator]
    counted = [figures_of(seen[c], 0).ap50 for c in problems if seen[c].boxes >= MIN_BOXES]
    card["macro_ap50_problems"] = round(sum(counted) / len(counted), 3) if counted else "too few"
    card["problems_measured"] = len(counted)
    card["figures"] = figures


def figures_of(one: Tally, threshold: float) -> Figures:
    """The figures of one category at its threshold."""
    precision, recall = at_threshold(one.judged, one.boxes, threshold)
    return Figures(one.boxes, average_precision(one.judged, one.boxes), precision, recall)


def _pixels(row: Row, width: int, height: int) -> Box:
    _, x, y, w, h = row
    return ((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height)


def _pairs(root: Path, split: str) -> list[tuple[Path, Path]]:
    labels = root / "labels" / split
    return [(picture, labels / f"{picture.stem}.txt") for picture in sorted((root / "images" / split).iterdir())]


def _both(one: Tally | None, other: Tally | None) -> Tally:
    there = [tally for tally in (one, other) if tally]
    return Tally(sum(t.pictures for t in there), sum(t.boxes for t in there), [s for t in there for s in t.judged])


def _say(title: str, seen: dict[str, Tally], thresholds: dict[str, float]) -> None:
    sys.stdout.write(f"{title}\n")
    for category in sorted(seen):
        one = figures_of(seen[category], thresholds[category])
        sys.stdout.write(f"  {category:24} boxes {one.boxes:4}  AP50 {one.ap50:.2f}  at {thresholds[category]:.2f}: "
                         f"precision {one.precision:.2f} recall {one.recall:.2f}\n")  # fmt: skip


def main() -> int:
    """Measure one pack from the command line and write what was found into its pack.toml."""
    parser = argparse.ArgumentParser(prog="python -m models.training.evaluate", description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--drawn", type=Path, help="folder of drawn frames not trained on: thresholds only, no figure")
    parser.add_argument("--card", type=Path, help="JSON whose keys go into the card (trained_on, notes)")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    street = street_folder()
    detector = Detector(load_pack(args.pack), threads=args.threads)
    seen = tally(detector, _pairs(street, "val"))
    clean = tally(detector, [pair for pair in _pairs(street, "train") if not may_train(pair[0].stem, "shipped")])
    drawn = tally(detector, _pairs(args.drawn, "")) if args.drawn else {}
    thresholds = settings(
        {category: _both(seen.get(category), clean.get(category)) for category in {*seen, *clean}}, drawn
    )
    pack = read_pack(args.pack)
    if args.card:
        pack["card"] |= json.loads(args.card.read_text(encoding="utf-8"))
    fill(pack, seen, thresholds)
    write_pack(args.pack, pack)
    _say("photographs (val)", seen, thresholds)
    _say("drawn frames", drawn, thresholds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
