"""What an administrator does with accounts, and each person with their own. Every change is one guarded update with its audit row; whoever it concerns is signed out by it."""

from __future__ import annotations

import re
from typing import Any

from django.db import transaction
from django.db.models import F

from server.accounts.factors import forget_factors
from server.accounts.models import User
from server.accounts.passwords import first_password
from server.audit.rules import Verb
from server.audit.services import record
from server.fleet.models import City

LONGEST_NAME = 150
FIT = re.compile(r"[\w.@+-]+")
"""Letters of any script, digits, and these; as Django checks names."""


class NotDone(Exception):
    """An account that cannot be changed so."""


class NameTaken(NotDone):
    """There is such a name already."""


class BadName(NotDone):
    """A name that cannot be typed at every sign-in: empty, too long, with spaces or unusual signs."""


class LastAdministrator(NotDone):
    """Nobody would be left who may change accounts."""


def add_person(name: str, role: str, city: City | None = None, language: str = "", *, by: User | None = None) -> tuple[User, str]:  # fmt: skip
    """A new person and the password for their first sign-in. Raises BadName, NameTaken."""
    if not name or len(name) > LONGEST_NAME or not FIT.fullmatch(name):
        raise BadName(name)
    password = first_password()
    with transaction.atomic():
        if User.objects.filter(username__iexact=name).exists():
            raise NameTaken(name)
        person = User(username=name, role=role, city=city, language=language, password_once=True)
        person.set_password(password)
        person.save()
        record(Verb.USER_ADD, **_about(person, by), role=role, city=city.key if city else "")
    return person, password


def renew_password(person: User, *, by: User | None = None) -> str:
    """A new password, which they replace at their next sign-in."""
    password = first_password()
    fresh = User(username=person.username)
    fresh.set_password(password)
    with transaction.atomic():
        User.objects.filter(pk=person.pk).update(password=fresh.password, password_once=True, sign_outs=F("sign_outs") + 1)  # fmt: skip
        record(Verb.USER_PASSWORD, **_about(person, by))
    return password


def choose_password(person: User, password: str) -> None:
    """A person's own password, told to nobody."""
    person.set_password(password)
    with transaction.atomic():
        User.objects.filter(pk=person.pk).update(password=person.password, password_once=False)
        person.password_once = False
        record(Verb.USER_PASSWORD, **_about(person, person), own=True)


def change_factors(person: User, verb: Verb, **detail: Any) -> None:
    """What a person did to their own second factors, on record; every session of theirs ends by it. Call inside the transaction of what was done."""
    User.objects.filter(pk=person.pk).update(sign_outs=F("sign_outs") + 1)
    record(verb, **_about(person, person), **detail)


def reset_factors(person: User, *, by: User | None = None) -> int:
    """Take a person's second factors away; how many there were. They make a new one at their next sign-in."""
    with transaction.atomic():
        gone = forget_factors(person)
        User.objects.filter(pk=person.pk).update(sign_outs=F("sign_outs") + 1)
        record(Verb.FACTOR_RESET, **_about(person, by))
    return gone


def place_person(person: User, role: str, city: City | None, *, by: User | None = None) -> bool:
    """Give a person another role or city; False if nothing changes. Raises LastAdministrator."""
    with transaction.atomic():
        now = User.objects.get(pk=person.pk)
        if (now.role, now.city_id) == (role, city.pk if city else None):
            return False
        if role != User.Role.ADMIN:
            _leave_an_administrator(now)
        User.objects.filter(pk=person.pk).update(role=role, city=city)
        record(Verb.USER_PLACED, **_about(person, by), old=now.role, new=role, city=city.key if city else "")
    return True


def put_in_use(person: User, is_active: bool, *, by: User | None = None) -> bool:
    """Let a person sign in, or no longer; False if nothing changes. What they decided stays. Raises LastAdministrator."""
    with transaction.atomic():
        if not is_active:
            _leave_an_administrator(User.objects.get(pk=person.pk))
        changed = User.objects.filter(pk=person.pk, is_active=not is_active).update(is_active=is_active, sign_outs=F("sign_outs") + 1)  # fmt: skip
        if changed:
            record(Verb.USER_IN_USE if is_active else Verb.USER_OUT_OF_USE, **_about(person, by))
    return bool(changed)


def _leave_an_administrator(person: User) -> None:
    others = User.objects.filter(role=User.Role.ADMIN, is_active=True).exclude(pk=person.pk)
    if person.role == User.Role.ADMIN and person.is_active and not others.exists():
        raise LastAdministrator(person.username)


def _about(person: User, by: User | None) -> dict[str, Any]:
    """Whom a deed concerns and who did it, as `record` takes it."""
    return {"kind": "user", "object_id": person.pk, "city_id": person.city_id, "actor_id": by.pk if by else None}
