"""What vehicles looked at: kept per city and not per vehicle, asked by place, drawn by age."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any
from unittest.mock import patch
from uuid import UUID

import cbor2
import h3.api.basic_int as h3
import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from sightings import LAT, LON, NOW

from calibration.geodesy import moved, offset_m
from models.contract import MAX_COVERAGE_BYTES, AckItem, CellLook, Coverage, encode, packed, topic
from server.accounts.models import User
from server.coverage import services
from server.coverage.models import Cell
from server.coverage.rules import Age, Quality, View, age_of, all_of, cells_about, inside, ranges_of, with_coarser
from server.coverage.services import cells_in, forget_old, seen_well_since, take_coverage, whole_view
from server.fleet.models import City, Vehicle
from server.fleet.services import add_vehicle, revoke_vehicle

pytestmark = pytest.mark.django_db(transaction=True)
HERE = h3.latlng_to_cell(LAT, LON, 12)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def told(cells: dict[int, int] | None = None, ago: timedelta = MINUTE, **changes: Any) -> tuple[str, bytes]:
    """A message on cells and how well each was seen, a minute long, begun so long ago."""
    looks = [CellLook(cell, quality, 6) for cell, quality in (cells or {HERE: 3}).items()]
    values = {
        "id": UUID(int=5), "vehicle": "TY-01", "camera": "front", "origin": "camera", "from_utc": NOW - ago, "to_utc": NOW - ago + MINUTE, "clock_source": "gnss",
        **packed(looks), **changes,
    }  # fmt: skip
    made = Coverage.model_validate(values)
    return topic(str(changes.get("topic_of", made.vehicle)), "coverage"), encode(made)


def take(*messages: tuple[str, bytes]) -> list[AckItem | None]:
    return take_coverage(messages, NOW)


def seen(quality: Quality = Quality.WELL, cell: int = HERE) -> datetime | None:
    """When a cell was last seen so, by its row."""
    at_s = Cell.objects.filter(cell=cell).values_list(quality.column, flat=True).first()
    return datetime.fromtimestamp(at_s, NOW.tzinfo) if at_s else None


def well_since(since: datetime, at: tuple[float, float] = (LAT, LON), **about: Any) -> datetime | None:
    return seen_well_since(City.objects.get(key="taiyuan"), *at, since, **about)


# What comes in


def test_a_message_is_stored_with_the_instant_its_first_look_was_and_answered(vehicle: Vehicle) -> None:
    (answer,) = take(told({HERE: 2}, ago=5 * MINUTE))
    assert answer is not None
    assert (answer.id, answer.outcome) == (UUID(int=5), "accepted")
    assert [seen(quality) for quality in Quality] == [*[NOW - 5 * MINUTE] * 3, None]
    assert Cell.objects.get(cell=HERE).city_id == vehicle.city_id


def test_the_same_again_and_older_ones_that_come_late_change_nothing(vehicle: Vehicle) -> None:
    take(told(ago=5 * MINUTE))
    before = list(Cell.objects.order_by("id").values())
    take(told(ago=5 * MINUTE), told(ago=3 * DAY), told({HERE: 0}, ago=2 * DAY))
    assert list(Cell.objects.order_by("id").values()) == before


def test_order_does_not_matter_and_a_poor_look_makes_no_good_one_newer(vehicle: Vehicle) -> None:
    messages = [told({HERE: 3}, ago=3 * DAY), told({HERE: 1}, ago=DAY), told({HERE: 2}, ago=2 * DAY)]
    take(*messages)
    forwards = [seen(quality) for quality in Quality]
    Cell.objects.all().delete()
    for each in reversed(messages):
        take(each)
    assert [seen(quality) for quality in Quality] == forwards == [NOW - DAY, NOW - DAY, NOW - 2 * DAY, NOW - 3 * DAY]


def test_vehicles_of_a_city_share_cells_and_cities_do_not(vehicle: Vehicle) -> None:
    add_vehicle("SZ-01", "shenzhen", "fleet")
    take(told(ago=2 * DAY), told(ago=DAY, vehicle="TY-02"), told(ago=MINUTE, vehicle="SZ-01"))
    assert Cell.objects.filter(cell=HERE).count() == 2
    assert well_since(NOW - 3 * DAY) == NOW - DAY


def test_many_messages_cost_one_commit(vehicle: Vehicle) -> None:
    ring = sorted(h3.grid_disk(HERE, 10))
    messages = [told({cell: 2}, ago=n * MINUTE, id=UUID(int=n)) for n, cell in enumerate(ring[:50], 1)]
    with CaptureQueriesContext(connection) as queries:
        answers = take(*messages)
    assert [each.outcome for each in answers if each] == ["accepted"] * 50
    assert sum(query["sql"] == "COMMIT" for query in queries.captured_queries) == 1


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"vehicle": "TY-99"}, "unknown_vehicle"), ({"clock_source": "system"}, "clock_untrusted"), ({"clock_source": "file"}, "clock_untrusted"),
        ({"to_utc": NOW + 6 * MINUTE}, "from_the_future"), ({"from_utc": NOW - 500 * DAY}, "too_old"),
        ({"first_cell": HERE - 512 * 7}, "unknown_cell"), ({"first_cell": h3.cell_to_parent(HERE, 11)}, "unknown_cell"), ({"first_cell": 511}, "unknown_cell"),
    ],
)  # fmt: skip
def test_what_cannot_be_believed_is_refused_and_leaves_no_trace(
    vehicle: Vehicle, changes: dict[str, Any], reason: str
) -> None:
    if changes.get("first_cell") == HERE - 512 * 7:
        changes = {"first_cell": HERE | 7 << 9}  # a digit that no cell of this resolution has
    refused, taken = take(told(**changes), told())
    assert refused is not None
    assert refused.outcome == "refused"
    assert refused.reason.startswith(reason)
    assert taken is not None
    assert taken.outcome == "accepted"
    assert seen() == NOW - MINUTE


def test_a_revoked_vehicle_and_one_that_speaks_for_another_are_refused(vehicle: Vehicle) -> None:
    body = told()[1]
    (other,) = take((topic("TY-02", "coverage"), body))
    revoke_vehicle("TY-01")
    (revoked,) = take((topic("TY-01", "coverage"), body))
    assert other is not None
    assert revoked is not None
    assert other.reason.startswith("wrong_vehicle")
    assert revoked.reason.startswith("unknown_vehicle")
    assert not Cell.objects.exists()


@pytest.mark.parametrize("body", [b"", b"\xff" * 100, cbor2.dumps({"version": 1}), cbor2.dumps({"version": 9}), b"\x00" * (MAX_COVERAGE_BYTES + 1)])  # fmt: skip
def test_bytes_that_are_no_coverage_are_refused(vehicle: Vehicle, body: bytes) -> None:
    (answer,) = take((topic("TY-01", "coverage"), body))
    assert answer is not None
    assert answer.outcome == "refused"


def test_size_is_looked_at_before_anything_is_decoded(vehicle: Vehicle) -> None:
    with patch("server.coverage.services.decode", side_effect=AssertionError), patch("server.coverage.services.identity_of", side_effect=AssertionError):  # fmt: skip
        (answer,) = take((topic("TY-01", "coverage"), told()[1] + bytes(MAX_COVERAGE_BYTES)))
    assert answer is not None
    assert answer.reason.startswith("too_large")


def test_no_database_means_no_answer_and_nothing_half_done(vehicle: Vehicle) -> None:
    real, calls = services._store, list[int]()

    def fails(ready: Any) -> AckItem:
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("disk I/O error")
        return real(ready)

    with patch("server.coverage.services._store", fails):
        assert take(told(), told(id=UUID(int=6))) == [None, None]
    assert not Cell.objects.exists()


def test_a_message_that_brings_the_program_to_an_error_costs_the_others_nothing(vehicle: Vehicle) -> None:
    real = services._store

    def stumbles(ready: Any) -> AckItem:
        if ready.coverage.id.int == 6:
            raise ZeroDivisionError
        return real(ready)

    with patch("server.coverage.services._store", stumbles):
        answers = take(told(), told(id=UUID(int=6)), told(id=UUID(int=7)))
    assert [each.outcome for each in answers if each] == ["accepted", "refused", "accepted"]


# What is asked


def test_a_place_was_seen_well_since_an_instant_or_it_was_not(vehicle: Vehicle) -> None:
    take(told({HERE: 2}, ago=DAY))
    assert well_since(NOW - 2 * DAY) == NOW - DAY
    assert well_since(NOW - DAY) == NOW - DAY
    assert well_since(NOW - DAY + MINUTE) is None
    assert well_since(NOW - 2 * DAY, moved(LAT, LON, 60, 0)) is None


def test_a_look_from_afar_is_no_good_look(vehicle: Vehicle) -> None:
    take(told({HERE: 1}))
    assert well_since(NOW - DAY) is None


def test_replayed_and_drawn_rides_show_nothing_of_a_street(vehicle: Vehicle) -> None:
    take(told(origin="demo", clock_source="file"), told(origin="replay", clock_source="gnss"))
    assert well_since(NOW - DAY) is None
    assert well_since(NOW - DAY, origin="demo") == NOW - MINUTE


def test_a_place_that_may_lie_in_two_cells_was_seen_when_both_were(vehicle: Vehicle) -> None:
    next_door = sorted(h3.grid_ring(HERE, 1))[0]
    a, b = h3.cell_to_latlng(HERE), h3.cell_to_latlng(next_door)
    border = (a[0] + b[0]) / 2, (a[1] + b[1]) / 2
    about = cells_about(*border, 2.0)
    assert {HERE, next_door} <= about
    take(told(dict.fromkeys(about - {next_door}, 2)))
    assert well_since(NOW - DAY, a, error_m=1.0) == NOW - MINUTE
    assert well_since(NOW - DAY, border, error_m=2.0) is None
    take(told({next_door: 2}, ago=3 * MINUTE))
    assert well_since(NOW - DAY, border, error_m=2.0) == NOW - 3 * MINUTE, "the one seen longest ago counts"


def test_one_query_by_an_index_answers(vehicle: Vehicle) -> None:
    take(told())
    city = City.objects.get(key="taiyuan")
    with CaptureQueriesContext(connection) as queries:
        seen_well_since(city, LAT, LON, NOW - DAY, error_m=3.0)
    (query,) = queries.captured_queries
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN {'QUERY PLAN ' if connection.vendor == 'sqlite' else ''}{query['sql']}")
        plan = str(cursor.fetchall())
    assert "(city_id=? AND origin=? AND cell=?)" in plan if connection.vendor == "sqlite" else "cell_once" in plan


# What is forgotten


def test_cells_nobody_has_seen_for_long_are_forgotten_and_others_stay(vehicle: Vehicle) -> None:
    far = h3.latlng_to_cell(*moved(LAT, LON, 5000, 0), 12)
    take(told(ago=399 * DAY), told({far: 3}, ago=DAY))
    services._forget_before.cache_clear()
    assert forget_old(NOW) == 0
    assert Cell.objects.filter(cell=HERE).exists()
    with CaptureQueriesContext(connection) as queries:
        forget_old(NOW)
    assert len(queries) == 0, "once a day is enough"
    forget_old(NOW + 3 * DAY)
    assert {h3.get_resolution(cell) for cell in Cell.objects.values_list("cell", flat=True)} == {8, 10, 12}
    assert not Cell.objects.filter(cell=HERE).exists()


# Cells and views, without a database


def test_coarser_cells_are_as_good_as_the_best_within() -> None:
    children = sorted(h3.cell_to_children(h3.cell_to_parent(HERE, 10), 12))[:3]
    found = with_coarser(zip(children, (1, 3, 0), strict=True))
    assert found[h3.cell_to_parent(HERE, 10)] == found[h3.cell_to_parent(HERE, 8)] == 3
    assert len(found) == 5


@pytest.mark.parametrize("span_m", [200.0, 2400.0, 2501.0, 19_000.0, 30_000.0, 60_000.0])
@pytest.mark.parametrize("at", [(LAT, LON), (22.54, 114.06), (-33.9, 18.4), (64.1, -21.9), (1.35, 103.8)])
def test_every_cell_in_a_view_is_in_its_ranges(span_m: float, at: tuple[float, float]) -> None:
    view = View(*at, span_m)
    ranges = ranges_of(view)
    assert len(ranges) <= 300
    for x in (-0.5, -0.25, 0.0, 0.31, 0.5):
        for y in (-0.3, -0.1, 0.0, 0.2, 0.3):
            cell = h3.latlng_to_cell(*moved(*at, x * span_m, y * span_m), view.resolution)
            assert any(first <= cell <= last for first, last in ranges)


def test_the_cells_of_a_resolution_are_one_range() -> None:
    for resolution in (8, 10, 12):
        first, last = all_of(resolution)
        for at in ((0.0, 0.0), (89.0, 170.0), (-89.0, -170.0), (LAT, LON)):
            assert first <= h3.latlng_to_cell(*at, resolution) <= last
            assert not first <= h3.latlng_to_cell(*at, resolution + 1) <= last


def test_places_on_the_map_are_where_they_are() -> None:
    view, there = View(LAT, LON, 400.0), moved(LAT, LON, 100.0, 50.0)
    cell = h3.latlng_to_cell(*there, 12)
    ((_, _, x, y),) = inside(view, [(cell, 1), (h3.latlng_to_cell(*moved(LAT, LON, 300, 0), 12), 1)])
    east, north = offset_m(LAT, LON, *h3.cell_to_latlng(cell))
    assert x == pytest.approx(0.5 + east / 400, abs=1e-3)
    assert y == pytest.approx(0.3 - north / 400, abs=1e-3)


@pytest.mark.parametrize(("days", "age"), [(0.99, Age.DAY), (1.0, Age.THREE_DAYS), (2.9, Age.THREE_DAYS), (3.0, Age.WEEK), (29.9, Age.MONTH), (30.0, Age.OLDER)])  # fmt: skip
def test_ages_have_sharp_edges(days: float, age: Age) -> None:
    assert age_of(1_000_000, 1_000_000 + days * 86400) == age


# The page


@pytest.fixture
def page(vehicle: Vehicle) -> Client:
    """Signed in as one who looks after the vehicles of Taiyuan."""
    person = User.objects.create_user("zhao", password="a long password", role="fleet", city=vehicle.city)
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    client.cookies["trikeye_language"] = "en"
    return client


def drawn(page: Client, query: str = "") -> dict[str, int]:
    """How many cells the page draws of each age."""
    text = page.get(f"/coverage/{query}").content.decode().partition("<figcaption>")[0]
    return {age: len(re.findall("M", line)) for line, age in re.findall(r'<path d="(M[^"]*)" stroke-width="[\d.]+" class="look look-(\w+)"/>', text)}  # fmt: skip


def fresh(cells: dict[int, int], ago: timedelta, **changes: Any) -> None:
    """Take a message by the real clock, which the page goes by."""
    now = datetime.now(NOW.tzinfo)
    where = {"from_utc": now - ago, "to_utc": now - ago, **changes}
    assert [each.outcome for each in take_coverage([told(cells, **where)], now) if each] == ["accepted"]


def around(east_m: float, north_m: float = 0.0) -> int:
    return int(h3.latlng_to_cell(*moved(LAT, LON, east_m, north_m), 12))


VIEW = f"?city=taiyuan&lat={LAT}&lon={LON}&span=1000"


def test_the_map_shows_each_cell_by_the_age_of_its_last_good_look(page: Client) -> None:
    for n, days in enumerate((0, 2, 5, 20, 200, 0)):
        fresh({around(-200 + 60 * n): 2}, days * DAY + MINUTE)
    fresh({around(200): 1}, MINUTE)
    fresh({around(700): 2}, MINUTE)
    assert drawn(page, VIEW) == {"older": 1, "month": 1, "week": 1, "three_days": 1, "day": 2}
    assert drawn(page, VIEW + "&quality=seen")["day"] == 3


def test_without_a_view_the_page_shows_all_there_is(page: Client) -> None:
    fresh({around(0): 2, around(4000, 3000): 2}, MINUTE)
    text = page.get("/coverage/").content.decode()
    assert text.count('class="look look-day"') == 2
    assert "move closer for streets" in text


def test_nothing_yet_is_told_in_words(page: Client) -> None:
    assert "No vehicle has told what it looked at yet" in page.get("/coverage/").content.decode()


def test_what_cameras_saw_hides_what_rides_were_drawn(page: Client) -> None:
    fresh({around(0): 2}, MINUTE, origin="demo", clock_source="file")
    assert "recorded or drawn rides" in page.get("/coverage/").content.decode()
    fresh({around(100): 2}, MINUTE)
    assert "recorded or drawn rides" not in page.get("/coverage/").content.decode()
    assert drawn(page, VIEW) == {"day": 1}


@pytest.mark.parametrize("query", ["?lat=x&lon=1&span=2", "?lat=nan&lon=1&span=2", "?lat=37&lon=112&span=inf", "?lat=99&lon=112&span=5", "?lat=37&lon=112&span=-5", "?quality=better", "?lat=37"])  # fmt: skip
def test_a_query_that_means_nothing_shows_the_whole_or_the_nearest_view(page: Client, query: str) -> None:
    fresh({around(0): 2}, MINUTE)
    for where in ("/coverage/", "/coverage/cells.json"):
        assert page.get(where + query).status_code == 200


def test_machines_get_cells_and_whole_days(page: Client) -> None:
    fresh({around(0): 3}, 2 * DAY + MINUTE)
    answer = page.get("/coverage/cells.json" + VIEW).json()
    assert answer == {"city": "taiyuan", "quality": "well", "resolution": 12, "limited": False, "cells": [[f"{around(0):x}", 2]]}  # fmt: skip


@pytest.mark.parametrize("role", ["reviewer", "city", "fleet", "supervisor", "auditor", "admin"])
def test_only_those_who_look_after_vehicles_see_it(vehicle: Vehicle, role: str) -> None:
    client = Client()
    client.force_login(User.objects.create_user("li", password="a long password", role=role))
    wanted = 200 if role in ("fleet", "supervisor", "auditor", "admin") else 403
    assert client.get("/coverage/").status_code == wanted
    fresh({HERE: 2}, MINUTE)
    assert client.get("/coverage/cells.json").status_code == wanted
    assert Client().get("/coverage/cells.json").status_code == 302


def test_another_city_is_none_of_theirs(page: Client) -> None:
    add_vehicle("SZ-01", "shenzhen", "fleet")
    assert page.get("/coverage/?city=shenzhen").status_code == 404
    assert page.get("/coverage/cells.json?city=shenzhen").status_code == 404


def test_cells_of_a_view_are_found_whatever_they_are_among(vehicle: Vehicle) -> None:
    take(told({around(east): 2 for east in range(-3000, 3000, 100)}))
    city, view = vehicle.city, View(LAT, LON, 1000.0)
    found = [cell for cell, *_ in inside(view, cells_in(city, view, Quality.WELL, ("camera",)))]
    wanted = [cell for east in range(-3000, 3000, 100) for cell in [around(east)] if abs(offset_m(LAT, LON, *h3.cell_to_latlng(cell))[0]) <= 500]  # fmt: skip
    assert sorted(found) == sorted(wanted)
    whole = whole_view(city, ("camera",))
    assert whole is not None
    assert 6000 < whole.span_m < 10_000
