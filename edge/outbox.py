"""What the vehicle still has to hand over: one SQLite file (WAL, synchronous=FULL), a message's bytes as they will travel.

A row goes only when the server acknowledged it, when the cap forces out the one of least value, or when the medium lost it; the last two are
named. Several processes may have the file open: a damaged one is replaced under a lock beside it, and each opens the new one by itself.

    OutboxError
    ├── OutboxUnwritable   the disk takes nothing now: nothing was changed, everything there stays
    │   └── OutboxFull     because it is full
    └── OutboxBroken       the file cannot be read, and could not be replaced
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sqlite3
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

from edge.outbox_file import (
    HELD,
    OutboxBroken,
    OutboxError,
    OutboxFull,
    OutboxUnwritable,
    finish_replacing,
    in_words,
    is_being_replaced,
    is_current,
    is_damage,
    keep_head,
    migrate,
    replace_damaged,
    version_of,
)
from edge.outbox_memory import forget_settled, forgotten
from models.contract import MAX_MESSAGE_BYTES, Sighting, digest_of, encode
from models.taxonomy import CATEGORIES

__all__ = ["Evicted", "Outbox", "OutboxBroken", "OutboxError", "OutboxFull", "OutboxUnwritable", "Settled", "Told", "Waiting"]  # fmt: skip

HELD_S, HELD_TRIES = 20.0, 30
CHECKED_AT_START_BYTES = 256 * 1024 * 1024
"""A larger file takes too long to look through before the camera starts: its damage is found when it is read."""
URGENT = frozenset(key for key, category in CATEGORIES.items() if category.severity == "critical")
log = logging.getLogger("trikeye.edge")
T = TypeVar("T")


@dataclass(frozen=True)
class Waiting:
    """A message on its way: its place in the outbox, id, digest and bytes, and how far it was made smaller."""

    sequence: int
    id: UUID
    digest: str
    body: bytes
    economy: int = 0


@dataclass(frozen=True)
class Told:
    """What was found lately, for the cool-down."""

    category: str
    lat_deg: float
    lon_deg: float
    seen_utc: datetime


@dataclass(frozen=True)
class Evicted:
    """A message that the cap forced out, or the medium lost; the id is None if nobody remembers it."""

    sequence: int
    id: UUID | None


@dataclass(frozen=True)
class Settled:
    """An answer of the server: it has the message (`accepted`, `known`), or it refused it (`reason`)."""

    id: UUID
    outcome: str
    digest: str = ""
    reason: str = ""


class Outbox:
    """One outbox file. `uuid` names it on the wire; sequences in it have no gaps but those that `evicted` and `unreadable` explain."""

    def __init__(self, path: Path, cap_bytes: int = 4_000_000_000, urgent: Collection[str] = URGENT) -> None:
        self.path, self.cap_bytes, self.urgent = path, cap_bytes, frozenset(urgent)
        self._db: sqlite3.Connection | None = None
        self._inode: tuple[int, int] | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as wrong:
            raise OutboxError(f"{path} cannot be opened ({wrong}); choose a folder that may be written") from None
        self.uuid = self.do(lambda db: UUID(_about(db, "outbox")))

    # --- what the vehicle keeps -------------------------------------------------------------------------------

    def put(self, sighting_id: UUID, make: Callable[[UUID, int], Sighting]) -> bool:
        """Keep a sighting, durable on return. `make` gets the outbox's uuid and the sequence. False if this id was here before.

        Raises OutboxUnwritable (nothing changed) and RefusedMessage if the message would be too large.
        """
        evicted: list[Evicted] = []

        def work(db: sqlite3.Connection) -> bool:
            known = "SELECT 1 FROM message WHERE id=? UNION ALL SELECT 1 FROM settled WHERE id=?"
            if db.execute(known, (sighting_id.bytes, sighting_id.bytes)).fetchone():
                return False
            sequence = int(_about(db, "sequence")) + 1
            sighting = make(self.uuid, sequence)
            body = encode(sighting)
            place = sighting.place
            db.execute("INSERT INTO message VALUES (?,?,?,?,?,?,?,?,?,NULL,?,0)",
                       (sequence, sighting_id.bytes, digest_of(body), body, sighting.probability, sighting.category, place.lat_deg,
                        place.lon_deg, sighting.seen_at.utc.isoformat(), sighting.category in self.urgent))  # fmt: skip
            db.execute("UPDATE about SET value=? WHERE name='sequence'", (str(sequence),))
            evicted[:] = self._make_room(db, _grow(db, len(body)))
            return True

        is_new = self.do(work, write=True)
        for each in evicted:
            _tell("sighting_evicted", id=str(each.id), sequence=each.sequence, cap_bytes=self.cap_bytes)
        return is_new

    def told_since(self, since: datetime) -> list[Told]:
        """What was found at or after an instant."""
        rows = self._rows(
            "SELECT category, lat_deg, lon_deg, seen_utc FROM message WHERE seen_utc>=?1 UNION ALL "
            "SELECT category, lat_deg, lon_deg, seen_utc FROM settled WHERE seen_utc>=?1",
            (since.isoformat(),),
        )
        return [Told(category, lat, lon, datetime.fromisoformat(seen)) for category, lat, lon, seen in rows]

    # --- what the uplink takes --------------------------------------------------------------------------------

    def waiting(self, limit: int, after: int = 0) -> list[Waiting]:
        """The oldest messages that are neither settled nor set aside, past a sequence."""
        rows = self._rows(
            "SELECT sequence, id, digest, body FROM message WHERE aside IS NULL AND sequence>? ORDER BY sequence LIMIT ?",
            (after, limit),
        )
        return [Waiting(sequence, UUID(bytes=id_), digest, body) for sequence, id_, digest, body in rows]

    def next_up(self, urgent: bool, above: int = 0, up_to: int = 2**62, without: Collection[int] = ()) -> int | None:
        """The sequence of the newest message of a lane, `above` < sequence ≤ `up_to`, that is not among `without`; None if there is none."""
        rows = self._rows(
            "SELECT sequence FROM message WHERE aside IS NULL AND urgent=? AND sequence>? AND sequence<=? ORDER BY sequence DESC LIMIT ?",
            (int(urgent), above, up_to, len(without) + 1),
        )
        return next((sequence for (sequence,) in rows if sequence not in without), None)

    def has_waiting(self) -> bool:
        """Whether anything is still to be sent."""
        return bool(self._rows("SELECT 1 FROM message WHERE aside IS NULL LIMIT 1"))

    def last_sequence(self) -> int:
        """The highest sequence ever given."""
        return int(self.do(lambda db: _about(db, "sequence")))

    def read(self, sequence: int) -> Waiting | None:
        """One waiting message; None if it is not here any more. Bytes that do not fit their digest are never sent: the message becomes unreadable."""
        rows = self._rows(
            "SELECT id, digest, body, economy FROM message WHERE sequence=? AND aside IS NULL", (sequence,)
        )
        if not rows:
            return None
        id_, digest, body, economy = rows[0]
        if digest_of(body) != digest:
            self._lose(sequence, UUID(bytes=id_))
            return None
        return Waiting(sequence, UUID(bytes=id_), digest, body, economy)

    def make_smaller(self, message: Waiting, sighting: Sighting, economy: int) -> Waiting | None:
        """Put other bytes in a message's place and keep the old digest as one that may have been sent. None if it is not here any more."""
        body = encode(sighting)
        digest = digest_of(body)

        def work(db: sqlite3.Connection) -> bool:
            changed = db.execute("UPDATE message SET body=?, digest=?, economy=? WHERE sequence=? AND digest=?",
                                 (body, digest, economy, message.sequence, message.digest)).rowcount  # fmt: skip
            if changed:
                db.execute("INSERT OR IGNORE INTO sent VALUES (?, ?)", (message.digest, message.id.bytes))
                _grow(db, len(body) - len(message.body))
            return changed > 0

        is_here = self.do(work, write=True)
        return Waiting(message.sequence, message.id, digest, body, economy) if is_here else None

    def settle(self, sighting_id: UUID, outcome: str, now_s: float) -> bool:
        """The server has it (accepted or known): remember id and digest, drop the bytes. False if it was settled before or never here."""
        return bool(self.settle_all([Settled(sighting_id, outcome)], now_s))

    def set_aside(self, sighting_id: UUID, reason: str) -> bool:
        """The server refused it: keep it, with the reason, and send it no more."""
        return bool(self.settle_all([Settled(sighting_id, "refused", reason=reason)], 0.0))

    def settle_all(
        self, answers: Sequence[Settled], now_s: float, spent_bytes: int = 0, month: str = ""
    ) -> list[Settled]:
        """Take the server's answers, and note what was spent on the link, in one commit. Returns those that changed something."""

        def work(db: sqlite3.Connection) -> list[Settled]:
            if spent_bytes:
                db.execute(
                    "INSERT INTO spent VALUES (?,?) ON CONFLICT (month) DO UPDATE SET bytes=bytes+excluded.bytes",
                    (month, spent_bytes),
                )
            changed = [each for each in answers if self._settle(db, each, now_s)]
            forget_settled(db, now_s)
            return changed

        return self.do(work, write=True)

    def send_again(self, since: datetime) -> int:
        """Let what the server refused wait again, if it was seen at or after an instant; what it acknowledged is not kept. Returns how many."""
        query = "UPDATE message SET aside=NULL WHERE aside IS NOT NULL AND seen_utc>=?"
        told = since.astimezone(timezone.utc).isoformat()  # noqa: UP017
        return self.do(lambda db: db.execute(query, (told,)).rowcount, write=True)

    def spent(self, month: str) -> int:
        """Bytes sent in a month, such as 2026-11."""
        rows = self._rows("SELECT bytes FROM spent WHERE month=?", (month,))
        return int(rows[0][0]) if rows else 0

    def digests_sent(self, sighting_id: UUID) -> set[str]:
        """Every digest this message has had: the server may hold any of them."""
        rows = self._rows(
            "SELECT digest FROM sent WHERE id=?1 UNION SELECT digest FROM message WHERE id=?1 UNION SELECT digest FROM settled WHERE id=?1",
            (sighting_id.bytes,),
        )
        return {digest for (digest,) in rows}

    # --- what others want to know -----------------------------------------------------------------------------

    def counts(self) -> dict[str, int]:
        """How many are waiting, set aside, settled, evicted, unreadable, and were ever committed."""

        def work(db: sqlite3.Connection) -> dict[str, int]:
            waiting = _number(db, "message INDEXED BY message_waiting WHERE aside IS NULL")
            return {
                "waiting": waiting,
                "aside": _number(db, "message") - waiting,
                "settled": _number(db, "settled") + forgotten(db),
                "evicted": _number(db, "evicted"),
                "unreadable": _number(db, "unreadable"),
                "committed": int(_about(db, "sequence")),
            }

        return self.do(work)

    def evicted(self, after: int = 0) -> list[Evicted]:
        """What the cap forced out, oldest first, past a sequence: with `unreadable`, the sequences have no gaps."""
        rows = self._rows("SELECT sequence, id FROM evicted WHERE sequence>? ORDER BY sequence", (after,))
        return [Evicted(sequence, UUID(bytes=id_) if id_ is not None else None) for sequence, id_ in rows]

    def unreadable(self, after: int = 0) -> list[Evicted]:
        """What a damaged medium lost, oldest first, past a sequence."""
        rows = self._rows("SELECT sequence, id FROM unreadable WHERE sequence>? ORDER BY sequence", (after,))
        return [Evicted(sequence, UUID(bytes=id_) if id_ is not None else None) for sequence, id_ in rows]

    def close(self) -> None:
        """Close the file; everything committed stays."""
        if self._db is not None:
            self._db.close()
        if self._lock >= 0:
            os.close(self._lock)
        self._db, self._lock = None, -1

    def do(self, work: Callable[[sqlite3.Connection], T], write: bool = False) -> T:
        """Run `work` on the open file, in a transaction if it writes; if the file turns out damaged, on what could be saved of it. Raises OutboxError."""
        for is_last in (False, True):
            try:
                with self._file() as db:
                    return self._committed(db, work) if write else work(db)
            except sqlite3.DatabaseError as wrong:
                if is_last or not is_damage(wrong):
                    raise in_words(self.path, wrong) from None
                self._replace(wrong)
        raise AssertionError("unreachable")

    # --- inside -----------------------------------------------------------------------------------------------

    def _make_room(self, db: sqlite3.Connection, size: int) -> list[Evicted]:
        """Evict until the cap holds: what the server refused first, then the least probable, what is urgent last; of equals the oldest."""
        gone = []
        while size > max(self.cap_bytes, MAX_MESSAGE_BYTES):
            sequence, id_, length = db.execute(
                "SELECT sequence, id, LENGTH(body) FROM message ORDER BY aside IS NULL, urgent, probability, sequence LIMIT 1"
            ).fetchone()
            db.execute("INSERT INTO evicted VALUES (?, ?)", (sequence, id_))
            db.execute("DELETE FROM message WHERE sequence=?", (sequence,))
            # Who looks from outside while this runs (the demo's accounts) reads the number of the evicted here.
            db.execute("UPDATE about SET value=CAST(value AS INTEGER)+1 WHERE name='evicted'")
            gone.append(Evicted(sequence, UUID(bytes=id_)))
            size = _grow(db, -length)
        return gone

    def _settle(self, db: sqlite3.Connection, answer: Settled, now_s: float) -> bool:
        id_ = answer.id.bytes
        if answer.outcome not in ("accepted", "known"):
            changed = db.execute("UPDATE message SET aside=? WHERE id=? AND aside IS NULL", (answer.reason, id_)).rowcount  # fmt: skip
            return changed > 0
        row = db.execute("SELECT sequence, LENGTH(body) FROM message WHERE id=?", (id_,)).fetchone()
        if row is None:
            return self._settle_the_lost(db, answer, now_s)
        db.execute(
            "INSERT OR IGNORE INTO settled SELECT sequence, id, COALESCE(NULLIF(?, ''), digest), ?, ?, category, lat_deg, lon_deg, seen_utc "
            "FROM message WHERE sequence=?",
            (answer.digest, answer.outcome, now_s, row[0]),
        )
        db.execute("DELETE FROM message WHERE sequence=?", (row[0],))
        _grow(db, -row[1])
        return True

    def _settle_the_lost(self, db: sqlite3.Connection, answer: Settled, now_s: float) -> bool:
        """What was evicted or lost while it was on its way, and arrived, is settled after all."""
        for table in ("evicted", "unreadable"):
            row = db.execute(f"SELECT sequence FROM {table} WHERE id=? ORDER BY sequence DESC", (answer.id.bytes,)).fetchone()  # fmt: skip
            if row is None or db.execute("SELECT 1 FROM settled WHERE id=?", (answer.id.bytes,)).fetchone():
                continue
            db.execute("INSERT INTO settled VALUES (?,?,?,?,?,'',0,0,'')",
                       (row[0], answer.id.bytes, answer.digest, answer.outcome, now_s))  # fmt: skip
            db.execute(f"DELETE FROM {table} WHERE sequence=?", row)
            if table == "evicted":
                db.execute("UPDATE about SET value=CAST(value AS INTEGER)-1 WHERE name='evicted'")
            return True
        return False

    def _lose(self, sequence: int, sighting_id: UUID) -> None:
        def work(db: sqlite3.Connection) -> None:
            length = db.execute("SELECT LENGTH(body) FROM message WHERE sequence=?", (sequence,)).fetchone()
            if length is not None:
                db.execute("INSERT INTO unreadable VALUES (?, ?)", (sequence, sighting_id.bytes))
                db.execute("DELETE FROM message WHERE sequence=?", (sequence,))
                _grow(db, -length[0])

        self.do(work, write=True)
        _tell("sighting_unreadable", id=str(sighting_id), sequence=sequence)

    def _rows(self, query: str, values: tuple[object, ...] = ()) -> list[Any]:
        return self.do(lambda db: _patiently(self.path, db, query, values).fetchall())

    def _committed(self, db: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        try:
            _patiently(self.path, db, "BEGIN IMMEDIATE")
            done = work(db)
            db.execute("COMMIT")
        except BaseException:
            if db.in_transaction:
                with suppress(sqlite3.DatabaseError):
                    db.execute("ROLLBACK")
            raise
        return done

    @contextmanager
    def _file(self) -> Iterator[sqlite3.Connection]:
        """The file, opened; it stays the one of this name until the end of the block."""
        if self._lock < 0:
            raise OutboxError(f"{self.path} was closed")
        if is_being_replaced(self.path):
            with self._held(fcntl.LOCK_EX):
                finish_replacing(self.path)
        with self._held(fcntl.LOCK_SH):
            if self._db is None or _inode(self.path) != self._inode:
                self._open()
            assert self._db is not None
            yield self._db

    @contextmanager
    def _held(self, how: int) -> Iterator[None]:
        fcntl.flock(self._lock, how)
        try:
            yield
        finally:
            fcntl.flock(self._lock, fcntl.LOCK_UN)

    def _open(self) -> None:
        if self._db is not None:
            self._db.close()
        self._db = None
        try:
            db = sqlite3.connect(self.path, timeout=HELD_S, isolation_level=None)
        except sqlite3.OperationalError as wrong:
            self._inode = _inode(self.path)
            if is_damage(wrong):
                raise
            raise OutboxError(f"{self.path} cannot be opened ({wrong}); choose a folder that may be written") from None
        self._inode = _inode(self.path)
        try:
            _patiently(self.path, db, "PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=FULL")
            if version_of(db) and self.path.stat().st_size <= CHECKED_AT_START_BYTES:
                _check(db)
            if not is_current(db):
                self._committed(db, self._migrate)
            with suppress(OSError):
                keep_head(self.path, db)
        except BaseException:
            db.close()
            raise
        self._db = db

    def _migrate(self, db: sqlite3.Connection) -> None:
        had_lanes = version_of(db) not in (1, 2)  # another process may have been faster
        migrate(db, self.path)
        if not had_lanes:
            marks = ",".join("?" * len(self.urgent))
            db.execute(f"UPDATE message SET urgent=1 WHERE category IN ({marks})", tuple(self.urgent))

    def _replace(self, wrong: sqlite3.Error) -> None:
        """Put the damaged file aside and go on with what can be read of it, unless another process has done it."""
        opened = self._inode
        if self._db is not None:
            with suppress(sqlite3.Error):
                self._db.close()
        self._db = None
        with self._held(fcntl.LOCK_EX):
            finish_replacing(self.path)
            if _inode(self.path) != opened:
                return
            try:
                saved = replace_damaged(self.path)
            except OutboxUnwritable as full:
                raise OutboxBroken(f"{self.path} is damaged ({wrong}), and what can be read of it has no other place: {full}") from None  # fmt: skip
        log.error("%s was damaged (%s); it lies at %s, %d messages were saved, %d could not be read%s", self.path, wrong, saved.aside,
                  saved.messages, len(saved.unreadable), f": {', '.join(f'{n} ({id_})' for n, id_ in saved.unreadable.items())}" if saved.unreadable else "")  # fmt: skip


def _check(db: sqlite3.Connection) -> None:
    """Raises DatabaseError (SQLITE_CORRUPT) if the file does not hold together."""
    with closing(db.execute("PRAGMA quick_check(1)")) as found:
        first = str(found.fetchone()[0])
    if first != "ok":
        damage = sqlite3.DatabaseError(" ".join(first.split()))
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage


def _patiently(path: Path, db: sqlite3.Connection, query: str, values: tuple[object, ...] = ()) -> sqlite3.Cursor:
    """Wait, and say so, while another process holds the file: ending would lose what is in view."""
    for _ in range(HELD_TRIES):
        try:
            return db.execute(query, values)
        except sqlite3.OperationalError as wrong:
            if wrong.sqlite_errorcode & 0xFF not in HELD:
                raise
            log.warning("%s is held by another process for %.0f s; waiting", path, HELD_S)
    raise OutboxError(f"{path} is held by another process; end that one (fuser {path} names it)")


def _about(db: sqlite3.Connection, name: str) -> str:
    return str(db.execute("SELECT value FROM about WHERE name=?", (name,)).fetchone()[0])


def _grow(db: sqlite3.Connection, by_bytes: int) -> int:
    """Keep the sum of all bodies; counting them anew would slow each put down with all that wait."""
    db.execute("UPDATE about SET value=CAST(value AS INTEGER)+? WHERE name='bytes'", (by_bytes,))
    return int(_about(db, "bytes"))


def _number(db: sqlite3.Connection, of: str) -> int:
    return int(db.execute(f"SELECT COUNT(*) FROM {of}").fetchone()[0])


def _inode(path: Path) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        there = path.stat()
        return there.st_dev, there.st_ino
    return None


def _tell(event: str, **fields: object) -> None:
    log.warning("%s", json.dumps({"event": event, **fields}))
