"""What a network saw of the third of the photographs that it did not learn from, kept in one small file: figures and thresholds are fitted to it again
in seconds, where training takes hours.

`python -m models.training.folds PACK --out FOLD.json.gz` (see --help) looks once; `models.training.fit --folds` takes the files.
"""

from __future__ import annotations

import argparse
import gzip
import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from models.packs import Pack, PackError, load_pack
from models.pixels import BadPicture
from models.training.command_evaluate import progress
from models.training.data import FOLDS, folds, street_folder
from models.training.dataset import BadSet, Sample, read_set
from models.training.kept import Row, digest_of, look_from, looks_of, row_of
from models.training.looks import Look, OutOfMemory

VERSION = 1


class MixedUp(Exception):
    """What is given is not what the folds saw; the text says which."""


@dataclass(frozen=True)
class Fold:
    """Which third it is, the network that did not learn from it, and what that saw there."""

    number: int
    pack: str
    digest: str
    looks: list[Look]


def held_out(street: Path, number: int) -> list[Sample]:
    """The photographs of a third."""
    dealt = folds(street)
    samples = [each for split in ("train", "val") for each in read_set(street / "data.yaml", split)]
    return [each for each in samples if dealt[each.picture.name] == number]


def keep(pack: Pack, samples: Sequence[Sample], looks: Sequence[Look], out: Path) -> None:
    """Write what was seen, whole or not at all."""
    rows = {digest_of(sample): row_of(look) for sample, look in zip(samples, looks, strict=True)}
    said = {"version": VERSION, "fold": fold_of(pack), "pack": pack.name, "digest": pack.digest, "looks": rows}
    part = out.with_name(f"{out.name}.part")
    part.write_bytes(gzip.compress(json.dumps(said, separators=(",", ":")).encode(), compresslevel=9, mtime=0))
    part.replace(out)


def fold_of(pack: Pack) -> int:
    """Which third a pack's network did not learn from. Raises MixedUp."""
    number = pack.card.get("fold")
    if not isinstance(number, int) or number not in range(FOLDS):
        raise MixedUp(
            f"{pack.model.parent}: its card says fold = {number}; export it with --built report.json of its training set"
        )
    return number


def read_fold(path: Path, street: Path) -> Fold:
    """A kept third, on the photographs as they are now. Raises MixedUp."""
    try:
        said = json.loads(gzip.decompress(path.read_bytes()))
        number, rows = int(said["fold"]), dict[str, Row](said["looks"])
        if said["version"] != VERSION:
            raise ValueError(f"version {said['version']}, not {VERSION}")
    except (OSError, EOFError, ValueError, KeyError, TypeError) as wrong:
        raise MixedUp(f"{path} holds no fold: {wrong}; make it by python -m models.training.folds") from None
    samples = held_out(street, number)
    missing = [sample.picture.name for sample in samples if digest_of(sample) not in rows]
    if missing:
        raise MixedUp(f"{path} has not seen {len(missing)} photographs of fold {number}, such as {missing[0]}")
    looks = [look_from(sample, rows[digest_of(sample)]) for sample in samples]
    return Fold(number, str(said["pack"]), str(said["digest"]), looks)


def check_folds(given: Sequence[Fold]) -> None:
    """Refuse what would measure a network on what it learnt from. Raises MixedUp."""
    if sorted(fold.number for fold in given) != list(range(FOLDS)):
        raise MixedUp(f"folds {', '.join(str(fold.number) for fold in given)} given; each third is wanted once")
    if len({fold.digest for fold in given}) < len(given):
        raise MixedUp("two of the folds are the same network: one of them has learnt from what it would be measured on")


def main() -> int:
    """Keep what one fold saw."""
    parser = argparse.ArgumentParser(
        prog="python -m models.training.folds", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )  # fmt: skip
    parser.add_argument("pack", type=Path, help="a pack trained by `trikeye models train --fold k`")
    parser.add_argument("--out", type=Path, required=True, help="file to write, such as fold0.json.gz")
    parser.add_argument("--work", type=Path, default=Path(".training"), help="an interrupted look goes on from here (default: %(default)s)")  # fmt: skip
    args = parser.parse_args()
    try:
        pack = load_pack(args.pack)
        samples = held_out(street_folder(), fold_of(pack))
        looks = looks_of(pack, samples, args.work / "looks", progress)
        keep(pack, samples, looks, args.out)
    except (PackError, BadSet, BadPicture, OutOfMemory, MixedUp, OSError) as wrong:
        sys.stderr.write(f"folds: {wrong}\n")
        return 1
    sys.stdout.write(
        f"{args.out}: fold {fold_of(pack)}, {len(samples)} photographs, {args.out.stat().st_size / 1e3:.0f} kB\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
