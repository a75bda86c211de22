"""What happened to a case, newest first, in the reader's words. Pure: rows in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from server.audit.rules import Verb
from server.words import happened, span

LATE = timedelta(minutes=10)
"""A sighting that took longer to arrive says so: it joined the case later than it was seen."""


@dataclass(frozen=True)
class Seen:
    """A sighting."""

    at: datetime
    received_at: datetime
    vehicle: str
    range_m: float


@dataclass(frozen=True)
class Answer:
    """A person's answer; `detail` as the audit row has it, `who` empty where the reader is not to know."""

    at: datetime
    who: str
    visible_ms: int
    is_undone: bool
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Deed:
    """An audit row; `who` empty for the software itself, and where the reader is not to know."""

    at: datetime
    who: str
    verb: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Line:
    """One line of the timeline."""

    at: datetime
    what: str
    who: str = ""


def timeline(seen: Iterable[Seen], answers: Iterable[Answer], deeds: Iterable[Deed]) -> list[Line]:
    """All in one order. Of the deeds those that are answers are left out: the answers themselves tell more."""
    lines = [
        *(_seen(each) for each in seen),
        *(_answer(each) for each in answers),
        *(Line(each.at, happened(each.verb, each.detail), each.who) for each in deeds if each.verb != Verb.VERDICT),
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def _seen(each: Seen) -> Line:
    what = _("Seen by %(vehicle)s, %(range).0f m away") % {"vehicle": each.vehicle, "range": each.range_m}
    late = each.received_at - each.at
    return Line(each.at, what + " · " + _("arrived %(span)s later") % {"span": span(late.total_seconds())} if late > LATE else what)  # fmt: skip


def _answer(each: Answer) -> Line:
    parts = [happened(Verb.VERDICT, each.detail)]
    if each.visible_ms:
        seconds = each.visible_ms / 1000
        parts.append(_("after %(seconds).1f s") % {"seconds": seconds} if seconds < 60 else _("after %(span)s") % {"span": span(seconds)})  # fmt: skip
    if each.is_undone:
        parts.append(_("taken back"))
    return Line(each.at, " · ".join(parts), each.who)
