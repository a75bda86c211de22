"""The page of categories as a supervisor uses it: what is live stands first, and one of 73 is found by its name."""

from __future__ import annotations

from typing import Any

import pytest
from browsing import DESK, PHONE, Deal, Open, assert_fit_for_all, press
from playwright.sync_api import expect

from server.accounts.models import User
from server.categories.models import CategoryStanding

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_category_is_found_by_name_and_put_elsewhere(open_page: Open, deal: Deal, language: str, device: dict[str, Any]) -> None:  # fmt: skip
    deal(1)
    live = CategoryStanding.objects.filter(standing="live").count()
    page = open_page("/categories/", User.objects.create_user("zhao", role="supervisor"), language, **device)
    tags = page.locator("tbody tr .tag")
    assert [tags.nth(number).get_attribute("class") for number in range(live)] == ["tag standing-live"] * live
    assert tags.nth(live).get_attribute("class") != "tag standing-live"
    page.locator("[name=q]").fill("ffxgg" if language == "zh-hans" else "small advert")
    press(page, "Enter")
    expect(page.locator("tbody tr")).to_have_count(1)
    assert_fit_for_all(page, "categories, one found")
    page.locator("tbody a[href*='ask=shadow']").press("Enter")
    assert_fit_for_all(page, "categories, asked once more")
    page.locator("textarea[name=why]").fill("too many are wrong")
    page.locator("tr.asked button.primary").press("Enter")
    expect(page.locator("tbody .standing-shadow")).to_be_visible()
    expect(page.locator("[name=q]")).not_to_have_value("")
    assert CategoryStanding.objects.get(category="small_ads").standing == "shadow"
    page.locator("tbody a[href*='ask=back']").press("Enter")
    page.locator("textarea[name=why]").fill("they were right")
    page.locator("tr.asked button.primary").press("Enter")
    expect(page.locator("tbody .standing-live")).to_be_visible()
    page.locator("[name=q]").fill("nothing like it")
    press(page, "Enter")
    expect(page.locator("tbody tr")).to_have_count(0)
    page.locator("form[role=search] a").press("Enter")
    assert page.locator("tbody tr").count() > 10
