"""The queue's page may be asked to begin with one case; and what it says where it has no card: how many wait, who has the last ones, whether all is reviewed."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.cases.models import Case
from server.review.models import Dispute, Look
from server.review.services import count_free, decide, give_back, lease, lease_one
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cases(send: Any) -> list[Case]:
    for number in range(8):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    return list(Case.objects.order_by("-priority", "id"))


@pytest.fixture
def li(db: None) -> User:
    return User.objects.create_user("li", role="reviewer")


def page_of(person: User) -> Client:
    client = Client()
    client.force_login(person)
    return client


def dealt(client: Client, **fields: Any) -> tuple[list[int], str | None]:
    """The cases of the cards that a lease gave, and what it says of the one that was asked for."""
    response = client.post(reverse("review_lease"), fields)
    return [int(each) for each in re.findall(r'class="card" data-case="(\d+)"', response.content.decode())], response.headers.get("X-first")  # fmt: skip


def test_the_case_page_leads_to_its_card_which_comes_first_though_it_is_worth_least(
    cases: list[Case], reviewer: Any
) -> None:
    last, client = cases[-1], page_of(reviewer)
    page = client.get(reverse("case", args=[last.number])).content.decode()
    address = re.search(r'href="(/review/\?[^"]+)"', page)
    assert address is not None
    queue = client.get(address[1].replace("&amp;", "&")).content.decode()
    assert f'data-first="{last.pk}"' in queue
    ids, told = dealt(client, first=last.pk)
    assert (ids[0], len(ids), told) == (last.pk, 5, None)
    decide(reviewer, uuid4(), last.pk, "confirm", timezone.now())
    assert "/review/?case" not in client.get(reverse("case", args=[last.number])).content.decode()
    assert dealt(client, first=last.pk)[1] == "gone"


def test_a_card_that_a_colleague_has_is_not_taken_from_them_and_the_page_says_so(cases: list[Case], reviewer: Any, li: User) -> None:  # fmt: skip
    lease(li, timezone.now(), 3)
    ids, told = dealt(page_of(reviewer), first=cases[0].pk)
    assert (cases[0].pk in ids, told) == (False, "gone")
    give_back(li)
    assert lease_one(reviewer, timezone.now(), cases[0].pk)
    for number in ("0", "999999999", "x"):
        assert 'data-first="0"' in page_of(reviewer).get(reverse("review_queue"), {"case": number}).content.decode()


def test_a_decided_case_that_is_looked_at_again_is_had_as_if_nobody_had_answered_it_and_one_in_dispute_is_not(cases: list[Case], reviewer: Any, li: User, settings: Any) -> None:  # fmt: skip
    settings.SECOND_SHARE = 1.0
    lease(reviewer, timezone.now(), 3)
    decide(reviewer, uuid4(), cases[0].pk, "confirm", timezone.now())
    assert Look.objects.count() == 1
    assert not lease_one(reviewer, timezone.now(), cases[0].pk)
    give_back(reviewer)
    ids, told = dealt(page_of(li), first=cases[0].pk)
    assert (ids[0], told) == (cases[0].pk, None)
    decide(li, uuid4(), cases[0].pk, "reject", timezone.now(), reason=1)
    assert Dispute.objects.count() == 1
    assert not lease_one(User.objects.create_user("sun", role="reviewer"), timezone.now(), cases[0].pk)


def test_a_page_without_a_card_says_how_many_wait_who_has_the_last_ones_or_that_all_is_reviewed(cases: list[Case], reviewer: Any, li: User) -> None:  # fmt: skip
    client, now = page_of(reviewer), timezone.now()
    told = client.get(reverse("review_nothing"))
    assert "待审 8 张" in told.content.decode()
    assert "data-waits" in told.content.decode()
    assert told.headers["X-waiting"] == "8"
    assert not Case.objects.exclude(lease_by=None).exists()
    lease(li, now, 20)
    assert count_free(reviewer, now, shadow=False) == 0
    page = client.get(reverse("review_nothing")).content.decode()
    assert "剩下的卡片都在同事手里" in page
    assert "全部审完" not in page
    for case in cases:
        decide(li, uuid4(), case.pk, "confirm", now)
    page = client.get(reverse("review_nothing")).content.decode()
    assert "全部审完" in page
    assert "data-waits" not in page
