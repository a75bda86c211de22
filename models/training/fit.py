"""Sets a pack's thresholds and probabilities by cross-validation over the street photographs, and fills its card.

`python -m models.training.fit PACK --folds FOLD0 FOLD1 FOLD2` (see --help). FOLDk is a pack of the same recipe, trained with
`trikeye models train --fold k`, so without the photographs of the k-th third. Writes into PACK the thresholds, `crossvalidated.json`
(the figures that are published) and `measured.json` (what `trikeye models evaluate PACK` prints of the val split, for regressions).
Without PACK it prints the figures and writes nothing.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models.packs import Pack, PackError, load_pack
from models.pixels import BadPicture
from models.published import CROSS_VALIDATED, MEASURED, heading, parts, table
from models.training.classes import CLASSES
from models.training.command_evaluate import measure, progress
from models.training.crossfit import WANTED_PRECISION, Crossfit, crossfit, threshold
from models.training.data import FOLDS, folds, street_folder
from models.training.dataset import MEASURED_AS, BadSet, Sample, read_set
from models.training.figures import PROBLEMS, rounded, summary
from models.training.kept import looks_of
from models.training.looks import Look, OutOfMemory, outcome
from models.training.packfile import read_pack, write_aside, write_pack


class MixedUp(Exception):
    """The packs given are not those of the folds; the text says which."""


def main() -> int:
    """Fit one pack from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m models.training.fit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pack", type=Path, nargs="?", help="the pack that is to ship")
    parser.add_argument("--folds", nargs=FOLDS, required=True, metavar="FOLD", help="packs trained without each third")
    parser.add_argument("--drawn", type=Path, help="folder of drawn frames not trained on: thresholds only, no figure")
    parser.add_argument(
        "--precision", type=float, default=WANTED_PRECISION, help="wanted of each category (default: %(default)s)"
    )
    parser.add_argument(
        "--work", type=Path, default=Path(".training"), help="where what was seen is kept (default: %(default)s)"
    )
    args = parser.parse_args()
    try:
        _fit(args)
    except (PackError, BadSet, BadPicture, OutOfMemory, FileNotFoundError, MixedUp) as wrong:
        sys.stderr.write(f"fit: {wrong}\n")
        return 1
    return 0


def _fit(args: argparse.Namespace) -> None:
    packs = [load_pack(each) for each in args.folds]
    check_folds(packs)
    drawn = _drawn(args.drawn) if args.drawn else []
    seen = args.work / "looks"
    thirds = [
        looks_of(pack, samples, seen, progress) for pack, samples in zip(packs, held_out(street_folder()), strict=True)
    ]
    floors = [floors_of(looks_of(pack, drawn, seen, progress), args.precision) for pack in packs]
    shipped = load_pack(args.pack) if args.pack else None
    own = floors_of(looks_of(shipped, drawn, seen, progress), args.precision) if shipped else {}
    fitted = crossfit(thirds, floors, own, args.precision)
    published = document(fitted, packs, [len(third) for third in thirds], args.precision)
    sys.stdout.write("\n".join([heading(published), *table(published), *parts(published, PROBLEMS)]) + "\n")
    if args.pack:
        write(args.pack, fitted, published)


def check_folds(packs: Sequence[Pack]) -> None:
    """Refuse what would measure a network on what it learnt from. Raises MixedUp."""
    if len({pack.digest for pack in packs}) < len(packs):
        raise MixedUp("two of the folds are the same network: one of them has learnt from what it would be measured on")
    for number, pack in enumerate(packs):
        left_out = pack.card.get("fold")
        if left_out != number:
            raise MixedUp(
                f"{pack.model.parent}: given as fold {number}, but its card says fold = {left_out}; export it with --built report.json of its training set"
            )


def held_out(street: Path) -> list[list[Sample]]:
    """The photographs of each third."""
    dealt = folds(street)
    samples = [each for split in ("train", "val") for each in read_set(street / "data.yaml", split)]
    return [[each for each in samples if dealt[each.picture.name] == k] for k in range(FOLDS)]


def floors_of(drawn: Sequence[Look], precision: float) -> dict[str, float]:
    """From which score each category keeps the wanted precision on drawn frames: a drawn ride has others than a street."""
    return {category: threshold([outcome(drawn, category)], precision) for category in PROBLEMS} if drawn else {}


def document(fitted: Crossfit, packs: Sequence[Pack], pictures: Sequence[int], precision: float) -> dict[str, Any]:
    """What is published: figures, thresholds of each third, calibration errors."""
    about = summary(fitted.figures, fitted.parts)
    categories = {
        category: {
            **rounded(figures),
            "standing": "" if category not in PROBLEMS else "live" if figures.live else "shadow",
            "fold_thresholds": [round(each, 3) for each in fitted.fold_thresholds[category]],
            "calibration_error": None
            if fitted.error.get(category) is None
            else round(fitted.error[category] or 0.0, 4),
        }
        for category, figures in fitted.figures.items()
        if category in PROBLEMS or figures.ap50 is not None
    }
    return {
        "data": "data/street",
        "images": sum(pictures),
        "wanted_precision": precision,
        "folds": [
            {"pack": pack.name, "digest": pack.digest, "images": n} for pack, n in zip(packs, pictures, strict=True)
        ],
        **about,
        "categories": categories,
    }


def apply(pack: dict[str, Any], fitted: Crossfit) -> None:
    """Thresholds and probabilities into a pack's text."""
    for label in pack["labels"]:
        category = MEASURED_AS[label["name"]]
        label["threshold"] = fitted.thresholds.get(category, label["threshold"])
        label.pop("platt", None)
        if category in fitted.platt:
            label["platt"] = [round(each, 4) for each in fitted.platt[category]]
    a, b = fitted.shared
    pack["calibration"] = {"kind": "platt", "a": round(a, 4), "b": round(b, 4)}


def write(folder: Path, fitted: Crossfit, published: dict[str, Any]) -> None:
    """Thresholds, probabilities and card into a pack, beside it what was measured of it."""
    pack = read_pack(folder)
    apply(pack, fitted)
    write_pack(folder, pack)
    measured = measure(load_pack(folder), street_folder() / "data.yaml", "val")
    live = [category for category, each in fitted.figures.items() if category in PROBLEMS and each.live]
    pack["card"] |= {
        "measured_on": (
            f"data/street: {published['images']} photographs, each judged by a network of the same recipe that had not learnt from its scene, "
            f"at thresholds that the photographs of other scenes gave for a precision of {published['wanted_precision']:.2f} with one standard error to spare "
            "(crossvalidated.json); the pack's own thresholds are those that all of them give together. Drawn frames never count. "
            "measured.json is the pack itself on the val split, for regressions alone: its thresholds saw those photographs"
        ),
        "live": live,
        "map50": published["map50"] if published["map50"] is not None else "too few",
    }
    published = {"pack": pack["name"], "digest": pack["digest"].removeprefix("sha256:"), **published}
    write_aside(folder / CROSS_VALIDATED, json.dumps(published, ensure_ascii=False, indent=1) + "\n")
    write_aside(
        folder / MEASURED, json.dumps(measured.result | {"data": "data/street"}, ensure_ascii=False, indent=1) + "\n"
    )
    write_pack(folder, pack)


def _drawn(folder: Path) -> list[Sample]:
    names = "".join(f"  {number}: {each.name}\n" for number, each in enumerate(CLASSES))
    write_aside(folder / "data.yaml", f"path: .\ntrain: images\nnames:\n{names}")
    return read_set(folder / "data.yaml", "train")


if __name__ == "__main__":
    raise SystemExit(main())
