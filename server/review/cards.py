"""What a card shows: pictures with their boxes, place, history and neighbours. Another person's answer is never on it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import hypot
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, QuerySet
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from calibration.chinese_maps import gcj02_from_wgs84, is_shifted
from calibration.geodesy import metres_per_degree, offset_m
from models.taxonomy import Category
from server.cases import told
from server.cases.models import Case, Picture, Sighting
from server.cases.placing import place_of
from server.cases.rules import OPEN, ellipse_95
from server.categories.rules import category_of, codes_of
from server.categories.services import STREET, measured
from server.places.words import place_line
from server.review.boxes import with_boxes
from server.review.map_svg import MapPoint, draw_map
from server.review.models import Verdict
from server.review.rules import FARTHEST_PUT_M, FARTHEST_SAME_M, likely
from server.review.sent_back import SentBack
from server.words import category_name, severity_name

NEAR_M, TRACKS_M, TRACK_POINTS = 30.0, 130.0, 400
BOX_ROOM = 0.004
Row = tuple[int, int, float, float]
"""Of a case nearby: id, number, latitude and longitude."""
NEAR_SHOWN, SAME_SHOWN, HISTORY_SHOWN = 3, 6, 5


@dataclass(frozen=True)
class Shown:
    """One picture of a card, whose it is and of when. `box` in the picture's own pixels; `width`, `height` of the picture."""

    vehicle: str
    seen_at: datetime
    role: str
    name: str
    sha256: str
    width: int
    height: int
    box: dict[str, float] | None


@dataclass(frozen=True)
class Thumb:
    """A small picture with its box, both in the picture's own pixels."""

    sha256: str
    width: int
    height: int
    box: dict[str, float] | None


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


@dataclass(frozen=True)
class Cell:
    """A card of a batch: the case's id, what it is said to be, and its best picture with the box, or the whole of it, in its pixels."""

    case: int
    name: str
    sha256: str
    width: int
    height: int
    box: dict[str, float]
    seen_at: datetime


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


def card_of(
    case: Case,
    changes: Mapping[str, list[str]],
    cases: QuerySet[Case],
    whole: bool = False,
    later: timedelta | None = None,
    reader: Any = None,
) -> Card:
    """The card of a case. `changes` are what its reader confirmed categories as lately, `cases` all that they may see. `whole` (the case page) shows every sighting's pictures instead of the best one's. `later`: its looks are told so much later than they were. `reader`: for whom, where a rejected case nearby may be new to them."""
    category = category_of(case.category)
    sightings = list(
        Sighting.objects.filter(case=case)
        .select_related("vehicle")
        .prefetch_related(Prefetch("pictures", with_boxes(Picture.objects.all(), reader)))
        .order_by("-probability", "id")
    )
    for each in sightings:
        each.seen_at += later or timedelta()
    best = sightings[0]
    pictured = [each for each in sightings if each.pictures.all()]
    pictures = [
        _shown(sighting, picture)
        for sighting in (pictured if whole else pictured[:2])
        for picture in _ordered(sighting)
    ]
    same, place = _near(case, cases, reader), place_line(case)
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


def shown_pictures(case: Case, reader: Any = None, *, by_vehicle: bool = False) -> list[Shown]:
    """The pictures of a case's surest sighting that has any, the best first. `by_vehicle`: with its boxes, whoever put them right."""
    every = Picture.objects.all()
    boxed = every if by_vehicle else with_boxes(every, reader)
    rows = Sighting.objects.filter(case=case, pictures__hidden_at=None).select_related("vehicle")
    best = rows.prefetch_related(Prefetch("pictures", boxed)).order_by("-probability", "id").first()
    return [_shown(best, each) for each in _ordered(best)] if best else []


def best_pictures(case_ids: Collection[int]) -> dict[int, str]:
    """The address of each case's best picture, of those that have one to show."""
    rows = Picture.objects.filter(sighting__case__in=case_ids, role="best", hidden_at=None)
    best = rows.order_by("sighting__probability").values_list("sighting__case", "sha256")
    return {case_id: reverse("picture", args=[sha256]) for case_id, sha256 in best}


def cell_of(case: Case, later: timedelta | None = None, reader: Any = None) -> Cell | None:
    """The cell of a case in a batch; None without a picture. `later` and `reader` as of a card."""
    for each in shown_pictures(case, reader)[:1]:
        box = each.box or {"x": 0.0, "y": 0.0, "w": float(each.width), "h": float(each.height)}
        return Cell(case.pk, category_name(case.category), each.sha256, each.width, each.height, box, each.seen_at + (later or timedelta()))  # fmt: skip
    return None


def _ordered(sighting: Sighting) -> list[Picture]:
    return sorted(
        (p for p in sighting.pictures.all() if p.hidden_at is None),
        key=lambda p: ("best", "near", "far", "context").index(p.role),
    )


def _shown(sighting: Sighting, picture: Picture) -> Shown:
    names = {"best": _("best view"), "near": _("near"), "far": _("from afar"), "context": _("another moment")}
    box = _boxed(picture.box_now, picture.width, picture.height)
    return Shown(sighting.vehicle.name, sighting.seen_at, picture.role, names[picture.role], picture.sha256, picture.width, picture.height, box)  # fmt: skip


def _boxed(box: list[float] | None, width: int, height: int) -> dict[str, float] | None:
    """The box to draw, if there is one."""
    if not box:
        return None
    x1, y1, x2, y2 = _grown(box, width, height)
    return {"x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1}


def _grown(box: list[float], width: int, height: int) -> tuple[float, float, float, float]:
    """A little room around the thing, so that the stroke does not cover what it shows."""
    room = BOX_ROOM * width
    return max(box[0] - room, 0), max(box[1] - room, 0), min(box[2] + room, width), min(box[3] + room, height)


def _around(case: Case, reach_m: float, place: str = "") -> dict[str, tuple[float, float]]:
    """A filter on latitude and longitude: what lies up to `reach_m` north, south, east or west."""
    lat, lon = (reach_m / each for each in metres_per_degree(case.lat_deg))
    return {
        f"{place}lat_deg__range": (case.lat_deg - lat, case.lat_deg + lat),
        f"{place}lon_deg__range": (case.lon_deg - lon, case.lon_deg + lon),
    }


def _near(case: Case, cases: QuerySet[Case], reader: Any) -> list[Near]:
    """The nearest of `cases` of the same category that are open, or told to be, as far as a card may be the same as they."""
    others = cases.filter(told.is_in(OPEN, reader), city_id=case.city_id).exclude(id=case.pk)
    rows = list(others.filter(category=case.category, **_around(case, FARTHEST_SAME_M)).values_list("id", "number", "lat_deg", "lon_deg"))  # fmt: skip
    if told.is_blind(reader):
        rows = _as_told(case, rows, others, reader)
    away = sorted((hypot(*offset_m(case.lat_deg, case.lon_deg, *row[2:4])), row) for row in rows)
    found = [each for each in away if each[0] <= FARTHEST_SAME_M][:SAME_SHOWN]
    best = thumbs([row[0] for _, row in found], reader)
    return [Near(MapPoint(number, lat, lon), round(away_m), best.get(key), away_m > NEAR_M) for away_m, (key, number, lat, lon) in found]  # fmt: skip


def _as_told(case: Case, rows: list[Row], others: QuerySet[Case], reader: Any) -> list[Row]:
    """The same for who may still be given some of them: those are called, and lie, as they were proposed, whatever somebody said of them."""
    again = Exists(told.looks_for(reader).filter(case=OuterRef("pk")))
    seen = list(others.filter(again, **_around(case, FARTHEST_SAME_M + FARTHEST_PUT_M)))
    told.put(seen, reader)
    ids = {each.pk for each in seen}
    return [row for row in rows if row[0] not in ids] + [(each.pk, each.number, each.lat_deg, each.lon_deg) for each in seen if each.category == case.category]  # fmt: skip


def near_of(case: Case, other: Case, reader: Any = None) -> Near:
    """Another case as the card of this one tells of it."""
    away_m = hypot(*offset_m(case.lat_deg, case.lon_deg, other.lat_deg, other.lon_deg))
    return Near(MapPoint(other.number, other.lat_deg, other.lon_deg), round(away_m), thumbs([other.pk], reader).get(other.pk), away_m > NEAR_M)  # fmt: skip


def thumbs(case_ids: Collection[int], reader: Any = None) -> dict[int, Thumb]:
    """Each case's best picture, small, of those that have one to show."""
    pictures = with_boxes(Picture.objects.filter(sighting__case__in=case_ids, role="best", hidden_at=None), reader)
    rows = pictures.select_related("sighting").only("sighting__case", "sha256", "width", "height", "box").order_by("sighting__probability")  # fmt: skip
    return {row.sighting.case_id or 0: Thumb(row.sha256, row.width, row.height, _boxed(row.box_now, row.width, row.height)) for row in rows}  # fmt: skip


def _tracks(case: Case) -> list[list[tuple[float, float]]]:
    """Where vehicles drove nearby, out of the positions of their sightings, one line a pass."""
    lines: dict[Any, list[tuple[float, float]]] = {}
    rows = Sighting.objects.filter(city_id=case.city_id, **_around(case, TRACKS_M, "fix_")).order_by("monotonic_ns")
    for pass_id, lat, lon in rows.values_list("pass_id", "fix_lat_deg", "fix_lon_deg")[:TRACK_POINTS]:
        lines.setdefault(pass_id, []).append((lat, lon))
    return list(lines.values())
