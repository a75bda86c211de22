"""What a city's officer is told of cases: what came back from them is under review again, and their answers are given elsewhere."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from server.accounts.services import cities_for, is_inside
from server.cases.filters import UNDER_REVIEW
from server.cases.map_rows import AT_CITY_OR_AFTER
from server.cases.rules import State
from server.city.models import Destination
from server.words import state_name

MET = AT_CITY_OR_AFTER | {State.RETURNED, State.REJECTED}
"""The states that an officer may ask for; `returned` stands for all of UNDER_REVIEW, and what was rejected is what they returned, or what was taken back, for good."""
NAMED = 3


def state_words(state: str, person: Any, *, in_dispute: bool = False) -> str:
    """A case's state in this person's words."""
    if not is_inside(person) and state in UNDER_REVIEW:
        return _("returned, under review")
    if not is_inside(person) and state == State.REJECTED:
        return _("returned, and closed")
    return state_name(state, in_dispute=in_dispute)


def states_asked(person: Any) -> list[tuple[str, str]]:
    """The states that this person may ask for, with their words."""
    met = set(State) - {State.MERGED} if is_inside(person) else MET
    return [(state.value, state_words(state, person)) for state in State if state in met]


def replies_line(person: Any) -> str:
    """One sentence to an officer on where a state is told; empty to the back office."""
    if is_inside(person):
        return ""
    rows = Destination.objects.filter(city_id__in=cities_for(person), enabled=True).order_by("id")
    if not (names := list(rows.values_list("name", flat=True)[:NAMED])):
        return _("States come from the city's own system; here they can only be read.")
    return _("States come from the city's own system (%(names)s): answer there. Here they can only be read.") % {
        "names": _(", ").join(names)
    }
