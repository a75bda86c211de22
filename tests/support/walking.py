"""Walks of people through the pages: somebody of each role, how they get about, and the words that they read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from browsing import PASSWORD
from django.utils import timezone, translation
from playwright.sync_api import Page, expect

if TYPE_CHECKING:  # a conftest is read before there are models
    from server.accounts.models import User
    from server.cases.models import Case

LANGUAGES = pytest.mark.parametrize("language", ["zh-hans", "en"])


@pytest.fixture
def people(db: None) -> dict[str, User]:
    """Somebody of each role."""
    from server.accounts.models import User

    return {role: User.objects.create_user(f"a-{role}", password=PASSWORD, role=role) for role in User.Role}


@pytest.fixture
def hand_over(settings: Any, monkeypatch: pytest.MonkeyPatch, reviewer: User) -> Callable[[Case], None]:
    """Confirm a case, unless somebody did, and hand it to its city, which gives a receipt."""
    from server.cases.rules import State
    from server.city.services import add_destination, prepare_handovers, send_due
    from server.city.webhooks import Answer
    from server.review.models import Verdict
    from server.review.services import decide

    settings.GRACE_S = 0
    monkeypatch.setattr("server.city.services.send", lambda *_: Answer(True, "CG-1"))

    def hand_over_(case: Case) -> None:
        add_destination(case.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
        if not Verdict.objects.filter(case=case).exists():
            decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
        prepare_handovers(timezone.now())
        send_due(timezone.now())
        case.refresh_from_db()
        assert case.state == State.HANDED_OVER

    return hand_over_


def said(language: str, words: Callable[..., str], *about: Any) -> str:
    """The page's own words in a language."""
    with translation.override(language):
        return words(*about)


def go(page: Page, address: str) -> None:
    """Follow a link of the navigation, which is behind a button on narrow screens."""
    link = page.locator(f".top nav a[href='{address}']")
    if not link.is_visible():
        page.locator(".pages-button").press("Enter")
    link.press("Enter")
    expect(page).to_have_url(re.compile(f"{address}$"))


def do(page: Page, deed: str, **fields: str) -> None:
    """Unfold a form of a case's page by the end of its address, fill it in and send it."""
    form = page.locator(f"form[action*='/{deed}']")
    page.locator("details", has=form).locator("summary").first.press("Enter")
    for name, value in fields.items():
        form.locator(f"[name={name}]").fill(value)
    form.locator("button.primary").press("Enter")
