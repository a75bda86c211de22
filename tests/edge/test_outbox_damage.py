"""An outbox on a bad medium: what can be read is saved, what cannot is named, and a disk that takes nothing is told."""

from __future__ import annotations

import logging
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from needs import need

from edge import outbox_file
from edge.outbox import Evicted, Outbox, OutboxBroken, OutboxError, OutboxFull, OutboxUnwritable
from edge.outbox_file import in_words

SightingOf = Callable[..., Any]
PAGE = 4096


@pytest.fixture
def filled(tmp_path: Path, sighting_of: SightingOf) -> Path:
    """Forty messages of 9 KB, five of them settled, all in the file itself."""
    box = Outbox(tmp_path / "outbox.sqlite3")
    for number in range(1, 41):
        box.put(UUID(int=number), sighting_of(UUID(int=number), filling=9000))
    for number in range(1, 6):
        box.settle(UUID(int=number), "accepted", 1.0)
    box.close()
    return box.path


def spoil(path: Path, page: int) -> None:
    """What a worn card gives back for one page (the first has number 1)."""
    with path.open("r+b") as file:
        file.seek((page - 1) * PAGE)
        file.write(b"\xa5" * PAGE)


def pages_of(path: Path, kind: str, of: str) -> list[int]:
    """The pages of a table or index of one kind: leaf, internal, overflow."""
    db = sqlite3.connect(path)
    try:
        return [row[0] for row in db.execute("SELECT pageno FROM dbstat WHERE name=? AND pagetype=?", (of, kind))]
    except sqlite3.OperationalError:
        need(None, "dbstat in this SQLite", "take a Python whose SQLite has it, as Debian's")
        raise
    finally:
        db.close()


def aside(path: Path) -> list[Path]:
    return sorted(path.parent.glob("outbox.damaged-*.sqlite3"))


def account(box: Outbox) -> set[int]:
    """Every sequence that is explained, each once."""
    db = box._db
    tables = ("message", "settled", "evicted", "unreadable")
    found = [n for table in tables for (n,) in db.execute(f"SELECT sequence FROM {table}")]
    assert len(found) == len(set(found)), "a message is in two places"
    return set(found)


@pytest.mark.parametrize("kind", ["leaf", "internal"])
def test_a_spoilt_page_costs_what_was_on_it_and_names_it(
    filled: Path, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    uuid = Outbox(filled).uuid
    (page, *_) = pages_of(filled, kind, "message")
    spoil(filled, page)
    with caplog.at_level(logging.ERROR):
        box = Outbox(filled)
    counts = box.counts()
    assert counts["committed"] == 40
    assert account(box) == set(range(1, 41))
    lost = box.unreadable()
    assert 0 < len(lost) <= 35
    assert [each.id for each in lost] == [UUID(int=each.sequence) for each in lost], "the index of ids names them"
    assert counts["waiting"] == 35 - len(lost)
    assert counts["settled"] == 5
    assert box.uuid == uuid
    assert len(aside(filled)) == 1
    assert str(aside(filled)[0]) in caplog.text
    assert str(lost[0].id) in caplog.text


@pytest.mark.parametrize("with_log", [False, True])
def test_a_spoilt_first_page_costs_nothing(filled: Path, sighting_of: SightingOf, with_log: bool) -> None:
    """It says where every table begins; a copy of it lies beside the file."""
    uuid = Outbox(filled).uuid
    if with_log:
        writer = Outbox(filled)
        writer.put(UUID(int=41), sighting_of(UUID(int=41)))
    spoil(filled, 1)
    box = Outbox(filled)
    assert box.counts()["waiting"] == 35 + with_log
    assert box.unreadable() == []
    assert box.uuid == uuid
    assert len(aside(filled)) == (0 if with_log else 1), "a page that is in the log is not missed"


def test_the_copy_of_the_first_page_follows_a_migration(tmp_path: Path, sighting_of: SightingOf) -> None:
    path = tmp_path / "outbox.sqlite3"
    db = sqlite3.connect(path)
    db.executescript(outbox_file.FIRST_SCHEMA + "INSERT INTO about VALUES ('outbox', '00000000-0000-0000-0000-000000000007'); PRAGMA user_version=1")  # fmt: skip
    db.close()
    (tmp_path / "outbox.sqlite3.head").write_bytes(path.read_bytes()[:PAGE])
    box = Outbox(path)
    box.put(UUID(int=1), sighting_of(UUID(int=1)))
    box.close()
    Outbox(path).close()
    spoil(path, 1)
    assert Outbox(path).counts()["waiting"] == 1


def test_a_spoilt_index_costs_no_message(filled: Path) -> None:
    for page in pages_of(filled, "leaf", "message_lane"):
        spoil(filled, page)
    box = Outbox(filled)
    assert box.counts()["waiting"] == 35
    assert box.unreadable() == []


def test_bytes_changed_in_a_picture_are_never_sent(filled: Path, caplog: pytest.LogCaptureFixture) -> None:
    """SQLite does not notice them: a page of a picture has no structure."""
    box = Outbox(filled)
    page = pages_of(filled, "overflow", "message")[20]
    with filled.open("r+b") as file:
        file.seek((page - 1) * PAGE + 1000)
        file.write(b"\x01\x02\x03")
    box.close()
    box = Outbox(filled)
    with caplog.at_level(logging.WARNING):
        read = [box.read(n) for n in range(6, 41)]
    assert len([each for each in read if each is None]) == 1
    (lost,) = box.unreadable()
    assert str(lost.id) in caplog.text
    assert account(box) == set(range(1, 41))
    assert aside(filled) == []


def test_damage_that_comes_while_it_is_open_is_survived(
    filled: Path, sighting_of: SightingOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.outbox.CHECKED_AT_START_BYTES", 0)
    page = pages_of(filled, "leaf", "message")[2]
    watch, uplink = Outbox(filled), Outbox(filled)
    spoil(filled, page)
    assert {uplink.read(n) is None for n in range(6, 41)} == {True, False}
    assert len(aside(filled)) == 1
    assert watch.put(UUID(int=41), sighting_of(UUID(int=41))), "the other process goes on in the new file"
    assert uplink.waiting(1, after=40)[0].id == UUID(int=41)
    assert account(uplink) == set(range(1, 42))
    assert len(aside(filled)) == 1


def test_a_file_that_is_no_database_is_kept_aside_and_a_new_one_begun(tmp_path: Path, sighting_of: SightingOf) -> None:
    path = tmp_path / "outbox.sqlite3"
    path.write_bytes(b"not a database at all" * 300)
    box = Outbox(path)
    assert box.put(UUID(int=1), sighting_of(UUID(int=1)))
    assert aside(path)[0].read_bytes() == b"not a database at all" * 300


def test_what_is_damaged_twice_in_one_second_is_kept_twice(tmp_path: Path, sighting_of: SightingOf) -> None:
    path = tmp_path / "outbox.sqlite3"
    for _ in range(2):
        path.write_bytes(b"not a database at all" * 300)
        Outbox(path).close()
    assert len(aside(path)) == 2


def test_the_name_of_the_outbox_is_found_in_a_message_where_nothing_else_tells(filled: Path) -> None:
    uuid = Outbox(filled).uuid
    for page in pages_of(filled, "leaf", "about"):
        spoil(filled, page)
    box = Outbox(filled)
    assert box.uuid == uuid
    assert box.counts()["committed"] == 40


REPLACE = """
import os, sys
from pathlib import Path
from edge.outbox import Outbox
step, calls = int(sys.argv[2]), 0
def counting(real):
    def called(*args, **more):
        global calls
        calls += 1
        if calls == step: os._exit(9)
        return real(*args, **more)
    return called
Path.rename = counting(Path.rename)
Path.unlink = counting(Path.unlink)
box = Outbox(Path(sys.argv[1]))
os._exit(0)
"""


@pytest.mark.process
@pytest.mark.parametrize("step", range(1, 12))
def test_killed_between_any_two_steps_of_the_replacement_nothing_is_lost(filled: Path, step: int) -> None:
    other = Outbox(filled)
    spoil(filled, pages_of(filled, "leaf", "message")[0])
    ended = subprocess.run([sys.executable, "-c", REPLACE, str(filled), str(step)], check=False).returncode
    assert ended == (9 if step < 11 else 0), "the last step is one too many"
    box = Outbox(filled)
    assert account(box) == set(range(1, 41))
    assert box.counts()["waiting"] > 20
    assert len(aside(filled)) == 1
    assert other.counts() == box.counts()
    assert not list(filled.parent.glob("*.sav*"))


def test_where_there_is_no_room_for_the_copy_the_damaged_file_stays(
    filled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spoil(filled, pages_of(filled, "leaf", "message")[0])
    before = filled.read_bytes()

    def full(*_: object) -> None:
        raise sqlite_error("database or disk is full", sqlite3.SQLITE_FULL)

    monkeypatch.setattr(outbox_file, "_copy_readable", full)
    with pytest.raises(OutboxBroken, match="free some disk space"):
        Outbox(filled)
    assert filled.read_bytes() == before


def sqlite_error(text: str, code: int) -> sqlite3.OperationalError:
    wrong = sqlite3.OperationalError(text)
    wrong.sqlite_errorcode = code
    return wrong


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (sqlite3.SQLITE_FULL, OutboxFull, "free some disk space"),
        (sqlite3.SQLITE_READONLY, OutboxUnwritable, "read-only"),
        (sqlite3.SQLITE_IOERR_WRITE, OutboxUnwritable, "failing"),
        (sqlite3.SQLITE_IOERR_FSYNC, OutboxUnwritable, "failing"),
        (sqlite3.SQLITE_IOERR_READ, OutboxBroken, "keep it"),
        (sqlite3.SQLITE_CORRUPT, OutboxBroken, "keep it"),
        (sqlite3.SQLITE_ERROR, OutboxError, "what"),
    ],
)
def test_each_refusal_of_a_disk_says_what_to_do(code: int, kind: type[Exception], words: str) -> None:
    told = in_words(Path("/data/outbox.sqlite3"), sqlite_error("what", code))
    assert type(told) is kind
    assert words in str(told)
    assert "/data/outbox.sqlite3" in str(told)


def test_a_disk_that_became_read_only_keeps_what_it_has(outbox: Outbox, sighting_of: SightingOf) -> None:
    outbox.put(UUID(int=1), sighting_of(UUID(int=1)))
    outbox._db.execute("PRAGMA query_only=ON")  # what SQLite answers then is SQLITE_READONLY
    with pytest.raises(OutboxUnwritable, match="read-only"):
        outbox.put(UUID(int=2), sighting_of(UUID(int=2)))
    outbox._db.execute("PRAGMA query_only=OFF")
    assert outbox.put(UUID(int=2), sighting_of(UUID(int=2)))
    assert [each.sequence for each in outbox.waiting(10)] == [1, 2]


def test_a_file_deleted_under_it_is_begun_anew_rather_than_written_into_the_void(
    outbox: Outbox, sighting_of: SightingOf
) -> None:
    outbox.put(UUID(int=1), sighting_of(UUID(int=1)))
    for path in outbox.path.parent.glob("outbox.sqlite3*"):
        if not path.name.endswith(".lock"):
            os.unlink(path)
    assert outbox.put(UUID(int=2), sighting_of(UUID(int=2)))
    assert [each.id for each in Outbox(outbox.path).waiting(10)] == [UUID(int=2)]


def test_a_file_of_an_older_version_is_saved_too(tmp_path: Path) -> None:
    path = tmp_path / "outbox.sqlite3"
    db = sqlite3.connect(path)
    db.executescript(outbox_file.FIRST_SCHEMA)
    db.execute("INSERT INTO message VALUES (1, ?, ?, ?, 0.5, 'c', 1.0, 2.0, '2026-05-01', NULL)", (UUID(int=1).bytes, "00", b"1"))  # fmt: skip
    db.execute("INSERT INTO settled VALUES (?, 'd', 2, 'accepted', 1.0, 'c', 1.0, 2.0, '2026-05-01')", (UUID(int=2).bytes,))  # fmt: skip
    db.executescript("UPDATE about SET value='2' WHERE name='sequence'; INSERT INTO about VALUES ('outbox', '00000000-0000-0000-0000-000000000007'); PRAGMA user_version=1")  # fmt: skip
    db.close()
    for page in pages_of(path, "leaf", "message_waiting"):
        spoil(path, page)
    box = Outbox(path)
    assert (box.uuid, box.counts()["settled"]) == (UUID(int=7), 1)
    assert box.unreadable() == [Evicted(1, UUID(int=1))], "its bytes do not fit its digest"
