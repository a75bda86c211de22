"""The map of cases in headless Chromium: the one that moves, and the drawn one where it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest
from browsing import DESK, PHONE, Deal, Open, assert_fit_for_all
from django.utils import timezone
from playwright.sync_api import Page, Route, expect

from server.accounts.models import User
from server.cases.counts import count_all
from server.cases.geo import Box
from server.cases.models import Case
from server.screening.services import screen_new

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
NO_WEBGL = "const get = HTMLCanvasElement.prototype.getContext; HTMLCanvasElement.prototype.getContext = function (kind, ...more) { return kind.startsWith('webgl') ? null : get.call(this, kind, ...more); };"


@pytest.fixture
def chief(db: None) -> User:
    """Who sees everything."""
    return User.objects.create_user("zhao", role="supervisor")


def shown(page: Page, cases: int) -> None:
    """The map that moves shows so many cases."""
    expect(page.locator("#map")).to_have_attribute("data-shown", str(cases))
    expect(page.locator(".map-drawn")).to_be_hidden()


def middle_of(page: Page) -> tuple[float, float]:
    box = page.locator(".map-stage canvas").bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def bbox(page: Page) -> list[float]:
    found = re.search(r"bbox=([^&]+)", page.url)
    assert found
    return [float(edge) for edge in found[1].split(",")]


def metre_px(page: Page) -> float:
    """How large a metre is drawn, by the scale."""
    scale = page.locator(".maplibregl-ctrl-scale")
    box = scale.bounding_box()
    assert box
    return float(box["width"] / int(scale.inner_text().split()[0]))


def after(page: Page, move: Callable[[], None]) -> list[float]:
    """The box that the address has once a move has come to rest."""
    old = page.url
    move()
    expect(page).not_to_have_url(old)
    while page.url != old:
        old = page.url
        page.wait_for_timeout(600)
    return bbox(page)


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_a_case_is_found_on_the_map_and_its_panel_leads_to_it(device: dict[str, Any], language: str, open_page: Open, deal: Deal, chief: User) -> None:  # fmt: skip
    deal(1)
    count_all(timezone.now())
    page = open_page("/cases/map/", chief, language, **device)
    shown(page, 1)
    expect(page.locator("#map-said")).to_have_text(
        "此范围内 1 件。" if language == "zh-hans" else "Cases in this part of the map: 1."
    )
    letters = page.locator("#letters li")
    expect(letters).to_have_text("打包 打包垃圾" if language == "zh-hans" else "BG Bagged garbage left on the kerb")
    assert_fit_for_all(page, "map")
    page.wait_for_timeout(800)  # the mark fades in
    page.mouse.click(*middle_of(page))
    panel = page.locator(".map-peek")
    expect(panel.locator("img")).to_be_visible()
    expect(panel.locator("h2 a")).to_be_focused()
    assert_fit_for_all(page, "panel")
    page.keyboard.press("Escape")
    expect(panel).to_have_count(0)
    expect(page.locator(".map-stage canvas")).to_be_focused()
    page.mouse.click(*middle_of(page))
    panel.locator("h2 a").press("Enter")
    expect(page).to_have_url(re.compile(r"/cases/1/$"))


def test_the_drawn_map_stays_until_the_other_one_has_drawn(open_page: Open, deal: Deal, chief: User) -> None:
    deal(1)
    count_all(timezone.now())
    page = open_page("/cases/", chief)
    asked: list[Route] = []
    page.route("**/cases.geojson*", lambda route: asked.append(route))
    with page.expect_request("**/cases.geojson*"):
        page.goto("/cases/map/")
    expect(page.locator(".map-stage canvas")).to_have_count(1)
    expect(page.locator(".map-drawn svg")).to_be_visible()
    assert page.locator(".map-ground-live").evaluate("(each) => getComputedStyle(each).opacity") == "0"
    stage, drawn = page.locator(".map-stage").bounding_box(), page.locator(".map-drawn svg").bounding_box()
    assert stage
    assert drawn
    assert drawn["height"] == pytest.approx(stage["height"], abs=4), "what comes is as large"
    asked[0].continue_()
    shown(page, 1)
    assert page.locator(".map-ground-live").evaluate("(each) => getComputedStyle(each).opacity") == "1"


def test_it_moves_by_buttons_and_keys_and_the_address_keeps_it(open_page: Open, deal: Deal, chief: User) -> None:
    deal(3)
    count_all(timezone.now())
    page = open_page("/cases/map/?state=queued", chief)
    shown(page, 3)
    wide = after(page, lambda: page.locator("[data-move=farther]").press("Enter"))
    near = after(page, lambda: page.locator("[data-move=closer]").press("Enter"))
    assert near[2] - near[0] == pytest.approx((wide[2] - wide[0]) / 2, rel=0.05)
    east = after(page, lambda: page.locator("[data-move=east]").press("Enter"))
    assert east[0] > near[0]
    page.locator(".map-stage canvas").focus()
    moved = after(page, lambda: page.keyboard.press("ArrowUp"))
    assert moved[1] > east[1]
    assert "state=queued" in page.url
    page.reload()
    expect(page.locator("#map")).to_have_attribute("data-shown", re.compile(r"^\d+$"))
    begun = [float(edge) for edge in (page.locator("#map").get_attribute("data-box") or "").split(",")]
    assert begun[0] <= moved[0] + 1e-4
    assert begun[2] >= moved[2] - 1e-4
    page.get_by_role("link", name="以列表查看").press("Enter")
    expect(page).to_have_url(re.compile(r"/cases/\?state=queued$"))


def test_many_are_counted_and_come_apart_closer(open_page: Open, deal: Deal, chief: User, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    deal(12)
    count_all(timezone.now())
    monkeypatch.setattr("server.cases.map_views.MOST", 4)
    page = open_page("/cases/map/", chief, "en")
    shown(page, 12)
    expect(page.locator("#map-said")).to_have_text(
        "Cases in this part of the map: 12, counted by place: closer, each is shown by itself."
    )
    for _ in range(6):
        page.locator("[data-move=closer]").press("Enter")
        page.wait_for_timeout(500)
    expect(page.locator("#map-said")).to_have_text(re.compile(r"^(Cases in this part of the map: [0-4]\D|No case)"))


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_without_script_or_webgl_the_drawn_map_does_the_same(device: dict[str, Any], language: str, open_page: Open, deal: Deal, chief: User) -> None:  # fmt: skip
    deal(3)
    count_all(timezone.now())
    page = open_page("/login/", chief, language, **device)
    page.add_init_script(NO_WEBGL)
    page.goto("/cases/map/")
    expect(page.locator(".map-drawn svg")).to_be_visible()
    expect(page.locator(".map-stage canvas")).to_have_count(0)
    assert_fit_for_all(page, "drawn map")
    plain = open_page("/cases/map/", chief, language, java_script_enabled=False, **device)
    plain.locator("[data-move=closer]").press("Enter")
    expect(plain).to_have_url(re.compile("bbox="))
    plain.locator("[data-move=whole]").press("Enter")
    for _ in range(8):
        marks = plain.locator(".cases-map a[href^='/cases/map/']")
        if not marks.count():
            break
        marks.first.focus()
        plain.keyboard.press("Enter")
        plain.wait_for_load_state()
    case = plain.locator(".cases-map a[href^='/cases/']").first
    case.focus()
    plain.keyboard.press("Enter")
    expect(plain).to_have_url(re.compile(r"/cases/\d+/$"))


def test_a_map_that_is_offline_says_so_and_goes_on(open_page: Open, deal: Deal, chief: User, errors: list[str]) -> None:
    deal(1)
    count_all(timezone.now())
    page = open_page("/cases/map/", chief, "en")
    shown(page, 1)
    page.context.set_offline(True)
    page.locator("[data-move=farther]").press("Enter")
    expect(page.locator("#map-said")).to_have_text("The map could not be loaded. Check the network, then move the map again.")  # fmt: skip
    page.context.set_offline(False)
    page.locator("[data-move=farther]").press("Enter")
    expect(page.locator("#map-said")).to_have_text("Cases in this part of the map: 1.")
    assert all("ERR_INTERNET_DISCONNECTED" in each for each in errors)
    errors.clear()


def test_the_map_works_at_night_and_when_night_falls(open_page: Open, deal: Deal, chief: User) -> None:
    deal(2)
    count_all(timezone.now())
    Case.objects.filter(number=1).update(state="fixed")
    page = open_page("/cases/map/?state=all", chief)
    shown(page, 2)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(500)
    page.locator("[data-move=farther]").press("Enter")
    page.wait_for_timeout(500)
    shown(page, 2)


def test_an_address_shows_again_what_it_was_copied_from_however_often(open_page: Open, deal: Deal, chief: User) -> None:
    deal(3)
    count_all(timezone.now())
    page = open_page("/cases/map/", chief)
    shown(page, 3)
    assert "bbox" not in page.url, "nobody has moved it"
    copied = after(page, lambda: page.locator("[data-move=closer]").press("Enter"))
    address, seen = page.url, metre_px(page)
    for _ in range(3):
        page.reload()
        shown(page, 3)
        page.wait_for_timeout(900)
        assert page.url == address
        assert metre_px(page) == pytest.approx(seen, rel=0.02), "as large as it was"
    page.set_viewport_size({"width": 900, "height": 700})
    page.wait_for_timeout(900)
    assert bbox(page) == copied, "another size of the window moves nothing"
    farther = after(page, lambda: page.locator("[data-move=farther]").press("Enter"))
    assert farther[0] < copied[0]


def test_it_says_how_many_cases_the_marks_in_sight_stand_for(open_page: Open, deal: Deal, send: Any, chief: User) -> None:  # fmt: skip
    deal(12)
    send(east_m=361.0, category="road_damage", outbox=UUID(int=99))
    screen_new(timezone.now())
    count_all(timezone.now())
    middle = Case.objects.get(category="road_damage")
    box = Box(middle.lon_deg - 0.003, middle.lat_deg - 0.0005, middle.lon_deg + 0.003, middle.lat_deg + 0.0005)
    page, said = open_page(f"/cases/map/?bbox={box.text}", chief), "#map-said"
    expect(page.locator(said)).to_have_text("此范围内 10 件，其中 2 件合并显示为 1 处。")
    assert page.locator("#map").get_attribute("data-shown") == "12", "two more wait beyond the rim"
    after(page, lambda: page.locator("[data-move=east]").press("Enter"))
    expect(page.locator(said)).to_have_text("此范围内 8 件，其中 2 件合并显示为 1 处。")


def heap_of_two(send: Any) -> Case:
    """Two cases within a metre, and none beside them."""
    for number, category in enumerate(("road_damage", "bagged_garbage"), start=1):
        send(east_m=0.3 * number, category=category, outbox=UUID(int=number))
    screen_new(timezone.now())
    count_all(timezone.now())
    return Case.objects.get(category="road_damage")


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_letters_are_told_while_some_are_in_sight_and_north_beside_the_scale(language: str, open_page: Open, send: Any, chief: User) -> None:  # fmt: skip
    at = heap_of_two(send)
    box = Box(at.lon_deg - 0.003, at.lat_deg - 0.001, at.lon_deg + 0.003, at.lat_deg + 0.001)
    page = open_page(f"/cases/map/?bbox={box.text}", chief, language)
    shown(page, 2)
    together = "此范围内 2 件，合并显示为 1 处。" if language == "zh-hans" else "Cases in this part of the map: 2, shown together (marks: 1)."  # fmt: skip
    expect(page.locator("#map-said")).to_have_text(together)
    expect(page.locator("#letters-say")).to_be_hidden()
    expect(page.locator("#letters li")).to_have_count(0)
    north, scale = page.locator(".map-north-mark"), page.locator(".maplibregl-ctrl-scale").bounding_box()
    expect(north).to_have_text("北" if language == "zh-hans" else "N")
    beside = north.bounding_box()
    assert scale
    assert beside
    expect(page.locator(".maplibregl-ctrl-scale")).to_have_text(
        re.compile(r"^\d+\s米$" if language == "zh-hans" else r"^\d+\sm$")
    )
    assert beside["x"] >= scale["x"] + scale["width"]
    assert abs(beside["y"] + beside["height"] - scale["y"] - scale["height"]) < 4


def test_a_sum_is_not_told_while_groups_come_apart(open_page: Open, send: Any, chief: User) -> None:
    at = heap_of_two(send)
    box = Box(at.lon_deg - 0.003, at.lat_deg - 0.001, at.lon_deg + 0.003, at.lat_deg + 0.001)
    page, said = open_page(f"/cases/map/?bbox={box.text}", chief), "#map-said"
    shown(page, 2)
    expect(page.locator(said)).to_have_text("此范围内 2 件，合并显示为 1 处。")
    held: list[Route] = []
    page.route("**/cases.geojson*", lambda route: held.append(route))
    with page.expect_request("**/cases.geojson*"):
        page.mouse.click(*middle_of(page))
        expect(page.locator(said)).to_have_text("…")
    page.wait_for_timeout(1000)
    expect(page.locator(said)).to_have_text("…")
    held[-1].continue_()
    expect(page.locator(said)).to_have_text(re.compile("此范围内 [12] 件"))


def test_marks_can_be_pressed_as_soon_as_they_are_seen(open_page: Open, deal: Deal, chief: User) -> None:
    deal(3)
    count_all(timezone.now())
    page = open_page("/cases/", chief)
    held: list[Route] = []
    page.route("**/cases.geojson*", lambda route: held.append(route))
    with page.expect_request("**/cases.geojson*"):
        page.goto("/cases/map/")
    page.evaluate("window.isSamePage = true")
    one = page.locator(".map-drawn a[href^='/cases/']:not([href*=bbox])").first
    name = (one.get_attribute("aria-label") or "").split()[-1]
    one.click()
    expect(page.locator(".map-peek h2 a")).to_have_attribute("href", f"/cases/{name}/")
    held[-1].continue_()
    shown(page, 3)
    expect(page.locator(".map-peek")).to_have_count(1)
    assert page.evaluate("window.isSamePage")


def test_a_group_of_the_drawn_map_leads_closer_on_the_one_that_moves(open_page: Open, send: Any, chief: User) -> None:  # fmt: skip
    at = heap_of_two(send)
    box = Box(at.lon_deg - 0.003, at.lat_deg - 0.001, at.lon_deg + 0.003, at.lat_deg + 0.001)
    page = open_page("/cases/", chief)
    held: list[Route] = []
    page.route("**/cases.geojson*", lambda route: held.append(route))
    with page.expect_request("**/cases.geojson*"):
        page.goto(f"/cases/map/?bbox={box.text}")
    page.evaluate("window.isSamePage = true")
    with page.expect_request("**/cases.geojson*"):
        page.locator(".map-drawn a[href*=bbox]").first.click()
    expect(page.locator("#map-said")).to_have_text("…")
    for route in held:
        route.continue_()
    shown(page, 2)
    assert page.evaluate("window.isSamePage")
    assert bbox(page)[2] - bbox(page)[0] < 0.004


def test_letters_that_would_lie_on_others_are_left_out(open_page: Open, deal: Deal, send: Any, chief: User) -> None:
    deal(2)
    send(east_m=4.0, category="road_damage", outbox=UUID(int=99))
    screen_new(timezone.now())
    count_all(timezone.now())
    place = Case.objects.get(category="road_damage")
    wide, high = 0.0012, 0.0005
    box = Box(place.lon_deg - wide, place.lat_deg - high, place.lon_deg + wide, place.lat_deg + high)
    page = open_page(f"/cases/map/?bbox={box.text}", chief)
    expect(page.locator("#map-said")).to_have_text("此范围内 3 件。")
    expect(page.locator("#map")).to_have_attribute("data-letters", "2")
