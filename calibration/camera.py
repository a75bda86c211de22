"""A pinhole camera with radial and tangential distortion (OpenCV's model and order: k1 k2 p1 p2 k3)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SAME_SHAPE = 0.01
"""Width to height of two sizes may differ by so much, as 1281x721 does from 1280x720."""


class OtherShape(Exception):
    """Pictures of another shape than the camera is known at; the text says both sizes and what to do."""


@dataclass(frozen=True)
class Camera:
    """`size_px` (width, height), `focal_px` (fx, fy), `centre_px` (cx, cy); pixel (0, 0) is the centre of the top-left one."""

    size_px: tuple[int, int]
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, ...] = ()

    def ray(self, u_px: float, v_px: float) -> tuple[float, float]:
        """Direction (x/z, y/z) in the camera frame of the light that falls on a pixel."""
        x0 = (u_px - self.centre_px[0]) / self.focal_px[0]
        y0 = (v_px - self.centre_px[1]) / self.focal_px[1]
        x, y = x0, y0
        for _ in range(20 if self.distortion else 0):
            dx, dy, radial = self._bend(x, y)
            x, y = (x0 - dx) / radial, (y0 - dy) / radial
        return x, y

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a direction (x/z, y/z): the inverse of `ray`."""
        dx, dy, radial = self._bend(x, y)
        return self.centre_px[0] + self.focal_px[0] * (x * radial + dx), self.centre_px[1] + self.focal_px[1] * (
            y * radial + dy
        )

    def scaled_to(self, width_px: int, height_px: int) -> Camera:
        """The same camera for pictures of another size."""
        sx, sy = width_px / self.size_px[0], height_px / self.size_px[1]
        return Camera(
            (width_px, height_px), (self.focal_px[0] * sx, self.focal_px[1] * sy),
            (sx * (self.centre_px[0] + 0.5) - 0.5, sy * (self.centre_px[1] + 0.5) - 0.5), self.distortion,
        )  # fmt: skip

    def fitted_to(self, width_px: int, height_px: int) -> Camera:
        """The same camera for pictures that really come: scaled if they have its shape.

        Raises OtherShape if not: nobody knows then which part of the lens's picture they are.
        """
        (width, height), came = self.size_px, f"{width_px}x{height_px}"
        if (width_px, height_px) == (width, height):
            return self
        if abs(width_px * height / (height_px * width) - 1) > SAME_SHAPE:
            raise OtherShape(
                f"pictures of {came} pixels do not fit a camera known at {width}x{height}, places would be wrong: let the camera give "
                f"{width}x{height}, or calibrate it at {came} (size_px in camera.toml) and ask it for that ([camera] in edge.toml)"
            )
        return self.scaled_to(width_px, height_px)

    def _bend(self, x: float, y: float) -> tuple[float, float, float]:
        if not self.distortion:
            return 0.0, 0.0, 1.0
        k1, k2, p1, p2, k3 = (*self.distortion, 0.0, 0.0, 0.0, 0.0, 0.0)[:5]
        r2 = x * x + y * y
        radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
        return 2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y, radial


def camera_of_field_of_view(width_px: int, height_px: int, horizontal_deg: float) -> Camera:
    """A camera without distortion of a given horizontal field of view."""
    focal = width_px / 2 / float(np.tan(np.radians(horizontal_deg / 2)))
    return Camera((width_px, height_px), (focal, focal), ((width_px - 1) / 2, (height_px - 1) / 2))
