"""Looks kept on disk: the network of a pack runs once over a picture, everything that is worked out of it later takes seconds."""

from __future__ import annotations

import gzip
import hashlib
import json
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from models.packs import Pack
from models.runtime import OVERLAP, Detector
from models.training.dataset import Sample
from models.training.looks import FLOOR, Look, look_at

VERSION = 1
Row = list[Any]
AT_ONCE = 250
"""Looks are written after this many new ones, so that an interrupted run goes on where it was."""


def looks_of(pack: Pack, samples: Sequence[Sample], folder: Path, progress: Callable[[int, int], None]) -> list[Look]:
    """What a pack sees in the samples, from `folder` where it was seen before. Raises BadPicture."""
    path = folder / f"{pack.name}-{_key(pack)}.json.gz"
    kept = json.loads(gzip.decompress(path.read_bytes())) if path.exists() else {}
    digests = [digest_of(sample) for sample in samples]
    missing = [(digest, sample) for digest, sample in zip(digests, samples, strict=True) if digest not in kept]
    if missing:
        detector = Detector(pack)
        for start in range(0, len(missing), AT_ONCE):
            part = missing[start : start + AT_ONCE]
            looks = look_at(detector, [sample for _, sample in part], partial(_onward, progress, start, len(missing)))
            kept |= {digest: row_of(look) for (digest, _), look in zip(part, looks, strict=True)}
            _write(path, kept)
    return [look_from(sample, kept[digest]) for digest, sample in zip(digests, samples, strict=True)]


def digest_of(sample: Sample) -> str:
    """What a picture is known by, whatever its name."""
    return hashlib.sha256(sample.picture.read_bytes()).hexdigest()[:20]


def _onward(progress: Callable[[int, int], None], start: int, of: int, done: int, _: int) -> None:
    progress(start + done, of)


def _key(pack: Pack) -> str:
    """Of everything that decides what is seen: the network, how a picture is given to it, how its boxes are told apart."""
    names = [label.name for label in pack.labels]
    said = (VERSION, pack.digest, pack.width, pack.height, pack.sizes, pack.sides_px, pack.rgb, pack.scale, pack.pad, pack.end_to_end, names, FLOOR, OVERLAP)  # fmt: skip
    return hashlib.sha256(json.dumps(said).encode()).hexdigest()[:12]


def row_of(look: Look) -> Row:
    """A look as JSON: size, brightness, boxes by category."""
    found = {
        category: [[round(score, 5), *(round(c, 1) for c in box)] for score, box in boxes]
        for category, boxes in look.found.items()
    }
    return [look.width, look.height, round(look.brightness, 1), found]


def look_from(sample: Sample, row: Row) -> Look:
    """A look out of its row."""
    width, height, brightness, found = row
    boxes = {
        category: [(each[0], (each[1], each[2], each[3], each[4])) for each in rows] for category, rows in found.items()
    }
    return Look(sample, width, height, brightness, boxes)


def _write(path: Path, kept: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    part.write_bytes(gzip.compress(json.dumps(kept).encode(), compresslevel=6, mtime=0))
    part.replace(path)
