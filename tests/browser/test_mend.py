"""Corrections by finger and by mouse: what is told while one drags, the map that comes closer, and the way back."""

from __future__ import annotations

import re
from typing import Any

import pytest
from browsing import DESK, PHONE, Deal, Open, all_sent, assert_fit_for_all, card, press, shown
from playwright.sync_api import Page, expect

from server.accounts.models import User
from server.cases.models import Picture
from server.review.models import Verdict

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOTH = pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])


def begin(page: Page, kind: str) -> None:
    shown(page)
    page.locator(f"#tools [data-do=mend_{kind}]").click()
    expect(page.locator("#mend")).to_be_visible()


def middle(page: Page, what: str) -> tuple[float, float]:
    box = card(page).locator(what).bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


class Fingers:
    """Touches, as the browser itself gets them; one session of the browser's holds them all."""

    def __init__(self, page: Page) -> None:
        self.session = page.context.new_cdp_session(page)

    def __call__(self, kind: str, *points: tuple[float, float]) -> None:
        points_ = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        self.session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points_})


def carry(page: Page, by_touch: bool, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Press there and move; nothing is let go."""
    if by_touch:
        touch = Fingers(page)
        touch("touchStart", start)
        touch("touchMove", end)
    else:
        page.mouse.move(*start)
        page.mouse.down()
        page.mouse.move(*end)


def view_box(page: Page) -> list[float]:
    return [float(each) for each in (card(page).locator(".map").get_attribute("viewBox") or "").split()]


@BOTH
def test_the_size_of_a_box_is_told_while_its_corner_is_dragged(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en", **device)
    begin(page, "box")
    figure = page.locator("#mend-figure")
    before = figure.text_content() or ""
    x, y = middle(page, '[data-corner="2 3"]')
    carry(page, device is PHONE, (x, y), (x - 12, y - 9))
    expect(figure).not_to_have_text(before)
    width, height = (int(each) for each in re.findall(r"\d+", figure.text_content() or ""))
    assert (width, height) < tuple(int(each) for each in re.findall(r"\d+", before))


def test_put_back_sets_back_and_stays_and_esc_leaves_once_all_is_as_it_came(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en")
    begin(page, "box")
    mend, figure = page.locator("#mend"), page.locator("#mend-figure")
    before = figure.text_content() or ""
    press(page, "d", "d")
    expect(figure).not_to_have_text(before)
    mend.locator("[data-mend=back]").click()
    expect(figure).to_have_text(before)
    expect(mend).to_be_visible()
    press(page, "d", "Enter")
    expect(page.locator("#chips button")).to_have_count(1)
    begin(page, "box")
    press(page, "Escape")
    expect(figure).to_have_text(before)
    expect(mend).to_be_visible()
    mend.locator("[data-mend=keep]").click()
    expect(page.locator("#chips button")).to_have_count(0)
    begin(page, "place")
    press(page, "ArrowUp", "Escape")
    expect(figure).to_have_text("0.0 m")
    press(page, "Escape")
    expect(mend).to_be_hidden()
    press(page, "f")
    all_sent(page)
    assert (Verdict.objects.get().box, Verdict.objects.get().lat_deg) == (None, None)


def figure(page: Page) -> tuple[int, ...]:
    """How wide and how high the box is, in pixels."""
    return tuple(int(each) for each in re.findall(r"\d+", page.locator("#mend-figure").text_content() or ""))


def test_one_edge_is_moved_by_a_key_at_a_corner(open_page: Open, deal: Deal, reviewer: User) -> None:
    """Tab goes on from the box to its corners; the arrows move what is chosen."""
    deal(1)
    page = open_page("/review/", reviewer, "en")
    shown(page)
    press(page, "c")
    frame, (wide, high) = page.get_by_role("slider", name="the whole box"), figure(page)
    expect(frame).to_be_focused()
    at = frame.get_attribute("aria-valuetext")
    press(page, "ArrowLeft")
    expect(frame).not_to_have_attribute("aria-valuetext", str(at))
    press(page, "ArrowRight", "Tab")
    expect(frame).to_have_attribute("aria-valuetext", str(at))
    assert figure(page) == (wide, high)
    corner = page.get_by_role("slider", name="upper left corner")
    expect(corner).to_be_focused()
    press(page, "ArrowLeft", "Shift+ArrowUp")
    assert figure(page) == (wide + 1, high + 10)
    expect(corner).not_to_have_attribute("aria-valuetext", str(at))
    assert_fit_for_all(page, "corner")
    press(page, "Tab", "Tab", "Tab")
    expect(page.get_by_role("slider", name="lower right corner")).to_be_focused()
    press(page, "ArrowRight", "ArrowDown")
    assert figure(page) == (wide + 2, high + 11)
    for _ in range(30):
        press(page, "Shift+ArrowUp")
    assert 6 <= figure(page)[1] < 16, "never past the corner across"
    press(page, "Escape")
    assert figure(page) == (wide, high)
    press(page, "ArrowDown", "Enter")
    expect(page.locator("#mend")).to_be_hidden()
    expect(card(page).locator("h1")).to_be_focused()
    expect(page.locator("#chips button")).to_have_count(1)
    begin(page, "box")
    x, y = middle(page, '[data-corner="2 1"]')
    carry(page, by_touch=False, start=(x, y), end=(x, y - 5))
    page.mouse.up()
    expect(page.get_by_role("slider", name="upper right corner")).to_be_focused()


@BOTH
def test_tab_goes_round_the_box_its_corners_and_the_panel(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en", **device)
    begin(page, "box")
    x, y = middle(page, '[data-corner="2 3"]')
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + 9, y + 9)
    page.mouse.up()
    wide, high = figure(page)
    focused = page.locator(":focus")
    buttons = page.locator("#mend button:visible").count()
    for number in range(buttons):
        press(page, "Tab")
        expect(page.locator("#mend :focus")).to_have_count(1)
        if not number:
            press(page, "ArrowDown")
            assert figure(page) == (wide, high + 1), "the corner is still chosen"
    press(page, "Tab")
    expect(focused).to_have_attribute("data-corner", "all")
    press(page, "Shift+Tab")
    expect(focused).to_have_attribute("data-mend", "keep")
    press(page, "Tab", "Escape", "Escape", "t", "Tab")
    expect(focused).to_have_attribute("data-step", "-1 0")
    press(page, "Shift+Tab", "Shift+Tab")
    expect(focused).to_have_attribute("data-mend", "keep")


def test_a_corner_that_is_tapped_stays_chosen_for_the_buttons(open_page: Open, deal: Deal, reviewer: User) -> None:
    """A second tap on it, or one on the box, chooses the whole again."""
    deal(1)
    page = open_page("/review/", reviewer, "en", **PHONE)
    begin(page, "box")
    page.locator("#tools [data-do=fit]").tap()
    corner, frame = card(page).locator('[data-corner="2 1"]'), card(page).locator(".frame")
    chosen, (wide, high) = re.compile("chosen"), figure(page)
    expect(frame).to_have_class(chosen)
    corner.tap()
    expect(corner).to_have_class(chosen)
    assert corner.evaluate("(each) => getComputedStyle(each, '::after').backgroundColor") == "rgb(0, 114, 178)"
    for _ in range(2):
        page.locator("#mend [data-step='0 -1']").tap()
    page.locator("#mend [data-step='1 0']").tap()
    assert figure(page) == (wide + 1, high + 2)
    expect(corner).to_have_class(chosen)
    for whole in (corner, frame):
        whole.tap()
        expect(frame).to_have_class(chosen)
        expect(corner).not_to_have_class(chosen)
        page.locator("#mend [data-step='0 -1']").tap()
        assert figure(page) == (wide + 1, high + 2)
        corner.tap()
        expect(corner).to_have_class(chosen)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_step_ten_times_as_far_is_told_and_its_button_is_filled(
    language: str, open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, language, **DESK)
    words, far = page.locator("#mend-words"), page.locator("#mend [data-mend=far]")
    is_english = language == "en"
    for kind, near, ten in (
        ("box", ("每步每边 1 像素", "Each step: 1 px a side"), ("每步每边 10 像素", "Each step: 10 px a side")),
        ("place", ("每步 0.5 米", "Each step 0.5 m"), ("每步 5 米", "Each step 5 m")),
    ):
        begin(page, kind)
        expect(words).to_contain_text(near[is_english])
        assert words.evaluate("(each) => each.getBoundingClientRect().height / parseFloat(getComputedStyle(each).lineHeight)") < 2.5  # fmt: skip
        plain = far.evaluate("(each) => getComputedStyle(each).backgroundColor")
        far.click()
        expect(words).to_contain_text(ten[is_english])
        expect(far).not_to_have_css("background-color", plain)
        assert_fit_for_all(page, f"ten times {kind}")
        far.click()
        page.locator("[data-mend=keep]").click()


@BOTH
def test_the_handles_of_a_box_at_the_rim_are_whole(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    Picture.objects.update(box=[0, 0, 320, 180])
    page = open_page("/review/", reviewer, "en", **device)
    begin(page, "box")
    stage = card(page).locator(".stage").bounding_box()
    assert stage
    for each in range(4):
        x, y = middle(page, f".handle >> nth={each}")
        assert stage["x"] + 10 <= x <= stage["x"] + stage["width"] - 10
        assert stage["y"] + 10 <= y <= stage["y"] + stage["height"] - 10


def test_a_corner_that_is_chosen_by_a_key_comes_into_sight(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en", reduced_motion="reduce", **DESK)
    shown(page)
    press(page, "c")
    for _ in range(9):
        page.locator("#tools [data-do=larger]").click()
    card(page).locator(".frame").focus()
    stage = card(page).locator(".stage")
    for _ in range(4):
        press(page, "Tab")
        room, at = stage.bounding_box(), page.locator(".handle:focus").bounding_box()
        assert room
        assert at
        assert room["x"] - 1 <= at["x"] <= room["x"] + room["width"] - at["width"] + 1
        assert room["y"] - 1 <= at["y"] <= room["y"] + room["height"] - at["height"] + 1
    assert stage.evaluate("(each) => [each.scrollLeft, each.scrollTop]") == [0, 0]


def test_a_held_key_goes_on_moving_and_answers_nothing(open_page: Open, deal: Deal, reviewer: User) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en")
    first = shown(page)
    held = page.keyboard.down
    press(page, "c")
    wide, high = figure(page)
    for key in ("d", "d", "d", "w", "w"):
        held(key)
    assert figure(page) == (wide + 6, high + 4)
    held("Escape")
    held("Escape")
    assert figure(page) == (wide, high), "held, it does not leave the correction too"
    for key in ("d", "w", "Escape"):
        page.keyboard.up(key)
    press(page, "Escape", "t")
    for _ in range(3):
        held("ArrowRight")
    expect(page.locator("#mend-figure")).to_have_text("1.5 m")
    held("Enter")
    held("Enter")
    expect(page.locator("#mend")).to_be_hidden()
    assert shown(page) == first


@BOTH
def test_an_answer_taken_back_brings_its_note_and_corrections_again(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User, errors: list[str]
) -> None:
    """Sent once more without a touch they are the same; a skip that is taken back is told as that."""
    deal(2)
    page = open_page("/review/", reviewer, "en", **device)
    for kind, button in (("box", '[data-step="1 0"]'), ("place", '[data-step="0 -1"]')):
        begin(page, kind)
        page.locator(f"#mend {button}").click()
        page.locator("#mend [data-mend=keep]").click()
    page.locator("#tools [data-do=note]").click()
    page.locator("#note textarea").fill("three <bags>")
    page.locator("#note .primary").click()
    told = page.locator("#chips button").all_text_contents()
    assert len(told) == 3
    for number in (1, 2):
        page.locator(".bar [data-do=confirm]").click()
        all_sent(page)
        page.locator(".bar [data-do=undo]").click()
        expect(page.locator("#live")).to_have_text("Case 1 taken back")
        expect(page.locator("#chips button")).to_have_text(told)
        assert Verdict.objects.count() == number
        shown(page)
    first, again = Verdict.objects.order_by("at")
    assert (first.words, first.box, first.box_sha256) == ("three <bags>", again.box, again.box_sha256)
    assert (again.words, again.lat_deg, again.lon_deg) == (first.words, pytest.approx(first.lat_deg, abs=1e-7), pytest.approx(first.lon_deg, abs=1e-7))  # fmt: skip
    page.locator("[data-do=skip]").filter(visible=True).click()
    all_sent(page)
    page.locator(".bar [data-do=undo]").click()
    expect(page.locator("#live")).to_have_text("Case 1 is back, not skipped any more")
    assert not errors


@BOTH
def test_a_correction_of_a_place_begins_so_close_that_a_step_is_seen(
    device: dict[str, Any], open_page: Open, deal: Deal, reviewer: User
) -> None:
    """The place in the details is then that of before."""
    deal(1)
    page = open_page("/review/", reviewer, "en", **device)
    before = card(page).locator(".as-it-came")
    shown(page)
    press(page, "i")
    expect(before).to_be_hidden()
    whole = view_box(page)
    begin(page, "place")
    frame, error = (card(page).locator(each).bounding_box() for each in (".map", ".map-error"))
    assert frame
    assert error
    assert frame["x"] < error["x"] < error["x"] + error["width"] < frame["x"] + frame["width"]
    assert frame["y"] < error["y"] < error["y"] + error["height"] < frame["y"] + frame["height"]
    x, _ = middle(page, ".map-case")
    press(page, "ArrowRight")
    assert middle(page, ".map-case")[0] - x >= 4
    scale = card(page).locator(".map-scale").evaluate("(each) => each.getBBox().width * each.getScreenCTM().a")
    metres = float((card(page).locator(".map-scale + .map-text").text_content() or "").split()[0])
    assert scale == pytest.approx((middle(page, ".map-case")[0] - x) * metres / 0.5, rel=0.05)
    press(page, "Enter")
    assert view_box(page) == whole
    expect(before).to_be_visible()
    page.locator("#chips button").click()
    expect(before).to_be_hidden()


def test_the_map_comes_closer_by_keys_buttons_and_wheel_and_the_point_stays_in_sight(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en")
    whole = view_box(page)
    begin(page, "place")
    near = view_box(page)[2]
    x, _ = middle(page, ".map-case")
    press(page, "ArrowRight")
    step = middle(page, ".map-case")[0] - x
    assert middle(page, ".map-was")[0] == pytest.approx(x, abs=0.1), "where it was stays to be seen"
    expect(card(page).locator(".map-was")).to_have_css("fill", "none")
    press(page, "NumpadAdd", "NumpadAdd")
    expect(page.locator("#mend [data-do=smaller]")).to_have_text(re.compile("map farther"))
    page.locator("#mend").get_by_text("map closer").click()
    closest = whole[2] / 12
    assert view_box(page)[2] == pytest.approx(closest), "not beyond"
    x, _ = middle(page, ".map-case")
    press(page, "ArrowRight")
    assert middle(page, ".map-case")[0] - x == pytest.approx(step * near / closest, rel=0.05)
    dot = card(page).locator(".map-case").bounding_box()
    assert dot
    assert dot["width"] < 12, "a sign is a sign, however close"
    expect(card(page).locator(".map-scale + .map-text")).to_have_text("1 m")
    for _ in range(4):
        press(page, "Shift+ArrowUp")
    frame, (x, y) = card(page).locator(".map").bounding_box(), middle(page, ".map-case")
    assert frame
    assert frame["y"] < y < frame["y"] + frame["height"]
    expect(page.locator("#mend-figure")).to_have_text("20.0 m")
    page.mouse.move(x, y)
    page.mouse.wheel(0, 100)
    assert middle(page, ".map-case") == pytest.approx((x, y), abs=1.5)
    assert view_box(page)[2] == pytest.approx(closest * 1.2)
    press(page, "NumpadSubtract")
    press(page, "Enter")  # the button was pressed by hand
    expect(card(page).locator(".map-was")).to_have_count(0)
    assert view_box(page) == whole
    expect(card(page).locator(".map-scale + .map-text")).to_have_text("20 m")
    press(page, "f")
    all_sent(page)
    assert Verdict.objects.get().lat_deg is not None


def test_on_a_phone_picture_and_map_are_in_sight_together_and_two_fingers_bring_the_map_closer(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    deal(1)
    page = open_page("/review/", reviewer, "en", **PHONE)
    begin(page, "place")
    assert_fit_for_all(page, "mend place")
    stage, drawn, panel = card(page).locator(".stage"), card(page).locator(".map"), page.locator("#mend")
    boxes = [each.bounding_box() for each in (stage, drawn, panel)]
    tops = [each["y"] for each in boxes if each]
    ends = [each["y"] + each["height"] for each in boxes if each]
    assert tops[0] >= 0
    assert ends[0] <= tops[1]
    assert ends[1] <= tops[2]
    picture = card(page).locator(".view img").first.bounding_box()
    assert picture
    assert picture["height"] <= ends[0] - tops[0] + 1, "the whole picture, fitted again"
    x, y = middle(page, ".map-case")
    touch, near = Fingers(page), view_box(page)[2]
    touch("touchStart", (x - 30, y))
    touch("touchStart", (x - 30, y), (x + 30, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")
    assert view_box(page)[2] == pytest.approx(near / 2, rel=0.1)
    expect(page.locator("#mend-figure")).to_have_text("0.0 m")
    page.locator("[data-mend=keep]").click()
    expect(card(page).locator(".facts h1")).to_be_visible()
    expect(page.locator(".bar [data-do=confirm]")).to_be_visible()


def test_a_card_begins_as_a_whole_unless_the_box_was_chosen_for_all(
    open_page: Open, deal: Deal, reviewer: User
) -> None:
    """A double tap looks at one card; the key, and the button that stays pressed, at the box of each."""
    deal(3)
    Picture.objects.update(box=[4, 4, 34, 34])
    page = open_page("/review/", reviewer, "en")
    shown(page)
    view, fit = card(page).locator(".view").first, page.locator("#tools [data-do=fit]")
    card(page).locator(".stage").dblclick()
    expect(view).to_have_attribute("style", re.compile(r"scale\([2-6]"))
    expect(fit).to_have_attribute("aria-pressed", "false")
    press(page, "f")
    shown(page)
    expect(view).to_have_attribute("style", re.compile(r"scale\(1\)"))
    fit.click()
    expect(fit).to_have_attribute("aria-pressed", "true")
    press(page, "f")
    shown(page)
    expect(view).to_have_attribute("style", re.compile(r"scale\([2-6]"))
