"""How often a sign-in may be tried. Counted in the cache that all processes share; a try is counted before its answer is known, and taken off if it was right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from math import ceil

from django.core.cache import cache
from django.db import transaction
from django.http import HttpRequest


@dataclass(frozen=True)
class Limit:
    """`free` tries within `window_s`; from then on one each `pause_s`, or, without a pause, none until the oldest is that long ago."""

    free: int
    window_s: float
    pause_s: float | None = None


ADDRESS = Limit(10, 60.0)
ACCOUNT = Limit(5, 900.0, 30.0)
"""It slows down and never stops: nobody is locked out of their account by what others type."""


@dataclass(frozen=True)
class Counted:
    """One limit and whose tries it counts."""

    limit: Limit
    whose: str

    @property
    def key(self) -> str:
        return "tries-" + sha256(self.whose.encode()).hexdigest()


def wait_s(limit: Limit, tries: Sequence[float], now_s: float) -> float:
    """How long until another try; `tries` are the wrong ones, oldest first."""
    recent = [each for each in tries if now_s - limit.window_s < each <= now_s]
    if len(recent) < limit.free:
        return 0.0
    if limit.pause_s is None:
        return recent[-limit.free] + limit.window_s - now_s
    return max(0.0, recent[-1] + limit.pause_s - now_s)


def take_try(counted: Sequence[Counted], now: datetime) -> int:
    """Count one try against each, unless one of them has to wait: then the whole seconds to wait, and nothing is counted."""
    now_s = now.timestamp()
    with transaction.atomic():
        tries = {each: list(cache.get(each.key, [])) for each in counted}
        wait = max(wait_s(each.limit, tries[each], now_s) for each in counted)
        if wait <= 0:
            for each, times in tries.items():
                cache.set(each.key, [*times[-each.limit.free :], now_s], each.limit.window_s)
    return ceil(wait)


def waits(counted: Counted, now: datetime) -> bool:
    """Whether the next try of this one has to wait."""
    return wait_s(counted.limit, list(cache.get(counted.key, [])), now.timestamp()) > 0


def forgive(counted: Sequence[Counted]) -> None:
    """The last try was right: of an account all wrong ones are forgotten, of an address that one alone, since others may guess from there."""
    with transaction.atomic():
        for each in counted:
            if each.limit.pause_s is not None:
                cache.delete(each.key)
            else:
                cache.set(each.key, cache.get(each.key, [])[:-1], each.limit.window_s)


def address_of(request: HttpRequest) -> str:
    """Where a request came from: behind a proxy on this machine, as that says."""
    direct = str(request.META.get("REMOTE_ADDR", ""))
    told = request.headers.get("X-Forwarded-For", "").split(",")[-1].strip()
    return told if told and direct in ("127.0.0.1", "::1", "") else direct
