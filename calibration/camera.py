"""Cameras: pinhole with radial and tangential distortion (OpenCV's k1 k2 p1 p2 k3), and fisheye (OpenCV's k1 k2 k3 k4).

The fisheye model is that of Kannala and Brandt, doi:10.1109/TPAMI.2006.153: the angle off the axis is what is distorted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import atan, hypot, radians, tan
from typing import Literal

import numpy as np

SAME_SHAPE = 0.01
"""Width to height of two sizes may differ by so much, as 1281x721 does from 1280x720."""
FLATTEST = 0.05
"""The field ends where a step outwards moves the picture by a twentieth of what it does in the middle: soon after, it turns back."""
WIDEST_RAD = radians(85)
"""A direction is (x/z, y/z), which has no sense at 90° off the axis; distorted cameras tell none beyond this."""

Model = Literal["pinhole", "fisheye"]


class OtherShape(Exception):
    """Pictures of another shape than the camera is known at; the text says both sizes and what to do."""


class OutsideField(Exception):
    """A pixel or a direction for which the camera's distortion says nothing; the text says which."""


@dataclass(frozen=True)
class Camera:
    """`size_px` (width, height), `focal_px` (fx, fy), `centre_px` (cx, cy); pixel (0, 0) is the centre of the top-left one.

    `distortion` has up to five numbers (pinhole) or up to four (fisheye).
    """

    size_px: tuple[int, int]
    focal_px: tuple[float, float]
    centre_px: tuple[float, float]
    distortion: tuple[float, ...] = ()
    model: Model = "pinhole"

    def ray(self, u_px: float, v_px: float) -> tuple[float, float]:
        """Direction (x/z, y/z) in the camera frame of the light that falls on a pixel. Raises OutsideField."""
        x = (u_px - self.centre_px[0]) / self.focal_px[0]
        y = (v_px - self.centre_px[1]) / self.focal_px[1]
        if not self._is_bent:
            return x, y
        bent, most = hypot(x, y), _bent(self._field, self._radial)
        if bent < 1e-12:
            return x, y
        straight = _unbent(min(bent, most), self._radial, self._field)
        if self._is_skewed:
            found = self._refined(x, y, straight / bent)
        elif bent <= most + 1e-12:
            length = tan(straight) if self.model == "fisheye" else straight
            found = x * length / bent, y * length / bent
        else:
            found = None
        if found is None:
            raise OutsideField(f"pixel ({u_px:.0f}, {v_px:.0f}) lies outside of the lens's field")
        return found

    def pixel(self, x: float, y: float) -> tuple[float, float]:
        """The pixel of a direction (x/z, y/z): the inverse of `ray`. Raises OutsideField."""
        if self._is_bent:
            r = hypot(x, y)
            straight = atan(r) if self.model == "fisheye" else r
            if straight > self._field:
                raise OutsideField(
                    f"a direction {np.degrees(atan(r)):.0f}° off the axis lies outside of the lens's field"
                )
            scale = _bent(straight, self._radial) / r if r > 1e-12 else 1.0
            dx, dy = self._skew(x, y)
            x, y = x * scale + dx, y * scale + dy
        return self.centre_px[0] + self.focal_px[0] * x, self.centre_px[1] + self.focal_px[1] * y

    def scaled_to(self, width_px: int, height_px: int) -> Camera:
        """The same camera for pictures of another size."""
        sx, sy = width_px / self.size_px[0], height_px / self.size_px[1]
        return replace(
            self, size_px=(width_px, height_px), focal_px=(self.focal_px[0] * sx, self.focal_px[1] * sy),
            centre_px=(sx * (self.centre_px[0] + 0.5) - 0.5, sy * (self.centre_px[1] + 0.5) - 0.5),
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

    @cached_property
    def _is_bent(self) -> bool:
        return self.model == "fisheye" or any(self.distortion)

    @cached_property
    def _tangential(self) -> tuple[float, float]:
        p1, p2 = (*self.distortion, 0.0, 0.0, 0.0, 0.0)[2:4]
        return (p1, p2) if self.model == "pinhole" else (0.0, 0.0)

    @cached_property
    def _is_skewed(self) -> bool:
        return any(self._tangential)

    @cached_property
    def _radial(self) -> tuple[float, float, float, float]:
        """The factors of r³, r⁵, r⁷, r⁹ (pinhole: r = tan of the angle off the axis; fisheye: the angle)."""
        k1, k2, k3, k4, k5 = (*self.distortion, 0.0, 0.0, 0.0, 0.0, 0.0)[:5]
        return (k1, k2, k3, k4) if self.model == "fisheye" else (k1, k2, k5, 0.0)

    @cached_property
    def _field(self) -> float:
        """The largest r, or angle, up to which the distorted one grows with it.

        Eight times the tangential part is taken off the slope: then the derivative of the distortion, a symmetric matrix, is
        positive in the whole disc, and no two directions fall on one pixel.
        """
        widest = WIDEST_RAD if self.model == "fisheye" else tan(WIDEST_RAD)
        k1, k2, k3, k4 = self._radial
        slope = [9 * k4, 0, 7 * k3, 0, 5 * k2, 0, 3 * k1, -8 * hypot(*self._tangential), 1 - FLATTEST]
        roots = np.roots([part if abs(part) > 1e-12 else 0.0 for part in slope])
        ends = [float(root.real) for root in roots if abs(root.imag) < 1e-9 and root.real > 0]
        return min([*ends, widest])

    def _skew(self, x: float, y: float) -> tuple[float, float]:
        p1, p2 = self._tangential
        r2 = x * x + y * y
        return 2 * p1 * x * y + p2 * (r2 + 2 * x * x), p1 * (r2 + 2 * y * y) + 2 * p2 * x * y

    def _refined(self, x0: float, y0: float, share: float) -> tuple[float, float] | None:
        """What is distorted to (x0, y0), by Newton's method from `share` of it; None if nothing in the field is."""
        (k1, k2, k3, _), (p1, p2) = self._radial, self._tangential
        x, y = x0 * share, y0 * share
        for _ in range(30):
            r2 = x * x + y * y
            if r2 > self._field**2:
                back = 0.999 * self._field / r2**0.5
                x, y, r2 = x * back, y * back, r2 * back * back
            radial = 1 + r2 * (k1 + r2 * (k2 + r2 * k3))
            dx, dy = self._skew(x, y)
            off_x, off_y = x * radial + dx - x0, y * radial + dy - y0
            if abs(off_x) + abs(off_y) < 1e-12 * (1 + abs(x0) + abs(y0)):
                return x, y
            slope = 2 * (k1 + r2 * (2 * k2 + r2 * 3 * k3))
            xx = radial + x * x * slope + 2 * p1 * y + 6 * p2 * x
            xy = x * y * slope + 2 * p1 * x + 2 * p2 * y
            yy = radial + y * y * slope + 6 * p1 * y + 2 * p2 * x
            determinant = xx * yy - xy * xy
            x, y = x - (yy * off_x - xy * off_y) / determinant, y - (xx * off_y - xy * off_x) / determinant
        return None


def _bent(r: float, radial: Sequence[float]) -> float:
    k1, k2, k3, k4 = radial
    r2 = r * r
    return r * (1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4))))


def _unbent(bent: float, radial: Sequence[float], field: float) -> float:
    """The r up to `field` that is bent to `bent`: Newton's method within a bracket that only shrinks."""
    k1, k2, k3, k4 = radial
    low, high = 0.0, field
    r = min(bent, field)
    for _ in range(60):
        r2 = r * r
        off = r * (1 + r2 * (k1 + r2 * (k2 + r2 * (k3 + r2 * k4)))) - bent
        if abs(off) < 1e-13:
            break
        low, high = (low, r) if off > 0 else (r, high)
        r -= off / (1 + r2 * (3 * k1 + r2 * (5 * k2 + r2 * (7 * k3 + r2 * 9 * k4))))
        if not low <= r <= high:
            r = (low + high) / 2
    return r


def camera_of_field_of_view(width_px: int, height_px: int, horizontal_deg: float) -> Camera:
    """A camera without distortion of a given horizontal field of view."""
    focal = width_px / 2 / float(np.tan(np.radians(horizontal_deg / 2)))
    return Camera((width_px, height_px), (focal, focal), ((width_px - 1) / 2, (height_px - 1) / 2))
