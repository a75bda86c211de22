"""Screening new cases: picture and history are read outside of any transaction, the outcome is one guarded move."""

from __future__ import annotations

import time
from datetime import datetime
from math import hypot
from uuid import UUID

from django.conf import settings

from calibration.geodesy import metres_per_degree
from models.pixels import BadPicture, Image, brightness_and_sharpness, decode_jpeg
from server import pictures
from server.cases.grouping import FARTHEST_M
from server.cases.models import Case, Picture, Sighting
from server.cases.rules import Point, State, metres_between
from server.cases.services import REMEMBERED, move
from server.categories.rules import category_of
from server.screening.records import at_place, base_share, of_vehicle
from server.screening.rules import Screened, Seen, screen
from server.screening.second_look import second_look

SAME_PLACE_M = 5.0
SPEND_S = 1.0
UNSEEN = 0.1
"""Less than this is said of a thing that a network does not see."""
NOBODY = UUID(int=0)


def screen_new(now: datetime, limit: int = 50, spend_s: float | None = None) -> int:
    """Screen new cases, `limit` at most, and none more once `spend_s` (SPEND_S) are over: what else `work` does must not wait. Returns how many moved."""
    spend_s = SPEND_S if spend_s is None else spend_s
    moved, began_s = 0, time.monotonic()
    for case in Case.objects.filter(state=State.NEW).order_by("id")[:limit]:
        outcome = look_at(case, now)
        new = State.QUEUED if outcome.show else State.SET_ASIDE
        moved += move(
            case.pk, State.NEW, new, now, screening=outcome.reason, blind=outcome.blind, priority=outcome.priority
        )
        if time.monotonic() - began_s > spend_s:
            break
    return moved


def look_at(case: Case, now: datetime) -> Screened:
    """Screening's opinion of a case."""
    category = category_of(case.category)
    picture, second = _looks(case)
    seen = Seen(
        case.number, case.probability, category.severity, _rejected_here(case, now), picture, second, of_vehicle(case, now), at_place(case, now),
        base_share(case.city_id, case.category, now), category.deadline_h, category.deadline_clock,
    )  # fmt: skip
    return screen(seen, settings.BLIND_SHARE, settings.RANDOM_SHARE)


def best_picture(case: Case) -> Picture | None:
    """The picture a card opens with: the best one of the surest sighting that came with pictures."""
    sighting = Sighting.objects.filter(case=case, pictures__isnull=False).order_by("-probability", "id").first()
    return None if sighting is None else sighting.pictures.filter(role="best", hidden_at=None).first()


def _looks(case: Case) -> tuple[tuple[float, float, float] | None, float | None]:
    """What can be measured of the best picture, and how probable the thing in it is to the stronger pack; where that does not see it there, from near or at another moment."""
    picture = best_picture(case)
    image = None if picture is None else _opened(picture)
    if picture is None or image is None:
        return None, None
    box = picture.box or [0, 0, picture.width, picture.height]
    measured = (*brightness_and_sharpness(image), min(box[2] - box[0], box[3] - box[1]))
    second = second_look().probability(image, picture.box, case.category) if picture.box else None
    if second is not None and second < UNSEEN:
        again = picture.sighting.pictures.filter(
            role__in=("near", "context"), hidden_at=None, box__isnull=False
        ).first()
        other = None if again is None else _opened(again)
        if again is not None and again.box and other is not None:
            second = max(second, second_look().probability(other, again.box, case.category) or 0.0)
    return measured, second


def _opened(picture: Picture) -> Image | None:
    try:
        return decode_jpeg(pictures.path_of(picture.sha256).read_bytes())
    except (BadPicture, OSError):
        return None


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
