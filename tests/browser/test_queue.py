"""The queue in headless Chromium, under its own content policy: a reviewer needs keys alone."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

import pytest
from browsing import (
    DESK,
    PHONE,
    PRESS,
    PRESS_F_UNTIL_READY_MS,
    Deal,
    Open,
    all_sent,
    answers,
    assert_fit_for_all,
    card,
    press,
    shown,
    shown_case,
    sign_in,
)
from playwright.sync_api import expect
from sightings import jpeg

from models.taxonomy import CATEGORIES, filing_codes
from server.accounts.models import User
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.review.models import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOTH = pytest.mark.parametrize("language", ["zh-hans", "en"])
ROOM_FOR_PLACEHOLDER_PX = """(field) => {
  const style = getComputedStyle(field), pen = document.createElement("canvas").getContext("2d");
  pen.font = style.font;
  return field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - pen.measureText(field.placeholder).width;
}"""
WATCH_HEADINGS = """addEventListener("DOMContentLoaded", () => {
  window.seen = [];
  const look = () => seen.push([...document.querySelectorAll("h1")].filter((each) => each.getClientRects().length).length);
  look();
  new MutationObserver(look).observe(document.getElementById("review"), { subtree: true, childList: true, attributes: true });
});"""


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


def test_a_wrong_category_is_changed_by_keys_and_the_page_offers_it_first_when_it_is_loaded_again(
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
    expect(kinds.locator("[data-kind]").first).not_to_have_attribute("data-kind", "dead_animal")
    press(page, "Escape")
    page.reload()
    assert shown(page) == cards[6].pk
    press(page, "r")
    expect(kinds.locator("[data-kind]").first).to_have_attribute("data-kind", "dead_animal")
    page.keyboard.type("龙")
    expect(kinds.locator(".which p")).to_have_text("没有符合的类别。")
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
    assert found.evaluate_all(keys)[:3] == ["tree_fallen", "tree_hanging", "tree_guard_fault"]
    assert "balcony_clutter" not in found.evaluate_all(keys), "a street is no tree"
    field.fill("广告")
    assert "small_ads" in found.evaluate_all(keys)
    for typed, wanted in {"sand": "road_spill", "rubbish": "exposed_garbage", "dirt": "road_dirty", "bikes": "misparked_shared_bike", "pothole": "road_damage", "puddle": "road_ponding", "lvdi": "green_dirty"}.items():  # fmt: skip
        field.fill(typed)
        assert wanted in found.evaluate_all(keys), typed
    for typed, unlike in {"bin": "snow_ice", "spill": "shop_spillover"}.items():
        field.fill(typed)
        assert unlike not in found.evaluate_all(keys), typed
    field.fill("guar")
    assert found.evaluate_all(keys)[0] == "guardrail_fault", "the name before what else is said"
    field.fill("ads")
    assert found.evaluate_all(keys)[0] == "small_ads"
    press(page, "Enter")
    expect(page.locator("#live")).to_have_text(
        "relabelled as “Illegal small advertisements or graffiti”, severity: low, undo is free for 60 s, 1 left"
    )
    shown(page)
    press(page, "f")
    expect(page.locator("#live")).to_have_text("confirmed, undo is free for 60 s, 0 left")
    all_sent(page)


@BOTH
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_all_categories_can_be_looked_through_and_each_says_what_it_means(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    """Nine are offered; the page says that there are more, and shows them without a search."""
    case = deal(1)[0]
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    page.locator("[data-do=change]").click()
    kinds, which = page.locator("#kinds"), page.locator("#kinds .which p")
    expect(kinds.locator("[data-kind]")).to_have_count(9)
    own = CATEGORIES["bagged_garbage"]
    expect(kinds.locator(".now b")).to_have_text(own.name(language))
    expect(kinds.locator(".now [data-meaning]"), "to compare the others with").to_have_text(own.meaning(language))
    expect(page.locator("#reasons .now [data-meaning]")).to_have_text(own.meaning(language))
    expect(kinds.locator(".now")).to_be_visible()
    expect(which).to_have_text(re.compile("nine likeliest of 73" if language == "en" else "共 73 类，先列最可能的九类"))
    assert kinds.locator("input").evaluate(ROOM_FOR_PLACEHOLDER_PX) >= 0
    assert_fit_for_all(page, "kinds")
    kinds.locator("input").fill("车" if language != "en" else "car")
    expect(which).to_contain_text("73")
    kinds.locator(".which button").click()
    expect(kinds.locator("input")).to_have_value("")
    expect(kinds.locator("[data-kind]")).to_have_count(73)
    meant = kinds.locator("[data-kind]").evaluate_all("(all) => all.map((each) => [each.dataset.kind, each.querySelector('.small').textContent])")  # fmt: skip
    assert meant == [[each.key, each.meaning(language)] for each in CATEGORIES.values()]
    assert_fit_for_all(page, "all kinds")
    field = kinds.locator("input").bounding_box()
    last = kinds.locator("[data-kind=water_dirty]")
    last.scroll_into_view_if_needed()
    expect(last).to_be_in_viewport(ratio=1)
    assert kinds.locator("input").bounding_box() == field, "the search stays in sight"
    last.click()
    all_sent(page)
    case.refresh_from_db()
    assert (case.category, case.state) == ("water_dirty", State.CONFIRMED)


@BOTH
def test_what_the_proposed_category_means_stands_under_its_name(
    language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, language)
    shown(page)
    expect(card(page).locator("h1 + .meaning")).to_have_text(CATEGORIES["bagged_garbage"].meaning(language))


def test_a_category_is_found_by_its_meaning_its_pinyin_or_its_code_and_the_present_one_is_not_offered(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer)
    shown(page)
    press(page, "r")
    kinds = page.locator("#kinds")
    field, keys = kinds.locator("input"), "(each) => each.map((one) => one.dataset.kind)"
    for typed, wanted in {
        "沙发": "discarded_furniture", "ps": "road_damage", "lj": "exposed_garbage", "daolu": "road_dirty", "po sun": "bench_fault",
        "01-10": "exposed_garbage", "06042": "overflowing_bin", "遗洒": "road_spill", "洒水": "site_dust",
        "沙土": "road_spill", "洒落": "road_spill", "垃圾": "road_dirty", "共享电动车": "misparked_shared_bike", "牛皮癣": "small_ads",
    }.items():  # fmt: skip
        field.fill("")
        page.keyboard.type(typed)
        found = kinds.locator("[data-kind]").evaluate_all(keys)
        assert wanted in found, typed
        assert "bagged_garbage" not in found, typed
    field.fill("daolu")
    order = kinds.locator("[data-kind]").evaluate_all(keys)
    assert {*order[:3]} == {"road_dirty", "road_damage", "road_spill"}, "what begins so goes before what has it within"
    expect(kinds.locator("[data-kind] kbd").first).to_have_text("1")
    field.fill("0602")
    expect(kinds.locator("[data-kind] kbd").first, "digits belong to the code").to_have_text("")
    field.fill("散落算")
    expect(kinds.locator("[data-kind]"), "what it is not").to_have_count(0)
    field.fill("dabaolaji")
    expect(kinds.locator("[data-kind]")).to_have_count(0)
    expect(kinds.locator(".which p")).to_have_text("这就是当前类别：按 Esc 返回，再按 F 确认。")
    own = CATEGORIES["bagged_garbage"]
    code = filing_codes(own.key)[0].code
    for typed, is_own in ((code[:2], False), (code, True), (own.name_zh[-2:], False), (own.name_zh, True)):
        field.fill(typed)
        expect(kinds.locator(".which p")).to_contain_text("这就是当前类别" if is_own else "当前类别也符合。 共 73 类")
    field.fill("dabaolaji")
    press(page, "Enter")
    expect(kinds).to_be_hidden()
    assert not Verdict.objects.exists()
    press(page, "r")
    field.fill("打包垃圾")
    press(page, "Enter")
    expect(kinds, "no other takes its place").to_be_hidden()
    assert not Verdict.objects.exists()
    press(page, "r")
    field.fill("沙发")
    expect(kinds.locator(".which p")).not_to_contain_text("当前类别")
    kinds.locator(".which button").click()
    expect(kinds.locator("[data-kind=bagged_garbage]")).to_be_disabled()
    field.fill("x")
    field.press("Escape")
    expect(kinds).to_be_hidden()


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_question_about_a_card_leaves_its_box_in_sight(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, **device)
    shown(page)
    for deed, dialog in (("reject", "#reasons"), ("change", "#kinds"), ("merge", "#merge"), ("note", "#note")):
        page.locator(f"[data-do={deed}]:visible").first.click()
        asked, box = page.locator(dialog).bounding_box(), card(page).locator(".box .outer").first.bounding_box()
        assert asked
        assert box
        assert box["x"] + box["width"] <= asked["x"] or box["y"] + box["height"] <= asked["y"], dialog
        assert device is DESK or asked["height"] <= 0.6 * device["viewport"]["height"] + 1, dialog
        press(page, "Escape")


def test_the_page_has_one_heading_at_every_moment(open_page: Open, deal: Deal, reviewer: User) -> None:
    """Also between two cards, before the empty queue has its words, and when an undo exchanges the card."""
    deal(2)
    page = open_page("/login/", reviewer)
    page.add_init_script(WATCH_HEADINGS)
    page.goto("/review/")
    for _ in range(2):
        shown(page)
        press(page, "f")
    expect(page.locator("#empty [data-do=again]")).to_be_visible()
    all_sent(page)
    assert set(page.evaluate("seen")) == {1}
    expect(page.locator("#empty h1")).to_be_focused()
    last = None
    for _ in range(2):
        press(page, "a")
        expect(card(page)).not_to_have_attribute("data-case", str(last))
        last = shown(page)
    seen = page.evaluate("seen")
    assert len(seen) > 10
    assert set(seen) == {1}


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


def test_help_opens_by_its_key_and_gives_the_focus_back(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(1)
    page = open_page("/review/", reviewer)
    shown(page)
    press(page, "?")
    expect(page.locator("#help")).to_be_visible()
    for words in ("“影子”表示该类别的准确程度尚未得到证明", "都不会移交城管", "地图上较宽的带"):
        expect(page.locator("#help")).to_contain_text(words)
    assert " ".join(page.locator("#help .scale").inner_text().split()).endswith("紧急 > 严重 > 一般 > 轻微")
    assert len(set(page.locator("#help .scale .tag").evaluate_all("(all) => all.slice(0, 2).map((each) => getComputedStyle(each).backgroundColor)"))) == 2  # fmt: skip
    merging = page.locator("#help .keys div", has_text="与附近案件相同")
    expect(merging.locator("kbd")).to_have_text(["G"])
    expect(merging).to_contain_text("列出的按数字键；其他的先按 N 输入案件号，回车查看，再回车并入")
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
    expect(page.locator("#live"), "what never leaves needs no haste").to_have_text("已确认，1 件待审")
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
