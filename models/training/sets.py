"""What each set of pictures annotates and may be used for. Everything else in its pictures is unlabelled, not absent.

A set of street photographs says it in sources.toml; a set that knows more of each picture (what a reviewer judged in it) says it in the columns `annotates`
and `complete` of its index.tsv: names of classes with spaces between, which hold for that picture alone.
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Literal

from models.training.classes import CLASSES, CONTEXT_FROM_COCO, NAMES

PROBLEMS = frozenset(each.name for each in CLASSES if each.role == "problem")
CONTEXT = frozenset(CONTEXT_FROM_COCO.values())
CLEAN = "clean"
"""The set of streets with nothing to see: whatever is told in it is a false alarm."""
Policy = Literal["strict", "shipped", "research"]
TERMS_ALLOWED: dict[Policy, frozenset[str]] = {
    "strict": frozenset({"open"}),
    "shipped": frozenset({"open", "unstated"}),
    "research": frozenset({"open", "unstated", "noncommercial"}),
}
"""Which terms a pack of each policy may be trained on. A pack that ships is `shipped` or stricter."""


class BadSet(Exception):
    """A set that cannot be read; the text names the file, the line, and what to do."""


@dataclass(frozen=True)
class Source:
    """One set: `annotates` are the classes boxed in its pictures, `complete` those of which none is left out."""

    annotates: frozenset[str]
    complete: frozenset[str]
    terms: str
    shows: str


def _source(row: dict[str, Any]) -> Source:
    names = {key: PROBLEMS if row[key] == "problems" else frozenset(row[key]) for key in ("annotates", "complete")}
    return Source(names["annotates"], names["complete"], row["terms"], row["shows"])


SOURCES = {
    name: _source(row)
    for name, row in tomllib.loads(Path(__file__).with_name("sources.toml").read_text(encoding="utf-8")).items()
}


def set_of(stem: str) -> str:
    """The set a picture's file name says it is from; "" for a drawn frame or a picture of an unknown set."""
    name = stem.split("__", 1)[0]
    return name if name in SOURCES else ""


def annotated(stem: str) -> frozenset[str]:
    """Classes that were boxed in this picture by a person, or by the program that drew it: all, where no set is known."""
    name = set_of(stem)
    return SOURCES[name].annotates if name else frozenset(NAMES)


def trained(picture: Path) -> frozenset[str]:
    """Classes whose absence the training set vouches for: what is complete in this very picture, where its set's index.tsv says so;
    else those annotated, and those the teacher labels everywhere. Raises BadSet."""
    own = _told_in(picture.parent).get(picture.name)
    return own.complete if own else annotated(picture.stem) | CONTEXT


def read_index(path: Path) -> dict[str, dict[str, str]]:
    """The rows of an index.tsv by file name; none where there is no index. Raises BadSet."""
    if not path.exists():
        return {}
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    for number, row in enumerate(rows, start=2):
        if not row.get("file") or row.get("set") is None:
            raise BadSet(f"{path}:{number}: a row needs file and set")
        for name in (row.get("annotates") or "").split() + (row.get("complete") or "").split():
            if name not in NAMES:
                raise BadSet(f"{path}:{number}: {name!r} is no class of models/training/classes.py")
    return {row["file"]: row for row in rows}


def source_of(row: dict[str, str]) -> Source | None:
    """What a row of an index says of its picture: by its own columns, else by its set; None where neither says anything."""
    if row.get("annotates"):
        return Source(
            frozenset(row["annotates"].split()), frozenset((row.get("complete") or "").split()), "unstated", ""
        )
    return SOURCES.get(row.get("set", ""))


@cache
def _told_in(folder: Path) -> dict[str, Source]:
    """What an index.tsv tells of single pictures of a folder; it lies there or up to two folders higher (images/train)."""
    for place in (folder, *folder.parents[:2]):
        if (place / "index.tsv").exists():
            rows = read_index(place / "index.tsv")
            return {name: told for name, row in rows.items() if row.get("annotates") and (told := source_of(row))}
    return {}


def may_train(stem: str, policy: Policy) -> bool:
    """Whether a picture's set allows training a pack of this policy."""
    name = set_of(stem)
    return not name or SOURCES[name].terms in TERMS_ALLOWED[policy]


def terms_of(name: str) -> str:
    """open, unstated or noncommercial; of a set that nobody knows: unstated."""
    return SOURCES[name].terms if name in SOURCES else "unstated"


def shares(sets: Mapping[str, tuple[int, int]]) -> list[dict[str, Any]]:
    """Of sets by their pictures and boxes: name, terms, and what share of all pictures and boxes they are, the largest first."""
    pictures, boxes = (max(1, sum(each[n] for each in sets.values())) for n in (0, 1))
    rows = [
        {
            "set": name, "terms": terms_of(name), "pictures": p, "boxes": b,
            "pictures_share": round(p / pictures, 4), "boxes_share": round(b / boxes, 4),
        }
        for name, (p, b) in sets.items()
    ]  # fmt: skip
    return sorted(rows, key=lambda row: (-row["pictures"], row["set"]))
