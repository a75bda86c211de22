"""What happened to a case, newest first, in the reader's words. Pure: rows in, lines out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from server.audit.rules import Verb
from server.words import happened, span

LATE = timedelta(minutes=10)
"""A sighting that took longer to arrive says so: it joined the case later than it was seen."""


@dataclass(frozen=True)
class Seen:
    """A sighting; `is_put`: the thing was put elsewhere by hand since, so that the distance is the vehicle's own word."""

    at: datetime
    received_at: datetime
    vehicle: str
    range_m: float
    is_put: bool = False


@dataclass(frozen=True)
class Answer:
    """A person's answer; `detail` as the audit row has it, `who` empty where the reader is not to know. `number`: the case that it was given to, if that became this one. `words` as `who`; `put_m`: how far the place was put elsewhere."""

    at: datetime
    who: str
    visible_ms: int
    is_undone: bool
    detail: Mapping[str, Any]
    number: int | None = None
    words: str = ""
    box_put: bool = False
    put_m: float | None = None


@dataclass(frozen=True)
class Deed:
    """An audit row; `who` empty for the software itself, and where the reader is not to know. What other rows know of it is in `detail` too: the `kind` of a hand-over, and the city's own `text`."""

    at: datetime
    who: str
    verb: str
    detail: Mapping[str, Any]


@dataclass(frozen=True)
class Written:
    """A note, or the reason of a deed; `words` None: struck out."""

    at: datetime
    who: str
    is_reason: bool
    words: str | None


@dataclass(frozen=True)
class Line:
    """One line of the timeline; `kind` for its mark: seen, answer, deed, note or city. `words`: a person's own, for inside the back office."""

    at: datetime
    what: str
    who: str = ""
    kind: str = "deed"
    words: str = ""


TOLD_ELSEWHERE = (Verb.VERDICT, Verb.NOTE_ADDED, Verb.NOTE_STRUCK)
"""Deeds whose own rows tell more."""
FROM_CITY = (Verb.HANDOVER_MADE, Verb.HANDOVER_HURRIED, Verb.HANDOVER_RECEIPTED, Verb.CITY_STATUS)


def timeline(
    seen: Iterable[Seen], answers: Iterable[Answer] = (), deeds: Iterable[Deed] = (), written: Iterable[Written] = (), more: Iterable[Line] = ()
) -> list[Line]:  # fmt: skip
    """All in one order, with `more` lines that are told already. Of the deeds those that have rows of their own are left out: these tell more."""
    lines = [
        *(_seen(each) for each in seen),
        *(_answer(each) for each in answers),
        *(_deed(each) for each in deeds if each.verb not in TOLD_ELSEWHERE),
        *(_written(each) for each in written),
        *more,
    ]
    return sorted(lines, key=lambda line: line.at, reverse=True)


def signs_of(lines: Iterable[Line]) -> list[tuple[str, str]]:
    """The marks that these lines have, each with what it stands for."""
    names = {
        "seen": pgettext("sign", "seen"), "answer": pgettext("sign", "answered"), "deed": pgettext("sign", "done in the office"), "city": pgettext("sign", "to and from the city"),
        "note": pgettext("sign", "note"),
    }  # fmt: skip
    met = {line.kind for line in lines}
    return [(kind, name) for kind, name in names.items() if kind in met]


def _deed(each: Deed) -> Line:
    return Line(each.at, happened(each.verb, each.detail), each.who, "city" if each.verb in FROM_CITY else "deed")


def _written(each: Written) -> Line:
    what = _("Reason: %(words)s") if each.is_reason else _("Note: %(words)s")
    return Line(each.at, _("Note struck out") if each.words is None else what % {"words": each.words}, each.who, "note")


def _seen(each: Seen) -> Line:
    what = _("Seen by %(vehicle)s, %(range).0f m away") % {"vehicle": each.vehicle, "range": each.range_m}
    if each.is_put:
        what += " · " + _("as the vehicle measured it")
    late = each.received_at - each.at
    if late > LATE:
        what += " · " + _("arrived %(span)s later") % {"span": span(late.total_seconds())}
    return Line(each.at, what, "", "seen")


def _answer(each: Answer) -> Line:
    parts = [happened(Verb.VERDICT, each.detail)]
    if each.visible_ms:
        seconds = each.visible_ms / 1000
        parts.append(_("after %(seconds).1f s") % {"seconds": seconds} if seconds < 60 else _("after %(span)s") % {"span": span(seconds)})  # fmt: skip
    if each.box_put:
        parts.append(_("box corrected"))
    if each.put_m is not None:
        parts.append(_("place corrected by %(metres)d m") % {"metres": round(each.put_m)})
    if each.number is not None:
        parts.append(_("to case %(number)d") % {"number": each.number})
    if each.is_undone:
        parts.append(_("taken back"))
    return Line(each.at, " · ".join(parts), each.who, "answer", each.words)
