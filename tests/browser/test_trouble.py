"""The queue when something goes wrong: nothing gets lost, and nothing is answered twice."""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

import pytest
from browsing import (
    PHONE,
    Deal,
    Open,
    all_sent,
    answers,
    assert_fit_for_all,
    assert_nothing_sticks_out,
    card,
    press,
    shown,
    shown_case,
    sign_in,
)
from django.contrib.sessions.models import Session
from django.db import OperationalError, connection
from playwright.sync_api import Route, expect

from server import pictures, roles
from server.accounts.models import User
from server.cases.models import Picture
from server.review.models import Verdict
from server.screening.services import best_picture

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


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
    expect(page.locator("#banner")).to_contain_text(f": {len(given) - 1}")
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
    expect(page.locator("#session")).to_be_visible()
    expect(page.locator("#session-waiting")).to_have_text("To be sent 1")
    assert_fit_for_all(page, "session")
    other_tab = page.context.new_page()
    other_tab.goto("/login/")
    with page.expect_response(lambda answer: "verdicts" in answer.url and answer.status == 403):
        sign_in(other_tab, "li")
    assert not Verdict.objects.exists()
    other_tab.get_by_role("button", name="Sign out").press("Enter")
    sign_in(other_tab, "wang")
    all_sent(page)
    expect(page.locator("#banner")).to_be_hidden()
    expect(page.locator("#session")).to_be_hidden()
    assert Verdict.objects.get().person == reviewer
    shown(page)
    press(page, "f")
    all_sent(page)
    assert Verdict.objects.count() == 2
    assert all("403" in each for each in errors)
    errors.clear()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_what_stops_a_verdict_is_told_in_its_own_words_with_a_number_and_loses_nothing(
    language: str, open_page: Open, deal: Deal, reviewer: User, errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An address that is for others, and a database without room, are no session that is over."""
    given = [case.pk for case in deal(2)]
    page = open_page("/review/", reviewer, language)
    banner = page.locator("#banner")
    shown(page)
    with monkeypatch.context() as patch:
        patch.setitem(roles.MAY, "review_verdicts", frozenset({User.Role.SUPERVISOR}))
        press(page, "f")
        expect(banner).to_contain_text("This is for: Supervisor." if language == "en" else "仅供：主管。")
        expect(banner).to_contain_text(re.compile(r"\[[0-9a-f]{8}\]$"))
        assert_nothing_sticks_out(page, "banner")
    all_sent(page)
    expect(banner).to_be_hidden()

    def full(*_: Any, **__: Any) -> None:
        raise OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr("server.review.views.decide", full)
        shown(page)
        press(page, "f")
        expect(banner).to_contain_text("The database does not answer" if language == "en" else "数据库没有响应")
    all_sent(page)
    expect(banner).to_be_hidden()
    assert answers() == dict.fromkeys(given, ("confirm", None))
    assert all("403" in each or "503" in each for each in errors)
    errors.clear()


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_a_database_that_is_locked_for_a_while_is_told_and_waited_for(
    language: str, open_page: Open, deal: Deal, reviewer: User, errors: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As while it is restored: another program holds it for longer than the server waits. The reviewer goes on with the cards at hand."""
    given = [case.pk for case in deal(5)]
    monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", 1)
    page = open_page("/review/", reviewer, language)
    banner = page.locator("#banner")
    shown(page)
    with closing(sqlite3.connect(connection.settings_dict["NAME"], isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        for case in given[:2]:
            assert shown(page) == case
            press(page, "f")
        told = "The database does not answer; answers wait here" if language == "en" else "数据库没有响应；结论留在本页"
        expect(banner).to_contain_text(told)
        expect(banner).to_contain_text(re.compile(r"2 \[[0-9a-f]{8}\]$"))
        assert_fit_for_all(page, "locked")
        assert shown(page) == given[2]
        assert not Verdict.objects.exists()
        press(page, "d", "2")
        expect(page.locator("#unsent b")).to_have_text("3")
    all_sent(page)
    expect(banner).to_be_hidden()
    for case in given[3:]:
        assert shown(page) == case
        press(page, "f")
    expect(page.locator("#empty [data-do=again]")).to_be_visible()
    all_sent(page)
    assert answers() == dict.fromkeys(given, ("confirm", None)) | {given[2]: ("reject", 2)}
    assert errors
    assert all("503" in each for each in errors)
    errors.clear()
