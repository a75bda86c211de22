"""The outbox under faults: a row goes only by the server's acknowledgement, or by the cap, counted."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from edge.outbox import Evicted, Outbox, OutboxBroken, OutboxError, OutboxFull
from edge.outbox_file import LANES_AND_VALUE, NAME_THE_EVICTED
from models.contract import RefusedMessage, Sighting, decode, digest_of

A, B, C = UUID(int=10), UUID(int=11), UUID(int=12)
SightingOf = Callable[..., Any]


def test_it_keeps_bytes_as_they_will_travel(outbox: Outbox, sighting_of: SightingOf) -> None:
    assert outbox.put(A, sighting_of(A))
    (waiting,) = outbox.waiting(10)
    assert waiting.digest == digest_of(waiting.body)
    sighting = decode(Sighting, waiting.body)
    assert (sighting.id, sighting.outbox, sighting.sequence) == (A, outbox.uuid, 1)


def test_it_takes_an_id_once_even_after_the_server_has_it(outbox: Outbox, sighting_of: SightingOf) -> None:
    assert outbox.put(A, sighting_of(A))
    assert not outbox.put(A, sighting_of(A))
    assert outbox.settle(A, "accepted", 1.0)
    assert not outbox.put(A, sighting_of(A))
    assert outbox.counts() == {"waiting": 0, "aside": 0, "settled": 1, "evicted": 0, "unreadable": 0, "committed": 1}


def test_an_acknowledgement_that_comes_twice_settles_once(outbox: Outbox, sighting_of: SightingOf) -> None:
    outbox.put(A, sighting_of(A))
    assert outbox.settle(A, "accepted", 1.0)
    assert not outbox.settle(A, "known", 2.0)
    assert outbox.counts()["settled"] == 1


def test_an_acknowledgement_of_a_strange_id_changes_nothing(outbox: Outbox, sighting_of: SightingOf) -> None:
    outbox.put(A, sighting_of(A))
    assert not outbox.settle(B, "accepted", 1.0)
    assert outbox.counts()["waiting"] == 1


def test_what_the_server_refuses_is_kept_and_not_sent(outbox: Outbox, sighting_of: SightingOf) -> None:
    outbox.put(A, sighting_of(A))
    assert outbox.set_aside(A, "id_conflict")
    assert outbox.waiting(10) == []
    assert outbox.counts()["aside"] == 1


def test_sequences_have_no_gaps_even_where_a_message_could_not_be_made(outbox: Outbox, sighting_of: SightingOf) -> None:
    outbox.put(A, sighting_of(A))
    with pytest.raises(RefusedMessage):
        outbox.put(B, sighting_of(B, filling=300_000))

    def dies(box: UUID, sequence: int) -> Sighting:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        outbox.put(B, dies)
    outbox.put(C, sighting_of(C))
    assert [each.sequence for each in outbox.waiting(10)] == [1, 2]


KILLED = """
import os, sys
from pathlib import Path
from uuid import UUID
from edge.outbox import Outbox
box = Outbox(Path(sys.argv[1])); step = sys.argv[2]
def trace(statement):
    if step in statement: os._exit(9)
box._db.set_trace_callback(trace)
box.settle(UUID(int=10), "accepted", 1.0)
os._exit(0)
"""


@pytest.mark.process
@pytest.mark.parametrize(
    ("step", "settled"), [("BEGIN", 0), ("INSERT", 0), ("DELETE", 0), ("COMMIT", 0), ("nowhere", 1)]
)
def test_killed_at_any_step_of_settling_the_row_waits_or_is_settled_never_neither(
    outbox: Outbox, sighting_of: SightingOf, step: str, settled: int
) -> None:
    outbox.put(A, sighting_of(A))
    subprocess.run([sys.executable, "-c", KILLED, str(outbox.path), step], check=False)
    again = Outbox(outbox.path)
    assert again.uuid == outbox.uuid
    counts = again.counts()
    assert (counts["waiting"], counts["settled"]) == (1 - settled, settled)


def test_a_connection_that_dies_in_the_middle_of_putting_leaves_no_trace(
    outbox: Outbox, sighting_of: SightingOf
) -> None:
    outbox.put(A, sighting_of(A))
    other = sqlite3.connect(outbox.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    other.execute("UPDATE about SET value='7' WHERE name='sequence'")
    other.close()
    assert outbox.put(B, sighting_of(B))
    assert [each.sequence for each in outbox.waiting(10)] == [1, 2]


def test_a_full_disk_is_told_and_loses_nothing(outbox: Outbox, sighting_of: SightingOf) -> None:
    outbox.put(A, sighting_of(A))
    pages = outbox._db.execute("PRAGMA page_count").fetchone()[0]
    outbox._db.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(OutboxFull, match="free some disk space"):
        outbox.put(B, sighting_of(B, filling=100_000))
    assert [each.id for each in outbox.waiting(10)] == [A]
    outbox._db.execute("PRAGMA max_page_count=100000")
    assert outbox.put(B, sighting_of(B, filling=100_000))
    assert [each.sequence for each in outbox.waiting(10)] == [1, 2]


def test_over_the_cap_the_least_probable_goes_and_is_named(tmp_path: Path, sighting_of: SightingOf) -> None:
    box = Outbox(tmp_path / "o.sqlite3", cap_bytes=1)  # never less than one message
    for sighting_id, probability in ((A, 0.9), (B, 0.2), (C, 0.5)):
        box.put(sighting_id, sighting_of(sighting_id, probability, filling=100_000))
    assert [each.id for each in box.waiting(10)] == [A, C]
    counts = box.counts()
    assert counts["evicted"] == 1
    assert counts["committed"] == counts["waiting"] + counts["evicted"]
    assert box.evicted() == [Evicted(2, B)]
    assert sqlite3.connect(box.path).execute("SELECT value FROM about WHERE name='evicted'").fetchone() == ("1",)
    assert Outbox(box.path).evicted() == [Evicted(2, B)]


def test_what_was_evicted_may_come_again_under_a_new_sequence(tmp_path: Path, sighting_of: SightingOf) -> None:
    box = Outbox(tmp_path / "o.sqlite3", cap_bytes=1)
    for sighting_id in (A, B, C, A):
        box.put(sighting_id, sighting_of(sighting_id, filling=100_000))
    assert box.evicted() == [Evicted(1, A), Evicted(2, B)]
    assert [(each.sequence, each.id) for each in box.waiting(10)] == [(3, C), (4, A)]


VERSION_1 = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE message (
  sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, digest TEXT NOT NULL, body BLOB NOT NULL, probability REAL NOT NULL,
  category TEXT NOT NULL, lat_deg REAL NOT NULL, lon_deg REAL NOT NULL, seen_utc TEXT NOT NULL, aside TEXT);
CREATE INDEX message_waiting ON message (sequence) WHERE aside IS NULL;
CREATE TABLE settled (
  id BLOB PRIMARY KEY, digest TEXT NOT NULL, sequence INTEGER NOT NULL, outcome TEXT NOT NULL, at_s REAL NOT NULL,
  category TEXT NOT NULL, lat_deg REAL NOT NULL, lon_deg REAL NOT NULL, seen_utc TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO about VALUES ('outbox', '00000000-0000-0000-0000-000000000007'), ('sequence', '5'), ('evicted', '2');
INSERT INTO message VALUES (2, x'0000000000000000000000000000000a', 'd', x'01', 0.5, 'c', 1.0, 2.0, '2026-05-01T00:00:00+00:00', NULL);
INSERT INTO message VALUES (3, x'0000000000000000000000000000000b', 'e', x'02', 0.5, 'c', 1.0, 2.0, '2026-05-01T00:00:00+00:00', 'id_conflict');
INSERT INTO settled VALUES (x'0000000000000000000000000000000c', 'f', 4, 'accepted', 1.0, 'c', 1.0, 2.0, '2026-05-01T00:00:00+00:00');
PRAGMA user_version=1;
"""


VERSION_2 = VERSION_1.replace(
    "PRAGMA user_version=1;",
    """
CREATE TABLE evicted (sequence INTEGER PRIMARY KEY, id BLOB);
INSERT INTO evicted VALUES (1, x'0000000000000000000000000000000d'), (5, NULL);
UPDATE message SET category='road_collapse' WHERE sequence=2;
PRAGMA user_version=2;
""",
)


@pytest.fixture
def old_file(tmp_path: Path) -> Path:
    """An outbox of version 1: one message waits, one is set aside, one is settled, two were evicted and forgotten."""
    path = tmp_path / "old.sqlite3"
    db = sqlite3.connect(path)
    db.executescript(VERSION_1)
    db.close()
    return path


def test_a_file_of_version_1_keeps_every_row_and_its_gaps_become_the_evicted(
    old_file: Path, sighting_of: SightingOf
) -> None:
    box = Outbox(old_file)
    assert box.uuid == UUID(int=7)
    assert [(each.sequence, each.id, each.body) for each in box.waiting(10)] == [(2, A, b"\x01")]
    assert box.counts() == {"waiting": 1, "aside": 1, "settled": 1, "evicted": 2, "unreadable": 0, "committed": 5}
    assert box.evicted() == [Evicted(1, None), Evicted(5, None)]
    assert not box.put(C, sighting_of(C)), "what was settled stays settled"
    assert box.put(UUID(int=13), sighting_of(UUID(int=13)))
    assert Outbox(old_file).counts() == {
        "waiting": 2,
        "aside": 1,
        "settled": 1,
        "evicted": 2,
        "unreadable": 0,
        "committed": 6,
    }


def test_a_file_of_version_2_keeps_every_row_and_what_is_urgent_in_it_goes_first(
    tmp_path: Path, sighting_of: SightingOf
) -> None:
    db = sqlite3.connect(tmp_path / "old.sqlite3")
    db.executescript(VERSION_2)
    db.close()
    box = Outbox(tmp_path / "old.sqlite3")
    assert box.counts() == {"waiting": 1, "aside": 1, "settled": 1, "evicted": 2, "unreadable": 0, "committed": 5}
    assert box.evicted() == [Evicted(1, UUID(int=13)), Evicted(5, None)]
    assert not box.put(C, sighting_of(C)), "what was settled stays settled"
    assert (box.next_up(urgent=True), box.next_up(urgent=False)) == (2, None)
    new = Outbox(tmp_path / "new.sqlite3")
    tables = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%' ORDER BY name"
    assert box._db.execute(tables).fetchall() == new._db.execute(tables).fetchall()


def test_a_migration_that_is_cut_off_leaves_the_old_file(old_file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setattr("edge.outbox_file.MIGRATIONS", ("", NAME_THE_EVICTED, LANES_AND_VALUE + "; no such statement"))
        with pytest.raises(OutboxError):
            Outbox(old_file)
    assert sqlite3.connect(old_file).execute("PRAGMA user_version").fetchone() == (1,)
    assert Outbox(old_file).counts()["committed"] == 5


def test_the_window_moves_with_the_oldest_first(outbox: Outbox, sighting_of: SightingOf) -> None:
    for sighting_id in (B, C, A):
        outbox.put(sighting_id, sighting_of(sighting_id))
    assert [each.id for each in outbox.waiting(2)] == [B, C]
    assert [each.id for each in outbox.waiting(2, after=2)] == [A]


def test_what_was_told_outlives_the_acknowledgement(outbox: Outbox, sighting_of: SightingOf) -> None:
    outbox.put(A, sighting_of(A))
    outbox.settle(A, "accepted", 1.0)
    seen = decode(Sighting, _body(outbox, sighting_of)).seen_at.utc
    assert [told.category for told in Outbox(outbox.path).told_since(seen)] == ["road_damage", "road_damage"]
    assert outbox.told_since(seen + timedelta(seconds=1)) == []


def _body(outbox: Outbox, sighting_of: SightingOf) -> bytes:
    outbox.put(B, sighting_of(B))
    return outbox.waiting(1)[0].body


def test_a_file_of_a_newer_version_is_not_touched(outbox: Outbox) -> None:
    outbox._db.execute("PRAGMA user_version=99")
    with pytest.raises(OutboxBroken, match="newer trikeye"):
        Outbox(outbox.path)


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OutboxError, match="cannot be opened"):
        Outbox(tmp_path / "file" / "outbox.sqlite3")


def test_while_another_process_holds_the_file_it_waits_and_says_so(
    tmp_path: Path, sighting_of: SightingOf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edge.outbox.HELD_S", 0.05)
    outbox = Outbox(tmp_path / "o.sqlite3")
    other = sqlite3.connect(outbox.path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    threading.Timer(0.3, other.rollback).start()
    assert outbox.put(A, sighting_of(A))
    assert "held by another process" in caplog.text
    other.execute("BEGIN IMMEDIATE")
    monkeypatch.setattr("edge.outbox.HELD_TRIES", 2)
    with pytest.raises(OutboxError, match="end that one"):
        outbox.put(B, sighting_of(B))
    assert [each.id for each in outbox.waiting(10)] == [A]


def test_every_commit_reaches_the_disk(outbox: Outbox) -> None:
    assert outbox._db.execute("PRAGMA journal_mode").fetchone()[0] == "wal"
    assert outbox._db.execute("PRAGMA synchronous").fetchone()[0] == 2
