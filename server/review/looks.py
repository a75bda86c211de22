"""Looks at decided cases: who is to look, what a person holds of them, and what comes of an answer. Second looks here; gold cards are dealt by gold.py."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.utils import timezone

from server.accounts.models import User
from server.accounts.services import cities_for
from server.cases.models import Case
from server.categories.rules import category_of
from server.counters import SECOND_LOOKS
from server.review import disputes, rows
from server.review.answers import proposed_for
from server.review.blind import as_first_seen, moved_to_today
from server.review.models import Gold, Look, LooksOfDay, Verdict
from server.review.rules import LEASE, Kind, LookKind, agree, is_drawn, is_room, wants_second


def ask_for_second(case: Case, verdict: Verdict, now: datetime) -> None:
    """After a deciding answer: let another person look, if it is one of those and the city's day has room; the random share always has. Call inside its transaction."""
    if verdict.answer not in ("confirm", "reject"):
        return
    day = timezone.localdate(now)
    decided, asked = rows.count_decided(case.city_id, day)
    severities = {category_of(each).severity for each in (verdict.proposed, verdict.category) if each}
    if not wants_second(verdict.pk, verdict.answer, verdict.reason, severities, settings.SECOND_SHARE):
        return
    fits = is_drawn(verdict.pk, settings.SECOND_SHARE) or is_room(decided, asked, settings.SECOND_AT_MOST)
    became = "asked" if fits else "skipped"
    LooksOfDay.objects.filter(city=case.city_id, day=day).update(**{became: F(became) + 1})
    transaction.on_commit(SECOND_LOOKS.labels(became).inc, robust=True)
    if fits:
        Look.objects.create(case=case, city_id=case.city_id, kind=LookKind.SECOND, about=verdict, first_person_id=verdict.person_id, shadow=case.shadow, made_at=now)  # fmt: skip


def of_today(person: User, now: datetime) -> dict[str, int]:
    """Of a person's cities today: how many cards were `decided`, second looks `asked` for, and `skipped`."""
    rows_ = LooksOfDay.objects.filter(city__in=cities_for(person), day=timezone.localdate(now))
    sums = rows_.aggregate(decided=Sum("decided"), asked=Sum("asked"), skipped=Sum("skipped"))
    return {name: count or 0 for name, count in sums.items()}


def held_by(person: User) -> QuerySet[Look]:
    """The looks this person has been given and has not answered. One whose lease ran out is still theirs until somebody takes it."""
    return Look.objects.filter(person=person, done_at=None)


def held_for(person: User, case: Case) -> Look | None:
    """The look at this case that the person is to answer; none if the case is undecided again, whoever was given what."""
    if case.state in rows.UNLOOKED:
        return None
    return held_by(person).filter(case=case).select_related("about", "gold").order_by("id").last()


def give_back(held: QuerySet[Look]) -> int:
    """Free what of these is for anybody; a gold card is for its person alone, and is gone."""
    if not held.exists():
        return 0
    gold, second = held.filter(kind=LookKind.GOLD), held.filter(kind=LookKind.SECOND)
    return int(gold.delete()[0]) + second.update(person=None, lease_until=None)


def as_dealt(look: Look, case: Case) -> Case:
    """The case as the card shows it."""
    return _as_dealt(case, look.shadow, look.about.proposed if look.about else None)


def all_as_dealt(dealt: Iterable[tuple[int, bool, str | None]], cases: Mapping[int, Case]) -> list[Case]:
    """The cases of looks (`rows.dealt_looks`) as their cards show them; each is in `cases`."""
    return [_as_dealt(cases[case_id], shadow, proposed) for case_id, shadow, proposed in dealt]


def _as_dealt(case: Case, shadow: bool, proposed: str | None) -> Case:
    case.shadow = shadow
    return as_first_seen(case, proposed_for(case) if proposed is None else proposed)


def ages_hidden(person: User, cases: Iterable[Case], now: datetime) -> dict[int, timedelta]:
    """By how much the cards of these cases tell their looks later: those that are gold to this person."""
    gold = held_by(person).filter(kind=LookKind.GOLD, case__in=[case.pk for case in cases]).select_related("case")
    return {look.case_id: moved_to_today(look.case, now) for look in gold}


def take(look: Look, person: User, now: datetime) -> Kind | None:
    """Close a look before its answer is written; None if it has gone meanwhile. Call inside the transaction."""
    if not Look.objects.filter(id=look.pk, person=person, done_at=None).update(done_at=now):
        return None
    return Kind.GOLD if look.kind == LookKind.GOLD else Kind.SECOND


def answered(look: Look, verdict: Verdict, now: datetime) -> None:
    """What comes of the answer: a skipped look goes to somebody else, and where two answers do not agree a supervisor is asked."""
    this = Look.objects.filter(id=look.pk)
    if verdict.answer == "skip":
        if look.kind == LookKind.GOLD:
            this.delete()
        else:
            this.update(done_at=None, person=None, lease_until=None)
        return
    this.update(verdict=verdict)
    if look.about is not None and not agree(named(look.about), named(verdict)):
        disputes.open_dispute(look.about, verdict, now)


def named(verdict: Verdict) -> tuple[str, str]:
    """An answer with the category that it names."""
    return verdict.answer, verdict.category or verdict.proposed


def reopen(look: Look, now: datetime) -> bool:
    """Undo an answer to a look: its card comes back to its person. False if a supervisor has settled it, or the person was told what a gold card was."""
    if look.told_at is not None or not disputes.take_back_second(look, now):
        return False
    Look.objects.filter(id=look.pk).update(done_at=None, verdict=None, lease_until=now + LEASE)
    return True


def after_skip(person: User, case: Case, kind: Kind, now: datetime) -> None:
    """A skipped look is undone: the person has it again, unless somebody else does by now."""
    if kind == Kind.GOLD:
        gold = Gold.objects.filter(case=case, retired_at=None).first()
        if gold is not None:
            deal(gold, person, now)
    else:
        free = Look.objects.filter(case=case, kind=LookKind.SECOND, done_at=None).order_by("id").values_list("id", flat=True)  # fmt: skip
        rows.take_looks(person, now, list(free))


def deal(gold: Gold, person: User, now: datetime) -> Look:
    """Lay a gold card before a person."""
    return Look.objects.create(case_id=gold.case_id, city_id=gold.city_id, kind=LookKind.GOLD, gold=gold, made_at=now, person=person, lease_until=now + LEASE)  # fmt: skip


def close_about(verdict: Verdict, now: datetime) -> None:
    """A deciding answer was taken back: nobody needs to look at it again."""
    Look.objects.filter(about=verdict, done_at=None).update(done_at=now)
