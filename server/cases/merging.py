"""Merging two cases and splitting one, by a person. What was put where is left there by later joins, and a split undoes a merge."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Sighting
from server.cases.notes import About, add_reason
from server.cases.rules import State
from server.cases.services import members_of, move, open_case, refresh
from server.city.services import withdraw

OVER = frozenset({State.VERIFIED, State.RETRACTED})
"""Nothing is put into a case that is over: what is found there later is a new one."""


class Refused(Exception):
    """It cannot be done; the text says why and what to do, in the reader's language."""


def merge_by_hand(case: Case, into: Case, person: User, now: datetime, why: str = "") -> Case:
    """Put a case's sightings into another one, or into what that one became; returns it. The old number leads there, and the city is told that it need not look after the old one. Raises Refused."""
    with transaction.atomic():
        case, into = _held(case, person), _held(last_of(_held(into, person)), person)
        if reason := _keeps_apart(case, into):
            raise Refused(reason)
        freed = {"lease_by": None, "lease_until": None}
        if not move(case.pk, State(case.state), State.MERGED, now, person.pk, merged_into=into, **freed):
            raise Refused(
                _("Somebody has changed case %(number)d meanwhile; look at it again.") % {"number": case.number}
            )
        Sighting.objects.filter(case__in=[case, into]).update(case=into, by_hand=True)
        refresh(into.pk, now)
        withdraw(case, f"the same as case {into.number}", now)
        record(Verb.CASE_MERGED, "case", into.pk, city_id=into.city_id, actor_id=person.pk, merged=case.number)
        add_reason(into, person, About.MERGE, why, now)
    return Case.objects.get(id=into.pk)


def split_by_hand(case: Case, sighting_ids: Collection[UUID], person: User, now: datetime, why: str = "") -> Case:
    """Make a new case of some of a case's sightings; it is screened and reviewed as any. The rest keep number and verdict. Raises Refused."""
    with transaction.atomic():
        case = _held(case, person)
        if case.state == State.MERGED:
            raise Refused(_("Case %(number)d was merged into another one; split that one.") % {"number": case.number})
        rows = members_of(case.pk)
        chosen = [row for row in rows if row.id in set(sighting_ids)]
        if not chosen or len(chosen) != len(set(sighting_ids)):
            raise Refused(_("Choose sightings that the case has; the page may be old, load it again."))
        if len(chosen) == len(rows):
            raise Refused(_("Leave at least one sighting in the case."))
        new = Case.objects.get(id=open_case(chosen, case.category, now))
        Sighting.objects.filter(case=case).update(by_hand=True)
        Sighting.objects.filter(id__in=[row.id for row in chosen]).update(case=new)
        refresh(case.pk, now)
        record(Verb.CASE_OPENED, "case", new.pk, city_id=case.city_id, actor_id=person.pk, split_from=case.number)
        record(Verb.CASE_SPLIT, "case", case.pk, city_id=case.city_id, actor_id=person.pk, new=new.number)
        add_reason(case, person, About.SPLIT, why, now)
    return new


def last_of(case: Case) -> Case:
    """What a case became, by however many merges."""
    while case.merged_into_id is not None:
        case = Case.objects.get(id=case.merged_into_id)
    return case


def _held(case: Case, person: User) -> Case:
    """The case as it is now, held until the transaction ends. Raises Refused if the person may not see it."""
    held = cases_for(person).select_for_update().filter(id=case.pk).first()
    if held is None:
        raise Refused(_("There is no such case."))
    return held


def _keeps_apart(case: Case, into: Case) -> str:
    """Why two cases may not become one; empty if they may."""
    if case.pk == into.pk:
        return _("These are one case already.")
    if case.state == State.MERGED:
        return _("Case %(number)d was merged already.") % {"number": case.number}
    if case.city_id != into.city_id:
        return _("Cases of two cities cannot be merged.")
    if case.category != into.category:
        return _("Cases of two categories cannot be merged; change the category of one first.")
    if case.origin != into.origin:
        return _("A case of a trial and one of a camera cannot be merged.")
    if into.state in OVER:
        return _("Case %(number)d is over; what is seen there now is a case of its own.") % {"number": into.number}
    return ""
