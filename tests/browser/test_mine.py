"""What the queue says of oneself and of itself: one's own pace, an empty queue, a narrowed one, and a session that is about to end."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

import pytest
from browsing import DESK, PHONE, Deal, Open, all_sent, answers, assert_fit_for_all, press, shown
from django.utils import timezone
from playwright.sync_api import expect

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.review.gold import make
from server.review.models import Look, Verdict
from server.review.rules import Kind, LookKind
from server.review.services import decide, give_back, lease

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOTH = pytest.mark.parametrize("language", ["zh-hans", "en"])
DEVICES = pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])


@BOTH
@DEVICES
def test_a_reviewer_sees_their_own_pace_and_reads_it_when_they_leave(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(2)
    page = open_page("/review/", reviewer, language, **device)
    for _ in range(2):
        shown(page)
        page.locator("[data-do=confirm]").click()
    all_sent(page)
    expect(page.locator("#empty a")).to_contain_text("2")
    assert_fit_for_all(page, "empty")
    expect(page.locator(".figures a", has=page.locator("#mine"))).to_be_visible()
    if device is PHONE:
        expect(page.locator(".figures a", has=page.locator("#mine"))).to_contain_text("Today" if language == "en" else "今日")  # fmt: skip
    page.locator("#empty a").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    expect(page.locator("tbody tr .number").first).to_have_text("2")
    expect(page.locator(".own-answers li")).to_have_count(2)
    expect(page.locator(".own-answers li b").first).to_have_text("confirmed" if language == "en" else "已确认")
    assert_fit_for_all(page, "mine")
    if device is PHONE:
        week, *numbers = (each.bounding_box() for each in page.locator("tbody td").all())
        assert week
        assert all(each and each["y"] >= week["y"] + week["height"] and each["height"] < 40 for each in numbers), "one a line, under its week"  # fmt: skip
        assert len({each["x"] for each in numbers if each}) == 2, "in two columns"
    page.locator("form[action='/logout/'] button").click()
    expect(page.locator(".told")).to_contain_text("2")
    assert_fit_for_all(page, "after the shift")


@BOTH
@DEVICES
def test_a_queue_that_colleagues_hold_says_so_and_goes_on_when_asked(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User, colleague: User
) -> None:
    deal(2)
    lease(colleague, timezone.now())
    page = open_page("/review/", reviewer, language, **device)
    expect(page.locator("#empty")).to_contain_text("2")
    expect(page.locator("#empty")).to_contain_text("colleagues: 2" if language == "en" else "2 件在同事手中")
    assert_fit_for_all(page, "held")
    give_back(colleague)
    page.locator("#empty [data-do=again]").click()
    shown(page)


@BOTH
@DEVICES
def test_the_queue_is_narrowed_to_a_category_and_widened_again(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(2)
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    page.locator("[popovertarget=part]").click()
    assert_fit_for_all(page, "filter")
    page.locator("#part select").first.select_option("dead_animal")
    page.locator("#part .primary").click()
    expect(page).to_have_url("/review/?category=dead_animal" if language else "")
    expect(page.locator("#empty")).to_contain_text("2")
    assert_fit_for_all(page, "nothing in this part")
    page.locator("#empty a.button").click()
    shown(page)
    page.goto("/review/?category=bagged_garbage")
    shown(page)


@BOTH
@DEVICES
def test_the_filter_finds_a_category_by_what_is_typed(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    """As the dialog of kinds does; what waits comes first, and Enter shows the best."""
    deal(2)
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    button, part = page.locator("[popovertarget=part]"), page.locator("#part")
    field, kinds, said = part.locator("[type=search]"), part.locator("[name=category]"), part.get_by_role("status")
    button.press("Enter")
    if device is DESK:
        expect(field).to_be_focused()
    assert kinds.locator("optgroup").first.locator("option").all_inner_texts() == [f"{CATEGORIES['bagged_garbage'].name(language)} · 2"]  # fmt: skip
    expect(part.locator("[data-as-of]")).to_be_hidden()
    field.fill("qqq")
    expect(said).to_have_text("No category fits." if language == "en" else "没有符合的类别。")
    field.press("Enter")
    expect(page, "nothing that fits is not everything").to_have_url("/review/")
    for typed in ("dwst", "corpse", "06037", "死猫" if language != "en" else "body of an animal"):
        field.fill(typed)
        expect(kinds).to_have_value("dead_animal")
    expect(said).to_have_text("1 of 73 kinds fit." if language == "en" else "共 73 类，符合的有 1 类。")
    assert_fit_for_all(page, "found")
    field.press("Escape")
    expect(part).to_be_hidden()
    expect(button).to_be_focused()
    button.press("Enter")
    expect(field).to_have_value("")
    expect(kinds).to_have_value("")
    expect(kinds.locator("option")).to_have_count(74)
    field.fill("垃圾")
    expect(kinds).to_have_value("exposed_garbage")
    field.press("ArrowDown")
    expect(kinds).to_be_focused()
    field.fill("dwst")
    field.press("Enter")
    expect(page).to_have_url("/review/?category=dead_animal")
    button.click()
    expect(kinds).to_have_value("dead_animal")
    field.fill("dblj")
    part.locator(".primary").click()
    expect(page).to_have_url("/review/?category=bagged_garbage")
    shown(page)


@BOTH
@DEVICES
def test_the_filter_counts_anew_each_time_it_is_opened_and_says_so_where_it_cannot(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User, errors: list[str]
) -> None:
    deal(4)
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    part, waiting, head = page.locator("#part"), page.locator("#part optgroup option").first, page.locator("#waiting")
    press(page, "f")
    shown(page)
    press(page, "x")
    told = "skipped, yours again in ten minutes, 2 left" if language == "en" else "已跳过，十分钟后再给您，2 件待审"
    expect(page.locator("#live")).to_have_text(told)
    shown(page)
    press(page, "l")
    expect(part).to_be_visible()
    if device is DESK:
        expect(page.locator("[popovertarget=part] kbd")).to_have_text("L")
        expect(part.locator("[type=search]")).to_be_focused()
    expect(waiting).to_have_text(re.compile(r" · 2$"))
    expect(head).to_have_text("2")
    also = "You skipped 1 more" if language == "en" else "另有 1 件您已跳过"
    expect(part.locator("[data-also-skipped]")).to_contain_text(also)
    expect(page.locator(".figures [aria-current]")).to_have_attribute("title", re.compile(also))
    assert_fit_for_all(page, "counted anew")
    part.locator("select").first.select_option("dead_animal")
    page.wait_for_load_state("networkidle")
    expect(part.locator("select").first).to_have_value("dead_animal")
    page.locator("#part [type=search]").press("Escape")
    page.context.set_offline(True)
    press(page, "l")
    expect(part.locator("[data-as-of]")).to_have_text(re.compile(r"(Counts as of|件数截至) \d\d:\d\d"))
    expect(waiting).to_have_text(re.compile(r" · 2$"))
    press(page, "Escape")
    page.context.set_offline(False)
    press(page, "l")
    expect(part.locator("[data-as-of]")).to_be_hidden()
    errors.clear()


@BOTH
def test_the_first_day_is_explained(language: str, open_page: Open, reviewer: User) -> None:
    page = open_page("/review/", reviewer, language)
    expect(page.locator("#empty")).to_contain_text("trikeye server vehicle add")
    assert_fit_for_all(page, "first day")


@BOTH
def test_a_session_that_is_about_to_end_goes_on_by_any_key(
    language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    case = deal(1)[0]
    page = open_page("/login/", reviewer, language)
    ends = {"x-session-ends": "90"}
    page.route("**/review/lease", lambda route: route.fulfill(response=(answer := route.fetch()), headers=answer.headers | ends))  # fmt: skip
    page.goto("/review/")
    shown(page)
    banner = page.locator("#banner")
    expect(banner).to_be_visible()
    assert_fit_for_all(page, "ending")
    with page.expect_request(lambda request: request.url.endswith("/session/") and request.method == "POST"):
        press(page, "z")
    expect(banner).to_be_hidden()
    press(page, "f")
    all_sent(page)
    assert answers() == {case.pk: ("confirm", None)}


@BOTH
def test_known_answers_are_told_when_the_queue_is_empty_and_not_before(
    language: str, open_page: Open, deal: Deal, reviewer: User, colleague: User
) -> None:
    known, other = deal(2)
    now = timezone.now()
    decide(colleague, uuid4(), known.pk, "confirm", now)
    known.refresh_from_db()
    chief = User.objects.create_user("zhao", role="supervisor")
    gold = make(chief, known, "confirm", known.category, now)
    said = Verdict.objects.create(id=uuid4(), case=known, person=reviewer, city=known.city, kind=Kind.GOLD, answer="reject", reason=1, proposed=known.category, counted=False)  # fmt: skip
    Look.objects.create(case=known, city=known.city, kind=LookKind.GOLD, gold=gold, person=reviewer, verdict=said, made_at=now, done_at=now)  # fmt: skip
    page = open_page("/review/", reviewer, language)
    assert shown(page) == other.pk
    expect(page.locator("#feedback")).to_be_hidden()
    press(page, "f")
    feedback = page.locator("#feedback")
    expect(feedback).to_be_visible()
    expect(feedback.locator("li")).to_have_count(1)
    expect(feedback.locator("li")).to_contain_text(str(known.number))
    assert_fit_for_all(page, "feedback")
    press(page, "Escape")
    page.reload()
    expect(page.locator("#empty")).to_be_visible()
    expect(feedback).to_be_hidden()
