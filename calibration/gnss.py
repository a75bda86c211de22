"""The position of a receiver at an instant, and between two. No fix never becomes a position."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timezone
from math import hypot, isfinite, sqrt

UTC = timezone.utc  # noqa: UP017
DEFAULT_SIGMA_M = 4.0
FASTEST_MPS = 100.0
UNKNOWN_MPS = 3.0
"""A vehicle of which nobody knows the speed drives so fast or stands."""
ACCELERATION_MPS2 = 1.0
TURNING_DEG = 6.0
"""How far a vehicle's heading may have turned after one second unseen; after n seconds √n times as far."""
EARLIEST_UTC = datetime(2024, 1, 1, tzinfo=UTC)
"""No vehicle drove earlier: a receiver that says so counts its weeks wrongly (they roll over after 1024)."""


@dataclass(frozen=True)
class Position:
    """The antenna at an instant: seconds on the recording's own axis, WGS-84, one sigma per axis; UTC where the source knows it.

    `utc_trusted` is False if `utc` is a camera's local time of an unknown zone, or a receiver's date that cannot be: good for what
    lies between two positions alone. `heading_sigma_deg` is None where nobody knows better than whoever reads it, `speed_sigma_mps` (one
    axis of velocity) where the receiver does not say.
    """

    t_s: float
    lat_deg: float
    lon_deg: float
    sigma_m: float = DEFAULT_SIGMA_M
    heading_deg: float | None = None
    speed_mps: float | None = None
    utc: datetime | None = None
    quality: str = "gnss"
    utc_trusted: bool = True
    heading_sigma_deg: float | None = None
    speed_sigma_mps: float | None = None


def is_on_earth(lat_deg: float, lon_deg: float) -> bool:
    """Within range, finite, and not null island, where receivers put themselves when they know nothing."""
    return (
        isfinite(lat_deg)
        and isfinite(lon_deg)
        and abs(lat_deg) <= 90
        and abs(lon_deg) <= 180
        and (abs(lat_deg) > 1e-4 or abs(lon_deg) > 1e-4)
    )


def compass_deg(heading_deg: float) -> float:
    """From 0 to less than 360: a little less than nothing is 360 after one division, and 0 after two."""
    return heading_deg % 360 % 360


def believable_mps(speed_mps: float | None) -> float | None:
    """A speed that a vehicle on a road may have, or None."""
    return speed_mps if speed_mps is not None and 0 <= speed_mps <= FASTEST_MPS else None


def position_at(positions: Sequence[Position], t_s: float, oldest_s: float = 5.0) -> Position | None:
    """The position at an instant, between its neighbours; None if the nearest is further than `oldest_s` away.

    Between far neighbours it is less sure: on the straight way from one to the other a vehicle that brakes and starts is off by
    half its acceleration times both spans of time. Beyond the last one it may have driven on or not.
    """
    after = bisect_right(positions, t_s, key=lambda p: p.t_s)
    before = positions[after - 1] if after else None
    following = positions[after] if after < len(positions) else None
    near = [p for p in (before, following) if p is not None and abs(p.t_s - t_s) <= oldest_s]
    if not near:
        return None
    if len(near) == 1 or before is None or following is None or following.t_s == before.t_s:
        return _alone(near[0], t_s)
    since_s, until_s = t_s - before.t_s, following.t_s - t_s
    share = since_s / (since_s + until_s)
    mixed_m = (1 - share) * before.sigma_m + share * following.sigma_m
    heading_deg, heading_sigma_deg = _heading_between(before, following, share)
    return replace(
        before if share < 0.5 else following, t_s=t_s,
        lat_deg=before.lat_deg + share * (following.lat_deg - before.lat_deg),
        lon_deg=(before.lon_deg + share * _turn(before.lon_deg, following.lon_deg) + 180) % 360 - 180,
        sigma_m=hypot(mixed_m, 0.5 * ACCELERATION_MPS2 * since_s * until_s),
        heading_deg=heading_deg, heading_sigma_deg=heading_sigma_deg,
        utc=before.utc + share * (following.utc - before.utc) if before.utc and following.utc else None,
    )  # fmt: skip


def older_sigma_deg(sigma_deg: float | None, age_s: float) -> float | None:
    """How far off a heading may be so long after it was known."""
    return None if sigma_deg is None else hypot(sigma_deg, TURNING_DEG * sqrt(abs(age_s)))


def _alone(near: Position, t_s: float) -> Position:
    away_s = abs(t_s - near.t_s)
    way_m = away_s * (UNKNOWN_MPS if near.speed_mps is None else near.speed_mps)
    return replace(near, t_s=t_s, sigma_m=hypot(near.sigma_m, way_m),
                   heading_sigma_deg=older_sigma_deg(near.heading_sigma_deg, away_s))  # fmt: skip


def _heading_between(before: Position, following: Position, share: float) -> tuple[float | None, float | None]:
    a, b = before.heading_deg, following.heading_deg
    apart_s = following.t_s - before.t_s
    if a is None or b is None:
        known, away_s = (following, (1 - share) * apart_s) if a is None else (before, share * apart_s)
        return known.heading_deg, older_sigma_deg(known.heading_sigma_deg, away_s)
    sigmas = [each.heading_sigma_deg for each in (before, following) if each.heading_sigma_deg is not None]
    # The worst is half-way, where both are equally far.
    sigma_deg = older_sigma_deg(max(sigmas, default=None), share * (1 - share) * apart_s)
    return compass_deg(a + share * _turn(a, b)), sigma_deg


def _turn(from_deg: float, to_deg: float) -> float:
    return (to_deg - from_deg + 180) % 360 - 180
