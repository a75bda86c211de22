"""Finding cases: by everything a person may write, in pages that miss none, along indexes, and nothing that the reader may not see."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from sightings import LAT, LON, NOW

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.accounts.services import cases_for, cities_for
from server.cases import search
from server.cases.filters import Filter, filter_of
from server.cases.models import Case, Sighting
from server.cases.notes import add_note, strike_note
from server.city.models import Handover
from server.city.services import add_destination
from server.fleet.services import add_vehicle
from server.places.models import CasePlace
from server.places.rules import Feature, Kind
from server.places.services import replace

pytestmark = pytest.mark.django_db

ROADS = {"桃园北路": "Taoyuan North Road", "桃园南路": "Taoyuan South Road", "迎泽大街": "Yingze Street"}


@pytest.fixture
def many(send: Any) -> list[Case]:
    """60 cases, oldest first: categories, states, days, roads, districts and places by turns; each with its sighting."""
    send()
    first, one = Case.objects.get(), Sighting.objects.get()
    for road, english in ROADS.items():
        _feature(first, Kind.ROAD, road, english)
    _feature(first, Kind.DISTRICT, "小店区", "Xiaodian")
    for number in range(60):
        case, sighting = Case.objects.get(id=first.pk), Sighting.objects.get(id=one.pk)
        case.pk, case.number = None, 100 + number
        case.category = ("bagged_garbage", "small_ads", "manhole_fault")[number % 3]
        case.state = ("queued", "confirmed", "rejected", "handed_over")[number % 4]
        case.lat_deg = LAT + 10 * number / 111_195
        case.last_seen_at = datetime(2026, 11, 1, 4, tzinfo=UTC) + timedelta(days=number // 10)
        case.save(force_insert=True)
        sighting.pk, sighting.case, sighting.sequence = UUID(int=number + 1), case, number + 10
        sighting.vehicle_id += number % 2 and _other_vehicle() - sighting.vehicle_id
        sighting.save(force_insert=True)
        CasePlace.objects.create(case=case, named_by=1, lat_deg=case.lat_deg, lon_deg=case.lon_deg, road_zh=list(ROADS)[number % 3], grid=f"14010500{number:04}",
                                 district_zh="小店区" if number < 30 else "", landmark_zh="太原站" if number == 7 else "")  # fmt: skip
    return list(Case.objects.exclude(id=first.pk).order_by("id"))


def _other_vehicle() -> int:
    from server.fleet.models import Vehicle

    return Vehicle.objects.get(name="TY-02").pk


def _feature(case: Case, kind: Kind, name: str, english: str) -> None:
    from server.places.models import Feature as Row

    old = [Feature(row.name_zh, row.name_en, row.code, row.is_area, np.frombuffer(row.edges, "<f8").reshape(-1, 4)) for row in Row.objects.filter(kind=kind)]  # fmt: skip
    replace(case.city, kind, [*old, Feature(name, english, "", False, np.array([[LON, LAT, LON, LAT + 0.01]]))], NOW)


@pytest.fixture
def chief(db: None) -> User:
    return User.objects.create_user("zhao", role="supervisor")


def numbers(person: User, count: int = 100, *, notes: bool = True, **asked: str) -> list[int]:
    found = search.search(
        cases_for(person), cities_for(person), filter_of({"state": "all"} | asked), count, notes=notes, reader=person
    )
    return [case.number for case in found.cases]


def those(cases: list[Case], wanted: Any) -> list[int]:
    """The same by going through all of them."""
    return [case.number for case in reversed(cases) if wanted(case, case.number - 100)]


def test_each_filter_finds_what_going_through_all_of_them_finds(many: list[Case], chief: User) -> None:
    day = (many[20].last_seen_at + timedelta(hours=8)).date().isoformat()
    asked: dict[str, Any] = {
        "category=small_ads": lambda c, n: n % 3 == 1, "severity=critical": lambda c, n: n % 3 == 2, "state=queued": lambda c, n: n % 4 == 0,
        "state=": lambda c, n: n % 4 != 2, "q=桃园": lambda c, n: n % 3 < 2, "q=taoyuan north": lambda c, n: n % 3 == 0, "q=桃园 北路": lambda c, n: n % 3 == 0,
        "q=太原站": lambda c, n: False, "q=140105000012": lambda c, n: False, "district=小店区": lambda c, n: n < 30, "vehicle=TY-02": lambda c, n: n % 2 == 1,
        "vehicle=TY-99": lambda c, n: False, f"q={LAT}, {LON}&radius=100": lambda c, n: n <= 10, f"q={LAT}, {LON}&radius=50&category=small_ads": lambda c, n: n in (1, 4),
        f"since={day}&until={day}": lambda c, n: 20 <= n < 30, f"since={day}": lambda c, n: n >= 20, f"until={day}&state=queued": lambda c, n: n < 30 and n % 4 == 0,
        "q=迎泽&vehicle=TY-02&state=queued": lambda c, n: False, "q=迎泽&vehicle=TY-02": lambda c, n: n % 3 == 2 and n % 2 == 1,
        f"district=小店区&since={day}&severity=critical": lambda c, n: 20 <= n < 30 and n % 3 == 2,
        "severity=critical&category=small_ads": lambda c, n: False, "filter=shadow": lambda c, n: False,
    }  # fmt: skip
    for query, wanted in asked.items():
        told = dict(part.split("=", 1) for part in query.split("&"))
        found = [number for number in numbers(chief, **told) if number >= 100]
        assert found == those(many, wanted), query


def test_a_landmark_or_grid_is_found_once_it_was_imported(many: list[Case], chief: User) -> None:
    from server.places.models import Feature as Row

    _feature(many[0], Kind.LANDMARK, "太原站", "Taiyuan Station")
    _feature(many[0], Kind.GRID, "", "")
    Row.objects.filter(kind=Kind.GRID).update(code="140105000012")
    assert numbers(chief, q="太原站") == [107]
    assert numbers(chief, q="14010500") == []
    assert numbers(chief, q="1401050000") == [112]


def test_a_number_is_found_whatever_else_is_asked_for(many: list[Case], chief: User, send: Any) -> None:
    assert numbers(chief, q="102", state="queued", category="waste_pile", since="2026-12-01") == [102]
    Case.objects.filter(number=103).update(state="merged", merged_into=many[0])
    assert numbers(chief, q="#103") == [103]
    assert numbers(chief, q="999999999") == []


@pytest.mark.parametrize("asked", [{"q": "桃园"}, {"q": "桃园", "state": "queued"}, {"vehicle": "TY-02", "severity": "critical"}, {"district": "小店区"}, {"severity": "medium"}])  # fmt: skip
def test_pages_of_what_is_looked_through_a_little_at_a_time_miss_none_and_repeat_none(many: list[Case], chief: User, asked: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    whole = numbers(chief, **asked)
    monkeypatch.setattr(search, "LOOKED", 7)
    monkeypatch.setattr(search, "AT_ONCE", 3)
    monkeypatch.setattr(search, "CHECKED", 5)
    got: list[int] = []
    before, pages, cuts = "", 0, 0
    while pages < 40:
        found = search.search(cases_for(chief), cities_for(chief), filter_of({"state": "all", "before": before} | asked), 4, notes=True)  # fmt: skip
        got += [case.number for case in found.cases]
        pages, cuts, before = pages + 1, cuts + found.is_cut, str(found.older or "")
        if not before:
            break
    assert got == whole
    assert cuts > 0 or "vehicle" not in asked


def test_where_days_or_circle_hold_too_much_the_page_says_so(many: list[Case], chief: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(search, "LOOKED_BY_DAY", 5)
    monkeypatch.setattr(search, "LOOKED_NEAR", 5)
    client.force_login(chief)
    for query in ("since=2026-11-01", f"q={LAT},{LON}&radius=300"):
        assert "结果不全" in client.get(f"/cases/?{query}").content.decode()
    assert "结果不全" not in client.get("/cases/?since=2026-11-07").content.decode()  # fmt: skip


def test_notes_are_found_by_who_may_read_them_and_not_once_struck_out(many: list[Case], chief: User) -> None:
    note = add_note(many[3], chief, "旁边是幼儿园 100%", NOW)
    assert note
    assert numbers(chief, q="幼儿园") == [103]
    assert numbers(chief, q="幼儿园", notes=False) == []
    assert numbers(chief, q="100%") == [103]
    assert numbers(chief, q="_") == []
    strike_note(note.pk, many[3], chief, NOW + timedelta(minutes=1))
    assert numbers(chief, q="幼儿园") == []


def test_nobody_finds_what_they_may_not_see(many: list[Case], chief: User, client: Client) -> None:
    """A city officer what was not handed over, somebody of another city what is not theirs, who looks after vehicles nothing."""
    add_vehicle("JN-01", "jinan")
    destination, _ = add_destination(many[0].city, "city", "https://city.example/hook", sandbox=False, allow_private=False)  # fmt: skip
    Handover.objects.create(case=many[15], destination=destination, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW)  # fmt: skip
    add_note(many[15], chief, "幼儿园", NOW)
    officer = User.objects.create_user("officer", role="city", city=many[0].city)
    other = User.objects.create_user("li", role="supervisor", city_id=Case.objects.none().first() or _jinan())
    fleet = User.objects.create_user("fleet", role="fleet")
    for asked in ({}, {"q": "桃园"}, {"q": "115"}, {"vehicle": "TY-02"}, {"district": "小店区"}, {"since": "2026-11-01"}, {"q": f"{LAT}, {LON}", "radius": "2000"}, {"severity": "medium"}):  # fmt: skip
        assert set(numbers(officer, notes=False, **asked)) <= {115}, asked
        assert numbers(other, **asked) == [], asked
        assert numbers(fleet, **asked) == [], asked
    assert numbers(officer, notes=False, q="桃园") == [115]
    client.force_login(officer)
    page = client.get("/cases/?q=幼儿园").content.decode()
    assert "/cases/115/" not in page
    assert 'name="vehicle"' not in page


def _jinan() -> int:
    from server.fleet.models import City

    return City.objects.get(key="jinan").pk


PLANS = {"q=桃园": "place_by_road", "vehicle=TY-02": "sighting_of_vehicle", "district=小店区": "place_by_district", "since=2026-11-03&until=2026-11-05&category=small_ads": "case_seen",
         f"q={LAT},{LON}": "case_near", "severity=critical": "case_of_category", "state=queued": "case_list"}  # fmt: skip


@pytest.mark.parametrize(("query", "index"), PLANS.items())
def test_each_look_walks_its_index_and_sorts_nothing(many: list[Case], chief: User, client: Client, query: str, index: str) -> None:  # fmt: skip
    client.force_login(chief)
    client.get("/cases/")
    with CaptureQueriesContext(connection) as queries:
        assert client.get(f"/cases/?{query}").status_code == 200
    asked = [each["sql"] for each in queries if each["sql"].lstrip("(").startswith("SELECT") and re.search(r'FROM "(cases|places_caseplace)', each["sql"])]  # fmt: skip
    plans = []
    with connection.cursor() as cursor:
        for sql in asked:
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plans.append((" ".join(row[3] for row in cursor.fetchall()), sql))
    assert any(index in plan for plan, _ in plans), plans
    assert not [plan for plan in plans if re.search(r"SCAN (cases_case|cases_sighting|places_caseplace)", plan[0])]
    assert not [plan for plan in plans if "TEMP B-TREE" in plan[0] and "LIMIT" in plan[1]]
    assert len(queries) <= 25


def test_the_empty_list_says_which_filter_hides_what(many: list[Case], chief: User, client: Client) -> None:
    client.force_login(chief)
    page = client.get("/cases/?state=queued&category=small_ads&q=迎泽", headers={"accept-language": "en"}).content.decode()  # fmt: skip
    hints = {words: unescape(address) for address, words in re.findall(r'<li><a href="(\?[^"]*)">([^<]+)</a></li>', page)}  # fmt: skip
    assert set(hints) == {"what is searched for", "the category"}
    for address in hints.values():
        assert "/cases/1" in client.get(f"/cases/{address}").content.decode()
    assert "There are some without" not in client.get("/cases/?q=nowhere&category=waste_pile").content.decode()


def test_the_address_holds_the_filter_on_every_page_of_the_list(many: list[Case], chief: User, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("server.cases.list_views.A_PAGE", 5)
    client.force_login(chief)
    page = client.get("/cases/?q=桃园&severity=medium&state=all&vehicle=TY-01").content.decode()
    older = re.search(r'href="(\?[^"]+)" rel="next"', page)
    assert older
    wanted = client.get("/cases/" + unescape(older[1])).context["wanted"]
    assert isinstance(wanted, Filter)
    assert (wanted.text, wanted.severity, wanted.state, wanted.vehicle) == ("桃园", "medium", "all", "TY-01")
    assert wanted.before


@pytest.mark.parametrize(("written", "kinds", "left"), [
    ("暴露垃圾", {"exposed_garbage"}, ""), ("pothole", {"road_damage"}, ""), ("Potholes", set(), ""), ("dlps", {"road_damage"}, ""), ("小广告 桃园", {"small_ads"}, "桃园"),
    ("broken manhole", {"manhole_fault"}, ""), ("井盖", {"manhole_fault"}, ""), ("pothole tree", set(), ""), ("灯", set(), ""), ("d", set(), ""), ("jg", {"manhole_fault"}, ""), ("pi", set(), ""), ("桃园", set(), ""), ("an.", set(), ""),
    ("pothole 12", {"road_damage"}, "12"), ("jinggai", {"manhole_fault"}, ""), ("kengcao 桃园", {"road_damage"}, "桃园"), ("roadkill", {"dead_animal"}, ""), ("死狗", {"dead_animal"}, ""),
])  # fmt: skip
def test_words_that_name_a_category_are_read_as_it(written: str, kinds: set[str], left: str) -> None:
    understood = filter_of({"q": written}).understood
    assert (set() if understood is None else set(understood.kinds or ())) >= kinds
    assert (understood is None) is (not kinds)
    if understood is not None:
        assert " ".join(understood.words) == left
        assert len(understood.kinds or ()) <= 3


def test_a_category_is_found_by_words_and_so_is_what_stands_in_notes_and_place_names(many: list[Case], chief: User, client: Client) -> None:  # fmt: skip
    add_note(many[4], chief, "井盖旁边", NOW)
    _feature(many[0], Kind.LANDMARK, "小广告博物馆", "")
    CasePlace.objects.filter(case=many[8]).update(landmark_zh="小广告博物馆")
    is_kind = {"井盖": lambda n: n % 3 == 2, "manhole": lambda n: n % 3 == 2, "小广告": lambda n: n % 3 == 1, "jgqs": lambda n: n % 3 == 2}  # fmt: skip
    beside = {"井盖": {4}, "小广告": {8}}
    for word, is_of in is_kind.items():
        for state in ("all", "queued"):
            found = {number - 100 for number in numbers(chief, q=word, state=state)}
            wanted = {n for n in range(60) if is_of(n)} | beside.get(word, set())
            assert found == {n for n in wanted if state == "all" or n % 4 == 0}, (word, state)
    assert {number - 100 for number in numbers(chief, q="井盖 桃园")} == {4}
    assert {number - 100 for number in numbers(chief, q="manhole 迎泽")} == {n for n in range(60) if n % 3 == 2}
    assert numbers(chief, q="井盖", severity="low") == [104]  # a small advertisement with a note
    client.force_login(chief)
    page = client.get("/cases/?q=manhole", headers={"accept-language": "en"}).content.decode()
    assert "Read as category: Missing, broken or sunken manhole cover." in page
    assert "Read as category" not in client.get("/cases/?q=taoyuan", headers={"accept-language": "en"}).content.decode()


def test_pages_of_both_readings_together_miss_none_and_repeat_none(many: list[Case], chief: User, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    for number in (0, 1, 31, 59):
        add_note(many[number], chief, "井盖旁边", NOW)
    whole = numbers(chief, q="井盖")
    assert len(whole) == 23
    monkeypatch.setattr(search, "CHECKED", 2)
    got: list[int] = []
    before = ""
    for _ in range(60):
        found = search.search(cases_for(chief), cities_for(chief), filter_of({"state": "all", "q": "井盖", "before": before}), 3, notes=True, reader=chief)  # fmt: skip
        got += [case.number for case in found.cases]
        before = str(found.older or "")
        if not before:
            break
    assert got == whole


def test_a_city_to_which_nothing_came_is_answered_without_going_through_what_never_will(many: list[Case], client: Client) -> None:  # fmt: skip
    """The slowest list there was: each case of each state was asked whether it came."""
    officer = User.objects.create_user("officer", role="city", city=many[0].city)
    destination, _ = add_destination(many[0].city, "city", "https://city.example/hook", sandbox=False, allow_private=False)  # fmt: skip
    client.force_login(officer)
    client.get("/cases/")
    for query in ("", "state=all", "state=queued", "category=small_ads", "severity=critical&since=2026-11-01", "q=桃园", "q=manhole", "district=小店区", f"q={LAT},{LON}"):  # fmt: skip
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/cases/?{query}").status_code == 200
        came = [each["sql"] for each in queries if "receipted_at" in each["sql"]]
        assert came
        with connection.cursor() as cursor:
            for sql in came:
                cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                plan = " ".join(row[3] for row in cursor.fetchall())
                assert re.search(r"handover_(came|when) \(destination_id=\? AND kind=\?", plan), plan
                assert "TEMP B-TREE" not in plan
        assert not [each["sql"] for each in queries if "EXISTS" in each["sql"] and '"city_handover"' in each["sql"]], query  # fmt: skip
    Handover.objects.create(case=many[7], destination=destination, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW)  # fmt: skip
    Handover.objects.create(case=many[11], destination=destination, kind="case.confirmed", body={}, next_try_at=NOW)
    Handover.objects.create(case=many[15], destination=destination, kind="case.retracted", body={}, next_try_at=NOW, receipted_at=NOW)  # fmt: skip
    assert "/cases/107/" in client.get("/cases/").content.decode()
    assert numbers(officer, notes=False) == [107]
    assert numbers(officer, notes=False, category="small_ads") == [107]
    assert numbers(officer, notes=False, state="queued") == []


def test_a_person_without_cities_is_answered(chief: User, client: Client) -> None:
    """The first day: no vehicle, no city, nothing imported."""
    client.force_login(chief)
    for query in ("", "?q=桃园", "?q=5", "?vehicle=TY-01", "?since=2026-11-01", "?severity=high", f"?q={uuid4().hex}"):
        assert client.get(f"/cases/{query}").status_code == 200


def test_by_deadline_the_nearest_comes_first_and_its_pages_miss_none(many: list[Case], chief: User, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """Of those alone that a city has; two have the same deadline."""
    for case in many:
        if case.state == "handed_over":
            case.handed_over_at, case.deadline_at = NOW, NOW + timedelta(hours=case.number * 37 % 12)
            case.save()
    due = sorted((case for case in many if case.deadline_at), key=lambda case: (case.deadline_at, case.pk))
    assert len({case.deadline_at for case in due}) < len(due) == 15
    asked: dict[str, Any] = {
        "": lambda c, n: True, "state=accepted": lambda c, n: False, "category=small_ads": lambda c, n: n % 3 == 1, "district=小店区": lambda c, n: n < 30, "vehicle=TY-01": lambda c, n: n % 2 == 0, "q=桃园": lambda c, n: n % 3 < 2,
        "since=2026-11-05": lambda c, n: n >= 40, "q=小广告": lambda c, n: n % 3 == 1, "filter=shadow": lambda c, n: False, "state=queued": lambda c, n: False, "q=102": lambda c, n: n == 2, "severity=critical": lambda c, n: n % 3 == 2,
    }  # fmt: skip
    monkeypatch.setattr(search, "DUE_AT_ONCE", 2)
    monkeypatch.setattr("server.cases.due.A_WALK", 3)
    for query, fits in asked.items():
        told = dict(part.split("=", 1) for part in query.split("&") if part)
        wanted = many if "q=102" in query else due
        whole = [case.number for case in wanted if fits(case, case.number - 100)]
        assert numbers(chief, order="deadline", **told) == whole, query
    for checked, at_once in ((1500, 2), (3, 2)):
        monkeypatch.setattr(search, "CHECKED", checked)
        got, after, pages = list[int](), "", 0
        while pages == 0 or after:
            found = search.search(cases_for(chief), cities_for(chief), filter_of({"order": "deadline", "after": after}), at_once, notes=True, reader=chief)  # fmt: skip
            got, after, pages = got + [case.number for case in found.cases], found.after, pages + 1
        assert got == [case.number for case in due]


def test_the_list_tells_deadlines_and_what_is_overdue(many: list[Case], client: Client, chief: User) -> None:
    Case.objects.filter(number=103).update(handed_over_at=NOW, deadline_at=NOW - timedelta(days=9))
    Case.objects.filter(number=107).update(handed_over_at=NOW, deadline_at=datetime(2099, 1, 1, 4, tzinfo=UTC))
    client.force_login(chief)
    page = client.get("/cases/?order=deadline").content.decode()
    rows = re.findall(r'<td class="no"><a[^>]*>(\d+)</a>.*?<td class="due"[^>]*>(.*?)</td>', page, re.S)
    assert [number for number, _ in rows] == ["103", "107"]
    assert "已超期" in rows[0][1]
    assert "2099-01-01 12:00</time>" in rows[1][1]
    assert "已超期" not in rows[1][1]
    assert 'class="place">37.87' in client.get("/cases/?q=1").content.decode(), "where no name is known: the position"


def test_by_deadline_a_reviewer_finds_nothing_that_is_to_be_new_to_them(many: list[Case], chief: User, reviewer: User) -> None:  # fmt: skip
    from server.review.models import Look, Verdict
    from server.review.rules import LookKind

    case = Case.objects.get(number=103)
    Case.objects.filter(number__in=(103, 107)).update(handed_over_at=NOW, deadline_at=NOW)
    given = Verdict.objects.create(
        id=uuid4(), case=case, person=chief, at=NOW, answer="confirm", proposed=case.category
    )
    Look.objects.create(case=case, city=case.city, kind=LookKind.SECOND, about=given, first_person=chief, made_at=NOW)
    assert numbers(chief, order="deadline") == [103, 107]
    assert numbers(reviewer, order="deadline") == [107]


def test_by_deadline_what_is_read_does_not_grow_with_what_there_is(many: list[Case], chief: User) -> None:
    Case.objects.filter(state="handed_over").update(handed_over_at=NOW, deadline_at=NOW)
    with CaptureQueriesContext(connection) as seen:
        numbers(chief, 50, order="deadline")
    walk = next(row["sql"] for row in seen.captured_queries if "deadline_at" in row["sql"] and "ORDER BY" in row["sql"])
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN QUERY PLAN {walk}")
        plan = " / ".join(row[-1] for row in cursor.fetchall())
    assert "case_due" in plan
    assert "TEMP B-TREE" not in plan


def test_a_vehicles_name_among_the_words_becomes_the_filter_and_the_page_says_so(many: list[Case], client: Client, chief: User) -> None:  # fmt: skip
    client.force_login(chief)
    for page in ("/cases/", "/cases/map/"):
        answer = client.get(page, {"q": "桃园 ty-02", "state": "all"})
        assert answer.headers["Location"] == f"{page}?state=all&vehicle=TY-02&q=%E6%A1%83%E5%9B%AD"
        told = client.get(answer.headers["Location"]).content.decode()
        assert "按车辆 TY-02 理解" in told
    assert client.get("/cases/", {"q": "TY-02", "vehicle": "TY-01"}).status_code == 200, "one was chosen already"
    assert client.get("/cases/", {"q": "TY-99"}).status_code == 200
    client.force_login(User.objects.create_user("officer", role="city"))
    assert client.get("/cases/", {"q": "TY-02"}).status_code == 200, "vehicles are not the city's to know"


def test_two_letters_of_pinyin_name_categories(many: list[Case], client: Client, chief: User) -> None:
    client.force_login(chief)
    page = client.get("/cases/", {"q": "jg", "state": "all"}).content.decode()
    assert re.search(r'read-as">[^<]*井盖', page)
    rows = [int(number) for number in re.findall(r'<td class="no"><a[^>]*>(\d+)</a>', page)]
    assert rows == those(many, lambda c, n: n % 3 == 2)


def test_words_for_a_severity_are_read_as_it_alone_together_and_with_a_category(many: list[Case], chief: User, client: Client) -> None:  # fmt: skip
    of = {each: {n + 100 for n, case in enumerate(many) if CATEGORIES[case.category].severity == each} for each in ("critical", "high", "medium", "low")}  # fmt: skip
    asked = {
        "紧急": of["critical"], "严重": of["high"], "一般": of["medium"], "轻微": of["low"], "Critical": of["critical"], "low": of["low"], "紧急 轻微": of["critical"] | of["low"], "井盖 紧急": of["critical"], "井盖 轻微": set(),
    }  # fmt: skip
    for words, cases in asked.items():
        assert set(numbers(chief, q=words, state="all")) - {1} == cases, words
    client.force_login(chief)
    assert (
        "理解为类别：井盖缺失、破损、移位，严重程度：紧急。"
        in client.get("/cases/", {"q": "井盖 紧急"}).content.decode()
    )
    assert (
        "Read as severity: low."
        in client.get("/cases/", {"q": "low"}, headers={"accept-language": "en"}).content.decode()
    )


def test_a_number_that_does_not_exist_is_told_so_and_one_that_does_is_found_whatever_its_state(many: list[Case], chief: User, client: Client) -> None:  # fmt: skip
    client.force_login(chief)
    page = client.get("/cases/", {"q": "99"}).content.decode()
    assert "没有编号 99 的案件。" in page
    assert "去掉以下条件后有案件" not in page
    Case.objects.filter(number=102).update(state="rejected")
    page = client.get("/cases/", {"q": "102"}).content.decode()
    assert 'href="/cases/102/"' in page
    assert "按编号查找，不论案件处于何种状态，也不受其他条件限制。" in page
    assert "按编号查找" not in client.get("/cases/", {"q": "井盖"}).content.decode()
