"""`trikeye models dataset from-verdicts`: a training set out of what reviewers decided."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

SUMMARY = "Make a training set of what reviewers confirmed (boxes) and rejected (hard negatives)."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "export", type=Path, nargs="+", help="folders written by: trikeye server export verdicts --out DIR"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder to make, with data.yaml")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    from models.training.command_evaluate import progress
    from models.training.from_verdicts import build
    from models.verdicts import BadExport

    try:
        made = build(args.export, args.out, progress).as_json()
    except (BadExport, FileExistsError) as wrong:
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
    for why, count in made["left_out"].items():
        print(f"left out: {count} sightings, {why}")
    print(f"next: trikeye models train --data {args.out} --weights CHECKPOINT")
    return 0
