"""Where the ray through a pixel meets a level road, and how far off that may be."""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, degrees, hypot, radians, tan
from operator import mul

import numpy as np
import numpy.typing as npt

from calibration.camera import Camera
from calibration.mount import Mount, road_from_camera_rows

SLOPE_SIGMA_DEG = 0.3
PIXEL_SIGMA_PX = 2.0
FAR_M = 80.0


class NoGround(Exception):
    """The ray goes up, or so nearly level that its foot cannot be told."""


@dataclass(frozen=True)
class GroundPoint:
    """A point of the road frame: forward and left in metres, covariance [2, 2] in m² of (forward, left), and the 95 % range along the bearing."""

    forward_m: float
    left_m: float
    covariance_m2: npt.NDArray[np.float64]
    near_m: float
    far_m: float

    @property
    def range_m(self) -> float:
        return float(np.hypot(self.forward_m, self.left_m))

    @property
    def bearing_left_rad(self) -> float:
        """Angle from straight ahead, positive to the left."""
        return float(np.arctan2(self.left_m, self.forward_m))


def tilt_sigma_rad(mount: Mount) -> float:
    """How sure the angle to the road is: the mount's pitch and the road's slope."""
    return radians(hypot(mount.pitch_sigma_deg, SLOPE_SIGMA_DEG))


def foot_from_pixel(pixel_px: tuple[float, float], camera: Camera, mount: Mount) -> tuple[float, float]:
    """Where the ray through a pixel meets a level road, forward and left in metres, without its error: a tenth of the price.

    Raises NoGround above the horizon and within three sigmas of it.
    """
    ray = (*camera.ray(*pixel_px), 1.0)
    ahead, left, up = (sum(map(mul, row, ray)) for row in road_from_camera_rows(mount))
    below, least = atan2(-up, hypot(ahead, left)), 3 * tilt_sigma_rad(mount)
    if below <= least or mount.height_m / tan(below) > FAR_M:
        raise NoGround(
            f"the ray is {degrees(below):.1f}° below the horizon, needed are more than {degrees(least):.1f}°"
        )
    return mount.height_m / -up * ahead, mount.height_m / -up * left


def ground_from_pixel(pixel_px: tuple[float, float], camera: Camera, mount: Mount) -> GroundPoint:
    """Pixel in, road point out. Raises NoGround above the horizon and within three sigmas of it.

    Level road assumed. First-order covariance of pitch (with the road's slope), roll, yaw, height and pixel; the near and far range
    come from the angle below the horizon itself, because range is not linear in it.
    """
    x, y = foot_from_pixel(pixel_px, camera, mount)
    h, tilt_sigma, below = mount.height_m, tilt_sigma_rad(mount), atan2(mount.height_m, hypot(x, y))
    range_m = float(np.hypot(x, y))
    pixel_rad = PIXEL_SIGMA_PX / camera.focal_px[1]
    columns = np.array([
        (-(x * x + h * h) / h * tilt_sigma, -x * y / h * tilt_sigma),
        (x * y / h * np.radians(mount.roll_sigma_deg), (y * y + h * h) / h * np.radians(mount.roll_sigma_deg)),
        (-y * np.radians(mount.yaw_sigma_deg), x * np.radians(mount.yaw_sigma_deg)),
        (x / h * mount.height_sigma_m, y / h * mount.height_sigma_m),
        (-(x * x + h * h) / h * pixel_rad, -x * y / h * pixel_rad),
        (0.0, range_m * pixel_rad),
    ]).T  # fmt: skip
    spread = 1.96 * float(np.hypot(tilt_sigma, pixel_rad))
    near = h / np.tan(below + spread)
    far = h / np.tan(below - spread) if below > spread * 1.02 else FAR_M
    return GroundPoint(x, y, columns @ columns.T, float(near), float(min(far, FAR_M)))


def pixel_from_ground(
    forward_m: float, left_m: float, up_m: float, camera: Camera, mount: Mount
) -> tuple[float, float]:
    """The pixel of a road-frame point in front of the camera. Raises NoGround if it lies behind."""
    local = mount.road_from_camera().T @ np.array((forward_m, left_m, up_m - mount.height_m))
    if local[2] <= 0:
        raise NoGround("the point lies behind the camera")
    return camera.pixel(float(local[0] / local[2]), float(local[1] / local[2]))
