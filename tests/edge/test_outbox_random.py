"""The outbox in any order of events, and killed in the middle of any: every message is in exactly one place."""

from __future__ import annotations

import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from edge.outbox import Outbox, Settled

SightingOf = Callable[..., Any]
CAP_BYTES = 300_000


def places(path: Path) -> dict[int, tuple[str, UUID | None]]:
    """Where each sequence is. AssertionError if one is in two places."""
    db = sqlite3.connect(path)
    rows = [(table, *row) for table in ("message", "settled", "evicted", "unreadable") for row in db.execute(f"SELECT sequence, id FROM {table}")]  # fmt: skip
    db.close()
    assert len({n for _, n, _ in rows}) == len(rows), "a message is in two places"
    return {n: (table, UUID(bytes=id_) if id_ else None) for table, n, id_ in rows}


@pytest.mark.parametrize("seed", range(4))
def test_any_order_of_events_does_what_a_simple_model_does(tmp_path: Path, sighting_of: SightingOf, seed: int) -> None:
    rng, path = random.Random(seed), tmp_path / "o.sqlite3"
    box, given = Outbox(path, CAP_BYTES), 0
    held: dict[UUID, tuple[float, bool, bool]] = {}  # probability, urgent, refused
    settled: set[UUID] = set()
    forced_out: set[UUID] = set()
    for _ in range(300):
        event, each = rng.choice("ppppssao"), UUID(int=rng.randint(1, 60))
        if event == "p":
            probability, urgent = rng.random(), rng.random() < 0.2
            make = sighting_of(
                each,
                probability,
                filling=rng.randint(0, 60_000),
                category="road_collapse" if urgent else "road_damage",
            )
            is_new = box.put(each, make)
            assert is_new == (each not in held and each not in settled)
            if is_new:
                given += 1
                held[each] = (probability, urgent, False)
                gone = set(held) - {UUID(bytes=id_) for (id_,) in box._db.execute("SELECT id FROM message")}
                kept = [held[one] for one in held if one not in gone]
                for one in gone:  # nothing that stayed was worth less
                    p, u, refused = held.pop(one)
                    forced_out.add(one)
                    assert all((not refused, u, p) <= (not r, ku, kp) for kp, ku, r in kept)
        elif event == "s":
            box.settle_all([Settled(each, rng.choice(["accepted", "known"]))], 1.0)
            # What was forced out and arrives all the same is settled too.
            if held.pop(each, None) or each in forced_out:
                settled.add(each)
                forced_out.discard(each)
        elif event == "a":
            assert box.set_aside(each, "no") == (each in held and not held[each][2])
            if each in held:
                held[each] = (*held[each][:2], True)
        elif event == "o":
            box.close()
            box = Outbox(path, CAP_BYTES)
        where = places(path)
        assert set(where) == set(range(1, given + 1))
        assert {id_ for table, id_ in where.values() if table == "message"} == set(held)
        assert {id_ for table, id_ in where.values() if table == "settled"} == settled
    counts = box.counts()
    assert counts["waiting"] + counts["aside"] == len(held)
    assert counts["committed"] == given == sum(counts.values()) - given


WORKER = """
import random, sys
from pathlib import Path
from uuid import UUID
sys.path.insert(0, sys.argv[3])
from sightings import jpeg, message
from edge.outbox import Outbox, Settled
rng, path, picture = random.Random(int(sys.argv[2])), Path(sys.argv[1]), jpeg(1)
box, template = Outbox(path, 300_000), message(picture=picture)
def say(*words): print(*words, flush=True)
while True:
    event = rng.choice("pppsseo")
    if event == "p":
        each = UUID(int=rng.getrandbits(100))
        box.put(each, lambda o, n: template.model_copy(update={"id": each, "outbox": o, "sequence": n, "probability": rng.random()}))
        say("put", each)
    elif event == "s":
        waiting = box.waiting(3)
        say("settling", *(one.id for one in waiting))
        box.settle_all([Settled(one.id, "accepted") for one in waiting], 1.0)
    elif event == "e":
        waiting = box.waiting(1)
        if waiting: box.set_aside(waiting[0].id, "no")
    else:
        box.close()
        box = Outbox(path, 300_000)
"""


@pytest.mark.process
def test_killed_at_random_instants_with_two_at_work_nothing_vanishes_and_nothing_doubles(tmp_path: Path) -> None:
    path, rng = tmp_path / "o.sqlite3", random.Random(5)
    put, acknowledged = set(), set()
    for turn in range(5):
        workers = [
            subprocess.Popen(
                [sys.executable, "-c", WORKER, str(path), str(10 * turn + n), str(Path(__file__).parents[1] / "support")],
                stdout=subprocess.PIPE, text=True,
            )
            for n in range(2)
        ]  # fmt: skip
        said = [worker.stdout.readline() for worker in workers if worker.stdout]
        assert all(said), "both are at work"
        time.sleep(rng.uniform(0.1, 0.8))
        for worker in workers:
            worker.send_signal(signal.SIGKILL)
        said += [line for worker in workers for line in worker.communicate()[0].splitlines()]
        for line in said:
            verb, *ids = line.split()
            (put if verb == "put" else acknowledged).update(UUID(id_) for id_ in ids if len(id_) == 36)
        where = places(path)
        assert set(where) == set(range(1, len(where) + 1)), "no gap in the sequences"
        assert put <= {id_ for _, id_ in where.values()}, "what was told to be kept is there"
        assert {id_ for table, id_ in where.values() if table == "settled"} <= acknowledged
        assert Outbox(path, CAP_BYTES).counts()["unreadable"] == 0
    assert len(put) > 20
