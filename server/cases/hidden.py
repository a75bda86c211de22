"""Why some of a case's pictures are not shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from server.accounts.services import cases_for
from server.cases.models import Case, Picture
from server.review.rules import FACE_REASON

MOST = 3


class Hidden(NamedTuple):
    """How many pictures of a case are hidden, and in which other cases somebody said so: a picture is one and the same in all that show it."""

    pictures: int
    elsewhere: Sequence[Case]


def hidden_of(case: Case, person: Any) -> Hidden | None:
    """What is hidden because a face or a plate is to be seen in it; None if nothing is. Of other cases only those that this person may see are named."""
    hidden = Picture.objects.filter(sighting__case=case, hidden_at__isnull=False)
    shas = set(hidden.values_list("sha256", flat=True))
    if not shas:
        return None
    told = {"verdicts__reason": FACE_REASON, "verdicts__undone_at": None}
    others = cases_for(person).filter(sightings__pictures__sha256__in=sorted(shas), **told).exclude(id=case.pk)
    return Hidden(len(shas), list(others.select_related("city").distinct().order_by("number")[:MOST]))
