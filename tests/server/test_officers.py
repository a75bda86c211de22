"""What a city's officer is told: what they returned is under review, what they may ask for is what they can meet, and where they answer."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.cases.models import Case
from server.cases.officers import MET, replies_line, states_asked
from server.cases.rules import State
from server.city.models import Destination, Handover
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)
STATES = ("handed_over", "queued", "disputed", "confirmed", "queued")


@pytest.fixture
def came(send: Any) -> list[Case]:
    """Four cases that came to a city, two of them returned and under review again; and a fifth that waits and never left."""
    for number in range(len(STATES)):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    cases = list(Case.objects.select_related("city").order_by("id"))
    town = Destination.objects.create(city=cases[0].city, name="town-11", url="http://town/", secret_file="s")
    now = timezone.now()
    for case, state in zip(cases, STATES, strict=True):
        Case.objects.filter(id=case.pk).update(state=state)
    for case in cases[:-1]:
        Handover.objects.create(case=case, destination=town, kind="case.confirmed", body={}, next_try_at=now, receipted_at=now)  # fmt: skip
    return cases


@pytest.fixture
def officer(came: list[Case]) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(User.objects.create_user("sun", role="city", city=came[0].city))
    return client


def words_of(answer: Any) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


def numbers(answer: Any) -> list[int]:
    return sorted(row["case"].number for row in answer.context["rows"])


def test_what_was_returned_is_under_review_and_found_as_that(came: list[Case], officer: Client, reviewer: Any) -> None:
    for path in (f"/cases/{came[1].number}/", f"/cases/{came[2].number}/", "/cases/?state=all"):
        assert "returned, under review" in words_of(officer.get(path)), path
    assert "to review" not in words_of(officer.get("/cases/?state=all"))
    found = officer.get("/cases/?state=returned")
    assert numbers(found) == [came[1].number, came[2].number]
    assert officer.get(f"/cases/{came[4].number}/").status_code == 404
    assert numbers(officer.get("/cases/?state=confirmed")) == [came[3].number]
    _, select = found.content.decode().split('<select name="state">')
    offered = re.findall(r'<option value="([a-z_]+)"', select.split("</select>")[0])
    assert set(offered) == {"all", *MET}
    inside = Client(headers={"Accept-Language": "en"})
    inside.force_login(User.objects.create_user("zhao", role="supervisor"))
    assert numbers(inside.get("/cases/?state=returned")) == []
    assert "to review" in words_of(inside.get("/cases/"))


def test_an_officer_reads_where_they_answer_and_nobody_else_does(
    came: list[Case], officer: Client, reviewer: Any
) -> None:
    line = "States come from the city's own system (town-11): answer there. Here they can only be read."
    for path in ("/cases/", f"/cases/{came[0].number}/"):
        assert line in words_of(officer.get(path)).replace("&#x27;", "'"), path
    assert replies_line(reviewer) == ""
    assert {key for key, _ in states_asked(reviewer)} == {*State} - {State.MERGED}
    Destination.objects.update(enabled=False)
    assert "answer there" not in words_of(officer.get("/cases/"))
