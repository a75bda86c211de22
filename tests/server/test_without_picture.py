"""A sighting that travelled as text: it makes a case like any other, and a later one with a picture is what a person sees."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from sightings import NOW

from server.cases.models import Case
from server.city.services import _body
from server.review.cards import card_of
from server.screening.services import best_picture, screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def web(reviewer: Any) -> Client:
    client = Client()
    client.force_login(reviewer)
    return client


def test_it_is_stored_joined_screened_and_shown(send: Any, web: Client) -> None:
    assert send(pictures=()).outcome == "accepted"
    screen_new(NOW)
    case = Case.objects.get()
    assert best_picture(case) is None
    assert card_of(case, {}, Case.objects.all()).pictures == []
    for address in (f"/cases/{case.number}/", "/review/", "/cases/"):
        assert web.get(address).status_code == 200, address
    assert _body(case, NOW)["picture_box"] is None


def test_the_surest_may_be_text_and_the_picture_is_anothers(send: Any) -> None:
    send(outbox=UUID(int=1), probability=0.95, pictures=())
    send(outbox=UUID(int=2), probability=0.9, pictures=(), north_m=0.3)
    send(outbox=UUID(int=3), probability=0.6, north_m=0.5)
    case = Case.objects.get()
    picture = best_picture(case)
    assert picture is not None
    assert picture.sighting.probability == 0.6
    assert [each.sha256 for each in card_of(case, {}, Case.objects.all()).pictures] == [picture.sha256]
