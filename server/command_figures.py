"""`trikeye server figures`: sums all verdicts by day anew, for the pages of quality; `work` keeps the last days up by itself."""

from __future__ import annotations

import argparse
import sys

from server.start import start_over_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Sum all verdicts by day anew, for the pages of quality. Work keeps the last days up by itself: this is for a database of before, or one that was mended by hand."


def run(args: argparse.Namespace) -> int:
    start_over_data()
    from server.quality.services import all_days, sum_day

    changed = days = 0
    for day in all_days():
        changed += sum_day(day)
        days += 1
        if sys.stderr.isatty():
            print(f"\r{day}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    print(f"{days} days summed, {changed} of them changed")
    return 0
