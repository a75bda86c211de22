"""What the vehicle still has to hand over: one SQLite file (WAL, synchronous=FULL), a message's bytes as they will travel.

A row goes only when the server acknowledged it, or when the cap forces out the least probable one, which is counted and named.

    OutboxError
    ├── OutboxFull     the disk is full: nothing was written, everything there stays
    └── OutboxBroken   the file cannot be read
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

from models.contract import MAX_MESSAGE_BYTES, Sighting, digest_of, encode

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
MIGRATIONS = (FIRST_SCHEMA, NAME_THE_EVICTED)
"""`PRAGMA user_version` says how many of these a file has had. Version 1 forgot the ids of what it evicted: the gaps in its sequences name them."""

HELD_S, HELD_TRIES = 20.0, 30
log = logging.getLogger("trikeye.edge")


class OutboxError(Exception):
    """The outbox cannot do what was asked."""


class OutboxFull(OutboxError):
    pass


class OutboxBroken(OutboxError):
    pass


@dataclass(frozen=True)
class Waiting:
    """A message on its way: its place in the outbox, id, digest and bytes."""

    sequence: int
    id: UUID
    digest: str
    body: bytes


@dataclass(frozen=True)
class Told:
    """What was found lately, for the cool-down."""

    category: str
    lat_deg: float
    lon_deg: float
    seen_utc: datetime


@dataclass(frozen=True)
class Evicted:
    """A message that the cap forced out; the id is None if a file of version 1 forgot it."""

    sequence: int
    id: UUID | None


class Outbox:
    """One outbox file. `uuid` names it on the wire; sequences in it have no gaps but those that `evicted` explains."""

    def __init__(self, path: Path, cap_bytes: int = 4_000_000_000) -> None:
        self.path, self.cap_bytes = path, cap_bytes
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=HELD_S, isolation_level=None)
        except (OSError, sqlite3.OperationalError) as wrong:
            raise OutboxError(f"{path} cannot be opened ({wrong}); choose a folder that may be written") from None
        with self._told_in_words():
            self._patiently("PRAGMA journal_mode=WAL")
            self._db.execute("PRAGMA synchronous=FULL")
            self._prepare()
            self.uuid = UUID(self._about("outbox"))

    def _prepare(self) -> None:
        version = self._version()
        if version > len(MIGRATIONS):
            raise OutboxBroken(f"{self.path} was written by a newer trikeye (version {version}); update this one")
        if version == len(MIGRATIONS):
            return
        with self._transaction() as db:
            version = self._version()  # another process may have been faster
            for migration in MIGRATIONS[version:]:
                for statement in migration.split(";"):
                    db.execute(statement)
            if version == 0:
                db.execute("INSERT INTO about VALUES ('outbox', ?)", (str(uuid4()),))
            db.execute(f"PRAGMA user_version={len(MIGRATIONS)}")

    def _version(self) -> int:
        return int(self._db.execute("PRAGMA user_version").fetchone()[0])

    def put(self, sighting_id: UUID, make: Callable[[UUID, int], Sighting]) -> bool:
        """Keep a sighting, durable on return. `make` gets the outbox's uuid and the sequence. False if this id was here before.

        Raises OutboxFull (nothing changed) and RefusedMessage if the message would be too large.
        """
        with self._transaction() as db:
            known = "SELECT 1 FROM message WHERE id=? UNION ALL SELECT 1 FROM settled WHERE id=?"
            if db.execute(known, (sighting_id.bytes, sighting_id.bytes)).fetchone():
                return False
            sequence = int(self._about("sequence")) + 1
            sighting = make(self.uuid, sequence)
            body = encode(sighting)
            place = sighting.place
            db.execute("INSERT INTO message VALUES (?,?,?,?,?,?,?,?,?,NULL)",
                       (sequence, sighting_id.bytes, digest_of(body), body, sighting.probability, sighting.category, place.lat_deg,
                        place.lon_deg, sighting.seen_at.utc.isoformat()))  # fmt: skip
            db.execute("UPDATE about SET value=? WHERE name='sequence'", (str(sequence),))
            self._make_room(db)
        return True

    def waiting(self, limit: int, after: int = 0) -> list[Waiting]:
        """The oldest messages that are neither settled nor set aside, past a sequence."""
        rows = self._rows(
            "SELECT sequence, id, digest, body FROM message WHERE aside IS NULL AND sequence>? ORDER BY sequence LIMIT ?",
            (after, limit),
        )
        return [Waiting(sequence, UUID(bytes=id_), digest, body) for sequence, id_, digest, body in rows]

    def settle(self, sighting_id: UUID, outcome: str, now_s: float) -> bool:
        """The server has it (accepted or known): remember id and digest, drop the bytes. False if it was settled before or never here."""
        with self._transaction() as db:
            moved = db.execute(
                "INSERT OR IGNORE INTO settled SELECT id, digest, sequence, ?, ?, category, lat_deg, lon_deg, seen_utc FROM message WHERE id=?",
                (outcome, now_s, sighting_id.bytes),
            ).rowcount
            db.execute("DELETE FROM message WHERE id=?", (sighting_id.bytes,))
        return moved > 0

    def set_aside(self, sighting_id: UUID, reason: str) -> bool:
        """The server refused it: keep it, with the reason, and send it no more."""
        with self._transaction() as db:
            return (
                db.execute(
                    "UPDATE message SET aside=? WHERE id=? AND aside IS NULL", (reason, sighting_id.bytes)
                ).rowcount
                > 0
            )

    def counts(self) -> dict[str, int]:
        """How many are waiting, set aside, settled, evicted, and were ever committed."""
        ((waiting, aside),) = self._rows(
            "SELECT COUNT(*) FILTER (WHERE aside IS NULL), COUNT(*) FILTER (WHERE aside IS NOT NULL) FROM message"
        )
        ((settled, evicted),) = self._rows("SELECT (SELECT COUNT(*) FROM settled), (SELECT COUNT(*) FROM evicted)")
        return {
            "waiting": waiting,
            "aside": aside,
            "settled": settled,
            "evicted": evicted,
            "committed": int(self._about("sequence")),
        }

    def evicted(self) -> list[Evicted]:
        """What the cap forced out, oldest first: with these the sequences have no gaps."""
        rows = self._rows("SELECT sequence, id FROM evicted ORDER BY sequence")
        return [Evicted(sequence, UUID(bytes=id_) if id_ is not None else None) for sequence, id_ in rows]

    def told_since(self, since: datetime) -> list[Told]:
        """What was found at or after an instant."""
        rows = self._rows(
            "SELECT category, lat_deg, lon_deg, seen_utc FROM message WHERE seen_utc>=?1 UNION ALL "
            "SELECT category, lat_deg, lon_deg, seen_utc FROM settled WHERE seen_utc>=?1",
            (since.isoformat(),),
        )
        return [Told(category, lat, lon, datetime.fromisoformat(seen)) for category, lat, lon, seen in rows]

    def close(self) -> None:
        """Close the file; everything committed stays."""
        self._db.close()

    def _make_room(self, db: sqlite3.Connection) -> None:
        size = int(db.execute("SELECT COALESCE(SUM(LENGTH(body)), 0) FROM message").fetchone()[0])
        while size > max(self.cap_bytes, MAX_MESSAGE_BYTES):
            sequence, length = db.execute(
                "SELECT sequence, LENGTH(body) FROM message ORDER BY probability, sequence LIMIT 1"
            ).fetchone()
            db.execute("INSERT INTO evicted SELECT sequence, id FROM message WHERE sequence=?", (sequence,))
            db.execute("DELETE FROM message WHERE sequence=?", (sequence,))
            # Who looks from outside while this runs (the demo's accounts) reads the number of the evicted here.
            db.execute("UPDATE about SET value=CAST(value AS INTEGER)+1 WHERE name='evicted'")
            size -= length

    def _about(self, name: str) -> str:
        return str(self._rows("SELECT value FROM about WHERE name=?", (name,))[0][0])

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        with self._told_in_words():
            return self._patiently(query, values).fetchall()

    def _patiently(self, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
        """Wait, and say so, while another process holds the file: ending would lose what is in view."""
        for _ in range(HELD_TRIES):
            try:
                return self._db.execute(query, values)
            except sqlite3.OperationalError as wrong:
                if wrong.sqlite_errorcode & 0xFF not in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                    raise
                log.warning("%s is held by another process for %.0f s; waiting", self.path, HELD_S)
        raise OutboxError(f"{self.path} is held by another process; end that one (fuser {self.path} names it)")

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._told_in_words():
            try:
                self._patiently("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    @contextmanager
    def _told_in_words(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.OperationalError as wrong:
            if "full" in str(wrong):
                raise OutboxFull(
                    f"no room left for {self.path}: free some disk space; nothing that was in the outbox is lost"
                ) from None
            raise OutboxError(f"{self.path}: {wrong}") from None
        except sqlite3.DatabaseError as wrong:
            raise OutboxBroken(
                f"{self.path} cannot be read ({wrong}); move it away and start again, and keep it: it may be saved"
            ) from None
