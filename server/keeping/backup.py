"""A copy of the back office while it runs: the database at one instant, the pictures its rows name, and where it is asked for the secrets. Files alone, no Django.

`FOLDER/20261128T101500Z/` holds `db.sqlite3`, `manifest.json` and perhaps `secrets/`; `FOLDER/pictures/` holds each picture once for all copies. The manifest is written last: a copy without one was cut short.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

PAGES_AT_ONCE = 4096
STAMP = "%Y%m%dT%H%M%SZ"
DATABASE, MANIFEST, PICTURES, SECRETS = "db.sqlite3", "manifest.json", "pictures", "secrets"
Say = Callable[[str], None]


class NotCopied(Exception):
    """A backup or restore that was not done; the text says why, and what to do."""


@dataclass(frozen=True)
class Manifest:
    """What a copy holds, with digests. `missing`: pictures that rows name and that were not there; `erased_since`: those that the rules of retention erased while it was made."""

    version: str
    at: str
    database_sha256: str
    database_bytes: int
    pictures: int
    new_pictures: int
    missing: list[str]
    erased_since: list[str]
    secrets: dict[str, str]
    heads: dict[str, str]
    format: int = 1


def back_up(data: Path, folder: Path, now: datetime, version: str, *, with_secrets: bool, say: Say) -> tuple[Path, Manifest]:  # fmt: skip
    """Make one copy. Raises NotCopied, OSError."""
    if not (data / DATABASE).exists():
        raise NotCopied(f"there is no database in {data}; name the data folder by TRIKEYE_DATA")
    if folder.resolve().is_relative_to(data.resolve()):
        raise NotCopied(f"{folder} lies in the data folder itself; name a place on another disk")
    into = folder / now.strftime(STAMP)
    if into.exists():
        raise NotCopied(f"{into} is there already; try again in a second")
    _see_room(data / DATABASE, folder)
    into.mkdir(parents=True, mode=0o700)
    try:
        copy_database(data / DATABASE, into / DATABASE, say)
        named = pictures_named(into / DATABASE) - erased_in(into / DATABASE)
        new, missing = copy_pictures(named, data / PICTURES, folder / PICTURES, say)
        since = missing & erased_in(data / DATABASE)
        secrets = copy_secrets(data / SECRETS, into / SECRETS) if with_secrets else {}
        manifest = Manifest(
            version, now.isoformat(), digest_of(into / DATABASE), (into / DATABASE).stat().st_size, len(named) - len(missing), new,
            sorted(missing - since), sorted(since), secrets, heads_in(into / DATABASE),
        )  # fmt: skip
        write_whole(into / MANIFEST, json.dumps(asdict(manifest), indent=1).encode())
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    return into, manifest


def copy_database(source: Path, target: Path, say: Say) -> None:
    """The database as it is at one instant, whoever writes meanwhile: a read transaction holds that instant, and readers stop no writer (WAL)."""
    with closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=20)) as live, closing(sqlite3.connect(target)) as copy:  # fmt: skip
        live.execute("BEGIN")
        live.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        live.backup(copy, pages=PAGES_AT_ONCE, progress=lambda _, left, total: say(f"database: {total - left} of {total} pages"))  # fmt: skip
        copy.execute("PRAGMA journal_mode=DELETE")
        wrong = copy.execute("PRAGMA quick_check").fetchone()[0]
    if wrong != "ok":
        raise NotCopied(f"the database is damaged ({wrong}); keep the older copies, and restore the newest of them")
    _sync(target)


def pictures_named(database: Path) -> set[str]:
    """The pictures that rows name."""
    return {row[0] for row in _ask(database, "SELECT DISTINCT sha256 FROM cases_picture")}


def erased_in(database: Path) -> set[str]:
    """The pictures that were erased as the rules say."""
    try:
        return {row[0] for row in _ask(database, "SELECT DISTINCT sha256 FROM keeping_erasure")}
    except sqlite3.OperationalError:  # a database from before there was retention
        return set()


def heads_in(database: Path) -> dict[str, str]:
    """The newest seal of each chain of the audit."""
    try:
        found = _ask(database, "SELECT chain, digest FROM audit_auditseal a WHERE number = (SELECT MAX(number) FROM audit_auditseal b WHERE b.chain = a.chain)")  # fmt: skip
    except sqlite3.OperationalError:
        return {}
    return dict(found)


def copy_pictures(named: set[str], source: Path, target: Path, say: Say) -> tuple[int, set[str]]:
    """Copy what is not there yet, each under its digest; how many were new, and which were not to be had."""
    new, missing = 0, set()
    for number, name in enumerate(sorted(named)):
        if number % 1000 == 0:
            say(f"pictures: {number} of {len(named)}")
        if path_under(target, name).exists():
            continue
        try:
            data = path_under(source, name).read_bytes()
        except FileNotFoundError:
            missing.add(name)
            continue
        if sha256(data).hexdigest() != name:
            missing.add(name)  # damaged: as good as gone, and an older copy may hold it
            continue
        write_whole(path_under(target, name), data)
        new += 1
    return new, missing


def copy_secrets(source: Path, target: Path) -> dict[str, str]:
    """Copy secrets, for the owner alone; their digests."""
    target.mkdir(mode=0o700, parents=True, exist_ok=True)
    digests = {}
    for path in sorted(source.iterdir()) if source.exists() else []:
        if path.is_file():
            write_whole(target / path.name, path.read_bytes(), 0o600)
            digests[path.name] = digest_of(target / path.name)
    return digests


def copies_in(folder: Path) -> list[Path]:
    """The finished copies, oldest first."""
    return sorted(path.parent for path in folder.glob(f"*/{MANIFEST}"))


def keep_newest(folder: Path, count: int) -> tuple[int, int]:
    """Drop all but the newest copies, what was cut short before them, and the pictures that none of these names: what was erased must not live on in old copies. How many of each went."""
    finished = copies_in(folder)
    old = [path for path in _all_in(folder) if path.name < finished[-1].name and path not in finished[-count:]]
    for path in old:
        shutil.rmtree(path)
    if not old:
        return 0, 0
    wanted = {name for path in copies_in(folder) for name in pictures_named(path / DATABASE)}
    gone = [path for path in _pictures_under(folder / PICTURES) if path.stem not in wanted]
    for path in gone:
        path.unlink()
    return len(old), len(gone)


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One backup a folder at a time: a second one would take the first's for one that was cut short. Raises NotCopied."""
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    mark = folder / "running"
    with mark.open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if (
                not mark.exists() or mark.stat().st_ino != os.fstat(lock.fileno()).st_ino
            ):  # whoever was first took it away
                raise BlockingIOError
        except BlockingIOError:
            raise NotCopied(f"another backup into {folder} is running; wait for it") from None
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)


def write_whole(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write a file so that it is there whole or not at all, also after a power cut."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    aside = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)


def digest_of(path: Path) -> str:
    """The sha256 of a file."""
    hashed = sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            hashed.update(block)
    return hashed.hexdigest()


def path_under(folder: Path, name: str) -> Path:
    """Where a picture lies, in the data folder as in a backup."""
    return folder / name[:2] / name[2:4] / f"{name}.jpg"


def _all_in(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name != PICTURES)


def _pictures_under(folder: Path) -> Iterator[Path]:
    return folder.glob("*/*/*.jpg")


def _see_room(database: Path, folder: Path) -> None:
    """Raises NotCopied where the database alone would not fit."""
    there = next(path for path in [folder, *folder.resolve().parents] if path.exists())
    free, needed = shutil.disk_usage(there).free, database.stat().st_size
    if free < needed:
        raise NotCopied(f"{folder} has {free / 1e6:.0f} MB free, the database alone needs {needed / 1e6:.0f} MB; free some room there, or name another disk")  # fmt: skip


def _ask(database: Path, query: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as db:
        return db.execute(query).fetchall()


def _sync(path: Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
