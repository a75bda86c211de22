"""Signing in as people do it: the first time, with an app or a passkey, and what an administrator and an auditor see."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import DESK, PASSWORD, PHONE, Deal, Open, assert_fit_for_all, press, shown
from django.utils import timezone
from playwright.sync_api import Browser, Page, expect
from second_factors import app_of, code_of

from server.accounts import people
from server.accounts.models import User
from server.audit.models import AuditRow
from server.audit.seals import seal
from server.fleet.models import City
from server.review.services import decide

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
SHOTS = os.environ.get("TRIKEYE_SHOTS")
EVERY = [(language, device) for language in ("zh-hans", "en") for device in (DESK, PHONE)]


def look(page: Page, name: str) -> None:
    """Fit for all; kept as a file for the eye where TRIKEYE_SHOTS names a folder."""
    assert_fit_for_all(page, name)
    if SHOTS:
        language = page.locator("html").get_attribute("lang")
        page.screenshot(path=Path(SHOTS) / f"{name}-{language}-{page.viewport_size['width']}.png", full_page=True)  # type: ignore[index]


def key_of(page: Page, device: dict[str, Any]) -> str:
    """The key for an app. A phone cannot scan its own screen: there the way into an app of its own and the key come first, and the picture is folded."""
    picture = page.locator(".qr:visible")
    if device is PHONE:
        expect(page.locator(".on-this-device a.button")).to_have_attribute("href", re.compile("otpauth://totp/"))
        expect(page.locator("#secret-here")).to_be_visible()
        expect(page.locator(".on-this-device [data-copy]")).to_be_visible()
        expect(picture).to_have_count(0)
        page.locator(".on-this-device summary").click()
    else:
        expect(page.locator(".on-this-device")).to_be_hidden()
        page.locator(".by-camera summary").click()
    expect(picture).to_have_count(1)
    assert picture.evaluate("image => image.complete && image.naturalWidth > 0")
    return page.locator("#secret-here" if device is PHONE else "#secret").inner_text().replace(" ", "")


def give_password(page: Page, name: str, password: str = PASSWORD) -> None:
    page.locator("[name=username]").fill(name)
    page.locator("[name=password]").fill(password)
    press(page, "Enter")


@pytest.mark.parametrize(("language", "device"), EVERY)
def test_the_first_sign_in_is_walked_from_page_to_page(open_page: Open, db: None, language: str, device: dict[str, Any]) -> None:  # fmt: skip
    _, password = people.add_person("zhao", "auditor")
    page = open_page("/cases/", language=language, **device)
    look(page, "sign-in")
    give_password(page, "zhao", "wrong")
    expect(page.get_by_role("alert")).to_be_visible()
    look(page, "sign-in-wrong")
    give_password(page, "zhao", password)
    expect(page).to_have_url("/login/enrol/")
    secret = key_of(page, device)
    look(page, "enrol")
    page.locator("[name=code]").fill(f"{code_of(secret)[:3]} {code_of(secret)[3:]}")
    press(page, "Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    expect(page.locator("[data-print]")).to_be_visible()
    look(page, "recovery")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.locator("[data-copy]").click()
    expect(page.locator("[data-copy]")).to_have_text({"en": "Copied"}.get(language, "已复制"))
    kept = page.evaluate("navigator.clipboard.readText()").split()
    assert {"zhao", "trikeye"} <= {each.strip(",") for each in " ".join(kept).replace("，", " ").split()}
    assert [line for line in kept if line.isdigit() and len(line) == 4][:2] == page.locator(".codes code").first.inner_text().split()  # fmt: skip
    page.locator("main button.primary").click()
    expect(page.locator("[name=password]")).to_be_focused()
    page.keyboard.type("short")
    press(page, "Enter")
    expect(page).to_have_url("/login/password/")
    page.locator("[name=password]").fill("horse battery staple")
    page.locator("button.show").click()
    expect(page.locator("[name=password]")).to_have_attribute("type", "text")
    expect(page.locator("[name=password]")).to_be_focused()
    look(page, "password")
    press(page, "Enter")
    expect(page).to_have_url("/cases/")


def test_without_script_a_new_password_is_typed_twice(browser: Browser, live_server: Any, db: None) -> None:
    _, password = people.add_person("zhao", "auditor")
    secret = app_of("zhao")
    page = browser.new_context(base_url=live_server.url, java_script_enabled=False, locale="en-GB").new_page()
    page.goto("/login/")
    expect(page.locator("button.show")).to_be_hidden()
    give_password(page, "zhao", password)
    page.locator("[name=code]").fill(code_of(secret))
    press(page, "Enter")
    page.locator("[name=password]").fill("horse battery staple")
    page.locator("[name=again]").fill("horse battery stable")
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_contain_text("not the same")
    page.locator("[name=password]").fill("horse battery staple")
    page.locator("[name=again]").fill("horse battery staple")
    press(page, "Enter")
    expect(page).to_have_url("/dashboard/")
    page.context.close()


def to_ones_own(page: Page, address: str) -> None:
    """One's own pages are under one's name, or where there is no room for it at the end of the pages."""
    name, pages = page.locator(".who"), page.locator(".pages-button")
    here = page.locator(".own-nav" if name.is_visible() else ".pages-nav").locator(f"a[href='{address}']")
    expect(here).to_be_hidden()
    (name if name.is_visible() else pages).click()
    expect(page.locator(f"nav a[href='{address}']:visible")).to_have_count(1)
    here.click()


@pytest.mark.parametrize("width_px", [1440, 1250, 1000, 390])
def test_ones_own_pages_are_at_the_same_place_for_every_role(open_page: Open, db: None, width_px: int) -> None:
    for role in ("reviewer", "supervisor", "city", "auditor", "fleet", "admin"):
        person = User.objects.create_user(role, role=role)
        page = open_page("/account/", person, viewport={"width": width_px, "height": 844})
        assert page.locator("nav .own:visible").count() == 0, role
        for address in ["/review/mine/", "/me/keys/", "/account/"][0 if role in ("reviewer", "supervisor") else 2 :]:
            to_ones_own(page, address)
            expect(page).to_have_url(address)
        if role == "supervisor":
            page.locator(".who:visible, .pages-button:visible").last.click()
            assert_fit_for_all(page, "one's own pages")
        page.context.close()


@pytest.mark.parametrize(("language", "device"), EVERY)
def test_ones_own_account_is_found_from_any_page_and_changed(open_page: Open, errors: list[str], reviewer: User, language: str, device: dict[str, Any]) -> None:  # fmt: skip
    app_of("wang")
    page = open_page("/cases/", reviewer, language=language, **device)
    to_ones_own(page, "/account/")
    expect(page.locator("h1")).to_be_visible()
    look(page, "account")
    page.locator("[name=current]").fill("wrong")
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    errors.clear()  # the answer is a 400
    page.locator("[name=current]").fill(PASSWORD)
    press(page, "Enter")
    page.locator("[value=begin_app]").click()
    secret = key_of(page, device)
    look(page, "account-open")
    page.locator("[name=code]").fill(code_of(secret))
    press(page, "Enter")
    expect(page.get_by_role("status")).to_be_visible()
    page.locator("[value=codes]").click()
    expect(page.locator(".codes li")).to_have_count(10)
    look(page, "account-codes")
    page.locator("[name=password]").fill("horse battery staple")
    press(page, "Enter")
    expect(page.get_by_role("status")).to_be_visible()
    expect(page).to_have_url("/account/")
    assert User.objects.get(username="wang").check_password("horse battery staple")
    assert sorted(AuditRow.objects.filter(kind="user").values_list("verb", flat=True)) == ["factor_made", "password_refused", "recovery_renewed", "user_password"]  # fmt: skip


@pytest.mark.parametrize(("language", "device"), EVERY)
def test_a_code_is_asked_for_and_a_wrong_one_is_told(open_page: Open, reviewer: User, language: str, device: dict[str, Any]) -> None:  # fmt: skip
    secret = app_of("wang")
    page = open_page("/login/", language=language, **device)
    give_password(page, "wang")
    expect(page.locator("[name=code]")).to_be_focused()
    page.keyboard.type("000000")
    press(page, "Enter")
    expect(page.get_by_role("alert")).to_be_visible()
    look(page, "code")
    page.locator("[name=code]").fill(code_of(secret))
    press(page, "Enter")
    expect(page).to_have_url("/review/")


@pytest.fixture
def at_localhost(browser: Browser, live_server: Any) -> Iterator[Page]:
    """A page at localhost, where passkeys work without a certificate, with an authenticator that says yes."""
    context = browser.new_context(base_url=live_server.url, **DESK)
    page = context.new_page()
    session = context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}})  # fmt: skip
    yield page
    context.close()


def test_a_passkey_is_made_at_the_first_sign_in_and_shown_at_the_next(at_localhost: Page, reviewer: User) -> None:
    page = at_localhost
    page.goto("/login/")
    give_password(page, "wang")
    page.locator("#passkey button").click()
    expect(page.locator(".codes li")).to_have_count(10)
    page.locator("main button.primary").click()
    expect(page).to_have_url("/review/")
    page.context.clear_cookies()
    page.goto("/login/")
    give_password(page, "wang")
    expect(page.locator("#passkey button")).to_be_visible()
    assert_fit_for_all(page, "passkey")
    page.locator("#passkey button").click()
    expect(page).to_have_url("/review/")


def test_a_passkey_is_added_to_ones_account_and_the_app_removed(at_localhost: Page, reviewer: User) -> None:
    secret = app_of("wang")
    page = at_localhost
    page.goto("/login/?next=/account/")
    give_password(page, "wang")
    page.locator("[name=code]").fill(code_of(secret))
    press(page, "Enter")
    page.locator("[name=current]").fill(PASSWORD)
    press(page, "Enter")
    page.locator("#passkey [name=name]").fill("desk")
    page.locator("#passkey button").click()
    expect(page.locator(".factors li")).to_have_count(2)
    assert_fit_for_all(page, "two factors")
    page.locator(".factors li").first.get_by_role("button").click()
    expect(page.locator(".factors li")).to_have_count(1)
    expect(page.locator(".factors")).to_contain_text("desk")
    page.context.clear_cookies()
    page.goto("/login/")
    give_password(page, "wang")
    page.locator("#passkey button").click()
    expect(page).to_have_url("/review/")


def test_passkeys_are_not_offered_where_they_cannot_work(open_page: Open, live_server: Any, reviewer: User) -> None:
    """An address of numbers without a certificate."""
    page = open_page(live_server.url.replace("localhost", "127.0.0.1") + "/login/")
    give_password(page, "wang")
    expect(page.get_by_text("localhost")).to_be_visible()
    assert page.locator("#passkey").count() == 0


@pytest.mark.parametrize(("language", "device"), EVERY)
def test_an_administrator_of_an_empty_server_is_led_to_the_first_step(open_page: Open, db: None, language: str, device: dict[str, Any]) -> None:  # fmt: skip
    page = open_page("/", User.objects.create_user("boss", role="admin"), language=language, **device)
    expect(page.locator(".first-steps li")).to_have_count(7)
    look(page, "first-steps")
    page.locator(".first-steps a").first.click()
    expect(page).to_have_url("/users/")


@pytest.mark.parametrize(("language", "device"), EVERY)
def test_people_are_added_and_changed(open_page: Open, db: None, errors: list[str], language: str, device: dict[str, Any]) -> None:  # fmt: skip
    boss = User.objects.create_user("boss", role="admin")
    User.objects.create_user("li", role="reviewer", last_seen_at=timezone.now())
    User.objects.create_user("a-name-as-long-as-names-may-be-" + "x" * 60, role="city", is_active=False)
    page = open_page("/users/", boss, language=language, **device)
    page.locator(".add summary").click()
    page.locator(".add [name=name]").fill("zhao yi")
    page.locator(".add [name=role]").select_option("auditor")
    page.locator(".add button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.locator(".add [name=name]")).to_have_value("zhao yi")
    look(page, "users-refused")
    assert [line for line in errors if "400" not in line] == []
    errors.clear()
    page.locator(".add [name=name]").fill("zhao")
    page.locator(".add button").click()
    expect(page.locator(".once .secret")).to_be_visible()
    assert User.objects.get(username="zhao").role == "auditor", "the role was kept"
    page.locator("[data-copy]").click()
    expect(page.locator("[data-copy]")).to_have_text({"en": "Copied"}.get(language, "已复制"))
    row = page.locator("tr", has=page.get_by_role("rowheader", name="li", exact=True))
    row.locator("summary").click()
    look(page, "users")
    row.locator("[name=role]").select_option("supervisor")
    row.locator("form.filter button").click()
    expect(page.locator(".once")).to_have_count(0)
    assert User.objects.get(username="li").role == "supervisor"
    row.locator("summary").click()
    row.locator("[value=shut_out]").click()
    expect(page.locator("main h1")).to_contain_text("li")
    look(page, "users-ask")
    page.locator("main a.button").click()
    assert User.objects.get(username="li").is_active
    row.locator("summary").click()
    row.locator("[value=shut_out]").click()
    page.locator("main [name=do]").click()
    expect(page.locator(".told")).to_contain_text("li")
    expect(page.locator("tr.out .tag")).to_have_count(2)
    look(page, "users-told")
    assert not User.objects.get(username="li").is_active


SIZES = "form => [...form.querySelectorAll('input, select, button')].filter(each => each.getClientRects().length).map(each => each.getBoundingClientRect()).map(each => [each.top, each.bottom])"


@pytest.mark.parametrize("address", ["/users/", "/audit/", "/categories/", "/review/gold/"])
def test_a_button_stands_level_with_the_fields_beside_it(open_page: Open, db: None, address: str) -> None:
    City.objects.create(key="taiyuan", name_zh="太原", name_en="Taiyuan")
    person = User.objects.create_user("boss", role="admin" if address == "/users/" else "supervisor")
    page = open_page(address, person)
    for summary in page.locator("main summary").all():
        summary.click()
    forms = page.locator("form.filter").all()
    assert forms
    for form in forms:
        by_row: dict[int, set[float]] = {}
        for top, bottom in form.evaluate(SIZES):
            by_row.setdefault(round(bottom), set()).add(round(top, 1))
        assert [tops for tops in by_row.values() if len(tops) > 1] == [], address


@pytest.mark.parametrize(("language", "device"), EVERY)
def test_the_audit_is_searched_and_taken_along(open_page: Open, deal: Deal, reviewer: User, language: str, device: dict[str, Any]) -> None:  # fmt: skip
    from uuid import uuid4

    for case in deal(2):
        decide(reviewer, uuid4(), case.pk, "reject", timezone.now(), reason=8)
    seal("taiyuan", timezone.now() + timezone.timedelta(minutes=1))
    auditor = User.objects.create_user("auditor", role="auditor")
    page = open_page("/audit/", auditor, language=language, **device)
    look(page, "audit")
    page.locator("[name=verb]").select_option("verdict")
    page.locator("form[role=search] button").click()
    expect(page.locator(".audit tbody tr")).to_have_count(2)
    with page.expect_download() as download:
        page.locator("a[href*='rows.csv']").click()
    assert Path(download.value.path()).read_text(encoding="utf-8-sig").count("verdict") == 2
    page.goto("/audit/?since=rubbish")
    expect(page.get_by_role("alert")).to_be_visible()
    name = page.locator(".plain-list code").first.inner_text()
    page.locator(".plain-list [action$='/audit/erase'] button").first.click()
    expect(page.locator(".ask code")).to_have_text(name)
    look(page, "erase")
    page.locator("[name=why]").fill("somebody can be recognised")
    page.locator("[name=why]").press("Control+Enter")  # and the answer that is the button's goes along
    expect(page.locator(".told")).to_be_visible()
    expect(page.locator(".plain-list li")).to_have_count(1)
    expect(page.locator(".plain-list code")).not_to_have_text(name)


def test_who_is_shut_out_while_a_card_is_open_is_told_so_and_whom_to_ask(open_page: Open, deal: Deal, reviewer: User, errors: list[str]) -> None:  # fmt: skip
    """And not that they should sign in again, which they cannot."""
    deal(2)
    page = open_page("/review/", reviewer, language="en")
    shown(page)
    people.put_in_use(reviewer, False)
    press(page, "f")
    expect(page.locator(".banner")).to_contain_text("This account is out of use")
    expect(page.locator(".banner")).to_contain_text("Ask your administrator")
    expect(page.locator("dialog#session")).to_be_hidden()
    page.goto("/review/")
    expect(page.get_by_role("alert")).to_contain_text("This account is out of use. Ask your administrator.")
    assert [line for line in errors if "403" not in line] == []
    errors.clear()
