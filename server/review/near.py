"""What lies near a card and may be the same thing: open cases of its category, as its reader is told of them. SQL kept ready, for a lease asks it of every card."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from math import hypot
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet

from calibration.geodesy import metres_per_degree, offset_m
from models.taxonomy import CATEGORIES
from server.cases import told
from server.cases.models import Case
from server.cases.rules import OPEN
from server.review.map_svg import MapPoint
from server.review.pictured import Thumb, thumbs
from server.review.rules import FARTHEST_PUT_M, FARTHEST_SAME_M

NEAR_M = 30.0
SAME_SHOWN, NEAREST = 6, 400
"""So many are told of, among so many that lie nearest."""

_WITHIN = "c.city_id = %s AND c.lat_deg BETWEEN %s AND %s AND c.lon_deg BETWEEN %s AND %s"
_ROW = "SELECT c.id, c.state, c.category, c.lat_deg, c.lon_deg FROM"
# `|| ''` keeps SQLite to the index of places.
_ALIKE = f"""{_ROW} cases_case c WHERE {_WITHIN} AND c.category = %s AND c.state || '' IN ({", ".join(f"'{state}'" for state in sorted(OPEN))})
ORDER BY (c.lat_deg - %s) * (c.lat_deg - %s) + (c.lon_deg - %s) * (c.lon_deg - %s) * %s, c.id LIMIT {NEAREST}"""
# Each category by itself, and that of the card, which may be retired: all at once, SQLite reads the whole index of a city.
_LOOKED_AT = f"""WITH kind(category) AS (VALUES {", ".join(["(%s)"] * (len(CATEGORIES) + 1))})
{_ROW} kind CROSS JOIN cases_case c WHERE {_WITHIN} AND c.category = kind.category
AND EXISTS (SELECT 1 FROM review_look l WHERE l.case_id = c.id AND l.done_at IS NULL)"""


class Row(NamedTuple):
    """Of a case nearby, as it is or as it is told."""

    id: int
    state: str
    category: str
    lat_deg: float
    lon_deg: float


@dataclass(frozen=True)
class Near:
    """Another case nearby, with its best picture if one may be shown. `is_far`: farther than what counts as near, and yet it may be the same thing."""

    at: MapPoint
    away_m: int
    picture: Thumb | None
    is_far: bool = False

    @property
    def sha256(self) -> str:
        """Of its picture, "" if it has none."""
        return self.picture.sha256 if self.picture else ""


def near_of(case: Case, other: Case, reader: Any = None) -> Near:
    """Another case as the card of this one tells of it."""
    return _near(case, MapPoint(other.number, other.lat_deg, other.lon_deg), thumbs([other.pk], reader).get(other.pk))


def near_cases(cases: Collection[Case], visible: QuerySet[Case], reader: Any) -> dict[int, list[Near]]:
    """Of each case the nearest of `visible` of its category that are open, or told to be, as far as a card may be the same as they."""
    around = {case.pk: _around(case, told.is_blind(reader)) for case in cases}
    masks = told.masks({row.id: row.state for rows in around.values() for row in rows}, reader)
    alike = {case.pk: [row for row in around[case.pk] if _is_alike(row, case, masks.get(row.id))] for case in cases}
    ids = {row.id for rows in alike.values() for row in rows}
    known = {key: (number, by_hand) for key, number, by_hand in visible.filter(id__in=ids).values_list("id", "number", "placed_by_hand")}  # fmt: skip
    moved = [key for key, (_, by_hand) in known.items() if by_hand and key in masks and masks[key].category is not None]
    seen = told.places_seen(moved) if moved else {}
    found = {
        case.pk: _nearest(case, [(row.id, *seen.get(row.id, row[3:5])) for row in alike[case.pk] if row.id in known])
        for case in cases
    }
    best = thumbs({key for spots in found.values() for key, _, _ in spots}, reader)
    return {
        case.pk: [_near(case, MapPoint(known[key][0], lat, lon), best.get(key)) for key, lat, lon in found[case.pk]]
        for case in cases
    }


def _around(case: Case, is_blind: bool) -> list[Row]:
    """Open cases of the category nearby; and for who may still be given decided ones as if nobody had answered them, all of these: what they were proposed as, and where they lay, is known by what is told of them."""
    per_lat, per_lon = metres_per_degree(case.lat_deg)
    lat, lon = case.lat_deg, case.lon_deg
    rows = _asked(_ALIKE, *_within(case, FARTHEST_SAME_M), case.category, lat, lat, lon, lon, (per_lon / per_lat) ** 2)
    if is_blind:
        rows += _asked(_LOOKED_AT, *CATEGORIES, case.category, *_within(case, FARTHEST_SAME_M + FARTHEST_PUT_M))
    return [row for row in {row[0]: Row(*row) for row in rows}.values() if row.id != case.pk]


def _within(case: Case, reach_m: float) -> tuple[Any, ...]:
    """City and bounds of what lies up to `reach_m` north, south, east or west."""
    lat, lon = (reach_m / each for each in metres_per_degree(case.lat_deg))
    return case.city_id, case.lat_deg - lat, case.lat_deg + lat, case.lon_deg - lon, case.lon_deg + lon


def _is_alike(row: Row, case: Case, mask: told.Mask | None) -> bool:
    """Whether a case is told to be open and of the category of this one."""
    state, category, _shadow = (mask or told.Mask(row.state)).over(row.category, False)  # type: ignore[arg-type]
    return state in OPEN and category == case.category


def _nearest(case: Case, spots: Sequence[tuple[int, float, float]]) -> list[tuple[int, float, float]]:
    away = sorted((hypot(*offset_m(case.lat_deg, case.lon_deg, *spot[1:])), spot) for spot in spots)
    return [spot for away_m, spot in away if away_m <= FARTHEST_SAME_M][:SAME_SHOWN]


def _near(case: Case, at: MapPoint, picture: Thumb | None) -> Near:
    away_m = hypot(*offset_m(case.lat_deg, case.lon_deg, at.lat_deg, at.lon_deg))
    return Near(at, round(away_m), picture, away_m > NEAR_M)


def _asked(sql: str, *values: Any) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
