"""One training set out of photographs, a teacher's labels for what the photographs leave unlabelled, and drawn frames.

Layout made in `out`: {images,labels}/{train,val} with links to the pictures and YOLO text, data.yaml, report.json.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from models.training.classes import CONTEXT_FROM_COCO, NAMES
from models.training.sets import MEASURE_ONLY, set_of

MAX_DRAWN_SHARE = 0.15
TEACHER_CONFIDENCE = 0.5
Row = tuple[int, float, float, float, float]
"""Class number, then centre x, centre y, width, height as shares of the picture."""


def street_folder() -> Path:
    """Where the street photographs lie: TRIKEYE_SHARED, else beside the checkout. Raises FileNotFoundError."""
    shared = Path(os.environ.get("TRIKEYE_SHARED", Path(__file__).resolve().parents[2].parent / "shared"))
    folder = shared / "data" / "street"
    if not (folder / "index.tsv").exists():
        raise FileNotFoundError(f"no street photographs at {folder}; set TRIKEYE_SHARED to what holds data/street")
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


def build(street: Path, teacher: Path, drawn: Path | None, out: Path, seed: int = 1) -> dict[str, object]:
    """Put the set together and return the report. Drawn frames go to train only."""
    shutil.rmtree(out, ignore_errors=True)
    boxes: Counter[str] = Counter()
    pictures: dict[str, int] = {}
    for split in ("train", "val"):
        (out / "images" / split).mkdir(parents=True)
        (out / "labels" / split).mkdir(parents=True)
        for picture in sorted((street / "images" / split).iterdir()):
            if split == "train" and set_of(picture.stem) in MEASURE_ONLY:
                continue
            rows = read_rows(street / "labels" / split / f"{picture.stem}.txt") + read_rows(
                teacher / f"{picture.stem}.txt"
            )
            _add(out, split, picture, rows)
            boxes.update(NAMES[row[0]] for row in rows if split == "train")
        pictures[split] = len(list((out / "images" / split).iterdir()))
    frames = sorted((drawn / "images").glob("*.jpg")) if drawn else []
    chosen = random.Random(seed).sample(frames, drawn_allowed(pictures["train"], len(frames)))
    for picture in chosen:
        _add(out, "train", picture, read_rows(picture.parent.parent / "labels" / f"{picture.stem}.txt"))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
    (out / "data.yaml").write_text(f"path: {out.resolve()}\ntrain: images/train\nval: images/val\nnames:\n{names}")
    report: dict[str, object] = {"photos": pictures, "drawn": len(chosen), "photo_boxes": dict(boxes.most_common())}
    (out / "report.json").write_text(json.dumps(report, indent=1))
    return report


def _add(out: Path, split: str, picture: Path, rows: list[Row]) -> None:
    (out / "images" / split / picture.name).symlink_to(picture.resolve())
    write_rows(out / "labels" / split / f"{picture.stem}.txt", rows)
