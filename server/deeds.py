"""What was done, told to the log and counted, once it is sure: every audit row, and what has none."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from django.db import transaction

from server.counters import DEEDS, LEASED, VERDICTS
from server.log import tell

log = logging.getLogger("trikeye.deeds")
LONGEST = 64


def tell_when_done(verb: str, kind: str, object_id: str, actor_id: int | None, detail: Mapping[str, Any]) -> None:
    """Tell what an audit row says when its transaction has committed; at once outside of one. Free text stays in the database."""
    short = {key: value for key, value in detail.items() if isinstance(value, int | float) or (isinstance(value, str) and len(value) <= LONGEST)}  # fmt: skip
    transaction.on_commit(partial(_told, str(verb), {**short, kind: object_id, "person": actor_id}), robust=True)


def tell_leased(person_id: int | None, case_ids: Iterable[int]) -> None:
    """Tell which cards a person was handed: a line each."""
    for case_id in case_ids:
        LEASED.inc()
        tell(log, "card_leased", case=case_id, person=person_id)


def _told(verb: str, told: Mapping[str, Any]) -> None:
    DEEDS.labels(verb).inc()
    if verb == "verdict":
        VERDICTS.labels(told.get("answer", ""), str(told.get("counted", True)).lower()).inc()
    tell(log, verb, **told)
