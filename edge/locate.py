"""From the looks at one thing to its place on the map, with an error ellipse that holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan2, degrees, hypot, radians, sqrt

import numpy as np
import numpy.typing as npt

from calibration.bearings import BearingNoise, crossing
from calibration.camera import Camera, OutsideField
from calibration.fuse import GroundLook, PassNoise, fused
from calibration.geodesy import moved, offset_m
from calibration.ground import (
    MIDDLE_SIGMA_SHARE,
    PIXEL_SIGMA_PX,
    USUAL,
    GroundPoint,
    NoGround,
    Noise,
    foot_from_pixel,
    ground_of_box,
    is_cut,
    range_between_m,
)
from calibration.mount import Mount
from edge.values import Fix, Frame, Track, TrackView
from models.contract import Place

HEADING_SIGMA_DEG, SURE_FROM_MPS = 2.0, 3.0
SLOW_HEADING_SIGMA_DEG, UNSURE_UNDER_MPS = 15.0, 0.5
HEADING_OWN_SHARE = 0.25
"""A course is off by a little from look to look, and by most of it alike for a whole pass."""
OWN_POSITION_SIGMA_M = 0.2
"""Between looks some seconds apart a receiver wanders by decimetres; the metres it is off are the same for all of them."""
LOOKS_FUSED = 8
"""The surest looks make a place; more of them add nothing to it but work."""
RAISED = {"streetlight_broken", "sign_damaged", "graffiti", "bad_billboard", "facade_unkept"}
"""Things whose box need not end on the road: their foot is where bearings of several looks cross."""
KERBSIDE = {
    "garbage",
    "garbage_bag",
    "bin_overflow",
    "rubble",
    "dumped_bulky",
    "umbrella",
    "chair",
    "dining_table",
    "bicycle",
    "motorcycle",
}
"""Things that mostly stand on the pavement, KERB_M over the road: two in three, behind a kerb of 15 cm."""
KERB_M, KERBSIDE_NOISE = 0.1, Noise(kerb_m=0.07)
ANYWHERE_SHARE = 0.35
"""Where in a raised thing the place is that people mean by it, in widths as they are seen: a lamp's pole, the middle of a wall seen from its end."""
FARTHEST_M = 18.0
"""Beyond, neither the foot nor the crossing tells a place well enough to send somebody there."""


@dataclass(frozen=True, eq=False)
class Look:
    """One view turned into geometry around a common origin: camera position, bearing clockwise from north, foot in the road frame if it has one."""

    view: TrackView
    fix: Fix
    heading_deg: float
    east_m: float
    north_m: float
    bearing_rad: float
    foot: GroundPoint | None


@dataclass(frozen=True, eq=False)
class Found:
    """A point around the common origin, its covariance as seen from the vehicle, the fix's error that comes on top, and the looks it came from.

    `away_m` is how far off it was when it could be told: from the nearest of bearings, from the surest of feet.
    """

    point_m: tuple[float, float]
    covariance_m2: npt.NDArray[np.float64]
    fix_sigma_m: float
    method: str
    used: Sequence[Look]
    away_m: float


class Locator:
    """Knows one camera and how it is mounted. Pictures may come in another size than the camera was calibrated at."""

    def __init__(self, camera: Camera, mount: Mount) -> None:
        self.camera, self.mount = camera, mount
        self._fitted = camera

    def camera_of(self, frame: Frame) -> Camera:
        """The camera for a frame's size. Raises OtherShape if its calibration does not fit."""
        height, width = frame.image.shape[:2]
        if self._fitted.size_px != (width, height):
            self._fitted = self.camera.fitted_to(width, height)
        return self._fitted

    def foot(self, view: TrackView) -> tuple[float, float] | None:
        """Forward and left metres of the box's foot in the road frame, or None."""
        x1, _, x2, y2 = view.detection.box_px
        try:
            return foot_from_pixel(((x1 + x2) / 2, y2), self.camera_of(view.frame), self.mount)
        except NoGround:
            return None

    def place(self, track: Track) -> tuple[Place, TrackView] | None:
        """The place as seen from the view that shows the thing best, and that view.

        None if no look had a fix and a usable foot or crossing, or if the thing stayed farther away than FARTHEST_M.
        """
        origin = _fix_of(track.views[0])
        looks = [look for view in track.views if (look := self._look(view, origin)) is not None]
        found = (self._crossed(looks) if track.label in RAISED else None) or self._grounded(looks)
        if found is None or found.away_m > FARTHEST_M:
            return None
        best = self.shown(track.views)
        shown = next(look for look in looks if look.view is best)
        return _place(found, moved(origin.lat_deg, origin.lon_deg, *found.point_m), shown), shown.view

    def shown(self, views: Sequence[TrackView]) -> TrackView | None:
        """The view that shows a thing best, among those that can tell where it is."""
        placing = [view for view in views if view.frame.fix is not None and view.frame.fix.heading_deg is not None]
        return max(placing, key=self._worth, default=None)

    def _crossed(self, looks: list[Look]) -> Found | None:
        """Where the bearings of several looks cross. A cut box's middle is not the thing's, so whole boxes alone count."""
        whole = [look for look in looks if not self.is_cut(look.view)]
        if len(whole) < 2:
            return None
        middle_rad = [self._middle_sigma_rad(look.view) for look in whole]
        heading_deg = max(heading_sigma_deg(look.fix) for look in whole)
        noise = BearingNoise(
            own_rad=np.hypot(radians(HEADING_OWN_SHARE * heading_deg), np.array(middle_rad)),
            shared_rad=radians(hypot(heading_deg * sqrt(1 - HEADING_OWN_SHARE**2), self.mount.yaw_sigma_deg)),
            own_position_m=OWN_POSITION_SIGMA_M,
        )
        origins = [(look.east_m, look.north_m) for look in whole]
        crossed = crossing(origins, [look.bearing_rad for look in whole], noise)
        if crossed is None:
            return None
        point = float(crossed[0][0]), float(crossed[0][1])
        sigma_m, away_m = max(look.fix.sigma_m for look in whole), min(_away_m(look, point) for look in whole)
        wide_m = max(self._seen_wide_rad(look.view) * _away_m(look, point) for look in whole)
        covariance = crossed[1] + np.eye(2) * (ANYWHERE_SHARE * wide_m) ** 2
        return Found(point, covariance, sigma_m, "parallax", whole, away_m)

    def _grounded(self, looks: list[Look]) -> Found | None:
        """Where the feet of the surest looks that are near enough fit best, whole boxes before cut ones."""
        # What stands far to the side is cut by the border before it is near enough to be placed.
        near = [look for look in looks if look.foot is not None and look.foot.range_m <= FARTHEST_M]
        whole = [look for look in near if not self.is_cut(look.view)] or near
        if not whole:
            return None
        used = sorted(whole, key=_variance)[:LOOKS_FUSED]
        heading_deg = max(heading_sigma_deg(look.fix) for look in used)
        noise = PassNoise(HEADING_OWN_SHARE * heading_deg, OWN_POSITION_SIGMA_M, heading_deg)
        told = fused([_ground_look(look) for look in used], noise)
        if told is None:
            used = used[:1]
            told = fused([_ground_look(used[0])], noise)
        assert told is not None, "one look fits itself"
        (east, north), covariance = told
        point, surest = (float(east), float(north)), used[0]
        return Found(point, covariance, surest.fix.sigma_m, "ground", used, _away_m(surest, point))

    def _look(self, view: TrackView, origin: Fix) -> Look | None:
        fix = view.frame.fix
        if fix is None or fix.heading_deg is None:
            return None
        east, north = offset_m(origin.lat_deg, origin.lon_deg, fix.lat_deg, fix.lon_deg)
        x1, y1, x2, y2 = view.detection.box_px
        camera = self.camera_of(view.frame)
        try:
            ray = camera.ray((x1 + x2) / 2, (y1 + y2) / 2)
        except OutsideField:
            return None
        direction = self.mount.road_from_camera() @ np.array((*ray, 1.0))
        bearing = radians(fix.heading_deg) - atan2(direction[1], direction[0])
        try:
            kerb = (KERB_M, KERBSIDE_NOISE) if view.detection.label in KERBSIDE else (0.0, USUAL)
            foot = ground_of_box(view.detection.box_px, camera, self.mount, 0.0, *kerb)
        except NoGround:
            foot = None
        return Look(view, fix, fix.heading_deg, east, north, bearing, foot)

    def _middle_sigma_rad(self, view: TrackView) -> float:
        x1, _, x2, _ = view.detection.box_px
        return hypot(PIXEL_SIGMA_PX, MIDDLE_SIGMA_SHARE * (x2 - x1)) / self.camera_of(view.frame).focal_px[0]

    def _seen_wide_rad(self, view: TrackView) -> float:
        x1, _, x2, _ = view.detection.box_px
        return (x2 - x1) / self.camera_of(view.frame).focal_px[0]

    def is_cut(self, view: TrackView) -> bool:
        """Whether a box ends at the picture's border, so that it shows a part of its thing."""
        return any(is_cut(view.detection.box_px, self.camera_of(view.frame)))

    def _worth(self, view: TrackView) -> float:
        x1, y1, x2, y2 = view.detection.box_px
        size = min(1.0, float(hypot(x2 - x1, y2 - y1) / 120) ** 0.5)
        return float(view.detection.score * size * (0.4 if self.is_cut(view) else 1.0))


def heading_sigma_deg(fix: Fix) -> float:
    """How far a heading may be off: as it says itself, else a receiver's course by its speed; a recording's headings come with the ride or from its way."""
    if fix.heading_sigma_deg is not None:
        return fix.heading_sigma_deg
    if fix.quality != "gnss" or fix.speed_mps is None:
        return HEADING_SIGMA_DEG
    speed_mps = min(max(fix.speed_mps, UNSURE_UNDER_MPS), SURE_FROM_MPS)
    slow = (1 / speed_mps - 1 / SURE_FROM_MPS) / (1 / UNSURE_UNDER_MPS - 1 / SURE_FROM_MPS)
    return HEADING_SIGMA_DEG + slow * (SLOW_HEADING_SIGMA_DEG - HEADING_SIGMA_DEG)


def _fix_of(view: TrackView) -> Fix:
    assert view.frame.fix is not None, "the gate lets no frame without a fix through"
    return view.frame.fix


def _ground_look(look: Look) -> GroundLook:
    assert look.foot is not None
    return GroundLook(look.east_m, look.north_m, look.heading_deg, look.fix.speed_mps or 0.0, look.foot)


def _variance(look: Look) -> float:
    assert look.foot is not None
    return float(np.trace(look.foot.covariance_m2)) + 2 * look.fix.sigma_m**2


def _away_m(look: Look, point_m: tuple[float, float]) -> float:
    return hypot(point_m[0] - look.east_m, point_m[1] - look.north_m)


def _place(found: Found, at_deg: tuple[float, float], shown: Look) -> Place:
    """The place as it travels: bearing, range and 95 % range count from the shown look's fix, without that fix's own error."""
    east, north = offset_m(shown.fix.lat_deg, shown.fix.lon_deg, *at_deg)
    range_m = max(hypot(east, north), 1e-3)
    along = np.array((east, north)) / range_m
    near_m, far_m = range_between_m(range_m, sqrt(along @ found.covariance_m2 @ along) / range_m**2)
    (ee, en), (_, nn) = (found.covariance_m2 + np.eye(2) * found.fix_sigma_m**2).tolist()
    return Place(
        lat_deg=at_deg[0], lon_deg=at_deg[1], covariance_m2=((ee, en), (en, nn)), bearing_deg=degrees(atan2(east, north)) % 360,
        range_m=range_m, near_m=near_m, far_m=far_m, method=found.method,
    )  # fmt: skip
