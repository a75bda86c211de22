"""The map of cases: what a box holds, counted where it is too much, and what it costs."""

from __future__ import annotations

import re
from itertools import pairwise
from math import hypot, nan
from typing import Any
from uuid import UUID

import h3.api.basic_int as h3
import numpy as np
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import LAT, LON, NOW

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.cases import counts, map_rows
from server.cases.counts import FINEST, LEVELS, Counter, count_all, counted_at, kind_of, read, totals
from server.cases.filters import Filter
from server.cases.geo import BadBox, Box, Shape, around, box_of, per_degree, shape_of
from server.cases.glyphs import glyph_of
from server.cases.map_rows import Found, Heap, Spot, look, whole
from server.cases.map_svg import SHAPE, Lines, draw
from server.cases.models import Case, CaseCount, Sighting
from server.cases.roads import roads_in
from server.cases.rules import State
from server.city.models import Destination, Handover
from server.coverage.models import Cell
from server.fleet.models import City
from server.fleet.services import add_vehicle
from server.places.rules import Feature as Line
from server.places.rules import Kind
from server.places.services import replace
from server.review.models import Look, Verdict

pytestmark = pytest.mark.django_db(transaction=True)
HERE = Box(LON - 0.05, LAT - 0.05, LON + 0.05, LAT + 0.05)
FAR = Box(LON + 1, LAT, LON + 1.1, LAT + 0.1)


@pytest.fixture
def chief(db: None) -> User:
    """Who sees everything."""
    return User.objects.create_user("zhao", role="supervisor")


@pytest.fixture
def many(send: Any) -> list[Case]:
    """40 cases on a grid 100 m wide and 400 m high: queued, confirmed, handed over and fixed in turn, of two categories."""
    send()
    states = (State.QUEUED, State.CONFIRMED, State.HANDED_OVER, State.FIXED)
    first = Case.objects.get()
    for number in range(2, 41):
        Case.objects.create(**{
            **{field.attname: getattr(first, field.attname) for field in Case._meta.concrete_fields if not field.primary_key},
            "number": number, "state": states[number % 4], "category": ("bagged_garbage", "road_damage")[number % 2],
            "lat_deg": LAT + number // 5 * 0.0005, "lon_deg": LON + number % 5 * 0.0005,
        })  # fmt: skip
    Case.objects.filter(number=1).update(state=State.QUEUED)
    return list(Case.objects.order_by("id"))


def web(person: User) -> Client:
    client = Client(headers={"accept": "application/json"})
    client.force_login(person)
    return client


def numbers(found: map_rows.Found) -> set[int]:
    return {spot.number for spot in found.spots}


# Boxes

WRONG = {
    "": "four numbers", "1,2,3": "four numbers", "a,b,c,d": "four numbers", f"112,37,{nan},38": "four numbers", "112,37,inf,38": "four numbers", "37.7,112.4,38.0,112.7": "swapped",
    "112,37,1e300,38": "beyond the earth", "-200,0,200,10": "beyond the earth", "113,37,112,38": "no room", "112,38,113,37": "no room", "112,37,112,37": "no room",
}  # fmt: skip


@pytest.mark.parametrize("text", WRONG)
def test_what_is_no_box_is_told_so_and_what_to_send(text: str, chief: User) -> None:
    client = web(chief)
    client.cookies["trikeye_language"] = "en"
    for address in ("/cases.geojson", "/cases/roads.geojson", "/cases/map/"):
        answer = client.get(address, {"bbox": text})
        if text or address != "/cases/map/":
            assert (answer.status_code, answer.json()["kind"]) == (400, "bbox")
            assert WRONG[text] in answer.json()["error"]
    with pytest.raises(BadBox):
        box_of(text)
    page = client.get("/cases/map/", {"bbox": text}, headers={"accept": "text/html"})
    assert page.status_code == (400 if text else 200)


def test_the_whole_earth_is_a_box(chief: User, many: list[Case]) -> None:
    assert len(look(chief, Filter(state="all"), box_of("-180,-90,180,90")).spots) == 40


@pytest.mark.parametrize("box", [HERE, Box(-180, -85, 180, 85), Box(179.9, -1, 180, 1), Box(10, 89, 20, 90)])
def test_moving_and_fitting_a_box_stays_on_the_earth(box: Box) -> None:
    for moved in (
        *(box.moved(*by) for by in ((1, 0), (0, 1), (-1, -1), (0, 0, 1e9), (0, 0, 1e-12))),
        box.fitted(SHAPE),
    ):
        assert box_of(moved.text)
    wide = HERE.fitted(SHAPE)
    assert (wide.north - wide.south) / ((wide.east - wide.west) * np.cos(np.radians(LAT))) == pytest.approx(SHAPE)


def test_cells_of_a_box_are_few_and_lie_within_those_of_a_wider_one() -> None:
    steps = [per_degree(Box(0, 0, 2.0**power, 1)) for power in range(8, -12, -1)]
    assert steps == sorted(steps)
    assert all((step & (step - 1)) == 0 for step in steps)
    assert all(1 <= step * 2.0**power <= 48 or step == 1 for step, power in zip(steps, range(8, -12, -1), strict=True))


def test_shapes_tell_states_and_glyphs_categories() -> None:
    assert {shape_of(state) for state in State} == set(Shape)
    assert (glyph_of("bagged_garbage", "zh-hans"), glyph_of("bagged_garbage", "en"), glyph_of("gone", "en")) == ("打包", "BG", "Go")  # fmt: skip
    for language in ("zh-hans", "en"):
        glyphs = [glyph_of(key, language) for key in CATEGORIES]
        assert len(set(glyphs)) == len(glyphs), "no two the same"
        assert {len(each) for each in glyphs} == {2}
    assert around([]) is None


# What is in a box


def test_a_few_cases_are_told_one_by_one(chief: User, many: list[Case]) -> None:
    answer = web(chief).get("/cases.geojson", {"bbox": HERE.text, "state": "all"}).json()
    assert (answer["type"], answer["counted"], answer["total"], len(answer["features"])) == ("FeatureCollection", False, 40, 40)  # fmt: skip
    first = next(each for each in answer["features"] if each["properties"]["number"] == 2)
    assert first["geometry"] == {"type": "Point", "coordinates": [round(LON + 0.001, 6), round(LAT, 6)]}
    assert first["properties"] == {"number": 2, "city": "taiyuan", "category": "bagged_garbage", "state": "handed_over", "shape": "city"}  # fmt: skip
    assert answer["glyphs"] == {"bagged_garbage": "打包", "road_damage": "坑槽"}
    assert web(chief).get("/cases.geojson", {"bbox": FAR.text}).json()["total"] == 0


@pytest.mark.parametrize("kept", [False, True], ids=["never counted", "counted"])
@pytest.mark.parametrize(("wanted", "cases"), [
    (Filter(), 40), (Filter(state="queued"), 11), (Filter(state="fixed", category="road_damage"), 10), (Filter(category="road_damage"), 19), (Filter(shadow=True), 0),
    (Filter(severity="critical"), 0), (Filter(text="3"), 1), (Filter(text=f"{LAT}, {LON}", radius_m=50), 1),
])  # fmt: skip
def test_a_map_shows_what_the_list_would(wanted: Filter, cases: int, kept: bool, chief: User, many: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """By place and by state, one by one and counted, along the index and out of what is kept."""
    if kept:
        count_all(NOW)
    found = look(chief, wanted, HERE)
    assert (len(found.spots), found.heaps, found.total) == (cases, [], cases)
    if wanted.text:
        return
    for by_state in (0, 1000):
        monkeypatch.setattr(map_rows, "BY_STATE", by_state)
        assert look(chief, wanted, HERE).total == cases
        for box in (HERE, HERE.moved(0, 0, 0.5)):
            assert look(chief, wanted, box, most=1).total == (cases if box.holds(LAT + 0.004, LON) else pytest.approx(cases, abs=40))  # fmt: skip
    if kept:
        monkeypatch.setattr(map_rows, "WALKED", -1)
        found = look(chief, wanted, HERE)
        assert (found.spots, found.total) == ([], cases)


def test_heaps_lie_in_the_middle_of_what_they_count(chief: User, many: list[Case]) -> None:
    count_all(NOW)
    tight = Box(LON - 0.001, LAT - 0.001, LON + 0.003, LAT + 0.005)
    for box in (tight, HERE):
        heaps = look(chief, Filter(state="all"), box, most=3).heaps
        assert sum(heap.cases for heap in heaps) == 40
        middle = sum(heap.cases * heap.lat_deg for heap in heaps) / 40
        assert middle == pytest.approx(np.mean([case.lat_deg for case in many]), abs=2e-5)
        assert all(tight.holds(heap.lat_deg, heap.lon_deg) for heap in heaps)


def test_a_city_sees_what_was_handed_over_one_by_one_and_counted(chief: User, many: list[Case]) -> None:
    officer = User.objects.create_user("officer", role="city", city=many[0].city)
    town = Destination.objects.create(city=many[0].city, name="town", url="http://town/", secret_file="s")
    theirs = [case for case in many if case.state in (State.HANDED_OVER, State.FIXED)]
    Handover.objects.bulk_create(Handover(case=case, destination=town, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW) for case in theirs)  # fmt: skip
    count_all(NOW)
    wanted = Filter(state="all")
    assert numbers(look(officer, wanted, HERE)) == {case.number for case in theirs}
    assert look(officer, wanted, HERE, most=3).total == len(theirs)
    assert look(officer, Filter(state="queued"), HERE).total == 0
    Case.objects.update(shadow=True)
    count_all(NOW)
    assert look(officer, Filter(shadow=True), HERE, most=3).total == look(officer, Filter(shadow=True), HERE).total == 0
    assert look(chief, Filter(state="all", shadow=True), HERE, most=3).total == 40


def test_another_city_is_not_on_the_map(send: Any, many: list[Case]) -> None:
    add_vehicle("TY-03", "jinan")
    send(vehicle="TY-03", seed=2, outbox=UUID(int=9))
    here = User.objects.create_user("here", role="supervisor", city=many[0].city)
    there = User.objects.create_user("there", role="supervisor", city=City.objects.get(key="jinan"))
    count_all(NOW)
    for most in (5000, 1):
        assert look(here, Filter(state="all"), HERE, most).total == 40
    assert look(there, Filter(state="all"), HERE).total == 1
    nobody = web(User.objects.create_user("fleet", role="fleet"))
    assert nobody.get("/cases.geojson", {"bbox": HERE.text}).status_code == 403
    assert web(there).get("/cases/1/peek?city=taiyuan").status_code == 404


# What is kept


def kept_of(level: int, states: Any = State) -> int:
    kinds = [kind_of(category, state) for category in ("bagged_garbage", "road_damage") for state in states]
    return int(read([City.objects.get().pk], level, kinds).cases.sum())


def test_what_is_kept_is_what_there_is_at_every_size(many: list[Case]) -> None:
    assert counted_at([many[0].city_id]) is None
    count_all(NOW)
    assert counted_at([many[0].city_id]) == NOW
    assert [kept_of(level) for level in LEVELS] == [40] * len(LEVELS)
    assert [kept_of(level, [State.FIXED]) for level in LEVELS] == [10] * len(LEVELS)
    Case.objects.filter(state=State.FIXED).update(state=State.MERGED)
    Case.objects.filter(number=1).update(lat_deg=LAT + 0.3)
    count_all(NOW)
    assert [kept_of(level) for level in LEVELS] == [30] * len(LEVELS)
    assert totals([many[0].city_id]) == {
        kind_of(category, state): Case.objects.filter(category=category, state=state).count()
        for category in ("bagged_garbage", "road_damage") for state in State
        if state != State.MERGED and Case.objects.filter(category=category, state=state).exists()
    }  # fmt: skip
    Case.objects.update(state=State.MERGED)
    count_all(NOW)
    assert not CaseCount.objects.exists()


def test_counting_again_writes_nothing_where_nothing_has_changed(many: list[Case]) -> None:
    count_all(NOW)
    with CaptureQueriesContext(connection) as queries:
        counts.count_row(many[0].city, int(LAT * FINEST))
    assert not [each["sql"] for each in queries if not each["sql"].startswith("SELECT")]


def test_counting_takes_little_of_the_time(many: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    clock_s = [100.0]
    monkeypatch.setattr(counts, "monotonic", lambda: clock_s[0])
    counter = Counter()

    def looks() -> int:
        with CaptureQueriesContext(connection) as queries:
            assert counter.count_cases(timezone.now()) == 0
        return len(queries)

    assert looks() > 0
    assert looks() == 0
    clock_s[0] += counts.PAUSE_S
    assert looks() > 0
    monkeypatch.setattr(counts, "count_row", lambda *_: clock_s.__setitem__(0, clock_s[0] + 0.5))
    clock_s[0] += counts.PAUSE_S
    assert looks() > 0
    clock_s[0] += 0.5 * counts.AT_MOST - 0.1
    assert looks() == 0


def test_places_are_read_along_their_index(chief: User, many: list[Case]) -> None:
    with CaptureQueriesContext(connection) as queries:
        look(chief, Filter(), HERE)
        look(chief, Filter(), HERE, most=1)
        counts.count_row(many[0].city, int(LAT * FINEST))
    walks = [each["sql"] for each in queries if "UNION ALL" in each["sql"]]
    assert len(walks) >= 3
    with connection.cursor() as cursor:
        for walk in walks:
            steps = [
                row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {walk}").fetchall() if "cases_case" in row[3]
            ]
            assert steps
            assert all("case_near (city_id=? AND category=? AND lat_deg>? AND lat_deg<?" in step for step in steps)


def test_a_map_asks_the_database_little(chief: User, many: list[Case], django_assert_max_num_queries: Any) -> None:
    count_all(NOW)
    client = web(chief)
    for address, most in (("/cases/map/", 40), (f"/cases.geojson?bbox={HERE.text}", 16), (f"/cases/roads.geojson?bbox={HERE.text}", 14), ("/cases/2/peek", 20)):  # fmt: skip
        with django_assert_max_num_queries(most):
            assert client.get(address).status_code == 200


# What it lies on


def test_roads_are_the_citys_then_what_was_looked_at_then_where_vehicles_were(chief: User, many: list[Case]) -> None:
    city = many[0].city
    officer = User.objects.create_user("officer", role="city", city=city)
    tight = HERE.moved(0, 0, 0.2)
    row = Sighting.objects.get()
    row.pk, row.fix_lon_deg = UUID(int=2), row.fix_lon_deg + 0.0005
    row.save(force_insert=True)
    driven = roads_in(chief, tight)
    assert (driven.kind, [len(line) for line in driven.lines]) == ("road", [2])
    assert roads_in(chief, HERE).lines == []  # of a city's worth only some could be read
    assert roads_in(officer, tight).lines == []  # where vehicles drove is not the city's to know
    Cell.objects.create(city=city, origin="demo", cell=h3.latlng_to_cell(LAT, LON, 12), seen_s=1)
    Cell.objects.create(city=city, origin="demo", cell=h3.latlng_to_cell(LAT, LON, 10), seen_s=1)
    for person in (chief, officer):
        seen = roads_in(person, tight)
        assert (seen.kind, len(seen.lines)) == ("seen", 1)
        assert HERE.holds(*seen.lines[0][0])
    edges = np.array([[LON, LAT, LON + 0.01, LAT], [LON + 0.01, LAT, LON + 0.02, LAT + 0.01], [LON, LAT + 0.02, LON + 0.02, LAT + 0.02]])  # fmt: skip
    replace(
        city,
        Kind.ROAD,
        [Line("桃园路", "", "", False, edges), Line("远", "", "", False, edges + np.array([1, 0, 1, 0]))],
        NOW,
    )
    named = roads_in(officer, HERE)
    assert (named.kind, [len(line) for line in named.lines]) == ("road", [3, 2])
    told = web(chief).get("/cases/roads.geojson", {"bbox": HERE.text}).json()["features"]
    assert [each["geometry"]["type"] for each in told] == ["LineString"] * 2


def test_ground_that_was_looked_at_is_a_band_where_cells_touch(chief: User, many: list[Case]) -> None:
    """Two rows of cells were a row of blobs, in which nobody saw a street."""
    way = {h3.latlng_to_cell(LAT + up, LON + 0.00002 * step, 12) for step in range(100) for up in (0.0, 0.0001)}
    far_off = h3.latlng_to_cell(LAT - 0.002, LON, 12)
    Cell.objects.bulk_create(Cell(city=many[0].city, origin="demo", cell=cell, seen_s=1) for cell in {*way, far_off})
    tight = HERE.moved(0, 0, 0.1)
    ground = roads_in(chief, tight)
    assert min(map(len, ground.lines)) == 1, "what touches nothing is a place"
    assert len(ground.lines) < len(way) / 2
    steps = [np.abs(np.subtract(one, other)).max() for line in ground.lines for one, other in pairwise(line)]
    assert len(steps) == len(way) - 1, "every cell hangs on the one before, once"
    assert max(steps) < 0.0004, "no line leaps over what nobody saw"
    drawn = [place for line in ground.lines if len(line) > 1 for place in line]
    assert np.std([lat for lat, _ in drawn]) < 0.7 * np.std([h3.cell_to_latlng(cell)[0] for cell in way]), "no zigzag"
    told = web(chief).get("/cases/roads.geojson", {"bbox": tight.text}).json()["features"]
    assert {each["geometry"]["type"] for each in told} == {"Point", "LineString"}
    assert all(15 < each["properties"]["wide_m"] < 25 for each in told)


# The page without script


def test_the_drawn_map_leads_to_cases_and_closer(chief: User, many: list[Case]) -> None:
    client = web(chief)
    add_vehicle("JN-1", "jinan")
    elsewhere = User.objects.create_user("elsewhere", role="auditor", city=City.objects.get(key="jinan"))
    empty = Client(headers={"accept": "text/html"})
    empty.force_login(elsewhere)
    assert "此范围内没有案件" in empty.get("/cases/map/").content.decode()
    count_all(NOW)
    page = client.get("/cases/map/?state=queued").content.decode()
    assert "此范围内 11 件" in page, re.findall("map-said.*", page)
    assert 'href="/cases/?state=queued"' in page
    closer = re.search(r'<a href="(/cases/map/\?state=queued&amp;bbox=[^"]+)" aria-label="\d+ 件案件：放大"', page)
    shown = set(re.findall(r'<a href="/cases/(\d+)/" aria-label="案件 \d+"', page))
    box = Box(LON - 0.0002, LAT - 0.0002, LON + 0.0006, LAT + 0.0003)
    near = client.get(f"/cases/map/?state=queued&bbox={box.text}").content.decode()
    assert closer or shown
    assert re.search(r'<a href="/cases/1/" aria-label="案件 1" transform="[^"]+"><path d="[^"]+" class="mark-open"/><text [^>]+>打包</text></a>', near)  # fmt: skip
    assert not re.search(r"\sstyle=", page)
    assert len(page.encode()) < 60_000


@pytest.mark.parametrize("role", ["supervisor", "reviewer", "auditor", "city"])
def test_list_and_map_are_asked_by_the_same_form(role: str, many: list[Case]) -> None:
    replace(many[0].city, Kind.DISTRICT, [Line("小店区", "", "", True, np.array([[LON, LAT, LON, LAT + 0.01]]))], NOW)
    person = User.objects.create_user("someone", role=role, city=many[0].city)
    client = Client(headers={"accept": "text/html", "accept-language": "en"})
    client.force_login(person)
    query = "?q=pothole&state=fixed&district=小店区&since=2026-11-01&until=2026-11-30&severity=high"
    forms = []
    for address in ("/cases/", "/cases/map/"):
        page = client.get(address + query).content.decode()
        assert "Read as category: Pothole" in page
        assert f'<a href="{address}">Clear all filters</a>' in page
        found = re.search(r"<form method=\"get\".*?</form>", page, re.S)
        assert found
        forms.append(re.sub(r"<label>Order.*?</label>", "", found[0]))  # a map has none
    assert forms[0] == forms[1]
    names = set(re.findall(r' name="(\w+)"', forms[0]))
    inside = set() if role == "city" else {"vehicle", "filter"}
    assert names == {"q", "state", "category", "severity", "district", "since", "until", "radius"} | inside
    assert ('value="queued"' in forms[0]) is (role != "city")


def test_no_mark_is_drawn_over_another(chief: User, many: list[Case]) -> None:
    """Two heaps on either side of a cell's edge hid each other's numbers."""
    for wide in (0.0005, 0.002, 0.004, 0.01):
        box = Box(LON, LAT, LON + wide, LAT + wide).fitted(SHAPE)
        spots = look(chief, Filter(state="all"), HERE).spots
        drawn = draw(box, Found(spots=spots), Lines([]), "", lambda _: "", lambda _: "")
        at = [complex(float(x), float(y)) for x, y in re.findall(r"translate\(([-\d]+) ([-\d]+)\)", drawn)]
        assert at
        nearest = min((abs(one - other) for n, one in enumerate(at) for other in at[:n]), default=100)
        assert nearest > 22, wide
        counts_told = [int(each) for each in re.findall(r'class="heap-count">(\d+)<', drawn)]
        assert sum(counts_told) + drawn.count('class="mark-') == 40


def test_letters_lie_on_no_heap_and_on_no_mark() -> None:
    """They stood on a heap's edge where one lay just below."""
    box, states, told, marks = Box(LON, LAT, LON + 0.01, LAT + 0.01).fitted(SHAPE), list(State), 0, 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        places = [(box.south + north * (box.north - box.south), box.west + east * (box.east - box.west)) for north, east in rng.random((100, 2)).tolist()]  # fmt: skip
        spots = [Spot(n, 1, "waste_pile", states[n % len(states)], *at) for n, at in enumerate(places[:80])]
        heaps = [Heap(int(10 ** rng.uniform(0.5, 4.5)), *at) for at in places[80:]]
        drawn = draw(box, Found(spots=spots, heaps=heaps), Lines([]), "", lambda _: "", lambda _: "")
        found = re.findall(r'translate\((\S+) (\S+)\)"><(?:path|circle r="(\d+)")(.*?)</a>', drawn)
        circles = [(float(x), float(y), float(radius or 12)) for x, y, radius, _ in found]
        letters = [(x, y) for (x, y, _), (*_, rest) in zip(circles, found, strict=True) if "glyph" in rest]
        for x, y in letters:
            gaps = [hypot(max(abs(to_x - x) - 12, 0), max(abs(to_y - y - 19) - 6, 0)) - radius for to_x, to_y, radius in circles if (to_x, to_y) != (x, y)]  # fmt: skip
            assert min(gaps) > 0, (seed, x, y)
        told, marks = told + len(letters), marks + drawn.count('class="mark-')
    assert told > 0.8 * marks


def test_the_legend_names_all_that_is_drawn(chief: User, many: list[Case]) -> None:
    page = web(chief).get("/cases/map/?state=all").content.decode()
    legend = page.split('<ul class="legend">')[1].split("</ul>")[0]
    drawn = set(re.findall(r'class="(mark-\w+|heap)"', page.split('<ul class="legend">')[0]))
    assert drawn
    assert drawn <= set(re.findall(r'class="(mark-\w+|heap)"', legend))
    assert "多个案件（数量）" in legend
    near = Box(LON - 0.0002, LAT - 0.0002, LON + 0.0006, LAT + 0.0003).text
    for seen in (page, web(chief).get(f"/cases/map/?state=all&bbox={near}").content.decode()):
        letters = seen.split('id="letters">')[1].split("</ul>")[0]
        told = set(re.findall(r"<b>(..)</b>", letters))
        assert told == set(re.findall(r'class="glyph">(..)<', seen)), "of those that are drawn, and no others"
        assert ('id="letters-say" hidden' in seen) is (not told)
    assert "<b>打包</b> 打包垃圾" in letters


def test_the_legend_of_an_officer_has_no_state_that_they_never_meet(send: Any) -> None:
    send()
    legend = web(User.objects.create_user("officer", role="city")).get("/cases/map/").content.decode().split('<ul class="legend">')[1].split("</ul>")[0]  # fmt: skip
    assert set(re.findall(r'class="(mark-\w+)"', legend)) == {"mark-city", "mark-fixed", "mark-back", "mark-closed"}
    assert "驳回" not in legend


def test_the_legend_says_what_the_grey_ground_is(chief: User, send: Any) -> None:
    send()
    line = np.array([[LON - 0.001, LAT, LON + 0.001, LAT + 0.0001]])
    replace(Case.objects.get().city, Kind.ROAD, [Line("桃园北路", "", "", False, line)], NOW)
    page = (
        web(chief)
        .get("/cases/map/", {"bbox": Box(LON - 0.01, LAT - 0.01, LON + 0.01, LAT + 0.01).text})
        .content.decode()
    )
    ground = re.search(r'class="(seen|road)" stroke-width', page.split('<ul class="legend">')[0])
    assert ground
    assert f'class="{ground[1]}"' in page.split('<ul class="legend">')[1].split("</ul>")[0]


def test_the_panel_tells_of_a_case(chief: User, send: Any) -> None:
    send()
    panel = web(chief).get("/cases/1/peek").content.decode()
    assert "打包垃圾 · 案件 1" in panel
    assert re.search(r'<img src="/pictures/[0-9a-f]{64}\.jpg"', panel)
    assert whole(chief, Filter(text=f"{LAT}, {LON}")) is not None


def test_the_panel_does_not_tell_a_second_reader_that_it_is_decided(chief: User, reviewer: User, send: Any) -> None:
    send()
    case = Case.objects.get()
    Case.objects.update(state=State.CONFIRMED)
    verdict = Verdict.objects.create(id=UUID(int=1), case=case, person=chief, answer="confirm")
    Look.objects.create(case=case, city=case.city, kind="second", about=verdict, first_person=chief, made_at=NOW)
    told = [web(person).get("/cases/1/peek").content.decode() for person in (reviewer, chief)]
    assert ["待审" in each for each in told] == [True, False]
    assert ["已确认" in each for each in told] == [False, True]
