"""What is wrong with a labelled set, found all at once: an error makes what is trained or measured on it wrong, a note may be meant.

Reads labels, index and pictures; writes nothing.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from models.pixels import BadPicture, read_picture
from models.training.alike import Print, alike, fingerprint
from models.training.dataset import BadSet, Box, Folder, box_of, labels_of, lines_of, open_set
from models.training.measure import overlap
from models.training.sets import SOURCES, read_index

TWICE = 0.95
"""Two boxes of one category that overlap by as much are one thing labelled twice."""
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, where (file, or file:line), and what it is."""

    weight: Literal["error", "note"]
    where: str
    words: str


@dataclass
class Checked:
    """What was found, with pictures and boxes by split, and by set: [pictures, boxes]."""

    findings: list[Finding] = field(default_factory=list)
    splits: dict[str, tuple[int, int]] = field(default_factory=dict)
    sets: dict[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def errors(self) -> int:
        return sum(each.weight == "error" for each in self.findings)


def check(data: Path, progress: Progress) -> Checked:
    """Check every split. Raises BadSet where data.yaml or index.tsv cannot be read at all."""
    folder = open_set(data)
    pictures = {split: folder.pictures(split) for split in folder.splits}
    index = read_index(folder.root / "index.tsv")
    result = Checked()
    boxes: dict[str, int] = {}
    for split, here in pictures.items():
        told = {picture.name: list(_labels(picture, folder, result.findings)) for picture in here}
        boxes |= {name: len(each) for name, each in told.items()}
        result.splits[split] = (len(here), sum(len(each) for each in told.values()))
        result.findings += _missing(split, here)
    result.findings += _indexed(folder, pictures, index)
    result.findings += _same(folder, pictures)
    apart = {split: [each for each in here if _first_in(each, pictures) == split] for split, here in pictures.items()}
    result.findings += scenes_shared(
        {split: [(p, index.get(p.name, {}).get("scene", "")) for p in here] for split, here in apart.items()}
    )
    result.findings += _alike(apart, progress)
    result.sets = _by_set((picture.name for here in pictures.values() for picture in here), index, boxes)
    return result


def _labels(picture: Path, folder: Folder, findings: list[Finding]) -> Iterator[Box]:
    """The boxes of one picture that are boxes, each once; what is none, or is there twice, goes to `findings`."""
    labels, seen = labels_of(picture), list[Box]()
    try:
        for number, line in lines_of(labels):
            try:
                box = box_of(labels, number, line, folder.names)
            except BadSet as wrong:
                findings.append(Finding("error", f"{labels}:{number}", str(wrong).removeprefix(f"{labels}:{number}: ")))
                continue
            if any(box.category == other.category and overlap(box.corners, other.corners) >= TWICE for other in seen):
                findings.append(
                    Finding(
                        "error",
                        f"{labels}:{number}",
                        f"{box.category} is boxed twice in one place: one of the two would count as missed",
                    )
                )
            seen.append(box)
    except BadSet as wrong:
        findings.append(Finding("error", str(labels), str(wrong)))
    yield from seen


def _missing(split: str, pictures: Sequence[Path]) -> list[Finding]:
    """Label files that are not there, are empty, or have no picture."""
    files = [labels_of(picture) for picture in pictures]
    there = [path for path in files if path.exists()]
    if not there:
        return [Finding("error", split, f"no picture has a label file; the first was looked for at {files[0]}")]
    found = []
    missing, empty = [path for path in files if not path.exists()], [path for path in there if not path.stat().st_size]
    for what, paths in (("have no label file", missing), ("have an empty label file", empty)):
        if paths:
            found.append(
                Finding(
                    "note",
                    split,
                    f"{len(paths)} of {len(files)} pictures {what} and count as holding nothing: {_first(paths)}",
                )
            )
    strange = {path for folder in {path.parent for path in there} for path in folder.glob("*.txt")} - set(files)
    if strange:
        found.append(Finding("note", split, f"{len(strange)} label files have no picture: {_first(sorted(strange))}"))
    return found


def _indexed(
    folder: Folder, pictures: Mapping[str, Sequence[Path]], index: Mapping[str, Mapping[str, str]]
) -> list[Finding]:
    names = [picture.name for here in pictures.values() for picture in here]
    where = str(folder.root / "index.tsv")
    if not index:
        return [
            Finding(
                "note",
                where,
                "there is no index: every picture counts as labelled for every category, and nobody says which are of one scene or may be used",
            )
        ]
    found = []
    unnamed = sorted({name for name in names if name not in index})
    if unnamed:
        found.append(
            Finding(
                "note",
                where,
                f"{len(unnamed)} pictures have no row, so they count as labelled for every category: {unnamed[0]}",
            )
        )
    unknown = sorted(
        {index[name].get("set", "") for name in names if name in index and not index[name].get("annotates")}
        - SOURCES.keys()
        - {""}
    )
    if unknown:
        found.append(
            Finding(
                "note",
                where,
                f"models/training/sources.toml does not know the sets {', '.join(unknown)}: nobody says what they annotate",
            )
        )
    return found


def _same(folder: Folder, pictures: Mapping[str, Sequence[Path]]) -> list[Finding]:
    """Splits that name the same files."""
    found = []
    for one, other in _pairs(list(pictures)):
        shared = sorted(set(pictures[one]) & set(pictures[other]))
        if not shared:
            continue
        if len(shared) == len(pictures[one]) == len(pictures[other]):
            words = f"{one} and {other} are the same pictures ({folder.splits[one]}): give {other} pictures of its own"
        else:
            words = f"{one} and {other} share {len(shared)} pictures: leave them out of one, {_first(shared)}"
        found.append(Finding("error", str(folder.data), words))
    return found


def _first_in(picture: Path, pictures: Mapping[str, Sequence[Path]]) -> str:
    return next(split for split, here in pictures.items() if picture in here)


def scenes_shared(scenes: Mapping[str, Sequence[tuple[Path, str]]]) -> list[Finding]:
    """Scenes that two splits share: what is measured on them was learnt by heart."""
    found = []
    for one, other in _pairs(list(scenes)):
        ones, others = _by_scene(scenes[one]), _by_scene(scenes[other])
        for scene in sorted(ones.keys() & others.keys()):
            found.append(
                Finding(
                    "error",
                    str(others[scene]),
                    f"is of scene {scene}, and so is {ones[scene]} of {one}: one scene may be on one side only",
                )
            )
    return found


def _by_scene(pictures: Sequence[tuple[Path, str]]) -> dict[str, Path]:
    return {scene: picture for picture, scene in reversed(pictures) if scene}


def _alike(pictures: Mapping[str, Sequence[Path]], progress: Progress) -> list[Finding]:
    """Pictures that cannot be opened, and those that are nearly one on two sides."""
    prints: dict[str, list[tuple[Path, Print]]] = defaultdict(list)
    found, of = [], sum(len(here) for here in pictures.values())
    done = 0
    for split, here in pictures.items():
        for picture in here:
            try:
                prints[split].append((picture, fingerprint(read_picture(picture))))
            except BadPicture as wrong:
                found.append(Finding("error", str(picture), str(wrong).removeprefix(f"{picture} ")))
            done += 1
            progress(done, of)
    for one, other in _pairs(list(pictures)):
        for pair in alike([p for _, p in prints[one]], [p for _, p in prints[other]]):
            there = prints[one][pair.one][0]
            found.append(
                Finding(
                    "error",
                    str(prints[other][pair.other][0]),
                    f"is nearly the picture {there} of {one}: leave one of them out",
                )
            )
    return found


def _pairs(names: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((one, other) for number, one in enumerate(names) for other in names[number + 1 :])


def _by_set(
    names: Iterator[str], index: Mapping[str, Mapping[str, str]], boxes: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    pictures, boxed = Counter[str](), Counter[str]()
    for name in names:
        told = index.get(name, {}).get("set", "")
        pictures[told] += 1
        boxed[told] += boxes[name]
    return {name: (pictures[name], boxed[name]) for name in sorted(pictures)}


def _first(paths: Sequence[Path]) -> str:
    return f"{paths[0]}{' …' if len(paths) > 1 else ''}"
