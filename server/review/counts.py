"""The figures over the queue. Each verdict asks for them, so they are counted along an index up to CAP, and those of a city kept for a moment."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Q
from django.http import HttpResponse

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.accounts.services import cities_for
from server.cases import told
from server.cases.models import Case, in_shadow
from server.cases.rules import State
from server.cases.walks import CATEGORY, walk
from server.review import looks, rows
from server.review.models import Verdict
from server.review.rules import LEASE, UNDECIDED, Kind, LookKind
from server.review.services import runs

CAP, CAP_OF_CATEGORY = 1000, 100
KEPT_FOR = timedelta(seconds=2)
_kept: dict[int, tuple[datetime, int, int]] = {}


@dataclass(frozen=True)
class Counts:
    """How many wait for a person, in the queue and in shadow; how many of the cards asked for others hold; how many this person answered in the last 24 hours; how many of the cards asked for they skipped so lately that these do not wait for them yet."""

    waiting: int
    in_shadow: int
    with_others: int
    mine_today: int
    skipped: int = 0

    @property
    def told(self) -> dict[str, str]:
        """In words: nothing was counted beyond CAP."""
        capped = {name: _capped(count, CAP) for name, count in vars(self).items()}
        return capped | {"mine_today": str(self.mine_today)}


def queue_counts(person: User, now: datetime, *, shadow: bool = False) -> Counts:
    """The figures for this person, in which a decided case to be looked at again waits like any; with `shadow` those of others' cards are of the cards in shadow."""
    cities = cities_for(person)
    mine = _passed(person, now)
    waiting = [
        sum(_of_city(city_id, now)[is_so] for city_id in cities)
        - sum(kind is bool(is_so) for _, kind, _category in mine)
        + rows.count_open(person, now, State.DISPUTED, bool(is_so), CAP)
        + len(rows.second_looks(person, now, bool(is_so), CAP, held_too=True))
        for is_so in (0, 1)
    ]
    waiting[0] += looks.held_by(person).filter(kind=LookKind.GOLD).count()
    held = Case.objects.filter(runs(now)).exclude(lease_by=person).values_list("city_id", "state", "shadow")
    with_others = sum(city in cities and state in UNDECIDED and kind is shadow for city, state, kind in held)
    answered = Verdict.objects.filter(person=person, at__gte=now - timedelta(days=1), undone_at=None)
    return Counts(
        max(waiting[0], 0),
        max(waiting[1], 0),
        with_others,
        answered.exclude(answer="skip").exclude(kind=Kind.SETTLED).count(),
        sum(kind is shadow for _, kind, _category in mine),
    )


def waiting_by_category(person: User, now: datetime, *, shadow: bool) -> dict[str, str]:
    """Of each category of which cards wait for this person how many, in words: the same cards as in `queue_counts`, a decided case to be looked at again by what its card says. What is queued is counted along an index up to CAP_OF_CATEGORY."""
    found = Counter[str]()
    for city_id in cities_for(person):
        queued = Case.objects.filter(in_shadow(shadow), city_id=city_id, category=CATEGORY, state=State.QUEUED)
        found.update(key for (key,) in walk(queued.values_list("category")[:CAP_OF_CATEGORY], list(CATEGORIES)))
    found.subtract(category for _, kind, category in _passed(person, now) if kind is shadow)
    found.update(rows.open_categories(person, now, State.DISPUTED, shadow, CAP))
    second = [look_id for look_id, *_rest in rows.second_looks(person, now, shadow, CAP, held_too=True)]
    looks_ = told.new_to(person, cities_for(person), shadow, None).filter(Q(id__in=second) | Q(kind=LookKind.GOLD))
    found.update(looks_.values_list("proposed", flat=True))
    return {key: _capped(count, CAP_OF_CATEGORY) for key, count in (+found).items()}


def _capped(count: int, cap: int) -> str:
    return str(count) if count < cap else f"{cap - 1}+"


def _passed(person: User, now: datetime) -> list[tuple[int, bool, str]]:
    """Queued cases that this person answered lately (skipped, that is), with shadow and category: they come again after LEASE."""
    mine = Verdict.objects.filter(person=person, undone_at=None, at__gte=now - LEASE, case__state=State.QUEUED)
    return list(mine.filter(at__gte=F("case__state_at")).values_list("case", "case__shadow", "case__category").distinct())  # fmt: skip


def with_counts(response: HttpResponse, counts: Counts) -> HttpResponse:
    """Pieces of the page are HTML, so what the page counts travels in headers."""
    for name, value in counts.told.items():
        response.headers[f"X-{name.replace('_', '-')}"] = value
    return response


def forget() -> None:
    """A card was decided here: the next figures are counted anew."""
    _kept.clear()


def _of_city(city_id: int, now: datetime) -> tuple[int, int]:
    """How many are queued in a city, out of shadow and in it, each up to CAP."""
    at, *counts = _kept.get(city_id, (None, 0, 0))
    if at is None or not timedelta(0) <= now - at < KEPT_FOR:
        counts = [
            Case.objects.filter(in_shadow(is_so), city_id=city_id, state=State.QUEUED)[:CAP].count()
            for is_so in (False, True)
        ]
        _kept[city_id] = (now, counts[0], counts[1])
    return counts[0], counts[1]
