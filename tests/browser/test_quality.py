"""The pages of quality as people see them: charts above their tables, both languages, both sizes, by day and by night, and without script."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest
from browsing import DESK, PHONE, Open, assert_fit_for_all
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect

from server.accounts.models import User
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Case
from server.fleet.models import Desire
from server.quality.services import all_days, sum_day
from server.review.models import Verdict
from server.review.rules import Kind

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ADDRESSES = ("/quality/", "/quality/category/bagged_garbage/", "/quality/vehicle/TY-01/")
INKED = """(canvas) => { const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data; let inked = 0; for (let at = 3; at < data.length; at += 4) inked += data[at] > 0; return inked; }"""


@pytest.fixture
def supervisor(db: None) -> User:
    return User.objects.create_user("sun", role="supervisor")


@pytest.fixture
def decided(send: Any, reviewer: User, colleague: User) -> None:
    """Nine weeks of verdicts of every kind on three categories, by two packs."""
    for number, category in enumerate(("bagged_garbage", "bagged_garbage", "waste_pile", "road_damage")):
        send(category=category, east_m=80.0 * number, outbox=uuid4(), pack={"name": ("street", "street-old")[number % 2], "digest": "b" * 64})  # fmt: skip
    Case.objects.filter(number=4).update(blind=True, screening="hopeless")
    rows: list[tuple[Verdict, Any]] = []
    for week in range(9):
        at = timezone.now() - timedelta(days=7 * week, hours=1)
        for number, case in enumerate([case for case in Case.objects.order_by("number") for _ in range(12)]):
            answer = "reject" if number % 4 == week % 4 else "confirm"
            verdict = Verdict(id=uuid4(), case=case, person=reviewer, answer=answer, reason=1 + number % 4 if answer == "reject" else None, city=case.city,
                              proposed=case.category, category="road_dirty" if number == 7 else "", probability=0.9 if answer == "confirm" else 0.4,
                              visible_ms=300 if number % 7 == 0 else 3000)  # fmt: skip
            rows.append((verdict, at))
            if number % 10 == 0:
                second = Verdict(id=uuid4(), case=case, person=colleague, answer="confirm", kind=Kind.SECOND, counted=False, city=case.city, proposed=case.category, visible_ms=3000)  # fmt: skip
                rows.append((second, at + timedelta(minutes=5)))
    Verdict.objects.bulk_create([verdict for verdict, _ in rows])
    for verdict, at in rows:
        verdict.at = at
    Verdict.objects.bulk_update([verdict for verdict, _ in rows], ["at"])
    for day in all_days():
        sum_day(day)


def charts(page: Page) -> Any:
    return page.locator("[data-chart] canvas")


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_page_of_quality_is_fit_for_all(decided: None, open_page: Open, supervisor: User, language: str, device: dict[str, Any]) -> None:  # fmt: skip
    page = open_page(ADDRESSES[0], supervisor, language, **device)
    for address in ADDRESSES:
        page.goto(address)
        expect(charts(page).first).to_be_visible()
        assert_fit_for_all(page, f"{address} {language}")
        for details in page.locator("details").all():
            details.locator("summary").click()
        assert_fit_for_all(page, f"{address} {language}, unfolded")


def test_a_chart_shows_what_its_table_says_in_the_colours_of_the_hour(decided: None, open_page: Open, supervisor: User) -> None:  # fmt: skip
    page = open_page("/quality/category/bagged_garbage/", supervisor, "en")
    expect(charts(page)).to_have_count(3)
    expect(page.locator(".u-legend")).to_contain_text("street-old")
    assert all(canvas.evaluate(INKED) > 1000 for canvas in charts(page).all())
    by_day = charts(page).first.screenshot()
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    assert charts(page).first.screenshot() != by_day
    page.set_viewport_size({"width": 700, "height": 800})
    expect(page.locator("[data-chart] .uplot").first).to_have_js_property("clientWidth", page.locator(".plots").first.evaluate("each => each.clientWidth"))  # fmt: skip


def test_without_script_the_tables_say_everything(decided: None, browser: Browser, live_server: Any, supervisor: User) -> None:  # fmt: skip
    from django.test import Client

    client = Client()
    client.force_login(supervisor)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False, **DESK)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto("/quality/")
    page.locator("[data-chart] summary").click()
    expect(page.locator("table.weeks tbody tr")).to_have_count(13)
    expect(page.locator("table.weeks tbody tr").last).to_contain_text("%")
    context.close()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_supervisor_takes_an_advice_by_one_click_and_takes_it_back(decided: None, open_page: Open, supervisor: User, language: str) -> None:  # fmt: skip
    page = open_page("/quality/", supervisor, language)
    row = page.locator("tr", has=page.locator("input[name=category][value=bagged_garbage]"))
    expect(row).to_contain_text("spare" if language == "en" else "少看")
    row.locator("button[name=threshold][value='0.45']").press("Enter")
    expect(row.locator("p.line")).to_contain_text("0.45")
    expect(row.locator("p.line")).to_contain_text(
        "reported by 0 of 2 vehicles" if language == "en" else "2 辆车中已有 0 辆上报采用"
    )
    assert all(desire.settings == {"least_probability.bagged_garbage": 0.45} for desire in Desire.objects.all())
    assert AuditRow.objects.get(verb=Verb.THRESHOLD_WANTED).actor == supervisor
    row.locator("button[name=threshold][value='']").press("Enter")
    expect(row.locator("p.line")).to_have_count(0)
    assert all(desire.settings == {} for desire in Desire.objects.all())


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_who_only_reads_quality_is_offered_no_threshold(decided: None, open_page: Open, reviewer: User, errors: list[str], language: str) -> None:  # fmt: skip
    """An auditor sees advice and figures, and of people their numbers; a reviewer is told for whom the page is."""
    page = open_page("/quality/", User.objects.create_user("lu", role="auditor"), language)
    expect(page.locator("[aria-labelledby=thresholds] tbody tr").first).to_contain_text("0.45")
    expect(page.locator("main form, main button")).to_have_count(0)
    expect(page.locator("#persons")).to_have_count(0)
    assert reviewer.username not in page.locator("main").inner_text()
    page = open_page("/quality/", reviewer, language)
    expect(page.locator("main p").first).to_contain_text("Supervisor" if language == "en" else "主管")
    assert not Desire.objects.exclude(settings={}).exists()
    assert all("403" in each for each in errors)
    errors.clear()


def test_a_stale_advice_is_refused_in_words_with_the_page_below(decided: None, open_page: Open, supervisor: User, errors: list[str]) -> None:  # fmt: skip
    page = open_page("/quality/", supervisor, "en")
    for day in all_days():
        Verdict.objects.filter(proposed="bagged_garbage").update(answer="reject", reason=1)
        sum_day(day)
    page.get_by_role("button", name="Want 0.45 Bagged garbage").click()
    expect(page.get_by_role("alert")).to_contain_text("read the advice again")
    expect(page.locator("#categories")).to_be_visible()
    assert [line for line in errors if "409" not in line] == []
    errors.clear()
