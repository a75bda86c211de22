"""When cases came to a city: its latest receipt of each. Walked along the index of receipts, each page from where the last one ended."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime
from heapq import merge
from itertools import islice

from django.db.models import Max, Q, QuerySet

from server.cases.due import A_WALK, LOOKED_DUE, Due
from server.city.models import Destination, Handover
from server.city.rules import HandoverKind

AT_ONCE = 200


def came_at(case_ids: Collection[int]) -> dict[int, datetime]:
    """Since when a city has had each of these cases, by its latest receipt."""
    rows = Handover.objects.filter(case__in=case_ids, kind=HandoverKind.CONFIRMED, receipted_at__isnull=False)
    return dict(rows.order_by().values_list("case").annotate(at=Max("receipted_at")))


def received(city_ids: Sequence[int]) -> list[QuerySet[Handover]]:
    """What each destination of these cities received, the latest first."""
    destinations = Destination.objects.filter(city__in=city_ids).values_list("id", flat=True)
    every = Handover.objects.filter(kind=HandoverKind.CONFIRMED, receipted_at__isnull=False)
    return [every.filter(destination=each).order_by("-receipted_at", "-case_id") for each in destinations]


def walked(city_ids: Sequence[int], after: Due | None) -> Iterator[Due]:
    """Up to LOOKED_DUE cases of these cities, the latest to come first, each once."""
    rows = merge(*(_of_destination(each, after) for each in received(city_ids)), reverse=True)
    return _latest(islice(rows, LOOKED_DUE))


def _of_destination(rows: QuerySet[Handover], after: Due | None) -> Iterator[Due]:
    while True:
        part = rows if after is None else rows.filter(Q(receipted_at__lt=after.at) | Q(case_id__lt=after.id), receipted_at__lte=after.at)  # fmt: skip
        read = part.values_list("receipted_at", "case_id", "case__category")[:A_WALK]
        found = [Due(at, case_id, category) for at, case_id, category in read if at is not None]
        yield from found
        if len(found) < A_WALK:
            return
        after = found[-1]


def _latest(rows: Iterator[Due]) -> Iterator[Due]:
    """Of a case that came more than once, the last time alone."""
    told: tuple[datetime, int] | None = None
    while part := [*islice(rows, AT_ONCE)]:
        latest = came_at({row.id for row in part})
        for row in part:
            if latest.get(row.id) == row.at and told != (row.at, row.id):
                told = row.at, row.id
                yield row


def in_order(rows: Iterable[Due]) -> dict[int, int]:
    """At which place each case stands."""
    return {row.id: place for place, row in enumerate(rows)}
