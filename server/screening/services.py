"""Screening new cases: picture and history are read outside of any transaction, the outcome is one guarded move."""

from __future__ import annotations

from datetime import datetime
from math import hypot
from uuid import UUID

from django.conf import settings

from calibration.geodesy import metres_per_degree
from models.pixels import BadPicture, brightness_and_sharpness, decode_jpeg
from server import pictures
from server.cases.grouping import FARTHEST_M
from server.cases.models import Case, Picture, Sighting
from server.cases.rules import Point, State, metres_between
from server.cases.services import REMEMBERED, move
from server.categories.rules import category_of
from server.screening.rules import Screened, Seen, screen

SAME_PLACE_M = 5.0
NOBODY = UUID(int=0)


def screen_new(now: datetime, limit: int = 50) -> int:
    """Screen up to `limit` new cases; returns how many moved."""
    moved = 0
    for case in Case.objects.filter(state=State.NEW).order_by("id")[:limit]:
        outcome = look_at(case, now)
        new = State.QUEUED if outcome.show else State.SET_ASIDE
        moved += move(
            case.pk, State.NEW, new, now, screening=outcome.reason, blind=outcome.blind, priority=outcome.priority
        )
    return moved


def look_at(case: Case, now: datetime) -> Screened:
    """Screening's opinion of a case."""
    severity = category_of(case.category).severity
    return screen(
        Seen(case.number, case.probability, severity, _rejected_here(case, now), _picture(case)), settings.BLIND_SHARE
    )


def best_picture(case: Case) -> Picture | None:
    """The picture a card opens with: the best one of the surest sighting that came with pictures."""
    sighting = Sighting.objects.filter(case=case, pictures__isnull=False).order_by("-probability", "id").first()
    return None if sighting is None else sighting.pictures.filter(role="best", hidden_at=None).first()


def _picture(case: Case) -> tuple[float, float, float] | None:
    picture = best_picture(case)
    if picture is None:
        return None
    try:
        image = decode_jpeg(pictures.path_of(picture.sha256).read_bytes())
    except (BadPicture, OSError):
        return None
    box = picture.box or [0, 0, picture.width, picture.height]
    return (*brightness_and_sharpness(image), min(box[2] - box[0], box[3] - box[1]))


def _rejected_here(case: Case, now: datetime) -> bool:
    lat, lon = (FARTHEST_M / each for each in metres_per_degree(case.lat_deg))
    near = Case.objects.filter(
        city_id=case.city_id,
        category=case.category,
        state=State.REJECTED,
        state_at__gte=now - REMEMBERED,
        rejected_probability__isnull=False,
        lat_deg__range=(case.lat_deg - lat, case.lat_deg + lat),
        lon_deg__range=(case.lon_deg - lon, case.lon_deg + lon),
    ).exclude(id=case.pk)
    reach_m = min(2.0 * max(1.0, (case.covariance_ee + case.covariance_nn) ** 0.5), SAME_PLACE_M)
    return any(hypot(*metres_between(_spot(case), _spot(other))) < reach_m for other in near)


def _spot(case: Case) -> Point:
    return Point(NOBODY, NOBODY, case.lat_deg, case.lon_deg, (0.0, 0.0, 0.0))
