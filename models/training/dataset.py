"""Sets of pictures with YOLO labels, read with what each picture's set annotates. Raises BadSet with file and line; reads labels, never pixels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from math import isfinite
from pathlib import Path

import yaml

from models.taxonomy import CATEGORIES
from models.training.classes import CLASSES
from models.training.sets import BadSet as BadSet
from models.training.sets import read_index, source_of

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
DATA = "data.yaml"
SPLITS = ("train", "val", "test")
OUTSIDE = 0.01
"""How far a box may stand out of the picture, as a share of it: rounding does that."""
MEASURED_AS = {each.name: each.category or each.name for each in CLASSES}
"""What a class is measured as: its category, or itself if it has none."""


@dataclass(frozen=True)
class Box:
    """A labelled thing: its category, and x1, y1, x2, y2 as shares of the picture."""

    category: str
    corners: tuple[float, float, float, float]


@dataclass(frozen=True)
class Sample:
    """A picture with its boxes. It may be judged for the categories that its set annotates, and a false alarm in it is one for
    those of which its set leaves none out; None is all categories."""

    picture: Path
    boxes: tuple[Box, ...]
    set: str
    scene: str
    annotates: frozenset[str] | None = None
    complete: frozenset[str] | None = None

    def judges(self, category: str, completely: bool = False) -> bool:
        """Whether a missing or wrong box of a category means something in this picture."""
        known = self.complete if completely else self.annotates
        return known is None or category in known


def read_set(data: Path, split: str) -> list[Sample]:
    """One split of a YOLO set by its data.yaml, in name order. Raises BadSet."""
    folder = open_set(data)
    pictures = folder.pictures(split)
    if not any(labels_of(picture).exists() for picture in pictures):
        raise BadSet(
            f"{data}: no picture of {split!r} has a label file; the first was looked for at {labels_of(pictures[0])}"
        )
    index = read_index(folder.root / "index.tsv")
    return [_sample(picture, folder.names, index) for picture in pictures]


@dataclass(frozen=True)
class Folder:
    """What a data.yaml says: what each class is measured as, and where the pictures of each split lie, below `root`."""

    data: Path
    root: Path
    names: list[str]
    splits: dict[str, str]

    def pictures(self, split: str) -> list[Path]:
        """The pictures of a split in name order, one or more. Raises BadSet."""
        if split not in self.splits:
            raise BadSet(f"{self.data} has no split {split!r}; it has {', '.join(self.splits)}")
        pictures = sorted(_pictures(self.root, self.splits[split]))
        if not pictures:
            raise BadSet(f"{self.data}: no pictures under {self.root / self.splits[split]}")
        return pictures


def open_set(data: Path) -> Folder:
    """Read a data.yaml, or that of a folder. Raises BadSet."""
    if (data / DATA).is_file():
        data = data / DATA
    about = _about(data)
    splits = {key: str(about[key]) for key in SPLITS if about.get(key)}
    return Folder(data, _root(data, about.get("path")), _names(data, about.get("names")), splits)


def scenes_on_both_sides(one: list[Sample], other: list[Sample]) -> set[str]:
    """Scenes that two splits share: what is measured on them was learnt by heart."""
    return {s.scene for s in one if s.scene} & {s.scene for s in other if s.scene}


def fit_to_train(data: Path) -> None:
    """Refuse a set before hours go into it: a label that cannot be read, a scene to train on that is also measured on. Raises BadSet."""
    train = read_set(data, "train")
    val = read_set(data, "val") if "val" in open_set(data).splits else []
    shared = scenes_on_both_sides(train, val)
    if shared:
        scene = min(shared)
        one, other = (next(each.picture for each in side if each.scene == scene) for side in (train, val))
        raise BadSet(
            f"{data}: scene {scene} is on both sides: {one} is to train on, {other} to measure on; see trikeye models dataset check {data}"
        )


def _about(data: Path) -> dict[str, object]:
    if data.is_dir():
        raise BadSet(f"{data} is a folder; name the data.yaml of a YOLO set")
    try:
        about = yaml.safe_load(data.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise BadSet(f"{data} does not exist; name the data.yaml of a YOLO set") from None
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as wrong:
        raise BadSet(f"{data} cannot be read: {wrong}") from None
    if not isinstance(about, dict):
        raise BadSet(f"{data} holds no keys; it wants names, train and val")
    return about


def _names(data: Path, given: object) -> list[str]:
    names = list(given.values()) if isinstance(given, dict) else given
    if not isinstance(names, list) or not names:
        raise BadSet(f"{data}: names is missing")
    for name in names:
        if name not in MEASURED_AS and name not in CATEGORIES:
            raise BadSet(f"{data}: {name!r} is no category and no class; {_nearest(str(name))}")
    return [MEASURED_AS.get(str(name), str(name)) for name in names]


def _nearest(name: str) -> str:
    """Which names are meant perhaps: those written alike, and those that share a word with it."""
    known = sorted(MEASURED_AS.keys() | CATEGORIES.keys())
    wanted = name.lower().replace(" ", "_").replace("-", "_")
    alike = get_close_matches(wanted, known, n=4)
    sharing = [each for each in known if set(each.split("_")) & set(wanted.split("_"))]
    near = list(dict.fromkeys([*alike, *sharing]))[:6]
    return f"the nearest are: {', '.join(near)}" if near else f"there are: {', '.join(known)}"


def _root(data: Path, given: object) -> Path:
    return data.parent if given is None else (data.parent / str(given)).resolve()


def _pictures(root: Path, where: str) -> Iterator[Path]:
    place = root / where
    if place.suffix == ".txt" and place.is_file():
        yield from (root / line.strip() for line in place.read_text().split("\n") if line.strip())
    elif place.is_dir():
        yield from (path for path in place.rglob("*") if path.suffix.lower() in PICTURES)


def _sample(picture: Path, names: list[str], index: dict[str, dict[str, str]]) -> Sample:
    row = index.get(picture.name, {})
    source = source_of(row)
    known = [frozenset(MEASURED_AS[n] for n in each) for each in (source.annotates, source.complete)] if source else []
    boxes = tuple(read_boxes(labels_of(picture), names))
    return Sample(picture, boxes, row.get("set", ""), row.get("scene", ""), *known)


def labels_of(picture: Path) -> Path:
    """The label file of a picture: beside the last folder of its path called images there is one called labels."""
    parts = list(picture.parts)
    if "images" in parts:
        parts[len(parts) - 1 - parts[::-1].index("images")] = "labels"
    return Path(*parts).with_suffix(".txt")


def read_boxes(labels: Path, names: list[str]) -> Iterator[Box]:
    """The boxes of one label file. A missing file is a picture in which nothing is labelled. Raises BadSet."""
    for number, line in lines_of(labels):
        yield box_of(labels, number, line, names)


def lines_of(labels: Path) -> Iterator[tuple[int, str]]:
    """The lines of a label file that say something, with their numbers; none of a missing file. Raises BadSet."""
    try:
        text = labels.read_text(encoding="utf-8") if labels.exists() else ""
    except (OSError, UnicodeDecodeError) as wrong:
        raise BadSet(f"{labels} cannot be read: {wrong}") from None
    yield from ((number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip())


def box_of(labels: Path, number: int, line: str, names: list[str]) -> Box:
    """The box that a line of a label file tells. Raises BadSet."""
    try:
        kind, x, y, w, h = (float(word) for word in line.split()[:5])
    except ValueError:
        raise BadSet(f"{labels}:{number}: a box is five numbers, this is {line[:60]!r}") from None
    if not kind.is_integer() or not 0 <= kind < len(names):
        raise BadSet(f"{labels}:{number}: class {kind:g}, but the set has {len(names)} names")
    corners = (x - w / 2, y - h / 2, x + w / 2, y + h / 2)
    if not all(isfinite(c) and -OUTSIDE <= c <= 1 + OUTSIDE for c in corners) or w <= 0 or h <= 0:
        raise BadSet(f"{labels}:{number}: the box lies outside of the picture or is empty: {line[:60]!r}")
    x1, y1, x2, y2 = (min(1.0, max(0.0, c)) for c in corners)
    return Box(names[int(kind)], (x1, y1, x2, y2))
