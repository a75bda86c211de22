"""The file under the outbox: its schema and versions, what SQLite's errors mean in words, and saving what can be read of a damaged one."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from edge.outbox_image import read, write_image
from models.contract import RefusedMessage, Sighting, decode, digest_of

FIRST_SCHEMA = """
CREATE TABLE about (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE message (
  sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, digest TEXT NOT NULL, body BLOB NOT NULL, probability REAL NOT NULL,
  category TEXT NOT NULL, lat_deg REAL NOT NULL, lon_deg REAL NOT NULL, seen_utc TEXT NOT NULL, aside TEXT);
CREATE INDEX message_waiting ON message (sequence) WHERE aside IS NULL;
CREATE TABLE settled (
  id BLOB PRIMARY KEY, digest TEXT NOT NULL, sequence INTEGER NOT NULL, outcome TEXT NOT NULL, at_s REAL NOT NULL,
  category TEXT NOT NULL, lat_deg REAL NOT NULL, lon_deg REAL NOT NULL, seen_utc TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO about VALUES ('sequence', '0'), ('evicted', '0');
"""
NAME_THE_EVICTED = """
CREATE TABLE evicted (sequence INTEGER PRIMARY KEY, id BLOB);
INSERT INTO evicted (sequence)
  WITH RECURSIVE given (n) AS (
    SELECT 1 WHERE (SELECT CAST(value AS INTEGER) FROM about WHERE name='sequence') > 0
    UNION ALL SELECT n + 1 FROM given WHERE n < (SELECT CAST(value AS INTEGER) FROM about WHERE name='sequence'))
  SELECT n FROM given WHERE n NOT IN (SELECT sequence FROM message) AND n NOT IN (SELECT sequence FROM settled);
"""
# Columns behind a picture cost a walk along its pages: what is asked for often is in an index. Every table is found by sequence, so that
# a damaged one can be read row by row.
LANES_AND_VALUE = """
ALTER TABLE message ADD COLUMN urgent INTEGER NOT NULL DEFAULT 0;
ALTER TABLE message ADD COLUMN economy INTEGER NOT NULL DEFAULT 0;
CREATE INDEX message_lane ON message (urgent, sequence) WHERE aside IS NULL;
CREATE INDEX message_value ON message (aside IS NULL, urgent, probability, sequence);
CREATE INDEX message_told ON message (seen_utc, category, lat_deg, lon_deg);
ALTER TABLE settled RENAME TO settled_by_id;
CREATE TABLE settled (
  sequence INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, digest TEXT NOT NULL, outcome TEXT NOT NULL, at_s REAL NOT NULL,
  category TEXT NOT NULL, lat_deg REAL NOT NULL, lon_deg REAL NOT NULL, seen_utc TEXT NOT NULL);
INSERT INTO settled SELECT sequence, id, digest, outcome, at_s, category, lat_deg, lon_deg, seen_utc FROM settled_by_id;
DROP TABLE settled_by_id;
CREATE INDEX settled_told ON settled (seen_utc, category, lat_deg, lon_deg);
CREATE INDEX evicted_id ON evicted (id);
CREATE TABLE unreadable (sequence INTEGER PRIMARY KEY, id BLOB);
CREATE INDEX unreadable_id ON unreadable (id);
CREATE TABLE sent (digest TEXT PRIMARY KEY, id BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE spent (month TEXT PRIMARY KEY, bytes INTEGER NOT NULL) WITHOUT ROWID;
INSERT INTO about SELECT 'bytes', CAST(COALESCE(SUM(LENGTH(body)), 0) AS TEXT) FROM message;
"""
COVERAGE = """
CREATE TABLE coverage (number INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, digest TEXT NOT NULL, body BLOB NOT NULL);
INSERT INTO about VALUES ('coverage_bytes', '0'), ('coverage_dropped', '0');
"""
FORGOTTEN = """
CREATE TABLE forgotten (first INTEGER PRIMARY KEY, last INTEGER NOT NULL);
CREATE INDEX sent_id ON sent (id);
"""
MIGRATIONS = (FIRST_SCHEMA, NAME_THE_EVICTED, LANES_AND_VALUE, COVERAGE, FORGOTTEN)
"""`PRAGMA user_version` says how many of these a file has had. Version 1 forgot the ids of what it evicted: the gaps in its sequences name them."""
TABLES = ("message", "settled", "evicted", "unreadable", "sent", "spent", "coverage", "forgotten")
NUMBERED = ("message", "settled", "evicted", "unreadable")

MAGIC, PAGE_BYTES = b"SQLite format 3\0", 4096
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
READ_FAILED = {sqlite3.SQLITE_IOERR_READ, sqlite3.SQLITE_IOERR_SHORT_READ, sqlite3.SQLITE_IOERR_CORRUPTFS}
HELD = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}
NOT_WRITABLE = {sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM}


class OutboxError(Exception):
    """The outbox cannot do what was asked."""


class OutboxUnwritable(OutboxError):
    """The disk takes nothing now: nothing was changed, everything committed stays."""


class OutboxFull(OutboxUnwritable):
    pass


class OutboxBroken(OutboxError):
    pass


def in_words(path: Path, wrong: sqlite3.Error) -> OutboxError:
    """What SQLite has against it, and what to do."""
    code = getattr(wrong, "sqlite_errorcode", 0)
    if code & 0xFF == sqlite3.SQLITE_FULL:
        return OutboxFull(f"no room left for {path}: free some disk space; nothing that was in the outbox is lost")
    if is_damage(wrong):
        return OutboxBroken(
            f"{path} cannot be read ({wrong}); move it away and start again, and keep it: it may be saved"
        )
    if code & 0xFF in NOT_WRITABLE:
        return OutboxUnwritable(f"{path} cannot be written ({wrong}): the disk is read-only or failing; see dmesg, mount it again "
                                "or replace it; nothing that was in the outbox is lost")  # fmt: skip
    return OutboxError(f"{path}: {wrong}")


def is_damage(wrong: sqlite3.Error) -> bool:
    """Whether the file's content is at fault, not the moment."""
    code = getattr(wrong, "sqlite_errorcode", 0)
    return code & 0xFF in DAMAGED or code in READ_FAILED


def version_of(db: sqlite3.Connection) -> int:
    """How many migrations a file has had."""
    return int(db.execute("PRAGMA user_version").fetchone()[0])


def is_current(db: sqlite3.Connection) -> bool:
    """Whether a file needs no migration."""
    return version_of(db) == len(MIGRATIONS)


def migrate(db: sqlite3.Connection, path: Path) -> None:
    """Bring a file up to date, inside the caller's transaction. Raises OutboxBroken if a newer program wrote it."""
    version = version_of(db)
    if version > len(MIGRATIONS):
        raise OutboxBroken(f"{path} was written by a newer trikeye (version {version}); update this one")
    for migration in MIGRATIONS[version:]:
        for statement in migration.split(";"):
            db.execute(statement)
    if version == 0:
        db.execute("INSERT INTO about VALUES ('outbox', ?)", (str(uuid4()),))
    db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")


@dataclass(frozen=True)
class Saved:
    """What came of a damaged file: where it lies now, how many messages were saved, and the sequences and ids of those that were not."""

    aside: Path
    messages: int
    unreadable: dict[int, UUID | None]


def keep_head(path: Path, db: sqlite3.Connection) -> None:
    """Copy the open file's first page beside it: it alone says where every table begins, and does not change until the next migration."""
    head = _beside(path, ".head")
    page = _first_page_open(path)
    if not head.exists() and _version_in(page) != len(MIGRATIONS):
        db.execute("PRAGMA wal_checkpoint(PASSIVE)")  # a new file is still in its log
        page = _first_page_open(path)
    if _version_in(page) != len(MIGRATIONS) or (head.exists() and _version_in(head.read_bytes()) == len(MIGRATIONS)):
        return
    aside = _beside(path, f".head.{os.getpid()}")
    aside.write_bytes(page)
    aside.replace(head)


def _first_page_open(path: Path) -> bytes:
    """Read through SQLite's own descriptor: closing one of ours would drop every lock that this process holds on the file, and so corrupt it."""
    wanted = path.stat()
    for name in os.listdir("/dev/fd"):
        with suppress(OSError):
            there = os.fstat(int(name))
            if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
                return os.pread(int(name), PAGE_BYTES, 0)
    return b""


def _mend_head(path: Path, image: Path | None = None) -> None:
    """Put the first page back where it was lost: without it nothing behind it can be found. Nobody has the file open."""
    head = _beside(path, ".head")
    with (image or path).open("r+b", buffering=0) as file:
        if head.exists() and not read(file.fileno(), 0, PAGE_BYTES).startswith(MAGIC):
            page = head.read_bytes()
            file.write(page[:28] + bytes(4) + page[32:])  # no number of pages: SQLite then asks the file for its length
            os.fsync(file.fileno())


def _version_in(page: bytes) -> int:
    """The `user_version` in a file's header."""
    return int.from_bytes(page[60:64], "big")


def replace_damaged(path: Path) -> Saved:
    """Put a damaged file aside, and in its place one with everything that can be read. The caller keeps others out meanwhile.

    Killed at any instant, `finish_replacing` ends it. Raises OutboxUnwritable if there is no room for the copy; the old file then stays.
    """
    making, ready, image = _beside(path, ".saving"), _beside(path, ".saved"), _beside(path, ".image")
    for left in (making, _beside(making, "-wal"), _beside(making, "-shm"), image):
        left.unlink(missing_ok=True)
    try:
        _mend_head(path)
        with closing(sqlite3.connect(making, isolation_level=None)) as new:
            new.execute("PRAGMA synchronous=FULL")
            new.execute("BEGIN")
            migrate(new, making)
            lost = _copy_readable(_whole(path, image), new)
            messages = int(new.execute("SELECT COUNT(*) FROM message").fetchone()[0])
            new.execute("COMMIT")
    except sqlite3.Error as wrong:
        making.unlink(missing_ok=True)
        raise in_words(making, wrong) from None
    except OSError as wrong:
        making.unlink(missing_ok=True)
        raise OutboxUnwritable(f"{path} is damaged and cannot be copied ({wrong}): free some disk space, or replace the disk") from None  # fmt: skip
    finally:
        image.unlink(missing_ok=True)
    making.rename(ready)
    _sync_folder(path.parent)
    return Saved(_finish(path), messages, lost)


def finish_replacing(path: Path) -> None:
    """End what a killed `replace_damaged` began; nothing to do otherwise."""
    if is_being_replaced(path):
        _finish(path)


def is_being_replaced(path: Path) -> bool:
    """Whether a replacement was begun and not ended."""
    return _beside(path, ".saved").exists()


def _finish(path: Path) -> Path:
    """The log goes first: one that stayed beside the new file would be played into it."""
    at = datetime.fromtimestamp(_beside(path, ".saved").stat().st_mtime, timezone.utc)  # noqa: UP017
    name = f"{path.stem}.damaged-{at:%Y%m%dT%H%M%SZ}"
    aside, number = path.with_name(name + path.suffix), 1
    while aside.exists():
        number += 1
        aside = path.with_name(f"{name}-{number}{path.suffix}")
    _beside(path, "-shm").unlink(missing_ok=True)
    for suffix in ("-wal", ""):
        with suppress(FileNotFoundError):
            _beside(path, suffix).rename(_beside(aside, suffix))
    _beside(path, ".saved").rename(path)
    _sync_folder(path.parent)
    return aside


def _copy_readable(path: Path, new: sqlite3.Connection) -> dict[int, UUID | None]:
    """Every row that can be read, into `new`; the sequences (and ids, where an index still has them) of those that cannot."""
    with closing(_readable(path)) as old:
        about = dict(_rows_of(old, "SELECT name, value FROM about"))
        named: dict[int, bytes] = {}
        last = int(about.get("sequence", 0))
        for table in NUMBERED:
            last = max(last, _highest(old, table))
            # The index of ids is on other pages than the rows: it names what they lost.
            named |= {n: id_ for id_, n in _rows_of(old, f"SELECT id, sequence FROM {table} WHERE id IS NOT NULL ORDER BY id")
                      if isinstance(n, int)}  # fmt: skip
        last = max(last, *named, 0)
        outbox = about.get("outbox", "")
        for table in TABLES:
            for row in _rows_in(old, table, last):
                if table == "message" and digest_of(row["body"]) != row["digest"]:
                    continue
                if table == "message" and not outbox:
                    outbox = _outbox_named_in(row["body"])
                columns = ", ".join(row)
                new.execute(
                    f"INSERT OR IGNORE INTO {table} ({columns}) VALUES ({', '.join('?' * len(row))})",
                    tuple(row.values()),
                )
    have = {n for table in NUMBERED for (n,) in new.execute(f"SELECT sequence FROM {table}")}
    have.update(n for first, end in new.execute("SELECT first, last FROM forgotten") for n in range(first, end + 1))
    lost = {n: named.get(n) for n in range(1, last + 1) if n not in have}
    new.executemany("INSERT INTO unreadable VALUES (?, ?)", lost.items())
    kept = {
        "sequence": str(last),
        "outbox": outbox or str(uuid4()),
        "coverage_dropped": about.get("coverage_dropped", "0"),
    }
    new.executemany("UPDATE about SET value=? WHERE name=?", [(value, name) for name, value in kept.items()])
    new.execute("UPDATE about SET value=(SELECT COUNT(*) FROM evicted) WHERE name='evicted'")
    for name, table in (("bytes", "message"), ("coverage_bytes", "coverage")):
        new.execute(
            f"UPDATE about SET value=(SELECT COALESCE(SUM(LENGTH(body)), 0) FROM {table}) WHERE name=?", (name,)
        )
    return {n: UUID(bytes=id_) if id_ is not None else None for n, id_ in lost.items()}


def _whole(path: Path, image: Path) -> Path:
    """The file itself where SQLite can open it, else an image of what the medium still gives of it and its log."""
    try:
        with closing(_readable(path)) as db:
            if db.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0]:
                return path
    except sqlite3.Error:
        pass
    write_image(path, _beside(path, "-wal"), image)
    _mend_head(path, image)
    return image


def _readable(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    db.row_factory = sqlite3.Row
    with suppress(sqlite3.Error):
        db.execute("PRAGMA cell_size_check=ON")
    return db


def _rows_of(db: sqlite3.Connection, query: str) -> Iterator[Any]:
    """The rows up to the first that cannot be read."""
    with suppress(sqlite3.Error):
        for row in db.execute(query):
            yield tuple(row)


def _highest(db: sqlite3.Connection, table: str) -> int:
    try:
        return int(db.execute(f"SELECT COALESCE(MAX(sequence), 0) FROM {table}").fetchone()[0])
    except sqlite3.Error:
        return 0


def _rows_in(db: sqlite3.Connection, table: str, last: int) -> Iterator[dict[str, Any]]:
    """A table's rows: all at once if it is whole, else one by one, by sequence."""
    try:
        for row in db.execute(f"SELECT * FROM {table}" + (" ORDER BY sequence" if table in NUMBERED else "")):
            yield dict(row)
    except sqlite3.Error:
        if table in NUMBERED:
            yield from _one_by_one(db, table, last)


def _one_by_one(db: sqlite3.Connection, table: str, last: int) -> Iterator[dict[str, Any]]:
    for sequence in range(1, last + 1):
        with suppress(sqlite3.Error):
            for row in db.execute(f"SELECT * FROM {table} WHERE sequence=?", (sequence,)):
                yield dict(row)


def _outbox_named_in(body: bytes) -> str:
    try:
        return str(decode(Sighting, body).outbox)
    except RefusedMessage:
        return ""


def _beside(path: Path, suffix: str) -> Path:
    return path.with_name(path.name + suffix)


def _sync_folder(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
