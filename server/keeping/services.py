"""Erasing pictures that were kept long enough, a bounded bit at a time. The file goes first and the row that says so after it: what is cut short is done again."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from server import pictures
from server.accounts.models import User
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Picture, in_shadow
from server.keeping.models import Erasure
from server.keeping.rules import STATES, Kept, Rule

CASES_AT_ONCE, PICTURES_AT_ONCE = 200, 500
AGAIN = timedelta(hours=1)


@dataclass(frozen=True)
class Due:
    """A picture that has been kept long enough, in one of its cases."""

    sha256: str
    case_id: int
    city_id: int
    rule: Rule

    @property
    def bytes(self) -> int:
        """How large its file is; 0 if it is gone already."""
        try:
            return pictures.path_of(self.sha256).stat().st_size
        except FileNotFoundError:
            return 0


def kept() -> Kept:
    """What the settings say."""
    return Kept(settings.KEEP_REJECTED_DAYS, settings.KEEP_CONFIRMED_DAYS, settings.KEEP_FACE_DAYS)


class Eraser:
    """Goes through what is old enough from the oldest on, and begins anew an hour after it came to the end."""

    def __init__(self) -> None:
        self._steps: Iterator[list[Due]] | None = None
        self._next: datetime | None = None

    def erase_old(self, now: datetime) -> int:
        """One step; returns how many pictures went, and 1 while there is more to look at."""
        if self._steps is None:
            if self._next is not None and now < self._next <= now + AGAIN:
                return 0
            self._steps = due_pictures(now)
        found = next(self._steps, None)
        if found is None:
            self._steps, self._next = None, now + AGAIN
            return 0
        return max(1, erase(found, now))


def due_pictures(now: datetime) -> Iterator[list[Due]]:
    """All that is due, in bounded lots: what was recognised first, then case by case along the index of states."""
    yield from _due_faces(now)
    for rule, states in STATES.items():
        for state in states:
            for shadow in (False, True):
                yield from _due_cases(rule, state, shadow, now)


def _due_cases(rule: Rule, state: str, shadow: bool, now: datetime) -> Iterator[list[Due]]:
    since = kept().since(rule, now)
    if since is not None:
        old = Case.objects.filter(in_shadow(shadow), state=state, state_at__lt=since)
        for lot in _lots(old, "state_at", CASES_AT_ONCE):
            yield [Due(*row, rule) for row in _there(Picture.objects.filter(sighting__case__in=lot))]


def _due_faces(now: datetime) -> Iterator[list[Due]]:
    since = kept().since(Rule.FACE, now)
    if since is not None:
        for lot in _lots(Picture.objects.filter(hidden_at__lt=since), "hidden_at", PICTURES_AT_ONCE):
            yield [Due(*row, Rule.FACE) for row in _there(Picture.objects.filter(id__in=lot))]


def _lots(rows: QuerySet[Any], time: str, count: int) -> Iterator[list[int]]:
    """The ids of rows, oldest first by the column `time`, `count` at a time: each lot begins where the last one ended, along that column's index."""
    after: tuple[datetime, int] | None = None
    while True:
        further = rows
        if after is not None:
            at, key = after
            further = rows.filter(Q(**{f"{time}__gt": at}) | Q(**{time: at, "id__gt": key}), **{f"{time}__gte": at})
        lot = list(further.order_by(time, "id").values_list(time, "id")[:count])
        if not lot:
            return
        after = lot[-1]
        yield [key for _, key in lot]


def _there(rows: QuerySet[Picture]) -> QuerySet[Picture, tuple[str, int, int]]:
    """Of these the ones that are not erased yet."""
    done = Erasure.objects.filter(sha256=OuterRef("sha256"), case=OuterRef("sighting__case"))
    return rows.filter(~Exists(done), sighting__case__isnull=False).values_list("sha256", "sighting__case_id", "sighting__city_id")  # fmt: skip


def erase(found: Iterable[Due], now: datetime, by: User | None = None, why: str = "") -> int:
    """Erase what no case needs any more; how many pictures went. What somebody erases has a row of its own for each picture, with the reason. One that another case still needs waits for that one."""
    gone = needless(found, now)
    for each in gone:
        pictures.path_of(each.sha256).unlink(missing_ok=True)
    by_case: dict[tuple[int, int, Rule, str], list[Due]] = defaultdict(list)
    for each in gone:
        by_case[each.case_id, each.city_id, each.rule, each.sha256 if by else ""].append(each)
    with transaction.atomic():
        Erasure.objects.bulk_create([Erasure(sha256=each.sha256, case_id=each.case_id, at=now, rule=each.rule, by=by) for each in gone], ignore_conflicts=True)  # fmt: skip
        for (case_id, city_id, rule, sha256), lot in by_case.items():
            record(Verb.PICTURES_ERASED, "case", case_id, city_id=city_id, actor_id=by.pk if by else None, count=len(lot), rule=rule, **({"sha256": sha256, "why": why} if by else {}))  # fmt: skip
    return len(gone)


def needless(found: Iterable[Due], now: datetime) -> list[Due]:
    """Of what is due all that no other case needs, each once a case. Where somebody was recognised, nobody needs it."""
    due = {(each.sha256, each.case_id): each for each in found}
    names = {each.sha256 for each in due.values() if each.rule != Rule.FACE}
    needed = _needed(names, now) if names else set()
    return [each for each in due.values() if each.rule == Rule.FACE or each.sha256 not in needed]


def _needed(names: set[str], now: datetime) -> set[str]:
    """Of these pictures the ones that a case needs which has not been kept long enough, or a sighting without a case yet."""
    old = Q(pk__in=[])
    for rule, states in STATES.items():
        since = kept().since(rule, now)
        if since is not None:
            old |= Q(sighting__case__state__in=states, sighting__case__state_at__lt=since)
    return set(Picture.objects.filter(sha256__in=names).exclude(old).values_list("sha256", flat=True))


def erased_of(sha256: str) -> Erasure | None:
    """When and why a picture was erased; None if it was not."""
    return Erasure.objects.filter(sha256=sha256).order_by("-at").first()
