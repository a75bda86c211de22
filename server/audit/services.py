"""Writing audit rows. Call inside the transaction of what is recorded."""

from __future__ import annotations

from typing import Any

from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.deeds import tell_when_done


def record(
    verb: Verb, kind: str, object_id: object, *, city_id: int | None = None, actor_id: int | None = None, **detail: Any
) -> None:
    """One row: `actor_id` None is the software itself."""
    AuditRow.objects.create(
        verb=verb, kind=kind, object_id=str(object_id), city_id=city_id, actor_id=actor_id, detail=detail
    )
    tell_when_done(verb, kind, str(object_id), actor_id, detail)
