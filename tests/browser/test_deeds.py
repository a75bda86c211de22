"""What a reviewer can do on a card beside a plain answer, by keys and by buttons: note, same as another, corrections, brightness, a broken picture."""

from __future__ import annotations

import re
from math import hypot
from typing import Any

import pytest
from browsing import DESK, PHONE, Deal, Open, all_sent, assert_fit_for_all, card, press, shown
from playwright.sync_api import Page, expect

from calibration.geodesy import offset_m
from models.taxonomy import CATEGORIES
from server import pictures
from server.accounts.models import User
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.review.models import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LANGUAGES = pytest.mark.parametrize("language", ["zh-hans", "en"])


def drag(page: Page, start: tuple[float, float], by: tuple[float, float]) -> None:
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(start[0] + by[0], start[1] + by[1], steps=4)
    page.mouse.up()


def middle(page: Page, what: str) -> tuple[float, float]:
    box = card(page).locator(what).first.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


@LANGUAGES
def test_a_note_goes_with_the_answer_to_its_card_alone(language: str, open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    first, second = deal(2)
    page = open_page("/review/", reviewer, language)
    shown(page)
    press(page, "n")
    note = page.locator("#note")
    expect(note.locator("textarea")).to_be_focused()
    assert_fit_for_all(page, "note")
    page.keyboard.type("by the gate,")
    press(page, "Shift+Enter")
    page.keyboard.type("f s d")
    note.locator("textarea").dispatch_event("keydown", {"key": "Enter", "code": "Enter", "isComposing": True})
    expect(note).to_be_visible()
    press(page, "Enter")
    expect(page.locator("#chips button")).to_contain_text("by the gate, f s d")
    press(page, "f")
    shown(page)
    expect(page.locator("#chips button")).to_have_count(0)
    press(page, "n")
    page.keyboard.type("no")
    press(page, "Escape")
    expect(page.locator("#chips button")).to_have_count(0)
    press(page, "f")
    all_sent(page)
    assert dict(Verdict.objects.values_list("case", "words")) == {first.pk: "by the gate,\nf s d", second.pk: ""}


@LANGUAGES
def test_another_reason_asks_for_words(language: str, open_page: Open, deal: Deal, reviewer: User) -> None:
    case = deal(1)[0]
    page = open_page("/review/", reviewer, language)
    shown(page)
    press(page, "d", "9")
    expect(page.locator("#note textarea")).to_be_focused()
    page.keyboard.type("  ")
    press(page, "Control+Enter")
    expect(page.locator("#note")).to_be_visible()
    expect(page.locator("#note .primary")).to_contain_text("驳回" if language != "en" else "Reject")
    page.keyboard.type("a stage is being built")
    press(page, "Enter")
    expect(page.locator("#live")).to_contain_text("rejected (other)" if language == "en" else "已驳回（其他）")
    all_sent(page)
    verdict = Verdict.objects.get()
    assert (verdict.case_id, verdict.reason, verdict.words) == (case.pk, 9, "a stage is being built")


def test_who_leaves_the_question_of_a_reason_is_at_the_reasons_again(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en")
    shown(page)
    reasons = page.locator("#reasons")
    press(page, "d")
    for digit, dialog in (("9", "#note"), ("5", "#merge")):
        for leave in (lambda: press(page, "Escape"), page.locator(dialog).get_by_text("back to the reasons").click):
            press(page, digit)
            expect(page.locator(dialog)).to_be_visible()
            expect(reasons).to_be_hidden()
            leave()
            expect(reasons).to_be_visible()
    press(page, "Escape", "g")
    expect(page.locator("#merge").get_by_text("back to the card")).to_be_visible()
    press(page, "Escape")
    expect(page.locator("dialog[open]")).to_have_count(0)
    assert not Verdict.objects.exists()


@LANGUAGES
def test_what_was_rejected_a_card_ago_is_offered_no_more_until_that_is_taken_back(language: str, open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    """The next card was fetched before: its list knows nothing of the answer."""
    first, second = deal(2)
    Case.objects.filter(id=second.pk).update(lat_deg=first.lat_deg + 15 / 111_195, lon_deg=first.lon_deg)
    page = open_page("/review/", reviewer, language, **DESK)
    assert shown(page) == first.pk
    press(page, "d", "2")
    all_sent(page)
    assert shown(page) == second.pk
    press(page, "g")
    offered = page.locator("#merge .same [data-number]")
    expect(offered).to_be_disabled()
    expect(offered).to_contain_text("you answered it otherwise" if language == "en" else "您已另作结论")
    assert_fit_for_all(page, "merge")
    press(page, "1")
    expect(page.locator("#merge")).to_be_visible()
    page.keyboard.press("Escape")
    press(page, "a")
    expect(page.locator(f'.card[data-case="{first.pk}"]')).to_be_visible()
    assert shown(page) == first.pk
    press(page, "s")
    all_sent(page)
    assert shown(page) == second.pk
    press(page, "g")
    expect(offered).to_be_enabled()


@LANGUAGES
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_card_that_is_the_same_as_a_case_nearby_is_merged_into_it(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, send: Any, reviewer: User
) -> None:
    """By its key and a digit on the desk, by fingers on the phone, by its number for one that is far."""
    first, second, third = deal(3)
    Case.objects.filter(id=second.pk).update(lat_deg=first.lat_deg + 15 / 111_195, lon_deg=first.lon_deg)
    page = open_page("/review/", reviewer, language, **device)
    assert shown(page) == first.pk
    if device is DESK:
        press(page, "g")
    else:
        page.locator("#tools [data-do=merge]").tap()
    merge = page.locator("#merge")
    expect(merge.locator("[data-number]")).to_have_count(1)
    expect(merge.locator("img")).to_have_count(1)
    assert_fit_for_all(page, "merge")
    if device is DESK:
        press(page, "1")
    else:
        merge.locator("[data-number]").tap()
    all_sent(page)
    assert shown(page) == second.pk
    press(page, "d", "5")
    expect(merge.locator(".by-number input")).to_be_visible()
    merge.locator(".by-number input").fill(str(third.number))
    press(page, "Enter")
    found = merge.locator(".found [data-number]")
    expect(found).to_be_focused()
    expect(found).to_contain_text(CATEGORIES["bagged_garbage"].name(language))
    expect(found.locator(".box")).to_be_visible()
    assert_fit_for_all(page, "found")
    press(page, "Enter")
    expect(page.locator("#live")).to_contain_text(
        f"merged into case {third.number}, 1 left" if language == "en" else f"已合并到案件 {third.number}，1 件待审"
    )
    all_sent(page)
    merged = dict(Case.objects.filter(state=State.MERGED).values_list("id", "merged_into"))
    assert merged == {first.pk: second.pk, second.pk: third.pk}
    assert set(Verdict.objects.values_list("answer", "reason")) == {("reject", 5)}


def test_a_number_that_cannot_be_it_is_said_in_the_dialog_and_nothing_is_answered(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    case = deal(2)[0]
    page = open_page("/review/", reviewer)
    shown(page)
    press(page, "g")
    merge = page.locator("#merge")
    page.keyboard.type("n999")
    press(page, "Enter")
    expect(merge.locator("[role=alert]")).to_have_text("本市没有这个编号的案件。")
    expect(merge).to_be_visible()
    assert_fit_for_all(page, "why not")
    page.keyboard.type("1")
    expect(merge.locator("[role=alert]")).to_have_count(0)
    press(page, "Escape")
    assert shown(page) == case.pk
    assert not Verdict.objects.exists()


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_refused_answer_brings_its_card_back_and_undo_reaches_no_older_one(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User, errors: list[str]
) -> None:
    """The other case goes between the look and the answer; undo is pressed while that is on its way, and after."""
    older, refused, other = deal(3)
    page = open_page("/review/", reviewer, "en", **device)
    shown(page)
    page.locator("[data-do=confirm]").click()
    all_sent(page)
    assert shown(page) == refused.pk
    page.locator("#tools [data-do=merge]").click()
    page.locator("#merge input").fill(str(other.number))
    press(page, "Enter")
    expect(page.locator("#merge .found [data-number]")).to_be_focused()
    Case.objects.filter(id=other.pk).update(state=State.RETRACTED)
    going: list[Any] = []
    page.route("**/review/verdicts", lambda route: going.append(route))
    press(page, "Enter")
    assert shown(page) == other.pk
    press(page, "a", "a")
    expect(page.locator("#unsent b")).to_have_text("1")
    going[0].continue_()
    banner = page.locator("#banner")
    expect(banner).to_contain_text(f"Case {refused.number}: ")
    expect(banner).to_contain_text("is over")
    expect(banner).to_be_in_viewport(ratio=1)
    assert shown(page) == refused.pk
    page.unroute("**/review/verdicts")
    expect(page.locator("#live")).to_have_text("The answer to this card was not taken; answer it first.")
    press(page, "a")
    told, said = page.locator("#live").bounding_box(), banner.bounding_box()
    assert told
    assert said
    assert told["y"] + told["height"] <= said["y"], "two messages never lie on each other"
    assert_fit_for_all(page, "refused")
    assert Verdict.objects.get().undone_at is None
    page.locator("[data-do=skip]:visible").first.click()
    expect(banner).to_be_hidden()
    all_sent(page)
    page.locator("[data-do=undo]").click()
    expect(card(page)).to_have_attribute("data-case", str(refused.pk))
    assert Verdict.objects.get(case=older).undone_at is None
    assert all("400" in each for each in errors)
    errors.clear()


@LANGUAGES
def test_a_box_is_put_right_by_dragging_by_arrows_and_by_buttons(
    language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    case = deal(1)[0]
    picture = Picture.objects.get(sighting__case=case)
    page = open_page("/review/", reviewer, language)
    shown(page)
    press(page, "c")
    mend = page.locator("#mend")
    expect(mend).to_be_visible()
    assert_fit_for_all(page, "mend box")
    view = card(page).locator(".view").first.bounding_box()
    assert view is not None
    scale = view["width"] / picture.width
    drag(page, middle(page, '[data-corner="2 3"]'), (20 * scale, 10 * scale))
    card(page).locator(".frame").click()
    press(page, "ArrowRight", "ArrowRight", "Shift+ArrowDown")
    mend.locator("[data-grow='1 0']").click()
    press(page, "s", "x")
    mend.locator("[data-mend=keep]").click()
    expect(page.locator("#chips button")).to_have_count(1)
    expect(mend).to_be_hidden()
    press(page, "f")
    all_sent(page)
    verdict = Verdict.objects.get()
    assert verdict.box_sha256 == picture.sha256
    assert verdict.answer == "confirm"
    assert verdict.box == pytest.approx([41, 51, 143, 160], abs=1.6)


@LANGUAGES
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_place_is_put_right_and_never_farther_than_fifty_metres(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    near, far = deal(2)
    page = open_page("/review/", reviewer, language, **device)
    assert shown(page) == near.pk
    page.locator("#tools [data-do=mend_place]").click()
    mend, figure = page.locator("#mend"), page.locator("#mend-figure")
    assert_fit_for_all(page, "mend place")
    for _ in range(4):
        mend.locator("[data-step='1 0']").click()
    mend.locator("[data-step='0 -1']").click()
    expect(figure).to_have_text("2.1 m" if language == "en" else "2.1 米")
    mend.locator("[data-mend=keep]").click()
    expect(page.locator("#chips button")).to_contain_text("2.1 m" if language == "en" else "2.1 米")
    page.locator("[data-do=confirm]").click()
    assert shown(page) == far.pk
    page.locator("#tools [data-do=mend_place]").click()
    if device is DESK:
        drag(page, middle(page, ".map-case"), (-170, 0))
    for _ in range(12):
        press(page, "Shift+ArrowLeft")
    expect(figure).to_have_text("49.9 m" if language == "en" else "49.9 米")
    expect(card(page).locator(".map-scale + .map-text")).to_have_text("5 m" if language == "en" else "5 米")
    press(page, "Enter")
    page.locator("[data-do=confirm]").click()
    all_sent(page)
    moved = Case.objects.get(id=near.pk)
    assert offset_m(near.lat_deg, near.lon_deg, moved.lat_deg, moved.lon_deg) == pytest.approx((2.0, 0.5), abs=0.02)
    moved = Case.objects.get(id=far.pk)
    assert hypot(*offset_m(far.lat_deg, far.lon_deg, moved.lat_deg, moved.lon_deg)) == pytest.approx(49.9, abs=0.02)


def test_a_correction_that_is_dropped_is_not_sent(open_page: Open, deal: Deal, reviewer: User) -> None:
    """By Esc, by its chip, and by a rejection."""
    deal(3)
    page = open_page("/review/", reviewer)
    before = card(page).locator(".box .outer").first
    shown(page)
    x = before.get_attribute("x")
    press(page, "c", "ArrowRight", "Escape")
    expect(page.locator("#chips button")).to_have_count(0)
    assert before.get_attribute("x") == x
    press(page, "f")
    shown(page)
    press(page, "c", "ArrowRight", "Enter", "t", "ArrowRight", "Enter")
    expect(page.locator("#chips button")).to_have_count(2)
    for _ in range(2):
        page.locator("#chips button").first.click()
    press(page, "f")
    shown(page)
    press(page, "t", "ArrowRight", "Enter", "d", "1")
    all_sent(page)
    assert set(Verdict.objects.values_list("box", "lat_deg")) == {(None, None)}
    assert Verdict.objects.count() == 3


def test_an_answer_by_a_button_ends_a_correction_and_the_other_pictures_lose_their_old_boxes(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(2)
    page = open_page("/review/", reviewer)
    shown(page)
    before = card(page).locator(".box .outer").first.bounding_box()
    page.locator("#tools [data-do=mend_box]").click()
    frame = card(page).locator(".frame").bounding_box()
    assert before
    assert frame
    assert abs(before["x"] - frame["x"]) < 4, "it stays where it was"
    assert abs(before["width"] - frame["width"]) < 6, "but for the strokes"
    press(page, "ArrowRight", "Enter")
    expect(page.locator("#mend")).to_be_hidden()
    expect(card(page)).to_have_class(re.compile("box-put"))
    place = card(page).locator(".map-error").bounding_box()
    page.locator("#tools [data-do=mend_place]").click()
    press(page, "Shift+ArrowRight")
    moved = card(page).locator(".map-error").bounding_box()
    assert place
    assert moved
    assert moved["x"] - place["x"] > 5, "what is uncertain goes with the place"
    page.locator(".bar [data-do=unsure]").click()
    expect(page.locator("#mend")).to_be_hidden()
    all_sent(page)
    assert Verdict.objects.get().answer == "unsure"


def test_brightness_and_details_stay_for_the_next_card(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(2)
    page = open_page("/review/", reviewer)
    shown(page)
    press(page, "v", "i")
    filters = []
    for _ in range(2):
        shown(page)
        filters.append(card(page).locator(".view img").first.evaluate("(each) => getComputedStyle(each).filter"))
        expect(card(page).locator(".more")).to_have_attribute("open", "")
        press(page, "f")
    assert filters[0] == filters[1] != "none"
    all_sent(page)


@LANGUAGES
def test_a_broken_picture_is_reported_by_its_key_and_counted_once(
    language: str, open_page: Open, deal: Deal, reviewer: User, errors: list[str]
) -> None:
    case = deal(1)[0]
    picture = Picture.objects.get(sighting__case=case)
    pictures.path_of(picture.sha256).unlink()
    page = open_page("/review/", reviewer, language)
    expect(card(page).locator(".broken")).to_contain_text(str(case.number))
    expect(card(page).locator(".broken")).to_contain_text(re.compile("损坏|无法|cannot"))
    assert_fit_for_all(page, "broken")
    press(page, "p")
    expect(card(page).locator(".reported")).to_be_visible()
    with page.expect_response("**/review/broken") as answer:
        card(page).locator("[data-do=report]").click()
    assert answer.value.json() == {"reports": 1}
    row = AuditRow.objects.get(verb=Verb.PICTURE_REPORTED)
    assert (row.object_id, row.actor_id, row.detail) == (str(case.pk), reviewer.pk, {"sha256": picture.sha256})
    errors.clear()


@LANGUAGES
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_picture_that_came_is_reported_only_by_who_says_so_twice_and_that_is_taken_back(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    asked, chip = page.locator("#broken"), page.locator("#chips [data-drop=reported]")
    page.locator("#tools [data-do=report]").click()
    expect(asked).to_be_visible()
    assert_fit_for_all(page, "report")
    press(page, "Escape")
    assert not AuditRow.objects.filter(verb=Verb.PICTURE_REPORTED).exists()
    press(page, "p", "p")
    expect(chip).to_be_visible()
    expect(asked).to_be_hidden()
    chip.click()
    expect(chip).to_have_count(0)
    reports = AuditRow.objects.filter(verb__startswith="picture_").values_list("verb", flat=True).order_by("id")
    assert list(reports) == [Verb.PICTURE_REPORTED, Verb.PICTURE_WELL]


@LANGUAGES
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_case_that_the_city_has_is_taken_back_with_a_written_reason_alone(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User, errors: list[str]
) -> None:
    case = deal(2)[0]
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    page.locator("[data-do=confirm]").click()
    all_sent(page)
    Case.objects.filter(id=case.pk).update(state=State.HANDED_OVER)
    second = shown(page)
    page.locator("[data-do=undo]").first.click()
    why = page.locator("#why")
    expect(why.locator("#why-sentence")).to_contain_text(str(case.number))
    expect(why.locator("#why-about img")).to_be_visible()
    expect(why.locator("#why-about b")).to_have_text(CATEGORIES[case.category].name(language))
    expect(why.locator("textarea")).to_be_focused()
    assert_fit_for_all(page, "why")
    press(page, "Escape")
    expect(why).to_be_hidden()
    assert Case.objects.get(id=case.pk).state == State.HANDED_OVER
    assert Verdict.objects.get().undone_at is None
    page.locator("[data-do=undo]").first.click()
    expect(why).to_be_visible()
    page.keyboard.type("the wrong street")
    press(page, "Enter" if device is DESK else "Control+Enter")
    told = page.locator("#live")
    expect(told).to_have_text(re.compile(rf"{case.number}.*(撤回|back from the city)"))
    expect(told).to_be_in_viewport()
    assert Case.objects.get(id=case.pk).state == State.RETRACTED
    assert shown(page) == second
    assert all("409" in each for each in errors)
    errors.clear()


@LANGUAGES
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_what_was_answered_is_told_to_eyes_beside_the_picture_and_goes(
    device: dict[str, Any], language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    case = deal(2)[0]
    page = open_page("/review/", reviewer, language, **device)
    shown(page)
    told = page.locator("#live")
    page.locator("[data-do=confirm]").click()
    expect(told).to_have_css("clip-path", "none")
    chip, stage = told.bounding_box(), card(page).locator(".stage").bounding_box()
    bar = page.locator(".bar").bounding_box()
    assert chip
    assert stage
    assert bar
    assert chip["width"] > 40
    assert stage["y"] + stage["height"] <= chip["y"]
    assert chip["y"] + chip["height"] <= bar["y"]
    shown(page)
    page.locator("[data-do=undo]").first.click()
    expect(told).to_have_text(re.compile(rf"\b{case.number}\b"))
    expect(told).to_have_css("clip-path", "none")
    expect(told).to_have_css("clip-path", re.compile("inset"))


def test_buttons_zoom_around_the_box_and_the_tools_hide_nothing_of_the_picture(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    Picture.objects.update(box=[4, 4, 34, 34])
    page = open_page("/review/", reviewer)
    page.emulate_media(reduced_motion="reduce")
    shown(page)
    tools, stage = page.locator("#tools").bounding_box(), card(page).locator(".stage").bounding_box()
    assert tools
    assert stage
    assert tools["x"] + tools["width"] <= stage["x"]
    find = card(page).locator(".box .outer").first
    for press_larger in [page.locator("#tools [data-do=larger]").click, lambda: press(page, "+")] * 3:
        press_larger()
    expect(card(page).locator(".view").first).to_have_attribute("style", re.compile(r"scale\(3\.8"))
    after = find.bounding_box()
    assert after
    assert stage["x"] <= after["x"] + after["width"] / 2 <= stage["x"] + stage["width"]
    assert stage["y"] <= after["y"] + after["height"] / 2 <= stage["y"] + stage["height"]


def test_a_hidden_box_and_a_brighter_picture_are_seen_on_their_buttons(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en")
    shown(page)
    box, bright = page.locator("#tools [data-do=box]"), page.locator("#tools [data-do=bright]")
    press(page, "q", "v")
    expect(box).to_have_attribute("aria-pressed", "true")
    expect(bright).to_have_attribute("aria-pressed", "true")
    expect(bright).to_have_accessible_name("brighter shadows, then more contrast 2/3")
    assert_fit_for_all(page, "pressed")
    press(page, "v", "v")
    expect(bright).to_have_attribute("aria-pressed", "false")
    expect(bright).to_have_accessible_name("brighter shadows, then more contrast")


def test_a_digit_is_a_case_that_stands_there_and_a_numbers_only_in_its_field(open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    """Near or farther off, or none at all: hands learn one meaning."""
    first, second = deal(2)
    page = open_page("/review/", reviewer)
    assert shown(page) == first.pk
    merge = page.locator("#merge")
    press(page, "g")
    expect(merge.locator("[data-number] kbd")).to_have_text("1")
    expect(merge.locator(".by-number kbd")).to_have_text("N")
    press(page, "2", "n", "1", "2")
    expect(merge.locator("input")).to_be_focused()
    expect(merge.locator("input")).to_have_value("12")
    press(page, "Escape", "g", "1")
    all_sent(page)
    assert Case.objects.get(id=first.pk).merged_into_id == second.pk, "a farther one, too"
    page.reload()
    assert shown(page) == second.pk
    press(page, "d", "5")
    expect(merge.locator(".none")).to_have_text("100 米内没有同类的未结案件。")
    press(page, "1", "n", "2")
    expect(merge.locator("input")).to_have_value("2")


def test_the_enter_that_looks_a_number_up_merges_nothing_however_often_it_is_pressed(open_page: Open, deal: Deal, reviewer: User) -> None:  # fmt: skip
    first, second = deal(2)
    page = open_page("/review/", reviewer)
    assert shown(page) == first.pk
    press(page, "g")
    far = page.locator("#merge .same:not(.found) [data-number]")
    expect(far).to_have_text(re.compile(rf"^\s*并入案件 {second.number}，60\u00a0米 · 较远 1\s*$"))
    expect(page.locator("#merge .how-far")).to_have_text(
        "列出 100 米内的同类未结案件，由近到远；超过 30 米的标为“较远”。"
    )
    page.locator("#merge input").fill(str(second.number))
    found = page.locator("#merge .found [data-number]")
    for _ in range(2):
        page.keyboard.press("Enter")
        page.keyboard.press("Enter")
        page.keyboard.down("Enter")
        for _ in range(8):
            page.wait_for_timeout(100)
            page.keyboard.down("Enter")
        page.keyboard.up("Enter")
    assert not Verdict.objects.exists()
    expect(page.locator("#merge")).to_be_visible()
    expect(found).to_be_focused()
    expect(found).to_contain_text(f"并入案件 {second.number}，60 米")
    press(page, "Enter")
    all_sent(page)
    assert Case.objects.get(id=first.pk).state == State.MERGED


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_the_help_tells_the_real_grace_and_keys_only_where_there_are_any(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User, settings: Any
) -> None:
    settings.GRACE_S = 15.0
    deal(1)
    page = open_page("/review/", reviewer, **device)
    shown(page)
    page.locator("#help-button").click()
    expect(page.locator(".how")).to_contain_text("15 秒后")
    assert page.locator("#help .key-only").count() == 3
    assert page.locator("#help .key-only:visible").count() == (3 if device is DESK else 0)
