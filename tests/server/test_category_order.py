"""Wherever a category is chosen from a list, the list has the order of the cases' filter: by subject."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.cases.models import Case
from server.review.models import Dispute
from server.review.services import decide, lease
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.parametrize("language", ["en", "zh-Hans"])
def test_every_list_of_categories_has_one_order(language: str, send: Any, reviewer: User, settings: Any) -> None:
    settings.SECOND_SHARE = 1.0
    send(outbox=UUID(int=1))
    screen_new(NOW)
    case = Case.objects.get()
    lease(reviewer, timezone.now())
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    li = User.objects.create_user("li", role="reviewer")
    lease(li, timezone.now())
    decide(li, uuid4(), case.pk, "reject", timezone.now(), reason=1)
    assert Dispute.objects.count() == 1
    client = Client(headers={"Accept-Language": language})
    client.force_login(User.objects.create_user("zhao", role="supervisor"))
    pages = {address: client.get(address).content.decode() for address in ("/cases/", "/review/", "/review/disputes/")}
    Case.objects.update(state="fixed")
    pages["gold"] = client.get(f"/review/gold/?case={case.number}").content.decode()
    for address, page in pages.items():
        options = re.findall(r'<option value="(\w+)"', page.split('<select name="category"')[1].split("</select>")[0])
        assert options == list(CATEGORIES), address
