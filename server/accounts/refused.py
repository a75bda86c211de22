"""What the audit keeps of sign-ins that failed: a row for each wrong password of a name that somebody has, which the limits of `attempts` bound, one for a slow-down, and of names that nobody has how many they were, once a minute."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.core.cache import cache
from django.db import transaction

from server.accounts.attempts import Counted, waits
from server.accounts.models import User
from server.audit.rules import Verb
from server.audit.services import record

TOLD_EVERY = timedelta(minutes=1)
NOBODYS = "wrong-names"
"""Sorts behind the counts of tries, so that a cache that is full loses those first."""


def note_password(name: str, *, out_of_use: bool = False) -> None:
    """A password was refused. The same is read and written whether somebody has the name or not, so that the time of the answer does not tell."""
    with transaction.atomic():
        person = _named(name)
        if person is not None:
            record(Verb.PASSWORD_REFUSED, "user", person.pk, city_id=person.city_id, **({"out_of_use": True} if out_of_use else {}))  # fmt: skip


def note_slowed(name: str, counted: Counted, now: datetime) -> None:
    """Somebody has to wait for their next try: one row until their wrong tries are forgotten."""
    if not waits(counted, now):
        return
    with transaction.atomic():
        if cache.add(f"slowed-{counted.key}", True, counted.limit.window_s):
            person = _named(name)
            if person is not None:
                record(Verb.SIGN_IN_SLOWED, "user", person.pk, city_id=person.city_id)


def note_code(person: User, *, setting_up: bool = False) -> None:
    """A second factor was refused, at the sign-in or where it was to be set up."""
    record(Verb.CODE_REFUSED, "user", person.pk, city_id=person.city_id, actor_id=person.pk, **({"setting_up": True} if setting_up else {}))  # fmt: skip


def tell_wrong_names(now: datetime) -> int:
    """Write down how often names that nobody has were tried since the last such row, a minute ago at the earliest. Returns 0: nothing waits for it."""
    count, told_s = cache.get(NOBODYS, (0, 0.0))
    if count and not 0 <= now.timestamp() - told_s < TOLD_EVERY.total_seconds():
        with transaction.atomic():
            count, _told_s = cache.get(NOBODYS, (0, 0.0))
            cache.set(NOBODYS, (0, now.timestamp()), None)
            record(Verb.NAMES_REFUSED, "sign_in", "", count=count)
    return 0


def _named(name: str) -> User | None:
    """Who has this name; that nobody has is counted."""
    person = User.objects.filter(username=name).first()
    count, told_s = cache.get(NOBODYS, (0, 0.0))
    cache.set(NOBODYS, (count + (person is None), told_s), None)
    return person
