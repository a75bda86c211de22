"""What is left of a password for a guesser who takes the easy ways first: the user name, a well-known password with digits around it, one piece again and again, keys in a row. Pure."""

from __future__ import annotations

import re
from collections.abc import Container

LEAST_LEFT, LEAST_KINDS = 8, 5
"""What is left has so many characters, of so many kinds."""
SHORTEST_ROW = 3
ROWS = (
    "12345678901234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm",
)
BOTH_WAYS = (*ROWS, *(row[::-1] for row in ROWS))
"""What hands type without thinking, forwards and backwards."""
SHORTEST_NAME = 2


def is_a_row(password: str) -> bool:
    """Whether it repeats itself, counts up or down, or follows the keyboard, and holds little else."""
    left = _without_rows(_once(password.casefold()))
    return len(left) < LEAST_LEFT or len(set(left)) < LEAST_KINDS


def is_hardly_more_than(name: str, password: str) -> bool:
    """Whether little is left of a password without the user name."""
    name, password = name.casefold(), password.casefold()
    if len(name) < SHORTEST_NAME or name not in password:
        return False
    return len(_without_rows(password.replace(name, ""))) < LEAST_LEFT


def is_common(password: str, common: Container[str]) -> bool:
    """Whether it is a well-known password, with digits and signs around it or not, once or again and again."""
    folded = password.casefold().strip()
    letters = re.sub(r"^[\W\d_]+|[\W\d_]+$", "", folded)
    return any(each and each in common for each in (folded, letters, _once(folded), _once(letters)))


def _once(text: str) -> str:
    """The piece of which a text is made, if it is one piece again and again; else the text."""
    return text[: (text + text).find(text, 1)] if text else ""


def _without_rows(text: str) -> str:
    """A text in which each row of keys, or of one character again and again, is its first character."""
    left, at = "", 0
    while at < len(text):
        long = _row_at(text, at)
        left, at = left + text[at], at + (long if long >= SHORTEST_ROW else 1)
    return left


def _row_at(text: str, at: int) -> int:
    """How many characters from here on are in a row."""
    long = 1
    while at + long < len(text) and (text[at : at + long + 1] == text[at] * (long + 1) or any(text[at : at + long + 1] in row for row in BOTH_WAYS)):  # fmt: skip
        long += 1
    return long
