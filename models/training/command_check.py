"""`trikeye models dataset check`: what is wrong with a labelled set before anything is trained or measured on it."""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

from models.training.check import Checked, Finding, check
from models.training.command_evaluate import progress
from models.training.data import street_folder
from models.training.sets import TERMS_ALLOWED, BadSet, Policy, shares

SUMMARY = "Check a YOLO set: boxes, labels, pictures, scenes and near duplicates on both sides, licences."
SHOWN = 20
"""Findings of one kind that a person is shown; --json has all."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("data", help="data.yaml of a YOLO set, or `street`: the photographs below TRIKEYE_SHARED")
    parser.add_argument(
        "--licence-policy", choices=tuple(TERMS_ALLOWED), default="shipped", help="say what it leaves out (default: %(default)s)"
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    try:
        found = check(street_folder() / "data.yaml" if args.data == "street" else Path(args.data), progress)
    except (BadSet, FileNotFoundError) as wrong:
        print(f"trikeye models dataset check: {wrong}", file=sys.stderr)
        return 1
    if args.json:
        about = {"splits": found.splits, "sets": shares(found.sets), "errors": found.errors}
        print(json.dumps({**about, "findings": [asdict(each) for each in found.findings]}, ensure_ascii=False))
    else:
        print("\n".join([*_findings(found.findings), *_sets(found, args.licence_policy)]))
    if found.errors:
        print(f"trikeye models dataset check: {found.errors} errors; mend or leave out what they name", file=sys.stderr)
    return 1 if found.errors else 0


def _findings(findings: list[Finding]) -> list[str]:
    lines: list[str] = []
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for each in findings:
        kind = each.weight, each.words.split()[0]
        counts[kind] += 1
        if counts[kind] <= SHOWN:
            lines.append(f"{each.weight}: {each.where}: {each.words}")
    return [
        *lines,
        *(f"… and {n - SHOWN} more {weight}s like the last" for (weight, _), n in counts.items() if n > SHOWN),
    ]


def _sets(found: Checked, policy: Policy) -> list[str]:
    lines = [
        f"{'set':12} {'terms':14} {'pictures':>8} {'share':>6}  {'boxes':>6} {'share':>6}  a pack of policy {policy}"
    ]
    for row in shares(found.sets):
        may = "may learn from it" if row["terms"] in TERMS_ALLOWED[policy] else "may be measured on it alone"
        lines.append(
            f"{row['set'] or '(unnamed)':12} {row['terms']:14} {row['pictures']:8} {row['pictures_share']:6.1%}  {row['boxes']:6} {row['boxes_share']:6.1%}  {may}"
        )
    return [*lines, "; ".join(f"{split}: {p} pictures, {b} boxes" for split, (p, b) in found.splits.items())]
