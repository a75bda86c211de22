"""Cases as nobody has answered them yet: a second person, and who is tried by a gold card, must not see that somebody did."""

from __future__ import annotations

from datetime import datetime, timedelta

from server.cases.models import Case, Sighting
from server.cases.placing import place_of
from server.cases.rules import State
from server.cases.services import members_of


def as_first_seen(case: Case, proposed: str) -> Case:
    """The same case, not to be saved: of the category that it was proposed as, where its sightings say, and to be reviewed."""
    case.category, case.state = proposed, State.QUEUED
    if case.placed_by_hand:
        case.lat_deg, case.lon_deg, _ = place_of(case.pk, members_of(case.pk))
        case.placed_by_hand = False
    return case


def moved_to_today(case: Case, now: datetime) -> timedelta:
    """By how many whole days an old case's looks are told later, so that its age does not tell that it is a gold card; the hour stays."""
    newest = Sighting.objects.filter(case=case).order_by("-seen_at").values_list("seen_at", flat=True).first()
    return timedelta(days=max((now - newest).days, 0)) if newest else timedelta()
