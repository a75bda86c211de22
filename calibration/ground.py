"""Where the ray through a pixel meets the road, and how far off that may be, term by term.

A term is one thing that nobody knows exactly: what one sigma of it moves the point by, in metres. Terms stay apart, because some are the same for
all looks of a pass and others are not (fuse.py).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import atan2, cos, degrees, hypot, radians, sin, tan
from operator import mul

import numpy as np
import numpy.typing as npt

from calibration.camera import Camera, OutsideField
from calibration.mount import Mount, road_from_camera_rows

TERMS = ("pitch", "nod", "roll", "yaw", "height", "slope", "kerb", "pixel_u", "pixel_v", "depth")
FAR_M = 80.0
NEAREST_M = 0.1
PIXEL_SIGMA_PX = 2.0
MIDDLE_SIGMA_SHARE = 0.05
"""How far the middle of a box may lie off the middle of the thing, in widths of the box: edges are found by their share, not by pixels."""
BORDER_PX = 3.0
DEPTH_SIGMA_SHARE = 0.3
"""Of the depth of a thing, how much it differs from its kind's: cars of all headings by 0.6 m of 1.9 m."""
SIGMAS_OF_95 = 1.959964
STEP = 1e-5
F64 = npt.NDArray[np.float64]


class NoGround(Exception):
    """The ray goes up, or so nearly level that its foot cannot be told."""


@dataclass(frozen=True)
class Noise:
    """What street and picture add to the mount's own sigmas, one each: how the vehicle nods, the road's slope ahead, how much higher or lower than the road a thing stands
    (kerbs), where the foot of its box is in the picture, and how deep it is behind its near edge."""

    nod_deg: float = 0.3
    slope_deg: float = 0.3
    kerb_m: float = 0.06
    pixel_u_px: float = PIXEL_SIGMA_PX
    pixel_v_px: float = PIXEL_SIGMA_PX
    depth_m: float = 0.2


USUAL = Noise()


@dataclass(frozen=True)
class GroundPoint:
    """A point of the road frame, and `terms` [len(TERMS), 2]: what one sigma of each moves it by, forward and left in metres."""

    forward_m: float
    left_m: float
    terms: F64

    @property
    def covariance_m2(self) -> F64:
        """First order, [2, 2] in m² of (forward, left)."""
        return np.asarray(self.terms.T @ self.terms)

    @property
    def range_m(self) -> float:
        return hypot(self.forward_m, self.left_m)

    @property
    def bearing_left_rad(self) -> float:
        """Angle from straight ahead, positive to the left."""
        return atan2(self.left_m, self.forward_m)

    @property
    def polar_terms(self) -> F64:
        """The terms in (bearing to the left in radians, 1 / range in 1/m), where they stay linear far out: range is not, in the angle."""
        return np.asarray(self.terms @ polar_from_road(self.forward_m, self.left_m).T)

    @property
    def polar_covariance(self) -> F64:
        """[2, 2] of (bearing, 1 / range)."""
        polar = self.polar_terms
        return np.asarray(polar.T @ polar)

    def range_between_m(self) -> tuple[float, float]:
        """Nearest and farthest range of 95 % along the bearing."""
        return range_between_m(self.range_m, float(np.hypot.reduce(self.polar_terms[:, 1])))


def range_between_m(range_m: float, inverse_sigma_per_m: float) -> tuple[float, float]:
    """Nearest and farthest range of 95 % by the sigma of 1 / range, none beyond FAR_M."""
    inverse, spread = 1 / range_m, SIGMAS_OF_95 * inverse_sigma_per_m
    return 1 / (inverse + spread), 1 / max(inverse - spread, 1 / max(FAR_M, range_m))


def polar_from_road(forward_m: float, left_m: float) -> F64:
    """Derivatives [2, 2] of (bearing to the left, 1 / range) by (forward, left)."""
    squared = forward_m**2 + left_m**2
    return np.array(((-left_m, forward_m), (-forward_m / squared**0.5, -left_m / squared**0.5))) / squared


def tilt_sigma_rad(mount: Mount) -> float:
    """How sure the angle to the road is: the mount's pitch, the vehicle's nodding and the road's slope."""
    return radians(hypot(mount.pitch_sigma_deg, USUAL.nod_deg, USUAL.slope_deg))


def foot_from_pixel(pixel_px: tuple[float, float], camera: Camera, mount: Mount) -> tuple[float, float]:
    """Where the ray through a pixel meets a level road, forward and left in metres, without its error: a tenth of the price.

    Raises NoGround above the horizon and within three sigmas of it, and outside of the lens's field.
    """
    try:
        ray = (*camera.ray(*pixel_px), 1.0)
    except OutsideField as wrong:
        raise NoGround(str(wrong)) from None
    ahead, left, up = (sum(map(mul, row, ray)) for row in road_from_camera_rows(mount))
    below, least = atan2(-up, hypot(ahead, left)), 3 * tilt_sigma_rad(mount)
    if below <= least or mount.height_m / tan(below) > FAR_M:
        raise NoGround(
            f"the ray is {degrees(below):.1f}° below the horizon, needed are more than {degrees(least):.1f}°"
        )
    return mount.height_m / -up * ahead, mount.height_m / -up * left


def ground_from_pixel(
    pixel_px: tuple[float, float], camera: Camera, mount: Mount, noise: Noise = USUAL, depth_m: float = 0.0
) -> GroundPoint:
    """Pixel in, road point out, `depth_m` farther along its bearing (from the near edge of a thing to its middle). Level road assumed.

    Raises NoGround above the horizon and within three sigmas of it.
    """
    foot_m = foot_from_pixel(pixel_px, camera, mount)
    return with_terms(pixel_px, foot_m, camera, mount, noise, depth_m)


def with_terms(
    pixel_px: tuple[float, float],
    foot_m: tuple[float, float],
    camera: Camera,
    mount: Mount,
    noise: Noise,
    depth_m: float,
) -> GroundPoint:
    """A pixel's foot as a ground point, `depth_m` farther, with all it may be off by, however near the horizon it is."""
    terms = partials(pixel_px, foot_m, camera, mount) * np.array(_sigmas(mount, noise))[:, None]
    range_m = hypot(*foot_m)
    farther = max(range_m + depth_m, NEAREST_M) / range_m
    along = np.array(foot_m) / range_m
    # What is off across the bearing grows with the range, what is off along it does not.
    carried = farther * np.eye(2) + (1 - farther) * np.outer(along, along)
    return GroundPoint(foot_m[0] * farther, foot_m[1] * farther, terms @ carried)


def ground_of_box(
    box_px: tuple[float, float, float, float],
    camera: Camera,
    mount: Mount,
    depth_m: float = 0.0,
    above_m: float = 0.0,
    noise: Noise = USUAL,
) -> GroundPoint:
    """Where a thing stands, by the middle of its box's lower edge: `depth_m` behind that, on ground `above_m` over the road. Of a box that the picture's
    border cuts half may be hidden.

    Raises NoGround as `ground_from_pixel` does.
    """
    x1, y1, x2, y2 = box_px
    beside, below = is_cut(box_px, camera)
    seen = replace(
        noise,
        pixel_u_px=hypot(noise.pixel_u_px, (0.5 if beside else MIDDLE_SIGMA_SHARE) * (x2 - x1)),
        pixel_v_px=hypot(noise.pixel_v_px, 0.5 * (y2 - y1) if below else 0.0),
        depth_m=hypot(noise.depth_m, DEPTH_SIGMA_SHARE * depth_m),
    )
    pixel = (x1 + x2) / 2, y2
    x, y = foot_from_pixel(pixel, camera, mount)
    lowered = max(mount.height_m - above_m, NEAREST_M) / mount.height_m
    return with_terms(pixel, (x * lowered, y * lowered), camera, mount, seen, depth_m)


def is_cut(box_px: tuple[float, float, float, float], camera: Camera) -> tuple[bool, bool]:
    """Whether a box ends at the picture's left or right border, and whether at its lower one, so that it shows a part of its thing."""
    width, height = camera.size_px
    return box_px[0] < BORDER_PX or box_px[2] > width - BORDER_PX, box_px[3] > height - BORDER_PX


def partials(pixel_px: tuple[float, float], point_m: tuple[float, float], camera: Camera, mount: Mount) -> F64:
    """What a radian, a metre or a pixel of each term moves the foot of a pixel's ray by, [len(TERMS), 2] forward and left in metres.

    A turn of the camera about an axis of the road frame shifts the ray (x, y, -h) by axis × ray; a shift of the ray's end is carried down along the ray.
    """
    (x, y), h = point_m, mount.height_m
    rows, yaw, roll, range_m = (
        road_from_camera_rows(mount),
        radians(mount.yaw_deg),
        radians(mount.roll_deg),
        hypot(x, y),
    )
    depth_m = rows[0][2] * x + rows[1][2] * y - rows[2][2] * h
    (by_u, by_v) = _ray_by_pixel(pixel_px, camera)

    def down(ahead: float, left: float, up: float) -> tuple[float, float]:
        return ahead + x * up / h, left + y * up / h

    def turned(a: float, b: float, c: float) -> tuple[float, float]:
        return down(-h * b - c * y, c * x + h * a, a * y - b * x)

    def seen(dx: float, dy: float) -> tuple[float, float]:
        ahead, left, up = (depth_m * (row[0] * dx + row[1] * dy) for row in rows)
        return down(ahead, left, up)

    pitched = turned(-sin(yaw) * cos(roll), cos(yaw) * cos(roll), sin(roll))
    return np.array((
        pitched, pitched, turned(cos(yaw), sin(yaw), 0.0), (-y, x),
        (x / h, y / h), (-x * x / h, -x * y / h), (-x / h, -y / h),
        seen(*by_u), seen(*by_v), (x / range_m, y / range_m),
    ))  # fmt: skip


def _sigmas(mount: Mount, noise: Noise) -> tuple[float, ...]:
    """One sigma of each of TERMS, in radians, metres and pixels."""
    return (
        radians(mount.pitch_sigma_deg), radians(noise.nod_deg), radians(mount.roll_sigma_deg), radians(mount.yaw_sigma_deg), mount.height_sigma_m,
        radians(noise.slope_deg), noise.kerb_m, noise.pixel_u_px, noise.pixel_v_px, noise.depth_m,
    )  # fmt: skip


def _ray_by_pixel(pixel_px: tuple[float, float], camera: Camera) -> tuple[tuple[float, float], tuple[float, float]]:
    """How a ray (x/z, y/z) moves with a pixel to the right and with one down: the inverse of how pixels move with rays, which needs no iterations."""
    x, y = camera.ray(*pixel_px)
    try:
        (u0, v0), (u1, v1) = camera.pixel(x - STEP, y), camera.pixel(x + STEP, y)
        (u2, v2), (u3, v3) = camera.pixel(x, y - STEP), camera.pixel(x, y + STEP)
    except OutsideField as wrong:
        raise NoGround(str(wrong)) from None
    ux, vx, uy, vy = (u1 - u0) / 2 / STEP, (v1 - v0) / 2 / STEP, (u3 - u2) / 2 / STEP, (v3 - v2) / 2 / STEP
    area = ux * vy - uy * vx
    return (vy / area, -vx / area), (-uy / area, ux / area)


def pixel_from_ground(
    forward_m: float, left_m: float, up_m: float, camera: Camera, mount: Mount
) -> tuple[float, float]:
    """The pixel of a road-frame point in front of the camera. Raises NoGround if it lies behind, or outside of the lens's field."""
    local = mount.road_from_camera().T @ np.array((forward_m, left_m, up_m - mount.height_m))
    if local[2] <= 0:
        raise NoGround("the point lies behind the camera")
    try:
        return camera.pixel(float(local[0] / local[2]), float(local[1] / local[2]))
    except OutsideField as wrong:
        raise NoGround(str(wrong)) from None
