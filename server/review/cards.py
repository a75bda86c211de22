"""What a card shows: pictures with their boxes, place, history and neighbours. Another person's answer is never on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import hypot
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from calibration.chinese_maps import gcj02_from_wgs84, is_shifted
from calibration.geodesy import metres_per_degree, offset_m
from models.taxonomy import Category
from server.cases.models import Case, Picture, Sighting
from server.cases.placing import place_of
from server.cases.rules import ellipse_95
from server.categories.rules import category_of, codes_of
from server.categories.services import STREET, measured
from server.places.words import place_line
from server.review.boxes import with_boxes
from server.review.map_svg import draw_map
from server.review.models import Verdict
from server.review.near import Near, near_cases
from server.review.pictured import Shown, pictures_of, sightings_of
from server.review.rules import likely
from server.review.sent_back import SentBack
from server.words import category_name, severity_name

TRACKS_M, TRACK_POINTS = 130.0, 400
NEAR_SHOWN, HISTORY_SHOWN = 3, 5


@dataclass(frozen=True)
class Card:
    """Everything a template needs. `farther`: cases like those of `near` that lie farther off, up to where a card may be the same as they. `put_m`: how far from where its sightings say a person put it; then how well these know their place says nothing of its. `given`: the answer that its person took back just now."""

    case: Case
    category: Category
    name: str
    meaning: str
    severity: str
    error_m: float
    codes: list[str]
    vehicle: str
    seen_at: datetime
    place: str
    pictures: list[Shown]
    map_svg: str
    near: list[Near]
    sightings: list[Sighting]
    best: Sighting
    likely: list[str]
    gcj02_deg: tuple[float, float] | None
    is_placed: bool
    put_m: int | None = None
    farther: tuple[Near, ...] = ()
    sent_back: SentBack | None = None
    given: Verdict | None = None


def cards_of(
    cases: Collection[Case],
    changes: Mapping[str, list[str]],
    visible: QuerySet[Case],
    whole: bool = False,
    later: Mapping[int, timedelta] | None = None,
    reader: Any = None,
) -> list[Card]:
    """The cards of cases, in their order. `changes` are what their reader confirmed categories as lately, `visible` all cases that they may see. `whole` (the case page) shows every sighting's pictures instead of the best one's. `later`: by how much the looks of some are told later than they were. `reader`: for whom, where a rejected case nearby may be new to them."""
    sightings = sightings_of([case.pk for case in cases], with_boxes(Picture.objects.all(), reader))
    for key, by in (later or {}).items():
        for each in sightings[key]:
            each.seen_at += by
    near = near_cases(cases, visible, reader)
    return [_card(case, changes, sightings[case.pk], near[case.pk], whole) for case in cases]


def card_of(case: Case, changes: Mapping[str, list[str]], visible: QuerySet[Case], whole: bool = False, reader: Any = None) -> Card:  # fmt: skip
    """The card of one case."""
    return cards_of([case], changes, visible, whole, reader=reader)[0]


def _card(case: Case, changes: Mapping[str, list[str]], sightings: list[Sighting], same: list[Near], whole: bool) -> Card:  # fmt: skip
    category, best, place = category_of(case.category), sightings[0], place_line(case)
    pictured = [each for each in sightings if each.pictures.all()]
    pictures = [picture for sighting in (pictured if whole else pictured[:2]) for picture in pictures_of(sighting)]
    near = [each for each in same if not each.is_far][:NEAR_SHOWN]
    return Card(
        case=case, category=category, name=category_name(case.category), meaning=category.meaning(get_language() or "zh-hans"), severity=severity_name(category.severity),
        error_m=round(ellipse_95(case.covariance_ee, case.covariance_en, case.covariance_nn)[0], 1),
        codes=[f"{code.scheme} {code.code}" for code in codes_of(case.category)], vehicle=best.vehicle.name, seen_at=best.seen_at,
        place=place, pictures=pictures, map_svg=draw_map(case, best, _tracks(case), [each.at for each in near]),
        near=near, farther=tuple(each for each in same if each.is_far), sightings=sorted(sightings, key=lambda s: s.seen_at, reverse=True)[:HISTORY_SHOWN], best=best,
        likely=likely(case.category, changes.get(case.category, []), measured(STREET)[1]),
        gcj02_deg=gcj02_from_wgs84(case.lat_deg, case.lon_deg) if is_shifted(case.lat_deg, case.lon_deg) else None,
        put_m=_put_m(case, sightings) if case.placed_by_hand else None,
        is_placed=place != _("Street: no road data of this city yet"),
    )  # fmt: skip


def _put_m(case: Case, sightings: list[Sighting]) -> int:
    seen_lat, seen_lon, _covariance = place_of(case.pk, sightings)
    return round(hypot(*offset_m(seen_lat, seen_lon, case.lat_deg, case.lon_deg)))


def _around(case: Case, reach_m: float, place: str = "") -> dict[str, tuple[float, float]]:
    """A filter on latitude and longitude: what lies up to `reach_m` north, south, east or west."""
    lat, lon = (reach_m / each for each in metres_per_degree(case.lat_deg))
    return {
        f"{place}lat_deg__range": (case.lat_deg - lat, case.lat_deg + lat),
        f"{place}lon_deg__range": (case.lon_deg - lon, case.lon_deg + lon),
    }


def _tracks(case: Case) -> list[list[tuple[float, float]]]:
    """Where vehicles drove nearby, out of the positions of their sightings, one line a pass."""
    lines: dict[Any, list[tuple[float, float]]] = {}
    rows = Sighting.objects.filter(city_id=case.city_id, **_around(case, TRACKS_M, "fix_")).order_by("monotonic_ns")
    for pass_id, lat, lon in rows.values_list("pass_id", "fix_lat_deg", "fix_lon_deg")[:TRACK_POINTS]:
        lines.setdefault(pass_id, []).append((lat, lon))
    return list(lines.values())
