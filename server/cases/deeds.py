"""What people do to a case on its page, beside deciding, merging and splitting it: have it looked at again, handed over again. Each with a reason."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.cases.merging import Refused
from server.cases.models import Case
from server.cases.notes import About, add_reason
from server.cases.rules import State
from server.cases.services import move
from server.city.services import hand_over_again

REOPENS = {
    State.REJECTED: State.QUEUED,
    State.RETURNED: State.QUEUED,
    State.SET_ASIDE: State.QUEUED,
    State.RETRACTED: State.QUEUED,
    State.FIXED: State.REOPENED,
}
"""What becomes of a case that a person wants looked at again: it is reviewed once more, or the city is told that it is still there."""


def may_reopen(case: Case) -> bool:
    """Whether a case can be looked at again."""
    return State(case.state) in REOPENS


def reopen(case: Case, person: User, now: datetime, why: str) -> None:
    """Have a case reviewed again, or hand a fixed one over again as still there. Raises Refused."""
    new = REOPENS.get(State(case.state))
    if new is None:
        raise Refused(_("A case in this state cannot be reopened; load the page again."))
    with transaction.atomic():
        if not move(case.pk, State(case.state), new, now, person.pk, lease_by_id=None, lease_until=None):
            raise Refused(
                _("Somebody has changed case %(number)d meanwhile; look at it again.") % {"number": case.number}
            )
        add_reason(case, person, About.REOPEN, why, now)


def send_again(case: Case, person: User, now: datetime, why: str) -> None:
    """Hand a case over to every destination that lacks it, and try at once where a try failed. Raises Refused where there is nothing to do."""
    with transaction.atomic():
        if not hand_over_again(case, now, person.pk):
            raise Refused(_("There is nothing to hand over: every destination has the case, or is about to get it."))
        add_reason(case, person, About.HAND_OVER, why, now)
