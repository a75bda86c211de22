"""Where screening's bound for the hopeless may lie: what each would set aside of true finds and of false ones, on street photographs that no network learnt from.

What the vehicle's pack tells of each photograph of val at its own thresholds is looked at by the screening pack, as `work` does; a find is true if it meets a box that a
person labelled, false if there is none and the set labels such things. Of one that was merely not labelled it says false, so screening is better than the right column.

`python benchmarks/screening_bound.py` (two minutes on one core; `--kept` reckons with what was seen the last time, benchmarks/screening_bound.tsv)
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING

from models.training.measure import wilson

if TYPE_CHECKING:
    from models.runtime import Found
    from models.training.dataset import Sample

KEPT = Path(__file__).with_suffix(".tsv")
BOUNDS = [round(0.05 + 0.025 * step, 3) for step in range(11)]
MOST_LOST = 0.02
"""The share of true finds that may be lost, by the upper end of its interval."""
ONE_SIDED = 1.645
"""Standard errors up to which, with a certainty of 95 per cent, a share reaches at most."""


@dataclass(frozen=True)
class Find:
    """What a vehicle told of one thing: how probable it is to the vehicle and to the screening pack, and whether it is there."""

    category: str
    probability: float
    second: float
    is_true: bool

    @property
    def joined(self) -> float:
        """As screening has it of a case without records; one of critical severity is never hopeless."""
        from models.taxonomy import CATEGORIES
        from server.screening.rules import Seen, joined

        severity = CATEGORIES[self.category].severity
        return 1.0 if severity == "critical" else joined(Seen(0, self.probability, severity, False, None, self.second))


def set_aside(finds: Sequence[Find], bound: float, are_true: bool) -> tuple[int, int]:
    """How many of the true finds, or of the false ones, this bound sets aside, and of how many."""
    asked = [find for find in finds if find.is_true == are_true]
    return sum(find.joined < bound for find in asked), len(asked)


def chosen(finds: Sequence[Find]) -> float | None:
    """The highest bound that surely loses no more than MOST_LOST of the true finds; None if the lowest does, or may."""
    fit = [bound for bound in BOUNDS if wilson(*set_aside(finds, bound, True), ONE_SIDED)[1] <= MOST_LOST]
    return max(fit, default=None)


def kept() -> list[Find]:
    """What was seen the last time."""
    with KEPT.open(newline="", encoding="utf-8") as file:
        return [
            Find(row["category"], float(row["probability"]), float(row["second"]), row["is_true"] == "1")
            for row in csv.DictReader(file, delimiter="\t")
        ]


def keep(finds: Sequence[Find]) -> None:
    """Write down what was seen."""
    with KEPT.open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file, delimiter="\t", lineterminator="\n")
        rows.writerow([field.name for field in fields(Find)])
        rows.writerows((each.category, f"{each.probability:.4f}", f"{each.second:.4f}", int(each.is_true)) for each in finds)  # fmt: skip


def look() -> Iterator[Find]:
    """Both packs over the photographs of val. Raises FileNotFoundError where there are none."""
    from models.packs import load_pack
    from models.pixels import decode_jpeg, encode_jpeg, read_picture
    from models.runtime import Detector
    from models.training.data import street_folder
    from models.training.dataset import read_set
    from server.screening.second_look import SecondLook

    vehicle, screening = Detector(load_pack("street")), SecondLook("screening")
    samples = read_set(street_folder() / "data.yaml", "val")
    for number, sample in enumerate(samples, start=1):
        image = read_picture(sample.picture)
        evidence = decode_jpeg(encode_jpeg(image))
        for found in once(vehicle.detect(image)):
            is_true = judged(sample, found, image.shape[1], image.shape[0])
            second = screening.probability(evidence, list(found.box_px), found.label.category)
            if is_true is not None and second is not None:
                yield Find(found.label.category, found.probability, second, is_true)
        if number % 50 == 0:
            print(f"{number} of {len(samples)} photographs", file=sys.stderr)


def once(found: Sequence[Found]) -> list[Found]:
    """Problems alone, each thing once: two labels of one category may box the same, as crack and pothole do."""
    from models.runtime import OVERLAP
    from server.screening.rules import overlap

    told: list[Found] = []
    for each in sorted((each for each in found if each.label.role == "problem"), key=lambda each: -each.probability):
        same = (other for other in told if other.label.category == each.label.category)
        if all(overlap(other.box_px, each.box_px) < OVERLAP for other in same):
            told.append(each)
    return told


def judged(sample: Sample, found: Found, width: int, height: int) -> bool | None:
    """Whether a person would say that the thing is there; None if the set does not label such things."""
    from server.screening.rules import overlap
    from server.screening.second_look import SAME_THING

    if not sample.judges(found.label.category):
        return None
    there = [box.corners for box in sample.boxes if box.category == found.label.category]
    boxes = [(x1 * width, y1 * height, x2 * width, y2 * height) for x1, y1, x2, y2 in there]
    return any(overlap(box, found.box_px) >= SAME_THING for box in boxes)


def said(part: int, of: int) -> str:
    """A share with its 95 % interval."""
    low, high = wilson(part, of)
    return f"{part:3} of {of:3}  {part / of if of else 0:6.1%} ({low:.1%}–{high:.1%})"


def main() -> int:
    """Print the table, and the bound that it chooses, as JSON in the last line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kept", action="store_true", help="look at no photograph")
    args = parser.parse_args()
    from server.start import start

    with tempfile.TemporaryDirectory() as data:
        os.environ["TRIKEYE_DATA"] = data
        start()
        if not args.kept:
            keep(list(look()))
    finds = kept()
    print(f"{'bound':>6}  {'true finds set aside':32}  false finds set aside")
    for bound in BOUNDS:
        print(f"{bound:6.3f}  {said(*set_aside(finds, bound, True)):32}  {said(*set_aside(finds, bound, False))}")
    print(json.dumps({"bound": chosen(finds), "true": set_aside(finds, 0, True)[1], "false": set_aside(finds, 0, False)[1]}))  # fmt: skip
    return 0


if __name__ == "__main__":
    sys.exit(main())
