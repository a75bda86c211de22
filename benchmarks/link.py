"""What the uplink makes of a SIM card's link, through our own shaping proxy: 400 kbit/s, 300 ms there and back, with and without loss.

`.venv/bin/python benchmarks/link.py` needs Mosquitto and a few minutes. The last line is JSON: `link_ratio` is the least share of
min(bandwidth, in flight / round trip) over the sizes of message, `first_fresh_s` how long the first fresh sighting takes with 10,000 in the backlog,
`lost`, `sent_twice` and `urgent_first` are of the link with 5 % loss.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import sqlite3
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from uuid import UUID

from edge.outbox import Outbox
from models.contract import Sighting, decode

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))
from shaping import Link, proxy
from sightings import jpeg, message
from wire import Broker, Running, Server, accept, found_mosquitto, until

KBIT_S, ROUND_TRIP_MS, LOSS = 400.0, 300.0, 0.05
IN_FLIGHT, RESEND_S = 8, 20.0
LEAST_RATIO, MOST_FRESH_S = 0.9, 5.0
SIZES = (1_500, 8_000, 60_000, 150_000)


def fill(path: Path, count: int, size: int, first: int = 1, category: str = "bagged_garbage") -> int:
    """Put so many messages of about a size; their bytes."""
    box, picture = Outbox(path), jpeg(1, 64, 40)
    padded = picture + bytes(max(0, size - len(picture) - 900))
    shown = {"role": "best", "sha256": hashlib.sha256(padded).hexdigest(), "width": 64, "height": 40, "bytes": padded}
    template = message(category=category, pictures=[shown])
    db = sqlite3.connect(path, isolation_level=None)
    before = int(db.execute("SELECT value FROM about WHERE name='bytes'").fetchone()[0])
    for number in range(first, first + count):
        id_ = UUID(int=number)
        box.put(id_, lambda o, n, i=id_: template.model_copy(update={"id": i, "outbox": o, "sequence": n}))
    after = int(db.execute("SELECT value FROM about WHERE name='bytes'").fetchone()[0])
    db.close()
    box.close()
    return after - before


@contextmanager
def link_to(broker: Broker, loss: float = 0.0) -> Iterator[Link]:
    """The shaped way to a broker."""
    with proxy(0, ("127.0.0.1", broker.port), KBIT_S, ROUND_TRIP_MS / 2, loss) as link:
        yield link


def ids(server: Server) -> list[int]:
    """Ids in the order of their arrival, as often as they came."""
    return [decode(Sighting, body).id.int for body in server.bodies]


def settled(path: Path) -> int:
    """How many the server has answered for."""
    with closing(sqlite3.connect(path)) as db:
        return int(db.execute("SELECT COUNT(*) FROM settled").fetchone()[0])


def throughput(broker: Broker, folder: Path, size: int, seconds: float) -> float:
    """The share of min(bandwidth, in flight / round trip) that messages of a size reach, from the first that leaves to the last answer."""
    best = min(KBIT_S * 125, IN_FLIGHT * size / (ROUND_TRIP_MS / 1e3))
    count = max(2 * IN_FLIGHT, round(seconds * best / size))
    path = folder / f"size{size}.sqlite3"
    total = fill(path, count, size)
    server = Server(broker.port, accept)
    with link_to(broker) as link:
        running = Running(path, link.port, in_flight=IN_FLIGHT, resend_s=RESEND_S)
        assert until(lambda: link.up_bytes > 500, 30)
        began = time.monotonic()
        assert until(lambda: settled(path) == count, 10 * seconds + 60)
        taken = time.monotonic() - began
        running.stop()
    server.stop()
    print(f"{size:>7} bytes: {total / taken / 125:.0f} kbit/s, {total / taken / best:.3f} of what can be", flush=True)
    return total / taken / best


def lossy(broker: Broker, folder: Path, count: int) -> dict[str, object]:
    """What a link with loss loses, sends twice, and lets go first."""
    path = folder / "lossy.sqlite3"
    fill(path, count, 6_000)
    fill(path, 5, 6_000, 100_001, "road_collapse")
    server = Server(broker.port, accept)
    with link_to(broker, LOSS) as link:
        ended = Running(path, link.port, in_flight=IN_FLIGHT, resend_s=RESEND_S).ends(count * 2 + 60)
        print(f"{LOSS:.0%} loss: {link.stalls} stalls, {len(server.bodies)} arrived of {count + 5}", flush=True)
    came = ids(server)
    server.stop()
    return {
        "lost": count + 5 - len(set(came)) if ended else count + 5,
        "sent_twice": len(came) - len(set(came)),
        "urgent_first": set(came[:5]) == set(range(100_001, 100_006)),
    }


def first_fresh_s(broker: Broker, folder: Path, backlog: int) -> float:
    """Seconds from the put of a fresh sighting, just after the connection, to the server's answer in the outbox."""
    path = folder / "fresh.sqlite3"
    fill(path, backlog, 8_000)
    server = Server(broker.port, accept)
    asked = sqlite3.connect(path)
    with link_to(broker, LOSS) as link:
        running = Running(path, link.port, until_empty=False, in_flight=IN_FLIGHT, resend_s=RESEND_S)
        assert until(lambda: len(server.bodies) > 2, 60)
        began = time.monotonic()
        fill(path, 1, 60_000, 1_000_000)
        query = "SELECT 1 FROM settled WHERE id=?"
        assert until(lambda: asked.execute(query, (UUID(int=1_000_000).bytes,)).fetchone() is not None, 120)
        taken = time.monotonic() - began
        running.stop()
    server.stop()
    print(f"a fresh sighting of 60 kB, {backlog} in the backlog, {LOSS:.0%} loss: acknowledged after {taken:.1f} s", flush=True)  # fmt: skip
    return taken


def main() -> int:
    """Print every figure; exit 1 if one misses its limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20.0, help="for each size (default: %(default)s)")
    parser.add_argument("--backlog", type=int, default=10_000, help="(default: %(default)s)")
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    program = found_mosquitto()
    if program is None:
        print("benchmarks/link.py: mosquitto is missing; apt-get install mosquitto", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory() as name:
        broker = Broker(program, Path(name))
        broker.start()
        try:
            shares = [throughput(broker, Path(name), size, args.seconds) for size in SIZES]
            found: dict[str, object] = {
                "link_ratio": round(min(shares), 3),
                "first_fresh_s": round(first_fresh_s(broker, Path(name), args.backlog), 2),
                **lossy(broker, Path(name), round(3 * args.seconds)),
            }
        finally:
            broker.kill()
    print(json.dumps(found))
    good = min(shares) >= LEAST_RATIO and float(str(found["first_fresh_s"])) <= MOST_FRESH_S
    return int(not (good and found["lost"] == 0 and found["urgent_first"]))


if __name__ == "__main__":
    raise SystemExit(main())
