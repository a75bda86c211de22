"""Whether the back office lives, and whether it can work, for whom watches it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from typing import Any
from uuid import uuid4

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.loader import MigrationLoader
from django.db.migrations.recorder import MigrationRecorder
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from server.alive import DEAD_S, silent_s
from server.roles import WATCH
from server.screening.second_look import trouble


class NotReady(Exception):
    """What is missing, and what to do."""


@never_cache
@require_safe
def health(request: HttpRequest) -> JsonResponse:
    """200 while this process answers, whatever else is broken: whom this kills is started again."""
    return JsonResponse({"ok": True})


@never_cache
@require_safe
def ready(request: HttpRequest) -> JsonResponse:
    """200 if all that a person or a vehicle needs is there, else 503. What is missing, and what works worse than it could (`worse`), is told to an administrator."""
    found = {name: _asked(check) for name, check in CHECKS.items()}
    ok = not any(found.values())
    body: dict[str, Any] = {"ok": ok}
    if getattr(request.user, "role", "") in WATCH:
        body["worse"] = {"second_look": words} if (words := trouble()) else {}
        body["checks"] = {name: {"ok": not words, **({"do": words} if words else {})} for name, words in found.items()}
    return JsonResponse(body, status=200 if ok else 503)


def _asked(check: Callable[[], None]) -> str:
    """What a check has against it, empty for nothing."""
    try:
        check()
    except NotReady as wrong:
        return str(wrong)
    return ""


def _database() -> None:
    try:
        missing = _migrations() - MigrationRecorder(connection).applied_migrations().keys()
    except DatabaseError as wrong:
        raise NotReady(f"the database: {wrong}; see who else holds it, and how full the disk is") from wrong
    if missing:
        raise NotReady(f"the database is older than the software by {len(missing)} migrations; run: trikeye server migrate")  # fmt: skip


@lru_cache(maxsize=1)
def _migrations() -> frozenset[tuple[str, str]]:
    return frozenset(MigrationLoader(None).disk_migrations)


def _pictures() -> None:
    probe = settings.PICTURES / f".probe-{uuid4().hex}"
    try:
        settings.PICTURES.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(probe, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(b"\0" * 4096)
        probe.unlink()
    except OSError as wrong:
        with suppress(OSError):
            probe.unlink()
        raise NotReady(f"the folder of pictures cannot be written ({wrong.strerror}); see its owner, and how full the disk is") from wrong  # fmt: skip


def _disk() -> None:
    free_mb = shutil.disk_usage(settings.DATA).free / 1e6
    if free_mb < settings.DISK_FLOOR_MB:
        raise NotReady(f"{free_mb:.0f} MB are free where the data lies, {settings.DISK_FLOOR_MB:.0f} are wanted; free some, or set TRIKEYE_DISK_FLOOR_MB")  # fmt: skip


def _part(name: str) -> Callable[[], None]:
    def check() -> None:
        silent = silent_s(name)
        if silent is None or silent > DEAD_S:
            since = "was never seen on this machine" if silent is None else f"was last seen {silent:.0f} s ago"
            raise NotReady(f"{name} {since}; start it: trikeye server {name} (if it runs elsewhere, leave it out of TRIKEYE_READY_PARTS)")  # fmt: skip

    return check


CHECKS: dict[str, Callable[[], None]] = {
    "database": _database, "pictures": _pictures, "disk": _disk, **{name: _part(name) for name in settings.READY_PARTS}
}  # fmt: skip
"""In the order in which they are told."""
