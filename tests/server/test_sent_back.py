"""A case that a city sent back waits for a review again: its card says so on top with the city's words, and it is looked at alone."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.cases.models import Case
from server.cases.services import move
from server.city.models import StatusReport
from server.city.services import add_destination
from server.review.batch import lease_batch
from server.review.models import Verdict
from server.review.sent_back import count_sent_back, sent_back
from server.review.services import decide, lease
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cases(send: Any) -> list[Case]:
    for number in range(15):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


def returned(case: Case, words: str) -> None:
    """Confirmed, handed over, and sent back by the city with these words."""
    now = timezone.now()
    destination, _ = add_destination(case.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    for old, new in (("queued", "confirmed"), ("confirmed", "handed_over"), ("handed_over", "returned"), ("returned", "queued")):  # fmt: skip
        assert move(case.pk, old, new, now)
    StatusReport.objects.create(destination=destination, webhook_id=str(uuid4()), case=case, status="returned", text=words, reported_at=now, applied=True)  # fmt: skip


def test_the_card_says_on_top_that_the_city_sent_it_back_and_with_which_words(cases: list[Case], reviewer: Any) -> None:
    returned(cases[3], "this bin belongs to the railway")
    client = Client()
    client.force_login(reviewer)
    Case.objects.filter(id=cases[3].pk).update(priority=99.0)
    page = client.post(reverse("review_lease")).content.decode()
    assert page.count('class="card"') == 5
    assert page.count('class="sent-back"') == 1
    assert "城管退回：" in page
    assert "<q>this bin belongs to the railway</q>" in page
    assert f'aria-describedby="sent-back-{cases[3].pk}"' in page


def test_only_what_waits_for_a_review_again_is_said_to_have_been_sent_back(cases: list[Case], reviewer: Any) -> None:
    returned(cases[0], "not ours")
    assert [each.words for each in sent_back([case.pk for case in cases]).values()] == ["not ours"]
    assert count_sent_back([cases[0].city_id]) == 1
    lease(reviewer, timezone.now(), 20)
    decide(reviewer, uuid4(), cases[0].pk, "reject", timezone.now(), reason=1)
    assert sent_back([cases[0].pk]) == {}
    assert count_sent_back([cases[0].city_id]) == 0
    move(cases[0].pk, "rejected", "queued", timezone.now())
    Case.objects.filter(id=cases[0].pk).update(retracted_at=timezone.now() + timedelta(seconds=1))
    assert sent_back([cases[0].pk]) == {}


def test_what_a_city_sent_back_is_never_among_twelve_answered_together(cases: list[Case], reviewer: Any) -> None:
    gone = User.objects.create_user("gone", role="reviewer", is_active=False)
    Verdict.objects.bulk_create(
        Verdict(id=uuid4(), case=cases[0], person=gone, answer="confirm", city=cases[0].city, proposed="bagged_garbage", probability=0.8, at=NOW)
        for _ in range(250)
    )  # fmt: skip
    for case in cases[:3]:
        returned(case, "look again")
    laid = lease_batch(reviewer, timezone.now())
    assert laid is not None
    assert not {each.pk for each in laid.cases} & {each.pk for each in cases[:3]}
    returned(cases[3], "look again")
    Case.objects.update(lease_by=None, lease_until=None)
    assert lease_batch(reviewer, timezone.now()) is None


def test_the_overview_says_how_many_of_those_to_review_a_city_sent_back(cases: list[Case], reviewer: Any) -> None:
    chief, client = User.objects.create_user("zhao", role="supervisor"), Client()
    client.force_login(chief)
    assert "其中城管退回" not in client.get(reverse("dashboard")).content.decode()
    returned(cases[0], "not ours")
    assert "其中城管退回 1 件" in client.get(reverse("dashboard")).content.decode()
