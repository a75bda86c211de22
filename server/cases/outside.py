"""What a case's timeline tells outside of the back office: seen, confirmed, handed over, what the city said, taken back. Not who did it, nor how it was argued."""

from __future__ import annotations

from collections.abc import Iterator

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Case
from server.cases.placing import merged_into
from server.cases.rules import State
from server.cases.timeline import Line, Seen, timeline
from server.city.models import Handover
from server.city.rules import HandoverKind
from server.words import city_status_name, retraction_words

ROWS = 100
SAME = "the same as case"
QUIET = {"rejected by a reviewer", "a supervisor rejected it", "undone by the reviewer"}
"""The software's own words for how a find was given up."""


def told_outside(case: Case) -> list[Line]:
    """Newest first. A case is told as confirmed once for each time it was handed over: by the last word before."""
    seen = case.sightings.select_related("vehicle").order_by("-seen_at")[:ROWS]
    lines = [*_handed_over(case), *_said(case), *taken_back_of_merged(case)]
    return timeline(
        (Seen(row.seen_at, row.received_at, row.vehicle.name, row.range_m, case.placed_by_hand) for row in seen),
        more=lines,
    )


def why_outside(reason: str) -> str:
    """Why a case was taken back, as people outside are told."""
    return _("it was not borne out when it was looked at again") if reason in QUIET else retraction_words(reason)


def taken_back_of_merged(case: Case) -> Iterator[Line]:
    """What a city had of cases that became this one, and no longer has."""
    for number, row in retractions_of_merged(case):
        if row.receipted_at is not None:
            yield Line(row.receipted_at, _("Case %(number)d was taken back from the city (merged into this one)") % {"number": number}, kind="city")  # fmt: skip


def retractions_of_merged(case: Case) -> list[tuple[int, Handover]]:
    """The messages by which cases were taken back that became this one, with their numbers, oldest first."""
    numbers = merged_into(case.pk)
    rows = Handover.objects.filter(case__in=numbers, kind=HandoverKind.RETRACTED, body__reason__startswith=SAME)
    return [(numbers[row.case_id], row) for row in rows.select_related("destination").order_by("made_at")[:ROWS]]


def _handed_over(case: Case) -> Iterator[Line]:
    """The messages that the city received, with what was decided before each."""
    moves = AuditRow.objects.filter(kind="case", object_id=str(case.pk), verb=Verb.CASE_MOVED).order_by("-id")[: 5 * ROWS]  # fmt: skip
    confirmed = [at for at, detail in moves.values_list("at", "detail") if detail.get("new") == State.CONFIRMED]
    told = set()
    for row in case.handovers.exclude(receipted_at=None).select_related("destination").order_by("-receipted_at")[:ROWS]:
        if row.receipted_at is None:
            continue
        if row.kind == HandoverKind.RETRACTED:
            why = why_outside(row.body.get("reason", ""))
            yield Line(row.receipted_at, _("Taken back from %(destination)s: %(why)s") % {"destination": row.destination.name, "why": why}, kind="city")  # fmt: skip
            continue
        yield Line(row.receipted_at, _("Handed over to %(destination)s") % {"destination": row.destination.name}, kind="city")  # fmt: skip
        before = next((at for at in confirmed if at <= row.made_at), None)
        if before is not None and before not in told:
            told.add(before)
            yield Line(before, pgettext("state", "confirmed"), kind="answer")


def _said(case: Case) -> Iterator[Line]:
    """The city's own words."""
    for row in case.reports.order_by("-received_at", "-id")[:ROWS]:
        what = _("%(deed)s: %(what)s") % {"deed": _("The city says"), "what": city_status_name(row.status)}
        yield Line(row.received_at, what + (" · " + _("in its words: %(words)s") % {"words": row.text} if row.text else ""), kind="city")  # fmt: skip
