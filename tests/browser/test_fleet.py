"""The pages of who looks after vehicles, in headless Chromium."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import h3.api.basic_int as h3
import pytest
from browsing import DESK, NARROWEST_PX, PASSWORD, PHONE, TOO_WIDE_PX, Open, assert_fit_for_all, go_to
from django.test import Client
from django.utils import timezone
from heartbeats import body as heartbeat_body
from playwright.sync_api import Browser, expect

from models.contract import CellLook, Coverage, encode, packed, topic
from models.troubles import TROUBLES
from server.accounts.models import User
from server.coverage.services import take_coverage
from server.fleet.heartbeats import take_health
from server.fleet.models import Vehicle
from server.fleet.services import add_vehicle

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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
    go_to(page, "Vehicles" if language == "en" else "车辆")
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
    go_to(page, "Last looks" if language == "en" else "最近查看")
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
    assert page.evaluate(TOO_WIDE_PX) <= 0
    page.locator(".pages-button").press("Enter")
    expect(page.locator(".top nav a").first).to_be_visible()
    assert page.locator(".top nav a").count() >= 10
    assert page.evaluate(TOO_WIDE_PX) <= 0
