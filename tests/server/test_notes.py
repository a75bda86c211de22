"""Notes on a case: who wrote what and when, own ones struck out for ten minutes, and nothing of them where they do not belong."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.models import Case, Note
from server.cases.notes import add_note, add_reason, strike_note
from server.city.models import Handover
from server.city.services import add_destination
from server.review.services import decide
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(send: Any) -> Case:
    send()
    screen_new(NOW)
    return Case.objects.get()


@pytest.fixture
def chief(db: None) -> User:
    return User.objects.create_user("zhao", role="supervisor")


def web(person: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client


def told(case: Case, person: User) -> str:
    page = web(person).get(f"/cases/{case.number}/").content.decode()
    return unescape(" ".join(re.sub(r"<[^>]+>", " ", page.split('<main id="main"')[1]).split()))


def test_a_note_is_kept_told_and_recorded_without_its_words(case: Case, chief: User) -> None:
    client = web(chief)
    assert client.post(f"/cases/{case.number}/note", {"words": "  shop closes <b>Friday</b>  "}).status_code == 302
    note = Note.objects.get()
    assert (note.words, note.person, note.about) == ("shop closes <b>Friday</b>", chief, "")
    row = AuditRow.objects.get(verb="note_added")
    assert (row.object_id, row.actor, row.detail) == (str(case.pk), chief, {"note": note.pk})
    page = client.get(f"/cases/{case.number}/").content.decode()
    assert page.count("shop closes &lt;b&gt;Friday&lt;/b&gt;") == 2  # among the notes, and in the timeline
    assert "<b>Friday" not in page


def test_nothing_is_no_note_and_a_long_one_is_cut(case: Case, chief: User) -> None:
    client = web(chief)
    answer = client.post(f"/cases/{case.number}/note", {"words": " \n "})
    assert answer.status_code == 409
    assert "nothing was kept" in answer.content.decode()
    add_note(case, chief, "x" * 5000, NOW)
    assert len(Note.objects.get().words) == 1000


def test_ones_own_note_is_struck_out_within_ten_minutes_and_stays_as_a_trace(case: Case, chief: User, reviewer: User) -> None:  # fmt: skip
    note = add_note(case, chief, "wrong shop", NOW)
    assert note
    assert not strike_note(note.pk, case, reviewer, NOW + timedelta(minutes=1))
    assert not strike_note(note.pk, case, chief, NOW + timedelta(minutes=10))
    assert strike_note(note.pk, case, chief, NOW + timedelta(minutes=9))
    assert not strike_note(note.pk, case, chief, NOW + timedelta(minutes=9))
    assert AuditRow.objects.filter(verb="note_struck", actor=chief).count() == 1
    assert Note.objects.get().words == "wrong shop"
    text = told(case, chief)
    assert "wrong shop" not in text
    assert "struck out" in text


def test_the_reason_of_a_deed_cannot_be_struck_out(case: Case, chief: User) -> None:
    reason = add_reason(case, chief, "merge", "one heap", NOW)  # type: ignore[arg-type]
    assert reason
    assert not strike_note(reason.pk, case, chief, NOW)
    answer = web(chief).post(f"/cases/{case.number}/note", {"strike": str(reason.pk)})
    assert answer.status_code == 409
    assert "within ten minutes" in answer.content.decode()
    assert web(chief).post(f"/cases/{case.number}/note", {"strike": "x"}).status_code == 409


def test_the_button_to_strike_out_is_on_ones_own_fresh_note_alone(case: Case, chief: User, reviewer: User) -> None:
    now = timezone.now()
    decide(reviewer, uuid4(), case.pk, "confirm", now)  # a reviewer who may still decide it reads no notes
    mine = add_note(case, chief, "mine", now)
    add_note(case, reviewer, "theirs", now)
    add_note(case, chief, "old", now - timedelta(minutes=11))
    page = web(chief).get(f"/cases/{case.number}/").content.decode()
    assert re.findall(r'name="strike" value="(\d+)"', page) == [str(mine and mine.pk)]


def test_notes_are_for_the_back_office_and_not_for_who_may_still_decide(case: Case, chief: User, reviewer: User) -> None:  # fmt: skip
    now = timezone.now()
    add_note(case, chief, "surely nothing", now)
    add_note(case, reviewer, "my own thought", now)
    li = User.objects.create_user("li", role="reviewer")
    assert "surely nothing" not in told(case, li)
    assert "my own thought" in told(case, reviewer)
    assert "surely nothing" not in told(case, reviewer)
    for role in ("supervisor", "auditor", "admin"):
        assert "surely nothing" in told(case, User.objects.create_user(role, role=role))
    destination, _ = add_destination(case.city, "city", "https://city.example/hook", sandbox=False, allow_private=False)
    Handover.objects.create(case=case, destination=destination, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW)  # fmt: skip
    officer = User.objects.create_user("officer", role="city")
    assert "surely nothing" not in told(case, officer)
    assert "Note" not in told(case, officer)
    decide(li, uuid4(), case.pk, "confirm", now)
    assert "surely nothing" in told(case, li)


@pytest.mark.parametrize("role", ["city", "auditor", "admin", "fleet"])
def test_who_may_not_write_has_no_form_and_is_refused(case: Case, role: str) -> None:
    person = User.objects.create_user("someone", role=role)
    assert web(person).post(f"/cases/{case.number}/note", {"words": "x"}).status_code == 403
    if role in ("auditor", "admin"):
        assert "<textarea" not in web(person).get(f"/cases/{case.number}/").content.decode()


def test_a_note_on_a_case_of_another_city_is_refused(case: Case, send: Any) -> None:
    from server.fleet.services import add_vehicle

    add_vehicle("JN-01", "jinan")
    send(vehicle="JN-01")
    other = Case.objects.exclude(city=case.city).get()
    theirs = User.objects.create_user("li", role="reviewer", city=other.city)
    assert web(theirs).post(f"/cases/{case.number}/note?city=taiyuan", {"words": "x"}).status_code == 404
    assert not Note.objects.exists()


def test_who_has_left_is_a_former_colleague(case: Case, chief: User, reviewer: User) -> None:
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), visible_ms=3200)
    add_note(case, reviewer, "near the school", timezone.now())
    assert "wang" in told(case, chief)
    User.objects.filter(id=reviewer.pk).update(is_active=False)
    text = told(case, chief)
    assert "wang" not in text
    assert "Verdict: confirmed · after 3.2 s former colleague" in text
    assert "Note: near the school former colleague" in text
