"""A tap beside a dialog, the help that fills a phone, and the signs over the picture there."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import DESK, PHONE, Deal, Open, assert_fit_for_all, card, press, shown
from playwright.sync_api import Page, expect

from server.accounts.models import User
from server.review.models import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOTH = pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])


def beside(page: Page) -> tuple[float, float]:
    """On the picture, which no dialog about a card covers, above it on a phone."""
    stage = card(page).locator(".stage").bounding_box()
    assert stage is not None
    return stage["x"] + 30, stage["y"] + 60


@BOTH
def test_a_tap_beside_a_dialog_leads_back_unless_words_would_be_lost(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en", **device)
    tap = page.mouse.click if device is DESK else page.touchscreen.tap
    shown(page)
    for key, name in (("d", "reasons"), ("r", "kinds"), ("g", "merge"), ("n", "note")):
        press(page, key)
        dialog = page.locator(f"#{name}")
        expect(dialog).to_be_visible()
        title = dialog.locator("h2").bounding_box()
        assert title
        tap(title["x"] + 5, title["y"] + 5)
        expect(dialog).to_be_visible()
        tap(*beside(page))
        expect(dialog).to_be_hidden()
    press(page, "n")
    note = page.locator("#note")
    page.keyboard.type("a wet leaf")
    tap(*beside(page))
    expect(note).to_be_visible()
    expect(note.locator("textarea")).to_have_value("a wet leaf")
    note.locator("textarea").focus()
    press(page, *["Backspace"] * 10)
    tap(*beside(page))
    expect(note).to_be_hidden()
    if device is DESK:
        press(page, "d")
        reasons = page.locator("#reasons")
        title = reasons.locator("h2").bounding_box()
        assert title
        page.mouse.move(title["x"] + 5, title["y"] + 5)
        page.mouse.down()
        page.mouse.move(*beside(page))
        page.mouse.up()
        expect(reasons).to_be_visible()
    assert not Verdict.objects.exists()


@BOTH
def test_the_help_is_left_by_a_button_that_stays_in_sight(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en", **device)
    shown(page)
    page.locator("#help-button").click()
    help_ = page.locator("#help")
    assert_fit_for_all(page, "help")
    close = help_.get_by_role("button", name="close").first
    before = close.bounding_box()
    help_.evaluate("(each) => each.scrollTo(0, each.scrollHeight)")
    assert before
    assert min(before["width"], before["height"]) >= 44
    assert close.bounding_box() == before
    close.click()
    expect(help_).to_be_hidden()
