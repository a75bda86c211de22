"""Cases as pages: a history in words."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW

from server.cases.models import Case
from server.city.services import add_destination, prepare_handovers, send_due, take_status
from server.city.webhooks import Answer
from server.review.services import decide
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def web(reviewer: Any) -> Client:
    """A browser without script, signed in."""
    client = Client()
    client.force_login(reviewer)
    return client


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_history_of_a_case_is_told_in_words(
    language: str, send: Any, web: Client, reviewer: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.city.services.send", lambda *_: Answer(True, "CG-1"))
    settings.GRACE_S = 0
    send()
    screen_new(NOW)
    case = Case.objects.get()
    destination, _ = add_destination(case.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    send_due(timezone.now())
    report = {"type": "case.status", "data": {"case_number": case.number, "status": "fixed", "at": NOW.isoformat()}}
    assert take_status(destination, "m1", report, NOW)
    web.cookies["trikeye_language"] = language
    page = web.get(f"/cases/{case.number}/").content.decode()
    told = re.sub(r"<[^>]+>", " ", page)
    for words in ("已移交 → 已处置", "已签收") if language == "zh-hans" else ("handed over → fixed", "received"):
        assert words in told
    codes = (
        "case_opened",
        "case_moved",
        "handover_",
        "city_status",
        "handed_over",
        "case.confirmed",
        "receipted",
        "queued",
    )
    assert not [code for code in codes if code in told]
