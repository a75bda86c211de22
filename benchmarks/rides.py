"""The whole chain on rides of streets that nobody has looked at: draws each seed, runs the demo without a person, prints the figures and their mean.

`python benchmarks/rides.py --seeds 11 12 13` (about five minutes a ride; rides already in --rides are not drawn again)
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import mean
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COLUMNS = ("problems", "found", "categories_found", "cases", "doubled", "false_cases", "lost", "place_p50_m", "seconds")


def ride(seed: int, rides: Path) -> Path:
    """The ride of a seed, drawn if it is not there yet."""
    folder = rides / f"seed{seed}"
    if not (folder / "ride.toml").exists():
        trikeye("demo", "ride", "--seed", str(seed), "--out", str(folder))
    return folder


def chain(folder: Path) -> dict[str, Any]:
    """The last line of a run without a person."""
    said = trikeye("demo", "run", "--headless", "--until-done", "--json", "--ride", str(folder))
    return dict(json.loads(said.strip().splitlines()[-1]))


def trikeye(*argv: str) -> str:
    """Run one verb of this checkout; its progress goes to the screen."""
    command = [sys.executable, "-m", "trikeye", *argv]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout


def main() -> int:
    """Print one row a seed and the means."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[11, 12, 13])
    parser.add_argument("--rides", type=Path, help="folder to keep the drawn rides in (default: a new temporary one)")
    args = parser.parse_args()
    rides = args.rides or Path(tempfile.mkdtemp(prefix="trikeye-rides-"))
    rows = {seed: chain(ride(seed, rides)) for seed in args.seeds}
    print("seed  " + "  ".join(COLUMNS))
    for seed, row in rows.items():
        print(f"{seed:4}  " + "  ".join(f"{row[name]!s:>{len(name)}}" for name in COLUMNS))
    found = mean(row["found"] / row["problems"] for row in rows.values())
    false = mean(row["false_cases"] / row["cases"] for row in rows.values())
    doubled = mean(row["doubled"] / row["problems"] for row in rows.values())
    print(f"mean  found {found:.1%} of problems, false {false:.1%} of cases, doubled {doubled:.1%} of problems")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
