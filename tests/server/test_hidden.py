"""Pictures that are hidden because of a face: every case that shows the same ones says why it does not."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.cases.models import Case
from server.city.models import Destination, Handover
from server.review.services import decide, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db
SAID = "Not shown because a face or a number plate was seen: 1 of the pictures."


@pytest.fixture
def alike(send: Any) -> list[Case]:
    """Two cases with the same picture, and one with another."""
    for number in range(3):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=5 if number < 2 else 6)
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


def page_of(case: Case, person: User) -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    return client.get(f"/cases/{case.number}/").content.decode()


def told(page: str) -> str:
    found = re.search(r'<p class="small hidden-pictures">(.*?)</p>', page, re.S)
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split()) if found else ""


def test_a_picture_that_was_hidden_in_another_case_says_why_it_is_not_shown(alike: list[Case], reviewer: User) -> None:
    reported, same, other = alike
    chief = User.objects.create_user("zhao", role="supervisor")
    assert [told(page_of(case, chief)) for case in alike] == ["", "", ""]
    decide(reviewer, uuid4(), reported.pk, "reject", timezone.now(), reason=8)
    for person in (chief, User.objects.create_user("li", role="reviewer"), User.objects.create_user("sun", role="auditor")):  # fmt: skip
        assert told(page_of(reported, person)) == SAID
        assert told(page_of(other, person)) == ""
        page = page_of(same, person)
        assert told(page) == f"{SAID} It was reported in another case that shows the same: Case {reported.number}"
        assert f'<a href="/cases/{reported.number}/">' in page
        assert "wang" not in told(page)
    undo(reviewer, timezone.now())
    assert [told(page_of(case, chief)) for case in alike] == ["", "", ""]


def test_a_city_learns_why_and_not_of_a_case_that_it_never_got(alike: list[Case], reviewer: User) -> None:
    reported, same, _other = alike
    town = Destination.objects.create(city=same.city, name="town", url="http://town/", secret_file="s")
    Handover.objects.create(case=same, destination=town, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW)  # fmt: skip
    decide(reviewer, uuid4(), reported.pk, "reject", timezone.now(), reason=8)
    assert told(page_of(same, User.objects.create_user("officer", role="city"))) == SAID
