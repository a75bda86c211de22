"""The verbs of tokens: make one, take it back, and let who shows one in, so often a minute."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Case, F, Q, Value, When

from server.accounts.models import User
from server.api.models import ApiToken
from server.audit.rules import Verb
from server.audit.services import record
from server.commits import hasty
from server.fleet.models import City

PREFIX = "trikeye_"
ROLES = tuple(role for role in User.Role if role != User.Role.REVIEWER)
"""A reviewer decides without knowing what others said: no program reads for one."""


class NoToken(Exception):
    """Nobody may come in by this token: there is none such, or it is over or revoked."""


class TooOften(Exception):
    """A token was used more often in this minute than it may be; `again_s` until the next one."""

    def __init__(self, again_s: int) -> None:
        super().__init__(f"at most {settings.API_PER_MINUTE} requests a minute; again in {again_s} s")
        self.again_s = again_s


@dataclass(frozen=True)
class Holder:
    """Who reads by a token: a role and a city, and nobody in person."""

    username: str
    role: str
    city_id: int | None
    is_authenticated: bool = True
    is_active: bool = True
    language: str = ""
    pk: None = None


def add_token(name: str, role: str, city: City | None, days: int, now: datetime) -> str:
    """A new token, which is shown this once. ValueError if the name is taken, or the role is none that a program may have."""
    if role not in ROLES:
        raise ValueError(f"no program reads as {role!r}; take {', '.join(ROLES)}")
    if ApiToken.objects.filter(name=name).exists():
        raise ValueError(f"there is a token {name} already; revoke it, or take another name")
    text = PREFIX + secrets.token_urlsafe(32)
    with transaction.atomic():
        row = ApiToken.objects.create(name=name, digest=_digest(text), role=role, city=city, made_at=now, ends_at=now + timedelta(days=days))  # fmt: skip
        record(Verb.TOKEN_ADDED, "token", row.pk, city_id=row.city_id, role=role)
    return text


def revoke_token(name: str, now: datetime) -> bool:
    """Let nobody in by this token any more. False if there is none of this name that still holds."""
    with transaction.atomic():
        rows = ApiToken.objects.filter(name=name, revoked_at=None)
        row = rows.first()
        if row is None or not rows.update(revoked_at=now, name=f"{name} (revoked {now:%Y-%m-%d %H:%M:%S})"[:64]):
            return False
        record(Verb.TOKEN_REVOKED, "token", row.pk, city_id=row.city_id)
    return True


def holder_of(text: str, now: datetime) -> Holder:
    """Who shows this token; counts as one use of it. Raises NoToken, TooOften."""
    row = ApiToken.objects.filter(digest=_digest(text), revoked_at=None, ends_at__gt=now).first()
    if row is None:
        raise NoToken
    if not _count(row, now):
        raise TooOften(60 - int(now.timestamp()) % 60)
    return Holder(row.name, row.role, row.city_id)


def _count(row: ApiToken, now: datetime) -> bool:
    """One more use in this minute, counted in the row: several processes, and machines, share it. False if it would be one too many."""
    minute = int(now.timestamp()) // 60
    free = ApiToken.objects.filter(~Q(minute=minute) | Q(used__lt=settings.API_PER_MINUTE), id=row.pk, revoked_at=None)
    with hasty():
        return bool(free.update(
            used=Case(When(minute=minute, then=F("used") + 1), default=Value(1)), minute=minute, last_used_at=now
        ))  # fmt: skip


def _digest(text: str) -> str:
    """A token is random and long: one hash of it needs no salt and no slowness."""
    return hashlib.sha256(text.encode()).hexdigest()
