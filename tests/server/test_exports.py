"""The filtered list as a file: whole, in the reader's language, harmless in a spreadsheet, and on record."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from typing import Any
from xml.etree import ElementTree

import pytest
from django.test import Client
from sightings import LAT, LON, NOW

from calibration.chinese_maps import gcj02_from_wgs84
from server.accounts.models import User
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases import exports
from server.cases.exports import COLUMNS, RISKY, harmless
from server.cases.models import Case
from server.cases.rules import State
from server.city.models import Destination, Handover
from server.places.models import CasePlace, Import

pytestmark = pytest.mark.django_db(transaction=True)
SHEET = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


@pytest.fixture
def chief(db: None) -> User:
    """Who may take the list along."""
    return User.objects.create_user("zhao", role="supervisor")


@pytest.fixture
def three(send: Any) -> list[Case]:
    """Cases 1 to 3: queued, confirmed, handed over."""
    send()
    case = Case.objects.get()
    Case.objects.filter(id=case.pk).update(state=State.QUEUED, confirmed_at=None)
    for number, state in ((2, State.CONFIRMED), (3, State.HANDED_OVER)):
        case.pk, case.number, case.state = None, number, state
        case.save(force_insert=True)
    return list(Case.objects.order_by("id"))


def taken(person: User, kind: str, query: str = "", language: str = "en") -> bytes:
    client = Client()
    client.force_login(person)
    client.cookies["trikeye_language"] = language
    answer = client.get(f"/cases/export.{kind}?{query}")
    assert answer.status_code == 200, answer
    body = b"".join(answer.streaming_content)  # type: ignore[arg-type]
    assert answer.headers["Content-Disposition"].startswith("attachment; filename=")
    assert int(answer.headers["Content-Length"]) == len(body)
    return body


def rows_of(body: bytes) -> list[dict[str, str]]:
    assert body.startswith("\ufeff".encode())
    return list(csv.DictReader(io.StringIO(body.decode("utf-8-sig"), newline="")))


def cells_of(body: bytes) -> list[list[tuple[str, str]]]:
    """Type and text of each cell of an XLSX file's only sheet."""
    sheet = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(body)).read("xl/worksheets/sheet1.xml"))
    assert not list(sheet.iter(f"{SHEET}f"))  # no formula anywhere
    return [[(cell.get("t", "n"), "".join(cell.itertext())) for cell in row] for row in sheet.iter(f"{SHEET}row")]


def named(case: Case, road: str) -> None:
    Import.objects.get_or_create(
        city=case.city, kind="road", defaults={"made_at": NOW, "features": 1, "tallest_deg": 0.1}
    )
    CasePlace.objects.create(case=case, named_by=1, lat_deg=case.lat_deg, lon_deg=case.lon_deg, road_zh=road)


def test_csv_has_the_filtered_cases_with_heads_in_the_readers_language(chief: User, three: list[Case]) -> None:
    rows = rows_of(taken(chief, "csv", "state=confirmed"))
    assert [row["Number"] for row in rows] == ["2"]
    assert rows[0]["Category key"] == "bagged_garbage"
    assert (rows[0]["Severity key"], rows[0]["Severity"]) == ("medium", "medium")
    assert rows[0]["Latitude (WGS-84)"] == str(round(three[1].lat_deg, 7))
    assert rows[0]["First seen"].endswith("+08:00")
    chinese = rows_of(taken(chief, "csv", "state=all", "zh-hans"))
    assert [row["编号"] for row in chinese] == ["3", "2", "1"]
    assert {row["类别"] for row in chinese} == {"打包垃圾"}
    assert {row["类别标识"] for row in chinese} == {"bagged_garbage"}
    assert {(row["严重程度标识"], row["严重程度"]) for row in chinese} == {("medium", "一般")}
    assert len(chinese[0]) == len(COLUMNS)
    assert {(row["城市标识"], row["城市"]) for row in chinese} == {("taiyuan", "太原市")}
    assert rows[0]["City"] == "Taiyuan"
    lat, lon = gcj02_from_wgs84(three[1].lat_deg, three[1].lon_deg)
    assert (float(rows[0]["Latitude (GCJ-02, Chinese maps)"]), float(rows[0]["Longitude (GCJ-02, Chinese maps)"])) == pytest.approx((lat, lon), abs=1e-7)  # fmt: skip
    assert chinese[1]["纬度（GCJ-02，国内地图）"] == rows[0]["Latitude (GCJ-02, Chinese maps)"] != rows[0]["Latitude (WGS-84)"]  # fmt: skip
    assert rows[0]["Link"].endswith("/cases/2/?city=taiyuan")


def test_geojson_names_its_reference_system_and_is_valid(chief: User, three: list[Case]) -> None:
    Case.objects.filter(id=three[0].pk).update(placed_by_hand=True)
    told = json.loads(taken(chief, "geojson", "state=all"))
    assert [each["properties"]["placed_by"] for each in told["features"]] == ["vehicles", "vehicles", "person"]
    assert told["type"] == "FeatureCollection"
    assert told["crs"]["properties"]["name"] == "urn:ogc:def:crs:OGC:1.3:CRS84"
    first = told["features"][0]
    assert first["geometry"]["coordinates"] == [round(three[2].lon_deg, 6), round(three[2].lat_deg, 6)]
    assert abs(first["geometry"]["coordinates"][0] - LON) < 0.01
    assert abs(first["geometry"]["coordinates"][1] - LAT) < 0.01
    assert {*first["properties"]} == {column.key for column in COLUMNS} - {"lat_deg", "lon_deg"}
    assert first["properties"]["severity_key"] == "medium"
    assert told["note"] == ""
    assert json.loads(taken(chief, "geojson", "state=fixed"))["features"] == []


def test_columns_are_as_wide_as_what_stands_in_them(chief: User, three: list[Case]) -> None:
    sheet = ElementTree.fromstring(zipfile.ZipFile(io.BytesIO(taken(chief, "xlsx", "state=all", "zh-hans"))).read("xl/worksheets/sheet1.xml"))  # fmt: skip
    wide = [float(each.attrib["width"]) for each in sheet.iter(f"{SHEET}col") for _ in range(int(each.attrib["min"]), int(each.attrib["max"]) + 1)]  # fmt: skip
    by_key = dict(zip([column.key for column in COLUMNS], wide, strict=True))
    assert by_key["number"] < 10
    assert by_key["first_seen_at"] >= 17
    assert by_key["category"] >= len("bagged_garbage")
    assert by_key["category_name"] >= 2 * len("打包垃圾")
    assert max(wide) < 62


def test_xlsx_holds_numbers_instants_and_texts(chief: User, three: list[Case]) -> None:
    heads, *rows = cells_of(taken(chief, "xlsx", "state=all"))
    assert [head[1] for head in heads] == [str(column.head) for column in COLUMNS] or len(heads) == len(COLUMNS)
    assert [row[0] for row in rows] == [("n", "3"), ("n", "2"), ("n", "1")]
    kinds = dict(zip([column.key for column in COLUMNS], rows[0], strict=False))
    assert kinds["category"][0] in ("s", "inlineStr")
    assert kinds["lat_deg"][0] == kinds["first_seen_at"][0] == "n"
    book = zipfile.ZipFile(io.BytesIO(taken(chief, "xlsx", "state=all")))
    sheet = ElementTree.fromstring(book.read("xl/worksheets/sheet1.xml"))
    arrows, frozen = (next(sheet.iter(f"{SHEET}{name}")).attrib for name in ("autoFilter", "pane"))
    last = chr(ord("A") + len(COLUMNS) - 1)
    assert (arrows["ref"], frozen["state"], frozen["ySplit"]) == (f"A1:{last}4", "frozen", "1")
    assert book.read("xl/worksheets/_rels/sheet1.xml.rels").count(b"/cases/") == 3


@pytest.mark.parametrize("begin", RISKY)
def test_what_begins_like_a_formula_is_harmless(begin: str, chief: User, three: list[Case]) -> None:
    road = f"{begin}cmd|' /C calc'!A0"
    named(three[2], road)
    [row] = rows_of(taken(chief, "csv", "state=handed_over"))
    assert row["Place"].startswith("'")
    assert row["Place"][1:].strip() == road.strip() or row["Place"][1:] == road
    [_, cells] = cells_of(taken(chief, "xlsx", "state=handed_over"))
    at = [column.key for column in COLUMNS].index("place")
    assert cells[at][0] in ("s", "inlineStr")
    assert "cmd" in cells[at][1]
    assert json.loads(taken(chief, "geojson", "state=handed_over"))["features"][0]["properties"]["place"].strip() == road.strip()  # fmt: skip


def test_numbers_below_nothing_stay_numbers() -> None:
    assert (harmless(-37.8), harmless(None), harmless("plain"), harmless("-1")) == (-37.8, None, "plain", "'-1")


def test_no_more_than_the_most_are_taken_and_the_file_says_so(chief: User, three: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(exports, "MOST", 2)
    monkeypatch.setattr(exports, "AT_ONCE", 1)
    rows = rows_of(taken(chief, "csv", "state=all"))
    assert [row["Number"] for row in rows[:2]] == ["3", "2"]
    assert "newest 2 cases" in rows[2]["Number"]
    assert "newest 2 cases" in json.loads(taken(chief, "geojson", "state=all"))["note"]
    assert "newest 2 cases" in cells_of(taken(chief, "xlsx", "state=all"))[-1][0][1]
    monkeypatch.setattr(exports, "MOST", 3)
    assert [row["Number"] for row in rows_of(taken(chief, "csv", "state=all"))] == ["3", "2", "1"]


def test_who_took_what_is_on_record_without_the_words_that_were_searched(chief: User, three: list[Case]) -> None:
    taken(chief, "csv", "state=all&category=bagged_garbage&q=%E7%8E%8B")
    row = AuditRow.objects.get(verb=Verb.CASES_EXPORTED)
    assert (row.actor, row.kind, row.object_id) == (chief, "export", "csv")
    assert row.detail == {"filter": "state=all&category=bagged_garbage", "words": True, "rows": 0}
    taken(chief, "xlsx", "state=all")
    assert AuditRow.objects.filter(verb=Verb.CASES_EXPORTED).latest("id").detail["rows"] == 3


def test_a_city_takes_its_own_along_and_reviewers_take_none(chief: User, three: list[Case], reviewer: User) -> None:
    officer = User.objects.create_user("officer", role="city", city=three[0].city)
    town = Destination.objects.create(city=three[0].city, name="town", url="http://town/", secret_file="s")
    Handover.objects.create(case=three[2], destination=town, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW)  # fmt: skip
    assert [row["Number"] for row in rows_of(taken(officer, "csv", "state=all"))] == ["3"]
    client = Client()
    client.force_login(reviewer)
    assert client.get("/cases/export.csv").status_code == 403
    assert "/cases/export." not in client.get("/cases/").content.decode()
    client.force_login(chief)
    assert "/cases/export.csv?state=all" in client.get("/cases/?state=all").content.decode()
    assert client.get("/cases/export.pdf").status_code == 404
    assert client.post("/cases/export.csv").status_code == 405


def test_a_full_disk_is_told_and_nothing_goes_on_record(chief: User, three: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setitem(exports.WRITERS, "csv", (full, "text/csv"))
    client = Client(headers={"accept": "application/json"})
    client.force_login(chief)
    answer = client.get("/cases/export.csv")
    assert (answer.status_code, answer.json()["kind"]) == (507, "disk")
    assert not AuditRow.objects.filter(verb=Verb.CASES_EXPORTED).exists()


def test_any_number_of_cases_takes_few_queries(chief: User, three: list[Case], django_assert_max_num_queries: Any) -> None:  # fmt: skip
    client = Client()
    client.force_login(chief)
    with django_assert_max_num_queries(14):
        assert b"".join(client.get("/cases/export.csv?state=all").streaming_content)  # type: ignore[arg-type]
