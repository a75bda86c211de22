"""Every page in headless Chromium: reached from every other, in both languages, fit for all."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browsing import (
    DESK,
    PASSWORD,
    PHONE,
    Deal,
    Open,
    assert_fit_for_all,
    assert_nothing_sticks_out,
    shown,
)
from django.utils import timezone
from playwright.sync_api import expect

from server.accounts.models import User
from server.cases.models import Case
from server.review.services import give_back, lease

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_supervisor_gets_from_the_queue_to_every_page_at_every_width(
    language: str, open_page: Open, deal: Deal
) -> None:
    deal(1)
    chief = User.objects.create_user("zhao-of-the-north-east", password=PASSWORD, role="supervisor")
    page = open_page("/review/", chief, language)
    shown(page)
    for width in (1440, 1100, 901, 900, 700, 601, 600, 481, 390):
        page.set_viewport_size({"width": width, "height": 844})
        assert_nothing_sticks_out(page, f"queue at {width}")
        page.locator(".pages-button").click()
        for address in ("/cases/", "/categories/", "/fleet/"):
            expect(page.locator(f".top a[href='{address}']")).to_be_in_viewport()
        page.keyboard.press("Escape")
    tops = [page.locator(f".top {each}").bounding_box() for each in (".brand", "[action*=logout]")]
    assert tops[0]
    assert tops[1]
    assert abs(tops[0]["y"] - tops[1]["y"]) < 20, "on a phone's width the sign-out has no line of its own"
    expect(page.locator(".top kbd:visible")).to_have_count(0)


def test_the_language_is_switched_on_the_page(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(1)
    page = open_page("/review/?filter=shadow", reviewer)
    expect(page.locator("#empty")).to_be_visible()
    page.locator("#empty a").press("Enter")
    for button, lang, word in (("EN", "en", "Confirm"), ("中文", "zh-Hans", "确认")):
        page.get_by_role("button", name=button).press("Enter")
        expect(page.locator("html")).to_have_attribute("lang", lang)
        expect(page.locator("[data-do=confirm]")).to_contain_text(word)
        shown(page)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_every_page_is_fit_for_all(
    device: dict[str, Any],
    language: str,
    open_page: Open,
    deal: Deal,
    reviewer: User,
    colleague: User,
    errors: list[str],
) -> None:
    case = deal(3)[0]
    assert_fit_for_all(open_page("/login/", language=language, **device), "login")
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    assert_fit_for_all(page, "card")
    for address in ("/cases/", f"/cases/{case.number}/"):
        page.goto(address)
        assert_fit_for_all(page, address)
    chief = User.objects.create_user("zhao", password=PASSWORD, role="supervisor")
    page = open_page("/categories/", chief, language, **device)
    assert language == "en" or not re.search(r"[A-Z][a-z]{3}", page.locator("thead").text_content() or "")
    assert_fit_for_all(page, "categories")
    Case.objects.filter(id=case.pk).update(shadow=True)
    page.goto("/review/?filter=shadow")
    shown(page)
    assert_fit_for_all(page, "card in shadow")
    give_back(reviewer)
    give_back(chief)
    for shadow in (False, True):
        lease(colleague, timezone.now(), 9, shadow=shadow)
    page.goto("/review/")
    expect(page.locator("#empty")).to_be_visible()
    assert_fit_for_all(page, "empty")
    page = open_page("/fleet/", User.objects.create_user("qian", password=PASSWORD, role="fleet"), language, **device)
    answer = page.goto("/review/")
    assert answer is not None
    assert answer.status == 403
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert_fit_for_all(page, "forbidden")
    assert all("403" in each for each in errors)
    errors.clear()
