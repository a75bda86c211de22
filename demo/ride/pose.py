"""Where the ride's camera is and how it sees."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

FIELD_OF_VIEW_DEG = 75.0
NEAR_M = 0.3


@dataclass(frozen=True)
class Pose:
    """Where the camera is: street metres; yaw counter-clockwise from +x, pitch nose down, roll left side up, radians."""

    x_m: float
    y_m: float
    z_m: float
    yaw_rad: float = 0.0
    pitch_rad: float = 0.0
    roll_rad: float = 0.0


def camera_axes(pose: Pose) -> npt.NDArray[np.float64]:
    """Rows: the camera's right, down and forward directions in street axes."""
    cy, sy = np.cos(pose.yaw_rad), np.sin(pose.yaw_rad)
    cp, sp = np.cos(pose.pitch_rad), np.sin(pose.pitch_rad)
    cr, sr = np.cos(pose.roll_rad), np.sin(pose.roll_rad)
    yaw = np.array([[cy, -sy, 0], [sy, cy, 0], [0, 0, 1]])
    pitch = np.array([[cp, 0, sp], [0, 1, 0], [-sp, 0, cp]])
    roll = np.array([[1, 0, 0], [0, cr, -sr], [0, sr, cr]])
    base = np.array([[0, 0, 1], [-1, 0, 0], [0, -1, 0]])
    return np.asarray((yaw @ roll @ pitch @ base).T)


def focal_px(width: int) -> float:
    """Focal length in pixels of a picture of this width."""
    return width / 2 / float(np.tan(np.radians(FIELD_OF_VIEW_DEG / 2)))
