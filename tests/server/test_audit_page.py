"""The page of the audit: whoever looks finds what is theirs to see, along an index, and may take it along."""

from __future__ import annotations

import ast
import csv
import io
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.db import connection
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation

import server
from server.accounts import people
from server.accounts.models import User
from server.audit.details import label_of
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.audit.seals import seal
from server.audit.search import Asked, asked, first_id_at, look
from server.audit.services import record
from server.audit.things import reasons_of
from server.audit.views import cell
from server.cases.models import Case
from server.cases.notes import About, add_note, add_reason, strike_note
from server.categories.rules import Proof
from server.fleet.models import City, Vehicle

pytestmark = pytest.mark.django_db


@pytest.fixture
def auditor(db: None) -> User:
    return User.objects.create_user("auditor", role="auditor")


@pytest.fixture
def web(auditor: User) -> Client:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(auditor)
    return client


@pytest.fixture
def many(auditor: User) -> list[AuditRow]:
    """120 rows of two cities, an hour apart, every third by a person, every fourth a verdict."""
    here, there = (City.objects.create(key=key, name_zh=key, name_en=key) for key in ("here", "there"))
    now = timezone.now()
    AuditRow.objects.bulk_create([
        AuditRow(city=(here, there)[n % 2], actor=None if n % 3 else auditor, verb="case_moved" if n % 4 else "verdict", kind="case", object_id=str(n % 10), detail={"note": "=1+1"} if n == 9 else {})
        for n in range(120)
    ])  # fmt: skip
    rows = list(AuditRow.objects.order_by("id"))
    for number, row in enumerate(rows):
        AuditRow.objects.filter(pk=row.pk).update(at=now - timedelta(hours=120 - number))
    return list(AuditRow.objects.order_by("id"))


def numbers(rows: list[AuditRow], many: list[AuditRow]) -> list[int]:
    return [row.pk - many[0].pk for row in rows]


def test_each_condition_and_all_together_find_what_they_say(many: list[AuditRow], auditor: User) -> None:
    def found(**what: Any) -> list[int]:
        return numbers(look(Asked(**what), None, 200).rows, many)

    newest_first = list(range(119, -1, -1))
    assert found() == newest_first
    assert found(person=auditor.pk) == [n for n in newest_first if n % 3 == 0]
    assert found(verb="verdict") == [n for n in newest_first if n % 4 == 0]
    assert found(kind="case", object_id="7") == [n for n in newest_first if n % 10 == 7]
    assert found(object_id="7") == found(kind="case", object_id="7")
    assert found(kind="user") == []
    assert found(verb="verdict", person=auditor.pk, object_id="4", kind="case") == [n for n in newest_first if n % 4 == n % 3 == 0 and n % 10 == 4]  # fmt: skip
    assert numbers(look(Asked(verb="verdict"), many[0].city_id, 200).rows, many) == [n for n in newest_first if n % 4 == 0 and n % 2 == 0]  # fmt: skip


def test_days_are_found_by_halving(many: list[AuditRow]) -> None:
    for row in many[::17]:
        assert first_id_at(row.at) == row.pk
        assert first_id_at(row.at + timedelta(seconds=1)) == row.pk + 1
    assert first_id_at(many[0].at - timedelta(days=9)) == many[0].pk
    day = timezone.localtime(many[60].at).date()
    of_day = [row.pk for row in many if timezone.localtime(row.at).date() == day]
    assert [row.pk for row in look(Asked(since=day, until=day), None).rows] == sorted(of_day, reverse=True)


def test_pages_follow_each_other_and_rare_rows_are_looked_for_further_back(many: list[AuditRow], web: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    seen, before = [], None
    while True:
        found = look(Asked(before=before), None, 50)
        seen += numbers(found.rows, many)
        before = found.older
        if before is None:
            break
    assert seen == list(range(119, -1, -1))
    monkeypatch.setattr("server.audit.search.LOOKED", 20)
    seen, before, looks = [], None, 0
    while True:
        found = look(Asked(verb="verdict", object_id="", kind="case", before=before), many[0].city_id, 50)
        assert found.cut == (found.older is not None)
        seen, before, looks = seen + numbers(found.rows, many), found.older, looks + 1
        if before is None:
            break
    assert (seen, looks) == ([n for n in range(119, -1, -1) if n % 4 == 0], 2)
    assert "older ones are a step further back" in web.get("/audit/?verb=verdict&kind=case").content.decode()


def test_every_look_walks_an_index(many: list[AuditRow], auditor: User) -> None:
    day = timezone.localdate()
    for what in ({}, {"person": auditor.pk}, {"verb": "verdict"}, {"object_id": "7"}, {"kind": "case", "object_id": "7", "verb": "verdict"}, {"kind": "case"}, {"verb": "verdict", "person": auditor.pk, "since": day, "until": day}):  # fmt: skip
        for city_id in (None, many[0].city_id):
            with CaptureQueriesContext(connection) as queries:
                look(Asked(**what), city_id)
            assert len(queries) < 80
            with connection.cursor() as cursor:
                for each in queries:
                    assert "COUNT(" not in each["sql"]
                    plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {each['sql']}").fetchall()]
                    tables = [line for line in plan if line.startswith(("SCAN audit", "SCAN U0"))]
                    one_end = each["sql"].endswith("LIMIT 1") and not any("B-TREE" in line for line in plan)
                    assert not tables or one_end or not (what.keys() - {"kind"} or city_id), (what, each["sql"], plan)


def test_what_cannot_be_read_is_told_and_left_out(web: Client, many: list[AuditRow]) -> None:
    form = RequestFactory().get("/", {"person": "²", "since": "2026-13-01", "until": "x", "before": "9" * 30, "verb": "drop", "kind": "nothing", "object": " 7 "}).GET  # fmt: skip
    read = asked(form)
    assert (read.person, read.since, read.until, read.before, read.verb, read.kind, read.object_id) == (None, None, None, None, "", "", "7")  # fmt: skip
    assert set(read.wrong) == {"since", "until", "before"}
    page = web.get("/audit/?since=rubbish").content.decode()
    assert "what could not be read was left out" in page


def test_a_person_is_looked_for_by_name_or_number_and_nobody_did_nothing(web: Client, many: list[AuditRow], auditor: User) -> None:  # fmt: skip
    theirs = {row.pk for row in many if row.actor_id == auditor.pk}
    for who in ("auditor", str(auditor.pk)):
        found = web.get("/audit/", {"person": who})
        assert {row.pk for row, *_ in found.context["rows"]} == set(sorted(theirs, reverse=True)[:50]), who
        assert f'value="{who}"' in found.content.decode()
    assert 'href="?person=auditor"' in found.content.decode()
    for who in ("nobody", "\u00b2", "9" * 40, "0"):
        page = web.get("/audit/", {"person": who})
        assert list(page.context["rows"]) == []
        assert f"Nobody is called {who}" in page.content.decode()
        assert len(web.get("/audit/rows.csv", {"person": who}).content.decode().splitlines()) == 1


def test_the_beginning_of_a_name_finds_who_it_can_mean(web: Client, many: list[AuditRow], auditor: User) -> None:
    """As on the page of people; where it may be several they are named, since rows of many cannot be walked along one index."""
    there = User.objects.create_user("wang.cg", city=many[1].city)
    theirs = {row.pk for row in many if row.actor_id == auditor.pk}
    found = web.get("/audit/", {"person": "Audi"})
    assert {row.pk for row, *_ in found.context["rows"]} == set(sorted(theirs, reverse=True)[:50])
    User.objects.create_user("wang")
    User.objects.create_user("wang.li", city=many[0].city)
    record(Verb.SIGNED_IN, "user", there.pk, actor_id=there.pk)
    assert [row.actor for row, *_ in web.get("/audit/", {"person": "wang.c"}).context["rows"]] == [there]
    assert list(web.get("/audit/", {"person": "wang"}).context["rows"]) == []  # exactly one is called so
    page = web.get("/audit/", {"person": "wang.", "verb": "signed_in"})
    assert list(page.context["rows"]) == []
    assert "Several names begin with wang.. Whom do you mean?" in page.content.decode()
    link = re.findall(r'class="meant" href="([^"]+)">wang.cg<', page.content.decode())[0].replace("&amp;", "&")
    assert [row.actor for row, *_ in web.get(f"/audit/{link}").context["rows"]] == [there]
    here = Client()
    here.force_login(User.objects.create_user("chief", role="supervisor", city=many[0].city))
    assert here.get("/audit/", {"person": "wang."}).context["meant"] == []
    assert "wang.cg" not in here.get("/audit/", {"person": "wan"}).content.decode()


def test_names_are_offered_where_they_are_few_and_to_a_city_its_own(web: Client, many: list[AuditRow], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    chief = User.objects.create_user("chief", role="supervisor", city=many[0].city)
    User.objects.create_user("elsewhere", role="reviewer", city=many[1].city)
    assert web.get("/audit/").context["names"] == ["auditor", "chief", "elsewhere"]
    own = Client()
    own.force_login(chief)
    page = own.get("/audit/")
    assert page.context["names"] == ["auditor", "chief"]
    assert '<datalist id="names">' in page.content.decode()
    monkeypatch.setattr("server.audit.things.NAMES", 2)
    assert "<datalist" not in web.get("/audit/").content.decode()


def test_a_case_goes_by_its_number_and_leads_to_its_page(web: Client, send: Any) -> None:
    send()
    send(east_m=500.0, seed=2)
    first, second = Case.objects.order_by("id")
    Case.objects.filter(pk=second.pk).update(number=77)
    Case.objects.filter(pk=first.pk).update(number=second.pk)  # a number that is another case's id
    page = web.get("/audit/", {"kind": "case", "object": "77"})
    assert {row.object_id for row, *_ in page.context["rows"]} == {str(second.pk)}
    assert '<a href="/cases/77/">case 77</a>' in page.content.decode()
    assert {row.object_id for row, *_ in web.get("/audit/", {"object": str(second.pk)}).context["rows"]} == {str(first.pk)}  # fmt: skip
    assert list(web.get("/audit/", {"kind": "case", "object": "999999"}).context["rows"]) == []
    record(Verb.VEHICLE_REVOKED, "vehicle", Vehicle.objects.get(name="TY-01").pk)
    found = web.get("/audit/", {"kind": "vehicle", "object": "TY-01", "verb": "vehicle_revoked"})
    assert [thing.words for _row, _deed, thing, _detail in found.context["rows"]] == ["vehicle TY-01"]
    assert {detail for *_, detail in web.get("/audit/", {"verb": "sighting_taken"}).context["rows"]} == {"vehicle: TY-01"}  # fmt: skip


def test_details_are_words_in_both_languages_and_raw_in_the_table(web: Client, auditor: User) -> None:
    record(Verb.CASES_EXPORTED, "export", "geojson", actor_id=auditor.pk, filter="state=confirmed&category=waste_pile&since=2026-11-01", words=False, rows=12345)  # fmt: skip
    City.objects.create(key="taiyuan", name_zh="太原", name_en="Taiyuan")
    record(Verb.USER_PLACED, "user", auditor.pk, old="reviewer", new="auditor", city="taiyuan")
    people.add_person("zhao", "reviewer")
    record(Verb.CATEGORY_PUT, "category", "waste_pile", old="shadow", new="live", low=0.7123456, verdicts=120)
    for category, confirmed, rejected in (("small_ads", 0, 0), ("bagged_garbage", 1100, 100)):
        record(Verb.CATEGORY_PUT, "category", category, old="shadow", new="live", why="OK", **Proof(confirmed, rejected).figures)  # fmt: skip
    record(Verb.THRESHOLD_WANTED, "category", "waste_pile", least_probability=None)
    record(Verb.BACKED_UP, "backup", "20261128T101500Z", bytes=2_500_000, copied_at="2026-11-28T10:15:00+00:00", of_tomorrow="x")  # fmt: skip
    rows = web.get("/audit/").context["rows"]
    shown = {row.verb: (thing.words, detail) for row, _deed, thing, detail in rows}
    assert {row.object_id: detail for row, _deed, _thing, detail in rows if row.verb == "category_put"} == {
        "waste_pile": "before: in shadow · new: live · lower bound: 0.7123 · verdicts: 120",
        "small_ads": "before: in shadow · new: live · reason: OK · nobody had answered a card of it yet",
        "bagged_garbage": "before: in shadow · new: live · reason: OK · 1,100 of 1,200 answers confirmed it: right in 90% to 93% of cases (95 %)",
    }  # fmt: skip
    assert shown["cases_exported"] == ("export GeoJSON", "filter: confirmed, Accumulated waste, rubble or muck, from 2026-11-01 · searched for words: no · rows: 12,345")  # fmt: skip
    assert shown["user_placed"] == ("person auditor", "before: Reviewer · new: Auditor · city: Taiyuan")
    assert shown["user_add"][1] == "role: Reviewer · city: all cities"
    assert shown["threshold_wanted"][1] == "threshold: none"
    assert shown["backed_up"] == (
        "backup 20261128T101500Z",
        "size: 2.5 MB · as of: 2026-11-28 18:15:00 · of tomorrow: x",
    )
    chinese = Client(headers={"Accept-Language": "zh-Hans"})
    chinese.force_login(auditor)
    told = [f"{thing.words} {detail}" for _row, _deed, thing, detail in chinese.get("/audit/").context["rows"]]
    assert not [line for line in told if re.search(r"[a-z_]{3,}", line.replace("auditor", "").replace("zhao", "").replace("of tomorrow", ""))]  # fmt: skip
    assert '""bytes"": 2500000' in web.get("/audit/rows.csv").content.decode()


def test_what_somebody_wrote_as_a_reason_is_told_in_its_words(web: Client, send: Any, auditor: User) -> None:
    send()
    case, now = Case.objects.get(), timezone.now()
    chief = User.objects.create_user("chief", role="supervisor")
    kept = add_reason(case, chief, About.MERGE, "one heap seen twice", now)
    struck = add_note(case, chief, "a slip", now)
    assert kept is not None and struck is not None  # noqa: PT018
    strike_note(struck.pk, case, chief, now)
    told = {detail for row, *_, detail in web.get("/audit/", {"kind": "case"}).context["rows"] if "note" in row.verb}
    assert told == {"reason: one heap seen twice", f"note: {struck.pk}"}
    table = list(csv.reader(io.StringIO(web.get("/audit/rows.csv").content.decode("utf-8-sig"))))
    assert [line[9] for line in table[1:] if line[4].startswith("note")] == ["", "", "one heap seen twice"]
    elsewhere = User.objects.create_user("far", role="auditor", city=City.objects.create(key="far", name_zh="远", name_en="Far"))  # fmt: skip
    assert reasons_of(AuditRow.objects.filter(verb="note_added"), elsewhere) == {}


def test_every_word_that_is_recorded_has_a_label_in_chinese() -> None:
    """Each keyword of a call of `record`, other than who and where, is an entry of a detail."""
    calls = [
        node
        for path in Path(server.__file__).parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "record"
    ]
    keys = {keyword.arg for call in calls for keyword in call.keywords if keyword.arg} - {"city_id", "actor_id"}
    assert len(keys) > 20
    with translation.override("zh-hans"):
        assert not [key for key in sorted(keys) if re.search("[a-z]", label_of(key))]


def test_seals_name_their_chain(web: Client, many: list[AuditRow]) -> None:
    record(Verb.AUDIT_READ, "user", 1)
    for chain in ("", "here"):
        assert seal(chain, timezone.now() + timedelta(minutes=1))
    City.objects.filter(key="here").update(name_en="Heretown")
    page = web.get("/audit/").content.decode()
    assert "<b>the whole system</b>" in page
    assert "<b>Heretown</b>" in page


def test_a_supervisor_of_one_city_sees_its_rows_alone(many: list[AuditRow]) -> None:
    client = Client()
    client.force_login(User.objects.create_user("chief", role="supervisor", city=many[0].city))
    ids = {row.pk for row in many if row.city_id == many[0].city_id}
    page = client.get("/audit/").context["rows"]
    assert {row.pk for row, *_ in page} <= ids
    table = list(csv.reader(io.StringIO(client.get("/audit/rows.csv").content.decode("utf-8-sig"))))
    assert {int(line[0]) for line in table[1:]} == ids
    assert client.get("/audit/").context["may_erase"] is False
    assert client.post("/audit/erase", {"picture": "0" * 64}).status_code == 403


def test_the_table_says_who_took_it_along_and_no_cell_is_a_formula(web: Client, many: list[AuditRow], auditor: User) -> None:  # fmt: skip
    answer = web.get("/audit/rows.csv?verb=verdict")
    table = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(table) == 31
    assert table[0] == ["id", "at", "city", "person", "verb", "kind", "object", "detail", "at_local", "reason"]
    at = timezone.localtime(AuditRow.objects.get(pk=int(table[1][0])).at)
    assert table[1][8] == f"{at:%Y-%m-%d %H:%M:%S}", "as the page has it"
    row = AuditRow.objects.get(verb="audit_read")
    assert (row.actor, row.detail) == (auditor, {"rows": 30})
    assert [cell(text) for text in ("=1", "+1", "-1", "@x", "\tx", "x=1", 5)] == ["'=1", "'+1", "'-1", "'@x", "'\tx", "x=1", "5"]  # fmt: skip


def test_the_page_costs_the_same_however_many_rows_and_cities(web: Client, many: list[AuditRow], django_assert_max_num_queries: Any) -> None:  # fmt: skip
    for each in many:
        record(Verb.USER_PLACED, "user", each.pk, city_id=each.city_id)
    City.objects.bulk_create(City(key=f"city{n}", name_zh=f"城{n}", name_en=f"City {n}") for n in range(30))
    with django_assert_max_num_queries(13):
        assert web.get("/audit/").status_code == 200
