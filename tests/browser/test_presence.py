"""Cards are held for who is there: a page that nobody is at gives them back and takes none, and begins again at any key or touch."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import DESK, PHONE, Deal, Open, assert_fit_for_all, card, press, shown
from playwright.sync_api import expect

from server.accounts.models import User
from server.cases.models import Case

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def held() -> int:
    return Case.objects.exclude(lease_by=None).count()


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_page_that_nobody_is_at_gives_its_cards_back_and_takes_none_until_somebody_comes(device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    deal(7)
    page = open_page("/", reviewer, "en", **device)
    page.clock.install()
    page.goto("/review/")
    shown(page)
    assert held() == 5
    page.clock.fast_forward("04:30")
    assert held() == 5
    page.clock.fast_forward("00:40")
    expect(page.locator("#empty h1")).to_have_text("Cards that wait: 7")
    expect(page.locator("#empty")).to_contain_text("Nobody was here for a while")
    assert held() == 0
    assert_fit_for_all(page, "a page that rests")
    page.clock.fast_forward("01:10")
    page.clock.run_for(1000)
    expect(page.locator("#waiting")).to_have_text("7")
    assert held() == 0
    if device is PHONE:
        page.locator("#empty h1").tap()
    else:
        press(page, "k")
    shown(page)
    assert held() == 5


def test_what_was_begun_on_a_card_is_kept_and_an_empty_page_takes_what_comes_only_while_somebody_is_there(open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    deal(2)
    page = open_page("/", reviewer, "en")
    page.clock.install()
    page.goto("/review/")
    shown(page)
    press(page, "n")
    page.locator("#note textarea").fill("half a word")
    page.clock.fast_forward("06:00")
    page.clock.run_for(6000)
    expect(page.locator("#note textarea")).to_have_value("half a word")
    assert held() == 2
    press(page, "Escape")
    Case.objects.update(state="rejected")
    page.goto("/review/")
    expect(page.locator("#empty h1")).to_have_text("All reviewed")
    Case.objects.update(state="queued", lease_by=None, lease_until=None)
    page.clock.fast_forward("01:10")
    expect(page.locator("#empty h1")).to_have_text("Cards that wait: 2")
    assert held() == 0
    page.mouse.move(300, 300)
    page.clock.fast_forward("00:31")
    expect(card(page)).to_be_visible()
    assert held() == 2


def test_who_works_in_one_window_holds_the_cards_of_the_other(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(7)
    idle = open_page("/", reviewer, "en")
    idle.clock.install()
    idle.goto("/review/")
    shown(idle)
    busy = idle.context.new_page()
    busy.goto("/cases/")
    idle.clock.fast_forward("04:00")
    busy.evaluate("when => localStorage.setItem('trikeye-last-sign', when)", idle.evaluate("() => Date.now()"))
    idle.clock.fast_forward("02:00")
    idle.clock.run_for(6000)
    assert held() == 5
    idle.clock.fast_forward("03:10")
    expect(idle.locator("#empty h1")).to_have_text("Cards that wait: 7")
    assert held() == 0


def test_the_page_of_a_case_leads_to_its_card_and_a_card_that_cannot_be_had_is_told(open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    last = deal(7)[-1]
    page = open_page(f"/cases/{last.number}/", reviewer, "en")
    page.get_by_role("link", name="Review this card").press("Enter")
    assert shown(page) == last.pk
    assert page.url.endswith("/review/")
    Case.objects.filter(id=last.pk).update(state="confirmed", lease_by=None)
    page.goto(f"/review/?case={last.number}")
    expect(page.locator("#live")).to_contain_text("cannot be reviewed here now")
    assert shown(page) != last.pk
