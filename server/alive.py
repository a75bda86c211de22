"""A sign of life from the processes that have no page: each touches a file, so that it tells also where the database does not answer."""

from __future__ import annotations

import time

from django.conf import settings

PARTS = ("intake", "work")
OFTEN_S, DEAD_S = 5.0, 60.0
_told_s: dict[str, float] = {}


def beat(part: str) -> None:
    """Say that this part runs; at most every few seconds, however often it is called. A full disk is no reason to stop."""
    now_s = time.monotonic()
    if now_s - _told_s.get(part, -OFTEN_S) < OFTEN_S:
        return
    _told_s[part] = now_s
    try:
        file = settings.DATA / "alive" / part
        file.parent.mkdir(mode=0o700, exist_ok=True)
        file.touch(mode=0o600)
    except OSError:
        pass


def silent_s(part: str) -> float | None:
    """How long ago a part said that it runs; None if it never did here."""
    try:
        return max(0.0, time.time() - (settings.DATA / "alive" / part).stat().st_mtime)
    except OSError:
        return None
