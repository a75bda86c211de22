"""The verbs of places: take a city's features in, and name its cases' places by them."""

from __future__ import annotations

from dataclasses import asdict, fields
from datetime import datetime
from typing import NamedTuple

import numpy as np
from django.db import transaction
from django.db.models import F, Max, Min, Q, QuerySet

from calibration.geodesy import metres_per_degree
from models.taxonomy import city_codes
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case
from server.fleet.models import City
from server.places.geojson import Bounds
from server.places.models import CasePlace, Feature, Import
from server.places.rules import REACH_M, Kind, Named, named
from server.places.rules import Feature as Shape

WINDOW, NEWEST, MOST_AT_ONCE = 1000, 200, 100
SAID = tuple(field.name for field in fields(Named))


class Imported(NamedTuple):
    """A city's newest import, and how high the tallest feature of each kind is that it has."""

    newest: int
    tallest_deg: dict[Kind, float]


def bounds_of(city: City) -> Bounds | None:
    """The box a city lies in, None where its file does not tell."""
    known = city_codes(city.key)
    return known.bounds_deg if known else None


@transaction.atomic
def replace(city: City, kind: Kind, shapes: list[Shape], now: datetime) -> int:
    """Put features in the place of all of their kind that the city had. Returns how many it had."""
    old = Feature.objects.filter(city=city, kind=kind)
    Import.objects.filter(city=city, kind=kind).delete()
    gone, _ = old.delete()
    rows = [_row(city, kind, shape) for shape in shapes]
    Feature.objects.bulk_create(rows, batch_size=500)
    tallest_deg = max(row.lat_max - row.lat_min for row in rows)
    made = Import.objects.create(city=city, kind=kind, made_at=now, features=len(rows), tallest_deg=tallest_deg)
    record(Verb.PLACES_IMPORTED, "places", made.pk, city_id=city.pk, what=kind, features=len(shapes))
    return gone


def _row(city: City, kind: Kind, shape: Shape) -> Feature:
    lon, lat = shape.edges[:, 0::2], shape.edges[:, 1::2]
    return Feature(
        city=city, kind=kind, name_zh=shape.name_zh, name_en=shape.name_en, code=shape.code, is_area=shape.is_area, edges=shape.edges.astype("<f8").tobytes(),
        lat_min=lat.min(), lat_max=lat.max(), lon_min=lon.min(), lon_max=lon.max(),
    )  # fmt: skip


def imports() -> dict[int, Imported]:
    """What is known of each city of which anything was imported."""
    found: dict[int, Imported] = {}
    for city_id, number, kind, tallest_deg in Import.objects.values_list("city_id", "id", "kind", "tallest_deg"):
        newest, tallest = found.get(city_id, Imported(0, {}))
        found[city_id] = Imported(max(newest, number), {**tallest, Kind(kind): tallest_deg})
    return found


def name_of(case: Case) -> Named | None:
    """What a case's place is called, as it is now: looked up where the row kept of it is behind. None if nothing of its city was imported."""
    imported = imports().get(case.city_id)
    if imported is None:
        return None
    kept = CasePlace.objects.filter(case_id=case.pk, lat_deg=case.lat_deg, lon_deg=case.lon_deg, named_by=imported.newest).first()  # fmt: skip
    return said_by(kept) if kept else looked_up(case, imported)


def said_by(row: CasePlace) -> Named:
    """The names of a kept row."""
    return Named(**{name: getattr(row, name) for name in SAID})


def looked_up(case: Case, imported: Imported) -> Named:
    """The names of a case's place out of what lies around it."""
    covariance = (case.covariance_ee, case.covariance_en, case.covariance_nn)
    around = {kind: _around(case, kind, imported.tallest_deg.get(kind)) for kind in Kind}
    return named(case.lat_deg, case.lon_deg, covariance, around)


def _around(case: Case, kind: Kind, tallest_deg: float | None) -> list[Shape]:
    """What may be within reach of a case, in the order of the file. None is higher than `tallest_deg`, so that the index is read between two latitudes."""
    if tallest_deg is None:
        return []
    per_lat, per_lon = metres_per_degree(case.lat_deg)
    lat, lon = REACH_M[kind] / per_lat, REACH_M[kind] / per_lon
    rows = Feature.objects.filter(
        city_id=case.city_id, kind=kind, lat_min__range=(case.lat_deg - lat - tallest_deg, case.lat_deg + lat), lat_max__gte=case.lat_deg - lat,
        lon_min__lte=case.lon_deg + lon, lon_max__gte=case.lon_deg - lon,
    ).order_by("id")  # fmt: skip
    return [
        Shape(row.name_zh, row.name_en, row.code, row.is_area, np.frombuffer(row.edges, "<f8").reshape(-1, 4))
        for row in rows
    ]


class Walk:
    """Goes through the cases again and again, from the oldest to the newest, and names the places that have no name yet, moved, or were named by an older import."""

    def __init__(self) -> None:
        self._after = 0

    def name_places(self, now: datetime) -> int:
        """Look at the newest cases and at the next ones of the walk; returns how many were named. Without imports there is nothing to look at."""
        known = imports()
        if not known:
            return 0
        # One end at a time: asked for both at once, SQLite reads a whole index.
        first, last = (Case.objects.aggregate(id=end("id"))["id"] or 0 for end in (Min, Max))
        if not first <= self._after < last:
            self._after = first - 1
        behind = list(_behind(known, Q(id__gt=self._after, id__lte=self._after + WINDOW))[:MOST_AT_ONCE])
        self._after = behind[-1].pk if len(behind) == MOST_AT_ONCE else self._after + WINDOW
        behind += _behind(known, Q(id__gt=last - NEWEST))[:MOST_AT_ONCE]
        return _keep({case.pk: case for case in behind}, known)


def _behind(known: dict[int, Imported], these: Q) -> QuerySet[Case]:
    """Of these cases those whose kept names are missing, of another place, or older than their city's last import."""
    older = Q(*(Q(city=city, place__named_by__lt=known[city].newest) for city in known), _connector=Q.OR)
    moved = ~Q(place__lat_deg=F("lat_deg")) | ~Q(place__lon_deg=F("lon_deg"))
    return Case.objects.filter(these, Q(place=None) | moved | older, city__in=known).order_by("id")


def _keep(cases: dict[int, Case], known: dict[int, Imported]) -> int:
    rows = [
        CasePlace(case=case, named_by=known[case.city_id].newest, lat_deg=case.lat_deg, lon_deg=case.lon_deg, **asdict(looked_up(case, known[case.city_id])))
        for case in cases.values()
    ]  # fmt: skip
    CasePlace.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["case"], update_fields=["named_by", "lat_deg", "lon_deg", *SAID]
    )
    return len(rows)
