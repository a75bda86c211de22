"""The overview: its figures are those of the cases, whoever looks, and cost the same whatever there is."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from math import inf
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from befalling import befell, way_of
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from django.utils.timezone import localdate
from sightings import NOW

from models.deadlines import WorkCalendar, worked
from server.accounts.models import User
from server.cases.counts import count_all
from server.cases.models import Case
from server.cases.rules import State
from server.city.models import Destination, Handover
from server.dashboard.days import sum_up, sum_up_days
from server.dashboard.models import CaseDay, Day
from server.dashboard.rules import (
    LONGEST,
    Month,
    Step,
    bounds_of,
    class_of,
    classes,
    is_stale,
    longest_s,
    month_of,
    quantile_s,
    together,
)
from server.dashboard.services import AtRisk, at_risk, last_days, overdue, shown_blind, standing, took, waiting
from server.dashboard.words import capped, left_words, length
from server.fleet.models import City
from server.fleet.services import add_vehicle

pytestmark = pytest.mark.django_db(transaction=True)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CHINA = ZoneInfo("Asia/Shanghai")


@pytest.fixture
def chief(db: None) -> User:
    """Who sees everything."""
    return User.objects.create_user("zhao", role="supervisor")


@pytest.fixture
def first(send: Any) -> Case:
    """A case like which others are made."""
    send()
    return Case.objects.get()


def another(first: Case, number: int, **changes: Any) -> Case:
    kept = {
        field.attname: getattr(first, field.attname) for field in Case._meta.concrete_fields if not field.primary_key
    }
    return Case.objects.create(**{**kept, "number": number, **changes})


def came(case: Case) -> None:
    """The city has received it."""
    town, _ = Destination.objects.get_or_create(
        city=case.city, name="town", defaults={"url": "http://town/", "secret_file": "s"}
    )
    Handover.objects.create(
        case=case, destination=town, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW
    )


# Durations, days and months


def test_quantiles_of_classes_are_near_those_of_what_was_counted() -> None:
    took_s = [float(n * n) for n in range(1, 400)]
    counts = together([classes(took_s[::2]), classes(took_s[1::2])])
    assert counts.total() == len(took_s)
    for share in (0.1, 0.5, 0.9):
        exact = sorted(took_s)[round(share * len(took_s)) - 1]
        assert quantile_s(counts, share) == pytest.approx(exact, rel=0.09)
    assert quantile_s(Counter(), 0.5) is None
    assert class_of(0.0) == class_of(-5.0) == class_of(1.0) == 0


def test_no_quantile_is_more_than_the_longest_there_was() -> None:
    """Two cases of 26 days lie in a class that ends at 28."""
    length_s = 26 * 86_400.0
    counts, longest = (
        together([classes([length_s, length_s])]),
        longest_s([(classes([length_s]), length_s), ({}, None)]),
    )
    assert quantile_s(counts, 0.9) is not None
    assert (quantile_s(counts, 0.9) or 0) > length_s
    assert quantile_s(counts, 0.9, longest) == length_s
    assert longest_s([(classes([length_s]), length_s), (classes([1.0]), None)]) == inf


def test_a_day_is_summed_up_again_the_rarer_the_older_it_is() -> None:
    now, today = NOW, NOW.date()
    ages = [(0, timedelta(minutes=1)), (3, HOUR), (30, DAY)]
    for ago, after in ages:
        day = today - timedelta(days=ago)
        assert is_stale(None, day, today, now)
        assert not is_stale(now - after + timedelta(seconds=1), day, today, now)
        assert is_stale(now - after, day, today, now)
        assert is_stale(now + HOUR, day, today, now)  # the clock was set back since
    assert not is_stale(now - 400 * DAY, today - timedelta(days=100), today, now)


@pytest.mark.parametrize("text", ["", "2026", "2026-13", "2026-00", "2026-1", "26-01", "2026-1١", "1999-12", "2200-01", "2026-11-01", "abcd-ef", "2026/11"])  # fmt: skip
def test_what_is_no_month_is_none(text: str) -> None:
    assert month_of(text) is None


def test_months_know_their_neighbours() -> None:
    month = month_of("2026-12")
    assert month == Month(2026, 12)
    assert month
    assert (month.first, month.after, str(month.before)) == (date(2026, 12, 1), date(2027, 1, 1), "2026-11")
    assert str(Month(2026, 1).before) == "2025-12"
    begin, end = bounds_of(date(2026, 11, 1), CHINA)
    assert (begin.astimezone(UTC), end - begin) == (datetime(2026, 10, 31, 16, tzinfo=UTC), DAY)


@pytest.mark.parametrize(("begin", "end", "hours"), [
    ((27, 17), (30, 9), 2), ((27, 17), (27, 17), 0), ((27, 9), (27, 15), 4), ((28, 9), (29, 9), 0), ((27, 12), (27, 14), 0), ((30, 10), (30, 9), 0),
])  # fmt: skip
def test_working_time_between_two_instants(begin: tuple[int, int], end: tuple[int, int], hours: float) -> None:
    at, until = (datetime(2026, 11, day, hour, tzinfo=CHINA) for day, hour in (begin, end))
    assert worked(at, until, WorkCalendar()) == hours * HOUR


# What is summed up


def test_a_day_is_the_sum_of_its_cases(first: Case) -> None:
    """Every figure against a count over all cases, by category, before and after one is taken back."""
    day = date(2026, 11, 10)
    begin, end = bounds_of(day, CHINA)
    noon = begin + 12 * HOUR
    Case.objects.update(first_seen_at=begin - DAY)
    another(first, 2, first_seen_at=begin, state=State.QUEUED)
    another(first, 3, first_seen_at=end - timedelta(microseconds=1), confirmed_at=end, state=State.CONFIRMED)
    another(first, 4, first_seen_at=noon - 2 * HOUR, confirmed_at=noon, state=State.CONFIRMED, category="road_damage")
    reached = {"first_seen_at": noon - 5 * DAY, "confirmed_at": noon - 4 * DAY}
    another(first, 5, **reached, handed_over_at=noon - 3 * DAY, fixed_at=noon, deadline_at=noon, state=State.FIXED)
    another(first, 6, **reached, handed_over_at=noon, deadline_at=noon - HOUR, fixed_at=noon + HOUR, state=State.FIXED)
    another(first, 7, **reached, handed_over_at=noon - DAY, deadline_at=noon + HOUR, state=State.ACCEPTED)
    another(first, 8, **reached, handed_over_at=noon - DAY, deadline_at=noon + 9 * HOUR, state=State.ACCEPTED)
    another(first, 11, first_seen_at=begin - DAY, returned_at=noon, state=State.QUEUED)
    another(first, 12, first_seen_at=begin - DAY, retracted_at=noon, state=State.QUEUED, category="road_damage")
    for number, changes in ((9, {"shadow": True}), (10, {"state": State.MERGED})):
        another(first, number, first_seen_at=noon, confirmed_at=noon, **changes)
    befell(*(move for case in Case.objects.all() for move in way_of(case)))
    sum_up(first.city, day, noon + 2 * HOUR)

    def kept(category: str) -> dict[str, int]:
        figures = ("seen", "confirmed", "handed_over", "fixed", "returned", "retracted", "in_time", "late", "overdue")
        return CaseDay.objects.values(*figures).get(day=day, category=category)

    assert kept("bagged_garbage") == {"seen": 2, "confirmed": 0, "handed_over": 1, "fixed": 2, "returned": 1, "retracted": 0, "in_time": 1, "late": 1, "overdue": 1}  # fmt: skip
    assert kept("road_damage") == {"seen": 1, "confirmed": 1, "handed_over": 0, "fixed": 0, "returned": 0, "retracted": 1, "in_time": 0, "late": 0, "overdue": 0}  # fmt: skip
    spans = Day.objects.get(day=day).spans
    assert {step: sum(spans[step].values()) for step in Step} == {"confirmed": 1, "handed_over": 1, "fixed": 2}
    assert spans[LONGEST] == {"confirmed": 7200, "handed_over": 4 * 86_400, "fixed": 3 * 86_400}
    assert quantile_s(together([spans["confirmed"]]), 0.5) == pytest.approx(7200, rel=0.1)
    assert Day.objects.filter(day=day).count() == 1


def test_what_was_done_on_a_day_stays_counted(first: Case) -> None:
    """A city returned a case, another was reopened, a third is confirmed again: the day they were confirmed, handed over and fixed on keeps them. What a reviewer took back at once was never done."""
    day = date(2026, 11, 10)
    begin, end = bounds_of(day, CHINA)
    noon = begin + 12 * HOUR
    returned, reopened, again, undone = (another(first, number, first_seen_at=begin - HOUR) for number in range(2, 6))
    minute = timedelta(minutes=1)
    befell(
        (returned, "queued", "confirmed", noon), (returned, "confirmed", "handed_over", noon + HOUR), (returned, "handed_over", "returned", noon + 2 * HOUR),
        (returned, "returned", "queued", noon + 2 * HOUR), (reopened, "queued", "confirmed", noon), (reopened, "confirmed", "handed_over", noon + HOUR),
        (reopened, "handed_over", "fixed", noon + 3 * HOUR), (reopened, "fixed", "reopened", end + HOUR), (reopened, "reopened", "handed_over", end + HOUR),
        (again, "disputed", "confirmed", noon), (again, "confirmed", "disputed", noon + HOUR), (again, "disputed", "confirmed", end + HOUR),
        (undone, "queued", "confirmed", end - minute), (undone, "confirmed", "queued", end + minute),
    )  # fmt: skip
    Case.objects.filter(pk__in=[returned.pk, undone.pk]).update(state=State.QUEUED)
    Case.objects.filter(pk=reopened.pk).update(state=State.HANDED_OVER, confirmed_at=noon, handed_over_at=noon + HOUR)
    Case.objects.filter(pk=again.pk).update(state=State.CONFIRMED, confirmed_at=end + HOUR)
    for each in (day, day + DAY):
        sum_up(first.city, each, end + 2 * HOUR)
    figures = ("confirmed", "handed_over", "fixed", "returned")
    assert CaseDay.objects.values_list(*figures).get(day=day) == (3, 2, 1, 1)
    assert CaseDay.objects.values_list(*figures).get(day=day + DAY) == (1, 0, 0, 0)
    spans = Day.objects.get(day=day).spans
    assert {step: sum(spans[step].values()) for step in Step} == {"confirmed": 3, "handed_over": 2, "fixed": 1}
    assert spans[LONGEST] == {"confirmed": 13 * 3600, "handed_over": 3600, "fixed": 2 * 3600}


def test_work_sums_up_every_day_since_the_first_newest_first(first: Case) -> None:
    now = timezone.now()
    Case.objects.update(first_seen_at=now - 3 * DAY)
    made = []
    for _ in range(6):
        assert sum_up_days(now) == 0
        made.append(Day.objects.count())
    today = localdate(now)
    assert made == [1, 2, 3, 4, 4, 4]
    assert [row.day for row in Day.objects.order_by("id")] == [today - timedelta(days=ago) for ago in range(4)]
    sum_up_days(now + timedelta(minutes=1))
    assert Day.objects.get(day=today).made_at == now + timedelta(minutes=1)


def test_what_arrives_weeks_later_is_counted_on_its_day(first: Case) -> None:
    """A vehicle that had no network."""
    now, seen_at = timezone.now(), timezone.now() - 26 * DAY
    Case.objects.update(first_seen_at=seen_at, state_at=now - HOUR)
    for _ in range(30):
        sum_up_days(now)
    seen = CaseDay.objects.filter(day=localdate(seen_at))
    assert [row.seen for row in seen] == [1]
    another(first, 2, first_seen_at=seen_at, state_at=now + timedelta(seconds=5))
    for _ in range(3):  # yesterday's and today's sums are a minute old too
        sum_up_days(now + timedelta(minutes=2))
    assert [row.seen for row in seen.all()] == [2]


def test_days_are_summed_up_along_indexes(first: Case) -> None:
    begin, _end = bounds_of(date(2026, 11, 10), CHINA)
    befell((first, "confirmed", "handed_over", begin + HOUR))
    with CaptureQueriesContext(connection) as queries:
        sum_up(first.city, date(2026, 11, 10), NOW)
    looks = [each["sql"] for each in queries if 'FROM "cases_case"' in each["sql"]]
    deeds = [each["sql"] for each in queries if 'FROM "audit_auditrow"' in each["sql"] and "case_moved" in each["sql"]]
    assert len(looks) >= 5
    assert len(deeds) == 2
    with connection.cursor() as cursor:
        for look in deeds:
            assert re.search(r"audit_of_(verb \(verb=\? AND id>\? AND id<\?|object \(kind=\? AND object_id=\?)", str(cursor.execute(f"EXPLAIN QUERY PLAN {look}").fetchall())), look  # fmt: skip
        for look in looks:
            steps = [
                row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {look}").fetchall() if "cases_case " in row[3]
            ]
            assert all(re.search(r"case_(first_seen|due) \(city_id=\?.*>\?|INTEGER PRIMARY KEY", step) for step in steps), (look, steps)  # fmt: skip


# What the page shows


def test_standing_counts_states_and_open_categories(first: Case, chief: User) -> None:
    Case.objects.update(state=State.QUEUED)
    another(first, 2, state=State.HANDED_OVER, category="road_damage")
    another(first, 3, state=State.REJECTED)
    another(first, 4, state=State.QUEUED, shadow=True)
    another(first, 5, state=State.QUEUED, blind=True, screening="rejected_before")
    count_all(NOW)
    by_state, by_category = standing(chief)
    assert +by_state == {State.QUEUED: 2, State.HANDED_OVER: 1, State.REJECTED: 1}
    assert by_category == {"bagged_garbage": 2, "road_damage": 1}
    assert shown_blind(chief) == 1
    officer = User.objects.create_user("officer", role="city", city=first.city)
    assert +standing(officer)[0] == {State.HANDED_OVER: 1}
    assert standing(officer)[1] == {"road_damage": 1}


def test_cards_are_of_this_moment_and_the_other_blocks_say_as_of_when_they_are(first: Case, chief: User) -> None:
    """Two cards counted at different moments stood under one instant."""
    now = timezone.now()
    Case.objects.update(state=State.QUEUED)
    count_all(now - HOUR)
    sum_up(first.city, localdate(now), now - timedelta(minutes=1))
    Case.objects.update(state=State.HANDED_OVER, handed_over_at=now)
    came(first)
    officer = User.objects.create_user("officer", role="city", city=first.city)
    for person in (chief, officer):
        client = Client(headers={"accept-language": "en"})
        client.force_login(person)
        page = client.get("/dashboard/").content.decode()
        assert re.search(r'state=handed_over"><b>1</b>', page)
        told = " ".join(re.sub(r"<[^>]+>", " ", page).split())
        local = timezone.localtime(now)
        assert f"by category Cases counted at {local - HOUR:%Y-%m-%d %H:%M}" in told
        assert told.count(f"Summed up at {local - timedelta(minutes=1):%Y-%m-%d %H:%M}") == 2
        assert re.search(r"Overview as of 20\d\d-", told)
        assert '<a class="button" href="/report/' in page
    assert waiting(chief, State.QUEUED, 7) == 0


def test_few_cases_have_short_bars_and_many_fill_theirs(first: Case, chief: User) -> None:
    """A bar as long as the page for one case looked like an alarm."""
    client = Client()
    client.force_login(chief)

    def bars() -> list[str]:
        count_all(NOW)
        return re.findall(r'class="amount".*?<rect width="([\d.]+)"', client.get("/dashboard/").content.decode())

    another(first, 2, category="road_damage")
    assert bars() == ["20.0", "20.0"]
    for number in range(3, 12):
        another(first, number, category="road_damage")
    assert bars() == ["100.0", "10.0"]


def test_times_tell_their_zone(first: Case, chief: User) -> None:
    Case.objects.update(state=State.HANDED_OVER, handed_over_at=NOW, deadline_at=NOW + DAY)
    came(first)
    count_all(NOW)
    client = Client()
    client.force_login(chief)
    for address, words in (("/dashboard/", "11-03 11:00"), ("/cases/", "2026-11-02 10:00"), ("/cases/1/peek", "2026-11-02 10:00"), ("/cases/1/", "11-02 11:00:00")):  # fmt: skip
        page = client.get(address).content.decode()
        times = re.findall(r"<time( [^>]*)>" + re.escape(words), page)
        assert times, address
        assert all(re.search(r'title="2026-11-0\d \d\d:00:00 \S+"', each) for each in times), (address, times)


def test_what_is_late_comes_first_and_time_left_is_working_time(first: Case, chief: User) -> None:
    now = datetime(2026, 11, 27, 17, 0, tzinfo=CHINA)
    reached = {"confirmed_at": now - DAY, "handed_over_at": now - DAY, "state": State.HANDED_OVER}
    another(
        first, 2, **reached, category="exposed_garbage", deadline_at=now + 3 * DAY
    )  # four working hours: over the weekend
    another(first, 3, **reached, category="manhole_fault", deadline_at=now + 90 * timedelta(minutes=1))
    another(first, 4, **reached, category="exposed_garbage", deadline_at=now - 2 * HOUR)
    another(first, 5, **{**reached, "state": State.FIXED}, fixed_at=now, deadline_at=now - DAY)
    another(first, 6, **{**reached, "state": State.RETRACTED}, deadline_at=now - DAY)
    another(first, 7, **reached, shadow=True, deadline_at=now - DAY)
    risks = at_risk(chief, now)
    assert [(risk.case.number, risk.is_late) for risk in risks] == [(4, True), (3, False), (2, False)]
    with translation.override("en"):
        assert [left_words(risk) for risk in risks] == ["2.0 working hours late", "1.5 hours left", "8.0 working hours left"]  # fmt: skip
        assert left_words(AtRisk(first, -30 * HOUR, False)) == "30 hours late"
        assert left_words(AtRisk(first, 0.1 * HOUR, True)) == "6 minutes left"
    assert overdue(chief, now) == (1, 1)
    officer = User.objects.create_user("officer", role="city", city=first.city)
    assert at_risk(officer, now) == []
    came(risks[1].case)
    assert [risk.case.number for risk in at_risk(officer, now)] == [3]


def test_a_deadline_missed_while_nobody_works_is_missed(first: Case, chief: User) -> None:
    saturday = datetime(2026, 11, 28, 9, 0, tzinfo=CHINA)
    another(
        first, 2, handed_over_at=NOW, state=State.HANDED_OVER, category="exposed_garbage", deadline_at=saturday - HOUR
    )
    [risk] = at_risk(chief, saturday)
    assert risk.is_late


def test_deadlines_are_read_along_their_index(first: Case, chief: User) -> None:
    officer = User.objects.create_user("officer", role="city", city=first.city)
    with CaptureQueriesContext(connection) as queries:
        for person in (chief, officer):
            at_risk(person, NOW)
            overdue(person, NOW)
    looks = [each["sql"] for each in queries if "deadline_at" in each["sql"] and "LIMIT" in each["sql"]]
    assert len(looks) == 6
    with connection.cursor() as cursor:
        for look in looks:
            plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {look}").fetchall())
            assert "INDEX case_due (city_id=? AND fixed_at=? AND deadline_at>?" in plan
            assert "B-TREE" not in plan


@pytest.mark.parametrize(("role", "language"), [(role, language) for role in ("supervisor", "admin", "auditor", "city") for language in ("zh-hans", "en")])  # fmt: skip
def test_each_role_sees_what_is_its_own(role: str, language: str, first: Case, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    now = timezone.now()
    for number in range(2, 30):
        case = another(first, number, state=State.HANDED_OVER, confirmed_at=now - DAY, handed_over_at=now, deadline_at=now + number * HOUR)  # fmt: skip
        came(case)
    Case.objects.filter(number=1).update(state=State.QUEUED)
    client = Client()
    client.force_login(User.objects.create_user("someone", role=role, city=first.city))
    client.cookies["trikeye_language"] = language
    page = client.get("/dashboard/").content.decode()
    assert ("尚未统计" in page) or ("Not counted yet" in page)
    count_all(now)
    sum_up(first.city, localdate(now), now)
    with django_assert_max_num_queries(55):
        page = client.get("/dashboard/").content.decode()
    told = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert ("28 已移交" if language == "zh-hans" else "28 handed over") in told
    assert ("待审" in told or "to review" in told) is (role != "city")
    assert ('class="risks"' in page) is (role != "admin")
    assert ('class="cases-map"' in page) is (role != "admin")
    assert ("发现 → 确认" in told or "seen → confirmed" in told) is (role != "city")
    assert bool(re.search(r"\d (minutes|hours|working hours) left|剩 \d", told)) is (role != "admin")
    assert len(page.encode()) < 60_000


def test_reviewers_begin_at_the_queue_and_see_no_overview(reviewer: User) -> None:
    client = Client()
    client.force_login(reviewer)
    assert client.get("/").headers["Location"] == "/review/"
    assert client.get("/dashboard/").status_code == 403


def test_another_citys_figures_stay_there(first: Case, chief: User) -> None:
    add_vehicle("JN-1", "jinan")
    there = City.objects.get(key="jinan")
    another(first, 2, city=there, city_id=there.pk, state=State.QUEUED)
    now = timezone.now()
    Case.objects.update(first_seen_at=now)
    count_all(now)
    for city in City.objects.all():
        sum_up(city, localdate(now), now)
    hers = User.objects.create_user("li", role="supervisor", city=there)
    assert standing(hers)[0].total() == 1
    assert last_days(hers, now)[-1][1]["seen"] == 1
    assert last_days(chief, now)[-1][1]["seen"] == 2
    assert [each.cases for each in took(hers, localdate(now), localdate(now) + DAY)] == [0, 0, 0]


def test_words_of_numbers() -> None:
    with translation.override("en"):
        assert [length(each) for each in (None, 0.4, 59, 60, 3599, 5400, 86400 * 1.5, 86400 * 40)] == ["–", "0 s", "59 s", "1.0 min", "60 min", "1.5 h", "1.5 d", "40 d"]  # fmt: skip
    assert (capped(999, 1000), capped(1000, 1000)) == ("999", "999+")
