"""How long the outbox remembers what the server has: id and digest of each message, so that a replay sends nothing again and a late answer is understood.

Whatever is forgotten here does no harm: sent again, the server answers `known`. Its sequences stay explained, as stretches from first to last.
"""

from __future__ import annotations

import sqlite3
from itertools import takewhile

REMEMBERED_S = 90 * 86_400.0
REMEMBERED_LEAST = 10_000
"""So many of the newest are kept however old a wrong clock makes them."""
AT_ONCE = 40
"""An answer never waits for much forgetting; one is at most forty times as quick as it comes."""


def forget_settled(db: sqlite3.Connection, now_s: float) -> int:
    """Forget the oldest of what was settled long ago, a few at once, inside the caller's transaction. Returns how many."""
    last = int(db.execute("SELECT value FROM about WHERE name='sequence'").fetchone()[0])
    oldest = db.execute(
        "SELECT sequence, id, at_s FROM settled WHERE sequence<=? ORDER BY sequence LIMIT ?", (last - REMEMBERED_LEAST, AT_ONCE)
    ).fetchall()  # fmt: skip
    old = list(takewhile(lambda row: row[2] < now_s - REMEMBERED_S, oldest))
    for sequence, id_, _ in old:
        db.execute("DELETE FROM settled WHERE sequence=?", (sequence,))
        db.execute("DELETE FROM sent WHERE id=?", (id_,))
        _add(db, sequence)
    return len(old)


def forgotten(db: sqlite3.Connection) -> int:
    """How many settled messages are remembered by their sequence alone."""
    return int(db.execute("SELECT COALESCE(SUM(last-first+1), 0) FROM forgotten").fetchone()[0])


def _add(db: sqlite3.Connection, sequence: int) -> None:
    """Lengthen the stretch before it, and join the one behind."""
    before = db.execute("SELECT first, last FROM forgotten WHERE first<=? ORDER BY first DESC LIMIT 1", (sequence,)).fetchone()  # fmt: skip
    first = before[0] if before is not None and before[1] == sequence - 1 else sequence
    behind = db.execute("SELECT last FROM forgotten WHERE first=?", (sequence + 1,)).fetchone()
    db.execute("DELETE FROM forgotten WHERE first=?", (sequence + 1,))
    db.execute("INSERT OR REPLACE INTO forgotten VALUES (?, ?)", (first, sequence if behind is None else behind[0]))
