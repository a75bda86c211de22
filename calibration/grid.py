"""Metres on the road as lines in the picture, by which anyone sees whether a camera file is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from math import cos, radians, sin
from typing import Literal

import numpy as np
import numpy.typing as npt

from calibration.camera import Camera, OutsideField
from calibration.ground import NoGround, pixel_from_ground
from calibration.mount import Mount

AHEAD_M = (*range(1, 6), *range(10, 51, 5))
ASIDE_M = range(-5, 6)
STROKES_M = np.concatenate((np.arange(0.5, 5, 0.1), np.arange(5, 20, 0.5), np.arange(20, 51, 2.5)))
HORIZON_DEG = range(80, -81, -2)


@dataclass(frozen=True)
class Line:
    """A line on the road: its strokes [N, 2] in pixels within the picture, and its label, for whose place the first one's first point is best."""

    kind: Literal["ahead", "aside", "horizon"]
    label: str
    strokes: tuple[npt.NDArray[np.float64], ...]


def grid(camera: Camera, mount: Mount) -> list[Line]:
    """Lines across the way each metre up to 5 m, then each 5 m; along it each metre to both sides; and the horizon. Unseen ones are left out."""

    def on_road(forward_m: float, left_m: float) -> tuple[float, float]:
        return pixel_from_ground(forward_m, left_m, 0.0, camera, mount)

    def far(bearing_deg: float) -> tuple[float, float]:
        ahead, left = cos(radians(bearing_deg)), sin(radians(bearing_deg))
        return pixel_from_ground(1e6 * ahead, 1e6 * left, 0.0, camera, mount)

    sides = np.linspace(ASIDE_M[-1], ASIDE_M[0], 81)
    lines = [Line("ahead", f"{x} m", _strokes(camera, lambda y, x=x: on_road(x, y), sides)) for x in AHEAD_M]  # type: ignore[misc]
    lines += [Line("aside", "", _strokes(camera, lambda x, y=y: on_road(x, y), STROKES_M)) for y in ASIDE_M]  # type: ignore[misc]
    lines.append(Line("horizon", "horizon", _strokes(camera, far, HORIZON_DEG)))
    return [line for line in lines if line.strokes]


def _strokes(
    camera: Camera, place: Callable[[float], tuple[float, float]], along: Iterable[float]
) -> tuple[npt.NDArray[np.float64], ...]:
    """The parts of a line that the picture shows, each a little over its border."""
    width, height = camera.size_px
    strokes: list[list[tuple[float, float]]] = [[]]
    for each in along:
        try:
            u, v = place(float(each))
            is_near = -width < u < 2 * width and -height < v < 2 * height
        except (NoGround, OutsideField):
            is_near = False
        if is_near:
            strokes[-1].append((u, v))
        elif strokes[-1]:
            strokes.append([])
    inside = [np.array(stroke) for stroke in strokes if len(stroke) > 1]
    return tuple(s for s in inside if np.any((s > 0).all(axis=1) & (s < (width, height)).all(axis=1)))
