"""Twelve cards of one category and city answered together, where nearly all such are right; among them a gold card, if there is one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID, uuid5

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from server.accounts.models import User
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.categories.rules import category_of
from server.commits import hasty, synced_after, wait_for_disk
from server.review import gold, looks, rows
from server.review.answers import LONGEST_MS, BadVerdict, Given, check_given
from server.review.batch_rules import CELLS, LEAST_MS, SEVERITIES, proven_among
from server.review.models import Batch, Gold, Look, Verdict
from server.review.rules import Kind, LookKind, lot
from server.review.services import take

LOOKED_AT, REMEMBERED, LAID = 400, 2000, 5
GOLD_WEIGHT = 2


@dataclass(frozen=True)
class Lease:
    """A batch and the cases of its cells, as the cells show them."""

    batch: Batch
    cases: list[Case]


@dataclass(frozen=True)
class Done:
    """What became of a batch: how many were decided, how many went back to be looked at alone; `is_known` for a resend."""

    decided: int
    out: int
    is_known: bool = False


def is_off(person: User, now: datetime) -> bool:
    """Whether this person missed a gold card of a batch today."""
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    return Batch.objects.filter(person=person, missed_gold=True, done_at__gte=midnight).exists()


def lease_batch(person: User, now: datetime, *, shadow: bool = False) -> Lease | None:
    """Take CELLS cards that may be answered together; None where none may, or `is_off`."""
    if is_off(person, now):
        return None
    for city_id, category, ids in _proven(person, now, shadow):
        trial = _gold_of(person, city_id, category, now) if not shadow else None
        wanted = CELLS - (trial is not None)
        with hasty(), transaction.atomic():
            taken = rows.take(person, now, ids, wanted)
            if len(taken) < wanted:
                Case.objects.filter(id__in=taken, lease_by=person).update(lease_by=None, lease_until=None)
                continue
            look = looks.deal(trial, person, now) if trial else None
            batch = Batch.objects.create(person=person, city_id=city_id, category=category, gold=look, made_at=now,
                                         cases=taken + ([look.case_id] if look else []))  # fmt: skip
        return Lease(batch, shown_in(batch, person))
    return None


def shown_in(batch: Batch, person: User) -> list[Case]:
    """The cases of a batch as its cells show them, in an order that tells nothing."""
    cases = [
        looks.as_dealt(batch.gold, case) if batch.gold and case.pk == batch.gold.case_id else case
        for case in Case.objects.filter(id__in=batch.cases)
    ]
    return sorted(cases, key=lambda case: lot(f"{batch.pk} {case.pk}"))


def _proven(person: User, now: datetime, shadow: bool) -> list[tuple[int, str, list[int]]]:
    """City, category and cases of what may be answered together, the most urgent first."""
    best = [case_id for case_id, _ in rows.first(person, now, State.QUEUED, shadow, LOOKED_AT)]
    of_kind: dict[tuple[int, str], list[tuple[int, float]]] = defaultdict(list)
    pictured = Picture.objects.filter(sighting__case=OuterRef("pk"), hidden_at=None)
    cases = Case.objects.filter(
        Exists(pictured), id__in=best, returned_at=None
    )  # what a city sent back is looked at alone
    for case in sorted(cases, key=lambda case: (-case.priority, case.pk)):
        if category_of(case.category).severity in SEVERITIES:
            of_kind[case.city_id, case.category].append((case.pk, case.probability))
    found = []
    for (city_id, category), cards in of_kind.items():
        if len(cards) < CELLS:
            continue
        good = proven_among(_history(city_id, category), {probability for _, probability in cards})
        proven = [case_id for case_id, probability in cards if probability in good]
        if len(proven) >= CELLS:
            found.append((city_id, category, proven))
    return found


def _history(city_id: int, category: str) -> list[tuple[float, bool]]:
    """Probability and whether it was confirmed as proposed, of the last answers that decided cases proposed as a category here, newest first."""
    said = Verdict.objects.filter(city=city_id, proposed=category, counted=True, undone_at=None, answer__in=("confirm", "reject"), probability__isnull=False)  # fmt: skip
    rows_ = said.order_by("-at").values_list("probability", "answer", "category")[:REMEMBERED]
    return [(probability or 0.0, answer == "confirm" and not changed) for probability, answer, changed in rows_]


def _gold_of(person: User, city_id: int, category: str, now: datetime) -> Gold | None:
    """A gold card that looks like the others: proposed as the same category in the same city."""
    if Look.objects.filter(person=person, kind=LookKind.GOLD, done_at=None).exists():
        return None
    fit = gold.not_had(person, now).filter(city=city_id, case__sightings__category=category, case__shadow=False)
    found = list(fit.distinct()[:CELLS])
    return min(found, key=lambda each: lot(f"{person.pk} {now.date()} {each.pk}")) if found else None


def answer_batch(
    person: User,
    answer_id: UUID,
    ids: Collection[int],
    out: Collection[int],
    given: Given,
    shown_ms: int,
    now: datetime,
) -> Done:
    """Answer the cards of one's batch together, but for those `out` of it, which go back to be looked at alone: all or nothing, idempotent by `answer_id`. Raises BadVerdict."""
    verdicts = {case_id: uuid5(answer_id, str(case_id)) for case_id in sorted(set(ids) - set(out))}
    if Verdict.objects.filter(id__in=list(verdicts.values()), person=person).exists():
        wait_for_disk()
        return Done(len(verdicts), len(set(out)), is_known=True)
    laid = (
        Batch.objects.filter(person=person, done_at=None)
        .select_related("gold__gold", "gold__case")
        .order_by("-made_at")
    )
    batch = next((each for each in laid[:LAID] if set(each.cases) == set(ids)), None)
    _check(batch, set(ids), set(out), given, shown_ms, now)
    assert batch is not None
    given = replace(given, batch=batch.pk, visible_ms=shown_ms // len(batch.cases))
    with synced_after():
        if not Batch.objects.filter(id=batch.pk, done_at=None).update(done_at=now, shown_ms=min(shown_ms, LONGEST_MS)):
            return Done(len(verdicts), len(set(out)), is_known=True)
        cases = Case.objects.in_bulk(list(verdicts))
        trial = batch.gold.case_id if batch.gold else None
        kinds = [
            take(person, verdict_id, cases[case_id], given, now, batch.gold if case_id == trial else None)
            for case_id, verdict_id in verdicts.items()
        ]
        Case.objects.filter(id__in=out, lease_by=person, state=State.QUEUED).update(lease_by=None, lease_until=None)
        _judge(batch)
    return Done(sum(kind != Kind.LATE for kind in kinds), len(set(out)))


def _check(batch: Batch | None, ids: set[int], out: set[int], given: Given, shown_ms: int, now: datetime) -> None:
    check_given(given)
    if given.answer not in ("confirm", "reject") or given.same_as is not None or given.category:
        raise BadVerdict(_("A batch is confirmed or rejected as it is."))
    if batch is None or not out < ids:
        raise BadVerdict(_("These are not the cards of a batch that waits for you."))
    if min(shown_ms, (now - batch.made_at) / timedelta(milliseconds=1)) < LEAST_MS:
        raise BadVerdict(_("A batch must be looked at for four seconds at least."))


def _judge(batch: Batch) -> None:
    """A gold card that was answered with the others counts double. Who missed it answers one card at a time for the rest of the day."""
    look = batch.gold and Look.objects.select_related("verdict", "gold").filter(id=batch.gold.pk, verdict__isnull=False).first()  # fmt: skip
    if look:
        Look.objects.filter(id=look.pk).update(weight=GOLD_WEIGHT)
        Batch.objects.filter(id=batch.pk).update(missed_gold=gold.is_right(look) is False)
