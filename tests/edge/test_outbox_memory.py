"""What was settled is remembered for long and not for ever, and every sequence stays explained."""

from __future__ import annotations

import random
import sqlite3
from collections.abc import Callable, Iterable
from itertools import pairwise
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from edge.command_outbox import shown
from edge.outbox import Evicted, Outbox
from edge.outbox_file import replace_damaged
from edge.outbox_memory import AT_ONCE, REMEMBERED_LEAST, REMEMBERED_S, forgotten

SightingOf = Callable[..., Any]
LONG_AGO, NOW = 1.0, 2.0 + REMEMBERED_S
OLD = 100


def settle_by_hand(box: Outbox, sequences: Iterable[int], at_s: float) -> None:
    """As if so many had been put and settled."""
    db = sqlite3.connect(box.path)
    for n in sequences:
        db.execute("INSERT INTO settled VALUES (?,?,?,'accepted',?,'c',1,2,'2026-05-01T00:00:00+00:00')", (n, UUID(int=n).bytes, f"{n}", at_s))  # fmt: skip
        db.execute("INSERT INTO sent VALUES (?, ?)", (f"before {n}", UUID(int=n).bytes))
        db.execute("UPDATE about SET value=MAX(CAST(value AS INTEGER), ?) WHERE name='sequence'", (n,))
    db.commit()
    db.close()


@pytest.fixture
def full(outbox: Outbox) -> Outbox:
    """A hundred more than are always remembered, all settled long ago."""
    settle_by_hand(outbox, range(1, REMEMBERED_LEAST + OLD + 1), LONG_AGO)
    return outbox


def stretches(box: Outbox) -> list[tuple[int, int]]:
    return sqlite3.connect(box.path).execute("SELECT first, last FROM forgotten ORDER BY first").fetchall()


def answer(box: Outbox, times: int, now_s: float = NOW) -> None:
    """Take answers that settle nothing: to what was never here."""
    for _ in range(times):
        box.settle(UUID(int=2**100), "known", now_s)


def test_the_oldest_go_a_few_at_once_and_the_newest_stay_however_old(full: Outbox) -> None:
    before = full.counts()
    answer(full, 1)
    assert stretches(full) == [(1, AT_ONCE)]
    answer(full, 10)
    assert stretches(full) == [(1, OLD)]
    assert full.counts() == before, "what is forgotten was settled all the same"
    left = sqlite3.connect(full.path).execute("SELECT MIN(sequence), COUNT(*), (SELECT COUNT(*) FROM sent) FROM settled").fetchone()  # fmt: skip
    assert left == (OLD + 1, REMEMBERED_LEAST, REMEMBERED_LEAST)


@pytest.mark.parametrize("now_s", [LONG_AGO + REMEMBERED_S, 0.0, -1e9])
def test_nothing_goes_before_its_time_or_when_the_clock_is_back(full: Outbox, now_s: float) -> None:
    answer(full, 3, now_s)
    assert stretches(full) == []


def test_what_was_forgotten_would_be_sent_again_and_what_is_remembered_not(full: Outbox, sighting_of: SightingOf) -> None:  # fmt: skip
    answer(full, 3)
    assert not full.put(UUID(int=OLD + 1), sighting_of(UUID(int=OLD + 1)))
    assert full.put(UUID(int=OLD), sighting_of(UUID(int=OLD)))


def test_who_looks_for_a_forgotten_one_is_told_that_the_server_has_it(full: Outbox) -> None:
    answer(full, 3)
    db = sqlite3.connect(full.path)
    db.row_factory = sqlite3.Row
    assert shown(db, str(OLD)) == {"state": "settled", "sequence": OLD, "forgotten": True}


def test_stretches_are_those_of_what_was_forgotten_in_whatever_order_it_was_settled(outbox: Outbox) -> None:
    chance = random.Random(1)
    late = set(chance.sample(range(1, OLD + 1), 30))
    settle_by_hand(outbox, [n for n in range(1, REMEMBERED_LEAST + OLD + 1) if n not in late], LONG_AGO)
    answer(outbox, 5)
    settle_by_hand(outbox, late, LONG_AGO)
    answer(outbox, 1)
    found = stretches(outbox)
    assert found == [(1, OLD)]
    assert all(b[0] > a[1] + 1 for a, b in pairwise(found)), "neighbours are one"


def test_what_waits_or_was_evicted_between_is_never_in_a_stretch(tmp_path: Path, sighting_of: SightingOf) -> None:
    box = Outbox(tmp_path / "o.sqlite3")
    box.put(UUID(int=1), sighting_of(UUID(int=1)))
    box.put(UUID(int=2), sighting_of(UUID(int=2)))
    db = sqlite3.connect(box.path)
    db.execute("DELETE FROM message WHERE sequence=2")
    db.execute("INSERT INTO evicted VALUES (2, ?)", (UUID(int=2).bytes,))
    db.commit()
    settle_by_hand(box, range(3, REMEMBERED_LEAST + OLD + 1), LONG_AGO)
    answer(box, 5)
    assert stretches(box) == [(3, OLD)]
    assert box.evicted() == [Evicted(2, UUID(int=2))]
    assert box.counts() == {"waiting": 1, "aside": 0, "settled": REMEMBERED_LEAST + OLD - 2, "evicted": 1, "unreadable": 0,
                            "committed": REMEMBERED_LEAST + OLD}  # fmt: skip


def test_a_replaced_file_does_not_call_the_forgotten_unreadable(full: Outbox) -> None:
    answer(full, 3)
    full.close()
    assert replace_damaged(full.path).unreadable == {}
    assert forgotten(sqlite3.connect(full.path)) == OLD
