"""A training set out of exports of verdicts: what reviewers confirmed as boxes, what they rejected as hard negatives.

A picture teaches only about the categories judged in it; whatever else may stand in it is unlabelled, not absent. A confirmed box is a box of its class. A
rejected one says what is not in that box, and nothing of the rest of the picture, where another such thing may stand: so a second picture, named …-not.jpg,
shows the box and its surroundings alone, all else grey (to train on, not to measure on), and only there are the classes of its category known to be absent (`complete` in index.tsv: training
counts them as background in full). Boxes are the network's own, which a reviewer accepted without redrawing. Pictures of one scene, the cell of about 50 m in
which a case lies, stay on one side of train and val, and always on the same one, however the export grows.

Layout made in `out`: {images,labels}/{train,val}, train.txt (the pictures of an epoch), data.yaml, index.tsv, report.json; it appears whole or not at all.
"""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.pixels import Image, encode_jpeg, read_picture
from models.training.alike import alike, fingerprint
from models.training.classes import CLASSES, NAMES
from models.training.data import Row, write_rows
from models.training.measure import overlap
from models.verdicts import BadExport, Judged, Shown, picture_of, read_export

if TYPE_CHECKING:
    from models.runtime import Detector

VAL_SHARE = 0.2
SURE, SAME_PLACE = 0.5, 0.3
"""From which score a teacher's box counts, and how much it may overlap with a judged one."""
MOST_REPEATS, NEGATIVES = 4, 3
REACH_M = 100.0
"""Farther from the middle of a scene nothing of it is seen."""
GREY = 114
"""What a network sees around a picture."""
QUALITY = 92
Corners = tuple[float, float, float, float]
COLUMNS = ("file", "set", "licence", "scene", "split", "annotates", "complete")
CLASSES_OF = {
    category: tuple(each.name for each in CLASSES if each.category == category)
    for category in {each.category for each in CLASSES if each.category}
}
"""The network's classes that stand for a category, the first one foremost."""


@dataclass
class Taught:
    """What all verdicts together say of one picture: rows of its label file, the boxes with the category that they are, or are not, and the scores of the latter."""

    export: Path
    shown: Shown
    scene: str
    place_m: tuple[float, float]
    rows: set[Row] = field(default_factory=set)
    confirmed: dict[Corners, str] = field(default_factory=dict)
    rejected: dict[Corners, str] = field(default_factory=dict)
    scores: dict[Corners, float] = field(default_factory=dict)


@dataclass
class Report:
    """What was made: pictures of each split, boxes and hard negatives by category, the teacher's boxes by class, and lines left out with the reason."""

    pictures: Counter[str] = field(default_factory=Counter)
    boxes: Counter[str] = field(default_factory=Counter)
    negatives: Counter[str] = field(default_factory=Counter)
    taught: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)

    def as_json(self) -> dict[str, dict[str, int]]:
        """Plain values, commonest first."""
        return {name: dict(counts.most_common()) for name, counts in vars(self).items()}


def build(
    exports: Sequence[Path], out: Path, progress: Callable[[int, int], None], teacher: Detector | None = None
) -> Report:
    """Make the set. Where nobody judged, things of which `teacher` is sure become boxes too, so that training does not forget them. Raises BadExport; FileExistsError if `out` is there."""
    if out.exists():
        raise FileExistsError(f"{out} is there already; name a folder that is not")
    report = Report()
    taught = keep_hardest(read(((export, line) for export in exports for line in read_export(export)), report), report)
    if not taught:
        said = dict(report.left_out) or "no lines"
        raise BadExport(f"{', '.join(map(str, exports))} can teach nothing: {said}")
    val = val_scenes({each.scene for each in taught})
    like = near_val(taught, val)
    if like:
        report.left_out["a picture that is nearly one to measure on"] = len(like)
    taught = [each for each in taught if each.shown.sha256 not in like]
    part = out.with_name(f"{out.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    for split in ("train", "val"):
        for kind in ("images", "labels"):
            (part / kind / split).mkdir(parents=True)
    with (part / "index.tsv").open("w", newline="", encoding="utf-8") as file:
        index = csv.writer(file, delimiter="\t", lineterminator="\n")
        index.writerow(COLUMNS)
        for number, each in enumerate(taught, start=1):
            split = "val" if each.scene in val else "train"
            for name, known, complete in _pictures(each, part, split, teacher, report):
                index.writerow([name, "verdicts", "own", each.scene, split, _classes(known), _classes(complete)])
                report.pictures[split] += 1
            progress(number, len(taught))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
    (part / "train.txt").write_text("".join(f"./images/train/{name}\n" for name in an_epoch(part)))
    (part / "data.yaml").write_text(f"train: train.txt\nval: images/val\nnames:\n{names}")
    (part / "report.json").write_text(json.dumps(report.as_json(), indent=1))
    part.replace(out)
    return report


def read(lines: Iterable[tuple[Path, Judged]], report: Report) -> list[Taught]:
    """Gather by picture what the lines of exports teach, in the order of the pictures' digests."""
    pictures: dict[str, Taught] = {}
    for export, line in lines:
        why = _useless(line)
        if why:
            report.left_out[why] += 1
            continue
        for shown in line.pictures:
            if shown.box is not None:
                _learn(
                    pictures.setdefault(shown.sha256, Taught(export, shown, line.scene, line.place_m)),
                    line,
                    shown.box,
                    report,
                )
    return [pictures[sha256] for sha256 in sorted(pictures)]


def _useless(line: Judged) -> str:
    """Why a line teaches nothing; "" if it does."""
    if line.is_right is None:
        return "unsure" if line.verdict == "unsure" else "rejected for a reason that is not in the picture"
    if not any(shown.box for shown in line.pictures):
        return "no box in a picture"
    known = line.decided in CLASSES_OF if line.verdict == "confirmed" else line.proposed in CLASSES_OF
    return "" if known else "a category without a class of the network"


def _learn(picture: Taught, line: Judged, box: Corners, report: Report) -> None:
    if line.decided:
        x1, y1, x2, y2 = box
        row = (NAMES.index(class_of(line)), (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1)
        report.boxes[line.decided] += row not in picture.rows
        picture.rows.add(row)
        picture.confirmed[box] = line.decided
    if not line.is_right and line.proposed in CLASSES_OF:
        picture.rejected[box] = line.proposed
        picture.scores[box] = line.score


def keep_hardest(taught: Sequence[Taught], report: Report) -> list[Taught]:
    """Of each category's rejected boxes the surest, NEGATIVES for each confirmed one: with more a network learns that there is no such thing."""
    left: dict[str, list[tuple[float, str, Corners]]] = {}
    for each in taught:
        for box, category in each.rejected.items():
            left.setdefault(category, []).append((-each.scores[box], each.shown.sha256, box))
    kept = set()
    for category, boxes in left.items():
        most = NEGATIVES * max(1, report.boxes[category])
        kept |= {(sha256, box) for _, sha256, box in sorted(boxes)[:most]}
        report.negatives[category] = min(most, len(boxes))
        if len(boxes) > most:
            report.left_out["a rejection beyond three for each confirmation"] += len(boxes) - most
    for each in taught:
        each.rejected = {box: category for box, category in each.rejected.items() if (each.shown.sha256, box) in kept}
    return [each for each in taught if each.rejected or each.confirmed]


def _pictures(
    each: Taught, part: Path, split: str, teacher: Detector | None, report: Report
) -> Iterator[tuple[str, set[str], set[str]]]:
    """Write the picture for what was confirmed and the one for what was rejected; name, categories judged, categories absent of each."""
    source = picture_of(each.export, each.shown)
    for suffix, boxes in _parts(each, split):
        stem = f"{each.shown.sha256}{suffix}"
        picture = part / "images" / split / f"{stem}.jpg"
        rows: list[Row] = []
        if suffix:
            picture.write_bytes(encode_jpeg(alone(read_picture(source), each.rejected, each.confirmed), QUALITY))
        else:
            _place(source, picture)
            rows = sorted(each.rows) + (taught_by(teacher, read_picture(source), each, report) if teacher else [])
        write_rows(part / "labels" / split / f"{stem}.txt", rows)
        judged = set(boxes.values())
        yield picture.name, judged, judged if suffix else set()


def an_epoch(folder: Path) -> list[str]:
    """The pictures to train on; where most of them are rejected ones, those with boxes repeat until they are half, or MOST_REPEATS times over:
    a network that hears "no" nine times in ten learns to say nothing."""
    names = sorted(path.name for path in (folder / "images" / "train").iterdir())
    rejected = [name for name in names if name.endswith("-not.jpg")]
    boxed = [name for name in names if not name.endswith("-not.jpg")]
    times = min(MOST_REPEATS, max(1, round(len(rejected) / max(1, len(boxed)))))
    return boxed * times + rejected


def _parts(each: Taught, split: str) -> Iterator[tuple[str, dict[Corners, str]]]:
    """The boxes of the whole picture, and those to be shown alone. What is to be measured on stays whole: told there, a rejected box is a false alarm."""
    if split == "val":
        yield "", {**each.rejected, **each.confirmed}
        return
    if each.confirmed:
        yield "", each.confirmed
    if each.rejected:
        yield "-not", each.rejected


def taught_by(teacher: Detector, image: Image, each: Taught, report: Report) -> list[Row]:
    """What the teacher is sure of where nobody judged, of categories that nobody judged in this picture."""
    height, width = image.shape[:2]
    judged = [*each.confirmed, *each.rejected]
    categories = {*each.confirmed.values(), *each.rejected.values()}
    rows = []
    for found in teacher.detect(image, floor=SURE):
        x1, y1, x2, y2 = (edge / side for edge, side in zip(found.box_px, (width, height) * 2, strict=True))
        apart = all(overlap((x1, y1, x2, y2), box) < SAME_PLACE for box in judged)
        if (
            found.score >= SURE
            and apart
            and found.label.name in NAMES
            and found.label.category not in categories - {""}
        ):
            rows.append((NAMES.index(found.label.name), (x1 + x2) / 2, (y1 + y2) / 2, x2 - x1, y2 - y1))
            report.taught[found.label.name] += 1
    return rows


def alone(image: Image, rejected: Iterable[Corners], confirmed: Iterable[Corners]) -> Image:
    """The picture with nothing to be seen but the rejected boxes and half their size around them, less the confirmed ones."""
    height, width = image.shape[:2]
    shown = np.full_like(image, GREY)
    for margin, boxes, source in ((0.5, rejected, image), (0.0, confirmed, shown.copy()), (0.0, rejected, image)):
        for x1, y1, x2, y2 in boxes:
            across, down = margin * (x2 - x1), margin * (y2 - y1)
            columns = slice(max(0, int((x1 - across) * width)), max(1, round((x2 + across) * width)))
            rows = slice(max(0, int((y1 - down) * height)), max(1, round((y2 + down) * height)))
            shown[rows, columns] = source[rows, columns]
    return shown


def _classes(categories: set[str]) -> str:
    return " ".join(name for category in sorted(categories) for name in CLASSES_OF[category])


def class_of(line: Judged) -> str:
    """Which of the classes that share the decided category: the network's own label where it is one of them, else the first."""
    classes = CLASSES_OF[line.decided]
    return line.label if line.label in classes else classes[0]


def val_scenes(scenes: set[str]) -> set[str]:
    """About one scene in five, by a hash of its name; of two scenes or more at least one."""
    lots = {scene: int.from_bytes(hashlib.sha256(scene.encode()).digest()[:4], "big") / 2**32 for scene in scenes}
    chosen = {scene for scene, lot in lots.items() if lot < VAL_SHARE}
    if not chosen and len(scenes) > 1:
        chosen = {min(lots, key=lots.__getitem__)}
    return chosen if len(chosen) < len(scenes) else chosen - {max(lots, key=lots.__getitem__)}


def near_val(taught: Sequence[Taught], val: set[str]) -> set[str]:
    """Digests of pictures to train on that are nearly one to measure on: where cells meet, a vehicle takes both within a few metres."""
    places = np.array([each.place_m for each in taught])
    like: set[str] = set()
    for scene in sorted(val):
        here = np.array([each.scene == scene for each in taught])
        away = np.hypot(*(places - places[here].mean(axis=0)).T)
        ones = [each for each, far in zip(taught, away, strict=True) if far < REACH_M and each.scene not in val]
        others = [each for each, inside in zip(taught, here, strict=True) if inside]
        ours, theirs = (
            [fingerprint(read_picture(picture_of(e.export, e.shown))) for e in side] for side in (ones, others)
        )
        like |= {ones[pair.one].shown.sha256 for pair in alike(ours, theirs)}
    return like


def _place(picture: Path, target: Path) -> None:
    """One more name for the picture's bytes where the disk can, else a copy."""
    try:
        os.link(picture, target)
    except OSError:
        shutil.copyfile(picture, target)
