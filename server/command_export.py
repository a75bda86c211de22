"""`trikeye server export`: what reviewers decided, for training and for the probabilities of a pack. The format is models/verdicts.py."""

from __future__ import annotations

import argparse
import json
import sys
from datetime import datetime
from pathlib import Path

from server.start import start_over_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", choices=("verdicts",))
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR",
        help="folder for verdicts.jsonl and the redacted pictures; an earlier export in it is brought up to date",
    )  # fmt: skip
    parser.add_argument(
        "--since",
        type=datetime.fromisoformat,
        metavar="DAY",
        help="only what was decided on or after this day (2026-11-01)",
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from django.utils.timezone import is_naive, make_aware

    from server.review.export import export_verdicts

    since = make_aware(args.since) if args.since and is_naive(args.since) else args.since
    if args.out.exists() and not args.out.is_dir():
        print(f"trikeye server export: {args.out} is a file; name a folder", file=sys.stderr)
        return 2
    done = export_verdicts(args.out, since, _progress)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    result = {
        "out": str(args.out), "cases": done.cases, "sightings": done.sightings, "pictures": done.pictures,
        "verdicts": dict(sorted(done.verdicts.items())), "left_out": dict(sorted(done.left_out.items())),
    }  # fmt: skip
    if args.json:
        print(json.dumps(result, ensure_ascii=False))
        return 0
    print(f"{args.out}: {done.cases} decided cases, {done.sightings} sightings, {done.pictures} pictures")
    for name, counts in (("", done.verdicts), ("left out: ", done.left_out)):
        print("".join(f"  {name}{what} {number}\n" for what, number in sorted(counts.items())), end="")
    return 0


def _progress(cases: int) -> None:
    if cases % 100 == 0 and sys.stderr.isatty():
        print(f"\r{cases} cases", end="", file=sys.stderr, flush=True)
