"""That every page is looked at by axe: in both languages, at both sizes, by day and by night. Which test looks at which stands in LOOKED_AT; a page that it lacks fails."""

from __future__ import annotations

import ast
import importlib
from pathlib import Path
from typing import Any

import pytest
from befalling import befell, way_of
from browsing import DESK, PHONE, Deal, Open, assert_fit_for_all
from django.utils import timezone
from playwright.sync_api import expect

from server import roles
from server.accounts.models import User
from server.cases.counts import count_all
from server.cases.models import Case
from server.dashboard.days import sum_up

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
HERE = Path(__file__)
BENCHMARKS = HERE.parents[2] / "benchmarks"
LOOKED_AT = {
    **dict.fromkeys(("login", "review_queue", "case_list", "case", "categories"), "test_pages.py::test_every_page_is_fit_for_all"),
    "login_code": "test_signin.py::test_a_code_is_asked_for_and_a_wrong_one_is_told",
    **dict.fromkeys(("login_enrol", "login_recovery", "login_password"), "test_signin.py::test_the_first_sign_in_is_walked_from_page_to_page"),
    "account": "test_signin.py::test_ones_own_account_is_found_from_any_page_and_changed",
    "users": "test_signin.py::test_people_are_added_and_changed",
    "audit": "test_signin.py::test_the_audit_is_searched_and_taken_along",
    "review_mine": "test_mine.py::test_a_reviewer_sees_their_own_pace_and_reads_it_when_they_leave",
    "my_keys": "test_keys.py::test_the_pages_of_ones_own_are_fit_for_all",
    **dict.fromkeys(("review_disputes", "review_gold", "review_faces"), "test_disputes.py::test_the_pages_are_fit_for_all_full_and_empty"),
    **dict.fromkeys(("quality", "quality_category", "quality_vehicle"), "test_quality.py::test_every_page_of_quality_is_fit_for_all"),
    "case_print": "test_case.py::test_list_case_and_sheet_are_fit_for_all",
    "case_map": "test_map.py::test_a_case_is_found_on_the_map_and_its_panel_leads_to_it",
    "dashboard": "test_dashboard.py::test_the_overview_is_fit_for_all_and_leads_on",
    "report": "test_every_page.py::test_the_report_is_fit_for_all",
    "vehicles": "test_fleet.py::test_a_fleet_operator_sees_worst_first_what_is_wrong",
    "coverage": "test_fleet.py::test_the_map_of_last_looks_is_moved_by_keys_and_says_its_ages_in_words",
}  # fmt: skip
STEPS = {"login_code", "login_enrol", "login_recovery", "login_password"}
"""Pages that only who is signing in comes to."""


def test_every_page_is_looked_at_in_both_languages_at_both_sizes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    pages = importlib.import_module("review_axe")
    programs = {name for name in roles.MAY if roles.is_for_programs(name)}
    assert set(roles.MAY) - programs - (pages.NO_PAGE - STEPS) == set(LOOKED_AT)
    for file, name in {tuple(each.split("::")) for each in LOOKED_AT.values()}:
        tree = ast.parse(HERE.with_name(file).read_text(encoding="utf-8"))
        test = next(each for each in tree.body if isinstance(each, ast.FunctionDef) and each.name == name)
        assert {"language", "device"} <= {argument.arg for argument in test.args.args}, name
        called = {each.func.id for each in ast.walk(test) if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)}  # fmt: skip
        assert called & {"assert_fit_for_all", "look"}, name


@pytest.mark.parametrize("language", ["zh-hans", "en"])
@pytest.mark.parametrize("device", [DESK, PHONE], ids=["desk", "phone"])
def test_the_report_is_fit_for_all(device: dict[str, Any], language: str, open_page: Open, deal: Deal) -> None:
    """As an officer has it, to whom a case was handed over this month, and of a month in which nothing happened."""
    city, now = deal(2)[0].city, timezone.now()
    Case.objects.filter(number=1).update(state="handed_over", confirmed_at=now, handed_over_at=now)
    befell(*way_of(Case.objects.get(number=1)))
    count_all(now)
    sum_up(city, timezone.localdate(now), now)
    officer = User.objects.create_user("officer", role="city", city=city)
    page = open_page(f"/report/{timezone.localdate(now):%Y-%m}/", officer, language, **device)
    expect(page.locator("[aria-labelledby=kinds] tbody tr")).to_have_count(1)
    assert_fit_for_all(page, "report")
    page.locator(".choices a").first.press("Enter")
    expect(page.locator("[aria-labelledby=kinds]")).to_have_count(0)
    assert_fit_for_all(page, "report of nothing")
