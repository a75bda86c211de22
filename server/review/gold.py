"""Gold cards: cases whose answer is known, dealt among the others now and then. The answer to one decides nothing; its person is told later, never mid-rhythm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils.translation import gettext as _

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.accounts.services import cases_for, cities_for
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.review import rows
from server.review.contradicted import DECIDED_OTHERWISE
from server.review.looks import named
from server.review.models import Gold, Look, Verdict
from server.review.narrowed import WHOLE, Part, golds_of
from server.review.rules import GOLD_AGAIN, TOLD_AGAIN, LookKind, gold_after, hits, lot

CHOSEN_FROM, COUNTED = 100, 5000
PROVEN = (State.FIXED, State.VERIFIED)
"""The city said that something was there."""


class NotGold(Exception):
    """A case that cannot be a gold card; the text says why."""


@dataclass(frozen=True)
class Score:
    """Of gold cards answered: how many right, of how many, and unsure besides; each by its weight."""

    right: int = 0
    of: int = 0
    unsure: int = 0


@dataclass(frozen=True)
class Told:
    """What a person is told of one gold card."""

    look: Look
    is_right: bool | None


def make(person: User, case: Case, answer: str, category: str, now: datetime) -> Gold:
    """Make a case a gold card with the answer that is right, confirmed as a category or rejected. Raises NotGold."""
    if answer not in ("confirm", "reject"):
        raise NotGold(_("The right answer is confirmed or rejected."))
    if answer == "confirm" and category not in CATEGORIES:
        raise NotGold(_("There is no such category."))
    if wrong := unfit(case):
        raise NotGold(wrong)
    try:
        with transaction.atomic():
            gold = Gold.objects.create(case=case, city_id=case.city_id, answer=answer, category=category if answer == "confirm" else "", made_by=person, made_at=now)  # fmt: skip
            record(Verb.GOLD_MADE, "case", case.pk, city_id=case.city_id, actor_id=person.pk, answer=answer, category=gold.category)  # fmt: skip
    except IntegrityError:
        raise NotGold(_("This case is a gold card already.")) from None
    return gold


def unfit(case: Case) -> str:
    """Why a case cannot be made a gold card, empty if it can."""
    if case.state in rows.UNLOOKED:
        return _("Nobody has decided this case yet; only a decided one can be gold.")
    if not _pictured(case):
        return _("A gold card needs pictures that may be shown.")
    return _("This case is a gold card already.") if Gold.objects.filter(case=case, retired_at=None).exists() else ""


def retire(person: User, gold_id: int, now: datetime) -> bool:
    """Deal a gold card no more; its answers stay. False if it was retired already."""
    gold = Gold.objects.filter(id=gold_id, city__in=cities_for(person)).first()
    with transaction.atomic():
        if gold is None or not Gold.objects.filter(id=gold.pk, retired_at=None).update(retired_at=now):
            return False
        record(Verb.GOLD_RETIRED, "case", gold.case_id, city_id=gold.city_id, actor_id=person.pk)
    return True


def _pictured(case: Case) -> bool:
    return Picture.objects.filter(sighting__case=case, hidden_at=None).exists()


def due(person: User, now: datetime, part: Part = WHOLE) -> Gold | None:
    """The gold card that this person is to have next, if one is due and fits the part of the queue they are at: after as many of their answers as a share of GOLD_SHARE has between two."""
    if not settings.GOLD_SHARE or not rows.any_gold(person):
        return None
    cities = cities_for(person)
    last = Look.objects.filter(person=person, kind=LookKind.GOLD).order_by("-made_at", "-id").first()
    if last is not None and last.done_at is None:
        return None
    after = gold_after(f"{person.pk} {last.pk if last else 0}", settings.GOLD_SHARE)
    answered = Verdict.objects.filter(person=person)
    if last is not None:
        answered = answered.filter(at__gt=last.made_at)
    if len(answered.order_by("-at").values_list("pk")[:after]) < after:
        return None
    found = list(golds_of(part, not_had(person, now).filter(city__in=cities))[:CHOSEN_FROM])
    return min(found, key=lambda gold: lot(f"{person.pk} {after} {gold.pk}")) if found else None


def not_had(person: User, now: datetime) -> QuerySet[Gold]:
    """The gold cards in use whose case this person has not answered for GOLD_AGAIN, longest in use last."""
    lately = Verdict.objects.filter(case=OuterRef("case"), person=person, at__gte=now - GOLD_AGAIN)
    shown = Picture.objects.filter(sighting__case=OuterRef("case"), hidden_at=None)
    fit = (
        Gold.objects.filter(Exists(shown), retired_at=None)
        .exclude(Exists(lately))
        .exclude(case__state__in=rows.UNLOOKED)
    )
    return fit.select_related("case").order_by("-id")


def is_right(look: Look) -> bool | None:
    """Whether the answer to a gold card was right; None for unsure."""
    assert look.verdict is not None
    assert look.gold is not None
    return hits(named(look.verdict), (look.gold.answer, look.gold.category))


def _answered() -> QuerySet[Look]:
    return Look.objects.filter(kind=LookKind.GOLD, verdict__isnull=False).select_related(
        "verdict", "gold", "case__city"
    )


def _score(looks: Sequence[Look]) -> Score:
    judged = [(look.weight, is_right(look)) for look in looks]
    return Score(
        sum(weight for weight, right in judged if right),
        sum(weight for weight, right in judged if right is not None),
        sum(weight for weight, right in judged if right is None),
    )


def score_of(person: User, since: datetime) -> Score:
    """How a person answered the gold cards that they were told of."""
    return _score(list(_answered().filter(person=person, made_at__gte=since, told_at__isnull=False)))


def scores_of(golds: Sequence[Gold]) -> dict[int, Score]:
    """How people answered each of these gold cards lately: one that most get wrong is wrong itself, or too hard."""
    of_gold: dict[int, list[Look]] = {gold.pk: [] for gold in golds}
    for look in _answered().filter(gold__in=golds).order_by("-id")[:COUNTED]:
        of_gold[look.gold_id or 0].append(look)
    return {gold_id: _score(found) for gold_id, found in of_gold.items()}


def tell(person: User, now: datetime, *, leaving: bool = False) -> list[Told]:
    """The answers to gold cards that this person has not been told of; they are told with this. At most once in TOLD_AGAIN, and when they are `leaving`."""
    mine = _answered().filter(person=person)
    if not leaving and mine.filter(told_at__gt=now - TOLD_AGAIN).exists():
        return []
    told = [Told(look, is_right(look)) for look in mine.filter(told_at=None).order_by("id")]
    Look.objects.filter(id__in=[each.look.pk for each in told], told_at=None).update(told_at=now)
    return told


def in_use(person: User) -> QuerySet[Gold]:
    """The gold cards of a supervisor's cities, newest first."""
    return Gold.objects.filter(retired_at=None, city__in=cities_for(person)).select_related("case__city", "made_by").order_by("-id")  # fmt: skip


def out_of_use_by_itself(person: User) -> QuerySet[Gold]:
    """Those whose case was decided otherwise afterwards, the latest first."""
    return Gold.objects.filter(retired_because=DECIDED_OTHERWISE, city__in=cities_for(person)).select_related("case__city").order_by("-retired_at")  # fmt: skip


def proposals(person: User) -> QuerySet[Case]:
    """Cases that could be gold: those that a city found and mended, newest first."""
    used = Gold.objects.filter(case=OuterRef("pk"), retired_at=None)
    return cases_for(person).filter(state__in=PROVEN, shadow=False).exclude(Exists(used)).order_by("-id")
