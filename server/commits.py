"""How a change reaches the disk, where the database is SQLite: every other connection waits while one holds its lock, so a lock is not held while the disk is waited for."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.db import connection, transaction


@contextmanager
def hasty() -> Iterator[None]:
    """For what a power cut may take back, such as leases: nobody waits for the disk. The next commit that does carries it there."""
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            cursor.execute("PRAGMA synchronous=FULL")


@contextmanager
def synced_after() -> Iterator[None]:
    """A transaction that lets go of the lock before the disk has it, and comes back once the disk has: as lasting as one under FULL, which differs from NORMAL in syncing the log while it holds the lock (sqlite.org/pragma.html#pragma_synchronous)."""
    is_whole = not connection.in_atomic_block
    with hasty(), transaction.atomic():
        yield
    if is_whole:
        wait_for_disk()


def wait_for_disk() -> None:
    """Come back once the disk has all that was committed. Also for who finds that somebody else has just done what was asked: that one may still be waiting."""
    if connection.vendor == "sqlite" and not connection.in_atomic_block:
        sync_log(Path(connection.settings_dict["NAME"]))


def sync_log(database: Path) -> None:
    """Wait until the disk has all that was committed to a database in WAL mode, by whomever. Raises OSError."""
    log = os.open(f"{database}-wal", os.O_RDWR)
    try:
        os.fdatasync(log)
    finally:
        os.close(log)
