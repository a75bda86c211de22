"""What those do who only read: officers, auditors, administrators; each through the pages, in both languages. `test_by_role.py` says which part is shown where."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from befalling import befell, way_of
from browsing import PHONE, Deal, Open, all_sent, assert_fit_for_all, press, shown
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect
from sightings import LAT, LON, jpeg
from walking import LANGUAGES, go, said
from walking import hand_over as hand_over
from walking import people as people

from models.taxonomy import CATEGORIES
from server import command_places, roles
from server.accounts.models import User
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.counts import count_all
from server.cases.models import Case
from server.cases.rules import State
from server.dashboard.days import sum_up
from server.places.models import CasePlace
from server.places.services import Walk
from server.words import state_name

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
ELSEWHERE = {"X-Forwarded-For": "203.0.113.7"}


@LANGUAGES
def test_an_officer_reads_prints_and_takes_along_what_was_handed_over(
    language: str,
    open_page: Open,
    deal: Deal,
    hand_over: Callable[[Case], None],
    people: dict[str, User],
    errors: list[str],
) -> None:
    """On a phone; nothing can be changed, and nothing else is seen."""
    ours, theirs = deal(2)
    hand_over(ours)
    count_all(timezone.now())
    page = open_page("/", people["city"], language, **PHONE)
    go(page, "/cases/")
    expect(page.locator(".case-list tbody tr")).to_have_count(1)
    assert_fit_for_all(page, "an officer's list")
    with page.expect_download() as download:
        page.locator("a[href*='export.csv']").tap()
    lines = Path(download.value.path()).read_text(encoding="utf-8-sig").splitlines()
    assert len(lines) == 2
    row = AuditRow.objects.get(verb=Verb.CASES_EXPORTED)
    assert (row.actor, row.detail["rows"]) == (people["city"], 1)
    page.locator(".case-list td.no a").tap()
    expect(page.locator("h1 .no")).to_contain_text(str(ours.number))
    expect(page.locator("main form")).to_have_count(0)
    assert_fit_for_all(page, "an officer's case")
    page.locator("a[href*='/print/']").tap()
    expect(page.locator(".sheet h1")).to_be_visible()
    assert_fit_for_all(page, "an officer's sheet")
    page.goto("/cases/map/")
    expect(page.locator("#map")).to_have_attribute("data-shown", "1")
    assert_fit_for_all(page, "an officer's map")
    answer = page.goto(f"/cases/{theirs.number}/")
    assert answer is not None
    assert answer.status == 404
    assert_fit_for_all(page, "not an officer's case")
    assert all("404" in each for each in errors)
    errors.clear()
    assert Case.objects.get(id=theirs.pk).state == State.QUEUED


@LANGUAGES
@pytest.mark.parametrize("role", ["auditor", "admin"])
def test_who_only_reads_cases_finds_no_form_on_them(
    role: str, language: str, open_page: Open, deal: Deal, hand_over: Callable[[Case], None], people: dict[str, User]
) -> None:
    """An auditor may take the list along, an administrator may not."""
    case = deal(2)[0]
    hand_over(case)
    page = open_page("/", people[role], language)
    go(page, "/cases/")
    expect(page.locator(".case-list tbody tr")).to_have_count(2)
    files = page.locator("a[href*='/cases/export.']")
    if role == "auditor":
        with page.expect_download() as download:
            page.locator("a[href*='export.geojson']").click()
        assert len(json.loads(Path(download.value.path()).read_bytes())["features"]) == 2
        assert AuditRow.objects.get(verb=Verb.CASES_EXPORTED).actor == people[role]
    else:
        expect(files).to_have_count(0)
    page.locator(".case-list td.no a", has_text=re.compile(f"^{case.number}$")).press("Enter")
    expect(page.locator(".case-head .state")).to_have_text(said(language, state_name, State.HANDED_OVER))
    expect(page.locator("main form")).to_have_count(0)
    assert Case.objects.get(id=case.pk).state == State.HANDED_OVER


@LANGUAGES
def test_place_names_come_in_and_are_read_on_card_and_lists(
    language: str,
    open_page: Open,
    deal: Deal,
    hand_over: Callable[[Case], None],
    people: dict[str, User],
    tmp_path: Path,
) -> None:
    """By who may see the case: an officer once the city has it."""
    case = deal(1)[0]
    line = [[LON - 12 / 87_780, LAT - 200 / 111_195], [LON - 12 / 87_780, LAT + 200 / 111_195]]
    feature = {
        "type": "Feature",
        "geometry": {"type": "LineString", "coordinates": line},
        "properties": {"name": "桃园北路", "name_en": "Taoyuan North Road"},
    }
    file = tmp_path / "roads.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
    assert command_places.run(Namespace(file=file, city="taiyuan", kind="road", json=False)) == 0
    assert Walk().name_places(timezone.now()) == 1
    assert CasePlace.objects.get().road_zh == "桃园北路"
    road = "Taoyuan North Road, east side" if language == "en" else "桃园北路东侧"
    page = open_page("/review/", people["reviewer"], language)
    assert shown(page) == case.pk
    expect(page.locator(".card:not([hidden]) .facts")).to_contain_text(road)
    press(page, "f")
    all_sent(page)
    hand_over(case)
    for role in roles.MAY["case_list"] or ():
        page = open_page("/cases/", people[role], language)
        expect(page.locator(".case-list td.place")).to_have_text(road)
        page.locator(".case-list td.no a").press("Enter")
        expect(page.locator(".case-head")).to_contain_text(road)


@LANGUAGES
@pytest.mark.parametrize(
    ("role", "state", "waiting"), [("city", "handed_over", 1), ("auditor", "queued", 2), ("admin", "queued", 2)]
)
def test_the_overview_counts_what_waits_and_leads_to_it(
    role: str,
    state: str,
    waiting: int,
    language: str,
    open_page: Open,
    deal: Deal,
    hand_over: Callable[[Case], None],
    people: dict[str, User],
) -> None:
    hand_over(deal(3)[0])
    count_all(timezone.now())
    assert Case.objects.filter(state=state).count() == waiting
    page = open_page("/", people[role], language)
    link = page.locator(f".waits a[href$='state={state}']")
    expect(link).to_have_text(f"{waiting} {said(language, state_name, state)}")
    link.press("Enter")
    expect(page.locator(".case-list tbody tr")).to_have_count(waiting)


@LANGUAGES
@pytest.mark.parametrize("role", ["city", "auditor"])
def test_the_month_is_printed_with_whole_tables(
    role: str, language: str, open_page: Open, send: Any, people: dict[str, User]
) -> None:
    """More categories than a page holds: as wide as the paper, no line cut in two."""
    now = timezone.now()
    for number, category in enumerate(sorted(CATEGORIES)):
        send(category=category, east_m=60.0 * number, outbox=UUID(int=number + 1), picture=jpeg(1))
    Case.objects.update(state=State.HANDED_OVER, shadow=False, first_seen_at=now, confirmed_at=now, handed_over_at=now)
    befell(*(move for each in Case.objects.all() for move in way_of(each)))
    sum_up(Case.objects.all()[0].city, timezone.localdate(now), now)
    page = open_page("/", people[role], language)
    page.locator("a[href^='/report/']").press("Enter")
    rows = page.locator("table[aria-labelledby=kinds] tbody tr, [aria-labelledby=kinds] table tbody tr")
    expect(rows).to_have_count(len(CATEGORIES))
    paper = page.pdf(prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page(?![s\w])", paper)) >= 2
    page.set_viewport_size({"width": 700, "height": 1000})  # what A4 leaves between its margins
    page.emulate_media(media="print")
    cut = page.evaluate(
        """() => [...document.querySelectorAll("table")].filter((each) => each.getBoundingClientRect().right > document.documentElement.clientWidth
            || [...each.rows].some((row) => getComputedStyle(row).breakInside !== "avoid")).map((each) => each.outerHTML.slice(0, 200))"""
    )
    assert cut == []


@LANGUAGES
def test_everybody_reads_every_page_in_the_language_they_chose(
    language: str, open_page: Open, deal: Deal, people: dict[str, User]
) -> None:
    deal(1)
    other, tag = ("en", "zh-Hans") if language == "zh-hans" else ("zh-hans", "en")
    for person in people.values():
        page = open_page("/", person, other)
        page.locator(f"button[name=language][value={language}]").press("Enter")
        expect(page.locator("html")).to_have_attribute("lang", tag)
        pages = [reverse(each.name) for each in roles.pages_of(person)]
        for address in pages:
            assert f'<html lang="{tag}">' in page.request.get(address).text(), address
        go(page, pages[-1])
        expect(page.locator(".top nav [aria-current=page]")).to_have_text(
            said(language, str, roles.pages_of(person)[-1].words)
        )


@LANGUAGES
def test_an_administrator_reads_what_the_machines_do_and_nobody_else(
    language: str, open_page: Open, deal: Deal, people: dict[str, User], errors: list[str]
) -> None:
    """Somebody at the machine itself may, too, so the others come through a proxy."""
    deal(2)
    page = open_page("/metrics", people["admin"], language, extra_http_headers=ELSEWHERE)
    expect(page.locator("body")).to_contain_text(re.compile(r"trikeye_\w+{[^}]*queued[^}]*} 2(\.0)?\b"))
    page.goto("/health/ready/")
    expect(page.locator("body")).to_contain_text('"checks"')
    for role in set(people) - {"admin"}:
        refused = open_page("/metrics", people[role], language, extra_http_headers=ELSEWHERE)
        expect(refused.locator("main p").first).to_contain_text(said(language, str, User.Role.ADMIN.label))
    # 404: Chromium looks for an icon beside a text; 503: no process of a back office runs here.
    assert all(any(status in each for status in ("403", "404", "503")) for each in errors)
    errors.clear()
