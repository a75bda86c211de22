"""How well places and their errors are known: every figure beside its aim. `make bench-place`, five to ten minutes.

Exit 1 if a figure misses its aim, 3 if some could not be measured because the data of others is missing (TRIKEYE_SHARED, or `shared` beside the checkout);
`make` itself then ends with 2.
"""

from __future__ import annotations

import argparse
import importlib
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PARTS = ("ground", "drift", "cameras", "gnss", "join", "ride")


def main() -> int:
    """Print one line a figure; the exit code says whether all were measured and hold."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="measure these parts alone")
    parts = parser.parse_args().only
    shared = Path(os.environ.get("TRIKEYE_SHARED", ROOT.parent / "shared"))
    data = shared if (shared / "data").is_dir() else None
    if data is None:
        print(f"{shared / 'data'} is missing, so what needs the data of others is not measured; set TRIKEYE_SHARED to the folder that holds data/")  # fmt: skip
    rows = []
    for part in parts:
        began = time.monotonic()
        print(f"  {part} …", file=sys.stderr, flush=True)
        for row in importlib.import_module(f"place_{part}").figures(data):
            aim = row.aim.removeprefix("none")
            verdict = {True: "holds" if aim else "", False: "SHORT", None: "not measured"}[row.holds]
            print(f"{row.what:<62} {row.figure:<26} {aim:<18} {verdict}", flush=True)
            rows.append(row)
        print(f"  ({part}: {time.monotonic() - began:.0f} s)", file=sys.stderr)
    missing, short = (sum(row.holds is each for row in rows) for each in (None, False))
    unjudged = sum(row.aim in ("", "none") for row in rows)
    print(
        f"{len(rows) - short - missing - unjudged} hold, {short} short, {missing} not measured; {unjudged} have no aim"
    )
    return 1 if short else 3 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
