"""One training set out of photographs, a teacher's labels for what the photographs leave unlabelled, and drawn frames.

Layout made in `out`: {images,labels}/{train,val} with links to the pictures and YOLO text, data.yaml, report.json.
"""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from models.training.classes import CONTEXT_FROM_COCO, NAMES
from models.training.sets import Policy, may_train

MAX_DRAWN_SHARE = 0.15
TEACHER_CONFIDENCE = 0.5
FOLDS = 3
RARE_SHARE = 0.06
"""A class in fewer of the photographs than this has them repeated, by the square root of what it lacks (Gupta 2019, LVIS)."""
Row = tuple[int, float, float, float, float]
"""Class number, then centre x, centre y, width, height as shares of the picture."""


def street_folder() -> Path:
    """Where the street photographs lie: TRIKEYE_SHARED, else beside the checkout. Raises FileNotFoundError."""
    shared = Path(os.environ.get("TRIKEYE_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))
    folder = shared / "data" / "street"
    if not (folder / "index.tsv").exists():
        raise FileNotFoundError(
            f"no street photographs at {folder}: they cannot be shipped; name a labelled set of your own with --data DATA.yaml, or set TRIKEYE_SHARED to what holds data/street"
        )
    return folder


def read_rows(path: Path) -> list[Row]:
    """A YOLO label file. A missing file is a picture without boxes."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text().split("\n"):
        if line.strip():
            number, x, y, w, h = line.split()[:5]
            rows.append((int(number), float(x), float(y), float(w), float(h)))
    return rows


def write_rows(path: Path, rows: Iterable[Row]) -> None:
    """Write a YOLO label file."""
    path.write_text("".join(f"{n} {x:.5f} {y:.5f} {w:.5f} {h:.5f}\n" for n, x, y, w, h in rows))


def teach(pictures: list[Path], weights: Path, out: Path, image_size: int = 960) -> None:
    """Let COCO weights label people and vehicles where they are sure; one text per picture in `out`, resumable."""
    from ultralytics import YOLO

    out.mkdir(parents=True, exist_ok=True)
    network = YOLO(str(weights))
    todo = [picture for picture in pictures if not (out / f"{picture.stem}.txt").exists()]
    for done, picture in enumerate(todo):
        found = network.predict(str(picture), imgsz=image_size, conf=TEACHER_CONFIDENCE, verbose=False,
                                classes=list(CONTEXT_FROM_COCO))[0].boxes  # fmt: skip
        rows = [(NAMES.index(CONTEXT_FROM_COCO[int(c)]), *map(float, box))
                for c, box in zip(found.cls.tolist(), found.xywhn.tolist(), strict=True)]  # fmt: skip
        write_rows(out / f"{picture.stem}.txt", rows)  # type: ignore[arg-type]
        if done % 100 == 0:
            sys.stderr.write(f"teacher: {done} of {len(todo)}\n")


def drawn_allowed(photos: int, drawn: int) -> int:
    """How many of the drawn frames may join, so that they are at most MAX_DRAWN_SHARE of all training pictures."""
    return min(drawn, int(photos * MAX_DRAWN_SHARE / (1 - MAX_DRAWN_SHARE)))


def folds(street: Path) -> dict[str, int]:
    """File name → fold, by scene (two sets may share one): dealt out set by set, so that every fold has its share of each."""
    with (street / "index.tsv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    scenes = dict.fromkeys(row["scene"] for row in sorted(rows, key=lambda row: (row["set"], row["scene"])))
    dealt = {scene: number % FOLDS for number, scene in enumerate(scenes)}
    return {row["file"]: dealt[row["scene"]] for row in rows}


def photographs(street: Path, fold: int | None) -> dict[str, list[Path]]:
    """The photographs to train and to measure on: as the set is split, or with one of the folds to measure on."""
    every = {split: sorted((street / "images" / split).iterdir()) for split in ("train", "val")}
    if fold is None:
        return every
    dealt = folds(street)
    both = every["train"] + every["val"]
    return {"train": [p for p in both if dealt[p.name] != fold], "val": [p for p in both if dealt[p.name] == fold]}


def build(
    street: Path,
    teacher: Path,
    drawn: Path | None,
    out: Path,
    *,
    policy: Policy = "shipped",
    fold: int | None = None,
    seed: int = 1,
) -> dict[str, object]:
    """Put the set together and return the report. Drawn frames go to train only, once each; photographs of rare classes repeat."""
    shutil.rmtree(out, ignore_errors=True)
    boxes: Counter[str] = Counter()
    pictures: dict[str, int] = {}
    known: dict[str, set[int]] = {}
    for split, chosen in photographs(street, fold).items():
        (out / "images" / split).mkdir(parents=True)
        (out / "labels" / split).mkdir(parents=True)
        usable = [p for p in chosen if split == "val" or may_train(p.stem, policy)]
        for picture in usable:
            own = street / "labels" / picture.parent.name / f"{picture.stem}.txt"
            rows = read_rows(own) + read_rows(teacher / f"{picture.stem}.txt")
            _add(out, split, picture, rows)
            boxes.update(NAMES[row[0]] for row in rows if split == "train")
            known |= {picture.name: {row[0] for row in rows}} if split == "train" else {}
        pictures[split] = len(usable)
    frames = sorted((drawn / "images").glob("*.jpg")) if drawn else []
    joined = random.Random(seed).sample(frames, drawn_allowed(pictures["train"], len(frames)))
    for picture in joined:
        _add(out, "train", picture, read_rows(picture.parent.parent / "labels" / f"{picture.stem}.txt"))
    listed = [*repeated(known, seed), *(picture.name for picture in joined)]
    (out / "train.txt").write_text("".join(f"{out.resolve()}/images/train/{name}\n" for name in listed))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
    (out / "data.yaml").write_text(f"path: {out.resolve()}\ntrain: train.txt\nval: images/val\nnames:\n{names}")
    report: dict[str, object] = {"photos": pictures, "drawn": len(joined), "an_epoch": len(listed), "policy": policy, "photo_boxes": dict(boxes.most_common())}  # fmt: skip
    (out / "report.json").write_text(json.dumps(report, indent=1))
    return report


def repeated(known: dict[str, set[int]], seed: int) -> list[str]:
    """The photographs of one epoch: those of rare classes more than once, fractions decided by lot."""
    having = Counter(number for classes in known.values() for number in classes)
    lot = random.Random(seed)
    names = []
    for name, classes in sorted(known.items()):
        times = max([1.0, *((RARE_SHARE * len(known) / having[number]) ** 0.5 for number in classes)])
        names += [name] * (int(times) + (lot.random() < times % 1))
    return names


def _add(out: Path, split: str, picture: Path, rows: list[Row]) -> None:
    (out / "images" / split / picture.name).symlink_to(picture.resolve())
    write_rows(out / "labels" / split / f"{picture.stem}.txt", rows)
