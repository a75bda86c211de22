"""What reviewers wait for and what intake carries, with a million cases: every figure beside its aim. `make bench-review`: on an idle machine, 15 minutes at most.

A missed aim is printed and fails nothing; exit 1 means that a figure could not be measured. The last line is JSON. `--only join list` measures some parts;
`--cases 20000` tries them small.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
CASES, FEWER = 1_000_000, 10
Figures = dict[str, float]


@dataclass(frozen=True)
class Part:
    """A script, the figures that it ends with, and the share of all cases that its database has: 1, a tenth, or none."""

    script: str
    keys: tuple[str, ...]
    one_in: int


@dataclass(frozen=True)
class Aim:
    """A figure's name in JSON, what it says, and its bound: at most, or at least."""

    key: str
    says: str
    bound: float
    at_least: bool = False

    def holds(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound


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
    process = subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)
    last = ""
    for line in process.stdout or ():
        last = line
        if not line.startswith("{"):
            print(f"  {line}", end="", flush=True)
    if process.wait():
        raise NotMeasured(f"benchmarks/{script} ended with {process.returncode}")
    return last


def measured(part: Part, folder: Path, cases: int) -> Figures:
    """The figures of a part; the database that it needs is filled first. Raises NotMeasured."""
    data = folder / (f"cases-{cases // part.one_in}" if part.one_in else "intake")
    if part.one_in and not data.exists():
        run("review_fill.py", data, "--cases", str(cases // part.one_in))
    data.mkdir(exist_ok=True)
    said = json.loads(run(part.script, data))
    return {key: float(said[key]) for key in part.keys}


def table(found: Figures) -> list[str]:
    """Aim and value side by side, a line each."""
    lines = []
    for aim in AIMS:
        value = found.get(aim.key)
        word = "not measured" if value is None else "holds" if aim.holds(value) else "SHORT"
        sign = "≥" if aim.at_least else "≤"
        lines.append(f"{aim.key:<25}{value if value is not None else '–':>8}  {sign} {aim.bound:<6g} {word:<13}{aim.says}")  # fmt: skip
    return lines


def main() -> int:
    """Print every figure; exit 1 only if one could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=[*PARTS], metavar="PART", help=", ".join(PARTS))
    parser.add_argument("--cases", type=int, default=CASES, help=f"open ones; pages have a {FEWER}th (default: %(default)s)")  # fmt: skip
    args = parser.parse_args()
    found, missing, began_s = Figures(), 0, time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trikeye-bench-") as name:
        for part in args.only:
            print(f"{part} ({time.monotonic() - began_s:.0f} s)", flush=True)
            try:
                found |= measured(PARTS[part], Path(name), args.cases)
            except (NotMeasured, OSError, ValueError, KeyError) as wrong:
                missing += 1
                print(f"  could not be measured: {wrong}", flush=True)
    print("\n".join(["", *table(found), f"{time.monotonic() - began_s:.0f} s"]))
    print(json.dumps({aim.key: found.get(aim.key) for aim in AIMS}))
    return int(missing > 0)


if __name__ == "__main__":
    raise SystemExit(main())
