"""What coverage costs: bytes a kilometre on the wire, CPU a look on the vehicle, and the question "was this place seen well since?" among 10 million cells.

`.venv/bin/python benchmarks/coverage.py --folder /mnt/disk` builds a scratch database (1 GB) under that folder and removes it. With the outbox of a replayed
ride (`trikeye edge replay RIDE --data DATA`, then `--ride RIDE --replayed DATA`) it also says of how many problems that stand where the ride saw well
something was found: how much a look without a find means. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from math import cos, radians, sin
from pathlib import Path
from statistics import median, quantiles
from typing import NamedTuple

import h3.api.basic_int as h3
import numpy as np

from calibration.camera import Camera
from calibration.geodesy import moved
from calibration.mount import Mount
from demo.score import Spot, problems_of, score
from edge.coverage import Coverer
from edge.identity import Ids
from edge.values import Box, Fix, Frame
from models.contract import CellLook, Coverage, decode, encode, packed, topic

UTC = timezone.utc  # noqa: UP017
MOST_BYTES_A_KM, MOST_LOOK_MS, MOST_LOOKUP_MS = 2048, 0.3, 5.0
HOME, START = (37.87, 112.55), datetime(2026, 11, 2, 1, 30, tzinfo=UTC)
CAMERA, MOUNT, NETWORK_SCALE = Camera((960, 540), (625.5, 625.5), (479.5, 269.5)), Mount(1.4, 7.0), 640 / 960
IMAGE = np.broadcast_to(np.uint8(0), (540, 960, 3))
CARS: list[Box] = [(100.0, 250.0, 260.0, 380.0), (700.0, 260.0, 860.0, 400.0)]
EVERY_M, LENGTH_M, BLOCK_M = 1.5, 5000.0, 350.0
SPEEDS_MPS = (1.5, 4.0, 7.0)


def way(speed_mps: float) -> Iterator[Frame]:
    """A ride around blocks of a district, one look per 1.5 m, each way driven once."""
    at, turn = HOME, 20.0
    for number in range(int(LENGTH_M / EVERY_M)):
        driven_m = number * EVERY_M
        turn = 20.0 + 90.0 * (int(driven_m / BLOCK_M) % 2)
        at = moved(*at, EVERY_M * sin(radians(turn)), EVERY_M * cos(radians(turn)))
        seconds = driven_m / speed_mps
        fix = Fix(None, *at, 1.5, turn, speed_mps, "gnss")
        yield Frame(
            number, "front", IMAGE, START + timedelta(seconds=seconds), "gnss", 0.5, int(1e9 * (1 + seconds)), fix
        )


def driven(speed_mps: float) -> tuple[float, float]:
    """Bytes a kilometre, and CPU milliseconds a look, its share of making messages in it."""
    coverer = Coverer("TY-01", "camera", MOUNT, Ids("TY-01", "front", None))
    frames, told = list(way(speed_mps)), []
    before = time.process_time()
    for frame in frames:
        told.append(coverer.see(frame, CAMERA, NETWORK_SCALE, CARS, False))
    spent = time.process_time() - before
    told.append(coverer.flush())
    sizes = [len(encode(each)) for each in told if each is not None]
    return sum(sizes) / LENGTH_M * 1000, 1e3 * spent / len(frames)


def found_where_seen_well(ride: Path, replayed: Path) -> tuple[int, int]:
    """Of a ride's problems those that stand where it saw well, and of these those that were found."""
    outbox = sqlite3.connect(replayed / "outbox.sqlite3")
    looks = (look for (body,) in outbox.execute("SELECT body FROM coverage") for look in decode(Coverage, body).looks)
    well = {look.cell for look in looks if look.quality >= 2}
    problems, counted = problems_of(json.loads((ride / "truth.json").read_text()))
    cases = [Spot(n, *row) for n, row in enumerate(outbox.execute("SELECT category, lat_deg, lon_deg FROM message"))]
    found = set(score(problems, counted, cases).matched.values())
    there = [each.key for each in problems if h3.latlng_to_cell(each.lat_deg, each.lon_deg, 12) in well]
    return len(there), sum(key in found for key in there)


class Answered(NamedTuple):
    """Milliseconds: to answer (median, 95 %, and 95 % of the processor's time alone), and to take one message of 60 cells (median)."""

    p50_ms: float
    p95_ms: float
    cpu_p95_ms: float
    store_ms: float


def lookups(folder: Path, rows: int, asked: int) -> Answered:
    """What questions to a database of so many cells on disk take."""
    os.environ |= {"TRIKEYE_DATA": str(folder), "DJANGO_SETTINGS_MODULE": "server.settings"}
    import django

    django.setup()
    from django.core.management import call_command
    from django.db import connection

    from server.coverage.services import seen_well_since, take_coverage
    from server.fleet.models import City
    from server.fleet.services import add_vehicle

    call_command("migrate", verbosity=0)
    add_vehicle("TY-01", "taiyuan")
    city = City.objects.get(key="taiyuan")
    connection.close()
    began = time.monotonic()
    parents = fill(folder / "db.sqlite3", city.pk, rows)
    print(f"{rows} cells written in {time.monotonic() - began:.0f} s, {(folder / 'db.sqlite3').stat().st_size / 1e6:.0f} MB", flush=True)  # fmt: skip
    chance, taken, worked, stored = random.Random(1), list[float](), list[float](), list[float]()
    for _ in range(asked):
        lat, lon = h3.cell_to_latlng(chance.choice(parents))
        place = moved(lat, lon, chance.uniform(-600, 600), chance.uniform(-600, 600))
        before, before_cpu = time.perf_counter(), time.process_time()
        seen_well_since(city, *place, START, error_m=3.0)
        taken.append(1e3 * (time.perf_counter() - before))
        worked.append(1e3 * (time.process_time() - before_cpu))
    for number in range(asked // 20):
        disk = sorted(h3.grid_disk(h3.cell_to_center_child(chance.choice(parents), 12), 4))[:60]
        message = Coverage.model_validate({
            "id": Ids("TY-01", "front", None).coverage(START, number), "vehicle": "TY-01", "camera": "front", "origin": "camera",
            "from_utc": START + timedelta(days=1), "to_utc": START + timedelta(days=1), "clock_source": "gnss", **packed([CellLook(cell, 2, 7) for cell in disk]),
        })  # fmt: skip
        before = time.perf_counter()
        take_coverage([(topic("TY-01", "coverage"), encode(message))], START + timedelta(days=2))
        stored.append(1e3 * (time.perf_counter() - before))
    connection.close()
    return Answered(median(taken), quantiles(taken, n=20)[18], quantiles(worked, n=20)[18], median(stored))


def fill(database: Path, city_id: int, rows: int) -> list[int]:
    """So many cells of resolution 12 that lie together, as a city's do; the cells of resolution 8 that hold them."""
    parents = list(h3.grid_disk(h3.latlng_to_cell(*HOME, 8), 1 + int((rows / 2401 / 3) ** 0.5)))[: -(-rows // 2401)]
    db = sqlite3.connect(database, isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN")
    at_s = int(START.timestamp())
    cells = (cell for parent in parents for cell in h3.cell_to_children(parent, 12))
    db.executemany(
        "INSERT INTO coverage_cell (city_id, origin, cell, seen_s, afar_s, well_s, near_s) VALUES (?, 'camera', ?, ?, ?, ?, 0)",
        ((city_id, cell, at_s, at_s - n % 9999, at_s - n % 99999) for n, (cell, _) in enumerate(zip(cells, range(rows), strict=False))),
    )  # fmt: skip
    db.execute("COMMIT")
    db.close()
    return parents


def main() -> int:
    """Print every figure; exit 1 if one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(), help="on the disk to measure (default: here)")
    parser.add_argument("--rows", type=int, default=10_000_000, help="cells in the database (default: %(default)s)")
    parser.add_argument("--asked", type=int, default=2000, help="questions (default: %(default)s)")
    parser.add_argument("--ride", type=Path, help="a ride with truth.json")
    parser.add_argument("--replayed", type=Path, help="the folder its replay wrote")
    args = parser.parse_args()
    by_speed = {speed: driven(speed) for speed in SPEEDS_MPS}
    for speed, (bytes_a_km, look_ms) in by_speed.items():
        print(f"at {speed} m/s: {bytes_a_km:.0f} bytes a kilometre, {look_ms:.3f} ms of CPU a look", flush=True)
    found = {"bytes_a_km": round(max(each for each, _ in by_speed.values())), "look_ms": round(max(each for _, each in by_speed.values()), 3)}  # fmt: skip
    if args.ride and args.replayed:
        there, were_found = found_where_seen_well(args.ride, args.replayed)
        print(f"of {there} problems where the ride saw well {were_found} were found")
        found |= {"seen_well": there, "found_of_them": were_found}
    with tempfile.TemporaryDirectory(dir=args.folder) as name:
        took = lookups(Path(name).resolve(), args.rows, args.asked)
    print(f"seen well since, {args.rows} cells: {took.p50_ms:.2f} ms median, {took.p95_ms:.2f} ms 95 % ({took.cpu_p95_ms:.2f} ms of CPU); "
          f"one message of 60 cells stored in {took.store_ms:.1f} ms")  # fmt: skip
    found |= {
        f"lookup_{name}" if name != "store_ms" else name: round(value, 3) for name, value in took._asdict().items()
    }
    print(json.dumps(found))
    return int(found["bytes_a_km"] > MOST_BYTES_A_KM or found["look_ms"] > MOST_LOOK_MS or took.p95_ms > MOST_LOOKUP_MS)  # fmt: skip


if __name__ == "__main__":
    raise SystemExit(main())
