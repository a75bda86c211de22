"""Passwords: one to begin with, and one's own, what a form says and what is against it."""

from __future__ import annotations

import secrets

from django.contrib.auth import password_validation
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _

from server.accounts.models import User

LETTERS = "abcdefghijkmnpqrstuvwxyz23456789"
"""Thirty-two that nobody takes for another: no l, 1, o, 0."""


def first_password() -> str:
    """A password for one sign-in, copied by hand: four groups of four, 80 bits."""
    return "-".join("".join(secrets.choice(LETTERS) for _ in range(4)) for _ in range(4))


def new_password(form: QueryDict, person: User) -> tuple[str, list[str]]:
    """The password a person chose, and what is against it. Who could not look at it while typing (a page without script) typed it twice."""
    password = form.get("password", "")
    if "again" in form and form["again"] != password:
        return password, [_("The two passwords are not the same. Type both again.")]
    return password, why_not(person, password)


def why_not(person: User, password: str) -> list[str]:
    """What is against a new password; nothing if it is good."""
    if person.check_password(password):
        return [_("That is the password you have now. Choose another one.")]
    try:
        password_validation.validate_password(password, person)
    except ValidationError as wrong:
        return list(wrong.messages)
    return []
