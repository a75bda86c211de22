"""Passwords: one to begin with, and one's own, what a form says and what is against it."""

from __future__ import annotations

import secrets

from django.contrib.auth import password_validation
from django.contrib.auth.password_validation import CommonPasswordValidator
from django.core.exceptions import ValidationError
from django.http import QueryDict
from django.utils.translation import gettext as _

from server.accounts.guessing import is_a_row, is_common, is_hardly_more_than
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
    """What is against a new password, each with what to do; nothing if it is good."""
    if person.check_password(password):
        return [_("That is the password you have now. Choose another one.")]
    try:
        password_validation.validate_password(password, person)
    except ValidationError as wrong:
        return list(dict.fromkeys(_words(each) for each in wrong.error_list))
    return []


class HardToGuess(CommonPasswordValidator):
    """Refuses what guessers try first (server/accounts/guessing.py) beyond what Django's own validators look for."""

    def validate(self, password: str, user: User | None = None) -> None:
        found = {
            "password_too_common": is_common(password, self.passwords),
            "password_too_similar": user is not None and is_hardly_more_than(user.username, password),
            "password_a_row": is_a_row(password),
        }
        wrong = [ValidationError(code, code=code) for code, is_so in found.items() if is_so]
        if wrong:
            raise ValidationError(wrong)


def _words(wrong: ValidationError) -> str:
    """A reason of a validator as a sentence that says what to do; one that is not known here in the validator's own words."""
    return {
        "password_too_short": _("It is too short. Take at least 12 characters: four or five words are easy to remember."),
        "password_too_similar": _("It is too much like your user name. Take words that have nothing to do with you."),
        "password_too_common": _("Many people use this password, so it is tried first; digits after it do not help. Take four or five words that do not belong together."),
        "password_entirely_numeric": _("It is digits alone. Take words, or add some."),
        "password_a_row": _("It repeats itself or follows the keyboard. Take four or five words that do not belong together."),
    }.get(wrong.code or "", wrong.messages[0])  # fmt: skip
