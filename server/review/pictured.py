"""The pictures of cases as pages show them, each with the box that it has now. Many cases cost no more questions than one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Prefetch, QuerySet
from django.urls import reverse
from django.utils.translation import gettext as _

from server.cases.models import Case, Picture, Sighting
from server.review.boxes import with_boxes
from server.words import category_name

BOX_ROOM = 0.004


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
class Cell:
    """A card of a batch: the case's id, what it is said to be, and its best picture with the box, or the whole of it, in its pixels."""

    case: int
    name: str
    sha256: str
    width: int
    height: int
    box: dict[str, float]
    seen_at: datetime


def sightings_of(case_ids: Collection[int], boxed: QuerySet[Picture]) -> dict[int, list[Sighting]]:
    """The sightings of each case, the surest first, with vehicle and the pictures of `boxed`."""
    rows = (
        Sighting.objects.filter(case__in=case_ids)
        .select_related("vehicle")
        .prefetch_related(Prefetch("pictures", boxed))
    )
    found: dict[int, list[Sighting]] = {case_id: [] for case_id in case_ids}
    for row in rows.order_by("-probability", "id"):
        found[row.case_id or 0].append(row)
    return found


def pictures_of(sighting: Sighting) -> list[Shown]:
    """Those of a sighting that may be shown, the best first."""
    rows = [row for row in sighting.pictures.all() if row.hidden_at is None]
    return [_shown(sighting, row) for row in sorted(rows, key=lambda row: ("best", "near", "far", "context").index(row.role))]  # fmt: skip


def shown_pictures(case: Case, *, by_vehicle: bool = False) -> list[Shown]:
    """The pictures of a case's surest sighting that has any, the best first. `by_vehicle`: with its boxes, whoever put them right."""
    every = Picture.objects.all()
    return _surest(sightings_of([case.pk], every if by_vehicle else with_boxes(every))[case.pk])


def cells_of(cases: Iterable[Case], later: Mapping[int, timedelta], reader: Any) -> list[Cell]:
    """The cells of a batch, without the cases that have no picture. `later` and `reader` as of cards."""
    rows = {case.pk: case for case in cases}
    cells = []
    for key, sightings in sightings_of(rows, with_boxes(Picture.objects.all(), reader)).items():
        for each in _surest(sightings)[:1]:
            box = each.box or {"x": 0.0, "y": 0.0, "w": float(each.width), "h": float(each.height)}
            cells.append(Cell(key, category_name(rows[key].category), each.sha256, each.width, each.height, box, each.seen_at + later.get(key, timedelta())))  # fmt: skip
    return cells


def best_pictures(case_ids: Collection[int]) -> dict[int, str]:
    """The address of each case's best picture, of those that have one to show."""
    rows = Picture.objects.filter(sighting__case__in=case_ids, role="best", hidden_at=None)
    best = rows.order_by("sighting__probability").values_list("sighting__case", "sha256")
    return {case_id: reverse("picture", args=[sha256]) for case_id, sha256 in best}


def thumbs(case_ids: Collection[int], reader: Any = None) -> dict[int, Thumb]:
    """Each case's best picture, small, of those that have one to show."""
    pictures = with_boxes(Picture.objects.filter(sighting__case__in=case_ids, role="best", hidden_at=None), reader)
    rows = pictures.select_related("sighting").only("sighting__case", "sha256", "width", "height", "box").order_by("sighting__probability")  # fmt: skip
    return {row.sighting.case_id or 0: Thumb(row.sha256, row.width, row.height, _boxed(row.box_now, row.width, row.height)) for row in rows}  # fmt: skip


def _surest(sightings: Iterable[Sighting]) -> list[Shown]:
    return next(filter(None, map(pictures_of, sightings)), [])


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
