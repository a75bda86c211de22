"""Pages in headless Chromium: the devices, what a reviewer does, and what every page must stand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Locator, Page, expect
from second_factors import app_of, code_of

PASSWORD = "a long password"
DESK: dict[str, Any] = {"viewport": {"width": 1440, "height": 900}}
PHONE: dict[str, Any] = {
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 2,
    "is_mobile": True,
    "has_touch": True,
}
NARROWEST_PX = 320
expect.set_options(timeout=15_000)  # a machine that also does other things
AXE_VIOLATIONS = """(rules) => axe.run({ resultTypes: ["violations"], ...(rules.length ? { runOnly: rules } : {}) }).then((found) => found.violations)"""
"""What axe finds fit travels nowhere: it is a hundred times what it finds broken."""
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

Deal = Callable[[int], list[Any]]
Open = Callable[..., Page]


def card(page: Page) -> Locator:
    return page.locator(".card:not([hidden])")


def shown_case(page: Page) -> int:
    """The case on the page, whether or not its keys count."""
    return int(card(page).get_attribute("data-case") or 0)


def shown(page: Page) -> int:
    """The case on the page, once its keys count."""
    page.locator("[data-do=confirm][aria-disabled=false]").wait_for(
        state="attached"
    )  # looked for at each frame, where expect looks ever more rarely
    return shown_case(page)


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def go_to(page: Page, name: str) -> None:
    """Follow a link of the navigation, which on narrow screens is behind a button."""
    menu = page.locator(".pages-button")
    if menu.is_visible():
        menu.press("Enter")
    page.locator(".top nav").get_by_role("link", name=name, exact=True).press("Enter")


def all_sent(page: Page) -> None:
    page.locator("#unsent").wait_for(state="hidden")


def sign_in(page: Page, name: str) -> None:
    """By keys alone; the person's app is set up before."""
    expect(page.locator("[name=username]")).to_be_focused()
    secret = app_of(name)
    page.keyboard.type(name)
    press(page, "Tab")
    page.keyboard.type(PASSWORD)
    press(page, "Enter")
    expect(page.locator("[name=code]")).to_be_focused()
    page.keyboard.type(code_of(secret))
    press(page, "Enter")


def assert_fit_for_all(page: Page, where: str) -> None:
    """No violation that axe knows of, by day and by night, and nothing that sticks out."""
    for night in (False, True):
        page.emulate_media(color_scheme="dark" if night else "light")
        found = violations(page, "color-contrast") if night else violations(page)
        broken = [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found]
        assert broken == [], (where, night, broken)
    assert_nothing_sticks_out(page, where)


def violations(page: Page, *rules: str) -> list[dict[str, Any]]:
    """What axe finds broken, of all rules or of these."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE_SCRIPT)
    return list(page.evaluate(AXE_VIOLATIONS, list(rules)))


def assert_nothing_sticks_out(page: Page, where: str) -> None:
    """Nothing lies beyond the right edge, also on the narrowest screen."""
    size = page.viewport_size
    assert size is not None
    for width in (size["width"], NARROWEST_PX):
        page.set_viewport_size({"width": width, "height": size["height"]})
        assert page.evaluate(TOO_WIDE_PX) <= 0, (where, width)
    page.set_viewport_size(size)


def answers() -> dict[int, tuple[str, int | None]]:
    """What was answered to each case, undone answers left out; there is one a case."""
    from server.review.models import Verdict

    rows = Verdict.objects.filter(undone_at=None)
    assert len({row.case_id for row in rows}) == len(rows)
    return {row.case_id: (row.answer, row.reason) for row in rows}
