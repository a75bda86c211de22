"""From the looks at one thing to its place on the map, with an error ellipse that holds."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, degrees, hypot, radians, sin

import numpy as np
import numpy.typing as npt

from calibration.camera import Camera
from calibration.geodesy import east_north, moved, offset_m
from calibration.ground import NoGround, ground_from_pixel
from calibration.mount import Mount
from edge.values import Fix, Track, TrackView
from models.contract import Place

HEADING_SIGMA_DEG = 2.0
BORDER_PX = 3.0
RAISED = {"streetlight_broken", "sign_damaged", "graffiti", "bad_billboard", "facade_unkept"}
"""Things whose box need not end on the road: their foot is where bearings of several looks cross."""
RAISED_SIGMA_M = 1.5
LEAST_BASELINE_M, LEAST_PARALLAX_DEG = 2.5, 4.0
FARTHEST_M = 18.0
"""Beyond, neither the foot nor the crossing tells a place well enough to send somebody there."""


@dataclass(frozen=True)
class Look:
    """One view turned into geometry around a common origin: camera position, bearing and, where the foot meets the road, the point."""

    view: TrackView
    east_m: float
    north_m: float
    bearing_rad: float
    point_m: tuple[float, float] | None
    covariance_m2: npt.NDArray[np.float64] | None
    near_m: float
    far_m: float


class Locator:
    """Knows one camera and how it is mounted."""

    def __init__(self, camera: Camera, mount: Mount) -> None:
        self.camera, self.mount = camera, mount

    def foot(self, view: TrackView) -> tuple[float, float] | None:
        """Forward and left metres of the box's foot in the road frame, or None."""
        x1, _, x2, y2 = view.detection.box_px
        try:
            point = ground_from_pixel(((x1 + x2) / 2, y2), self.camera, self.mount)
        except NoGround:
            return None
        return point.forward_m, point.left_m

    def place(self, track: Track) -> tuple[Place, TrackView] | None:
        """The place, and the view that shows the thing best; None if no look had a fix and a usable foot or crossing."""
        looks = [look for view in track.views if (look := self._look(view, _fix_of(track.views[0]))) is not None]
        if not looks:
            return None
        shown = max(looks, key=lambda look: self._worth(look.view)).view
        if track.label in RAISED and (crossing := _crossing(looks)) is not None:
            return _near(_place(looks, crossing, np.eye(2) * RAISED_SIGMA_M**2, "parallax"), shown)
        grounded = [look for look in looks if look.point_m is not None and look.covariance_m2 is not None]
        whole = [look for look in grounded if not self._cut(look.view)] or grounded
        if not whole:
            return None
        best = sorted(whole, key=lambda look: float(np.trace(look.covariance_m2)))[:3]  # type: ignore[arg-type]
        weights = np.array([1 / float(np.trace(look.covariance_m2)) for look in best])  # type: ignore[arg-type]
        point = np.average(np.array([look.point_m for look in best]), axis=0, weights=weights)
        # The looks share camera, mount and slope: the smallest covariance stands for all, none is divided by their number.
        assert best[0].covariance_m2 is not None
        return _near(_place(best, (float(point[0]), float(point[1])), best[0].covariance_m2, "ground"), shown)

    def _look(self, view: TrackView, origin: Fix) -> Look | None:
        fix = view.frame.fix
        if fix is None or fix.heading_deg is None:
            return None
        east, north = offset_m(origin.lat_deg, origin.lon_deg, fix.lat_deg, fix.lon_deg)
        x1, y1, x2, y2 = view.detection.box_px
        direction = self.mount.road_from_camera() @ np.array((*self.camera.ray((x1 + x2) / 2, (y1 + y2) / 2), 1.0))
        bearing = radians(fix.heading_deg) - atan2(direction[1], direction[0])
        try:
            ground = ground_from_pixel(((x1 + x2) / 2, y2), self.camera, self.mount)
        except NoGround:
            return Look(view, east, north, bearing, None, None, 0.0, 0.0)
        e, n = east_north(fix.heading_deg, ground.forward_m, ground.left_m)
        h = radians(fix.heading_deg)
        turn = np.array([[sin(h), -cos(h)], [cos(h), sin(h)]])
        across = np.array((-n, e)) * radians(HEADING_SIGMA_DEG)
        covariance = turn @ ground.covariance_m2 @ turn.T + np.outer(across, across) + np.eye(2) * fix.sigma_m**2
        return Look(view, east, north, bearing, (east + e, north + n), covariance, ground.near_m, ground.far_m)

    def _cut(self, view: TrackView) -> bool:
        x1, _, x2, y2 = view.detection.box_px
        height, width = view.frame.image.shape[:2]
        return x1 < BORDER_PX or x2 > width - BORDER_PX or y2 > height - BORDER_PX

    def _worth(self, view: TrackView) -> float:
        x1, y1, x2, y2 = view.detection.box_px
        size = min(1.0, float(hypot(x2 - x1, y2 - y1) / 120) ** 0.5)
        return float(view.detection.score * size * (0.4 if self._cut(view) else 1.0))


def _fix_of(view: TrackView) -> Fix:
    assert view.frame.fix is not None, "the gate lets no frame without a fix through"
    return view.frame.fix


def _crossing(looks: list[Look]) -> tuple[float, float] | None:
    """Least-squares crossing of the bearings, if the way between the looks is long enough for one; ahead of every look."""
    way = max(hypot(a.east_m - b.east_m, a.north_m - b.north_m) for a in looks for b in looks)
    turn = max(abs((degrees(a.bearing_rad - b.bearing_rad) + 180) % 360 - 180) for a in looks for b in looks)
    if way < LEAST_BASELINE_M or turn < LEAST_PARALLAX_DEG:
        return None
    rows = np.array([(cos(look.bearing_rad), -sin(look.bearing_rad)) for look in looks])
    at = np.array([(look.east_m, look.north_m) for look in looks])
    crossing = np.linalg.lstsq(rows, np.einsum("ij,ij->i", rows, at), rcond=None)[0]
    ahead = [(crossing - a) @ (sin(look.bearing_rad), cos(look.bearing_rad)) for a, look in zip(at, looks, strict=True)]
    return (float(crossing[0]), float(crossing[1])) if min(ahead) > 0.5 and max(ahead) < 45 else None


def _near(place: Place, shown: TrackView) -> tuple[Place, TrackView] | None:
    return (place, shown) if place.range_m <= FARTHEST_M else None


def _place(looks: list[Look], point: tuple[float, float], covariance: npt.NDArray[np.float64], method: str) -> Place:
    last = looks[-1]
    fix = _fix_of(last.view)
    lat, lon = moved(fix.lat_deg, fix.lon_deg, point[0] - last.east_m, point[1] - last.north_m)
    if method == "parallax":
        covariance = covariance + np.eye(2) * fix.sigma_m**2
    east, north = point[0] - last.east_m, point[1] - last.north_m
    range_m = hypot(east, north)
    spread = 1.96 * RAISED_SIGMA_M
    near, far = (
        (max(0.0, range_m - spread), range_m + spread)
        if method == "parallax"
        else (min(last.near_m, range_m), max(last.far_m, range_m))
    )
    (ee, en), (_, nn) = covariance.tolist()
    return Place(
        lat_deg=lat, lon_deg=lon, covariance_m2=((ee, en), (en, nn)), bearing_deg=degrees(atan2(east, north)) % 360, range_m=range_m,
        near_m=near, far_m=far, method=method,
    )  # fmt: skip
