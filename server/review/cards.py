"""What a card shows: pictures with their boxes, place, history and neighbours. Another person's answer is never on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from math import hypot
from typing import Any

from django.utils.translation import get_language
from django.utils.translation import gettext as _

from calibration.chinese_maps import gcj02_from_wgs84, is_shifted
from models.taxonomy import CATEGORIES, Category, filing_codes
from server.cases.models import Case, Picture, Sighting
from server.cases.rules import State, ellipse_95
from server.categories.services import STREET, measured
from server.review.map_svg import MapPoint, draw_map
from server.review.rules import likely
from server.words import severity_name

NEAR_M = 30.0
BOX_ROOM = 0.004
NEAR_SHOWN, HISTORY_SHOWN = 3, 5


@dataclass(frozen=True)
class Shown:
    """One picture of a card. `box` in the picture's own pixels; `width`, `height` of the picture."""

    role: str
    name: str
    sha256: str
    width: int
    height: int
    box: dict[str, float] | None


@dataclass(frozen=True)
class Card:
    """Everything a template needs."""

    case: Case
    category: Category
    name: str
    severity: str
    error_m: float
    codes: list[str]
    vehicle: str
    seen_at: datetime
    pictures: list[Shown]
    map_svg: str
    near: list[dict[str, Any]]
    sightings: list[Sighting]
    best: Sighting
    likely: list[str]
    gcj02_deg: tuple[float, float] | None


def card_of(case: Case, changes: Mapping[str, list[str]], whole: bool = False) -> Card:
    """The card of a case. `changes` are what its reader confirmed categories as lately. `whole` (the case page) shows every sighting's pictures instead of the best one's."""
    language = get_language() or "zh-hans"
    category = CATEGORIES[case.category]
    sightings = list(
        Sighting.objects.filter(case=case)
        .select_related("vehicle")
        .prefetch_related("pictures")
        .order_by("-probability", "id")
    )
    best = sightings[0]
    pictured = [each for each in sightings if each.pictures.all()]
    pictures = [_shown(picture) for sighting in (pictured if whole else pictured[:2]) for picture in _ordered(sighting)]
    near = _near(case, language)
    return Card(
        case=case, category=category, name=category.name(language), severity=severity_name(category.severity),
        error_m=round(ellipse_95(case.covariance_ee, case.covariance_en, case.covariance_nn)[0], 1),
        codes=[f"{code.scheme} {code.code}" for code in filing_codes(case.category)], vehicle=best.vehicle.name, seen_at=best.seen_at,
        pictures=pictures, map_svg=draw_map(case, best, _tracks(case), [MapPoint(n["number"], n["lat"], n["lon"]) for n in near]),
        near=near, sightings=sorted(sightings, key=lambda s: s.seen_at, reverse=True)[:HISTORY_SHOWN], best=best,
        likely=likely(case.category, changes.get(case.category, []), measured(STREET)[1]),
        gcj02_deg=gcj02_from_wgs84(case.lat_deg, case.lon_deg) if is_shifted(case.lat_deg, case.lon_deg) else None,
    )  # fmt: skip


def _ordered(sighting: Sighting) -> list[Picture]:
    return sorted(
        (p for p in sighting.pictures.all() if p.hidden_at is None),
        key=lambda p: ("best", "near", "far", "context").index(p.role),
    )


def _shown(picture: Picture) -> Shown:
    names = {"best": _("best view"), "near": _("near"), "far": _("from afar"), "context": _("surroundings")}
    box = None
    if picture.box:
        x1, y1, x2, y2 = _grown(picture.box, picture.width, picture.height)
        box = {"x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1}
    return Shown(picture.role, names[picture.role], picture.sha256, picture.width, picture.height, box)


def _grown(box: list[float], width: int, height: int) -> tuple[float, float, float, float]:
    """A little room around the thing, so that the stroke does not cover what it shows."""
    room = BOX_ROOM * width
    return max(box[0] - room, 0), max(box[1] - room, 0), min(box[2] + room, width), min(box[3] + room, height)


def _around(case: Case, metres: float) -> dict[str, tuple[float, float]]:
    lat, lon = metres / 111_195, metres / 111_195 / 0.75
    return {
        "lat_deg__range": (case.lat_deg - lat, case.lat_deg + lat),
        "lon_deg__range": (case.lon_deg - lon, case.lon_deg + lon),
    }


def _near(case: Case, language: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    others = (
        Case.objects.filter(city_id=case.city_id, category=case.category, **_around(case, NEAR_M))
        .exclude(id=case.pk)
        .exclude(state=State.MERGED)
    )
    for other in others[:20]:
        away = hypot((other.lat_deg - case.lat_deg) * 111_195, (other.lon_deg - case.lon_deg) * 111_195 * 0.79)
        picture = Picture.objects.filter(sighting__case=other, role="best", hidden_at=None).first()
        found.append({"number": other.number, "away_m": round(away), "lat": other.lat_deg, "lon": other.lon_deg, "sha256": picture.sha256 if picture else "",
                      "name": CATEGORIES[other.category].name(language), "open": other.state == State.QUEUED})  # fmt: skip
    return sorted(found, key=lambda each: float(each["away_m"]))[:NEAR_SHOWN]


def _tracks(case: Case) -> list[list[tuple[float, float]]]:
    """Where vehicles drove nearby, out of the positions of their sightings, one line a pass."""
    lines: dict[Any, list[tuple[float, float]]] = {}
    rows = Sighting.objects.filter(city_id=case.city_id, fix_lat_deg__range=(case.lat_deg - 0.0012, case.lat_deg + 0.0012),
                                   fix_lon_deg__range=(case.lon_deg - 0.0015, case.lon_deg + 0.0015)).order_by("monotonic_ns")  # fmt: skip
    for pass_id, lat, lon in rows.values_list("pass_id", "fix_lat_deg", "fix_lon_deg")[:400]:
        lines.setdefault(pass_id, []).append((lat, lon))
    return list(lines.values())
