"""`trikeye models dataset from-verdicts`: a training set out of what reviewers decided."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from models.runtime import Detector

SUMMARY = "Make a training set of what reviewers confirmed (boxes) and rejected (hard negatives)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "export", type=Path, nargs="+", help="folders written by: trikeye server export verdicts --out DIR"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make, with data.yaml")
    parser.add_argument(
        "--teacher",
        metavar="PACK",
        help="a pack that labels what it is sure of and nobody judged, so that training does not forget it",
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def _teacher(named: str | None) -> Detector | None:
    if named is None:
        return None
    from models.packs import load_pack
    from models.runtime import Detector

    return Detector(load_pack(named))


def run(args: argparse.Namespace) -> int:
    from models.packs import PackError
    from models.pixels import BadPicture
    from models.training.command_evaluate import progress
    from models.training.from_verdicts import build
    from models.verdicts import BadExport

    try:
        made = build(args.export, args.out, progress, _teacher(args.teacher)).as_json()
    except (BadExport, BadPicture, PackError, FileExistsError) as wrong:
        print(f"trikeye models dataset from-verdicts: {wrong}", file=sys.stderr)
        return 1
    if args.json:
        print(json.dumps({"out": str(args.out), **made}, ensure_ascii=False))
        return 0
    print(
        f"{args.out}: {made['pictures'].get('train', 0)} pictures to train on, {made['pictures'].get('val', 0)} to measure on"
    )
    print(f"{'category':24} {'boxes':>6} {'hard negatives':>15}")
    for category in sorted({**made["boxes"], **made["negatives"]}):
        print(f"{category:24} {made['boxes'].get(category, 0):6} {made['negatives'].get(category, 0):15}")
    for name, count in made["taught"].items():
        print(f"the teacher's: {count} {name}")
    for why, count in made["left_out"].items():
        print(f"left out: {count}, {why}")
    print(f"next: trikeye models train --data {args.out} --weights street")
    return 0
