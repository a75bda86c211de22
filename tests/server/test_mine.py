"""A reviewer's own pace: sums that are right, of that person alone, and a line at the end of a shift."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW, UTC

from server.accounts.models import User
from server.cases.models import Case, Picture
from server.fleet.models import City
from server.review.counts import queue_counts
from server.review.gold import make, tell
from server.review.mine import Agreed, agreed, answered, by_week, pace_of, today
from server.review.models import Dispute, Look, MergeByVerdict, Verdict
from server.review.own import A_PAGE, own_answers
from server.review.rules import Kind, LookKind
from server.screening.services import screen_new


def test_a_pace_is_counted_by_answer_and_timed_by_what_was_not_left_lying() -> None:
    rows = [(NOW, answer, ms) for answer, ms in [("confirm", 2000), ("change", 4000), ("reject", 6000), ("unsure", 0), ("reject", 900_000)]]  # fmt: skip
    pace = pace_of("x", rows)
    assert (pace.decided, pace.confirmed, pace.changed, pace.rejected, pace.unsure, pace.median_s) == (5, 1, 1, 2, 1, 4.0)  # fmt: skip
    assert pace_of("x", []).median_s is None


def test_weeks_begin_on_monday_by_the_local_clock() -> None:
    late_sunday = datetime(2026, 11, 1, 16, 30, tzinfo=UTC)  # Monday 00:30 in Taiyuan
    weeks = by_week([(late_sunday, "confirm", 1), (late_sunday - timedelta(hours=1), "reject", 1)], date(2026, 11, 4))
    assert [(start, len(rows)) for start, rows in weeks] == [(date(2026, 11, 2), 1), (date(2026, 10, 26), 1)]


@pytest.fixture
def cases(send: Any) -> list[Case]:
    for number in range(4):
        send(east_m=60.0 * number, seed=number)
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


def say(person: User, case: Case, answer: str = "confirm", **more: Any) -> Verdict:
    return Verdict.objects.create(id=uuid4(), case=case, person=person, city=case.city, answer=answer, proposed=case.category, **more)  # fmt: skip


@pytest.mark.django_db
def test_ones_own_answers_alone_count_and_neither_skipped_nor_undone_ones(reviewer: User, cases: list[Case]) -> None:
    other = User.objects.create_user("li", role="reviewer")
    say(reviewer, cases[0], visible_ms=3000)
    say(reviewer, cases[1], "skip")
    say(reviewer, cases[2], undone_at=timezone.now())
    say(other, cases[3])
    say(reviewer, cases[3], kind="settled")  # a supervisor's ruling is no review
    pace = today(reviewer, timezone.now())
    assert pace is not None
    assert (pace.decided, pace.median_s) == (1, 3.0)
    assert queue_counts(reviewer, timezone.now()).mine_today == 1
    assert len(answered(other, timezone.now() - timedelta(days=1))) == 1
    assert today(User.objects.create_user("chen", role="reviewer"), timezone.now()) is None


@pytest.mark.django_db
def test_agreement_counts_what_is_settled_alone(reviewer: User, cases: list[Case]) -> None:
    """The first person learns nothing of a second answer before a supervisor has decided between them."""
    other, now = User.objects.create_user("li", role="reviewer"), timezone.now()
    since = now - timedelta(days=1)
    assert agreed(reviewer, since) is None
    for case, second in zip(cases, ("confirm", "reject", "reject", "unsure"), strict=True):
        about, verdict = say(reviewer, case), say(other, case, second, kind=Kind.SECOND, counted=False)
        Look.objects.create(case=case, city=case.city, kind=LookKind.SECOND, about=about, first_person=reviewer, person=other, verdict=verdict, made_at=now, done_at=now)  # fmt: skip
        if second == "reject":
            settled = now if case == cases[1] else None
            Dispute.objects.create(case=case, city=case.city, first=about, second=verdict, opened_at=now, settled_at=settled)  # fmt: skip
    assert agreed(reviewer, since) == Agreed(2, 1)
    assert agreed(other, since) is None


@pytest.mark.django_db
def test_who_signs_out_reads_the_day_in_one_line(reviewer: User, cases: list[Case]) -> None:
    say(reviewer, cases[0], visible_ms=4200)
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    page = client.post("/logout/", follow=True).content.decode()
    assert "Decided today: 1, half of them within 4.2\u00a0s." in page
    assert "Decided today" not in client.get("/login/").content.decode()
    client.force_login(User.objects.create_user("li", role="reviewer"))
    assert "Decided today" not in client.post("/logout/", follow=True).content.decode()


@pytest.mark.django_db
def test_who_signs_out_is_told_of_the_gold_cards_of_the_last_hour_too(reviewer: User, cases: list[Case]) -> None:
    """Mid-rhythm they are told at most once an hour, so the last hour of a shift would never be told; it is told once, and the missed ones by their number."""
    chief, now = User.objects.create_user("zhao", role="supervisor"), timezone.now()
    for case, answer in zip(cases, ("confirm", "reject", "unsure"), strict=False):
        Case.objects.filter(id=case.pk).update(state="fixed")
        case.refresh_from_db()
        gold = make(chief, case, "confirm", case.category, now)
        verdict = say(reviewer, case, answer, kind=Kind.GOLD, counted=False, reason=1 if answer == "reject" else None)
        told_at = now - timedelta(minutes=5) if answer == "confirm" else None
        Look.objects.create(case=case, city=case.city, kind=LookKind.GOLD, gold=gold, person=reviewer, verdict=verdict, made_at=now, done_at=now, told_at=told_at)  # fmt: skip
    assert tell(reviewer, now) == []
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    page = client.post("/logout/", follow=True).content.decode()
    assert "Cards whose answer was known: 0 of 1 as expected." in page
    assert f"Case {cases[1].number}: rejected (nothing there) instead of confirmed as Bagged garbage left on the kerb." in page  # fmt: skip
    assert f"Case {cases[0].number}:" not in page
    client.force_login(reviewer)
    assert "answer was known" not in client.post("/logout/", follow=True).content.decode()


@pytest.mark.django_db
def test_the_page_asks_the_database_a_bounded_number_of_times(
    reviewer: User, cases: list[Case], django_assert_max_num_queries: Any
) -> None:
    for _ in range(60):
        say(reviewer, cases[0], visible_ms=1000)
    client = Client()
    client.force_login(reviewer)
    with django_assert_max_num_queries(15):
        assert client.get("/review/mine/").status_code == 200


def listed(client: Client, query: str = "") -> str:
    page = client.get(f"/review/mine/{query}").content.decode()
    return page[page.index("own-title") :]


@pytest.mark.django_db
def test_the_last_answers_are_ones_own_with_what_was_proposed_and_said(reviewer: User, cases: list[Case]) -> None:
    """Neither a colleague's answer, nor a skipped card, nor what one settled for others; a case that one may no longer see is a number alone."""
    other, client = User.objects.create_user("li", role="reviewer"), Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    assert "None yet." in listed(client)
    say(reviewer, cases[0], category="dead_animal")
    say(reviewer, cases[1], "reject", reason=9, words="a <shadow>", undone_at=timezone.now())
    say(reviewer, cases[2], "skip")
    say(reviewer, cases[2], kind=Kind.SETTLED)
    say(other, cases[3], "unsure")
    page = listed(client)
    assert page.count("<li") == 2
    assert "relabelled as Dead animal" in page
    assert "rejected (other)" in page
    assert "a &lt;shadow&gt;" in page
    assert page.count("taken back") == 1
    assert page.count("Bagged garbage left on the kerb") == 2
    assert page.index(f'href="/cases/{cases[1].number}') < page.index(f'href="/cases/{cases[0].number}')
    assert page.count("<img") == Picture.objects.filter(sighting__case__in=cases[:2], role="best").count() > 0
    same = say(reviewer, cases[3], "reject", reason=5, box=[1, 2, 3, 4], lat_deg=30.0, lon_deg=120.0)
    MergeByVerdict.objects.create(verdict=same, into=cases[1], sightings=[])
    assert f"<b>merged into case {cases[1].number}</b>" in listed(client)
    client.cookies["trikeye_language"] = "zh-hans"
    chinese = listed(client)
    assert f"已并入案件 {cases[1].number}" in chinese
    assert "方框已修正 · 位置已修正" in chinese
    client.cookies["trikeye_language"] = "en"
    elsewhere = City.objects.create(key="elsewhere", name_zh="别处", name_en="elsewhere")
    User.objects.filter(id=reviewer.pk).update(city=elsewhere)
    client.force_login(User.objects.get(id=reviewer.pk))
    page = listed(client)
    assert f"Case {cases[0].number}" in page
    assert 'href="/cases/' not in page
    assert "<img" not in page


@pytest.mark.django_db
def test_the_last_answers_go_on_by_a_row_and_are_a_walk_along_an_index(
    reviewer: User, cases: list[Case], django_assert_max_num_queries: Any
) -> None:
    at = timezone.now()
    given = [say(reviewer, cases[number % 4]) for number in range(A_PAGE + 7)]
    Verdict.objects.filter(id__in=[each.pk for each in given[3:12]]).update(at=at)  # twelve at once may share a moment
    own, older = own_answers(reviewer)
    with CaptureQueriesContext(connection) as asked, django_assert_max_num_queries(6):
        rest, end = own_answers(reviewer, older)
    assert (len(own), len(rest), end) == (A_PAGE, 7, "")
    assert [each.at for each in own + rest] == sorted((each.at for each in own + rest), reverse=True)
    assert sum(each.at == at for each in own) == 2
    assert sum(each.at == at for each in rest) == 7
    walk = next(each["sql"] for each in asked if "ORDER BY" in each["sql"] and "review_verdict" in each["sql"])
    assert "COUNT" not in walk
    with connection.cursor() as cursor:
        plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {walk}").fetchall())
    assert "verdict_of_person (person_id=? AND at<?)" in plan
    assert "SCAN" not in plan
    client = Client()
    client.force_login(reviewer)
    assert 'rel="next"' in listed(client)
    with django_assert_max_num_queries(10):
        assert listed(client, f"?before={older}").count("<li") == 7
    for wrong in ("x", "1-2", "9" * 17 + "-" + "0" * 32, "²-" + "0" * 32):
        assert client.get("/review/mine/", {"before": wrong}).status_code == 200
