"""Sets a pack's thresholds and probabilities by cross-validation over the street photographs, and fills its card.

`python -m models.training.fit PACK --folds FOLD0 FOLD1 FOLD2` (see --help). FOLDk is what a network saw of a third of
the photographs that it did not learn from (models/training/folds.py). Writes into PACK the thresholds, `crossvalidated.json`
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

from models.packs import PackError, load_pack
from models.pixels import BadPicture
from models.published import CROSS_VALIDATED, MEASURED, heading, parts, table
from models.training.classes import CLASSES
from models.training.command_evaluate import measure, progress
from models.training.crossfit import WANTED_PRECISION, Crossfit, crossfit, threshold
from models.training.data import FOLDS, street_folder
from models.training.dataset import MEASURED_AS, BadSet, Sample, read_set
from models.training.figures import PROBLEMS, rounded, summary
from models.training.folds import Fold, MixedUp, check_folds, read_fold
from models.training.kept import looks_of
from models.training.looks import Look, OutOfMemory, outcome
from models.training.packfile import read_pack, write_aside, write_pack


def main() -> int:
    """Fit one pack from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m models.training.fit", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("pack", type=Path, nargs="?", help="the pack that is to ship")
    parser.add_argument(
        "--folds",
        nargs=FOLDS,
        required=True,
        metavar="FOLD",
        type=Path,
        help="what each third looked like to the network that did not learn from it",
    )
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
    given = sorted((read_fold(each, street_folder()) for each in args.folds), key=lambda fold: fold.number)
    check_folds(given)
    shipped = load_pack(args.pack) if args.pack else None
    drawn = looks_of(shipped, _drawn(args.drawn), args.work / "looks", progress) if shipped and args.drawn else []
    fitted = crossfit([fold.looks for fold in given], floors_of(drawn, args.precision), args.precision)
    published = document(fitted, given, args.precision)
    sys.stdout.write("\n".join([heading(published), *table(published), *parts(published, PROBLEMS)]) + "\n")
    if args.pack:
        write(args.pack, fitted, published)


def floors_of(drawn: Sequence[Look], precision: float) -> dict[str, float]:
    """From which score each category keeps the wanted precision on drawn frames: a drawn ride has others than a street."""
    return {category: threshold([outcome(drawn, category)], precision) for category in PROBLEMS} if drawn else {}


def document(fitted: Crossfit, given: Sequence[Fold], precision: float) -> dict[str, Any]:
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
        "images": sum(len(fold.looks) for fold in given),
        "wanted_precision": precision,
        "folds": [{"pack": fold.pack, "digest": fold.digest, "images": len(fold.looks)} for fold in given],
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
            f"data/street: {published['images']} photographs, each judged by a network that had not learnt from its scene (a shorter recipe: models/training/folds.toml), "
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
