"""What joining asks of what the city said, as SQL kept ready: built by the ORM anew it took longer than the rest of a sighting's join."""

from __future__ import annotations

from datetime import UTC, datetime

from django.db import connection

_FIXED = "SELECT reported_at FROM city_statusreport WHERE case_id = %s AND status = 'fixed' AND applied ORDER BY reported_at DESC LIMIT 1"


def fixed_at(case_id: int) -> datetime | None:
    """When a city last called a case fixed, by its own clock; None if it never did."""
    with connection.cursor() as cursor:
        cursor.execute(_FIXED, (case_id,))
        found = cursor.fetchone()
    return (found[0] if found[0].tzinfo else found[0].replace(tzinfo=UTC)) if found else None


def has_left(case_id: int) -> bool:
    """Whether a hand-over of a case was ever written."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM city_handover WHERE case_id = %s LIMIT 1", (case_id,))
        return cursor.fetchone() is not None
