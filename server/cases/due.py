"""Cases that a city has, by their deadline, the nearest first: walked along the index of what is due, each page from where the last one ended."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from heapq import merge
from itertools import islice
from typing import NamedTuple

from django.db.models import Q

from server.cases.models import Case, in_shadow

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
LOOKED_DUE, A_WALK = 10_000, 1_000


class Due(NamedTuple):
    """A case and its deadline, in their order; its category as its row has it."""

    at: datetime
    id: int
    category: str = ""

    @property
    def text(self) -> str:
        """As an address has it."""
        return f"{int(self.at.timestamp() * 1_000_000)}.{self.id}"


def due_of_text(text: str) -> Due | None:
    """Read back from an address; None if it is none."""
    at, _dot, number = text.partition(".")
    if not (at.isdecimal() and number.isdecimal() and text.isascii() and len(at) < 17 and len(number) < 19):
        return None
    return Due(datetime.fromtimestamp(int(at) // 1_000_000, UTC).replace(microsecond=int(at) % 1_000_000), int(number))


def walked(city_ids: Collection[int], shadow: bool, after: Due | None) -> Iterator[Due]:
    """Of all these cities at once, up to LOOKED_DUE."""
    return islice(merge(*(_of_city(city_id, shadow, after) for city_id in city_ids)), LOOKED_DUE)


def _of_city(city_id: int, shadow: bool, after: Due | None) -> Iterator[Due]:
    while True:
        since = after.at if after else LONG_AGO
        # Whatever has the same deadline is passed within the index.
        beyond = Q(deadline_at__gt=since) | Q(id__gt=after.id if after else 0)
        rows = Case.objects.filter(beyond, in_shadow(shadow), city_id=city_id, handed_over_at__isnull=False, fixed_at=None, deadline_at__gte=since)  # fmt: skip
        due = rows.order_by("deadline_at", "id").values_list("deadline_at", "id", "category")[:A_WALK]
        part = [Due(at, case_id, category) for at, case_id, category in due if at is not None]
        yield from part
        if len(part) < A_WALK:
            return
        after = part[-1]
