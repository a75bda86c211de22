"""A back office with as many cases as asked for, made by SQL in a minute or two: `TRIKEYE_DATA=FOLDER review_fill.py --cases N`. N cases are open, a tenth more are closed.

A city of 30 x 30 km; six cases of ten lie in hot spots 8 m from each other, so that a sighting finds others of its category within reach. One case in twenty
was seen by eight passes, the others by one. What was decided has its verdict, by one of the sixteen reviewers.
"""

from __future__ import annotations

import argparse
import sqlite3
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np

CATEGORIES = 12
REVIEWERS = 16
MIDDLE_DEG, WIDE_M = (37.87, 112.55), 30_000.0
SPOT_SLOTS, SLOT_M, IN_SPOT = 64, 8.0, 2048
OFTEN, OFTEN_SEEN = 20, 8
OPEN_SHARES = {
    "queued": 20,
    "handed_over": 28,
    "accepted": 10,
    "fixed": 25,
    "confirmed": 5,
    "set_aside": 9,
    "disputed": 1,
    "new": 1,
    "returned": 1,
}
CLOSED_SHARES = {"rejected": 80, "verified": 15, "retracted": 5}
DECIDED = ("handed_over", "accepted", "fixed", "confirmed", "rejected", "verified", "retracted")


def people_and_vehicles() -> list[str]:
    """Migrate, then a city with its vehicles and somebody of each role; all categories, those out of shadow first."""
    from django.conf import settings
    from django.core.management import call_command

    from models.taxonomy import CATEGORIES as ALL
    from server.accounts.models import User
    from server.categories.models import CategoryStanding
    from server.command_migrate import begin_categories
    from server.fleet.models import City, Vehicle
    from server.fleet.services import add_vehicle

    settings.DATA.mkdir(parents=True, exist_ok=True)
    call_command("migrate", verbosity=0)
    add_vehicle("TY-001", "taiyuan", "fleet")
    city, first = City.objects.get(), Vehicle.objects.get()
    Vehicle.objects.bulk_create(
        Vehicle(name=f"TY-{number:03}", city=city, fleet_id=first.fleet_id) for number in range(2, 101)
    )
    begin_categories()
    roles = [
        *(User.Role.REVIEWER for _ in range(REVIEWERS)),
        *(role for role in User.Role if role != User.Role.REVIEWER),
    ]
    User.objects.bulk_create(
        User(username=f"{role}-{number}", role=role, password="!") for number, role in enumerate(roles, 1)
    )
    out = CategoryStanding.objects.filter(standing__in=("trial", "live")).order_by("category")
    return list(dict.fromkeys([*out.values_list("category", flat=True), *ALL]))


def names() -> None:
    """What the city's places are called by, for who looks for cases by a name: nothing is looked up by their outlines, which are left out."""
    from server.fleet.models import City
    from server.places.models import Feature

    city = City.objects.get()
    called = [*(("road", f"第{n}路", "") for n in range(400)), *(("landmark", f"第{n}小学", "") for n in range(300)), *(("district", f"第{n}区", "") for n in range(6)),
              *(("grid", "", f"1401050{n:05}") for n in range(8100))]  # fmt: skip
    Feature.objects.bulk_create(
        [Feature(city=city, kind=kind, name_zh=name, code=code, is_area=False, lat_min=0, lat_max=0, lon_min=0, lon_max=0, edges=bytes(3200)) for kind, name, code in called],
        batch_size=500,
    )  # fmt: skip


def places(count: int, chance: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Latitudes and longitudes; neighbours come at any time."""
    number = np.arange(count)
    north, east = chance.uniform(-WIDE_M / 2, WIDE_M / 2, (2, count))
    spot, slot = number // IN_SPOT, number % IN_SPOT * 1597 % SPOT_SLOTS**2
    hot = number < count * 6 // 10
    middle = chance.uniform(-WIDE_M / 2, WIDE_M / 2, (2, count // IN_SPOT + 1))
    north = np.where(hot, middle[0][spot] + slot // SPOT_SLOTS * SLOT_M, north) + chance.normal(0, 0.7, count)
    east = np.where(hot, middle[1][spot] + slot % SPOT_SLOTS * SLOT_M, east) + chance.normal(0, 0.7, count)
    order = chance.permutation(count)
    lat = MIDDLE_DEG[0] + north[order] / 111_195
    return lat, MIDDLE_DEG[1] + east[order] / (111_195 * np.cos(np.radians(MIDDLE_DEG[0])))


def cases(count: int, known: list[str], in_shadow: set[str], now: datetime) -> Iterator[tuple[Any, ...]]:
    """What differs from case to case, in the order of VARIES."""
    chance = np.random.default_rng(1)
    whole = count + count // 10
    lat, lon = places(whole, chance)
    share = 1 / np.arange(1, CATEGORIES + 1)
    category = chance.choice(CATEGORIES, whole, p=share / share.sum())
    states = np.concatenate([_chosen(chance, OPEN_SHARES, count), _chosen(chance, CLOSED_SHARES, whole - count)])
    chance.shuffle(states)
    times = [str(now - timedelta(minutes=15 * minute)).removesuffix("+00:00") for minute in range(6000)]
    age = np.sort(chance.integers(0, 5900, whole))[::-1]
    for number, row in enumerate(zip(category.tolist(), states.tolist(), lat.tolist(), lon.tolist(), chance.random(whole).tolist(), age.tolist(), strict=True), 1):  # fmt: skip
        of, state, north, east, probability, old = row
        name, seen, often = known[of], times[old], number % OFTEN == 0
        yield (number, number, name, state, times[old // 2], north, east, probability, OFTEN_SEEN if often else 1, 2 if often else 1,
               seen, seen, name in in_shadow, probability * (1 + of % 3), *milestones(state, old, times))  # fmt: skip


def milestones(state: str, old: int, times: list[str]) -> tuple[str | None, ...]:
    """When a case of a state was confirmed, handed over and fixed, and its deadline two days after the hand-over, all within its age."""
    reached = {"confirmed": 1, "handed_over": 2, "accepted": 2, "retracted": 2, "fixed": 3, "verified": 3}.get(state, 0)
    told = (times[old * 3 // 4], times[old * 5 // 8], times[old // 2], times[max(old * 5 // 8 - 192, 0)])
    return (*(at if n < reached else None for n, at in enumerate(told[:3])), told[3] if reached > 1 else None)


def _chosen(chance: np.random.Generator, shares: dict[str, int], count: int) -> np.ndarray:
    return chance.choice(list(shares), count, p=np.array(list(shares.values())) / 100)


VARIES = ("id", "number", "category", "state", "state_at", "lat_deg", "lon_deg", "probability", "sightings_count", "vehicles_count",
          "first_seen_at", "last_seen_at", "shadow", "priority", "confirmed_at", "handed_over_at", "fixed_at", "deadline_at")  # fmt: skip
CASE = {"city_id": 1, "fleet_id": 1, "origin": "camera", "covariance_ee": 1.0, "covariance_en": 0.0, "covariance_nn": 1.0}  # fmt: skip
SIGHTING = {
    "id": "printf('%032x', c.id * 8 + n.n)", "digest": "printf('%064x', c.id * 8 + n.n)", "city_id": "1", "fleet_id": "1", "vehicle_id": "1 + (c.id + n.n) % 100",
    "case_id": "c.id", "outbox": "printf('%032x', 1 + (c.id + n.n) % 100)", "sequence": "c.id * 8 + n.n", "pass_id": "printf('%032x', c.id / 20 * 8 + n.n)",
    "origin": "'camera'", "received_at": "c.last_seen_at", "seen_at": "c.last_seen_at", "clock_source": "'gnss'", "clock_sigma_s": "0.5", "category": "c.category",
    "detail": "''", "score": "c.probability", "probability": "c.probability", "lat_deg": "c.lat_deg + abs(random() % 1000) / 111195000.0",
    "lon_deg": "c.lon_deg + abs(random() % 1000) / 87800000.0", "covariance_ee": "1.0", "covariance_en": "0.0", "covariance_nn": "1.0", "method": "'ground'",
    "bearing_deg": "80.0", "range_m": "7.0", "near_m": "5.5", "far_m": "9.0", "fix_lat_deg": "c.lat_deg", "fix_lon_deg": "c.lon_deg + 7 / 87800.0", "fix_sigma_m": "1.0",
    "fix_heading_deg": "90.0", "camera": "'front'", "boot_id": "printf('%032x', 1)", "monotonic_ns": "c.id * 1000000", "calibration_digest": "printf('%064x', 1)",
    "settings_revision": "0", "pack_name": "'street'", "pack_digest": "printf('%064x', 2)", "redaction_digest": "printf('%064x', 3)", "redaction_regions": "0",
}  # fmt: skip
PICTURE = {"sighting_id": "s.id", "sha256": "s.digest", "role": "'best'", "width": "1280", "height": "720", "box": "'[400.0, 300.0, 620.0, 480.0]'",
           "jpeg_bytes": "60000"}  # fmt: skip
PLACE = {"case_id": "c.id", "named_by": "1", "lat_deg": "c.lat_deg", "lon_deg": "c.lon_deg", "road_zh": "printf('第%d路', abs(c.lat_deg * 1600) % 400)",
         "landmark_zh": "CASE WHEN c.id % 5 THEN '' ELSE printf('第%d小学', c.id % 300) END", "district_zh": "printf('第%d区', abs(c.lon_deg * 20) % 6)",
         "grid": "printf('1401050%05d', abs(c.lat_deg * 300) % 90 * 90 + abs(c.lon_deg * 300) % 90)"}  # fmt: skip
NOTE = {
    "case_id": "c.id",
    "person_id": f"1 + c.id % {REVIEWERS}",
    "at": "c.state_at",
    "about": "''",
    "words": "printf('第%d号店的垃圾，周五清走', c.id)",
}
NOTED = 110  # one case in so many
VERDICT = {"id": "printf('%032x', c.id)", "case_id": "c.id", "person_id": f"1 + c.id % {REVIEWERS}", "answer": "CASE c.state WHEN 'rejected' THEN 'reject' ELSE 'confirm' END",
           "reason": "CASE c.state WHEN 'rejected' THEN 2 END", "words": "''", "category": "''", "visible_ms": "2500", "at": "c.state_at", "counted": "1",
           "city_id": "c.city_id", "proposed": "c.category", "probability": "c.probability"}  # fmt: skip


def fill(count: int) -> None:
    """Make the database under TRIKEYE_DATA. Indexes come last: built once they cost a tenth."""
    from django.conf import settings
    from django.db import connection
    from django.utils import timezone

    from server.cases.counts import count_all
    from server.cases.models import Case, Note, Picture, Sighting
    from server.places.models import CasePlace
    from server.review.models import Verdict

    known = people_and_vehicles()
    names()
    connection.close()
    db = sqlite3.connect(settings.DATA / "db.sqlite3", isolation_level=None)
    for pragma in ("journal_mode=DELETE", "journal_mode=OFF", "synchronous=OFF", "foreign_keys=OFF", "cache_size=-400000", "temp_store=MEMORY"):  # fmt: skip
        db.execute(f"PRAGMA {pragma}")
    tables = tuple(model._meta.db_table for model in (Case, Sighting, Picture, Verdict, CasePlace, Note))
    indexes = db.execute(f"SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL AND tbl_name IN {tables}").fetchall()  # fmt: skip
    for name, _ in indexes:
        db.execute(f'DROP INDEX "{name}"')
    db.execute("BEGIN")
    in_shadow = set(known) - set(_out_of_shadow(db))
    constant = {k: v for k, v in (_defaults(Case) | CASE).items() if k not in VARIES}
    rest = tuple(constant.values())
    db.executemany(
        f"INSERT INTO cases_case ({', '.join((*VARIES, *constant))}) VALUES ({', '.join('?' * (len(VARIES) + len(rest)))})",
        (row + rest for row in cases(count, known, in_shadow, timezone.now())),
    )
    passes = ", ".join(f"({n})" for n in range(OFTEN_SEEN))
    _derive(db, Sighting, SIGHTING, f"cases_case c JOIN (SELECT column1 AS n FROM (VALUES {passes})) n ON n.n < c.sightings_count")  # fmt: skip
    _derive(db, Picture, PICTURE, "cases_sighting s")
    _derive(db, CasePlace, PLACE, "cases_case c")
    _derive(db, Note, NOTE, f"cases_case c WHERE c.id % {NOTED} = 0")
    _derive(db, Verdict, VERDICT, f"cases_case c WHERE c.state IN {DECIDED}")
    db.execute("UPDATE fleet_city SET last_case_number = (SELECT MAX(number) FROM cases_case)")
    db.execute("COMMIT")
    for _, sql in indexes:
        db.execute(sql)
    db.execute("PRAGMA journal_mode=WAL")
    db.close()
    count_all(timezone.now())  # as the work process does, for the map


def _out_of_shadow(db: sqlite3.Connection) -> Iterator[str]:
    return chain.from_iterable(db.execute("SELECT category FROM categories_categorystanding WHERE standing IN ('trial', 'live')"))  # fmt: skip


def _defaults(model: Any) -> dict[str, Any]:
    """A value for every column that has a default or may be empty."""
    fields = [each for each in model._meta.concrete_fields if not each.primary_key]
    return {each.column: each.get_db_prep_save(each.get_default(), _connection()) for each in fields if each.null or each.has_default() or each.blank}  # fmt: skip


def _connection() -> Any:
    from django.db import connection

    return connection


def _derive(db: sqlite3.Connection, model: Any, columns: dict[str, str], source: str) -> None:
    """Rows of a model made of other rows; a column that is not named has its default."""
    more = {name: value for name, value in _defaults(model).items() if name not in columns}
    names = ", ".join(f'"{name}"' for name in (*columns, *more))
    made = ", ".join((*columns.values(), *("?" for _ in more)))
    db.execute(f"INSERT INTO {model._meta.db_table} ({names}) SELECT {made} FROM {source}", tuple(more.values()))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, required=True)
    count = parser.parse_args().cases
    from server.start import start

    start()
    began = time.monotonic()
    fill(count)
    print(f"{count} open cases, {count // 10} closed: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
