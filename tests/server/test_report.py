"""A month as a page to print."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from befalling import befell, way_of
from django.test import Client
from django.utils import timezone
from django.utils.timezone import localdate
from sightings import LAT, LON

from server.accounts.models import User
from server.cases.models import Case
from server.cases.rules import State
from server.city.models import Destination, Handover
from server.dashboard.days import sum_up
from server.dashboard.models import CaseDay
from server.dashboard.rules import bounds_of, month_of_day
from server.places.models import CasePlace, Import

pytestmark = pytest.mark.django_db(transaction=True)
CHINA = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


@pytest.fixture
def october(send: Any) -> Case:
    """Two days of October 2026: case 1 was fixed in time in a district, case 2 was fixed late, case 3 is overdue."""
    send()
    noon = bounds_of(date(2026, 10, 14), CHINA)[0] + 12 * HOUR
    case = Case.objects.select_related("city").get()
    reached = {"first_seen_at": noon - 6 * HOUR, "confirmed_at": noon - 4 * HOUR, "handed_over_at": noon - 3 * HOUR}
    ends = [(State.FIXED, noon, noon), (State.FIXED, noon + 20 * HOUR, noon), (State.ACCEPTED, None, noon)]
    Import.objects.create(city=case.city, kind="district", made_at=noon, features=1, tallest_deg=0.1)
    for number, (state, fixed_at, deadline_at) in enumerate(ends, start=1):
        values = {**reached, "state": state, "fixed_at": fixed_at, "deadline_at": deadline_at}
        if number == 1:
            Case.objects.filter(id=case.pk).update(**values)
            CasePlace.objects.create(
                case=case, named_by=1, lat_deg=LAT, lon_deg=LON, district_zh="小店区", district_en="Xiaodian"
            )
        else:
            kept = {f.attname: getattr(case, f.attname) for f in Case._meta.concrete_fields if not f.primary_key}
            Case.objects.create(**{**kept, "number": number, "category": "road_damage", **values})
    Case.objects.filter(number=3).update(returned_at=noon, retracted_at=noon + HOUR)
    befell(*(move for each in Case.objects.all() for move in way_of(each)))
    for day in (14, 15):
        sum_up(case.city, date(2026, 10, day), noon + timedelta(days=9))
    return case


def page_of(person: User, month: str = "2026-10", language: str = "en") -> str:
    client = Client(headers={"accept": "text/html"})
    client.force_login(person)
    client.cookies["trikeye_language"] = language
    answer = client.get(f"/report/{month}/")
    assert answer.status_code == 200
    assert "style=" not in answer.content.decode()
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode()).split())


@pytest.fixture
def chief(db: None) -> User:
    """Who sees everything."""
    return User.objects.create_user("zhao", role="supervisor")


def test_it_holds_totals_categories_districts_times_and_deadlines(october: Case, chief: User) -> None:
    told = page_of(chief)
    for words in (
        "Report of the month 2026-10", "Taiyuan", "3 new", "3 confirmed", "3 handed over", "2 fixed", "0 the month before",
        "fixed in time 1 33 %", "fixed late 1 33 %", "overdue 1 33 %", "seen → confirmed 3", "handed over → fixed 2",
        "Bagged garbage left on the kerb 1 1 1 1 0 0", "2 2 2 1 1 1", "Xiaodian 1 1 1 1 0 0", "1 returned", "1 taken back", "whenever the case was first seen",
        "with the city",
    ):  # fmt: skip
        assert words in told, words
    chinese = page_of(chief, language="zh-hans")
    for words in (
        "月报 2026-10",
        "太原市",
        "按期处置 1 33 %",
        "打包垃圾 1 1 1 1 0 0",
        "小店区 1 1 1 1 0 0",
        "1 被退回",
        "1 撤回",
    ):
        assert words in chinese, words
    assert 'class="cases-map"' in source_of(chief)
    assert "data-print hidden" in source_of(chief)
    assert "3 the month before" in page_of(chief, "2026-11")


def source_of(person: User) -> str:
    client = Client()
    client.force_login(person)
    return client.get("/report/2026-10/").content.decode()


def test_a_city_reads_of_what_it_was_handed(october: Case) -> None:
    officer = User.objects.create_user("officer", role="city", city=october.city)
    told = page_of(officer)
    assert "3 handed over" in told
    assert "confirmed" not in told.replace("confirmed → handed over", "")
    assert 'class="cases-map"' not in source_of(officer)
    town = Destination.objects.create(city=october.city, name="town", url="http://town/", secret_file="s")
    Handover.objects.create(case=october, destination=town, kind="case.confirmed", body={}, next_try_at=timezone.now(), receipted_at=timezone.now())  # fmt: skip
    assert 'class="cases-map"' in source_of(officer)


def test_a_month_that_runs_says_what_is_still_to_come(october: Case, chief: User) -> None:
    """ "None this month" read as if nothing were due until its end."""
    now = timezone.now()
    this, after = month_of_day(localdate(now)), bounds_of(month_of_day(localdate(now)).after, CHINA)[0]
    Case.objects.filter(number=3).update(deadline_at=now + (after - now) / 2)
    told = page_of(chief, str(this))
    assert "No deadline has ended in this month yet. Deadlines from now to the end of the month: 1" in told
    assert "本月尚无案件到期。 从现在到月底将到期：1 件" in page_of(chief, str(this), "zh-hans")
    Case.objects.filter(number=3).update(deadline_at=after)
    assert "to the end of the month: 0" in page_of(chief, str(this))
    assert "to the end of the month" not in page_of(chief, "2026-09")


@pytest.mark.parametrize("month", ["2026-13", "abc", "2026-1", "1999-01", "2199-12", "2026-10-01"])
def test_a_bad_month_or_one_to_come_is_told(month: str, chief: User) -> None:
    client = Client(headers={"accept": "text/html"})
    client.force_login(chief)
    client.cookies["trikeye_language"] = "en"
    answer = client.get(f"/report/{month}/")
    assert answer.status_code == 404
    assert "ends with a month that has begun" in answer.content.decode()


def test_a_month_whose_days_are_not_all_summed_up_says_so(october: Case, chief: User) -> None:
    assert "Not every day of this month is summed up yet" in page_of(chief)
    for day in range(16, 32):
        sum_up(october.city, date(2026, 10, day), timezone.now())
    assert "Not every day of this month is summed up yet" not in page_of(chief)
    assert "No deadline ended in this month" in page_of(chief, "2026-09")
    assert "Nothing happened in this month" in page_of(chief, "2026-09")
    assert not CaseDay.objects.filter(day=date(2026, 10, 20)).exists()


def test_it_asks_the_database_little(october: Case, chief: User, django_assert_max_num_queries: Any) -> None:
    client = Client()
    client.force_login(chief)
    with django_assert_max_num_queries(32):
        assert client.get("/report/2026-10/").status_code == 200
