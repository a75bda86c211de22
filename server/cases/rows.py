"""What intake and joining read and change of rows, as SQL kept ready: built by the ORM anew for each sighting, these statements took most of the time that both take."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from server.cases.models import Case
from server.cases.rules import CLOSED, State
from server.categories.rules import Standing


class Member(NamedTuple):
    """What joining reads of a sighting's row."""

    id: UUID
    case_id: int | None
    city_id: int
    fleet_id: int
    vehicle_id: int
    category: str
    origin: str
    pass_id: UUID
    lat_deg: float
    lon_deg: float
    covariance_ee: float
    covariance_en: float
    covariance_nn: float
    fix_sigma_m: float
    bearing_deg: float
    probability: float
    by_hand: bool
    seen_at: datetime
    received_at: datetime


class Held(NamedTuple):
    """What joining reads of a case's row."""

    id: int
    number: int
    state: str
    state_at: datetime
    shadow: bool
    rejected_probability: float | None
    sightings_count: int
    placed_by_hand: bool = False


_NEAR = f"""
SELECT {", ".join(f"s.{name}" for name in Member._fields)} FROM cases_sighting s LEFT JOIN cases_case c ON c.id = s.case_id
WHERE s.city_id = %s AND s.category = %s AND s.lat_deg BETWEEN %s AND %s AND s.lon_deg BETWEEN %s AND %s AND s.origin = %s AND (s.case_id IS NULL
OR c.state NOT IN ({", ".join(f"'{state}'" for state in sorted(CLOSED))})
OR c.state = '{State.REJECTED}' AND c.state_at >= %s AND c.rejected_probability IS NOT NULL)
"""
_STANDS = f"SELECT 1 FROM categories_categorystanding s WHERE s.city_id = {{city}} AND s.category = {{category}} AND s.standing <> '{Standing.SHADOW}'"
_IS_OUT = _STANDS.format(city="%s", category="%s")
_IN_SHADOW = f"NOT EXISTS ({_STANDS.format(city='cases_case.city_id', category='cases_case.category')})"
_MERGED = "INSERT INTO cases_merge (case_id, sightings) VALUES (%s, %s) ON CONFLICT (case_id) DO UPDATE SET sightings = excluded.sightings"
_HELD = f"SELECT {', '.join(Held._fields)} FROM cases_case WHERE id IN ("


def sightings_near(
    like: Any, lat_deg: tuple[float, float], lon_deg: tuple[float, float], rejected_since: datetime
) -> list[Member]:
    """Sightings within the bounds, of the city, category and origin that one has: without a case, of an open one, or of one rejected since then for what is there."""
    with connection.cursor() as cursor:
        cursor.execute(_NEAR, (like.city_id, like.category, *lat_deg, *lon_deg, like.origin, _stored(rejected_since)))
        return [_member(row) for row in cursor.fetchall()]


def _member(row: Sequence[Any]) -> Member:
    """SQLite gives UUIDs as letters and times without a zone."""
    id_, *middle, seen_at, received_at = row
    middle[6] = _uuid(middle[6])
    return Member._make((_uuid(id_), *middle, _utc(seen_at), _utc(received_at)))


def _uuid(value: UUID | str) -> UUID:
    return value if isinstance(value, UUID) else UUID(value)


def _utc(value: datetime) -> datetime:
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value


def cases_by_id(ids: Collection[int]) -> list[Held]:
    """Cases by id."""
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(f"{_HELD}{_places(ids)})", tuple(ids))
        found = (Held(*row) for row in cursor.fetchall())
        return [each._replace(state_at=_utc(each.state_at)) for each in found]


def add_sighting(columns: Mapping[str, Any]) -> None:
    """Store a sighting's row. Raises IntegrityError if its id is there."""
    with connection.cursor() as cursor:
        cursor.execute(f"INSERT INTO cases_sighting ({', '.join(columns)}) VALUES ({_places(columns)})", [_stored(each) for each in columns.values()])  # fmt: skip


def add_pictures(pictures: Iterable[Mapping[str, Any]]) -> None:
    """Store rows of pictures: all of them name the same columns."""
    told = list(pictures)
    if told:
        with connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO cases_picture ({', '.join(told[0])}) VALUES ({_places(told[0])})",
                [[_stored(value) for value in each.values()] for each in told],
            )


def add_case(columns: Mapping[str, Any]) -> int:
    """Open a case; what is not told has its default. In shadow as its category is just now. Returns its id."""
    told = {**_case_defaults(), **columns}
    with connection.cursor() as cursor:
        cursor.execute(_IS_OUT, (columns["city_id"], columns["category"]))
        told["shadow"] = cursor.fetchone() is None
        cursor.execute(f"INSERT INTO cases_case ({', '.join(told)}) VALUES ({_places(told)}) RETURNING id", [_stored(each) for each in told.values()])  # fmt: skip
        (case_id,) = cursor.fetchone()
    return int(case_id)


@cache
def _case_defaults() -> dict[str, Any]:
    fields = (each for each in Case._meta.concrete_fields if each.has_default() or each.null or each.blank)
    return {each.attname: each.get_db_prep_save(each.get_default(), connection) for each in fields if not each.primary_key}  # fmt: skip


def give(ids: Collection[UUID], case_id: int) -> None:
    """Put sightings into a case."""
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE cases_sighting SET case_id = %s WHERE id IN ({_places(ids)})",
                           (case_id, *map(_stored, ids)))  # fmt: skip


def write_figures(case_id: int, figures: Mapping[str, Any]) -> None:
    """Set columns of a case by name."""
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE cases_case SET {', '.join(f'{name} = %s' for name in figures)} WHERE id = %s", (*map(_stored, figures.values()), case_id))  # fmt: skip


def step(case_id: int, old: State, columns: Mapping[str, Any], *, in_shadow_anew: bool) -> int | None:
    """Set columns of a case by name if it is still in `old`, and with `in_shadow_anew` whether it is in shadow, as its category is. A `handed_over_at` that it has stays, unless it is emptied. Returns the city, None if it is not."""
    sets = [f"{name} = COALESCE(handed_over_at, %s)" if name == "handed_over_at" and value else f"{name} = %s" for name, value in columns.items()]  # fmt: skip
    sets += [f"shadow = {_IN_SHADOW}"] * in_shadow_anew
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE cases_case SET {', '.join(sets)} WHERE id = %s AND state = %s RETURNING city_id", (*map(_stored, columns.values()), case_id, old))  # fmt: skip
        found = cursor.fetchone()
    return int(found[0]) if found else None


def note_merge(case_id: int, sighting_ids: Iterable[UUID]) -> None:
    """Note what a case held that is merged: a person may split it off again. Call before its sightings have gone, or with those it had."""
    with connection.cursor() as cursor:
        cursor.execute(_MERGED, (case_id, json.dumps([str(each) for each in sighting_ids])))


def is_seen_after(case_id: int, instant: datetime) -> bool:
    """Whether a case was seen later than that by a vehicle that knew the time."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM cases_sighting WHERE case_id = %s AND seen_at > %s AND clock_source <> 'none' LIMIT 1", (case_id, _stored(instant)))  # fmt: skip
        return cursor.fetchone() is not None


def next_number(city_id: int) -> int:
    """The number of a city's next case. Holds the city's row until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute("UPDATE fleet_city SET last_case_number = last_case_number + 1 WHERE id = %s RETURNING last_case_number", (city_id,))  # fmt: skip
        (number,) = cursor.fetchone()
    return int(number)


_PLAIN = frozenset({str, int, float, bool, type(None)})


def _stored(value: Any) -> Any:
    """A value as the database at hand takes it."""
    if type(value) in _PLAIN:
        return value
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    return value.hex if isinstance(value, UUID) and not connection.features.has_native_uuid_field else value


def _places(values: Collection[object]) -> str:
    return ", ".join(["%s"] * len(values))
