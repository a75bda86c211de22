"""Names of cases' places: imported, kept, renewed, shown and handed over."""

from __future__ import annotations

import json
import re
from argparse import Namespace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from sightings import LAT, LON, NOW

from calibration.geodesy import moved
from server import command_places, command_work
from server.audit.models import AuditRow
from server.cases.models import Case
from server.cases.rules import State
from server.cases.services import move
from server.city.services import _body
from server.fleet.services import city_by_key
from server.places.models import CasePlace, Feature, Import
from server.places.rules import Named
from server.places.services import Walk, imports, looked_up, name_of
from server.places.words import kept_line, place_line

pytestmark = pytest.mark.django_db


def at(east_m: float, north_m: float) -> list[float]:
    lat, lon = moved(LAT, LON, east_m, north_m)
    return [lon, lat]


def square(half_m: float) -> list[list[list[float]]]:
    corners = [(-half_m, -half_m), (half_m, -half_m), (half_m, half_m), (-half_m, half_m), (-half_m, -half_m)]
    return [[at(*corner) for corner in corners]]


GRID = "140105001001001"
DISTRICT = ("district", "Polygon", square(900), {"name": "小店区", "name_en": "Xiaodian"})
ALL = (
    ("road", "LineString", [at(-12, -200), at(-12, 200)], {"name": "桃园北路", "name_en": "Taoyuan North Road"}),
    ("landmark", "Point", at(30, 0), {"name": "太原站", "name_en": "Taiyuan Station"}),
    ("grid", "Polygon", square(80), {"code": GRID}),
    DISTRICT,
)  # fmt: skip


@pytest.fixture
def bring(tmp_path: Path, vehicle: Any) -> Any:
    """Import one feature of a kind; returns the exit code."""

    def run(kind: str, shape: str, coordinates: Any, properties: dict[str, Any], **changes: Any) -> int:
        file = tmp_path / "places.geojson"
        feature = {
            "type": "Feature",
            "geometry": {"type": shape, "coordinates": coordinates},
            "properties": properties,
        }
        file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}), encoding="utf-8")
        values = {"file": file, "city": "taiyuan", "kind": kind, "json": False}
        return command_places.run(Namespace(**(values | changes)))

    return run


@pytest.fixture
def case(send: Any) -> Case:
    send()
    return Case.objects.get()


def test_a_case_is_named_in_both_languages_and_the_city_is_told(bring: Any, case: Case) -> None:
    assert [bring(*each) for each in ALL] == [0, 0, 0, 0]
    assert Walk().name_places(NOW) == 1
    row = CasePlace.objects.get()
    assert (row.road_zh, row.road_en, row.side, row.landmark_m, row.grid) == ("桃园北路", "Taoyuan North Road", "east", 30, GRID)  # fmt: skip
    body = _body(case, NOW)
    assert body["place"]["text"] == "小店区桃园北路东侧，距太原站30米"
    assert body["place"]["text_en"] == "Taoyuan North Road, east side, 30 m from Taiyuan Station, Xiaodian"
    assert body["place"]["grid"] == body["matter"]["SZDYWGBSM"] == GRID
    assert body["matter"]["SFWZ"] == body["place"]["text"]


def test_without_data_the_fields_stay_empty_and_say_so(bring: Any, case: Case) -> None:
    body = _body(case, NOW)
    assert (body["place"]["text"], body["place"]["text_en"], body["place"]["grid"]) == ("", "", "")
    assert (body["matter"]["SFWZ"], body["matter"]["SZDYWGBSM"]) == ("", "")
    assert place_line(case) == "路名：尚无本市道路数据"
    assert bring("road", "LineString", [at(200, 0), at(200, 90)], {"name": "远路"}) == 0
    assert place_line(case) == "附近没有已知的道路或地标"
    assert kept_line(case) == ""


def test_a_place_that_moved_or_a_newer_import_is_named_anew(bring: Any, case: Case) -> None:
    walk = Walk()
    assert walk.name_places(NOW) == 0
    assert not CasePlace.objects.exists()
    bring(*ALL[0])
    assert (walk.name_places(NOW), walk.name_places(NOW)) == (1, 0)
    assert kept_line(Case.objects.get()) == "桃园北路东侧"
    lat, lon = moved(LAT, LON, -24, 0)
    Case.objects.update(lat_deg=lat, lon_deg=lon)
    assert name_of(Case.objects.get()) == Named(road_zh="桃园北路", road_en="Taoyuan North Road", side="west")
    assert (walk.name_places(NOW), walk.name_places(NOW)) == (1, 0)
    assert kept_line(Case.objects.get()) == "桃园北路西侧"
    bring("road", "LineString", [at(-12, -200), at(-12, 200)], {"name": "桃园路"})
    assert place_line(Case.objects.get()) == "桃园路西侧"
    assert kept_line(Case.objects.get()) == "桃园北路西侧"
    assert (walk.name_places(NOW), walk.name_places(NOW)) == (1, 0)
    assert kept_line(Case.objects.get()) == "桃园路西侧"


def test_work_names_places_among_its_steps(bring: Any, case: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    bring(*ALL[0])
    rounds = iter((False, True))
    once = SimpleNamespace(is_set=lambda: next(rounds), wait=lambda seconds: None, set=lambda: None)
    monkeypatch.setattr(command_work, "threading", SimpleNamespace(Event=lambda: once))
    monkeypatch.setattr(command_work, "signal", SimpleNamespace(SIGTERM=15, SIGINT=2, signal=lambda *_: None))
    monkeypatch.setattr(command_work, "count_as", lambda part: None)  # it tells the whole process how to count
    monkeypatch.setattr("django.db.close_old_connections", lambda: None)  # the test's transaction lives in it
    assert command_work.run(Namespace(pause=0.0)) == 0
    assert CasePlace.objects.get().road_zh == "桃园北路"


def test_the_walk_comes_to_every_case_also_behind_the_newest(send: Any, bring: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    for name, value in (("WINDOW", 2), ("NEWEST", 1), ("MOST_AT_ONCE", 1)):
        monkeypatch.setattr(f"server.places.services.{name}", value)
    for number in range(9):
        send(east_m=100.0 * number)
    for gone in Case.objects.order_by("id")[:3]:
        gone.sightings.all().delete()
        gone.delete()
    bring(*DISTRICT)
    walk = Walk()
    assert walk.name_places(NOW) == 2
    while CasePlace.objects.count() < 6:
        assert walk.name_places(NOW) in (0, 1)
    lat, lon = moved(LAT, LON, 0, 1000)
    Case.objects.filter(number=5).update(lat_deg=lat, lon_deg=lon)
    assert sum(walk.name_places(NOW) for _ in range(5)) == 1
    assert CasePlace.objects.get(case__number=5).district_zh == ""


def test_the_citys_field_takes_no_more_letters_than_it_has(bring: Any, case: Case) -> None:
    for kind, shape, coordinates, properties in ALL:
        bring(kind, shape, coordinates, properties | {"name": "长" * 100})
    body = _body(case, NOW)
    assert (len(body["matter"]["SFWZ"]), len(body["place"]["text"])) == (256, 307)


def test_another_citys_features_name_nothing_here(bring: Any, case: Case) -> None:
    city_by_key("yuncheng")
    assert bring(*DISTRICT, city="yuncheng") == 0
    assert Walk().name_places(NOW) == 0
    assert name_of(case) is None


def test_an_import_replaces_its_kind_alone_and_is_recorded(bring: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for each in (*ALL, ALL[0]):
        bring(*each)
    assert Feature.objects.count() == 4
    assert Import.objects.count() == 4
    assert "taiyuan: 1 features of kind road imported, 1 of before replaced" in capsys.readouterr().out
    assert bring(*ALL[0], json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"city": "taiyuan", "kind": "road", "features": 1, "replaced": 1}
    row = AuditRow.objects.filter(verb="places_imported").latest("id")
    assert (row.city.key if row.city else "", row.detail) == ("taiyuan", {"what": "road", "features": 1})


def test_with_any_fault_all_is_as_it_was(bring: Any, capsys: pytest.CaptureFixture[str]) -> None:
    bring(*ALL[0])
    before = list(Feature.objects.values_list("id", flat=True)), list(Import.objects.values_list("id", flat=True))
    assert bring("road", "LineString", [[37.9, 112.5], [37.8, 112.5]], {"name": "路"}) == 1
    said = capsys.readouterr().err.strip().split("\n")
    assert said[0].endswith("places.geojson was not imported, all is as it was:")
    assert said[1].startswith("feature 1 (路): its axes are swapped")
    assert before == (list(Feature.objects.values_list("id", flat=True)), list(Import.objects.values_list("id", flat=True)))  # fmt: skip


def test_a_file_or_a_city_that_is_not_there_is_one_sentence(bring: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    assert bring(*ALL[0], file=tmp_path / "gone.geojson") == 1
    assert bring(*ALL[0], city="atlantis") == 1
    assert capsys.readouterr().err.split("\n")[:2] == [
        f"trikeye server import-places: {tmp_path / 'gone.geojson'} does not exist",
        "trikeye server import-places: there is no city atlantis; there is: taiyuan",
    ]


def test_a_file_of_many_features_tells_how_far_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    for done in range(1, 4501):
        command_places.progress(done, 4500)
    assert capsys.readouterr().err.split("\n")[:3] == [f"{done} of 4500 features read" for done in (2000, 4000, 4500)]
    command_places.progress(7, 7)
    assert capsys.readouterr().err == ""


def test_naming_asks_the_database_seldom_and_by_index(bring: Any, case: Case) -> None:
    for each in ALL:
        bring(*each)
    with CaptureQueriesContext(
        connection,
    ) as kept:
        name_of(case)
    assert len(kept) == 6
    Walk().name_places(NOW)
    with CaptureQueriesContext(connection) as kept:
        name_of(case)
    assert len(kept) == 2
    with CaptureQueriesContext(connection) as looks:
        looked_up(case, imports()[case.city_id])
    for look in looks.captured_queries[1:]:
        with connection.cursor() as cursor:
            plan = cursor.execute("EXPLAIN QUERY PLAN " + look["sql"]).fetchall()
        assert "feature_around (city_id=? AND kind=? AND lat_min>? AND lat_min<?)" in str(plan)


@pytest.mark.parametrize(("language", "words"), [("zh-hans", "桃园北路东侧"), ("en", "Taoyuan North Road, east side")])
def test_card_case_page_and_list_say_it_in_the_readers_language(
    bring: Any, case: Case, reviewer: Any, client: Client, language: str, words: str
) -> None:
    bring(*ALL[0])
    Walk().name_places(NOW)
    move(case.pk, State.NEW, State.QUEUED, NOW)
    client.force_login(reviewer)
    client.cookies["trikeye_language"] = language
    assert words in client.post("/review/lease").content.decode()
    assert words in client.get(f"/cases/{case.number}/").content.decode()
    assert re.search(f"<td[^>]*>{words}<", client.get("/cases/").content.decode())
