"""Looking for audit rows: each look is a walk along an index, newest first. Days are turned into ids, which follow them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from server.audit.models import AuditRow
from server.audit.rules import Verb

PAGE, LOOKED, MOST_EXPORTED = 50, 20_000, 20_000
KINDS = ("case", "sighting", "picture", "user", "vehicle", "destination", "category", "places", "handover", "token", "export", "backup", "sign_in")  # fmt: skip


@dataclass(frozen=True)
class Asked:
    """What somebody looks for; empty and None: anything. `who` is whom they typed and `person` that one's id; `object_ids`: the ids of what they call `object_id`; `wrong` names the fields that could not be read, `meant` the people whose names begin as `who`, where they are several."""

    kind: str = ""
    object_id: str = ""
    who: str = ""
    person: int | None = None
    verb: str = ""
    since: date | None = None
    until: date | None = None
    before: int | None = None
    wrong: tuple[str, ...] = ()
    object_ids: tuple[str, ...] = ()
    meant: tuple[str, ...] = ()


def asked(form: Any) -> Asked:
    """Read a query string. Names in it are looked up by `things.named`."""
    wrong: list[str] = []

    def number(name: str) -> int | None:
        text = form.get(name, "").strip()
        if text and not (text.isascii() and text.isdigit() and len(text) < 19):
            wrong.append(name)
            return None
        return int(text) if text else None

    def day(name: str) -> date | None:
        try:
            return date.fromisoformat(form[name]) if form.get(name) else None
        except ValueError:
            wrong.append(name)
            return None

    verb, kind = form.get("verb", ""), form.get("kind", "")
    return Asked(
        kind if kind in KINDS else "", form.get("object", "").strip()[:64], form.get("person", "").strip()[:150], None,
        verb if verb in set(Verb) else "", day("since"), day("until"), number("before"), tuple(wrong),
    )  # fmt: skip


@dataclass(frozen=True)
class Found:
    """One page. `older`: the id before which to look further, None at the end; `cut`: the look was ended before the page was full."""

    rows: list[AuditRow]
    older: int | None
    cut: bool


def look(asked_for: Asked, city_id: int | None, count: int = PAGE) -> Found:
    """The newest `count` rows that somebody looks for, of one city alone where `city_id` says so. One condition leads along its index; of what it finds LOOKED rows at most are compared with the others."""
    leading, others = _conditions(asked_for, city_id)
    lead = _within_days(AuditRow.objects.filter(leading), asked_for).order_by("-id")
    if not others:
        rows = list(lead.select_related("actor", "city")[: count + 1])
        return Found(rows[:count], rows[count - 1].pk if len(rows) > count else None, False)
    window = lead.values_list("id", flat=True)
    found = AuditRow.objects.filter(others, id__in=window[:LOOKED]).order_by("-id").select_related("actor", "city")
    rows = list(found[: count + 1])
    if len(rows) > count:
        return Found(rows[:count], rows[count - 1].pk, False)
    last = list(window[LOOKED - 1 : LOOKED])
    return Found(rows, last[0] if last else None, bool(last))


def _conditions(asked_for: Asked, city_id: int | None) -> tuple[Q, Q]:
    """Which condition leads, and the others."""
    every: list[Q] = []
    if asked_for.object_id:
        ids = asked_for.object_ids or (asked_for.object_id,)
        every.append(Q(kind__in=[asked_for.kind] if asked_for.kind else KINDS, object_id__in=ids))
    if asked_for.person is not None:
        every.append(Q(actor_id=asked_for.person))
    if asked_for.verb:
        every.append(Q(verb=asked_for.verb))
    if city_id is not None:
        every.append(Q(city_id=city_id))
    if asked_for.kind and not asked_for.object_id:
        every = [*every, Q(kind=asked_for.kind)] if every else [Q(), Q(kind=asked_for.kind)]
    others = Q()
    for each in every[1:]:
        others &= each
    return (every[0] if every else Q()), others


def _within_days(rows: QuerySet[AuditRow], asked_for: Asked) -> QuerySet[AuditRow]:
    if asked_for.since:
        rows = rows.filter(id__gte=first_id_at(_midnight(asked_for.since)))
    if asked_for.until:
        rows = rows.filter(id__lt=first_id_at(_midnight(asked_for.until + timedelta(days=1))))
    return rows.filter(id__lt=asked_for.before) if asked_for.before else rows


def first_id_at(moment: datetime) -> int:
    """The id from which on rows are of this moment or later: halved again and again, some twenty looks by key. Ids follow the clock as far as the clock runs forward."""
    # Each end by a look of its own: asked for both at once, SQLite goes through all rows.
    ids = AuditRow.objects.values_list("id", flat=True)
    low, high = ids.order_by("id").first() or 0, (ids.order_by("-id").first() or 0) + 1
    while low < high:
        middle = (low + high) // 2
        at = AuditRow.objects.filter(id__gte=middle).order_by("id").values_list("at", flat=True).first()
        if at is None or at >= moment:
            high = middle
        else:
            low = middle + 1
    return low


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))
