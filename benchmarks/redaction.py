"""How many faces, heads and plates redaction makes unreadable, and how much of the evidence it eats.

`python benchmarks/redaction.py` (see --help). A plate or face counts as redacted when nine tenths of its box are covered, a head, whose labels are
coarse, when three quarters are. Recall comes with n and Wilson's lower bound, real pictures and rendered ones apart; the boxes labelled by eye are in
redaction_by_eye.tsv. Under 30 there is no verdict. Evidence is judged where a category is a problem by itself: a worker between his cones has a head.
The photographs are those of data/redaction and data/street below TRIKEYE_SHARED, which cannot be shipped.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from models.packs import load_pack
from models.pixels import Image, read_picture
from models.redaction import Box, Redactor
from models.taxonomy import CATEGORIES
from models.training.data import street_folder
from models.training.dataset import read_boxes, read_set
from models.training.figures import PROBLEMS
from models.training.measure import MIN_BOXES, wilson

COVERED = {"plate": 0.9, "face": 0.9, "head": 0.75}
LEAST_PX = {"plate": 40.0, "face": 12.0, "head": 16.0}
"""Widths of plates and faces, heights of heads, below which nobody can be told."""
VERDICT = {True: "holds", False: "short", None: "-"}
AIM_RECALL, AIM_BOUND, AIM_EATEN = 0.95, 0.88, 0.01
BY_EYE = Path(__file__).with_name("redaction_by_eye.tsv")
KINDS = ("face", "head", "plate")
Labelled = tuple[Path, list[tuple[str, Box]]]
"""A picture and what is in it: a kind, and corners as shares of the picture."""


def covered_share(box: Box, regions: Sequence[Box], image: Image) -> float:
    """The part of a box (corners as shares) that lies in regions (pixels)."""
    height, width = image.shape[:2]
    mask = np.zeros((height, width), bool)
    for x1, y1, x2, y2 in regions:
        mask[max(0, int(y1)) : max(0, int(np.ceil(y2))), max(0, int(x1)) : max(0, int(np.ceil(x2)))] = True
    x1, y1, x2, y2 = _pixels(box, width, height)
    inside = mask[int(y1) : int(np.ceil(y2)), int(x1) : int(np.ceil(x2))]
    return float(inside.mean()) if inside.size else 0.0


def recall(redactor: Redactor, pictures: Sequence[Labelled], what: str) -> dict[str, dict[str, Any]]:
    """Redacted, of how many, per kind; things too small to tell anybody by are left out."""
    there: dict[str, list[bool]] = defaultdict(list)
    for number, (path, things) in enumerate(pictures):
        _progress(what, number, len(pictures))
        image = read_picture(path)
        regions = redactor.regions(image)
        for kind, box in things:
            x1, y1, x2, y2 = _pixels(box, image.shape[1], image.shape[0])
            if (y2 - y1 if kind == "head" else x2 - x1) >= LEAST_PX[kind]:
                there[kind].append(covered_share(box, regions, image) >= COVERED[kind])
    return {kind: _row(sum(hits), len(hits)) for kind, hits in sorted(there.items())}


def eaten(redactor: Redactor, split: str) -> dict[str, dict[str, Any]]:
    """The share of the area of boxes that redaction covers, by category, over the street photographs."""
    covered: dict[str, list[tuple[float, float]]] = defaultdict(list)
    samples = [each for each in read_set(street_folder() / "data.yaml", split) if each.boxes]
    for number, each in enumerate(samples):
        _progress("evidence", number, len(samples))
        image = read_picture(each.picture)
        regions = redactor.regions(image)
        for box in each.boxes:
            if box.category in CATEGORIES:
                x1, y1, x2, y2 = _pixels(box.corners, image.shape[1], image.shape[0])
                area = (x2 - x1) * (y2 - y1)
                covered[box.category].append((covered_share(box.corners, regions, image) * area, area))
    result = {}
    for name, rows in sorted(covered.items()):
        share = sum(c for c, _ in rows) / sum(a for _, a in rows)
        judged = name in PROBLEMS and len(rows) >= MIN_BOXES
        result[name] = {"boxes": len(rows), "share": share, "holds": share <= AIM_EATEN if judged else None}
    return result


def of_set(folder: Path, names: Sequence[str], split: str) -> Iterator[Labelled]:
    """One split of a YOLO set."""
    for path in sorted((folder / "images" / split).iterdir()):
        boxes = read_boxes(folder / "labels" / split / f"{path.stem}.txt", list(names))
        yield path, [(box.category, box.corners) for box in boxes if box.category in KINDS]


def by_eye(street: Path) -> list[Labelled]:
    """The street photographs that were labelled by eye, found by their digests."""
    wanted: dict[str, list[tuple[str, Box]]] = defaultdict(list)
    with BY_EYE.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            x1, y1, x2, y2 = (float(row[key]) for key in ("x1", "y1", "x2", "y2"))
            wanted[row["sha256"]].append((row["kind"], (x1, y1, x2, y2)))
    known = {hashlib.sha256(p.read_bytes()).hexdigest(): p for p in sorted((street / "images").rglob("*.webp"))}
    return [(known[digest], things) for digest, things in wanted.items() if digest in known]


def main() -> int:
    """Print one row per kind and category; exit 1 if an aim is missed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", default="redaction", help="pack that redacts (default: %(default)s)")
    parser.add_argument(
        "--rendered", type=Path, help="folder of drawn plates (demo.ride.plates) that nobody trained on"
    )
    parser.add_argument("--split", default="val", help="of the street photographs, for eaten evidence (default: val)")
    parser.add_argument("--json", action="store_true")
    args = parser.parse_args()
    redactor, street = Redactor(load_pack(args.pack), threads=2), street_folder()
    photos = [*of_set(street.parent / "redaction", KINDS, "train"), *of_set(street.parent / "redaction", KINDS, "val")]
    groups = {"real": [*photos, *by_eye(street)]}
    if args.rendered:
        groups["rendered"] = [
            (path, [("plate", box.corners) for box in read_boxes(args.rendered / "labels" / f"{path.stem}.txt", ["head", "plate"])])
            for path in sorted((args.rendered / "images").iterdir())
        ]  # fmt: skip
    result = {name: recall(redactor, pictures, name) for name, pictures in groups.items()}
    lost = eaten(redactor, args.split)
    print("\n".join(_table(result, lost)))
    if args.json:
        print(json.dumps({"recall": result, "eaten": lost}))
    judged = [*(row for rows in result.values() for row in rows.values()), *lost.values()]
    return 1 if any(row["holds"] is False for row in judged) else 0


def _row(hits: int, of: int) -> dict[str, Any]:
    share, bound = hits / of, wilson(hits, of)[0]
    return {"redacted": hits, "of": of, "recall": share, "wilson_lower": bound, "holds": share >= AIM_RECALL and bound >= AIM_BOUND if of >= MIN_BOXES else None}  # fmt: skip


def _table(
    result: Mapping[str, Mapping[str, Mapping[str, Any]]], lost: Mapping[str, Mapping[str, Any]]
) -> Iterator[str]:
    yield f"{'pictures':<16}{'kind':<8}{'redacted':>12}{'recall':>9}{'lower bound':>13}"
    for name, rows in result.items():
        for kind, row in rows.items():
            yield f"{name:<16}{kind:<8}{row['redacted']:>5} of {row['of']:<4}{row['recall']:>8.3f}{row['wilson_lower']:>13.3f}  {VERDICT[row['holds']]}"
    yield f"covered of the boxes of evidence (of problems at most {AIM_EATEN:.0%}):"
    for category, row in lost.items():
        yield f"  {category:<28}{row['boxes']:>5} boxes{row['share']:>8.2%}  {VERDICT[row['holds']]}"


def _pixels(box: Box, width: int, height: int) -> Box:
    return box[0] * width, box[1] * height, box[2] * width, box[3] * height


def _progress(what: str, number: int, of: int) -> None:
    if sys.stderr.isatty() or number % 200 == 0:
        print(f"\r{what}: {number} of {of}", end="" if sys.stderr.isatty() else "\n", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
