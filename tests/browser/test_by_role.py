"""What each role does of each part, through its pages, in both languages: what other files show is named in SHOWN, what none of them shows is walked here.

A walk ends in what the database holds and in what the page says of it.
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from browsing import Deal, Open, all_sent, assert_fit_for_all, press, shown
from django.utils import timezone
from django.utils.translation import gettext
from playwright.sync_api import expect
from second_factors import code_of
from walking import LANGUAGES, do, go, said
from walking import hand_over as hand_over
from walking import people as people

from models.pixels import encode_jpeg
from server import roles
from server.accounts.models import User
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.models import Case, Note
from server.cases.rules import State
from server.quality.services import all_days, sum_day
from server.review.models import Dispute, Gold, Verdict
from server.screening.services import screen_new
from server.words import screening_name, state_name

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HERE, READERS = "test_by_role.py", "test_by_reader.py"
PARTS = {
    "screening": ("review_lease",),
    "review": ("review_queue", "review_batch", "review_disputes", "review_gold", "review_faces"),
    "cases": ("case_list", "case", "case_print", "case_export", "case_map", "case_note", "case_merge", "case_reopen"),
    "places": ("case_list", "case"),
    "quality": ("quality", "quality_category", "quality_vehicle", "quality_threshold"),
    "dashboard": ("dashboard", "report"),
    "roles": ("users", "audit", "audit_csv", "audit_erase"),
    "languages": ("home",),
    "interface": ("metrics",),
}
"""The parts of the back office by the addresses at which people do them; whom these are for stands in server/roles.py."""
SHOWN: dict[str, dict[str, str]] = {
    "screening": {
        "reviewer": f"{HERE}::test_what_screening_set_aside_is_dealt_blind_and_measured",
        "supervisor": f"{HERE}::test_what_screening_set_aside_is_found_and_reviewed_all_the_same",
    },
    "review": {
        "reviewer": "test_deeds.py::test_a_note_goes_with_the_answer_to_its_card_alone",
        "supervisor": f"{HERE}::test_two_reviewers_disagree_and_a_supervisor_decides",
        "auditor": f"{HERE}::test_a_face_is_reported_and_its_opening_is_on_record",
    },
    "cases": {
        "reviewer": f"{HERE}::test_a_reviewers_note_on_a_case_is_read_by_a_supervisor",
        "supervisor": f"{HERE}::test_two_cases_become_one_and_the_audit_says_who_said_so",
        "city": f"{READERS}::test_an_officer_reads_prints_and_takes_along_what_was_handed_over",
        **dict.fromkeys(("auditor", "admin"), f"{READERS}::test_who_only_reads_cases_finds_no_form_on_them"),
    },
    "places": dict.fromkeys(("reviewer", "supervisor", "city", "auditor", "admin"), f"{READERS}::test_place_names_come_in_and_are_read_on_card_and_lists"),
    "quality": {
        "supervisor": "test_quality.py::test_a_supervisor_takes_an_advice_by_one_click_and_takes_it_back",
        "auditor": "test_quality.py::test_who_only_reads_quality_is_offered_no_threshold",
    },
    "dashboard": {
        "supervisor": "test_dashboard.py::test_the_overview_is_fit_for_all_and_leads_on",
        **dict.fromkeys(("city", "auditor", "admin"), f"{READERS}::test_the_overview_counts_what_waits_and_leads_to_it"),
    },
    "roles": {
        "admin": f"{HERE}::test_somebody_new_is_added_signs_in_for_the_first_time_and_reviews",
        "auditor": "test_signin.py::test_the_audit_is_searched_and_taken_along",
        "supervisor": f"{HERE}::test_two_cases_become_one_and_the_audit_says_who_said_so",
    },
    "languages": dict.fromkeys(roles.EVERYBODY, f"{READERS}::test_everybody_reads_every_page_in_the_language_they_chose"),
    "interface": {"admin": f"{READERS}::test_an_administrator_reads_what_the_machines_do_and_nobody_else"},
}  # fmt: skip


def test_every_part_is_shown_in_both_languages_for_every_role_it_is_for() -> None:
    for part, names in PARTS.items():
        meant = {role for name in names for role in roles.MAY[name] or ()}
        assert set(SHOWN[part]) == meant, part
    for file, name in {tuple(each.split("::")) for shown_by in SHOWN.values() for each in shown_by.values()}:
        tree = ast.parse((Path(__file__).parent / file).read_text(encoding="utf-8"))
        test = next(each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name)
        assert "language" in {argument.arg for argument in test.args.args}, name


def black(send: Any) -> Case:
    """Screen a case of a picture on which nothing can be seen."""
    send(picture=encode_jpeg(np.full((180, 320, 3), 3, np.uint8)))
    screen_new(timezone.now())
    return Case.objects.get()


@LANGUAGES
def test_what_screening_set_aside_is_dealt_blind_and_measured(
    language: str, open_page: Open, settings: Any, send: Any, people: dict[str, User]
) -> None:
    """Nothing on the card tells; what people made of it stands on the page of quality."""
    settings.BLIND_SHARE = 1.0
    case = black(send)
    assert (case.state, case.blind, case.screening) == (State.QUEUED, True, "picture_unusable")
    why = said(language, screening_name, case.screening)
    page = open_page("/review/", people["reviewer"], language)
    assert shown(page) == case.pk
    assert why not in page.locator(".card:not([hidden])").inner_text()
    press(page, "f")
    all_sent(page)
    assert Verdict.objects.get().answer == "confirm"
    for day in all_days():
        sum_day(day)
    page = open_page("/quality/", people["supervisor"], language)
    row = page.locator("#loss ~ table tbody tr")
    expect(row).to_contain_text(why)
    expect(row).to_contain_text("100.0 %")


@LANGUAGES
def test_what_screening_set_aside_is_found_and_reviewed_all_the_same(
    language: str, open_page: Open, settings: Any, send: Any, people: dict[str, User]
) -> None:
    settings.BLIND_SHARE = 0.0
    case = black(send)
    assert (case.state, case.screening) == (State.SET_ASIDE, "picture_unusable")
    page = open_page("/review/", people["supervisor"], language)
    go(page, "/cases/")
    page.locator("form[role=search] [name=state]").select_option("set_aside")
    page.locator("form[role=search] button.primary").press("Enter")
    page.locator(".case-list td.no a").press("Enter")
    expect(page.locator(".case-page")).to_contain_text(said(language, screening_name, case.screening))
    do(page, "reopen", why="seen by day it is a heap")
    expect(page.locator(".case-head .state")).to_have_text(said(language, state_name, State.QUEUED))
    expect(page.locator("#timeline")).to_contain_text("seen by day it is a heap")
    assert Case.objects.get().state == State.QUEUED
    moved = AuditRow.objects.filter(verb=Verb.CASE_MOVED, actor=people["supervisor"]).get()
    assert (moved.detail["old"], moved.detail["new"]) == ("set_aside", "queued")


@LANGUAGES
def test_two_reviewers_disagree_and_a_supervisor_decides(
    language: str, open_page: Open, deal: Deal, settings: Any, colleague: User, people: dict[str, User]
) -> None:
    settings.SECOND_SHARE = 1.0
    case = deal(1)[0]
    for person, keys in ((people["reviewer"], "f"), (colleague, "d2")):
        page = open_page("/review/", person, language)
        assert shown(page) == case.pk
        press(page, *keys)
        all_sent(page)
    assert Dispute.objects.get().settled_at is None
    page = open_page("/review/", people["supervisor"], language)
    go(page, "/review/disputes/")
    page.locator("button[name=outcome][value=second]").press("Enter")
    expect(page.locator(".dispute.is-settled")).to_have_count(1)
    expect(page.locator(".dispute:not(.is-settled)")).to_have_count(0)
    expect(page.locator("table.standings")).to_contain_text(colleague.username)
    assert Dispute.objects.get().settled_by.person == people["supervisor"]
    assert Case.objects.get().state == State.REJECTED


@LANGUAGES
def test_a_case_becomes_a_gold_card_by_its_number_and_is_retired(
    language: str, open_page: Open, deal: Deal, hand_over: Callable[[Case], None], people: dict[str, User]
) -> None:
    case = deal(1)[0]
    hand_over(case)
    page = open_page("/review/gold/", people["supervisor"], language)
    page.locator("form.filter [name=case]").fill(str(case.number))
    page.locator("form.filter button.primary").press("Enter")
    expect(page.locator("#found img")).to_be_visible()
    assert not Gold.objects.exists()
    assert_fit_for_all(page, "a case before it is gold")
    page.locator("#found button.primary").press("Enter")
    expect(page.locator(".told")).to_contain_text(str(case.number))
    expect(page.locator("button[name=retire]")).to_have_count(1)
    assert Gold.objects.get().case == case
    page.locator("button[name=retire]").press("Enter")
    expect(page.locator("button[name=retire]")).to_have_count(0)
    assert Gold.objects.get().retired_at is not None


@LANGUAGES
def test_a_face_is_reported_and_its_opening_is_on_record(
    language: str, open_page: Open, deal: Deal, people: dict[str, User]
) -> None:
    case = deal(1)[0]
    page = open_page("/review/", people["reviewer"], language)
    assert shown(page) == case.pk
    press(page, "d", "8")
    all_sent(page)
    page = open_page("/", people["auditor"], language)
    go(page, "/audit/")
    page.locator("main a[href='/review/faces/']").press("Enter")
    expect(page.locator("table.standings tbody tr")).to_contain_text(str(case.number))
    page.locator("form[action*='/review/faces/'] button").press("Enter")
    expect(page.locator("main img")).to_be_visible()
    assert_fit_for_all(page, "a hidden picture")
    row = AuditRow.objects.get(verb=Verb.HIDDEN_OPENED)
    assert (row.actor, row.object_id) == (people["auditor"], str(case.pk))
    go(page, "/audit/")
    page.locator("form[role=search] [name=verb]").select_option(Verb.HIDDEN_OPENED)
    page.locator("form[role=search] button.primary").press("Enter")
    expect(page.locator(".audit tbody tr")).to_have_count(1)
    expect(page.locator(".audit tbody tr")).to_contain_text(people["auditor"].username)


@LANGUAGES
def test_a_reviewers_note_on_a_case_is_read_by_a_supervisor(
    language: str, open_page: Open, deal: Deal, people: dict[str, User]
) -> None:
    case = deal(1)[0]
    page = open_page("/review/", people["reviewer"], language)
    shown(page)
    go(page, "/cases/")
    page.locator(".case-list td.no a").press("Enter")
    note = page.locator("#notes form.deed")
    note.locator("textarea").fill("在校门口 by the gate")
    note.locator("button").press("Enter")
    expect(page.locator("#notes li")).to_contain_text("在校门口 by the gate")
    assert (Note.objects.get().case, Note.objects.get().person) == (case, people["reviewer"])
    other = open_page(f"/cases/{case.number}/", people["supervisor"], language)
    expect(other.locator("#notes li")).to_contain_text("在校门口 by the gate")


@LANGUAGES
def test_two_cases_become_one_and_the_audit_says_who_said_so(
    language: str, open_page: Open, deal: Deal, people: dict[str, User]
) -> None:
    stays, goes = sorted(deal(2), key=lambda case: case.number)
    Case.objects.filter(id=goes.pk).update(lat_deg=stays.lat_deg, lon_deg=stays.lon_deg)
    page = open_page(f"/cases/{goes.number}/", people["supervisor"], language)
    do(page, "merge", into=str(stays.number), why="one heap")
    expect(page.locator("h1 .no")).to_contain_text(str(stays.number))
    expect(page.locator("#timeline")).to_contain_text("one heap")
    goes.refresh_from_db()
    assert (goes.state, goes.merged_into_id) == (State.MERGED, stays.pk)
    page.goto(f"/cases/{goes.number}/")
    expect(page.locator("h1 .no")).to_contain_text(str(stays.number))
    go(page, "/audit/")
    page.locator("form[role=search] [name=verb]").select_option(Verb.CASE_MERGED)
    page.locator("form[role=search] button.primary").press("Enter")
    expect(page.locator(".audit tbody tr")).to_have_count(AuditRow.objects.filter(verb=Verb.CASE_MERGED).count())
    expect(page.locator(".audit tbody tr").first).to_contain_text(people["supervisor"].username)


@LANGUAGES
def test_somebody_new_is_added_signs_in_for_the_first_time_and_reviews(
    language: str, open_page: Open, deal: Deal, people: dict[str, User]
) -> None:
    case = deal(1)[0]
    admin = open_page("/", people["admin"], language)
    go(admin, "/users/")
    admin.locator(".add summary").press("Enter")
    admin.locator(".add [name=name]").fill("sun")
    admin.locator(".add [name=role]").select_option("reviewer")
    admin.locator(".add button.primary").press("Enter")
    password = admin.locator(".once .secret").inner_text()
    assert User.objects.get(username="sun").password_once
    page = open_page("/review/", language=language)
    page.locator("[name=username]").fill("sun")
    page.locator("[name=password]").fill(password)
    press(page, "Enter")
    expect(page).to_have_url("/login/enrol/")
    page.get_by_text("No camera? Type the key" if language == "en" else "无法扫描？手动输入密钥").press("Enter")
    secret = page.locator("#secret").inner_text().replace(" ", "")
    page.locator("[name=code]").fill(code_of(secret))
    press(page, "Enter")
    expect(page.locator(".codes li")).to_have_count(10)
    page.locator("main button.primary").press("Enter")
    page.locator("[name=password]").fill("horse battery staple")
    press(page, "Enter")
    assert shown(page) == case.pk
    press(page, "f")
    all_sent(page)
    new = User.objects.get(username="sun")
    assert not new.password_once
    assert Verdict.objects.get().person == new
    admin.goto("/users/")
    row = admin.locator("tr", has=admin.get_by_role("rowheader", name="sun", exact=True))
    expect(row).to_contain_text(said(language, gettext, "set up"))
