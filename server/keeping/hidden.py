"""Pictures that were hidden because somebody is recognised in them: which still wait, what each is called, and what was erased of a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from django.db.models import Exists, OuterRef
from django.utils import timezone

from server.accounts.models import User
from server.cases.models import Case, Picture
from server.keeping.models import Erasure
from server.keeping.rules import Rule
from server.keeping.services import Due

HIDDEN_MOST = 50


@dataclass(frozen=True)
class Gone:
    """So many of a case's pictures were erased on one day, of `of` that it has ever had."""

    count: int
    of: int
    day: date
    by_hand: bool


def hidden_pictures(person: User, sha256: str = "") -> list[Due]:
    """The oldest hidden pictures that are not erased yet, or the one of this name, once for each case that shows it."""
    gone = Erasure.objects.filter(sha256=OuterRef("sha256"), case=OuterRef("sighting__case"))
    rows = Picture.objects.filter(~Exists(gone), hidden_at__isnull=False, sighting__case__isnull=False).order_by("hidden_at")  # fmt: skip
    if person.city_id:
        rows = rows.filter(sighting__city=person.city_id)
    if sha256:
        rows = rows.filter(sha256=sha256)
    return [Due(*row, Rule.FACE) for row in rows.values_list("sha256", "sighting__case_id", "sighting__city_id")[:HIDDEN_MOST]]  # fmt: skip


def picture_numbers(case_ids: Iterable[int]) -> dict[tuple[int, str], int]:
    """What each picture of these cases is called on every page: its number in its case, the oldest first."""
    told: dict[tuple[int, str], int] = {}
    seen: Counter[int] = Counter()
    for case_id, sha256 in Picture.objects.filter(sighting__case__in=set(case_ids)).order_by("id").values_list("sighting__case_id", "sha256"):  # fmt: skip
        if case_id is not None and (case_id, sha256) not in told:
            seen[case_id] += 1
            told[case_id, sha256] = seen[case_id]
    return told


def gone_of(case: Case) -> list[Gone]:
    """How many of a case's pictures were erased, by day and by whether somebody did it, the first day first."""
    of_case = Picture.objects.filter(sighting__case=case).values("sha256")
    first: dict[str, Erasure] = {}
    for row in Erasure.objects.filter(sha256__in=of_case).order_by("at", "id"):
        first.setdefault(row.sha256, row)
    if not first:
        return []
    count_of = of_case.distinct().count()
    days = Counter((timezone.localdate(row.at), row.by_id is not None) for row in first.values())
    return [Gone(count, count_of, day, by_hand) for (day, by_hand), count in sorted(days.items())]
