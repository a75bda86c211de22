"""What a city's officer is told: what they returned is under review, what they may ask for is what they can meet, and where they answer."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.accounts.services import cases_for
from server.cases.filters import Filter
from server.cases.models import Case
from server.cases.officers import MET, replies_line, states_asked
from server.cases.rules import State
from server.cases.search import search
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
    assert numbers(found) == [came[1].number, came[2].number, came[3].number], (
        "confirmed again, and not handed over yet"
    )
    assert officer.get(f"/cases/{came[4].number}/").status_code == 404
    _, select = found.content.decode().split('<select name="state">')
    offered = re.findall(r'<option value="([a-z_]+)"', select.split("</select>")[0])
    assert set(offered) == {"all", *MET}
    assert "confirmed" not in offered
    Case.objects.filter(id=came[3].pk).update(state="rejected")
    assert "returned, and closed" in words_of(officer.get("/cases/?state=rejected"))
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


@pytest.fixture
def received(came: list[Case]) -> list[Case]:
    """The same, that came on three days: the first one last, since it came again; the fourth to a second destination too."""
    other = Destination.objects.create(city=came[0].city, name="town-12", url="http://town/", secret_file="s")
    for case, day in zip(came, (1, 5, 5, 3), strict=False):
        Handover.objects.filter(case=case).update(receipted_at=NOW + timedelta(days=day))
    for case, day, to in ((came[0], 8, came[0].handovers.get().destination), (came[3], 2, other)):
        Handover.objects.create(case=case, destination=to, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW + timedelta(days=day))  # fmt: skip
    return came


def test_an_officer_sees_and_orders_by_when_a_case_came(received: list[Case], officer: Client) -> None:
    listed = officer.get("/cases/?state=all&order=came")
    by_coming = [row["case"].pk for row in listed.context["rows"]]
    assert by_coming == [received[n].pk for n in (0, 2, 1, 3)], (
        "each once, the latest first, of two at one instant the newer"
    )
    head = listed.content.decode().split("<thead>")[1]
    assert "<th>Came to the city</th>" in head
    assert "Last seen" not in head
    day = timezone.localtime(NOW + timedelta(days=8))
    assert re.search(rf'<td class="seen came"[^>]*><time[^>]*>{day:%Y-%m-%d %H:%M}<', head)
    person, pages, after = User.objects.get(username="sun"), list[int](), ""
    for _ in received[:-1]:
        found = search(cases_for(person), [received[0].city_id], Filter(state="all", order="came", after=after), 1, reader=person)  # fmt: skip
        pages += [case.pk for case in found.cases]
        after = found.after
    assert (pages, after) == (by_coming, "")
    inside = Client(headers={"Accept-Language": "en"})
    inside.force_login(User.objects.create_user("zhao", role="supervisor"))
    told = inside.get("/cases/?state=all&order=came").content.decode()
    assert 'value="came"' not in told
    assert "Last seen" in told


def test_days_of_an_officer_are_those_on_which_cases_came(received: list[Case], officer: Client) -> None:
    """In any order; and the form says so."""

    def on(first: int, last: int, order: str = "") -> list[int]:
        since, until = (f"{timezone.localdate(NOW + timedelta(days=day))}" for day in (first, last))
        return numbers(officer.get(f"/cases/?state=all&since={since}&until={until}&order={order}"))

    for order in ("", "came"):
        assert on(5, 5, order) == [received[1].number, received[2].number]
        assert on(8, 9, order) == [received[0].number]
        assert on(20, 30, order) == []
    assert on(2, 2) == [received[3].number], "to the second destination"
    Case.objects.update(deadline_at=NOW, handed_over_at=NOW)
    assert on(8, 8, "deadline") == [received[0].number]
    assert on(5, 5, "deadline") == [], "both are under review again"
    assert "Came to the city from" in words_of(officer.get("/cases/"))
    assert "Last seen from" not in words_of(officer.get("/cases/"))


def test_what_came_is_walked_along_its_index(received: list[Case], officer: Client) -> None:
    with CaptureQueriesContext(connection) as queries:
        officer.get("/cases/?state=all&order=came&after=1793000000000000.2&since=2026-11-01")
    looks = [each["sql"] for each in queries if "receipted_at" in each["sql"] and re.search(r"LIMIT (1000|30001)$", each["sql"])]  # fmt: skip
    assert len(looks) >= 4, "of each destination what came before, and what on the days"
    with connection.cursor() as cursor:
        for look in looks:
            plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {look}").fetchall())
            assert "INDEX handover_when (destination_id=? AND kind=? AND receipted_at" in plan, plan
            assert "B-TREE" not in plan
