"""The pages in headless Chromium, under their own content policy: a reviewer needs keys alone, and nothing gets lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import h3.api.basic_int as h3
import pytest
from axe_playwright_python.sync_playwright import Axe
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone
from heartbeats import body as heartbeat_body
from playwright.sync_api import Browser, Locator, Page, Route, expect, sync_playwright
from sightings import jpeg

from models.contract import CellLook, Coverage, encode, packed, topic
from models.troubles import TROUBLES
from server import pictures
from server.accounts.models import User
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.coverage.services import take_coverage
from server.fleet.heartbeats import take_health
from server.fleet.models import Vehicle
from server.fleet.services import add_vehicle
from server.review.models import Verdict
from server.review.services import give_back, lease
from server.screening.services import best_picture, screen_new

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASSWORD = "a long password"
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
NARROWEST_PX = 320
PRESS = """(keys) => { for (const key of keys) document.body.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, ...key })); }"""
PRESS_F_UNTIL_READY_MS = """async () => {
  const began = performance.now(), confirm = document.querySelector("[data-do=confirm]");
  document.body.dispatchEvent(new KeyboardEvent("keydown", { bubbles: true, code: "KeyF" }));
  while (confirm.getAttribute("aria-disabled") === "true") await new Promise(requestAnimationFrame);
  return performance.now() - began;
}"""
TOO_WIDE_PX = """() => {
  const page = document.documentElement, fixed = [...document.querySelectorAll(".top *, .bar *")].filter((each) => each.getClientRects().length);
  return Math.max(page.scrollWidth, ...fixed.map((each) => Math.floor(each.getBoundingClientRect().right))) - page.clientWidth;
}"""

Deal = Callable[[int], list[Case]]
Open = Callable[..., Page]


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """One Chromium for the file."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium)
        yield browser
        browser.close()


@pytest.fixture
def errors() -> list[str]:
    """What the consoles complained of; a test that expects complaints clears it."""
    return []


@pytest.fixture
def open_page(browser: Browser, live_server: Any, errors: list[str]) -> Iterator[Open]:
    """A page in a browser of its own, signed in as `person`; in the end no console may have complained."""
    contexts = []

    def open_(address: str, person: User | None = None, language: str = "zh-hans", **device: Any) -> Page:
        context = browser.new_context(base_url=live_server.url, timezone_id="Asia/Shanghai", **(device or DESK))
        context.set_default_timeout(15_000)
        contexts.append(context)
        cookies = {"trikeye_language": language}
        if person:
            client = Client()
            client.force_login(person)
            cookies["sessionid"] = client.cookies["sessionid"].value
        context.add_cookies([{"name": n, "value": v, "url": live_server.url} for n, v in cookies.items()])
        page = context.new_page()
        page.on("console", lambda line: errors.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.goto(address)
        return page

    yield open_
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture
def deal(send: Any) -> Deal:
    """Put cards into the queue, each with a picture of its own."""

    def deal_(count: int) -> list[Case]:
        for number in range(count):
            send(east_m=60.0 * number, outbox=UUID(int=number + 1), picture=jpeg(number))
        screen_new(timezone.now())
        return list(Case.objects.filter(state=State.QUEUED).order_by("-priority", "id"))

    return deal_


@pytest.fixture
def colleague(db: None) -> User:
    """A second reviewer."""
    return User.objects.create_user("li", password=PASSWORD, role="reviewer")


def card(page: Page) -> Locator:
    return page.locator(".card:not([hidden])")


def shown_case(page: Page) -> int:
    """The case on the page, whether or not its keys count."""
    return int(card(page).get_attribute("data-case") or 0)


def shown(page: Page) -> int:
    """The case on the page, once its keys count."""
    expect(page.locator("[data-do=confirm]")).to_have_attribute("aria-disabled", "false")
    return shown_case(page)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def all_sent(page: Page) -> None:
    expect(page.locator("#unsent")).to_be_hidden()


def answers() -> dict[int, tuple[str, int | None]]:
    rows = Verdict.objects.filter(undone_at=None)
    assert len({row.case_id for row in rows}) == len(rows)
    return {row.case_id: (row.answer, row.reason) for row in rows}


def sign_in(page: Page, name: str) -> None:
    expect(page.locator("[name=username]")).to_be_focused()
    page.keyboard.type(name)
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")


def assert_fit_for_all(page: Page, where: str) -> None:
    """No violation that axe knows of, by day and by night, and nothing that sticks out."""
    for night in (False, True):
        page.emulate_media(color_scheme="dark" if night else "light")
        found = Axe().run(page, options={"runOnly": ["color-contrast"]} if night else {}).response["violations"]
        assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found] == [], (where, night)
    assert_nothing_sticks_out(page, where)


def assert_nothing_sticks_out(page: Page, where: str) -> None:
    """Nothing lies beyond the right edge, also on the narrowest screen."""
    size = page.viewport_size
    assert size is not None
    for width in (size["width"], NARROWEST_PX):
        page.set_viewport_size({"width": width, "height": size["height"]})
        assert page.evaluate(TOO_WIDE_PX) <= 0, (where, width)
    page.set_viewport_size(size)


def test_a_reviewer_decides_thirty_cards_by_keys_alone(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(32)
    page = open_page("/")
    sign_in(page, "wang")
    expect(page).to_have_url("/review/")
    given: dict[int, tuple[str, int | None]] = {}
    for number in range(32):
        case = shown(page)
        assert case not in given
        if number % 8 == 1:
            press(page, "d")
            expect(page.locator("#reasons")).to_be_visible()
            press(page, "2")
            given[case] = ("reject", 2)
        elif number % 8 == 3:
            press(page, "s")
            given[case] = ("unsure", None)
        elif number % 8 == 5:
            press(page, "x")
            given[case] = ("skip", None)
        elif number % 8 == 7:
            press(page, "f", "a")
            expect(card(page)).to_have_attribute("data-case", str(case))
            assert shown(page) == case
            press(page, "d", "d")
            given[case] = ("reject", 2)
        else:
            press(page, "f")
            given[case] = ("confirm", None)
    expect(page.locator("#empty")).to_be_visible()
    all_sent(page)
    assert answers() == given
    assert len(given) == 32
    assert Verdict.objects.exclude(undone_at=None).count() == 4
    assert not Verdict.objects.filter(counted=False).exists()


def test_a_wrong_category_is_changed_by_keys_and_the_next_card_offers_it_first(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    cards = deal(7)
    page = open_page("/review/", reviewer)
    first = shown(page)
    press(page, "r")
    kinds = page.locator("#kinds")
    expect(kinds.locator("[data-kind]")).to_have_count(9)
    expect(kinds.locator("input")).to_be_focused()
    page.keyboard.type("dwst")
    expect(kinds.locator("[data-kind]")).to_have_text(re.compile("动物尸体"))
    press(page, "Enter")
    for _ in cards[1:6]:
        shown(page)
        press(page, "f")
    assert shown(page) == cards[6].pk
    press(page, "r")
    expect(kinds.locator("[data-kind]").first).to_have_attribute("data-kind", "dead_animal")
    page.keyboard.type("龙")
    expect(kinds.locator(".none")).to_be_visible()
    press(page, "Enter")
    expect(kinds).to_be_visible()
    press(page, "Backspace", "1")
    expect(page.locator("#empty")).to_be_visible()
    all_sent(page)
    changed = Case.objects.filter(category="dead_animal", state=State.CONFIRMED).values_list("id", flat=True)
    assert set(changed) == {first, cards[6].pk}


def test_a_category_is_found_by_the_beginning_of_a_word_and_named_when_it_is_chosen(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(2)
    page = open_page("/review/", reviewer, "en")
    shown(page)
    press(page, "r")
    field, found = page.locator("#kinds input"), page.locator("#kinds [data-kind]")
    keys = "(each) => each.map((one) => one.dataset.kind)"
    field.fill("tree")
    assert found.evaluate_all(keys) == ["tree_fallen", "tree_hanging", "tree_guard_fault"]
    field.fill("广告")
    assert "small_ads" in found.evaluate_all(keys)
    field.fill("ads")
    assert found.evaluate_all(keys) == ["small_ads"]
    press(page, "Enter")
    expect(page.locator("#live")).to_have_text("confirmed as Illegal small advertisements or graffiti, 1 left")
    shown(page)
    press(page, "f")
    expect(page.locator("#live")).to_have_text("confirmed, 0 left")
    all_sent(page)


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
        for address in ("/cases/", "/categories/", "/fleet/"):
            expect(page.locator(f".top a[href='{address}']")).to_be_in_viewport()


def test_the_choice_of_a_category_is_fit_for_all(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(1)
    for size in (DESK, PHONE):
        page = open_page("/review/", reviewer, **size)
        shown(page)
        page.locator("[data-do=change]").click()
        assert_fit_for_all(page, "kinds")
        page.locator("#kinds [data-close]").click()


def test_keys_count_only_after_the_picture_is_decoded(open_page: Open, deal: Deal, reviewer: User) -> None:
    first, second = deal(2)
    held: list[Route] = []
    page = open_page("/login/", reviewer)
    picture = best_picture(second)
    assert picture is not None
    page.route(f"**/pictures/{picture.sha256}.jpg*", lambda route: held.append(route))
    page.goto("/review/")
    assert shown(page) == first.pk
    press(page, "f")
    expect(card(page)).to_have_attribute("data-case", str(second.pk))
    page.evaluate("() => new Promise((done) => setTimeout(done, 400))")
    press(page, "f", "s", "d")
    expect(page.locator("#reasons")).to_be_hidden()
    assert shown_case(page) == second.pk
    for route in held:
        route.continue_()
    assert shown(page) == second.pk
    press(page, "f")
    expect(page.locator("#empty")).to_be_visible()
    all_sent(page)
    assert answers() == {first.pk: ("confirm", None), second.pk: ("confirm", None)}


def test_a_card_without_its_picture_can_only_be_skipped(
    open_page: Open, deal: Deal, reviewer: User, errors: list[str]
) -> None:
    broken, gone, good = deal(3)
    for picture in Picture.objects.filter(sighting__case__in=(broken, gone)):
        pictures.path_of(picture.sha256).unlink()
    page = open_page("/review/", reviewer, **PHONE)
    expect(card(page).locator(".broken")).to_be_visible()
    press(page, "f", "s", "d")
    expect(page.locator("#reasons")).to_be_hidden()
    assert shown_case(page) == broken.pk
    press(page, "x")
    expect(card(page)).to_have_attribute("data-case", str(gone.pk))
    card(page).get_by_role("button", name="跳过").tap()
    assert shown(page) == good.pk
    all_sent(page)
    assert answers() == {broken.pk: ("skip", None), gone.pk: ("skip", None)}
    assert errors
    assert all("404" in each for each in errors)
    errors.clear()


def test_only_a_plain_key_on_a_card_seen_for_a_moment_is_a_verdict(open_page: Open, deal: Deal, reviewer: User) -> None:
    cards = deal(3)
    page = open_page("/review/", reviewer)
    assert shown(page) == cards[0].pk
    press(page, "Space", "Enter", "Control+f", "Alt+f", "Meta+s")
    press(page, "d", "Space", "Enter", "Escape")
    page.evaluate(PRESS, [{"code": "KeyF", "isComposing": True}, {"code": "KeyF", "repeat": True}, {"code": "Space"}])
    assert shown_case(page) == cards[0].pk
    page.evaluate(PRESS, [{"code": "KeyF", "key": "Process"}, {"code": "KeyF", "key": "Process"}])
    assert shown_case(page) == cards[1].pk
    shown(page)
    assert page.evaluate(PRESS_F_UNTIL_READY_MS) >= 249
    all_sent(page)
    assert answers() == {each.pk: ("confirm", None) for each in cards[:2]}


def test_zoom_covers_the_stage_and_stays_for_the_next_card(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(2)
    Picture.objects.update(box=[4, 4, 34, 34])
    page = open_page("/review/", reviewer)
    page.emulate_media(reduced_motion="reduce")
    for key in ("w", "f"):
        case = shown(page)
        press(page, key)
        if key == "f":
            expect(card(page)).not_to_have_attribute("data-case", str(case))
        view, stage = card(page).locator(".view").first, card(page).locator(".stage")
        expect(view).to_have_attribute("style", re.compile(r"scale\([2-6]"))
        inner, outer = view.bounding_box(), stage.bounding_box()
        assert inner is not None
        assert outer is not None
        assert inner["x"] <= outer["x"] + 1
        assert inner["y"] <= outer["y"] + 1
        assert inner["x"] + inner["width"] >= outer["x"] + outer["width"] - 1
        assert inner["y"] + inner["height"] >= outer["y"] + outer["height"] - 1


def test_two_browsers_share_twenty_cards_and_lose_none(
    open_page: Open, deal: Deal, reviewer: User, colleague: User
) -> None:
    dealt = {case.pk for case in deal(20)}
    mine: list[int] = []
    theirs: list[int] = []
    busy = [(open_page("/review/", reviewer), mine), (open_page("/review/", colleague), theirs)]
    while busy:
        for page, seen in list(busy):
            expect(page.locator(".card:not([hidden]), #empty:not([hidden])")).to_be_visible()
            if page.locator("#empty").is_visible():
                all_sent(page)
                busy.remove((page, seen))
            else:
                seen.append(shown(page))
                press(page, "f")
    assert sorted(mine + theirs) == sorted(dealt)
    assert min(len(mine), len(theirs)) >= 5
    assert Verdict.objects.filter(counted=True).count() == Verdict.objects.count() == 20


def test_an_answered_card_stays_away_while_its_verdict_is_on_the_way(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(8)
    held: list[Route] = []
    slow = True
    page = open_page("/login/", reviewer)
    page.route("**/review/verdicts", lambda route: held.append(route) if slow else route.continue_())
    page.goto("/review/")
    given = []
    for _ in range(2):
        given.append(shown(page))
        press(page, "f")
    given.append(shown(page))
    with page.expect_response("**/review/lease"):
        press(page, "f")
    expect(page.locator(".card")).to_have_count(5)
    on_page = page.locator(".card").evaluate_all("(cards) => cards.map((each) => Number(each.dataset.case))")
    assert not set(given) & set(on_page)
    slow = False
    for route in held:
        route.continue_()
    all_sent(page)
    assert answers() == dict.fromkeys(given, ("confirm", None))


def test_an_hour_in_a_tunnel_loses_no_verdict(open_page: Open, deal: Deal, reviewer: User, errors: list[str]) -> None:
    deal(12)
    page = open_page("/review/", reviewer, "en")
    given = [shown(page)]
    press(page, "f")
    given.append(shown(page))
    all_sent(page)
    page.context.set_offline(True)
    while card(page).count():
        if shown(page) != given[-1]:
            given.append(shown(page))
        press(page, "f")
    expect(page.locator("#banner")).to_be_visible()
    expect(page.locator("#unsent b")).to_have_text(str(len(given) - 1))
    assert_nothing_sticks_out(page, "offline")
    expect(page.locator("#empty")).to_be_hidden()
    assert len(answers()) == 1
    page.context.set_offline(False)
    all_sent(page)
    expect(page.locator("#banner")).to_be_hidden()
    while len(given) < 12:
        given.append(shown(page))
        press(page, "f")
    expect(page.locator("#empty")).to_be_visible()
    all_sent(page)
    assert answers() == dict.fromkeys(given, ("confirm", None))
    assert all("ERR_INTERNET_DISCONNECTED" in each for each in errors)
    errors.clear()


def test_a_session_that_ends_keeps_what_waits_for_its_own_person(
    open_page: Open, deal: Deal, reviewer: User, colleague: User, errors: list[str]
) -> None:
    case = deal(3)[0]
    page = open_page("/review/", reviewer, language="en")
    assert shown(page) == case.pk
    Session.objects.all().delete()
    press(page, "f")
    expect(page.locator("#banner")).to_contain_text("You are signed out")
    expect(page.locator("#unsent b")).to_have_text("1")
    other_tab = page.context.new_page()
    other_tab.goto("/login/")
    with page.expect_response(lambda answer: "verdicts" in answer.url and answer.status == 403):
        sign_in(other_tab, "li")
    assert not Verdict.objects.exists()
    other_tab.get_by_role("button", name="Sign out").press("Enter")
    sign_in(other_tab, "wang")
    all_sent(page)
    expect(page.locator("#banner")).to_be_hidden()
    assert Verdict.objects.get().person == reviewer
    shown(page)
    press(page, "f")
    all_sent(page)
    assert Verdict.objects.count() == 2
    assert all("403" in each for each in errors)
    errors.clear()


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


def test_help_opens_by_its_key_and_gives_the_focus_back(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(1)
    page = open_page("/review/", reviewer)
    shown(page)
    press(page, "?")
    expect(page.locator("#help")).to_be_visible()
    press(page, "f", "Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(card(page).locator("h1")).to_be_focused()
    page.locator("#help-button").press("Enter")
    expect(page.locator("#help")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("#help-button")).to_be_focused()
    assert not Verdict.objects.exists()


def test_cards_in_shadow_are_seen_under_their_filter_alone(
    open_page: Open, deal: Deal, send: Any, reviewer: User
) -> None:
    """Keys alone: the queue, by Tab to the filter, the cards in shadow, an undo there, and back."""
    for number in range(2):
        send(
            north_m=500.0 + 60 * number,
            outbox=UUID(int=number + 50),
            picture=jpeg(90 + number),
            category="facade_dirty",
        )
    dealt = {case.pk: case.shadow for case in deal(3)}
    assert sorted(dealt.values()) == [False, False, False, True, True]
    page = open_page("/review/", reviewer)
    expect(page.locator("#in-shadow")).to_have_text("2")
    for _ in range(3):
        assert not dealt[shown(page)]
        expect(card(page).locator(".in-shadow")).to_have_count(0)
        press(page, "f")
    expect(page.locator("#empty")).to_be_visible()
    all_sent(page)
    expect(page.locator("#waiting")).to_have_text("0")
    while not page.evaluate("document.activeElement.matches('[href$=\"filter=shadow\"]')"):
        press(page, "Tab")
    press(page, "Enter")
    expect(page).to_have_url("/review/?filter=shadow")
    case = shown(page)
    assert dealt[case]
    expect(card(page).locator(".in-shadow")).to_have_text("影子")
    press(page, "f")
    expect(page.locator("#live")).to_have_text("已确认, 1 件待审")
    shown(page)
    press(page, "a")
    expect(card(page)).to_have_attribute("data-case", str(case))
    for _ in range(2):
        assert dealt[shown(page)]
        press(page, "f")
    expect(page.locator("#empty h1")).to_have_text("没有影子案件待审")
    all_sent(page)
    expect(page.locator("#in-shadow")).to_have_text("0")
    assert set(Case.objects.values_list("id", "shadow", "state")) == {(k, v, "confirmed") for k, v in dealt.items()}


def test_a_supervisor_puts_a_category_elsewhere_on_the_page(open_page: Open, deal: Deal) -> None:
    deal(1)
    chief = User.objects.create_user("zhao", password=PASSWORD, role="supervisor")
    page = open_page("/review/", chief, "en")
    shown(page)
    page.get_by_role("link", name="Categories").press("Enter")
    row = page.locator("tr", has_text="Bagged garbage")
    expect(row.locator(".tag")).to_have_text("live")
    expect(page.get_by_role("button", name="Make live")).to_have_count(0)
    row.get_by_role("button", name="Into shadow").press("Enter")
    expect(row.locator(".tag")).to_have_text("in shadow")
    expect(row).to_contain_text("100 verdicts more are needed")
    assert Case.objects.get().shadow


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
    User.objects.filter(id=reviewer.pk).update(role="supervisor")
    page.goto("/categories/")
    assert language == "en" or not re.search(r"[A-Z][a-z]{3}", page.locator("thead").text_content() or "")
    assert_fit_for_all(page, "categories")
    Case.objects.filter(id=case.pk).update(shadow=True)
    page.goto("/review/?filter=shadow")
    shown(page)
    assert_fit_for_all(page, "card in shadow")
    give_back(reviewer)
    for shadow in (False, True):
        lease(colleague, timezone.now(), 9, shadow=shadow)
    page.goto("/review/")
    expect(page.locator("#empty")).to_be_visible()
    assert_fit_for_all(page, "empty")
    User.objects.filter(id=reviewer.pk).update(role="fleet")
    answer = page.goto("/review/")
    assert answer is not None
    assert answer.status == 403
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert_fit_for_all(page, "forbidden")
    assert all("403" in each for each in errors)
    errors.clear()


def many_vehicles() -> list[str]:
    """One vehicle of each severity and more; their names, worst first."""
    now = timezone.now()
    said: dict[str, dict[str, Any]] = {
        "TY-07": {"troubles": ("camera_gone", "backlog", "receiver_silent"), "rates_per_s": {}, "outbox": {"committed": 9, "waiting": 812, "aside": 0, "oldest_s": 9000.0}},
        "TY-02": {"troubles": ("lens_blurred",), "gate": {"blurred": 90, "not_far_enough": 40}, "settings_revision": 12, "look_stretch": 2.1, "look_stretched_by": "heat"},
        "TY-05": {"troubles": ("backlog",), "outbox": {"committed": 9, "waiting": 40, "aside": 0, "oldest_s": 4000.0}},
        "TY-01": {},
    }  # fmt: skip
    for name, more in said.items():
        add_vehicle(name)
        at = {"utc": now, "source": "gnss", "sigma_s": 0.5}
        take_health(topic(name, "health"), heartbeat_body(vehicle=name, at=at, **more), now, False)
    Vehicle.objects.update(online=True, last_seen_at=now)
    add_vehicle("TY-09")
    return ["TY-07", "TY-02", "TY-05", "TY-09", "TY-01"]


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_fleet_operator_sees_worst_first_what_is_wrong(
    device: dict[str, Any], language: str, open_page: Open
) -> None:
    names = many_vehicles()
    person = User.objects.create_user("qian", password=PASSWORD, role="fleet")
    page = open_page("/coverage/", person, language, **device)
    page.get_by_role("link", name="Vehicles" if language == "en" else "车辆", exact=True).press("Enter")
    expect(page.locator("th[scope=row]")).to_have_text(names)
    expect(page.locator("tr", has_text="TY-07").locator(".tag")).to_have_text(TROUBLES["camera_gone"].word(language))
    assert language == "en" or not re.search(r"[A-Z][a-z]{3}", page.locator("thead").text_content() or "")
    assert_fit_for_all(page, "vehicles")


@pytest.fixture
def looked_at(db: None) -> User:
    """Streets of Taiyuan that were seen today, three weeks ago and in the spring; the operator who looks after its vehicles."""
    add_vehicle("TY-01")
    now = timezone.now()
    for number, days in enumerate((0, 21, 200)):
        cells = {h3.latlng_to_cell(37.87 + 0.0003 * number, 112.55 + 0.00015 * n, 12) for n in range(20)}
        values = {
            "id": UUID(int=number), "vehicle": "TY-01", "camera": "front", "origin": "camera", "from_utc": now - timedelta(days=days, minutes=2),
            "to_utc": now - timedelta(days=days, minutes=1), "clock_source": "gnss", **packed([CellLook(cell, 2, 7) for cell in cells]),
        }  # fmt: skip
        (answer,) = take_coverage([(topic("TY-01", "coverage"), encode(Coverage.model_validate(values)))], now)
        assert answer is not None
        assert answer.outcome == "accepted"
    return User.objects.create_user("qian", password=PASSWORD, role="fleet")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_the_map_of_last_looks_is_moved_by_keys_and_says_its_ages_in_words(
    device: dict[str, Any], language: str, open_page: Open, looked_at: User
) -> None:
    page = open_page("/", looked_at, language, **device)
    page.get_by_role("link", name="Last looks" if language == "en" else "最近查看", exact=True).press("Enter")
    drawn = page.locator(".stage-map path.look")
    expect(drawn).to_have_count(3)
    shares = page.locator(".legend b").all_text_contents()
    assert [int(each.removesuffix(" %")) // 30 for each in shares] == [1, 0, 0, 1, 1]
    said = page.get_by_role("img").first.get_attribute("aria-label") or ""
    assert all(each in said for each in shares)
    assert language == "en" or not re.search(r"[A-Z][a-z]{3}", page.locator("#main").text_content() or "")
    assert_fit_for_all(page, "coverage")
    span = float(page.locator("#looks").get_attribute("data-span") or 0)
    page.locator("[data-move=farther]").press("Enter")
    expect(page.locator("#looks")).to_have_attribute("data-span", f"{2 * span:.0f}")
    expect(page.locator("[data-move=farther]")).to_be_focused()
    page.locator("[data-quality]").last.press("Enter")
    expect(page.locator("#looks")).to_have_attribute("data-span", f"{2 * span:.0f}")


def test_the_map_of_last_looks_is_dragged_and_zoomed_where_the_pointer_is(open_page: Open, looked_at: User) -> None:
    page = open_page("/coverage/", looked_at)
    looks, box = page.locator("#looks"), page.locator(".stage-map").bounding_box()
    assert box is not None

    def at() -> tuple[float, float, float]:
        lat, lon, span = (float(looks.get_attribute(f"data-{name}") or 0) for name in ("lat", "lon", "span"))
        return lat, lon, span

    lat, lon, span = at()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2, steps=4)
    page.mouse.up()
    expect(looks).not_to_have_attribute("data-lon", f"{lon:.6f}")
    assert (at()[1] - lon) * 87_900 == pytest.approx(span / 4, rel=0.03)
    assert at()[0] == pytest.approx(lat, abs=1e-5)
    page.mouse.wheel(0, -100)
    expect(looks).to_have_attribute("data-span", f"{0.7 * span:.0f}")
    assert page.url.count("span=") == 1, "the address holds the view, so that it can be sent to a colleague"


def test_without_its_script_the_map_is_moved_by_links(browser: Browser, live_server: Any, looked_at: User) -> None:
    client = Client()
    client.force_login(looked_at)
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": live_server.url}])
    page = context.new_page()
    page.goto("/coverage/")
    before = page.locator("#looks").get_attribute("data-lat")
    page.locator("[data-move=north]").click()
    assert float(page.locator("#looks").get_attribute("data-lat") or 0) > float(before or 0)
    context.close()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_every_page_s_name_fits_on_the_narrowest_screen(language: str, open_page: Open, looked_at: User) -> None:
    supervisor = User.objects.create_user("sun", password=PASSWORD, role="supervisor")
    page = open_page("/coverage/", supervisor, language, viewport={"width": NARROWEST_PX, "height": 700})
    assert page.locator(".top nav a").count() == 5
    assert page.evaluate(TOO_WIDE_PX) <= 0
