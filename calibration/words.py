"""What is wrong with a file that somebody wrote, in words: what the system, TOML and pydantic say, said plainly."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from errno import EACCES, EISDIR, ENOENT, ENOTDIR, EPERM
from typing import Any

from pydantic import ValidationError

OF_SYSTEM = {
    ENOENT: "does not exist", ENOTDIR: "does not exist: a part of its path is no folder", EISDIR: "is a folder, not a file",
    EACCES: "may not be read by this user", EPERM: "may not be read by this user",
}  # fmt: skip
EXPECTED = {
    "missing": "is missing", "extra_forbidden": "is no key that is known here: see how it is spelt", "finite_number": "must be a finite number",
    "literal_error": "must be {expected}", "greater_than": "must be above {gt:g}", "greater_than_equal": "must be {ge:g} or more",
    "less_than": "must be below {lt:g}", "less_than_equal": "must be {le:g} or less", "too_short": "has {actual_length} values, needed are {min_length}",
    "too_long": "has {actual_length} values, at most {max_length} may be there", "value_error": "{error}",
    "model_type": "must be a section of keys: [{name}]",
}  # fmt: skip
KINDS = {
    "int": "a whole number", "float": "a number", "string": "text in quotes", "bool": "true or false", "path": "a path in quotes",
    "tuple": "a list of values in [ ]", "list": "a list of values in [ ]", "dict": "a section of keys",
}  # fmt: skip
PATTERNS = {
    r"^[A-Za-z0-9_-]{1,32}$": "1 to 32 of A-Z, a-z, 0-9, - and _",
    r"^[a-z0-9_]{1,48}$": "1 to 48 of a-z, 0-9 and _",
    r"^([0-9a-f]{64})?$": "64 of 0-9 and a-f, or empty",
}
SECRET = "password"


def of_file(path: object, wrong: OSError) -> str:
    """Why a file cannot be read."""
    return f"{path} {OF_SYSTEM.get(wrong.errno or 0) or f'cannot be read: {wrong.strerror or wrong}'}"


def toml_of(data: bytes) -> dict[str, Any]:
    """TOML, with or without a BOM. Raises ValueError, which says in words what is wrong in which line."""
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError("is no text in UTF-8: save it as UTF-8") from None
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        lines, at = text.splitlines() or [""], re.search(r"at line (\d+)", str(wrong))
        line = int(at[1]) if at else len(lines)
        if str(wrong).startswith("Cannot"):
            raise ValueError(f"line {line} says again what was said before: each key and each [section] once") from None
        # The value stays unsaid: it may be a password.
        name = lines[min(line, len(lines)) - 1].partition("=")[0].strip()[:40]
        raise ValueError(f"line {line} ({name}) is no TOML: write key = value, text in quotes, lists in [ ], and a section as [name]") from None  # fmt: skip


def of_keys(wrong: ValidationError) -> list[str]:
    """What is wrong with each key: `gate.every_m: must be above 0, not -1`."""
    return [_of_key(error) for error in wrong.errors(include_url=False)]


def _of_key(error: Mapping[str, Any]) -> str:
    where, kind, context = [str(part) for part in error["loc"]], error["type"], error.get("ctx", {})
    name = ".".join(where)
    if kind == "string_pattern_mismatch":
        words = f"must be {PATTERNS.get(context['pattern'], context['pattern'])}"
    elif kind in EXPECTED:
        words = EXPECTED[kind].format(**{**context, "name": name})
    else:
        named = next((told for each, told in KINDS.items() if kind.startswith(each)), None)
        words = f"must be {named}" if named else str(error["msg"])
    value = error["input"]
    is_told = words.startswith("must be") and SECRET not in where and isinstance(value, str | int | float)
    said = {True: "true", False: "false"}.get(value) if isinstance(value, bool) else repr(value)
    return f"{f'{name}: ' if name else ''}{words}{f', not {said}' if is_told else ''}"
