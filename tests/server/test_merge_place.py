"""Where a case lies after people put cases together: where the one that stays was, with an error that reaches what came; and where the rule of grouping agrees, what all of them say."""

from __future__ import annotations

from math import cos, hypot, radians, sin
from typing import Any
from uuid import UUID

import pytest
from sightings import LAT, LON, NOW

from calibration.geodesy import moved, offset_m
from server.accounts.models import User
from server.cases.merging import merge_by_hand, split_by_hand
from server.cases.models import Case
from server.cases.rules import Point, ellipse_95, fused, kept_place, may_be_one
from server.cases.told import places_seen
from server.review.blind import as_first_seen

pytestmark = pytest.mark.django_db


def point(number: int, east_m: float = 0.0, north_m: float = 0.0, sigma_m: float = 1.0) -> Point:
    lat, lon = moved(LAT, LON, east_m, north_m)
    return Point(UUID(int=number), UUID(int=number), lat, lon, (sigma_m**2, 0.0, sigma_m**2), sigma_m / 2)


def d2(way: tuple[float, float], covariance: tuple[float, float, float]) -> float:
    (east, north), (ee, en, nn) = way, covariance
    return (nn * east**2 - 2 * en * east * north + ee * north**2) / (ee * nn - en * en)


@pytest.mark.parametrize("ways", [[(70.0, 0.0)], [(70.0, 0.0), (0.0, 40.0)], [(-30.0, -30.0), (30.0, 30.0)], [(5.0, 1.0), (5.0, -1.0), (90.0, 3.0)]])  # fmt: skip
def test_the_error_reaches_what_was_put_to_a_thing_and_its_place_stays(ways: list[tuple[float, float]]) -> None:
    own = [point(1), point(2, 0.5)]
    lat, lon, covariance = kept_place(own, [point(10 + n, *way) for n, way in enumerate(ways)])
    assert (lat, lon) == fused(own)[:2]
    here = fused(own)[:2]
    for way in ways:
        assert d2(offset_m(*here, *moved(LAT, LON, *way)), covariance) <= 6.05
    longest = max(hypot(*offset_m(*here, *moved(LAT, LON, *way))) for way in ways)
    assert 0.99 * longest <= ellipse_95(*covariance)[0] <= 1.1 * longest + 3, "as wide as what came needs, not wider"


def test_of_others_that_lie_within_nothing_is_widened() -> None:
    own = [point(1)]
    assert kept_place(own, [point(2, 1.0)]) == fused(own)


@pytest.fixture
def chief(db: None) -> User:
    return User.objects.create_user("zhao", role="supervisor")


def put_at(send: Any, number: int, east_m: float) -> Case:
    send(id=UUID(int=number), pass_id=UUID(int=number), east_m=east_m, outbox=UUID(int=number), seed=number)
    return Case.objects.order_by("-id")[0]


def test_a_case_70_m_away_leaves_the_place_and_widens_the_error_and_later_looks_do_not_undo_that(send: Any, chief: User) -> None:  # fmt: skip
    one, other = put_at(send, 1, 0.0), put_at(send, 2, 70.0)
    merge_by_hand(other, one, chief, NOW)
    merged = Case.objects.get(id=one.pk)
    assert (merged.lat_deg, merged.lon_deg) == (one.lat_deg, one.lon_deg)
    long_m, _short_m, angle_deg = ellipse_95(merged.covariance_ee, merged.covariance_en, merged.covariance_nn)
    assert 69.5 <= long_m < 72
    assert abs(sin(radians(angle_deg))) < 0.02 < abs(cos(radians(angle_deg))), "along the way between them"
    # A look at either thing joins; what is known of the place comes from the one that stayed.
    put_at(send, 3, 0.4)
    put_at(send, 4, 70.4)
    merged.refresh_from_db()
    assert merged.sightings_count == 4
    assert abs(offset_m(one.lat_deg, one.lon_deg, merged.lat_deg, merged.lon_deg)[0]) < 1
    assert ellipse_95(merged.covariance_ee, merged.covariance_en, merged.covariance_nn)[0] >= 69
    assert places_seen([merged.pk])[merged.pk] == pytest.approx((merged.lat_deg, merged.lon_deg), abs=1e-9)
    Case.objects.filter(id=merged.pk).update(placed_by_hand=True)
    blind = as_first_seen(Case.objects.get(id=merged.pk), "bagged_garbage")
    assert (blind.lat_deg, blind.lon_deg) == pytest.approx((merged.lat_deg, merged.lon_deg), abs=1e-9)


def test_the_place_is_the_old_one_again_after_a_split(send: Any, chief: User) -> None:
    one, other = put_at(send, 1, 0.0), put_at(send, 2, 70.0)
    merge_by_hand(other, one, chief, NOW)
    split_by_hand(Case.objects.get(id=one.pk), [UUID(int=2)], chief, NOW)
    for was in (one, other):
        now = Case.objects.get(id=was.pk)
        assert (now.lat_deg, now.lon_deg, now.covariance_ee) == (was.lat_deg, was.lon_deg, was.covariance_ee)


def test_sightings_that_fit_together_say_together_where_it_is(send: Any, chief: User) -> None:
    """One thing that a person split by mistake, and put together again."""
    for number in range(2):
        put_at(send, number + 1, float(number))
    one = Case.objects.get()
    other = split_by_hand(one, [UUID(int=2)], chief, NOW)
    merge_by_hand(other, Case.objects.get(id=one.pk), chief, NOW)
    again = Case.objects.get(id=one.pk)
    assert (again.lon_deg, again.covariance_ee) == pytest.approx((one.lon_deg, one.covariance_ee))


@pytest.mark.parametrize(("way", "sigma_m", "may"), [((1.0, 1.0), 1.0, True), ((7.0, 0.0), 1.0, False), ((7.0, 0.0), 2.0, True), ((26.0, 0.0), 20.0, False)])  # fmt: skip
def test_who_merges_is_asked_once_more_beyond_three_sigmas_or_25_m(way: tuple[float, float], sigma_m: float, may: bool) -> None:  # fmt: skip
    covariance = (sigma_m**2, 0.0, sigma_m**2)
    assert may_be_one(way, covariance, covariance) is may
