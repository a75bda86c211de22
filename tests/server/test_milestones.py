"""When a case was confirmed, handed over and fixed, and until when its city means to be done: kept on the case as it stands."""

from __future__ import annotations

from datetime import timedelta
from importlib import import_module
from typing import Any
from uuid import uuid4

import pytest
from django.apps import apps
from django.utils import timezone
from sightings import NOW

from server.cases.milestones import COLUMNS
from server.cases.models import Case
from server.cases.rules import State
from server.cases.services import move
from server.city.models import Handover
from server.city.reports import take_status
from server.city.services import add_destination, prepare_handovers, retract, send_due
from server.city.webhooks import Answer
from server.review.services import decide, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def handed(send: Any, reviewer: Any, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Case:
    """A case that the city has received."""
    monkeypatch.setattr("server.city.services.send", lambda *_: Answer(True, "CG-1"))
    settings.GRACE_S = 0
    send()
    Case.objects.update(category="road_damage")  # it has a deadline of its own
    screen_new(NOW)
    case = Case.objects.get()
    add_destination(case.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    leave()
    return Case.objects.get()


def leave() -> None:
    prepare_handovers(timezone.now())
    send_due(timezone.now())


def reached() -> list[bool]:
    return [getattr(Case.objects.get(), name) is not None for name in COLUMNS]


def says(case: Case, status: str) -> None:
    """The city does; a destination of its own word each time."""
    destination = Handover.objects.filter(case=case).latest("made_at").destination
    report = {"type": "case.status", "data": {"case_number": case.number, "status": status, "at": timezone.now().isoformat()}}  # fmt: skip
    assert take_status(destination, str(uuid4()), report, timezone.now())


def test_a_case_on_its_way_keeps_when_it_reached_what(handed: Case) -> None:
    assert reached() == [True, True, False, True]
    assert handed.confirmed_at is not None
    assert handed.handed_over_at is not None
    assert handed.confirmed_at <= handed.handed_over_at
    says(handed, "fixed")
    assert reached() == [True, True, True, True]


def test_what_is_taken_back_is_empty_again(send: Any, reviewer: Any) -> None:
    send()
    screen_new(NOW)
    decide(reviewer, uuid4(), Case.objects.get().pk, "confirm", timezone.now())
    assert reached() == [True, False, False, False]
    assert undo(reviewer, timezone.now())
    assert reached() == [False] * 4


def test_one_that_the_city_returned_begins_anew(handed: Case) -> None:
    says(handed, "returned")
    assert Case.objects.get().state == State.QUEUED
    assert reached() == [False] * 4


def test_one_reopened_has_its_first_hand_over_and_a_new_deadline(handed: Case) -> None:
    says(handed, "fixed")
    assert move(handed.pk, State.FIXED, State.REOPENED, timezone.now())
    assert reached() == [True, True, False, False]
    leave()
    assert reached() == [True, True, False, True]
    assert Case.objects.get().handed_over_at == handed.handed_over_at


def test_one_retracted_has_no_deadline(handed: Case) -> None:
    retract(handed, "a mistake", timezone.now(), None)
    assert reached() == [True, True, False, False]


def test_a_deadline_counts_from_the_first_receipt(handed: Case) -> None:
    add_destination(handed.city, "second", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    other = Handover.objects.get()
    other.pk, other.state, other.attempts, other.receipted_at = uuid4(), "waiting", 0, None
    other.destination = handed.city.destination_set.get(name="second")
    other.save(force_insert=True)
    send_due(timezone.now() + timedelta(days=1))
    assert Handover.objects.filter(receipted_at=None).count() == 0
    assert Case.objects.get().deadline_at == handed.deadline_at


@pytest.mark.parametrize("end", ["", "fixed", "returned", "reopened"])
def test_cases_from_before_get_theirs_from_their_moves(handed: Case, end: str) -> None:
    if end:
        says(handed, "fixed" if end == "reopened" else end)
    if end == "reopened":
        move(handed.pk, State.FIXED, State.REOPENED, timezone.now())
        leave()
    before = Case.objects.values(*COLUMNS).get()
    Case.objects.update(**dict.fromkeys(COLUMNS))
    import_module("server.cases.migrations.0009_fill_the_milestones").fill(apps, None)
    after = Case.objects.values(*COLUMNS).get()
    second = timedelta(seconds=5)
    assert {k: v is None for k, v in after.items()} == {k: v is None for k, v in before.items()}
    assert all(v is None or abs(v - before[k]) < second for k, v in after.items())
