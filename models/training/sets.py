"""What each set of street photographs annotates and may be used for, out of sources.toml. Everything else in its pictures is unlabelled, not absent."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from models.training.classes import CLASSES, CONTEXT_FROM_COCO, NAMES

PROBLEMS = frozenset(each.name for each in CLASSES if each.role == "problem")
CONTEXT = frozenset(CONTEXT_FROM_COCO.values())
Policy = Literal["strict", "shipped", "research"]
TERMS_ALLOWED: dict[Policy, frozenset[str]] = {
    "strict": frozenset({"open"}),
    "shipped": frozenset({"open", "unstated"}),
    "research": frozenset({"open", "unstated", "noncommercial"}),
}
"""Which terms a pack of each policy may be trained on. A pack that ships is `shipped` or stricter."""


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


def trained(stem: str) -> frozenset[str]:
    """Classes whose absence the training set vouches for: those annotated, and those the teacher labels everywhere."""
    return annotated(stem) | CONTEXT


def may_train(stem: str, policy: Policy) -> bool:
    """Whether a picture's set allows training a pack of this policy."""
    name = set_of(stem)
    return not name or SOURCES[name].terms in TERMS_ALLOWED[policy]
