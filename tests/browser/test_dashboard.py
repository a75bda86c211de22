"""The overview and the month's report in headless Chromium, the report on paper too."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from befalling import befell, way_of
from browsing import DESK, PHONE, Deal, Open, assert_fit_for_all
from django.utils import timezone
from django.utils.timezone import localdate
from playwright.sync_api import expect

from server.accounts.models import User
from server.cases.counts import count_all
from server.cases.models import Case
from server.city.models import Destination, Handover
from server.dashboard.days import sum_up

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
A4_PT = (595, 842)
LEAST_MARK_PX, LEAST_LETTERS_PX = 20, 11
SIZES = """(marks) => marks.map((mark) => {
  const text = mark.querySelector("text"), drawn = text.getScreenCTM() ?? {a: 0, b: 0}, box = mark.firstElementChild.getBoundingClientRect();
  const isShown = getComputedStyle(text).display !== "none";
  return [Math.max(box.width, box.height), isShown ? parseFloat(getComputedStyle(text).fontSize) * Math.hypot(drawn.a, drawn.b) : Infinity];
})"""


@pytest.fixture
def month(deal: Deal) -> str:
    """This month, with eight cases: some in review, some with the city, one late, one fixed."""
    now = timezone.now()
    cases = deal(8)
    town = Destination.objects.create(city=cases[0].city, name="town", url="http://town/", secret_file="s")
    for number, case in enumerate(cases[2:]):
        changes: dict[str, Any] = {"state": "handed_over", "confirmed_at": now - timedelta(hours=30), "handed_over_at": now - timedelta(hours=29), "deadline_at": now + timedelta(hours=9 * number - 10)}  # fmt: skip
        changes |= {"state": "fixed", "fixed_at": now} if number == 5 else {}
        Case.objects.filter(id=case.pk).update(**changes, first_seen_at=now - timedelta(hours=40))
        Handover.objects.create(case=case, destination=town, kind="case.confirmed", body={}, next_try_at=now, receipted_at=now)  # fmt: skip
    befell(*(move for each in Case.objects.all() for move in way_of(each)))
    count_all(now)
    for ago in range(4):
        sum_up(cases[0].city, localdate(now) - timedelta(days=ago), now)
    return f"{localdate(now):%Y-%m}"


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_the_overview_is_fit_for_all_and_leads_on(device: dict[str, Any], language: str, open_page: Open, month: str) -> None:  # fmt: skip
    chief = User.objects.create_user("zhao", role="supervisor")
    page = open_page("/", chief, language, **device)
    expect(page).to_have_url(re.compile("/dashboard/$"))
    expect(page.locator(".u-legend .u-series")).to_have_count(3)
    page.set_viewport_size({"width": 700, "height": 800})  # drawn again: from its own table, not from the legend
    page.set_viewport_size(device["viewport"])
    expect(page.locator(".u-legend .u-series")).to_have_count(3)
    expect(page.locator(".risks tr")).to_have_count(5)
    expect(page.locator(".risks tr.is-late")).to_have_count(2)
    assert_fit_for_all(page, "overview")
    sizes = page.locator(".cases-map a").evaluate_all(SIZES)
    assert sizes
    assert all(mark >= LEAST_MARK_PX and letters >= LEAST_LETTERS_PX for mark, letters in sizes), sizes
    page.locator("[data-days] summary").press("Enter")
    expect(page.locator("table.days tbody tr")).to_have_count(30)
    assert_fit_for_all(page, "overview with its data")
    page.locator(".risks a").first.press("Enter")
    expect(page).to_have_url(re.compile(r"/cases/\d+/$"))


@pytest.mark.parametrize("role", ["admin", "city", "auditor"])
def test_the_overview_of_other_roles_is_fit_for_all(role: str, open_page: Open, month: str) -> None:
    person = User.objects.create_user("someone", role=role, city=Case.objects.all()[0].city)
    page = open_page("/", person, "en", **PHONE)
    expect(page.locator("h1")).to_have_text("Overview")
    assert_fit_for_all(page, f"overview of {role}")


def test_the_chart_needs_no_script_for_its_figures(open_page: Open, month: str) -> None:
    page = open_page("/dashboard/", User.objects.create_user("zhao", role="supervisor"), "en", java_script_enabled=False, **DESK)  # fmt: skip
    page.locator("[data-days] summary").press("Enter")
    expect(page.locator("table.days tbody tr").last).to_be_visible()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_report_prints_on_a4(language: str, open_page: Open, month: str) -> None:
    chief = User.objects.create_user("zhao", role="supervisor")
    page = open_page(f"/report/{month}/", chief, language)
    assert_fit_for_all(page, "report")
    pdf = page.pdf(prefer_css_page_size=True)
    boxes = re.findall(rb"/MediaBox\s*\[\s*0 0 ([\d.]+) ([\d.]+)\s*\]", pdf)
    assert 1 <= len(boxes) <= 3
    assert {(round(float(wide)), round(float(high))) for wide, high in boxes} == {A4_PT}
    page.emulate_media(media="print")
    expect(page.locator(".top")).to_be_hidden()
    expect(page.locator(".report h1")).to_be_visible()
    expect(page.locator(".cases-map")).to_be_visible()
