"""What was looked at, waiting in the outbox's file until the server has it. Worth less than any sighting: a small cap of its own, the oldest goes first."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from edge.outbox import Outbox
from models.contract import Coverage, digest_of, encode

CAP_BYTES = 16_000_000
"""Some 10,000 km at 1.3 KB each; a damaged medium may cost any of it, and no one is told which."""


@dataclass(frozen=True)
class CoverageWaiting:
    """A message as it will travel."""

    id: UUID
    body: bytes


class CoverageBox:
    """The coverage that waits in an outbox's file. Every verb raises OutboxError as the outbox's own do."""

    def __init__(self, outbox: Outbox, cap_bytes: int = CAP_BYTES) -> None:
        self.outbox, self.cap_bytes = outbox, cap_bytes

    def put(self, coverage: Coverage) -> None:
        """Keep a message, durable on return; one whose id waits already is kept once."""
        body = encode(coverage)

        def work(db: sqlite3.Connection) -> None:
            if db.execute("INSERT OR IGNORE INTO coverage (id, digest, body) VALUES (?, ?, ?)", (coverage.id.bytes, digest_of(body), body)).rowcount:  # fmt: skip
                _grow(db, len(body))
            while _number(db, "coverage_bytes") > self.cap_bytes:
                _drop(db, db.execute("SELECT id FROM coverage ORDER BY number LIMIT 1").fetchone()[0])

        self.outbox.do(work, write=True)

    def next_up(self, without: Collection[UUID] = ()) -> CoverageWaiting | None:
        """The newest message that is not among `without`; None if there is none. Bytes that do not fit their digest are never sent: they go."""
        query = "SELECT id, digest, body FROM coverage ORDER BY number DESC LIMIT ?"
        rows = self.outbox.do(lambda db: db.execute(query, (len(without) + 1,)).fetchall())
        found = [(UUID(bytes=id_), digest, body) for id_, digest, body in rows]
        self._drop([id_ for id_, digest, body in found if digest_of(body) != digest])
        up = (CoverageWaiting(id_, body) for id_, digest, body in found if id_ not in without and digest_of(body) == digest)  # fmt: skip
        return next(up, None)

    def settle(self, ids: Collection[UUID]) -> int:
        """The server has answered for these: they go, whatever it said. Returns how many were here."""
        return self.outbox.do(lambda db: sum(_delete(db, each.bytes) for each in ids), write=True) if ids else 0

    def _drop(self, ids: Collection[UUID]) -> None:
        """What will never arrive goes too, and is counted."""

        def work(db: sqlite3.Connection) -> None:
            for each in ids:
                _drop(db, each.bytes)

        if ids:
            self.outbox.do(work, write=True)

    def counts(self) -> dict[str, int]:
        """How many wait, their bytes, and how many the cap forced out."""

        def work(db: sqlite3.Connection) -> dict[str, int]:
            waiting = int(db.execute("SELECT COUNT(*) FROM coverage").fetchone()[0])
            return {"waiting": waiting, "bytes": _number(db, "coverage_bytes"), "dropped": _number(db, "coverage_dropped")}  # fmt: skip

        return self.outbox.do(work)


def _drop(db: sqlite3.Connection, id_: bytes) -> None:
    _delete(db, id_)
    db.execute("UPDATE about SET value=CAST(value AS INTEGER)+1 WHERE name='coverage_dropped'")


def _delete(db: sqlite3.Connection, id_: bytes) -> bool:
    """Whether it was here."""
    row = db.execute("SELECT LENGTH(body) FROM coverage WHERE id=?", (id_,)).fetchone()
    if row is not None:
        db.execute("DELETE FROM coverage WHERE id=?", (id_,))
        _grow(db, -row[0])
    return row is not None


def _grow(db: sqlite3.Connection, by_bytes: int) -> None:
    db.execute("UPDATE about SET value=CAST(value AS INTEGER)+? WHERE name='coverage_bytes'", (by_bytes,))


def _number(db: sqlite3.Connection, name: str) -> int:
    return int(db.execute("SELECT value FROM about WHERE name=?", (name,)).fetchone()[0])
