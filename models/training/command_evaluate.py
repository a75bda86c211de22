"""`trikeye models evaluate`: what a pack finds, misses and imagines on a set of labelled pictures, as the vehicle runs it."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from models.packs import PackError, load_pack
from models.pixels import BadPicture

if TYPE_CHECKING:
    from collections.abc import Sequence

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
    from models.runtime import Detector
    from models.training.data import street_folder
    from models.training.dataset import BadSet, read_set
    from models.training.figures import figures_of
    from models.training.looks import look_at

    try:
        pack = load_pack(args.pack)
        data = args.data or street_folder() / "data.yaml"
        looks = look_at(Detector(pack, args.threads), read_set(data, args.split), progress)
    except (PackError, BadSet, BadPicture, FileNotFoundError) as wrong:
        print(f"trikeye models evaluate: {wrong}", file=sys.stderr)
        return 1
    figures = figures_of(looks, pack)
    result = result_of(pack, str(data), args.split, looks, figures)
    if args.report:
        from models.training.report import page

        args.report.write_text(page(result, looks, figures, pack), encoding="utf-8")
        print(f"report: {args.report}", file=sys.stderr)
    print("\n".join(table(result, figures)) if not args.json else json.dumps(result, ensure_ascii=False))
    return 0


def result_of(
    pack: Pack, data: str, split: str, looks: Sequence[Look], figures: dict[str, Figures]
) -> dict[str, object]:
    """What `--json` prints."""
    from models.training.figures import summary

    about = {"pack": pack.name, "digest": pack.digest, "data": data, "split": split, "images": len(looks)}
    return {**about, **summary(figures)}


def table(result: dict[str, object], figures: dict[str, Figures]) -> list[str]:
    """The figures as a person reads them."""
    lines = [
        f"{result['pack']} on {result['images']} pictures ({result['split']}); precision and recall at the pack's threshold, 95 % intervals",
        f"{'category':22} {'boxes':>5} {'in':>4}  {'AP50':>5} {'AP':>5}  {'at':>4}  {'precision':18} {'recall':18} {'false/100':>9}",
    ]
    for category, f in figures.items():
        if f.ap50 is None:
            lines.append(f"{category:22} {f.boxes:5} {f.pictures:4}  too few")
            continue
        false = "-" if f.false_per_100_images is None else f"{f.false_per_100_images:.1f}"
        lines.append(
            f"{category:22} {f.boxes:5} {f.pictures:4}  {f.ap50:5.2f} {f.ap:5.2f}  {f.threshold:4.2f}"
            f"  {_with_interval(f.precision, f.precision_interval):18} {_with_interval(f.recall, f.recall_interval):18} {false:>9}"
        )
    return [
        *lines,
        f"mean over the {result['counted']} problem categories with enough boxes: AP50 {result['map50']}, AP {result['map']}",
    ]


def _with_interval(share: float | None, interval: tuple[float, float] | None) -> str:
    return "nothing told" if share is None or interval is None else f"{share:.2f} ({interval[0]:.2f}–{interval[1]:.2f})"


def progress(done: int, of: int) -> None:
    """Pictures done, on a terminal."""
    if sys.stderr.isatty():
        print(f"\r{done} of {of} pictures", end="\n" if done == of else "", file=sys.stderr, flush=True)
