"""What the demo's last lines count, on the tables as the server writes them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.utils import timezone
from sightings import NOW

from demo.chain import HANDED_OVER
from server.cases.models import Case
from server.city.models import Handover
from server.city.services import add_destination

pytestmark = pytest.mark.django_db


def test_a_case_that_was_taken_back_and_handed_over_again_counts_once(send: Any) -> None:
    for number in range(3):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    again, once, waits = Case.objects.order_by("id")
    destination, _ = add_destination(again.city, "city", "https://city.example/hook", sandbox=False, allow_private=False)  # fmt: skip
    sent = [(again, "case.confirmed"), (again, "case.retracted"), (again, "case.confirmed"), (once, "case.confirmed")]
    for case, kind in sent:
        Handover.objects.create(case=case, destination=destination, kind=kind, body={}, next_try_at=NOW, state="receipted", receipted_at=timezone.now())  # fmt: skip
    Handover.objects.create(case=waits, destination=destination, kind="case.confirmed", body={}, next_try_at=NOW)
    with connection.cursor() as cursor:
        cursor.execute(HANDED_OVER)
        assert cursor.fetchone() == (2,)
