"""`trikeye models evaluate`: what a pack finds, misses and imagines on a set of labelled pictures, as the vehicle runs it."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.packs import PackError, load_pack
from models.pixels import BadPicture

if TYPE_CHECKING:
    from models.packs import Pack
    from models.training.figures import Figures
    from models.training.looks import Look


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pack", help="a shipped pack's name, or a folder")
    add_set_arguments(parser)
    parser.add_argument("--threads", type=int, default=1, help="threads of the network (default: %(default)s)")
    parser.add_argument(
        "--report", type=Path, metavar="FILE.html", help="write curves and the worst pictures into one page"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def add_set_arguments(parser: argparse.ArgumentParser) -> None:
    """Which labelled pictures to measure on."""
    parser.add_argument(
        "--data",
        type=Path,
        help="data.yaml of a YOLO set of your own (default: the street photographs it was measured on, which cannot be shipped, below TRIKEYE_SHARED)",
    )
    parser.add_argument("--split", default="val", help="which split (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    from models.published import heading, parts, table
    from models.training.data import street_folder
    from models.training.dataset import BadSet
    from models.training.figures import PROBLEMS
    from models.training.looks import OutOfMemory

    try:
        pack = load_pack(args.pack)
        measured = measure(pack, args.data or street_folder() / "data.yaml", args.split, args.threads)
        if args.report:
            _write_report(args.report, measured, pack)
    except (PackError, BadSet, BadPicture, OutOfMemory, FileNotFoundError) as wrong:
        print(f"trikeye models evaluate: {wrong}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps(measured.result, ensure_ascii=False))
    else:
        print("\n".join([heading(measured.result), *table(measured.result), *parts(measured.result, PROBLEMS)]))
        if args.data is None:
            print("The card's figures are of all photographs, each looked at by a network that had not learnt from it; these are of one split alone, and decide nothing.")  # fmt: skip
    return 0


@dataclass(frozen=True)
class Measured:
    """What `--json` prints, and what it was worked out of."""

    result: dict[str, Any]
    looks: list[Look]
    figures: dict[str, Figures]


def measure(pack: Pack, data: Path, split: str, threads: int = 1) -> Measured:
    """Look at every picture of a split and work out the figures. Raises PackError, BadSet, BadPicture, OutOfMemory."""
    from models.runtime import Detector
    from models.training.dataset import MEASURED_AS, read_set
    from models.training.figures import figures_of, parts_of, summary, thresholds_of
    from models.training.looks import look_at

    if strange := [label.name for label in pack.labels if label.name not in MEASURED_AS]:
        raise PackError(
            f"{pack.name} sees {', '.join(strange)}, which are no categories; a pack that redacts is measured by benchmarks/redaction.py"
        )
    looks = look_at(Detector(pack, threads), read_set(data, split), progress)
    thresholds = thresholds_of(pack)
    figures = figures_of(looks, thresholds)
    parts = parts_of(looks, {category: [thresholds[category]] * len(looks) for category in figures})
    about = {"pack": pack.name, "digest": pack.digest, "data": str(data), "split": split, "images": len(looks)}
    return Measured({**about, **summary(figures, parts)}, looks, figures)


def _write_report(path: Path, measured: Measured, pack: Pack) -> None:
    from models.training.packfile import write_aside
    from models.training.report import page

    write_aside(path, page(measured.result, measured.looks, measured.figures, pack))
    print(f"report: {path}", file=sys.stderr)


def progress(done: int, of: int) -> None:
    """Pictures done, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{done} of {of} pictures", end="\n" if done == of else "", file=sys.stderr, flush=True)
