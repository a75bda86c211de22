"""The line of a case page that says until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import translation

from server.accounts.models import User
from server.cases.models import Case
from server.city.deadlines import deadline_line
from server.city.models import Destination, Handover

pytestmark = pytest.mark.django_db
FRIDAY = datetime(2026, 11, 27, 17, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
MONDAY = FRIDAY + timedelta(days=3)


@pytest.fixture
def received(send: Any) -> Case:
    """A case that the city received on a Friday at five; its category has four working hours."""
    send()
    case = Case.objects.select_related("city").get()
    town = Destination.objects.create(city=case.city, name="town", url="http://town/", secret_file="s")
    Handover.objects.create(case=case, destination=town, kind="case.confirmed", body={}, next_try_at=FRIDAY, receipted_at=FRIDAY)  # fmt: skip
    Case.objects.update(category="exposed_garbage")
    case.refresh_from_db()
    return case


def test_it_counts_working_hours_from_the_receipt_and_tells_when_they_are_over(received: Case) -> None:
    with translation.override("en"):
        assert deadline_line(received, FRIDAY) == "Deadline 2026-11-30 11:00 (4 working hours)"
        assert deadline_line(received, MONDAY) == "Deadline 2026-11-30 11:00 (4 working hours) · overdue"
    with translation.override("zh-hans"):
        assert deadline_line(received, FRIDAY) == "处置期限 2026-11-30 11:00（4 工作时）"


def test_the_sheet_says_once_that_it_is_the_deadline(received: Case) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create_user("zhao", role="supervisor"))
    assert "<dt>Deadline</dt><dd>2026-11-30 11:00 (4 working hours)" in client.get("/cases/1/print/").content.decode()
    client.cookies["trikeye_language"] = "zh-hans"
    assert "<dt>期限</dt><dd>2026-11-30 11:00（4 工作时）" in client.get("/cases/1/print/").content.decode()
    assert "处置期限 2026-11-30 11:00（4 工作时）" in client.get("/cases/1/").content.decode()


def test_an_open_manhole_does_not_wait_for_monday(received: Case) -> None:
    received.category = "manhole_fault"
    with translation.override("en"):
        assert deadline_line(received, FRIDAY) == "Deadline 2026-11-27 19:00 (2 hours)"


def test_a_year_whose_holidays_are_not_known_is_told(received: Case) -> None:
    Handover.objects.update(receipted_at=datetime(2026, 12, 31, 17, 30, tzinfo=FRIDAY.tzinfo))
    with translation.override("zh-hans"):
        assert deadline_line(received, FRIDAY).endswith(" · 2027 年节假日安排尚未录入，未计入")


def test_there_is_none_before_the_receipt_after_the_end_and_without_a_deadline(received: Case) -> None:
    received.category = "no_such_category"
    assert deadline_line(received, FRIDAY) == ""
    received.category = "exposed_garbage"
    Handover.objects.update(ended_at=FRIDAY)
    assert deadline_line(received, FRIDAY) == ""
    Handover.objects.update(ended_at=None, receipted_at=None)
    assert deadline_line(received, FRIDAY) == ""


def test_the_case_page_shows_it(received: Case, reviewer: Any, client: Client) -> None:
    client.force_login(reviewer)
    assert "处置期限 2026-11-30 11:00（4 工作时）" in client.get(f"/cases/{received.number}/").content.decode()
