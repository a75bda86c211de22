"""`python -m demo.chaos.command`: the whole suite of faults, judged; `make chaos SEED=n`."""

from __future__ import annotations

import argparse
import json
import logging
import shutil
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from demo.chaos.layer import NoCompiler
from demo.chaos.plan import DAMAGE, KINDS, plan
from demo.chaos.run import Run
from demo.chaos.stage import ChaosFailed, Load, Stage
from demo.chaos.verdict import as_json

SHORT = {"vehicles": 2, "count": 300, "rate": 12.0, "full_size_every": 60, "limit": 250.0}
LONG = {"vehicles": 8, "count": 12_630, "rate": 8.0, "full_size_every": 100, "limit": 2_400.0}
"""101,040 sightings, 1,008 of them of full size."""
LONG_STRETCH = 4.0


def parser() -> argparse.ArgumentParser:
    """The arguments; what is not said comes from --short or the long form."""
    out = argparse.ArgumentParser(
        prog="python -m demo.chaos.command", description=__doc__, epilog="example:\n  python -m demo.chaos.command --seed 7 --short --kinds kill_uplink kill_broker",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    out.add_argument("--seed", type=int, default=1)
    out.add_argument("--short", action="store_true", help="a small run")
    out.add_argument("--rounds", type=int, default=1, help="with --short: how often every fault comes (default: %(default)s)")  # fmt: skip
    out.add_argument("--kinds", nargs="+", choices=(*KINDS, *DAMAGE), default=KINDS, metavar="KIND", help=f"faults to draw from (default: all but those that cost data: {', '.join(DAMAGE)}): {', '.join(KINDS)}")  # fmt: skip
    out.add_argument("--vehicles", type=int)
    out.add_argument("--count", type=int, help="sightings of each vehicle")
    out.add_argument("--rate", type=float, help="sightings a second of each vehicle")
    out.add_argument("--full-size-every", type=int, help="every how manieth sighting has full size")
    out.add_argument("--cap-bytes", type=int, default=4_000_000_000, help="of each outbox: a small one evicts, and must count")  # fmt: skip
    out.add_argument("--limit", type=float, metavar="SECONDS", help="give up after this")
    out.add_argument("--data", type=Path, help="an empty folder that is kept (default: a new one, kept only after a failure)")  # fmt: skip
    return out


def main(argv: list[str] | None = None) -> int:
    """0 if nothing was lost, doubled or left behind; the last line is JSON."""
    args = parser().parse_args(argv)
    for name, value in (SHORT if args.short else LONG).items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(message)s")
    data = args.data or Path(tempfile.mkdtemp(prefix="trikeye-chaos-"))
    load = Load(args.seed, int(args.vehicles), int(args.count), args.rate, int(args.full_size_every), is_long=not args.short, cap_bytes=args.cap_bytes)  # fmt: skip
    faults = plan(args.seed, load.vehicles, args.kinds, 1.0 if args.short else LONG_STRETCH)
    stage = Stage(data.resolve(), load)
    run, began_s = (
        Run(stage, islice(faults, args.rounds * len(args.kinds)) if args.short else faults, args.limit),
        time.monotonic(),
    )
    try:
        verdict = run.go()
    except (ChaosFailed, NoCompiler) as wrong:
        print(f"python -m demo.chaos.command: {wrong}", file=sys.stderr)
        return 1
    if not verdict.is_clean:
        print(f"{data} is kept\n" + "\n".join(verdict.words), file=sys.stderr)
    elif args.data is None:
        shutil.rmtree(data, ignore_errors=True)
    print(json.dumps(as_json(verdict, run.bitten, time.monotonic() - began_s)))
    return 0 if verdict.is_clean else 1


if __name__ == "__main__":
    sys.exit(main())
