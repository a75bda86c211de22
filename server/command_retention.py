"""`trikeye server retention`: erase at once what `work` erases bit by bit, or say what that would be."""

from __future__ import annotations

import argparse
import json
import sys

from server.start import start_over_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--dry-run", action="store_true", help="erase nothing")
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from django.utils import timezone

    from server.keeping.rules import Rule
    from server.keeping.services import due_pictures, erase, kept, needless

    now, settings = timezone.now(), kept()
    counts, size = dict.fromkeys(Rule, 0), 0
    for lot in due_pictures(now):
        gone = needless(lot, now)
        for rule in (each.rule for each in gone):
            counts[rule] += 1
        size += sum(each.bytes for each in {each.sha256: each for each in gone}.values())
        if not args.dry_run:
            erase(lot, now)
    days = {Rule.REJECTED: settings.rejected_days, Rule.CONFIRMED: settings.confirmed_days, Rule.FACE: settings.face_days}  # fmt: skip
    if args.json:
        print(json.dumps({"dry_run": args.dry_run, "bytes": size, "pictures": counts, "days": days}))
        return 0
    for rule, count in counts.items():
        kept_words = f"kept for {days[rule]} days" if days[rule] > 0 else "kept for ever"
        print(f"{rule:10} {count:8} pictures   {kept_words}")
    print(f"{'would free' if args.dry_run else 'freed'} {size / 1e6:.1f} MB", file=sys.stderr)
    return 0
