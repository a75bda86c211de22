"""How a lease finds its rows: among a million cases a statement that reads the wrong index holds everybody's lock for long."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW

from server.cases.models import Case
from server.review.services import lease
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db
COLUMNS = [field.attname for field in Case._meta.concrete_fields]


def test_cards_that_are_known_by_id_are_taken_by_id(send: Any, reviewer: Any) -> None:
    """The statement writes, so everybody waits for it; reading the queue for it took 27 ms among a million cases."""
    for number in range(3):
        send(east_m=60.0 * number, seed=number)
    screen_new(NOW)
    with CaptureQueriesContext(connection) as queries:
        assert len(lease(reviewer, timezone.now())) == 3
    (taken,) = (each["sql"] for each in queries if each["sql"].startswith("UPDATE cases_case"))
    with connection.cursor() as cursor:
        plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {taken}").fetchall())
    assert "SEARCH c USING INTEGER PRIMARY KEY" in plan
    assert "INDEX" not in plan


def test_a_case_read_for_a_lease_is_as_the_orm_reads_it(send: Any, reviewer: Any) -> None:
    send()
    screen_new(NOW)
    (leased,) = lease(reviewer, timezone.now())
    read = Case.objects.get()
    assert {name: getattr(leased, name) for name in COLUMNS} == {name: getattr(read, name) for name in COLUMNS}
    assert [type(getattr(leased, name)) for name in COLUMNS] == [type(getattr(read, name)) for name in COLUMNS]
    leased.save()  # it is a row that is there, not a new one
    assert Case.objects.count() == 1
