"""Sets Django up for a verb of the command line."""

from __future__ import annotations

import atexit
import hashlib
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path


def data_folder() -> Path:
    """Where database, pictures and secrets lie."""
    return Path(os.environ.get("TRIKEYE_DATA", "data")).resolve()


def count_as(part: str) -> None:
    """Let this process, and those it forks, tell the log what they do, and count it into files that `/metrics` adds up (server/counters.py), until it ends. Call before `start`."""
    folder, process = counted_folder() / part, os.getpid()
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(folder)

    def forget() -> None:
        if os.getpid() == process:
            shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):  # another part may still count
                folder.parent.rmdir()

    atexit.register(forget)


def counted_folder() -> Path:
    """Where processes of one data folder count: TRIKEYE_METRICS, else in memory, since a file of counters on a disk that is full would kill who writes to it; else under the data."""
    if named := os.environ.get("TRIKEYE_METRICS"):
        return Path(named).resolve()
    data = data_folder()
    shared = Path("/dev/shm") / f"trikeye-{os.getuid()}-{hashlib.sha256(str(data).encode()).hexdigest()[:12]}"
    try:
        shared.mkdir(mode=0o700, exist_ok=True)
        if shared.stat().st_uid == os.getuid() and not shared.is_symlink():
            return shared
    except OSError:
        pass
    return data / "metrics"


def start() -> None:
    """Load the settings and the apps. Import rows only after this."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "server.settings")
    import django

    django.setup()


def start_over_data() -> None:
    """`start` where there is a database already; elsewhere end with a sentence before the settings leave secrets behind."""
    from django.apps import apps

    if not apps.ready and not (data_folder() / "db.sqlite3").exists():
        sys.exit(
            f"trikeye: no trikeye data in {data_folder()}; trikeye server migrate makes it (TRIKEYE_DATA names the folder)"
        )
    start()
