"""From the pictures of a drive to a mount's pitch and yaw: points are followed over a short way, and pairs that tell nothing are refused."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field

import cv2
import numpy as np
import numpy.typing as npt

from calibration.camera import Camera, OutsideField
from calibration.mount import Mount
from calibration.running import PITCH_DEG, YAW_DEG, Running
from calibration.travel import Travel, mount_angles, travel

Image = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]
WIDTH_PX = 560
"""Pictures are shrunk by a whole number to about this width."""
SLOWEST_MPS = 2.0
LEAST_M, MOST_M = 0.35, 1.3
LONGEST_S = 2.0
LEAST_INLIERS = 60
LEAST_MOTION_PX = 1.0
FASTEST_TURN_DEG_S = 2.0
WORST_SIGMA_DEG = 1.0
TURNED_DEG = 20.0
CORNERS, CORNERS_APART_PX = 260, 4
"""Looked for at half the size: a quarter of the work, and what is a corner there is followed better than a speck."""
BACK_PX = 0.5
AGREE_RAD = 1e-3
STILL_PX = 0.3
WINDOW_PX, LEVELS = (9, 9), 4
"""Small: in a large window what is near counts for more than its middle, as it moves faster, and the pitch comes out too low."""


@dataclass(frozen=True, eq=False)
class _Still:
    """A shrunken grey picture and its instant."""

    grey: Image
    t_s: float


@dataclass
class Drift:
    """Pairs of pictures of one camera's drive, and the running estimate that they feed. `pairs` counts those that told something, `reasons` why others did not.

    A pair begins at most every `every_m` metres: on a vehicle other work waits.
    """

    camera: Camera
    mount: Mount
    running: Running
    every_m: float = 0.0
    pairs: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    _first: _Still | None = None
    _way_m: float = 0.0
    _rest_m: float = 0.0
    _last_s: float | None = None
    _heading_deg: float | None = None
    _turned_deg: float = 0.0

    def see(self, image: Image, t_s: float, speed_mps: float | None, heading_deg: float | None) -> bool:
        """Take the next picture (BGR or grey), with the vehicle's speed and course at its instant; whether the estimate has changed. Raises OtherShape."""
        apart_s = t_s - self._last_s if self._last_s is not None else 0.0
        self._last_s = t_s
        reason = _standing(speed_mps, apart_s)
        if reason or speed_mps is None:
            self._first, self._rest_m = None, 0.0
            self.reasons[reason] += 1
            return False
        self._see_whether_turned(heading_deg)
        self._way_m += speed_mps * apart_s
        self._rest_m -= speed_mps * apart_s
        if self._first is None or self._way_m > MOST_M:
            if self._rest_m <= 0:
                self._first, self._way_m = _Still(grey_of(image), t_s), 0.0
            return False
        if self._way_m < LEAST_M:
            return False
        first, second = self._first, _Still(grey_of(image), t_s)
        self._rest_m = self.every_m - self._way_m
        self._first, self._way_m = None if self._rest_m > 0 else second, 0.0
        return self._take(first, second, image.shape[1], image.shape[0])

    def _take(self, first: _Still, second: _Still, width_px: int, height_px: int) -> bool:
        camera = self.camera.fitted_to(width_px, height_px).scaled_to(second.grey.shape[1], second.grey.shape[0])
        found = seen_travel(first.grey, second.grey, camera, self.mount)
        if isinstance(found, str):
            self.reasons[found] += 1
            return False
        # About the camera's own vertical, not the road's: a few hundredths less.
        turned_deg = float(np.degrees(found.turn_rad[1]))
        self._turned_deg += turned_deg
        if abs(turned_deg) > FASTEST_TURN_DEG_S * (second.t_s - first.t_s):
            self.reasons["turning"] += 1
            return False
        pitch, yaw = np.degrees(mount_angles(found.direction, np.radians(self.mount.roll_deg))).tolist()
        if not (PITCH_DEG[0] <= pitch <= PITCH_DEG[1] and YAW_DEG[0] <= yaw <= YAW_DEG[1]):
            self.reasons["not_ahead"] += 1
            return False
        self.pairs += 1
        return self.running.add(pitch, yaw, second.t_s)

    def _see_whether_turned(self, heading_deg: float | None) -> None:
        """Another straight begins where the course is TURNED_DEG off that at the beginning of the last one; without a course, by what the pictures turned."""
        if heading_deg is None:
            is_other = abs(self._turned_deg) > TURNED_DEG
        else:
            began_deg = self._heading_deg if self._heading_deg is not None else heading_deg
            is_other = abs((heading_deg - began_deg + 180) % 360 - 180) > TURNED_DEG
            self._heading_deg = heading_deg if is_other else began_deg
        if is_other:
            self.running.turn()
            self._turned_deg = 0.0


def _standing(speed_mps: float | None, apart_s: float) -> str:
    """Why there is no way between two pictures, or none that is known; empty if there is."""
    if speed_mps is None:
        return "no_speed"
    return "too_slow" if speed_mps < SLOWEST_MPS else "" if 0 <= apart_s < LONGEST_S else "gap"


def grey_of(image: Image) -> Image:
    """A picture (BGR or grey) as it is followed: grey, shrunk to about WIDTH_PX."""
    height, width = image.shape[:2]
    times = max(1, round(width / WIDTH_PX))
    small = cv2.resize(image, (width // times, height // times), interpolation=cv2.INTER_AREA) if times > 1 else image
    return np.asarray(small if small.ndim == 2 else cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)


def seen_travel(first: Image, second: Image, camera: Camera, mount: Mount) -> Travel | str:
    """The motion between two grey pictures of one camera, or why they do not tell it: unclear, no_texture, no_motion."""
    a, b = followed(first, second)
    motion = np.hypot(*(b - a).T)
    low = a[:, 1] > first.shape[0] / 2
    # What stays where it is while the road runs by is a part of the vehicle.
    moves = ~low | (motion > STILL_PX)
    if moves.sum() < LEAST_INLIERS or not low.any():
        return "no_texture"
    if np.median(motion[low]) < LEAST_MOTION_PX:
        return "no_motion"
    rays = [each for at in np.flatnonzero(moves) if (each := _rays(camera, a[at], b[at])) is not None]
    first_rays, second_rays = np.array(rays).reshape(-1, 2, 2).transpose(1, 0, 2)
    agreed = agreeing(first_rays, second_rays)
    found = travel(first_rays[agreed], second_rays[agreed], mount.road_from_camera()[0])
    if found is None or found.inliers.sum() < LEAST_INLIERS or np.degrees(found.sigma_rad) > WORST_SIGMA_DEG:
        return "unclear"
    return found


def followed(first: Image, second: Image) -> tuple[Array, Array]:
    """Corners of the first picture and where they are in the second, [N, 2] each: those that, followed back, come home (Lucas-Kanade)."""
    half = cv2.resize(first, (first.shape[1] // 2, first.shape[0] // 2), interpolation=cv2.INTER_AREA)
    at_half = cv2.goodFeaturesToTrack(half, CORNERS, 0.01, CORNERS_APART_PX)
    if at_half is None:
        return np.empty((0, 2)), np.empty((0, 2))
    corners = 2 * at_half + np.float32(0.5)
    there, found, _ = cv2.calcOpticalFlowPyrLK(
        first, second, corners, np.empty_like(corners), winSize=WINDOW_PX, maxLevel=LEVELS
    )
    back, found_back, _ = cv2.calcOpticalFlowPyrLK(
        second, first, there, np.empty_like(corners), winSize=WINDOW_PX, maxLevel=LEVELS
    )
    off = np.hypot(*(back - corners).reshape(-1, 2).T)
    kept = (found.ravel() > 0) & (found_back.ravel() > 0) & (off < BACK_PX)
    return corners.reshape(-1, 2)[kept].astype(float), there.reshape(-1, 2)[kept].astype(float)


def agreeing(first_rays: Array, second_rays: Array) -> npt.NDArray[np.bool_]:
    """Which points [N] agree with one motion (MAGSAC++): least squares come after it, since one wrong point may hold the way fast."""
    if len(first_rays) < LEAST_INLIERS:
        return np.zeros(len(first_rays), bool)
    _, agree = cv2.findEssentialMat(first_rays, second_rays, np.eye(3), cv2.USAC_MAGSAC, 0.999, AGREE_RAD)
    return np.zeros(len(first_rays), bool) if agree is None else np.asarray(agree).ravel() > 0


def _rays(camera: Camera, first: Array, second: Array) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Directions of a point in both pictures; None where the lens tells none."""
    with suppress(OutsideField):
        return camera.ray(*first.tolist()), camera.ray(*second.tolist())
    return None
