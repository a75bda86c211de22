"""What else a row of the audit says, in the reader's words. Pure: a deed and its detail in, a line out. The table of the CSV keeps it as it was written."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from server.accounts.models import User
from server.audit.rules import Verb
from server.words import answer_name, category_name, severity_name, standing_name, state_name

MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d")
TOLD: dict[str, set[str]] = {
    Verb.CASE_MOVED: {"old", "new"}, Verb.CASE_MERGED: {"merged"}, Verb.CASE_SPLIT: {"new", "split_from", "undone"}, Verb.CASE_OPENED: {"split_from"},
    Verb.VERDICT: {"answer", "reason", "new", "counted"}, Verb.CITY_STATUS: {"status", "applied"},
}  # fmt: skip
"""What the deed itself says already (`server.words.happened`)."""
MEANT = {"least_probability"}
"""Where nothing is a value too: no threshold is wanted any more."""
SHORT = 12


PROOF = ("verdicts", "confirmed", "precision", "low", "high")
"""How right a category was when it was put elsewhere: figures that mean something only together."""


def detail_line(verb: str, detail: Mapping[str, Any]) -> str:
    """Each entry as "what: value", without what is empty and what the deed says already; what a category's standing rests on as a sentence."""
    told = TOLD.get(verb, set())
    proof = _proof(detail) if all(key in detail for key in PROOF) else ""
    lines = [
        _("%(deed)s: %(what)s") % {"deed": label_of(key), "what": value_of(verb, key, value)}
        for key, value in detail.items()
        if key not in told and not (proof and key in PROOF) and (key in MEANT or value not in (None, "", {}, []))
    ]
    return " · ".join([*lines, proof] if proof else lines)


def _proof(detail: Mapping[str, Any]) -> str:
    if not detail["verdicts"]:
        return _("nobody had answered a card of it yet")
    words = {"verdicts": f"{detail['verdicts']:,}", "confirmed": f"{detail['confirmed']:,}", "low": f"{detail['low']:.0%}", "high": f"{detail['high']:.0%}"}  # fmt: skip
    return (
        _("%(confirmed)s of %(verdicts)s answers confirmed it: right in %(low)s to %(high)s of cases (95 %%)") % words
    )


def label_of(key: str) -> str:
    """What an entry is called; one without a name goes by its key."""
    return {
        "accepted": pgettext("detail", "accepted"), "answer": pgettext("detail", "answer"), "applied": pgettext("detail", "taken over"), "batch": pgettext("detail", "batch"), "bytes": pgettext("detail", "size"), "category": pgettext("detail", "category"),
        "city": pgettext("detail", "city"), "confirmed": pgettext("detail", "confirmed"), "copied_at": pgettext("detail", "as of"), "count": pgettext("detail", "how many"), "counted": pgettext("detail", "counted"), "factor": pgettext("detail", "kind"),
        "features": pgettext("detail", "entries"), "filter": pgettext("detail", "filter"), "folder": pgettext("detail", "folder"), "handover": pgettext("detail", "message"), "high": pgettext("detail", "upper bound"), "least_probability": pgettext("detail", "threshold"),
        "lost": pgettext("detail", "pictures lost"), "low": pgettext("detail", "lower bound"), "merged": pgettext("detail", "merged case"), "missing": pgettext("detail", "pictures missing"), "new": pgettext("detail", "new"), "note": pgettext("detail", "note"),
        "old": pgettext("detail", "before"), "outcome": pgettext("detail", "outcome"), "own": pgettext("detail", "by themselves"), "out_of_use": pgettext("detail", "account out of use"), "setting_up": pgettext("detail", "while it was set up"), "pack": pgettext("detail", "model pack"), "pictures": pgettext("detail", "pictures"), "precision": pgettext("detail", "precision"),
        "program": pgettext("detail", "program"), "reason": pgettext("detail", "reason"), "revision": pgettext("detail", "revision"), "role": pgettext("detail", "role"), "rows": pgettext("detail", "rows"), "rule": pgettext("detail", "rule"), "replaced": pgettext("detail", "replaced the one before"),
        "sandbox": pgettext("detail", "for trials"), "secrets": pgettext("detail", "with secrets"), "sequence_reused": pgettext("detail", "number used twice"), "settings": pgettext("detail", "settings"), "sha256": pgettext("detail", "picture"), "split_from": pgettext("detail", "split off from"),
        "status": pgettext("detail", "status"), "undone": pgettext("detail", "case made again"), "vehicle": pgettext("detail", "vehicle"), "verdicts": pgettext("detail", "verdicts"), "what": pgettext("detail", "kind"), "words": pgettext("detail", "searched for words"), "version": pgettext("detail", "version"), "why": pgettext("detail", "reason"),
    }.get(key, key.replace("_", " "))  # fmt: skip


def value_of(verb: str, key: str, value: Any) -> str:
    """A value in words: codes by their names, numbers and times as people write them."""
    named = NAMED.get(key) or _of_verb(verb, key)
    if named is not None and isinstance(value, str | int) and not isinstance(value, bool):
        with suppress(KeyError, ValueError):  # a code of an older or a newer version stays as it is
            return str(named(value))
    if value is None:
        return _("none")
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.4g}"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} = {value_of(verb, '', each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(value_of(verb, "", each) for each in value)
    return _moment(str(value))


def _of_verb(verb: str, key: str) -> Callable[[Any], str] | None:
    """What "old" and "new" are depends on what was done; and why a gold card went by itself."""
    if (verb, key) == (Verb.GOLD_RETIRED, "why"):
        return lambda why: {"decided_otherwise": _("its case was decided otherwise afterwards")}[why]
    names: dict[str, Callable[[str], str]] = {Verb.CATEGORY_PUT: standing_name, Verb.USER_PLACED: _role, Verb.VERDICT: category_name, Verb.CASE_MOVED: state_name}  # fmt: skip
    return names.get(verb) if key in ("old", "new") else None


def _moment(text: str) -> str:
    if MOMENT.match(text):
        with suppress(ValueError):
            return f"{localtime(datetime.fromisoformat(text)):%Y-%m-%d %H:%M:%S}"
    return text


def _role(role: str) -> str:
    return str(User.Role(role).label)


def _filter(query: str) -> str:
    """The filter of a list as an address has it."""
    names: dict[str, Callable[[str], str]] = {
        "state": lambda state: _("all") if state == "all" else state_name(state), "category": category_name, "severity": severity_name,
        "filter": lambda which: {"shadow": standing_name("shadow")}[which], "radius": lambda metres: _("within %(metres)s m") % {"metres": metres},
        "since": lambda day: _("from %(day)s") % {"day": day}, "until": lambda day: _("to %(day)s") % {"day": day},
    }  # fmt: skip
    told = []
    for key, value in parse_qsl(query):
        with suppress(KeyError, ValueError):
            value = names[key](value)
        told.append(value)
    return ", ".join(told)


def _bytes(count: int) -> str:
    return f"{count / 1e9:,.1f} GB" if count >= 1e9 else f"{count / 1e6:,.1f} MB" if count >= 1e5 else f"{count / 1e3:,.1f} kB"  # fmt: skip


def _short(text: str) -> str:
    return text[:SHORT]


NAMED: dict[str, Callable[[Any], str]] = {
    "category": category_name, "role": _role, "answer": answer_name, "filter": _filter, "bytes": _bytes,
    "sha256": _short, "handover": _short, "batch": _short, "note": str, "revision": str, "merged": str, "split_from": str,
    "rule": lambda rule: {"rejected": _("rejected long ago"), "confirmed": _("confirmed long ago"), "face": _("somebody was recognised")}[rule],
    "outcome": lambda outcome: {"first": _("the first answer"), "second": _("the second answer"), "other": _("another answer"), "undone": _("taken back"), "moot": _("no longer mattered")}[outcome],
    "factor": lambda factor: {"app": _("authenticator app"), "passkey": _("passkey")}[factor],
    "what": lambda kind: {"road": _("roads"), "landmark": _("landmarks"), "grid": _("unit grids"), "district": _("districts")}[kind],
}  # fmt: skip
"""How the values of some entries are called; KeyError and ValueError where there is no name."""
