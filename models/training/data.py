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

from models.pixels import read_picture
from models.training.alike import alike, fingerprint
from models.training.classes import CONTEXT_FROM_COCO, NAMES
from models.training.sets import BadSet, Policy, may_train, read_index, set_of, shares

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
    """Put the set together, whole or not at all, and return the report. Drawn frames go to train only, once each; photographs of rare
    classes repeat; one that is nearly a photograph of val is left out of train. Raises BadSet where a scene is on both sides."""
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    boxes: Counter[str] = Counter()
    sets: dict[str, tuple[int, int]] = {}
    known: dict[str, set[int]] = {}
    sides, left_out = apart(street, photographs(street, fold), policy)
    for split, chosen in sides.items():
        (part / "images" / split).mkdir(parents=True)
        (part / "labels" / split).mkdir(parents=True)
        for picture in chosen:
            own = read_rows(street / "labels" / picture.parent.name / f"{picture.stem}.txt")
            rows = own + read_rows(teacher / f"{picture.stem}.txt")
            _add(part, split, picture, rows)
            if split == "train":
                boxes.update(NAMES[row[0]] for row in rows)
                known[picture.name] = {row[0] for row in rows}
                seen = sets.get(set_of(picture.stem), (0, 0))
                sets[set_of(picture.stem)] = seen[0] + 1, seen[1] + len(own)
    frames = sorted((drawn / "images").glob("*.jpg")) if drawn else []
    joined = random.Random(seed).sample(frames, drawn_allowed(len(sides["train"]), len(frames)))
    for picture in joined:
        _add(part, "train", picture, read_rows(picture.parent.parent / "labels" / f"{picture.stem}.txt"))
    listed = [*repeated(known, seed), *(picture.name for picture in joined)]
    (part / "train.txt").write_text("".join(f"{out.resolve()}/images/train/{name}\n" for name in listed))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
    (part / "data.yaml").write_text(f"path: {out.resolve()}\ntrain: train.txt\nval: images/val\nnames:\n{names}")
    photos = {split: len(chosen) for split, chosen in sides.items()}
    report: dict[str, object] = {
        "photos": photos, "drawn": len(joined), "an_epoch": len(listed), "policy": policy, "fold": fold, "sets": shares(sets),
        "left_out_as_alike": left_out, "photo_boxes": dict(boxes.most_common()),
    }  # fmt: skip
    (part / "report.json").write_text(json.dumps(report, indent=1))
    shutil.rmtree(out, ignore_errors=True)
    part.rename(out)
    return report


def apart(
    street: Path, chosen: dict[str, list[Path]], policy: Policy
) -> tuple[dict[str, list[Path]], list[tuple[str, str]]]:
    """The sides with nothing of one in the other: what the policy forbids and what is nearly a picture of val leaves train.

    Also returns (file left out, file of val it is like). Raises BadSet where a scene is on both sides, BadPicture."""
    index = read_index(street / "index.tsv")
    scenes = {
        split: {index[p.name].get("scene", ""): p for p in here if p.name in index} for split, here in chosen.items()
    }
    for scene in sorted((scenes["train"].keys() & scenes["val"].keys()) - {""}):
        there, here = scenes["train"][scene], scenes["val"][scene]
        raise BadSet(
            f"{street / 'index.tsv'}: scene {scene} is on both sides: {there} is to train on, {here} to measure on"
        )
    train = [picture for picture in chosen["train"] if may_train(picture.stem, policy)]
    ones, others = ([fingerprint(read_picture(picture)) for picture in side] for side in (train, chosen["val"]))
    like = {train[pair.one]: chosen["val"][pair.other] for pair in reversed(alike(ones, others))}
    left_out = [(picture.name, like[picture].name) for picture in train if picture in like]
    return {"train": [picture for picture in train if picture not in like], "val": chosen["val"]}, left_out


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
