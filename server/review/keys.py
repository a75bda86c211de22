"""Which key does what in the queue. A key goes by its place on the keyboard (`KeyboardEvent.code`), so that no input method changes it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

DEEDS: dict[str, str | Promise] = {
    "confirm": _("confirm"), "reject": _("reject, with the reason"), "change": _("confirm as another category"),
    "unsure": _("unsure: a colleague decides"), "merge": _("same as a case nearby"), "skip": _("skip: leave it to others for ten minutes"), "undo": _("undo"),
    "next": _("next picture"), "fit": _("whole picture or box"), "larger": _("zoom in"), "smaller": _("zoom out"), "box": _("hide the box"),
    "bright": _("brighter shadows, then more contrast"), "details": _("details"), "note": _("note for this card"), "mend_box": _("correct the box"), "mend_place": _("correct the place"),
    "report": _("report a broken picture"), "filter": _("filter the queue"), "batch": _("twelve at once"), "help": _("help"),
}  # fmt: skip
"""What a reviewer can do on a card, in the order of the help."""
PRESETS: dict[str, dict[str, str]] = {
    "left": {
        "confirm": "KeyF", "reject": "KeyD", "change": "KeyR", "unsure": "KeyS", "merge": "KeyG", "skip": "KeyX", "undo": "KeyA", "next": "KeyE", "fit": "KeyW",
        "larger": "Equal", "smaller": "Minus", "box": "KeyQ", "bright": "KeyV", "details": "KeyI", "note": "KeyN", "mend_box": "KeyC", "mend_place": "KeyT",
        "report": "KeyP", "filter": "KeyL", "batch": "KeyB", "help": "Slash",
    },
    "numbers": {
        "confirm": "NumpadAdd", "reject": "NumpadSubtract", "change": "NumpadMultiply", "unsure": "Numpad0", "merge": "Numpad7", "skip": "NumpadDivide", "undo": "NumpadDecimal",
        "next": "Numpad6", "fit": "Numpad5", "larger": "Numpad8", "smaller": "Numpad2", "box": "Numpad4", "bright": "Numpad9", "details": "Numpad3", "note": "Numpad1",
        "filter": "KeyL", "help": "Slash",
    },
    "off": {},
}  # fmt: skip
"""The left hand on the home row, the numeric keypad, or no key at all: everything has a button."""
PRESET_NAMES: dict[str, str | Promise] = {
    "left": _("Left hand"),
    "numbers": _("Numeric keypad"),
    "off": _("Off: buttons alone"),
}
CODE = re.compile(
    r"Key[A-Z]|Digit\d|Numpad(?:\d|Add|Subtract|Multiply|Divide|Decimal)|F(?:2|4|6|7|8|9|10)"
    r"|Minus|Equal|BracketLeft|BracketRight|Semicolon|Quote|Backquote|Backslash|Comma|Period|Slash"
)
"""What may be a deed's key. Escape, Tab, Enter, Space and the arrows keep what they do everywhere."""
SIGNS = {
    "Minus": "−", "Equal": "+", "BracketLeft": "[", "BracketRight": "]", "Semicolon": ";", "Quote": "'", "Backquote": "`", "Backslash": "\\", "Comma": ",",
    "Period": ".", "Slash": "?", "Add": "+", "Subtract": "−", "Multiply": "×", "Divide": "÷", "Decimal": ".",
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """What a deed is done by: the key's place, and what stands on it ("" for none)."""

    deed: str
    words: str | Promise
    code: str
    label: str
    own: bool


class NotAKey(ValueError):
    """A key that no deed can have."""


class Taken(ValueError):
    """A key that does something else already: `deed`."""

    def __init__(self, deed: str) -> None:
        super().__init__(f"the key does {deed}")
        self.deed = deed


def layout(kept: Mapping[str, Any]) -> dict[str, Key]:
    """A person's keys: of their preset, and what they chose otherwise. A key of their own is taken from whatever the preset does by it."""
    own = {deed: code for deed, code in kept.get("own", {}).items() if deed in DEEDS}
    preset = PRESETS.get(kept.get("preset", "left"), PRESETS["left"])
    chosen = {code for code in own.values() if code}
    codes = {deed: code for deed, code in preset.items() if code not in chosen} | own
    return {
        deed: Key(deed, words, codes.get(deed, ""), label_of(codes.get(deed, "")), deed in own)
        for deed, words in DEEDS.items()
    }


def with_key(kept: Mapping[str, Any], deed: str, code: str, *, exchange: bool = False) -> dict[str, Any]:
    """A person's keys with one more of their own, "" for none; with `exchange` the deed that had it gets the other's. Raises NotAKey, Taken."""
    if deed not in DEEDS or (code and not CODE.fullmatch(code)):
        raise NotAKey(code)
    now = layout(kept)
    holder = next((each.deed for each in now.values() if code and each.code == code and each.deed != deed), None)
    own = {**kept.get("own", {}), deed: code}
    if holder and not exchange:
        raise Taken(holder)
    if holder:
        own[holder] = now[deed].code
    return {"preset": kept.get("preset", "left"), "own": own}


def label_of(code: str) -> str:
    """What stands on a key."""
    for prefix, shown in (("Key", ""), ("Digit", ""), ("Numpad", "Num ")):
        if code.startswith(prefix):
            rest = code.removeprefix(prefix)
            return shown + SIGNS.get(rest, rest)
    return SIGNS.get(code, code)
