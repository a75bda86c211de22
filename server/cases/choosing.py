"""What a person who merges a case is shown: the cases near it to choose from, and both beside each other where they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from math import atan2, degrees, hypot
from typing import NamedTuple

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from calibration.geodesy import metres_per_degree, offset_m
from server.cases.evidence import Cut
from server.cases.models import Case, Picture
from server.cases.parts import cut_of
from server.cases.rules import OPEN, may_be_one
from server.places.words import kept_line
from server.review.boxes import with_boxes
from server.words import direction_name, state_name

WITHIN_M, MOST = 60.0, 6


class Choice(NamedTuple):
    """A case, its thing cut out of its best picture if one may be shown, how it stands, and where it lies as seen from the other and by its names, in words."""

    case: Case
    cut: Cut | None
    state: str
    where: str
    place: str


def choices(case: Case, cases: QuerySet[Case]) -> list[Choice]:
    """The nearest open ones of `cases` of the same category and origin."""
    lat, lon = (WITHIN_M / each for each in metres_per_degree(case.lat_deg))
    around = cases.filter(
        city_id=case.city_id, category=case.category, origin=case.origin, state__in=sorted(OPEN),
        lat_deg__range=(case.lat_deg - lat, case.lat_deg + lat), lon_deg__range=(case.lon_deg - lon, case.lon_deg + lon),
    ).exclude(id=case.pk).select_related("place")  # fmt: skip
    nearest = sorted((hypot(*way_between(case, each)), each.pk, each) for each in around)
    return as_choices([each for away_m, _id, each in nearest[:MOST] if away_m <= WITHIN_M], case)


def as_choices(cases: Sequence[Case], seen_from: Case) -> list[Choice]:
    """Cases as seen from another one."""
    best = Picture.objects.filter(sighting__case__in=[each.pk for each in cases], role="best", hidden_at=None)
    rows = with_boxes(best).select_related("sighting__vehicle").order_by("sighting__probability", "-sighting")
    pictures = {row.sighting.case_id: row for row in rows}
    return [_choice(each, seen_from, pictures.get(each.pk)) for each in cases]


def _choice(case: Case, seen_from: Case, best: Picture | None) -> Choice:
    return Choice(
        case,
        cut_of(best, best.sighting) if best else None,
        state_name(case.state),
        where_words(seen_from, case),
        kept_line(case),
    )


def where_words(seen_from: Case, case: Case) -> str:
    """How far and in which direction a case lies from another."""
    east, north = way_between(seen_from, case)
    return _("%(metres)d m %(direction)s of this one") % {"metres": round(hypot(east, north)), "direction": direction_name(degrees(atan2(east, north)))}  # fmt: skip


def way_between(one: Case, other: Case) -> tuple[float, float]:
    """East and north metres from one to the other."""
    return offset_m(one.lat_deg, one.lon_deg, other.lat_deg, other.lon_deg)


def is_near_enough(one: Case, other: Case) -> bool:
    """Whether two cases may well be one thing."""
    covariances = ((each.covariance_ee, each.covariance_en, each.covariance_nn) for each in (one, other))
    return may_be_one(way_between(one, other), *covariances)
