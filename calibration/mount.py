"""How a camera sits on its vehicle, and how well that is known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

ROAD_AXES_FROM_CAMERA_AXES = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])
HEIGHTS_M, STEEPEST_ROLL_DEG = (0.3, 5.0), 30.0
"""What a camera on a vehicle may be mounted at."""


@dataclass(frozen=True)
class Mount:
    """Height over the road and angles (README: signs). The sigmas are what the position's error is made of."""

    height_m: float
    pitch_deg: float
    roll_deg: float = 0.0
    yaw_deg: float = 0.0
    pitch_sigma_deg: float = 1.5
    roll_sigma_deg: float = 0.5
    yaw_sigma_deg: float = 1.0
    height_sigma_m: float = 0.03

    def road_from_camera(self) -> npt.NDArray[np.float64]:
        """Rotation [3, 3] that turns camera directions into road directions."""
        pitch, roll, yaw = np.radians((self.pitch_deg, self.roll_deg, self.yaw_deg))
        c, s = np.cos, np.sin
        about_z = np.array([[c(yaw), -s(yaw), 0], [s(yaw), c(yaw), 0], [0, 0, 1]])
        about_x = np.array([[1, 0, 0], [0, c(roll), -s(roll)], [0, s(roll), c(roll)]])
        about_y = np.array([[c(pitch), 0, s(pitch)], [0, 1, 0], [-s(pitch), 0, c(pitch)]])
        return np.asarray(about_z @ about_x @ about_y @ ROAD_AXES_FROM_CAMERA_AXES)


@cache
def road_from_camera_rows(mount: Mount) -> list[list[float]]:
    """The rotation of a mount as plain numbers, made once: for single rays, which numpy makes dear."""
    rows: list[list[float]] = mount.road_from_camera().tolist()
    return rows
