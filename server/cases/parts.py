"""The sightings of a case beside each other, for who decides which of them are something else."""

from __future__ import annotations

from datetime import datetime
from math import atan2, degrees, hypot
from typing import NamedTuple
from uuid import UUID

from django.db.models import Prefetch
from django.utils.translation import gettext as _

from calibration.geodesy import offset_m
from server.cases.evidence import Cut, view_of
from server.cases.models import Case, Picture, Sighting
from server.review.boxes import with_boxes
from server.review.pictured import Shown
from server.words import category_name, direction_name

MOST = 100
IN_THE_MIDDLE_M = 0.5


class Part(NamedTuple):
    """A sighting: what it is known by, its thing cut out of its best picture if one may be shown, and where it lies and what it was seen as, in words."""

    id: UUID
    seen_at: datetime
    vehicle: str
    cut: Cut | None
    where: str
    seen_as: str


def parts_of(case: Case) -> list[Part]:
    """The newest MOST sightings of a case, the newest first."""
    rows = (
        case.sightings.select_related("vehicle")
        .prefetch_related(Prefetch("pictures", with_boxes(Picture.objects.all())))
        .order_by("-seen_at", "id")[:MOST]
    )
    return [Part(row.pk, row.seen_at, row.vehicle.name, _cut(row), way_words(case.lat_deg, case.lon_deg, row.lat_deg, row.lon_deg), category_name(row.category)) for row in rows]  # fmt: skip


def way_words(lat_deg: float, lon_deg: float, other_lat_deg: float, other_lon_deg: float) -> str:
    """How far the other place is from the case's middle, and in which direction."""
    east, north = offset_m(lat_deg, lon_deg, other_lat_deg, other_lon_deg)
    away = hypot(east, north)
    if away < IN_THE_MIDDLE_M:
        return _("in the middle of the case")
    metres = f"{away:.1f}" if away < 9.95 else f"{away:.0f}"
    return _("%(metres)s m %(direction)s of the middle") % {"metres": metres, "direction": direction_name(degrees(atan2(east, north)))}  # fmt: skip


def _cut(row: Sighting) -> Cut | None:
    best = next((each for each in row.pictures.all() if each.role == "best" and each.hidden_at is None), None)
    return cut_of(best, row) if best else None


def cut_of(picture: Picture, row: Sighting) -> Cut:
    """The thing cut out of a picture (`with_boxes`) of its sighting."""
    shown = Shown(row.vehicle.name, row.seen_at, picture.role, "", picture.sha256, picture.width, picture.height, _box(picture))  # fmt: skip
    return Cut(shown, view_of(shown))


def _box(picture: Picture) -> dict[str, float] | None:
    if not picture.box_now:
        return None
    x1, y1, x2, y2 = picture.box_now
    return {"x": x1, "y": y1, "w": x2 - x1, "h": y2 - y1}
