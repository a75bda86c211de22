"""Cases that a city sent back and that wait for a review again: when and with which words, so that nobody confirms one anew unread."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import F, Q

from server.cases.models import Case
from server.cases.rules import State
from server.city.models import StatusReport
from server.city.rules import STATUS_TO_STATE
from server.review.rules import UNDECIDED

NEWEST = 1000
"""So many of the last ones that cities sent back are looked at to count those under review."""
CAME_BACK = Q(returned_at__isnull=False) & (Q(retracted_at=None) | Q(returned_at__gt=F("retracted_at")))
"""What a city did last with a case was to send it back: hand-overs since are known by the state."""
_SAID = [said for said, state in STATUS_TO_STATE.items() if state == State.RETURNED]


@dataclass(frozen=True)
class SentBack:
    """When a city sent a case back, and its words for it."""

    at: datetime
    words: str


def sent_back(case_ids: Collection[int]) -> dict[int, SentBack]:
    """Of these cases the ones that wait for a review again because a city sent them back. By their own state: one that was answered since is looked at as if nobody had said anything."""
    rows = dict(Case.objects.filter(CAME_BACK, id__in=case_ids, state__in=UNDECIDED).values_list("id", "returned_at"))
    found = {case_id: SentBack(at, "") for case_id, at in rows.items() if at is not None}
    if found:
        reports = StatusReport.objects.filter(case__in=found, status__in=_SAID, applied=True).order_by(
            "received_at", "id"
        )
        found |= {
            case_id: SentBack(at, words) for case_id, at, words in reports.values_list("case", "reported_at", "text")
        }
    return found


def count_sent_back(city_ids: Collection[int]) -> int:
    """How many cases of these cities wait for a review because a city sent them back, among the last NEWEST of each city. A walk along the index of returns."""
    return sum(
        Case.objects.filter(
            CAME_BACK,
            id__in=list(
                Case.objects.filter(city_id=city_id, returned_at__isnull=False)
                .order_by("-returned_at")
                .values_list("id", flat=True)[:NEWEST]
            ),
            state__in=UNDECIDED,
        ).count()
        for city_id in city_ids
    )
