"""Whether the vehicle grows: it looks at the film lap after lap, redacts and keeps some of what it finds, and the server's answers empty its outbox.

`.venv/bin/python benchmarks/leak.py --frames 30000` (`make soak`, an hour or so) ends with 1 if memory grew by 5 MB or a file stayed open.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from statistics import median

from one_start import memory_mb
from street_film import NotReady, draw_film, laps, unit_pack, vehicle_on

from edge.ride import Ride, open_ride
from models.packs import Pack

WARM_UP, FRAMES, READ_EVERY, TOLD_EVERY = 1_000, 6_000, 10, 1_000
KEEP_EVERY = 10
"""Of the finds one in so many is redacted and kept: evidence costs as much as ten looks."""
MOST_MB = 5.0


def leak(ride: Ride, pack: Pack, folder: Path, frames: int = FRAMES) -> dict[str, float]:
    """`leak_mb`: what resident memory grew by in `frames` inferred frames after 1,000 to warm up; `leak_files` open files likewise."""
    vehicle, found, files, held_mb = vehicle_on(ride, pack, folder / "leak.sqlite3"), 0, 0, list[float]()
    for number, frame in enumerate(islice(laps(ride), WARM_UP + frames), 1):
        for finding in vehicle.see(frame):
            if found % KEEP_EVERY == 0:
                vehicle.keep(finding)
                vehicle.outbox.settle(finding.id, "accepted", time.time())
            found += 1
        if number == WARM_UP:
            files = _open_files()
        if number >= WARM_UP and number % READ_EVERY == 0:
            held_mb.append(memory_mb()["resident_mb"])
        if number >= WARM_UP and (number - WARM_UP) % TOLD_EVERY == 0:
            print(f"  {number:>6} frames: {held_mb[-1]:.1f} MB, {_open_files()} files open, {found} finds, {vehicle.counts.sightings} kept", flush=True)  # fmt: skip
    grown = {"leak_mb": round(growth(held_mb), 2), "leak_files": _open_files() - files}
    vehicle.outbox.close()
    return grown


def growth(readings: Sequence[float]) -> float:
    """What evenly spaced readings grew by: between the medians of their first and last thirds, which lie two thirds of the way apart. Single ones swing by 15 MB, as a frame's pictures lie in the allocator."""
    third = len(readings) // 3
    return 1.5 * (median(readings[-third:]) - median(readings[:third]))


def _open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> int:
    """Print how it grows; exit 1 if by too much."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=FRAMES, help="after the thousand to warm up (default: %(default)s)")  # fmt: skip
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        try:
            grown = leak(open_ride(draw_film(folder / "film")), unit_pack(folder / "unit"), folder, args.frames)
        except NotReady as wrong:
            print(f"benchmarks/leak.py: {wrong}", file=sys.stderr)
            return 1
    print(json.dumps(grown))
    return int(grown["leak_mb"] >= MOST_MB or grown["leak_files"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
