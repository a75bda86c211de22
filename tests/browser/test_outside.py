"""A tap beside a dialog, the help that fills a phone, and the signs over the picture there."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import DESK, PHONE, Deal, Open, assert_fit_for_all, card, press, shown
from playwright.sync_api import Page, expect

from server.accounts.models import User
from server.review.models import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
WORDS_FIT = """(each) => {
  const pen = document.createElement("canvas").getContext("2d"), style = getComputedStyle(each), arrow_px = 20;
  pen.font = style.font;
  return pen.measureText(each.selectedOptions[0].text).width + parseFloat(style.paddingLeft) + parseFloat(style.paddingRight) + arrow_px <= each.clientWidth;
}"""
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


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_signs_over_a_phones_picture_have_words_in_a_row_that_goes_on(
    language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, language, **PHONE)
    shown(page)
    tools = page.locator("#tools > button:visible")
    assert tools.count() == 9, "all but the two that two fingers do better"
    for tool in tools.all():
        tool.scroll_into_view_if_needed()
        room, word = tool.bounding_box(), tool.locator(".word")
        said = word.bounding_box()
        assert room
        assert said
        assert min(room["width"], room["height"]) >= 44
        assert said["x"] >= room["x"], "the word stands on its button"
        assert said["x"] + said["width"] <= room["x"] + room["width"]
        assert said["y"] + said["height"] <= room["y"] + room["height"]
        assert (word.text_content() or "") in (tool.get_attribute("title") or "")
    assert_fit_for_all(page, "signs")


@BOTH
def test_the_map_is_seen_at_once_on_a_phone_with_what_is_asked_for_in_a_line(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/cases/map/?severity=medium&q=road", reviewer, "en", **device)
    line, stage = page.locator("#filters > summary"), page.locator(".map-stage")
    search = page.locator("#filters [name=q]")
    expect(stage).to_be_visible()
    if device is DESK:
        expect(line).to_be_hidden()
        expect(search).to_be_visible()
        return
    expect(search).to_be_hidden()
    for words in ("all that are open", "road", "medium"):
        expect(line).to_contain_text(words)
    box = stage.bounding_box()
    assert box
    assert box["y"] < 200
    assert_fit_for_all(page, "map")
    line.click()
    expect(search).to_be_visible()
    state = page.locator("#filters [name=state]")
    state.select_option("")
    assert state.evaluate(WORDS_FIT), "nothing of it is cut off"
