"""Keys of one's own: chosen by pressing them, and then what the queue does, shows and explains."""

from __future__ import annotations

import re

import pytest
from browsing import DESK, PHONE, PRESS, Deal, Open, all_sent, answers, assert_fit_for_all, press, shown, shown_case
from playwright.sync_api import expect

from server.accounts.models import User
from server.review.models import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_key_is_chosen_by_pressing_it_and_stands_on_its_button(
    language: str, open_page: Open, deal: Deal, reviewer: User, errors: list[str]
) -> None:
    cases = deal(2)
    page = open_page("/me/keys/", reviewer, language)
    page.locator("#confirm [data-words]").click()
    expect(page.locator("#ask")).not_to_be_empty()
    press(page, "Space", "k")
    expect(page.locator("#confirm kbd")).to_have_text("K")
    page.locator("#unsure [data-words]").click()
    press(page, "d")
    expect(page.locator("[role=alert]")).to_contain_text("D")
    expect(page.locator("[role=alert]")).to_be_in_viewport()
    expect(page.locator("#unsure")).to_be_in_viewport()
    assert_fit_for_all(page, "taken")
    page.locator(".exchange button").click()
    expect(page.locator("#unsure kbd")).to_have_text("D")
    expect(page.locator("#reject kbd")).to_have_text("S")
    page.goto("/review/")
    confirm = page.locator("[data-do=confirm]")
    expect(confirm.locator("kbd")).to_have_text("K")
    expect(confirm).to_have_attribute("aria-keyshortcuts", "K")
    shown(page)
    press(page, "f")
    assert shown_case(page) == cases[0].pk
    press(page, "k")
    shown(page)
    press(page, "s", "s")
    all_sent(page)
    assert answers() == {cases[0].pk: ("confirm", None), cases[1].pk: ("reject", 2)}
    press(page, "?")
    expect(page.locator("#help .keys div").first).to_have_text(re.compile(r"^\s*K"))
    assert all("409" in each for each in errors)
    errors.clear()


def test_the_numeric_keypad_decides_too(open_page: Open, deal: Deal, reviewer: User) -> None:
    cases = deal(3)
    page = open_page("/me/keys/", reviewer)
    page.get_by_role("button", name="小键盘").click()
    expect(page.locator("[aria-pressed=true]")).to_have_text("小键盘")
    page.goto("/review/")
    for keys in (["NumpadAdd"], ["NumpadSubtract", "Numpad4"], ["Numpad0"]):
        shown(page)
        page.evaluate(PRESS, [{"code": "KeyF"}])
        for key in keys:
            page.keyboard.press(key)
    all_sent(page)
    assert answers() == dict(zip([c.pk for c in cases], [("confirm", None), ("reject", 4), ("unsure", None)], strict=True))  # fmt: skip


def test_the_signs_over_the_picture_show_their_keys_and_say_them_with_the_deed(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en")
    shown(page)
    for deed, key, words in (("note", "N", "note for this card"), ("merge", "G", "same as a case nearby"), ("bright", "V", "brighter shadows, then more contrast")):  # fmt: skip
        tool = page.locator(f"#tools [data-do={deed}]")
        expect(tool.locator("kbd")).to_be_visible()
        expect(tool.locator("kbd")).to_have_text(key)
        expect(tool).to_have_attribute("title", f"{words} ({key})")
    phone = open_page("/review/", reviewer, "en", **PHONE)
    shown(phone)
    expect(phone.locator("#tools kbd:visible")).to_have_count(0)


def test_keys_that_are_off_do_nothing_and_buttons_do_all(open_page: Open, deal: Deal, reviewer: User) -> None:
    case = deal(1)[0]
    page = open_page("/me/keys/", reviewer, "en")
    page.get_by_role("button", name="Off: buttons alone").click()
    page.goto("/review/")
    shown(page)
    expect(page.locator(".bar kbd").first).to_be_hidden()
    expect(page.locator("#tools kbd:visible")).to_have_count(0)
    expect(page.locator("#tools [data-do=note]")).to_have_attribute("title", "note for this card")
    press(page, *"fdsarxgnewqviptcb", "?", "+")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert shown_case(page) == case.pk
    page.locator("#help-button").click()
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    page.locator("[data-do=confirm]").press("Enter")
    all_sent(page)
    assert Verdict.objects.get().answer == "confirm"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_the_pages_of_ones_own_are_fit_for_all(
    device: dict[str, object], language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/me/keys/", reviewer, language, **device)
    assert_fit_for_all(page, "keys")
    page.goto("/review/")
    shown(page)
    page.locator("#help-button").click()
    expect(page.locator("#help [data-close]").first).to_be_visible()
    assert_fit_for_all(page, "help")
    page.keyboard.press("Escape")
    page.locator(".pages-button").click()
    expect(page.locator("#pages a").first).to_be_visible()
    assert_fit_for_all(page, "pages")


def test_the_row_that_waits_for_a_key_says_so_and_the_page_stays_where_it_was(open_page: Open, reviewer: User) -> None:
    page = open_page("/me/keys/", reviewer, "en")
    row = page.locator("#mend_place")
    row.locator("[data-words]").click()
    expect(row).to_have_class("asked")
    expect(row.locator(".asking")).to_have_text("press a key")
    expect(row.locator(".asking")).to_be_in_viewport()
    place = page.evaluate("scrollY")
    assert place > 0
    press(page, "m")
    expect(row.locator("kbd")).to_have_text("M")
    expect(row.locator(".asking")).to_have_count(0)
    page.wait_for_function("(place) => Math.abs(scrollY - place) < 40", arg=place)
