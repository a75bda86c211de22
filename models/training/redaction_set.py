"""The training set of the redaction network: heads, plates, persons and vehicles in street photographs and in windows with drawn plates.

`python -m models.training.redaction_set --coco YOLO.pt --faces YUNET.onnx --plates PLATES.onnx --seen LABELS --windows DIR --out DIR`
(LABELS as `trikeye models train --teacher` leaves them in WORK/teacher, DIR as demo.ride.plates writes it)
Teachers label; a drawn plate needs none. Of the photographs in which nobody is and nothing drives, some are kept too: signs and bins must not be blurred.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from models.boxes import iou
from models.pixels import Image, read_picture
from models.training.data import read_rows, street_folder
from models.training.sets import Policy, may_train, set_of, shares
from models.training.teachers import CocoTeacher, FaceTeacher, Found, PlateTeacher

NAMES = ("head", "plate", "person", "vehicle")
SURE_PERSON, SURE_VEHICLE, SURE_FACE, SURE_PLATE = 0.4, 0.4, 0.6, 0.5
HEAD_OF_HEIGHT = 0.17
"""A standing person is about six heads and a bit high, hair and all."""
LEAST_HEAD_PX, STANDING = 6.0, 1.9
POLICY: Policy = "shipped"
HEADS_REPEAT = 3
EMPTY = 300
Box = tuple[float, float, float, float]


def heads_of(people: Found, faces: Found) -> list[Box]:
    """The head of every person: around a face where one is seen in the upper part, else the top of a standing one."""
    heads = []
    for person, _ in people:
        x1, y1, x2, y2 = person
        own = [
            face
            for face, _ in faces
            if x1 <= (face[0] + face[2]) / 2 <= x2 and y1 - 5 <= (face[1] + face[3]) / 2 <= y1 + 0.5 * (y2 - y1)
        ]
        if own:
            heads.append(_around_face(own[0]))
        elif (y2 - y1) > STANDING * (x2 - x1) and y1 > 2:
            side = HEAD_OF_HEIGHT * (y2 - y1)
            middle = (x1 + x2) / 2
            heads.append((middle - 0.45 * side, y1 - 0.03 * side, middle + 0.45 * side, y1 + side))
    return [head for head in heads if head[3] - head[1] >= LEAST_HEAD_PX]


def plates_on(vehicles: Found, plates: Found) -> list[Box]:
    """Plates that are on a vehicle: the teacher fires on shop signs."""
    return [
        plate for plate, _ in plates
        if any(v[0] <= (plate[0] + plate[2]) / 2 <= v[2] and v[1] + 0.2 * (v[3] - v[1]) <= (plate[1] + plate[3]) / 2 <= v[3] * 1.03 for v, _ in vehicles)
    ]  # fmt: skip


def label(
    image: Image, drawn: list[Box], teachers: tuple[CocoTeacher, FaceTeacher, PlateTeacher]
) -> list[tuple[int, Box]]:
    """Every box of one picture."""
    coco, faces, plates = teachers
    people, vehicles = coco.people_and_vehicles(image, min(SURE_PERSON, SURE_VEHICLE))
    seen = plates_on(vehicles, plates.plates(image, SURE_PLATE)) if vehicles else []
    heads = heads_of(people, faces.faces(image, SURE_FACE)) if people else []
    fresh = [box for box in seen if not any(_same(box, other) for other in drawn)]
    return [
        *((0, box) for box in heads), *((1, box) for box in (*drawn, *fresh)),
        *((2, box) for box, _ in people), *((3, box) for box, _ in vehicles),
    ]  # fmt: skip


def build(
    pictures: Iterable[tuple[Path, list[Box]]], out: Path, teachers: tuple[CocoTeacher, FaceTeacher, PlateTeacher]
) -> Counter[str]:
    """Label and lay out; what is there already is left alone, so that an interrupted run goes on."""
    for part in ("images", "labels"):
        (out / part / "train").mkdir(parents=True, exist_ok=True)
    counts: Counter[str] = Counter()
    for number, (path, drawn) in enumerate(pictures):
        target = out / "labels" / "train" / f"{path.stem}.txt"
        if not target.exists():
            image = read_picture(path)
            height, width = image.shape[:2]
            rows = label(
                image, [(x1 * width, y1 * height, x2 * width, y2 * height) for x1, y1, x2, y2 in drawn], teachers
            )
            shutil.copy(path, out / "images" / "train" / path.name)
            target.write_text("".join(_row(kind, box, width, height) for kind, box in rows))
        counts.update(NAMES[int(line.split()[0])] for line in target.read_text().splitlines())
        counts["pictures"] += 1
        if number % 100 == 0:
            sys.stderr.write(f"{number}: {dict(counts)}\n")
    _describe(out, counts)
    return counts


def _describe(out: Path, counts: Counter[str]) -> None:
    """What the set is made of and under which terms, the pictures of an epoch, and what ultralytics reads."""
    sets: dict[str, tuple[int, int]] = {}
    for path in (out / "labels" / "train").iterdir():
        pictures_of, boxes_of = sets.get(set_of(path.stem), (0, 0))
        sets[set_of(path.stem)] = pictures_of + 1, boxes_of + len(read_rows(path))
    (out / "report.json").write_text(json.dumps({"policy": POLICY, "sets": shares(sets), "boxes": counts}, indent=1))
    (out / "train.txt").write_text("".join(f"{out.resolve()}/images/train/{name}\n" for name in _listed(out)))
    names = "".join(f"  {number}: {name}\n" for number, name in enumerate(NAMES))
    (out / "data.yaml").write_text(f"path: {out.resolve()}\ntrain: train.txt\nval: images/train\nnames:\n{names}")


def _listed(out: Path) -> Iterator[str]:
    """The pictures of an epoch: those with a head several times, for people are few on these streets."""
    for picture in sorted((out / "images" / "train").iterdir()):
        labels = (out / "labels" / "train" / f"{picture.stem}.txt").read_text().split("\n")
        head = any(line.startswith(f"{NAMES.index('head')} ") for line in labels)
        yield from [picture.name] * (HEADS_REPEAT if head else 1)


def _around_face(face: Box) -> Box:
    x1, y1, x2, y2 = face
    w, h = x2 - x1, y2 - y1
    return x1 - 0.2 * w, y1 - 0.35 * h, x2 + 0.2 * w, y2 + 0.1 * h


def _same(a: Box, b: Box) -> bool:
    return bool(iou(np.asarray(a, np.float32), np.asarray([b], np.float32))[0] > 0.2)


def _row(kind: int, box: Box, width: int, height: int) -> str:
    x1, y1, x2, y2 = (
        max(0.0, box[0]) / width,
        max(0.0, box[1]) / height,
        min(width, box[2]) / width,
        min(height, box[3]) / height,
    )
    return (
        f"{kind} {(x1 + x2) / 2:.5f} {(y1 + y2) / 2:.5f} {x2 - x1:.5f} {y2 - y1:.5f}\n" if x2 > x1 and y2 > y1 else ""
    )


def _drawn(labels: Path) -> list[Box]:
    rows = [list(map(float, line.split()[1:5])) for line in labels.read_text().splitlines()]
    return [(x - w / 2, y - h / 2, x + w / 2, y + h / 2) for x, y, w, h in rows]


def main() -> int:
    """Build the set from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, words in (("coco", "people and vehicles"), ("faces", "faces"), ("plates", "plates")):
        parser.add_argument(f"--{name}", type=Path, required=True, help=f"weights of the teacher for {words}")
    parser.add_argument("--seen", type=Path, required=True, help="folder of labels: photographs without one are empty")
    parser.add_argument("--windows", type=Path, required=True, help="folder that demo.ride.plates wrote")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    allowed = [p for p in sorted((street_folder() / "images" / "train").iterdir()) if may_train(p.stem, POLICY)]
    busy = [p for p in allowed if read_rows(args.seen / f"{p.stem}.txt")]
    empty = random.Random(1).sample(sorted(set(allowed) - set(busy)), EMPTY)
    photos: list[tuple[Path, list[Box]]] = [(p, []) for p in (*busy, *empty)]
    windows = [
        (p, _drawn(args.windows / "labels" / f"{p.stem}.txt"))
        for p in sorted((args.windows / "images").iterdir())
        if may_train(p.stem, POLICY)
    ]
    counts = build(
        [*photos, *windows], args.out, (CocoTeacher(args.coco), FaceTeacher(args.faces), PlateTeacher(args.plates))
    )
    sys.stdout.write(json.dumps(counts) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
