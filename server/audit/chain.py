"""What a batch of audit rows hashes to. Pure: rows in, digest out."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from hashlib import sha256
from typing import Any

import cbor2

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)  # noqa: UP017


@dataclass(frozen=True)
class Row:
    """An audit row as it is hashed."""

    id: int
    at: datetime
    city_id: int | None
    actor_id: int | None
    verb: str
    kind: str
    object_id: str
    detail: dict[str, Any]

    @property
    def bytes(self) -> bytes:
        """Deterministic CBOR; the time in whole microseconds."""
        at_us = (self.at - EPOCH) // timedelta(microseconds=1)
        values = [self.id, at_us, self.city_id, self.actor_id, self.verb, self.kind, self.object_id, self.detail]
        return cbor2.dumps(values, canonical=True)


@dataclass(frozen=True)
class Digest:
    """Of one batch: where it begins and ends, how many rows it has, and its hash."""

    first_id: int
    last_id: int
    count: int
    hex: str


def digest_of(chain: str, number: int, previous: str, rows: Iterable[Row]) -> Digest:
    """The digest of a batch, its rows in the order of their ids. It holds the chain's name, the batch's number and the digest before."""
    hashed, first, last, count = sha256(cbor2.dumps([chain, number, previous], canonical=True)), 0, 0, 0
    for row in rows:
        hashed.update(row.bytes)
        first, last, count = first or row.id, row.id, count + 1
    return Digest(first, last, count, hashed.hexdigest())
