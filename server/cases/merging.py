"""Merging two cases and splitting one, by a person. What was put where is left there by later joins, and a split undoes a merge: the old number comes back."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Merge, Sighting
from server.cases.notes import About, add_reason
from server.cases.placing import merged_into
from server.cases.rows import Member, note_merge
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
        if reason := keeps_apart(case, into):
            raise Refused(reason)
        freed: dict[str, Any] = {"lease_by_id": None, "lease_until": None}
        if not move(case.pk, State(case.state), State.MERGED, now, person.pk, merged_into_id=into.pk, **freed):
            raise Refused(
                _("Somebody has changed case %(number)d meanwhile; look at it again.") % {"number": case.number}
            )
        note_merge(case.pk, case.sightings.values_list("id", flat=True))
        Sighting.objects.filter(case__in=[case, into]).update(case=into, by_hand=True)
        refresh(into.pk, now)
        withdraw(case, f"the same as case {into.number}", now)
        record(Verb.CASE_MERGED, "case", into.pk, city_id=into.city_id, actor_id=person.pk, merged=case.number)
        add_reason(into, person, About.MERGE, why, now)
    return Case.objects.get(id=into.pk)


def split_by_hand(case: Case, sighting_ids: Collection[UUID], person: User, now: datetime, why: str = "") -> Case:
    """Make a case of some of a case's sightings; it is reviewed as any. What was merged in comes back under its old number, with its history; anything else is a new case. The rest keep number and verdict. Raises Refused."""
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
        came = came_in(case, {row.id for row in rows}, {row.id for row in chosen})
        new = _come_back(came, case, person, now) if came else _opened(case, chosen, person, now)
        Sighting.objects.filter(case=case).update(by_hand=True)
        Sighting.objects.filter(id__in=[row.id for row in chosen]).update(case=new)
        refresh(case.pk, now)
        if came:
            refresh(new.pk, now)
        record(Verb.CASE_SPLIT, "case", case.pk, city_id=case.city_id, actor_id=person.pk, new=new.number)
        for each in (case, new):
            add_reason(each, person, About.SPLIT, why, now)
    return Case.objects.get(id=new.pk)


def _opened(case: Case, chosen: Sequence[Member], person: User, now: datetime) -> Case:
    new = Case.objects.get(id=open_case(chosen, case.category, now))
    record(Verb.CASE_OPENED, "case", new.pk, city_id=case.city_id, actor_id=person.pk, split_from=case.number)
    return new


def _come_back(came: Sequence[Case], case: Case, person: User, now: datetime) -> Case:
    """The first of these is a case again; the others, whose sightings go with it, lead to it."""
    back, *rest = came
    if not move(back.pk, State.MERGED, State.QUEUED, now, person.pk, merged_into_id=None):
        raise Refused(_("Somebody has changed case %(number)d meanwhile; look at it again.") % {"number": back.number})
    Case.objects.filter(id__in=[each.pk for each in rest], merged_into=case).update(merged_into=back)
    record(Verb.CASE_SPLIT, "case", back.pk, city_id=back.city_id, actor_id=person.pk, split_from=case.number)
    return back


def came_in(case: Case, held: Collection[UUID], chosen: Collection[UUID]) -> list[Case]:
    """The cases that were merged into this one and all of whose sightings that it still has are among these, the largest first."""
    found: list[tuple[int, Case]] = []
    for merge in Merge.objects.filter(case__in=merged_into(case.pk), case__state=State.MERGED).select_related("case"):
        theirs = {UUID(each) for each in merge.sightings} & {*held}
        if theirs and theirs <= {*chosen}:
            found.append((len(theirs), merge.case))
    return [each for _, each in sorted(found, key=lambda row: (-row[0], row[1].number))]


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


def keeps_apart(case: Case, into: Case) -> str:
    """Why two cases may not become one; empty if they may."""
    if case.pk == into.pk:
        return _("These are one case already.")
    if case.state == State.MERGED:
        return _("Case %(number)d was merged already.") % {"number": case.number}
    if case.city_id != into.city_id:
        return _("Cases of two cities cannot be merged.")
    if case.category != into.category:
        return _(
            "Cases of two categories cannot be merged. Whoever reviews a case can confirm it as another category; merge them then."
        )
    if case.origin != into.origin:
        return _("A case of a trial and one of a camera cannot be merged.")
    if into.state in OVER:
        return _("Case %(number)d is over; what is seen there now is a case of its own.") % {"number": into.number}
    return ""
