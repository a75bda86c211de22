"""Writing audit rows, by a statement kept ready: every deed has one. Call inside the transaction of what is recorded."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from django.db import connection
from django.utils import timezone

from server.audit.rules import Verb
from server.deeds import tell_when_done

_ADD = "INSERT INTO audit_auditrow (at, verb, kind, object_id, city_id, actor_id, detail) VALUES (%s, %s, %s, %s, %s, %s, %s)"


class Deed(NamedTuple):
    """What a row holds beside its time: `actor_id` None is the software itself."""

    verb: Verb
    kind: str
    object_id: str
    city_id: int | None
    actor_id: int | None
    detail: Mapping[str, Any]


def record(
    verb: Verb, kind: str, object_id: object, *, city_id: int | None = None, actor_id: int | None = None, **detail: Any
) -> None:
    """One row, told to the log when it is sure."""
    record_all([Deed(verb, kind, str(object_id), city_id, actor_id, detail)])
    tell_when_done(verb, kind, str(object_id), actor_id, detail)


def record_all(deeds: Iterable[Deed]) -> None:
    """Rows of one instant. Who writes many tells the log itself."""
    at = connection.ops.adapt_datetimefield_value(timezone.now())
    with connection.cursor() as cursor:
        cursor.executemany(_ADD, [(at, str(each.verb), *each[1:5], json.dumps(each.detail)) for each in deeds])
