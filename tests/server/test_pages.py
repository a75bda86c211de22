"""Cases as pages: a list that never counts, and a history in words."""

from __future__ import annotations

import gzip
import re
from datetime import timedelta
from html import unescape
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.accounts.services import clear_sessions
from server.cases.models import Case, Picture, Sighting
from server.city.reports import take_status
from server.city.services import add_destination, picture_address, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.fleet.services import add_vehicle
from server.review.cards import card_of
from server.review.counts import queue_counts
from server.review.services import BadVerdict, decide, lease
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def web(reviewer: Any) -> Client:
    """A browser without script, signed in."""
    client = Client()
    client.force_login(reviewer)
    return client


@pytest.mark.parametrize("language", ["zh-hans", "en"])
def test_the_history_of_a_case_is_told_in_words(
    language: str, send: Any, web: Client, reviewer: Any, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.city.services.send", lambda *_: Answer(True, "CG-1"))
    settings.GRACE_S = 0
    send()
    screen_new(NOW)
    case = Case.objects.get()
    destination, _ = add_destination(case.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    send_due(timezone.now())
    report = {"type": "case.status", "data": {"case_number": case.number, "status": "fixed", "at": NOW.isoformat()}}
    assert take_status(destination, "m1", report, NOW)
    web.cookies["trikeye_language"] = language
    page = web.get(f"/cases/{case.number}/").content.decode()
    told = re.sub(r"<[^>]+>", " ", page)
    for words in ("已移交 → 已处置", "已签收") if language == "zh-hans" else ("handed over → fixed", "received"):
        assert words in told
    codes = (
        "case_opened",
        "case_moved",
        "handover_",
        "city_status",
        "handed_over",
        "case.confirmed",
        "receipted",
        "queued",
    )
    assert not [code for code in codes if code in told]


@pytest.mark.parametrize(("asked", "cookie", "own", "shown"), [
    ("en-GB,en;q=0.9", "", "", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "", "", "zh-hans"), ("de-DE,de;q=0.9,en;q=0.5", "", "", "en"), ("zh-TW", "", "", "zh-hans"),
    ("fr", "", "", "zh-hans"), ("", "", "", "zh-hans"), ("garbage;q=x", "", "", "zh-hans"), ("en", "zh-hans", "", "zh-hans"), ("zh-CN", "en", "", "en"),
    ("en", "", "zh-hans", "zh-hans"), ("zh-CN", "", "en", "en"), ("en", "zh-hans", "en", "zh-hans"), ("en", "tlh", "", "en"),
])  # fmt: skip
def test_the_language_is_the_cookies_then_the_persons_then_the_browsers_then_chinese(asked: str, cookie: str, own: str, shown: str) -> None:  # fmt: skip
    client = Client(headers={"accept-language": asked} if asked else {})
    if cookie:
        client.cookies["trikeye_language"] = cookie
    if not own:
        assert client.get("/login/").headers["Content-Language"] == shown
    client.force_login(User.objects.create_user("someone", password="a long password", language=own))
    page = client.get("/cases/")
    assert page.headers["Content-Language"] == shown
    assert ("编号、地点、类别或文字" in page.content.decode()) is (shown == "zh-hans")
    decided = cookie in ("zh-hans", "en") or own
    assert ("Accept-Language" in page.headers["Vary"]) is not bool(decided)


def test_the_queue_and_its_cards_travel_compressed_to_who_can_read_that(send: Any, reviewer: User) -> None:
    send()
    screen_new(NOW)
    client = Client(headers={"accept-encoding": "gzip"})
    client.force_login(reviewer)
    for answer in (client.get("/review/"), client.post("/review/lease")):
        assert answer.headers["Content-Encoding"] == "gzip"
        assert 3 * len(answer.content) < 2 * len(gzip.decompress(answer.content)), (
            "small as one card is, and with a little of anything added against guessing"
        )
        assert "Accept-Encoding" in answer.headers["Vary"]


@pytest.mark.parametrize(("url", "foot"), [("", "AGPL-3.0-or-later"), ("https://git.example/trikeye", '<a href="https://git.example/trikeye">source code (AGPL)</a>')])  # fmt: skip
def test_the_foot_of_a_page_leads_to_the_source_where_it_is_known(
    url: str, foot: str, settings: Any, web: Client
) -> None:
    settings.SOURCE_URL = url
    for page in ("/cases/", "/review/"):
        said = web.get(page, headers={"accept-language": "en"}).content.decode()
        assert f"{foot}</footer>" in said


@pytest.mark.parametrize(("role", "first"), [("reviewer", "/review/"), ("supervisor", "/dashboard/"), ("fleet", "/fleet/"), ("city", "/dashboard/"), ("auditor", "/dashboard/"), ("admin", "/dashboard/")])  # fmt: skip
def test_each_role_begins_at_its_page_and_who_looks_after_vehicles_sees_no_case(send: Any, role: str, first: str) -> None:  # fmt: skip
    send()
    screen_new(NOW)
    case = Case.objects.get()
    client, sees = Client(), role not in ("fleet", "city")
    client.force_login(User.objects.create_user("someone", password="a long password", role=role))
    assert client.get("/").headers["Location"] == first
    assert client.get(first).status_code == 200
    sha256 = Picture.objects.values_list("sha256", flat=True).first()
    for address in (f"/cases/{case.number}/", f"/pictures/{sha256}.jpg"):
        assert client.get(address).status_code == (200 if sees else 403 if role == "fleet" else 404)


@pytest.fixture
def many(send: Any) -> list[Case]:
    """120 cases, oldest first, every third one confirmed."""
    send()
    for number in range(2, 121):
        another(number)
    return list(Case.objects.order_by("id"))


def another(number: int) -> None:
    case = Case.objects.order_by("id")[0]
    case.pk, case.number, case.state = None, number, "queued" if number % 3 else "confirmed"
    case.save(force_insert=True)


def listed(page: str) -> list[int]:
    return [int(number) for number in re.findall(r'<a href="/cases/(\d+)/">', page)]


def test_the_list_of_cases_is_walked_by_key_and_never_counted(many: list[Case], web: Client) -> None:
    address, seen, pages = "/cases/", [], 0
    while address:
        with CaptureQueriesContext(connection) as queries:
            page = web.get(address).content.decode()
        of_cases = [
            each["sql"] for each in queries if 'FROM "review_look"' not in each["sql"]
        ]  # a reader's own few looks
        assert not [sql for sql in of_cases if "COUNT(" in sql or "DISTINCT" in sql]
        seen += listed(page)
        older = re.search(r'<a href="([^"]+)" rel="next">', page)
        address = "/cases/" + unescape(older[1]) if older else ""
        pages += 1
        another(1000 + pages)  # a newer one shifts no page
    assert pages == 3
    assert seen == [case.number for case in reversed(many)]


def test_the_list_keeps_its_filter_and_forgives_a_wrong_key(many: list[Case], web: Client) -> None:
    page = web.get("/cases/?state=confirmed&category=bagged_garbage").content.decode()
    assert listed(page) == list(range(120, 0, -3))
    assert 'rel="next"' not in page
    key = many[30].pk
    assert listed(web.get(f"/cases/?state=confirmed&before={key}").content.decode()) == list(range(30, 0, -3))
    for wrong in ("abc", "-1", "²", "9" * 30):
        assert len(listed(web.get("/cases/", {"before": wrong}).content.decode())) == 50


def test_the_list_shows_open_cases_unless_asked_and_walks_an_index_whatever_it_is_asked(many: list[Case], web: Client) -> None:  # fmt: skip
    Case.objects.filter(id__gt=many[9].pk).update(state="rejected")
    merged = many[0]
    Case.objects.filter(id=merged.pk).update(state="merged", merged_into=many[1])
    asked = {"": list(range(10, 1, -1)), "?state=all": list(range(120, 70, -1)), "?state=rejected": list(range(120, 70, -1)), "?state=rubbish": list(range(10, 1, -1)),
             "?state=all&category=bagged_garbage": list(range(120, 70, -1)), "?category=waste_pile": []}  # fmt: skip
    for query, wanted in asked.items():
        with CaptureQueriesContext(connection) as queries:
            assert listed(web.get("/cases/" + query).content.decode()) == wanted
        looks = [each["sql"] for each in queries if "ORDER BY" in each["sql"] and " LIMIT 51" in each["sql"] and 'FROM "review_look"' not in each["sql"]]  # fmt: skip
        assert looks
        index = "case_of_category" if "category" in query else "case_list"
        with connection.cursor() as cursor:
            for look in looks:
                plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {look}").fetchall())
                assert f"INDEX {index} (" in plan
                assert "B-TREE" not in plan


def test_a_picture_hidden_in_one_case_is_shown_in_none(send: Any, web: Client) -> None:
    """Two problems with one best view share their picture's bytes, and so its address."""
    send()
    send(east_m=60.0)
    first, second = Picture.objects.order_by("id")
    assert first.sha256 == second.sha256
    address = f"/pictures/{first.sha256}.jpg"
    shown = web.get(address)
    assert shown.status_code == 200
    assert shown["Cache-Control"] == "private, no-cache"
    assert web.get(address, headers={"If-None-Match": shown["ETag"]}).status_code == 304
    Picture.objects.filter(id=first.pk).update(hidden_at=NOW)
    assert web.get(address).status_code == 404
    assert web.get(address, headers={"If-None-Match": shown["ETag"]}).status_code == 404
    signed = picture_address(first.sha256).removeprefix(settings.PUBLIC_URL)
    assert Client().get(signed).status_code == 404


def test_a_card_looks_sightings_up_by_index(send: Any) -> None:
    send()
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        card_of(Case.objects.get(), {}, Case.objects.all())
        tracks = next(each["sql"] for each in queries if 'fix_lat_deg" BETWEEN' in each["sql"])
        cursor.execute(f"EXPLAIN QUERY PLAN {tracks}")
        assert "sighting_fix" in str(cursor.fetchall())
    assert "sighting_received" in Sighting.objects.order_by("-received_at").values_list("received_at").explain()


def test_a_person_of_one_city_sees_and_decides_its_cases_alone(
    send: Any, web: Client, reviewer: Any, vehicle: Any
) -> None:
    """Two cities, each with a case number 1 and a picture of its own."""
    send()
    add_vehicle("TY-02", "jinan")
    send(vehicle="TY-02", seed=2)
    screen_new(NOW)
    here, there = Case.objects.order_by("id")
    assert (here.number, there.number) == (1, 1)
    addresses = [f"/pictures/{Picture.objects.get(sighting__case=case).sha256}.jpg" for case in (here, there)]
    li = User.objects.create_user("li", password="a long password", role="reviewer", city=there.city)
    hers = Client()
    hers.force_login(li)
    # Who belongs to no city sees both cases; each has an address of its own.
    links = re.findall(r'<a href="(/cases/1/[^"]*)">', web.get("/cases/").content.decode())
    assert [web.get(link).context["case"] for link in links] == [there, here]
    assert [web.get(address).status_code for address in addresses] == [200, 200]
    assert [web.get(f"/cases/1/?city={wrong}").status_code for wrong in ("nowhere", "9" * 30)] == [404, 404]
    # Who belongs to one sees that one, under its plain number.
    links = re.findall(r'<a href="(/cases/1/[^"]*)">', hers.get("/cases/").content.decode())
    assert links == ["/cases/1/"]
    assert hers.get("/cases/1/").context["case"] == there
    assert hers.get(f"/cases/1/?city={here.city.key}").status_code == 404
    assert [hers.get(address).status_code for address in addresses] == [404, 200]
    assert queue_counts(li, NOW).waiting == 1
    assert lease(li, NOW) == [there]
    with pytest.raises(BadVerdict):
        decide(li, uuid4(), here.pk, "confirm", NOW)
    assert lease(reviewer, NOW) == [here]


def test_strangers_reach_the_sign_in_alone(db: None) -> None:
    assert Client().get("/login/").status_code == 200
    assert Client().get("/cases/").status_code == 302


def test_sessions_that_are_over_are_forgotten_once_a_day(web: Client) -> None:
    session = Session.objects.get()
    over = session.expire_date
    clear_sessions(over + timedelta(hours=23))
    assert Session.objects.count() == 1
    clear_sessions(over + timedelta(hours=25))
    assert not Session.objects.exists()
