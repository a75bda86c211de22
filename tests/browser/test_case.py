"""A case's page in Chromium: pictures leafed through and laid on each other by keys, deeds by keyboard, without script, on paper, fit for all."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from browsing import DESK, PASSWORD, PHONE, Open, assert_fit_for_all
from playwright.sync_api import expect
from sightings import NOW, described, jpeg

from server.accounts.models import User
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case, Note
from server.cases.notes import add_note
from server.screening.services import screen_new

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
LINE_PX = 20
"""How far beneath the upper edge of a row its first line lies."""


@pytest.fixture
def chief(db: None) -> User:
    return User.objects.create_user("zhao", password=PASSWORD, role="supervisor")


@pytest.fixture
def seen_thrice(send: Any) -> Case:
    """A case seen on three days, each time with a best picture and one from afar, and one of its kind 20 m off."""
    for day in range(3):
        best, far = jpeg(2 * day + 1, 640, 360), jpeg(2 * day + 2, 640, 360)
        box = (200.0 + 40 * day, 120.0, 300.0 + 40 * day, 220.0)
        send(outbox=UUID(int=day + 1), seen_at={"utc": NOW - timedelta(days=3 - day), "source": "gnss", "sigma_s": 1.0},
             pictures=[described(best, box=box), described(far, role="far", box=(300.0, 160.0, 340.0, 200.0))])  # fmt: skip
    send(outbox=UUID(int=9), east_m=20.0, picture=jpeg(20))
    screen_new(NOW)
    return Case.objects.order_by("id")[0]


def test_pictures_are_leafed_through_by_buttons_and_arrow_keys(open_page: Open, seen_thrice: Case, chief: User) -> None:
    page = open_page(f"/cases/{seen_thrice.number}/", chief, "en", reduced_motion="reduce", **DESK)
    slides, at = page.locator(".slides"), page.locator(".carousel output")
    expect(at).to_have_text("1 / 6")
    expect(page.get_by_role("button", name="previous")).to_be_disabled()
    page.get_by_role("button", name="next").press("Enter")
    expect(at).to_have_text("2 / 6")
    slides.focus()
    for key, told in (("ArrowRight", "3 / 6"), ("ArrowLeft", "2 / 6"), ("End", "6 / 6"), ("ArrowRight", "6 / 6"), ("Home", "1 / 6")):  # fmt: skip
        page.keyboard.press(key)
        expect(at).to_have_text(told)
    page.keyboard.press("End")
    expect(slides.locator("figure").nth(5)).to_be_in_viewport(ratio=0.9)
    expect(slides.locator("figure").nth(0)).not_to_be_in_viewport()


def test_first_and_newest_look_lie_on_one_slider_with_the_thing_as_large_in_both(open_page: Open, seen_thrice: Case, chief: User) -> None:  # fmt: skip
    page = open_page(f"/cases/{seen_thrice.number}/", chief, "en")
    cut = "(each) => getComputedStyle(each).getPropertyValue('--cut')"
    layers, slider = page.locator(".layers"), page.get_by_role("slider")
    expect(layers).to_be_visible()
    expect(page.locator(".beside")).to_be_hidden()
    assert layers.evaluate(cut) == "50%"
    slider.focus()
    page.keyboard.press("ArrowRight")
    assert layers.evaluate(cut) == "51%"
    page.keyboard.press("End")
    assert layers.evaluate(cut) == "100%"
    layers.scroll_into_view_if_needed()
    room = layers.bounding_box()
    assert room
    page.mouse.click(room["x"] + room["width"] / 4, room["y"] + room["height"] / 2)
    assert layers.evaluate(cut) == "25%"
    sizes = {layers.locator(f".{kind} .inner").evaluate("(each) => Math.round(each.getBoundingClientRect().width)") for kind in ("before", "after")}  # fmt: skip
    assert max(sizes) - min(sizes) <= 1
    page.get_by_role("button", name="side by side").press("Enter")
    expect(layers).to_be_hidden()
    expect(page.locator(".beside figcaption").first).to_contain_text("first look")


def test_a_supervisor_writes_merges_and_splits_by_keyboard(open_page: Open, seen_thrice: Case, chief: User) -> None:
    other = Case.objects.order_by("id")[1]
    page = open_page(f"/cases/{other.number}/", chief, "en")
    page.get_by_label("New note").focus()
    page.keyboard.type("beside the school")
    page.get_by_role("button", name="Add note").press("Enter")
    expect(page.locator("#notes li")).to_contain_text("beside the school")
    page.get_by_role("button", name="strike out").press("Enter")
    expect(page.locator("#notes li")).to_contain_text("struck out")
    page.get_by_text("It is the same as another case").press("Enter")
    page.get_by_role("radio", name=f"Case {seen_thrice.number}").press("Space")
    page.locator("details[open] textarea").focus()
    page.keyboard.type("one heap")
    page.get_by_role("button", name="Merge").press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("20 m apart")
    expect(page.locator(".both svg:visible")).to_have_count(2)
    expect(page.get_by_label("Reason")).to_have_value("one heap")
    page.get_by_role("button", name="Merge them all the same").press("Enter")
    expect(page.locator("h1")).to_contain_text(f"Case {seen_thrice.number}")
    expect(page.locator(".told")).to_contain_text(f"Case {other.number} was merged into case {seen_thrice.number}.")
    expect(page.locator("#timeline")).to_contain_text("Reason: one heap")
    page.get_by_text("It is several things").press("Enter")
    box = page.get_by_role("checkbox").first
    box.press("Space")
    expect(box).to_be_checked()
    page.locator("details[open] textarea").focus()
    page.keyboard.type("another heap")
    page.get_by_role("button", name="Split", exact=True).press("Enter")
    expect(page.locator("h1")).to_contain_text(f"Case {other.number}")
    assert Note.objects.filter(about="split").exists()


def test_ctrl_enter_sends_a_long_text_and_enter_begins_a_line(open_page: Open, seen_thrice: Case, chief: User) -> None:
    page = open_page(f"/cases/{seen_thrice.number}/", chief, "en")
    note, button = page.get_by_label("New note"), page.get_by_role("button", name="Add note", exact=True)
    expect(button).to_have_text("Add note Ctrl Enter")
    assert_fit_for_all(page, "long text")
    note.press("Control+Enter")
    assert note.evaluate("(field) => field.matches(':focus:invalid')"), "nothing is sent without a word"
    note.press_sequentially("two")
    note.press("Enter")
    note.press_sequentially("lines")
    note.press("Control+Enter")
    expect(page.locator("#notes li p").last).to_have_text("two\nlines", use_inner_text=True)
    page.get_by_text("It is several things").press("Enter")
    page.get_by_role("checkbox").first.press("Space")
    page.locator("details[open] textarea").fill("another heap")
    page.locator("details[open] textarea").press("Meta+Enter")
    expect(page.locator(".told")).to_be_visible()
    assert Note.objects.filter(about="split", words="another heap").exists()


def test_the_page_works_without_script(open_page: Open, seen_thrice: Case, chief: User) -> None:
    page = open_page(f"/cases/{seen_thrice.number}/", chief, "en", java_script_enabled=False, **DESK)
    expect(page.locator(".turns:visible")).to_have_count(0)
    expect(page.locator(".beside svg:visible")).to_have_count(2)
    assert page.locator(".slides img").count() == 6
    page.locator(".deed textarea[name=words]").first.fill("written without script")
    page.get_by_role("button", name="Add note").click()
    expect(page.locator("#notes li")).to_contain_text("written without script")
    page.goto("/cases/")
    page.get_by_label("Number, place, kind or words").fill(str(seen_thrice.number))
    page.keyboard.press("Enter")
    expect(page.locator(".case-list tbody tr")).to_have_count(1)


def test_filters_stay_in_the_address_and_the_way_back_works(open_page: Open, seen_thrice: Case, chief: User) -> None:
    page = open_page("/cases/", chief, "en")
    page.get_by_label("State").select_option("confirmed")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".nothing")).to_contain_text("No case here.")
    assert "state=confirmed" in page.url
    page.locator(".nothing").get_by_role("link", name="the state").press("Enter")
    expect(page.locator(".case-list tbody tr")).to_have_count(2)
    page.go_back()
    expect(page.get_by_label("State")).to_have_value("confirmed")
    page.go_back()
    expect(page.get_by_label("State")).to_have_value("")


PAGES_OF_PDF = re.compile(rb"/Type\s*/Page(?![s\w])")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_sheet_is_one_page_of_a4_however_much_happened(language: str, open_page: Open, seen_thrice: Case, chief: User) -> None:  # fmt: skip
    for number in range(40):
        record(Verb.CASE_MOVED, "case", seen_thrice.pk, city_id=seen_thrice.city_id, actor_id=chief.pk, old="queued", new="confirmed")  # fmt: skip
        add_note(seen_thrice, chief, f"{number} " + "a long note that is not printed " * 20, NOW)
    page = open_page(f"/cases/{seen_thrice.number}/", chief, language)
    page.get_by_role("link", name="Print" if language == "en" else "打印").click()
    expect(page.locator(".sheet h1")).to_be_visible()
    expect(page.locator(".qr")).to_be_visible()
    expect(page.locator(".lines li")).to_have_count(12)
    for shot in page.locator(".shots img").all():
        assert shot.evaluate("(each) => each.decode().then(() => each.naturalWidth)") == 640
    paper = page.pdf(prefer_css_page_size=True)
    assert len(PAGES_OF_PDF.findall(paper)) == 1
    assert re.search(rb"/MediaBox\s*\[0 0 59[45](\.\d+)? 84[12](\.\d+)?\]", paper)
    page.emulate_media(media="print")
    assert page.locator("footer").evaluate("(each) => each.getBoundingClientRect().bottom") <= 297 / 25.4 * 96
    expect(page.locator(".not-printed")).to_be_hidden()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_list_case_and_sheet_are_fit_for_all(device: dict[str, Any], language: str, open_page: Open, seen_thrice: Case, chief: User, errors: list[str]) -> None:  # fmt: skip
    add_note(seen_thrice, chief, "一条很长的备注" * 30 + " https://example.org/" + "x" * 200, NOW)
    page = open_page(f"/cases/{seen_thrice.number}/", chief, language, **device)
    for summary in page.locator("#deeds summary").all():
        summary.click()
    assert_fit_for_all(page, "case")
    page.locator("[data-way=beside]").click()
    assert_fit_for_all(page, "case, side by side")
    page.goto(f"/cases/{seen_thrice.number}/print/")
    assert_fit_for_all(page, "sheet")
    page.emulate_media(color_scheme="dark")
    expect(page.locator(".map-ground").first).to_have_css("fill", "rgb(238, 240, 242)")  # paper is white by night too
    Case.objects.filter(id=seen_thrice.pk).update(state="handed_over", handed_over_at=NOW, deadline_at=NOW)
    for query in (
        "?order=deadline",
        "?severity=medium&since=2020-01-01",
        "?q=nowhere&category=bagged_garbage&vehicle=TY-01",
    ):
        page.goto(f"/cases/{query}")
        assert_fit_for_all(page, query)
    page.goto(f"/cases/{seen_thrice.number}/")
    page.locator("#deeds summary").nth(0).click()
    page.locator("#deeds details[open] [name=into]").fill("999")
    page.locator("#deeds details[open] textarea").fill("x")
    page.locator("#deeds details[open] button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_fit_for_all(page, "refused")
    assert all("409" in each for each in errors)
    errors.clear()
    page.goto(f"/cases/{Case.objects.order_by('id')[1].number}/")
    page.locator("#deeds summary").nth(0).click()
    page.locator("#deeds details[open] [name=into]").fill(str(seen_thrice.number))
    page.locator("#deeds details[open] textarea").fill("x")
    page.locator("#deeds details[open] button").click()
    expect(page.locator("div.both")).to_be_visible()
    assert_fit_for_all(page, "merge of two that lie apart")


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_row_leads_where_its_number_does(device: dict[str, Any], open_page: Open, seen_thrice: Case, chief: User) -> None:  # fmt: skip
    """The whole card on a phone, also without script; on a desk the row, whose text can be selected all the same."""
    is_phone = device is PHONE
    page = open_page("/cases/", chief, "en", java_script_enabled=not is_phone, **device)
    name = page.locator(".case-list .name").last
    if is_phone:
        box = name.bounding_box()
        assert box
        page.touchscreen.tap(box["x"] + 20, box["y"] + box["height"] / 2)
    else:
        name.click(position={"x": 20, "y": 12})
    expect(page).to_have_url(re.compile(rf"/cases/{seen_thrice.number}/$"))
    if not is_phone:
        page.goto(page.url.rsplit("/", 2)[0] + "/")
        box = page.locator(".case-list .name").last.bounding_box()
        assert box
        page.mouse.move(box["x"] + 14, box["y"] + LINE_PX)
        page.mouse.down()
        page.mouse.move(box["x"] + 60, box["y"] + LINE_PX, steps=4)
        page.mouse.up()
        assert page.evaluate("() => String(getSelection())")
        expect(page).to_have_url(re.compile(r"/cases/$"))


def test_a_case_page_on_paper_has_no_menu_form_or_action(open_page: Open, seen_thrice: Case, chief: User) -> None:
    page = open_page(f"/cases/{seen_thrice.number}/", chief, "en", color_scheme="dark", **DESK)
    page.locator("#deeds details").first.locator("summary").click()
    page.emulate_media(media="print")
    for part in (".top", ".foot", ".ways", "#deeds", "form", ".turns", "button"):
        assert not [each for each in page.locator(part).all() if each.is_visible()], part
    for part in ("h1", ".slides img", "#timeline li", ".beside-it h2"):
        expect(page.locator(part).first).to_be_visible()
    assert page.evaluate("() => getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"


@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_no_picture_is_higher_than_the_room_of_the_slides(device: dict[str, Any], open_page: Open, send: Any, chief: User) -> None:  # fmt: skip
    """A tall close-up is shown whole, and with its box, in the height that a wide picture has."""
    sizes = ((640, 360), (200, 600), (300, 300))
    shots = [jpeg(number + 1, *size) for number, size in enumerate(sizes)]
    pictures = [described(shot, role=role, box=(40.0, 40.0, 120.0, 160.0)) for shot, role in zip(shots, ("best", "near", "far"), strict=True)]  # fmt: skip
    send(pictures=pictures)
    screen_new(NOW)
    page = open_page(f"/cases/{Case.objects.get().number}/", chief, "en", **device)
    room = page.locator(".slides").bounding_box()
    assert room
    shown = page.locator(".slides img")
    expect(shown).to_have_count(3)
    for image in shown.all():
        box = image.bounding_box()
        assert box
        assert 0 < box["height"] <= 0.58 * room["width"] + 1
    assert room["height"] <= 0.58 * room["width"] + 60, "with the line under a picture"
