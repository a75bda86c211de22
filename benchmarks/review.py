"""What reviewers wait for and what intake carries, with a million cases: every figure beside its aim. `make bench-review`: on an idle machine, 15 minutes at most.

A missed aim is printed and fails nothing; exit 1 means that a figure could not be measured. The last line is JSON. `--only join list` measures some parts;
`--cases 20000` tries them small.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from aim_table import Aim, Figures, last_line, run_parts

HERE = Path(__file__).resolve().parent
CASES, FEWER = 1_000_000, 10


@dataclass(frozen=True)
class Part:
    """A script, the figures that it ends with, and the share of all cases that its database has: 1, a tenth, or none."""

    script: str
    keys: tuple[str, ...]
    one_in: int


PARTS = {
    "list": Part("review_list.py", ("list_p95_ms",), 1),
    "join": Part("review_join.py", ("join_p95_ms",), 1),
    "lease": Part("review_lease.py", ("lease_p95_ms", "double_leases"), 1),
    "intake": Part("review_intake.py", ("intake_ratio",), 0),
    "cards": Part("review_cards.py", ("next_card_p50_ms", "next_card_p95_ms", "decisions_per_minute"), FEWER),
    "axe": Part("review_axe.py", ("axe_serious", "first_load_kb"), FEWER),
}
AIMS = (
    Aim("next_card_p50_ms", "the key that answers a card to the next one painted, 100,000 cases, half of all within", 60),
    Aim("next_card_p95_ms", "the same, 95 % within", 150),
    Aim("decisions_per_minute", "of a scripted reviewer, each picture decoded before its verdict", 60, at_least=True),
    Aim("lease_p95_ms", "lease of the next five cards, 1,000,000 cases, 16 reviewers at a card a second", 5),
    Aim("double_leases", "cards that two of them held", 0),
    Aim("join_p95_ms", "join of a sighting, grouping included, 1,000,000 open cases", 5),
    Aim("intake_ratio", "sightings of 60 KB a second by intake, against broker, synced file and row", 0.5, at_least=True),
    Aim("list_p95_ms", "a page of the case list under its filters, 1,000,000 cases", 200),
    Aim("axe_serious", "serious or critical rules of axe broken on all pages, both languages, both sizes", 0),
    Aim("first_load_kb", "KB transferred for the queue page without its pictures", 200),
)  # fmt: skip


class NotMeasured(Exception):
    """A part ended without its figures."""


def run(script: str, data: Path, *arguments: str) -> str:
    """The last line of a script over a data folder; what it says before is passed on. Raises NotMeasured."""
    env = os.environ | {"PYTHONPATH": str(HERE.parent), "TRIKEYE_DATA": str(data), "DJANGO_ALLOW_ASYNC_UNSAFE": "true"}
    command = [sys.executable, str(HERE / script), *arguments]
    last, code = last_line(command, env)
    if code:
        raise NotMeasured(f"benchmarks/{script} ended with {code}")
    return last


def measured(part: Part, folder: Path, cases: int) -> Figures:
    """The figures of a part; the database that it needs is filled first. Raises NotMeasured."""
    data = folder / (f"cases-{cases // part.one_in}" if part.one_in else "intake")
    if part.one_in and not data.exists():
        run("review_fill.py", data, "--cases", str(cases // part.one_in))
    data.mkdir(exist_ok=True)
    said = json.loads(run(part.script, data))
    return {key: float(said[key]) for key in part.keys}


def main() -> int:
    """Print every figure; exit 1 only if one could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--cases", type=int, default=CASES, help=f"open ones; pages have a {FEWER}th (default: %(default)s)")  # fmt: skip
    args = parser.parse_args()
    if args.cases != CASES:
        print(
            f"tried with {args.cases:,} cases, where the words say {CASES:,}: these figures say nothing about the aims"
        )
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trikeye-bench-") as name:
        asked = {each: partial(measured, PARTS[each], Path(name), args.cases) for each in args.only}
        return run_parts(AIMS, asked, began_s, (NotMeasured, OSError, ValueError, KeyError))


if __name__ == "__main__":
    raise SystemExit(main())
