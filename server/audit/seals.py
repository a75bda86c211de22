"""Sealing audit rows into chains, one a city, and looking whether they still are as they were sealed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import IntegrityError, models

from server.audit.chain import Row, digest_of
from server.audit.models import AuditRow, AuditSeal
from server.fleet.models import City

BATCH = 1000
EVERY = timedelta(minutes=1)
SETTLED = timedelta(seconds=10)
"""Younger rows wait: where transactions run side by side, one with a smaller id may still be on its way."""
COLUMNS = ("id", "at", "city_id", "actor_id", "verb", "kind", "object_id", "detail")


@dataclass(frozen=True)
class Fault:
    """A batch that is not as it was sealed."""

    chain: str
    number: int
    first_id: int
    last_id: int
    what: str


@dataclass
class Found:
    """What a look at one chain found. `unsealed`: rows after the last seal."""

    chain: str
    seals: int = 0
    rows: int = 0
    unsealed: int = 0
    head: str = ""
    faults: list[Fault] = field(default_factory=list)
    digests: set[str] = field(default_factory=set, repr=False)


class Sealer:
    """Seals what has settled, once a minute; more often while there is much."""

    def __init__(self) -> None:
        self._next: datetime | None = None

    def seal_audit(self, now: datetime) -> int:
        """Seal up to BATCH rows a city. Returns how many full batches there were: then there is more."""
        if self._next is not None and now < self._next <= now + EVERY:
            return 0
        full = sum(seal(chain, now) == BATCH for chain in chains())
        self._next = None if full else now + EVERY
        return full


def chains() -> dict[str, int | None]:
    """Every chain's name and the city it is of."""
    return {"": None, **dict(City.objects.order_by("id").values_list("key", "id"))}


def seal(chain: str, now: datetime) -> int:
    """Seal the next rows of a chain; how many."""
    last = AuditSeal.objects.filter(chain=chain).order_by("-number").first()
    after, number, previous = (last.last_id, last.number + 1, last.digest) if last else (0, 1, "")
    found = list(_rows(chains()[chain], after, None)[:BATCH].values_list(*COLUMNS))
    rows = []
    for row in (Row(*values) for values in found):
        if row.at > now - SETTLED:
            break
        rows.append(row)
    if not rows:
        return 0
    made = digest_of(chain, number, previous, rows)
    try:
        AuditSeal.objects.create(chain=chain, number=number, first_id=made.first_id, last_id=made.last_id, count=made.count, previous=previous, digest=made.hex, at=now)  # fmt: skip
    except IntegrityError:  # another process was first
        return 0
    return made.count


def look_at(chain: str) -> Found:
    """Compare every batch of a chain with its seal, and the seals with each other."""
    found, after, previous, number, city_id = Found(chain), 0, "", 0, chains().get(chain)
    for seal_ in AuditSeal.objects.filter(chain=chain).order_by("number").iterator():
        number += 1
        made = digest_of(chain, seal_.number, seal_.previous, _each(city_id, after, seal_.last_id))
        for what in _against(seal_, number, previous, made.count, made.hex):
            found.faults.append(Fault(chain, seal_.number, seal_.first_id, seal_.last_id, what))
        found.seals, found.rows, found.head = found.seals + 1, found.rows + made.count, seal_.digest
        found.digests.add(seal_.digest)
        after, previous, number = seal_.last_id, seal_.digest, seal_.number
    found.unsealed = _rows(city_id, after, None).count()
    return found


def heads(of: Iterable[str] | None = None) -> list[AuditSeal]:
    """The newest seal of each chain, or of some: a look along the index each, in one query, since grouping would walk through every seal."""
    names = list(chains() if of is None else of)
    newest = AuditSeal.objects.filter(chain=models.OuterRef("key")).order_by("-number").values("pk")[:1]
    ids = list(City.objects.filter(key__in=names).values_list(models.Subquery(newest), flat=True))
    if "" in names:
        ids += AuditSeal.objects.filter(chain="").order_by("-number").values_list("pk", flat=True)[:1]
    by_chain = {each.chain: each for each in AuditSeal.objects.filter(pk__in=[pk for pk in ids if pk is not None])}
    return [by_chain[name] for name in names if name in by_chain]


def _against(seal_: AuditSeal, number: int, previous: str, count: int, digest: str) -> Iterator[str]:
    if seal_.number != number:
        yield f"batch {number} is missing before it"
    elif seal_.previous != previous:
        yield "it does not follow the batch before"
    if count != seal_.count:
        yield f"{abs(count - seal_.count)} rows {'removed' if count < seal_.count else 'inserted'}"
    elif digest != seal_.digest:
        yield "a row was altered"


def _each(city_id: int | None, after: int, last: int) -> Iterator[Row]:
    return (Row(*values) for values in _rows(city_id, after, last).values_list(*COLUMNS).iterator())


def _rows(city_id: int | None, after: int, last: int | None) -> models.QuerySet[AuditRow]:
    of_city = models.Q(city_id__isnull=True) if city_id is None else models.Q(city_id=city_id)
    rows = AuditRow.objects.filter(of_city, id__gt=after).order_by("id")
    return rows if last is None else rows.filter(id__lte=last)
