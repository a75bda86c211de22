"""What a put costs: against a file, its fsync and a row for each sighting, equally durable; and with 200,000 rows in the outbox against none.

`.venv/bin/python benchmarks/outbox.py --folder /mnt/card` measures the disk under that folder. All in turn, wall time; the last line is JSON:
`outbox_ratio` is how many times longer the file and row take, `outbox_growth` how much longer a put takes in the full outbox.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from uuid import UUID, uuid4

from edge.outbox import Outbox
from models.contract import Sighting, encode

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from sightings import described, jpeg, message

LEAST_RATIO, MOST_GROWTH = 4.0, 1.2


class FileAndRow:
    """The usual way, done with care: written aside, synced, renamed, the folder synced, then a row that says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir()
        self.db = sqlite3.connect(folder / "rows.sqlite3", isolation_level=None)
        self.db.execute("PRAGMA journal_mode=WAL")
        self.db.execute("PRAGMA synchronous=FULL")
        self.db.execute("CREATE TABLE message (sequence INTEGER PRIMARY KEY, id BLOB UNIQUE, path TEXT)")

    def put(self, sighting_id: UUID, make: Callable[[UUID, int], Sighting]) -> None:
        """Keep one, durable on return."""
        body, path = encode(make(sighting_id, 1)), self.folder / f"{sighting_id}.cbor"
        aside = path.with_suffix(".part")
        with aside.open("wb") as file:
            file.write(body)
            file.flush()
            os.fsync(file.fileno())
        aside.rename(path)
        folder = os.open(self.folder, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        self.db.execute("INSERT INTO message (id, path) VALUES (?, ?)", (sighting_id.bytes, path.name))


@dataclass
class Spent:
    """What puts took: wall time of each in ms; of all together the thread's processor time in ms, and the disk's writes, KB and flushes (others' too)."""

    wall_ms: list[float] = field(default_factory=list)
    thread_ms: float = 0.0
    disk: Counter[str] = field(default_factory=Counter)

    def said(self) -> str:
        """The mean of one put in words."""
        count, of = len(self.wall_ms), self.disk
        return (f"{sum(self.wall_ms) / count:.2f} ms (median {median(self.wall_ms):.2f}; processor {self.thread_ms / count:.2f} ms, "
                f"disk {of['writes'] / count:.1f} writes, {of['kb'] / count:.0f} KB, {of['flushes'] / count:.1f} flushes)")  # fmt: skip


def disk_did(folder: Path) -> Counter[str]:
    """The counters of the disk under a folder since the machine's start, as /proc/diskstats has them; none where it has none."""
    device = folder.stat().st_dev
    for line in Path("/proc/diskstats").read_text(encoding="ascii").splitlines():
        major, minor, _, *numbers = line.split()
        if (int(major), int(minor)) == (os.major(device), os.minor(device)) and len(numbers) > 15:
            return Counter(writes=int(numbers[4]), kb=int(numbers[6]) // 2, flushes=int(numbers[15]))
    return Counter()


def puts(boxes: dict[str, Outbox | FileAndRow], picture: bytes, count: int, folder: Path) -> dict[str, Spent]:
    """What each of `count` puts into each takes, in turn."""
    sighting, taken = message(pictures=[described(picture)]), {name: Spent() for name in boxes}
    names = list(boxes)
    for number in range(count + 5):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            id_, spent = uuid4(), taken[name]
            disk, thread_s, before_s = disk_did(folder), time.thread_time(), time.perf_counter()
            boxes[name].put(id_, lambda o, n, i=id_: sighting.model_copy(update={"id": i, "outbox": o, "sequence": n}))
            wall_ms, thread_ms = 1e3 * (time.perf_counter() - before_s), 1e3 * (time.thread_time() - thread_s)
            if number >= 5:
                spent.wall_ms.append(wall_ms)
                spent.thread_ms += thread_ms
                spent.disk += disk_did(folder) - disk
    return taken


def fill(box: Outbox, count: int, picture: bytes) -> None:
    """So many rows, in few commits, each with its own id, value and time."""
    template = message(pictures=[described(picture)])
    body = encode(template)
    db = sqlite3.connect(box.path, isolation_level=None)
    for first in range(1, count + 1, 20_000):
        db.execute("BEGIN IMMEDIATE")
        db.executemany(
            "INSERT INTO message VALUES (?,?,?,?,?,'bagged_garbage',37.9,112.5,?,NULL,0,0)",
            ((n, uuid4().bytes, "0" * 64, body, n % 997 / 997, f"2026-11-02T03:{n // 60 % 60:02}:{n % 60:02}+00:00")
             for n in range(first, min(first + 20_000, count + 1))),
        )  # fmt: skip
        db.execute("COMMIT")
    db.execute("UPDATE about SET value=? WHERE name='sequence'", (str(count),))
    db.execute("UPDATE about SET value=? WHERE name='bytes'", (str(count * len(body)),))
    db.close()


def main() -> int:
    """Print both ratios; exit 1 if one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to measure (default: here)")
    parser.add_argument("--puts", type=int, default=1000, help="of each kind (default: %(default)s)")
    parser.add_argument("--rows", type=int, default=200_000, help="in the full outbox (default: %(default)s)")
    args = parser.parse_args()
    large, small = jpeg(1, 960, 540), jpeg(2, 64, 40)
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        folder = Path(name)
        taken = puts({"outbox": Outbox(folder / "a.sqlite3"), "file and row": FileAndRow(folder / "files")}, large, args.puts // 4, folder)  # fmt: skip
        outbox_ms, file_ms = (sum(each.wall_ms) for each in taken.values())  # with the stalls of SQLite's checkpoints
        for name, spent in taken.items():
            print(f"{len(large)} bytes, {name}: {spent.said()}")
        print(f"{file_ms / outbox_ms:.1f} times", flush=True)
        empty, full = Outbox(folder / "empty.sqlite3"), Outbox(folder / "full.sqlite3")
        fill(full, args.rows, small)
        grown = {
            name: each.wall_ms for name, each in puts({"empty": empty, "full": full}, small, args.puts, folder).items()
        }
    growth = sum(grown["full"]) / sum(grown["empty"])
    print(f"{len(small)} bytes: {sum(grown['empty']) / 1e3:.2f} s for {args.puts} puts from empty, {sum(grown['full']) / 1e3:.2f} s with "
          f"{args.rows} rows: {growth:.2f} times (median {median(grown['full']) / median(grown['empty']):.2f})")  # fmt: skip
    found = {"outbox_ratio": round(file_ms / outbox_ms, 2), "outbox_growth": round(growth, 3)}
    print(json.dumps(found))
    return int(found["outbox_ratio"] < LEAST_RATIO or found["outbox_growth"] > MOST_GROWTH)


if __name__ == "__main__":
    raise SystemExit(main())
