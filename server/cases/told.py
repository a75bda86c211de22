"""What a reviewer may know of cases: one that they may still be given is to them as if nobody had answered it, and one in dispute as they answered it. Everybody else knows all.

A decided case that is looked at again is found and told by its look: it waits, as what it was proposed as. All other cases go by their own rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from copy import copy
from typing import Any, NamedTuple

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, NullIf

from server.accounts.models import User
from server.cases.models import Case, Sighting
from server.cases.placing import place_of
from server.cases.rules import State
from server.review.models import Dispute, Look, Verdict
from server.review.rows import UNLOOKED
from server.review.rules import DECIDED_BY, LookKind

AS_ANSWERED = {answer: state for answer, state in DECIDED_BY.items() if state != State.DISPUTED}
"""Of two answers that differ: what the case is to who gave one of them."""
DISPUTED_AS = frozenset({State.QUEUED, *DECIDED_BY.values()})
"""What a disputed case may be told to be."""
BY_ROW = frozenset({State.NEW, State.SET_ASIDE, State.QUEUED})
"""Nobody has answered these: their own state is told."""


class Mask(NamedTuple):
    """What is told in the place of a case's columns; None: what is there."""

    state: State
    category: str | None = None
    shadow: bool | None = None

    def over(self, category: str, shadow: bool) -> tuple[State, str, bool]:
        """State, category and shadow as they are told."""
        return self.state, category if self.category is None else self.category, shadow if self.shadow is None else self.shadow  # fmt: skip


def is_blind(person: Any) -> bool:
    """Whether this person may be given cards that others have answered."""
    return person is not None and person.role == User.Role.REVIEWER


def looks_for(person: Any) -> QuerySet[Look]:
    """The looks at decided cases that a reviewer may still be given: at what others answered, and at the gold card that they hold."""
    theirs = Q(kind=LookKind.GOLD, person=person) | Q(kind=LookKind.SECOND) & ~Q(first_person=person)
    return Look.objects.filter(theirs, done_at=None)


def masks(states: Mapping[int, str], person: Any) -> dict[int, Mask]:
    """Of cases by id, with their states: what this person is told of those that they may not know. A few questions, however many cases."""
    if not is_blind(person):
        return {}
    decided = [case_id for case_id, state in states.items() if state not in UNLOOKED]
    disputed = [case_id for case_id, state in states.items() if state == State.DISPUTED]
    found = _by_looks(decided, person) if decided else {}
    return found | _by_answers(disputed, person) if disputed else found


def _by_looks(case_ids: Collection[int], person: Any) -> dict[int, Mask]:
    rows = looks_for(person).filter(case__in=case_ids).values_list("case", _proposed(), "shadow")
    return {case_id: Mask(State.QUEUED, proposed, shadow) for case_id, proposed, shadow in rows}


def _proposed() -> Coalesce:
    """As what a look's card was proposed."""
    seen_as = Sighting.objects.filter(case=OuterRef("case")).values("category")[:1]
    return Coalesce(NullIf("about__proposed", Value("")), Subquery(seen_as))


def _by_answers(case_ids: Collection[int], person: Any) -> dict[int, Mask]:
    """Of disputed cases: as the person answered, else they wait."""
    told = dict.fromkeys(case_ids, State.QUEUED)
    theirs = Verdict.objects.filter(case__in=case_ids, person=person, answer="unsure", undone_at=None)
    told |= dict.fromkeys(theirs.values_list("case", flat=True), State.DISPUTED)
    rows = Dispute.objects.filter(Q(first__person=person) | Q(second__person=person), case__in=case_ids, settled_at=None)  # fmt: skip
    for case_id, answer, second_person, second in rows.values_list("case", "first__answer", "second__person", "second__answer"):  # fmt: skip
        told[case_id] = AS_ANSWERED.get(second if second_person == person.pk else answer, State.DISPUTED)
    return {case_id: Mask(state) for case_id, state in told.items()}


def put(cases: Iterable[Case], person: Any) -> None:
    """Make cases say what this person is told; they are not to be saved. A card that is new to them lies where its sightings say."""
    known = {case.pk: case for case in cases}
    found = masks({case_id: case.state for case_id, case in known.items()}, person)
    for case_id, mask in found.items():
        case = known[case_id]
        case.state, case.category, case.shadow = mask.over(case.category, case.shadow)
    put_elsewhere = [case_id for case_id, mask in found.items() if mask.category is not None and known[case_id].placed_by_hand]  # fmt: skip
    for case_id, place in (places_seen(put_elsewhere) if put_elsewhere else {}).items():
        known[case_id].lat_deg, known[case_id].lon_deg = place
        known[case_id].placed_by_hand = False


def as_told(case: Case, person: Any) -> Case:
    """Another object of one case that says what this person is told, not to be saved."""
    told = copy(case)
    put([told], person)
    return told


def places_seen(case_ids: Collection[int]) -> dict[int, tuple[float, float]]:
    """Where cases lie by their sightings, whatever a person said of it: latitude and longitude."""
    seen: dict[int, list[Sighting]] = {}
    for row in Sighting.objects.filter(case__in=case_ids).order_by("id"):
        seen.setdefault(row.case_id or 0, []).append(row)
    return {case_id: place_of(case_id, rows)[:2] for case_id, rows in seen.items()}


def own_state(states: Collection[str], person: Any, column: str = "state") -> Q:
    """Of cases that are not found by a look: that they are told to be in one of these states; `column` has the real one."""
    if not is_blind(person):
        return Q(**{f"{column}__in": sorted(states)})
    decided = {each for each in states if each not in UNLOOKED}
    looked_at = Exists(looks_for(person).filter(case=OuterRef("pk")))
    shown = Q(**{f"{column}__in": sorted(BY_ROW & {*states})}) | Q(**{f"{column}__in": sorted(decided)}) & ~looked_at
    return shown | Q(**{column: State.DISPUTED}) & _disputed_as(states, person)


def is_in(states: Collection[str], person: Any) -> Q:
    """Of cases, however they are found: that they are told to be in one of these states."""
    own = own_state(states, person)
    return own | Q(Exists(looks_for(person).filter(case=OuterRef("pk")))) if is_blind(person) and State.QUEUED in states else own  # fmt: skip


def own_states(states: Collection[str], person: Any) -> list[str]:
    """The real states of those cases."""
    more = {State.DISPUTED} if is_blind(person) and {*states} & DISPUTED_AS else set()
    return sorted({*states} | more)


def by_state(cases: QuerySet[Case], states: Iterable[State], person: Any) -> Iterator[tuple[list[State], QuerySet[Case]]]:  # fmt: skip
    """The same in parts: real states, and the cases to look for among those of each. An index is walked by one state at a time."""
    wanted = list(states)
    if not is_blind(person):
        yield wanted, cases
        return
    yield [state for state in wanted if state in BY_ROW], cases
    looked_at = Exists(looks_for(person).filter(case=OuterRef("pk")))
    yield [state for state in wanted if state not in UNLOOKED], cases.filter(~looked_at)
    if {*wanted} & DISPUTED_AS:
        yield [State.DISPUTED], cases.filter(_disputed_as(wanted, person))


def _disputed_as(states: Collection[str], person: Any) -> Q:
    """Of disputed cases: that they are told to be in one of these states."""
    wanted = {*states} & DISPUTED_AS
    if wanted == DISPUTED_AS:
        return Q()

    def answered(answers: Iterable[str]) -> Exists:
        given = [*answers]
        theirs = Q(second__person=person, second__answer__in=given) | ~Q(second__person=person) & Q(first__person=person, first__answer__in=given)  # fmt: skip
        return Exists(Dispute.objects.filter(theirs, case=OuterRef("pk"), settled_at=None))

    unsure = Exists(Verdict.objects.filter(case=OuterRef("pk"), person=person, answer="unsure", undone_at=None))
    in_it = answered(AS_ANSWERED)
    parts = {State.QUEUED: ~in_it & ~unsure, State.DISPUTED: ~in_it & unsure}
    parts |= {state: Q(answered([answer])) for answer, state in AS_ANSWERED.items()}
    shown = Q(pk__in=[])
    for state in wanted:
        shown |= parts[State(state)]
    return shown


def new_to(person: Any, city_ids: Collection[int], shadow: bool, categories: Collection[str] | None) -> QuerySet[Any]:
    """The looks whose cases wait like any other to this person, `proposed` as what is told; of these categories, or all."""
    rows = looks_for(person).filter(city__in=city_ids, shadow=shadow).exclude(case__state__in=UNLOOKED)
    rows = rows.annotate(proposed=_proposed())
    return rows if categories is None else rows.filter(proposed__in=sorted(categories))
