"""`trikeye edge outbox`: look into an outbox without touching it; watch and uplink may be at work meanwhile."""

from __future__ import annotations

import argparse
import json
import sqlite3
import sys
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from edge.economy import Economy, month_of
from edge.outbox_file import OutboxError, in_words, is_current, version_of
from edge.outbox_memory import forgotten
from edge.settings import BadSettings, read_settings
from models.contract import RefusedMessage, Sighting, decode

LISTED, NAMED = 50, 20
WORDS = {
    "committed": "ever put in, whatever became of it",
    "waiting": "to be sent, or sent and not acknowledged yet",
    "urgent": "of those waiting: sent before all others",
    "aside": "refused by the server; kept, and sent again only if the server asks for it",
    "settled": "acknowledged by the server, so deleted here; its id is remembered",
    "forgotten": "of those settled: so long ago that only the sequence is remembered",
    "evicted": "deleted because the outbox was full, so lost unless the server has it; stats names the newest",
    "unreadable": "damaged on the medium, so lost; stats names the newest",
    "coverage waiting": "messages about what was looked at; sent after all others",
    "coverage dropped": "of these: deleted, because the outbox was full or they were damaged",
    "bytes": "of the messages that are kept",
    "file bytes": "of the outbox's file",
    "spent": "bytes sent in this calendar month (UTC), as month_bytes counts them",
    "damaged files": "outboxes that could not be read and were laid aside",
}


class NotThere(OutboxError):
    """What was asked for is not in this outbox."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    words = "\n".join(f"  {word:<18}{meaning}" for word, meaning in WORDS.items())
    parser.description = (
        f"{parser.description or ''}\n\nthe words of stats (messages are sightings unless it says otherwise):\n{words}"
    )
    parser.add_argument("what", nargs="?", choices=("stats", "list", "show"), default="stats",
                        help="numbers; what waits and what is set aside, newest first; or one message (default: stats)")  # fmt: skip
    parser.add_argument("id", nargs="?", help="with show: a message's id, or its sequence")
    parser.add_argument("--config", type=Path, help="edge.toml of the vehicle")
    parser.add_argument("--data", type=Path, help="folder of the outbox (default: as in the settings, else ./trikeye-data)")  # fmt: skip
    parser.add_argument("--limit", type=int, default=LISTED, help="with list: how many at most (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    if (args.what == "show") != (args.id is not None):
        print("trikeye edge outbox: `show` takes an id, the others none: trikeye edge outbox show 17", file=sys.stderr)
        return 2
    try:
        folder = args.data or (read_settings(args.config).vehicle.data if args.config else Path("trikeye-data"))
        path = folder / "outbox.sqlite3"
        with closing(open_to_look(path)) as db:
            if args.what == "stats":
                found = stats(db, path, datetime.now(UTC))
            elif args.what == "list":
                found = {"messages": listed(db, args.limit)}
            else:
                found = shown(db, args.id)
    except (BadSettings, OutboxError) as trouble:
        print(f"trikeye edge outbox: {trouble}", file=sys.stderr)
        return 1
    except sqlite3.Error as wrong:
        print(f"trikeye edge outbox: {in_words(path, wrong)}", file=sys.stderr)
        return 1
    for line in _in_lines(found):
        print(line)
    if args.json:
        print(json.dumps(found, ensure_ascii=False))
    return 0


def open_to_look(path: Path) -> sqlite3.Connection:
    """A connection that can write nothing. Raises OutboxError if there is no such file, or one of another version."""
    if not path.exists():
        raise NotThere(f"{path} does not exist; --data names the vehicle's folder, or --config its edge.toml")
    db = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=5)
    db.row_factory = sqlite3.Row
    if not is_current(db):
        version = version_of(db)
        db.close()
        raise NotThere(
            f"{path} has version {version}, which this program does not show; start trikeye edge watch or uplink once: it is brought up to date"
        )
    return db


def stats(db: sqlite3.Connection, path: Path, now: datetime) -> dict[str, Any]:
    """How many there are of what, what waits by category, and everything that will never arrive, by name."""

    def one(query: str, *values: object) -> Any:
        return db.execute(query, values).fetchone()[0]

    about = {row["name"]: row["value"] for row in db.execute("SELECT name, value FROM about")}
    month = month_of(now)
    spent = db.execute("SELECT bytes FROM spent WHERE month=?", (month,)).fetchone()
    oldest, newest = db.execute("SELECT MIN(seen_utc), MAX(seen_utc) FROM message WHERE aside IS NULL").fetchone()
    return {
        "outbox": about["outbox"],
        "committed": int(about["sequence"]),
        "waiting": one("SELECT COUNT(*) FROM message WHERE aside IS NULL"),
        "urgent": one("SELECT COUNT(*) FROM message WHERE aside IS NULL AND urgent=1"),
        "aside": one("SELECT COUNT(*) FROM message WHERE aside IS NOT NULL"),
        "settled": one("SELECT COUNT(*) FROM settled") + forgotten(db),
        "forgotten": forgotten(db),
        "evicted": one("SELECT COUNT(*) FROM evicted"),
        "unreadable": one("SELECT COUNT(*) FROM unreadable"),
        "coverage_waiting": one("SELECT COUNT(*) FROM coverage"),
        "coverage_dropped": int(about["coverage_dropped"]),
        "bytes": int(about["bytes"]),
        "file_bytes": path.stat().st_size,
        "oldest_seen": oldest,
        "newest_seen": newest,
        "spent": {month: int(spent[0]) if spent else 0},
        "waiting_by_category": dict(
            db.execute("SELECT category, COUNT(*) FROM message WHERE aside IS NULL GROUP BY category ORDER BY 2 DESC, 1")
        ),
        "evicted_newest": _named(db, "evicted"),
        "unreadable_newest": _named(db, "unreadable"),
        "damaged_files": sorted(str(each) for each in path.parent.glob(f"{path.stem}.damaged-*{path.suffix}")),
    }  # fmt: skip


def listed(db: sqlite3.Connection, limit: int) -> list[dict[str, Any]]:
    """What waits and what is set aside, newest first."""
    rows = db.execute(
        "SELECT sequence, id, category, seen_utc, probability, LENGTH(body) AS bytes, urgent, economy, aside FROM message ORDER BY sequence DESC LIMIT ?",
        (limit,),
    )
    return [
        dict(row)
        | {
            "id": str(UUID(bytes=row["id"])),
            "urgent": bool(row["urgent"]),
            "economy": Economy(row["economy"]).name.lower(),
        }
        for row in rows
    ]


def shown(db: sqlite3.Connection, wanted: str) -> dict[str, Any]:
    """One message by id or sequence, wherever it is. Raises NotThere."""
    column, value = ("sequence", int(wanted)) if wanted.isdecimal() else ("id", _bytes_of(wanted))
    for table in ("message", "settled", "evicted", "unreadable"):
        row = db.execute(f"SELECT * FROM {table} WHERE {column}=? ORDER BY sequence DESC", (value,)).fetchone()
        if row is not None:
            break
    else:
        if (
            column == "sequence"
            and db.execute("SELECT 1 FROM forgotten WHERE ? BETWEEN first AND last", (value,)).fetchone()
        ):
            return {"state": "settled", "sequence": value, "forgotten": True}
        raise NotThere(f"{wanted} was never in this outbox; trikeye edge outbox list shows what is")
    found = dict(row) | {"id": str(UUID(bytes=row["id"])) if row["id"] else None}
    body = found.pop("body", None)
    state = {"message": "aside" if found.get("aside") else "waiting"}.get(table, table)
    earlier = [each[0] for each in db.execute("SELECT digest FROM sent WHERE id=?", (row["id"],))]
    return {"state": state, **found, "earlier_digests": earlier, **({"message": _readable(body)} if body else {})}


def _readable(body: bytes) -> dict[str, Any]:
    """A message without the pictures' bytes."""
    try:
        values = decode(Sighting, body).model_dump(mode="python")
    except RefusedMessage as wrong:
        return {"unreadable": str(wrong)}
    for picture in values["pictures"]:
        picture["bytes"] = len(picture["bytes"])
    found: dict[str, Any] = json.loads(json.dumps(values, default=str))
    return found


def _bytes_of(wanted: str) -> bytes:
    try:
        return UUID(wanted).bytes
    except ValueError:
        raise NotThere(f"{wanted!r} is neither an id nor a sequence") from None


def _named(db: sqlite3.Connection, table: str) -> list[dict[str, Any]]:
    rows = db.execute(f"SELECT sequence, id FROM {table} ORDER BY sequence DESC LIMIT {NAMED}")
    return [{"sequence": n, "id": str(UUID(bytes=id_)) if id_ else None} for n, id_ in rows]


def _in_lines(found: dict[str, Any]) -> list[str]:
    if "messages" in found:
        return [
            f"{each['sequence']:>8} {each['id']} {each['seen_utc'][:19]} {each['category']:<24} {each['probability']:.2f} {each['bytes']:>7} B"
            + (" urgent" if each["urgent"] else "")
            + (f" {each['economy']}" if each["economy"] != "whole" else "")
            + (f" set aside: {each['aside']}" if each["aside"] else "")
            for each in found["messages"]
        ] or ["nothing waits and nothing is set aside"]
    return [
        f"{name.replace('_', ' ')}: {value if not isinstance(value, dict | list) else json.dumps(value, ensure_ascii=False)}"
        for name, value in found.items()
        if value not in (None, "", [], {})
    ]
