"""A card rejected as the same as another case: its sightings go there, and come back when the answer is undone."""

from __future__ import annotations

from datetime import datetime
from math import ceil, hypot
from typing import Any

from django.utils.translation import gettext as _

from calibration.geodesy import offset_m
from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.merging import Refused, keeps_apart, last_of, merge_by_hand
from server.cases.models import Case, Sighting
from server.cases.rules import State
from server.cases.services import move, refresh
from server.cases.told import as_told
from server.review.models import MergeByVerdict, Verdict
from server.review.rules import FARTHEST_SAME_M, LEASE


def merge(case: Case, number: int, person: User, verdict: Verdict, now: datetime) -> None:
    """Put a case into the one of this number. Raises Refused, also for one that is far away. Call inside the transaction that wrote the verdict."""
    into = fitting(case, number, person)
    moved = [str(each) for each in case.sightings.values_list("id", flat=True)]
    MergeByVerdict.objects.create(verdict=verdict, into=merge_by_hand(case, into, person, now), sightings=moved)


def fitting(case: Case, number: int, person: User) -> Case:
    """The case of this number, or what it became, that a card may be the same as. Raises Refused; nothing is changed."""
    into = cases_for(person).filter(city=case.city_id, number=number).first()
    if into is None:
        raise Refused(_("There is no case with this number in this city."))
    into = last_of(into)
    away = away_m(case, into)
    if away > FARTHEST_SAME_M:
        raise Refused(
            _(
                "Case %(number)d is %(away)d m away; the same thing is at most %(metres)d m from here. If it is the same, ask a supervisor to merge them on the page of the case."
            )
            % {"number": into.number, "away": ceil(away), "metres": FARTHEST_SAME_M}
        )
    if reason := keeps_apart(case, into):
        raise Refused(reason)
    if as_told(into, person).state == State.REJECTED:
        raise Refused(
            _(
                "Case %(number)d was rejected, and what is put into it does not reach the city. Answer this card by itself, or take that answer back first."
            )
            % {"number": into.number}
        )
    return into


def take_apart(verdict: Verdict, person: User, now: datetime) -> bool:
    """Undo a merge: the sightings that have not gone elsewhere since come back, and the card to its person. False if none was left, or nothing was merged."""
    merged = MergeByVerdict.objects.filter(verdict=verdict).select_related("into").first()
    if merged is None:
        return False
    into = merged.into
    back = Sighting.objects.filter(case=into, id__in=merged.sightings)
    if not back.exists() or back.count() == into.sightings_count:
        return False
    held: dict[str, Any] = {"lease_by_id": person.pk, "lease_until": now + LEASE, "merged_into_id": None}
    if not move(verdict.case_id, State.MERGED, State.QUEUED, now, person.pk, **held):
        return False
    back.update(case=verdict.case_id)
    refresh(verdict.case_id, now)
    refresh(into.pk, now)
    case = Case.objects.get(id=verdict.case_id)
    record(Verb.CASE_SPLIT, "case", into.pk, city_id=into.city_id, actor_id=person.pk, undone=case.number)
    return True


def away_m(case: Case, other: Case) -> float:
    """How far two cases are from each other."""
    return hypot(*offset_m(case.lat_deg, case.lon_deg, other.lat_deg, other.lon_deg))
