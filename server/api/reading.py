"""Rows as the interface tells them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from server.api import shapes
from server.cases.history import history_of
from server.cases.models import Case, Picture, Sighting
from server.cases.rules import State, ellipse_95
from server.categories.models import CategoryStanding
from server.categories.rules import Standing, category_of
from server.places.models import CasePlace
from server.places.rules import Named, words_of
from server.places.services import said_by
from server.quality.rules import Tally


def case_row(case: Case) -> shapes.CaseRow:
    """A case; its city and its kept place are to be selected with it."""
    return shapes.CaseRow(**_case(case))


def case_whole(case: Case, person: Any) -> shapes.CaseWhole:
    """A case with what this person may know of its past."""
    handovers = [
        shapes.HandoverRow(
            id=row.pk, destination=row.destination.name, kind=row.kind, state=row.state, made_at=row.made_at, attempts=row.attempts,
            receipted_at=row.receipted_at, external_id=row.external_id, last_error=row.last_error,
        )
        for row in case.handovers.select_related("destination").order_by("made_at")
    ]  # fmt: skip
    reports = [
        shapes.Report(status=row.status, text=row.text, reported_at=row.reported_at, received_at=row.received_at, applied=row.applied)
        for row in case.reports.order_by("-received_at")
    ]  # fmt: skip
    lines = [shapes.Line(at=line.at, text=line.what, by=line.who) for line in history_of(case, person)]
    return shapes.CaseWhole(**_case(case), timeline=lines, handovers=handovers, reports=reports)


def sighting_row(row: Sighting, pictures: Sequence[Picture]) -> shapes.SightingRow:
    """A sighting with those of its pictures that nobody has hidden; its vehicle is to be selected with it."""
    return shapes.SightingRow(
        id=row.pk, vehicle=row.vehicle.name, seen_at=row.seen_at, clock=row.clock_source, received_at=row.received_at, category=row.category,
        probability=row.probability, lat_deg=row.lat_deg, lon_deg=row.lon_deg, error_m=_error_m(row), range_m=row.range_m, pack=row.pack_name,
        pictures=[shapes.PictureRow(sha256=each.sha256, role=each.role, width=each.width, height=each.height, box=each.box_now, address=settings.PUBLIC_URL + reverse("api:picture", args=[each.sha256]))
                  for each in pictures],
    )  # fmt: skip


def category_row(city: str, key: str, row: CategoryStanding | None) -> shapes.CategoryRow:
    """How a category stands in a city; in shadow without a row."""
    category = category_of(key)
    return shapes.CategoryRow(
        city=city, category=key, category_zh=category.name_zh, category_en=category.name_en, severity=category.severity,
        standing=Standing(row.standing) if row else Standing.SHADOW, since=row.since if row else None, pack=row.pack if row else "",
    )  # fmt: skip


def verdict_row(city: str, key: str, tally: Tally) -> shapes.VerdictFigures:
    """What reviewers said of a category's cases."""
    low, high = tally.precision.interval
    return shapes.VerdictFigures(
        city=city, category=key, decided=tally.confirmed.of, confirmed=tally.confirmed.part, of_detector=tally.precision.of, right=tally.precision.part,
        precision=tally.precision.value, low=low, high=high, unsure=tally.unsure, reasons={str(reason): count for reason, count in sorted(tally.reasons.items())},
    )  # fmt: skip


def _case(case: Case) -> dict[str, Any]:
    category, city = category_of(case.category), case.city.key
    return {
        "city": city, "number": case.number, "address": f"{settings.PUBLIC_URL}{reverse('case', args=[case.number])}?city={city}",
        "category": category.key, "category_zh": category.name_zh, "category_en": category.name_en, "severity": category.severity,
        "state": State(case.state), "state_since": case.state_at, "shadow": case.shadow, "origin": case.origin, "place": _place(case),
        "probability": case.probability, "sightings": case.sightings_count, "vehicles": case.vehicles_count,
        "first_seen_at": case.first_seen_at, "last_seen_at": case.last_seen_at,
    }  # fmt: skip


def _place(case: Case) -> shapes.Place:
    named = _named(case)
    return shapes.Place(
        lat_deg=case.lat_deg, lon_deg=case.lon_deg, error_m=_error_m(case), placed_by=case.placed_by, text_zh=words_of(named, "zh"), text_en=words_of(named, "en"),
        grid=named.grid, district_zh=named.district_zh, district_en=named.district_en,
    )  # fmt: skip


def _named(case: Case) -> Named:
    try:
        return said_by(case.place)
    except CasePlace.DoesNotExist:
        return Named()


def _error_m(row: Case | Sighting) -> float:
    return round(ellipse_95(row.covariance_ee, row.covariance_en, row.covariance_nn)[0], 1)
