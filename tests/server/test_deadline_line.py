"""The line of a case page that says until when."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from django.test import Client
from django.utils import timezone, translation
from sightings import NOW

from server.accounts.models import User
from server.cases.models import Case
from server.city.deadlines import deadline_line
from server.city.models import Destination, Handover
from server.city.rules import due_of
from server.city.services import add_destination, note_handed_over, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.review.answers import Given
from server.review.disputes import open_dispute, open_disputes, settle
from server.review.models import Verdict
from server.review.rules import Outcome
from server.review.services import decide
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)
FRIDAY = datetime(2026, 11, 27, 17, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
MONDAY = FRIDAY + timedelta(days=3)


@pytest.fixture
def waiting(send: Any) -> Case:
    """A case that waits for a city's receipt; its category has four working hours."""
    send()
    Case.objects.update(category="exposed_garbage", state="confirmed", confirmed_at=FRIDAY)
    case = Case.objects.select_related("city").get()
    town = Destination.objects.create(city=case.city, name="town", url="http://town/", secret_file="s")
    Handover.objects.create(case=case, destination=town, kind="case.confirmed", body={}, next_try_at=FRIDAY)
    return case


def received_at(case: Case, at: datetime) -> Case:
    Handover.objects.update(receipted_at=at)
    note_handed_over(case.pk, at, at)
    return Case.objects.select_related("city").get(id=case.pk)


@pytest.fixture
def received(waiting: Case) -> Case:
    """The same received on a Friday at five."""
    return received_at(waiting, FRIDAY)


def test_it_counts_working_hours_from_the_receipt_and_tells_when_they_are_over(received: Case) -> None:
    with translation.override("en"):
        assert deadline_line(received, FRIDAY) == "Deadline 2026-11-30 11:00 (time allowed: 4 working hours)"
        assert deadline_line(received, MONDAY) == "Deadline 2026-11-30 11:00 (time allowed: 4 working hours) · overdue"
    with translation.override("zh-hans"):
        assert deadline_line(received, FRIDAY) == "处置期限 2026-11-30 11:00（限时 4 个工作小时）"


def test_the_sheet_says_once_that_it_is_the_deadline(received: Case) -> None:
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create_user("zhao", role="supervisor"))
    assert "<dt>Deadline</dt><dd>2026-11-30 11:00 (time allowed: 4 working hours)" in client.get("/cases/1/print/").content.decode()  # fmt: skip
    client.cookies["trikeye_language"] = "zh-hans"
    assert "<dt>期限</dt><dd>2026-11-30 11:00（限时 4 个工作小时）" in client.get("/cases/1/print/").content.decode()
    assert "处置期限 2026-11-30 11:00（限时 4 个工作小时）" in client.get("/cases/1/").content.decode()


def test_an_open_manhole_does_not_wait_for_monday(waiting: Case) -> None:
    Case.objects.update(category="manhole_fault")
    with translation.override("en"):
        assert deadline_line(received_at(waiting, FRIDAY), FRIDAY) == "Deadline 2026-11-27 19:00 (time allowed: 2 hours)"  # fmt: skip


def test_a_year_whose_holidays_are_not_known_is_told(waiting: Case) -> None:
    late = datetime(2026, 12, 31, 17, 30, tzinfo=FRIDAY.tzinfo)
    with translation.override("zh-hans"):
        assert deadline_line(received_at(waiting, late), FRIDAY).endswith(" · 2027 年节假日安排尚未录入，未计入")


def test_there_is_none_before_the_receipt_after_the_end_and_without_a_deadline(waiting: Case) -> None:
    assert deadline_line(waiting, FRIDAY) == ""
    received = received_at(waiting, FRIDAY)
    assert deadline_line(received, FRIDAY) != ""
    received.state = "fixed"
    assert deadline_line(received, FRIDAY) == ""
    Case.objects.update(state="confirmed", category="no_such_category", deadline_at=None)
    assert deadline_line(received_at(waiting, FRIDAY), FRIDAY) == ""


def test_the_case_page_shows_it(received: Case, reviewer: Any, client: Client) -> None:
    client.force_login(reviewer)
    assert "处置期限 2026-11-30 11:00（限时 4 个工作小时）" in client.get(f"/cases/{received.number}/").content.decode()


def shown(case: Case, chief: User) -> tuple[str, str, str]:
    """The deadline on the case's page, in the list, and on the overview."""
    client, page = Client(headers={"accept-language": "en"}), f"/cases/{case.number}/"
    client.force_login(chief)
    found = [
        re.search(r"Deadline (\d{4}-\d\d-\d\d \d\d:\d\d)", client.get(page).content.decode()),
        re.search(r'<td class="due"[^>]*><time[^>]*>([^<]+)<', client.get("/cases/").content.decode()),
        re.search(r'<td class="left">.*?<time[^>]*title="(.{16})', client.get("/dashboard/").content.decode()),
    ]
    on_page, listed, overview = (each[1] if each else "" for each in found)
    return on_page, listed, overview


def test_a_case_handed_over_anew_counts_from_its_new_receipt_everywhere(
    send: Any, reviewer: User, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Settled as another category it is withdrawn and leaves anew; as one that is not handed over, it has no deadline."""
    monkeypatch.setattr("server.city.services.send", lambda *_: Answer(True, "CG-1"))
    settings.GRACE_S = 0
    begin, chief, li = timezone.now(), User.objects.create_user("zhao", role="supervisor"), User.objects.create_user("li", role="reviewer")  # fmt: skip
    send()
    screen_new(NOW)
    case = Case.objects.select_related("city").get()
    add_destination(case.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    decide(reviewer, uuid4(), case.pk, "confirm", begin)

    def leaves(at: datetime) -> datetime:
        prepare_handovers(at)
        send_due(at)
        return timezone.localtime(Handover.objects.filter(ended_at=None, kind="case.confirmed").latest("made_at").receipted_at)  # fmt: skip

    def settled_as(category: str, at: datetime) -> None:
        second = Verdict.objects.create(id=uuid4(), case=case, person=li, kind="second", answer="reject", city=case.city, counted=False)  # fmt: skip
        open_dispute(Verdict.objects.get(person=reviewer), second, at)
        settle(chief, open_disputes(chief)[0].pk, Outcome.OTHER, at, Given("confirm", category=category))

    leaves(begin)
    settled_as("road_damage", begin + timedelta(minutes=1))
    assert shown(case, chief) == ("", "", "")
    again = leaves(begin + timedelta(minutes=20))
    assert again > begin + timedelta(minutes=10)
    due = due_of("road_damage", "taiyuan", again)
    assert due
    assert shown(case, chief) == (f"{due.at:%Y-%m-%d %H:%M}",) * 3
    assert Case.objects.get().handed_over_at == again
    settled_as("manhole_fault", begin + timedelta(minutes=30))
    assert prepare_handovers(begin + timedelta(minutes=40)) == 0
    assert shown(case, chief) == ("", "", "")


def test_the_list_says_of_a_category_without_a_deadline_that_none_is_set(received: Case, reviewer: Any, client: Client) -> None:  # fmt: skip
    client.force_login(reviewer)
    client.cookies["trikeye_language"] = "en"
    none_set = 'title="The standard sets no deadline for this category.">none set<'
    assert none_set not in client.get("/cases/?state=all").content.decode()
    Case.objects.update(category="kerb_damage", deadline_at=None)
    assert none_set in client.get("/cases/?state=all").content.decode()
    Case.objects.update(state="confirmed")
    assert none_set not in client.get("/cases/?state=all").content.decode(), "no city has it yet"
