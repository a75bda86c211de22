"""The queue under a thumb: what is in reach, and lists that stay where they are."""

from __future__ import annotations

import pytest
from browsing import NARROWEST_PX, PHONE, Deal, Open, card, press, shown
from playwright.sync_api import expect

from models.taxonomy import CATEGORIES
from server.accounts.models import User

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SIZES = pytest.mark.parametrize("width", [PHONE["viewport"]["width"], NARROWEST_PX])

WHERE_THE_LIST_BEGINS_PX = """([kinds, rows]) => [...new Set(rows.map(([name, meaning]) => {
  kinds.querySelector("[data-now]").textContent = name;
  kinds.querySelector("[data-meaning]").textContent = meaning;
  return Math.round(kinds.querySelector(".grid").getBoundingClientRect().top);
}))]"""


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@SIZES
def test_the_list_of_kinds_begins_at_one_height_whatever_the_card_is(width: int, language: str, open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    """A thumb that remembers a button must not choose a category."""
    deal(1)
    page = open_page("/review/", reviewer, language, **PHONE | {"viewport": {"width": width, "height": 844}})
    shown(page)
    page.locator(".bar [data-do=change]").tap()
    rows = [[each.name(language), each.meaning(language)] for each in CATEGORIES.values()]
    assert len(page.evaluate(WHERE_THE_LIST_BEGINS_PX, [page.locator("#kinds").element_handle(), rows])) == 1


@SIZES
def test_skip_is_in_sight_and_the_row_begins_anew_with_each_card(
    width: int, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(2)
    page = open_page("/review/", reviewer, "en", **PHONE | {"viewport": {"width": width, "height": 844}})
    first = shown(page)
    tools = page.locator("#tools")
    expect(tools.locator("[data-do=skip]")).to_be_in_viewport(ratio=1)
    for deed in ("larger", "smaller"):
        expect(tools.locator(f"[data-do={deed}]"), "two fingers do it").to_be_hidden()
    page.locator("#help-button").click()
    icons = page.locator("#help .icons li")
    expect(icons).to_have_count(tools.locator("button").count() - 2)
    expect(icons.first).to_have_text("skip")
    press(page, "Escape")
    tools.evaluate("(each) => { each.scrollLeft = 200; }")
    expect(tools.locator("[data-do=skip]")).not_to_be_in_viewport()
    page.locator(".bar [data-do=confirm]").tap()
    expect(card(page)).not_to_have_attribute("data-case", str(first))
    expect(tools.locator("[data-do=skip]")).to_be_in_viewport(ratio=1)


@SIZES
def test_the_list_of_kinds_stays_in_its_place_and_says_what_the_card_is_now(
    width: int, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en", **PHONE | {"viewport": {"width": width, "height": 844}})
    shown(page)
    page.locator(".bar [data-do=change]").tap()
    kinds = page.locator("#kinds")
    expect(kinds.locator(".now b")).to_have_text("Bagged garbage left on the kerb")
    first = kinds.locator("[data-kind]").first
    row, name, meaning = (each.bounding_box() for each in (first, first.locator("b"), first.locator(".small")))
    assert row
    assert name
    assert meaning
    assert meaning["y"] >= name["y"] + name["height"] - 1, "beneath its name"
    assert name["x"] - row["x"] < 12, "no room for a digit that is not there"
    sheet, field = kinds.bounding_box(), kinds.locator("input").bounding_box()
    kinds.locator("input").fill("qqq")
    expect(kinds.locator("[data-kind]")).to_have_count(0)
    assert (kinds.bounding_box(), kinds.locator("input").bounding_box()) == (sheet, field)
    kinds.locator("[data-close]").tap()
    page.locator(".bar [data-do=reject]").tap()
    expect(page.locator("#reasons .now b")).to_have_text("Bagged garbage left on the kerb")
