"""Cars, buses, trucks and two-wheelers as lofted bodies with wheels, glass and plates."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from demo.ride.shapes import Paint, rotation

if TYPE_CHECKING:
    from demo.ride.street import Site

PAINTS = (
    (0.78, 0.78, 0.78),
    (0.86, 0.86, 0.84),
    (0.1, 0.1, 0.11),
    (0.3, 0.31, 0.33),
    (0.35, 0.07, 0.07),
    (0.08, 0.14, 0.3),
    (0.5, 0.47, 0.42),
)
# Side view of the body and of the cabin: shares of length from the tail, heights in metres.
BODY = (
    (0.0, 0.45, 0.95),
    (0.03, 0.3, 1.02),
    (0.2, 0.26, 1.05),
    (0.7, 0.26, 0.98),
    (0.93, 0.28, 0.82),
    (1.0, 0.4, 0.68),
)
CABIN = ((0.1, 0.98, 1.0), (0.22, 1.0, 1.42), (0.36, 1.0, 1.5), (0.52, 1.0, 1.46), (0.72, 0.96, 1.0))


def car(site: Site, x: float, y: float, heading: int, kind: str = "car", category: str = "") -> None:
    """A vehicle with its near end at x; heading +1 drives along +x (its tail is seen first), -1 comes towards the camera."""
    length, width = {"car": (4.5, 1.78), "bus": (9.5, 2.4), "truck": (6.2, 2.1)}[kind]
    site.place(kind, (x, y), (length, width, 1.5), category)
    lacquer = site.paint("metal", PAINTS[int(site.rng.integers(len(PAINTS)))], gloss=0.6)
    if kind == "car":
        _sedan(site, x, y, heading, length, width, lacquer)
    else:
        _big(site, x, y, heading, length, width, kind, lacquer)
    _plates(site, x, y, heading, length)
    rubber, rim = site.paint("metal", (0.03, 0.03, 0.03)), site.paint("metal", (0.5, 0.5, 0.52), gloss=0.4)
    radius = 0.32 if kind == "car" else 0.45
    for share in (0.19, 0.81):
        for side in (-1, 1):
            cx, cy = x + share * length, y + side * (width / 2 - 0.1)
            site.mesh.tube(
                (cx, cy - side * 0.1, radius), (cx, cy + side * 0.12, radius), radius, rubber, sides=14, caps=True
            )
            site.mesh.tube(
                (cx, cy + side * 0.10, radius), (cx, cy + side * 0.13, radius), radius * 0.6, rim, sides=12, caps=True
            )
    site.done()


def _loft(
    site: Site,
    x: float,
    y: float,
    heading: int,
    length: float,
    profile: tuple[tuple[float, float, float], ...],
    widths: tuple[float, float],
    paint: Paint,
) -> None:
    """A body through cross-sections (share, low, high), narrower at the top."""
    rows = []
    for share, low, high in profile:
        px = x + (share if heading > 0 else 1 - share) * length
        half, top = widths[0] / 2, widths[1] / 2
        middle = low + 0.55 * (high - low)
        rows.append(
            [
                (px, y - half * 0.94, low),
                (px, y - half, middle),
                (px, y - top, high),
                (px, y, high + 0.03),
                (px, y + top, high),
                (px, y + half, middle),
                (px, y + half * 0.94, low),
            ]
        )
    site.mesh.grid(np.asarray(rows, np.float32), paint)
    for row in (rows[0], rows[-1]):
        middle_point = np.mean(row, axis=0)
        fan = [[middle_point, row[i], row[i + 1]] for i in range(len(row) - 1)]
        site.mesh.add(fan, np.zeros((len(fan), 3, 2)), paint)


def _sedan(site: Site, x: float, y: float, heading: int, length: float, width: float, lacquer: Paint) -> None:
    _loft(site, x, y, heading, length, BODY, (width, width * 0.9), lacquer)
    _loft(
        site,
        x,
        y,
        heading,
        length,
        CABIN,
        (width * 0.9, width * 0.66),
        site.paint("metal", (0.05, 0.06, 0.07), gloss=0.9),
    )
    roof = tuple((s, h - 0.02, h + 0.02) for s, h in ((0.24, 1.43), (0.36, 1.5), (0.5, 1.46)))
    _loft(site, x, y, heading, length, roof, (width * 0.7, width * 0.66), lacquer)
    tail, nose = (x - 0.01, x + length + 0.01) if heading > 0 else (x + length + 0.01, x - 0.01)
    for side in (-1, 1):
        site.mesh.box(
            (tail, y + side * width * 0.36, 0.82),
            (0.08, 0.34, 0.16),
            site.paint("metal", (0.55, 0.02, 0.02), gloss=0.5),
        )
        site.mesh.box(
            (nose, y + side * width * 0.36, 0.66), (0.1, 0.36, 0.14), site.paint("metal", (0.9, 0.9, 0.86), gloss=0.6)
        )
        site.mesh.box(
            (x + length * (0.62 if heading > 0 else 0.38), y + side * width * 0.53, 1.0), (0.14, 0.16, 0.12), lacquer
        )
    site.mesh.box((nose, y, 0.5), (0.06, 1.0, 0.14), site.paint("metal", (0.04, 0.04, 0.04)))


def _big(site: Site, x: float, y: float, heading: int, length: float, width: float, kind: str, lacquer: Paint) -> None:
    glass = site.paint("metal", (0.06, 0.08, 0.09), gloss=0.9)
    if kind == "bus":
        site.mesh.box((x + length / 2, y, 1.7), (length, width, 2.6), lacquer)
        site.mesh.box((x + length / 2, y, 2.1), (length + 0.04, width + 0.04, 0.95), glass)
    else:
        nose = x + length - 0.8 if heading > 0 else x + 0.8
        load = x + (length - 1.7) / 2 + (0 if heading > 0 else 1.7)
        site.mesh.box((nose, y, 1.25), (1.6, width, 1.7), lacquer)
        site.mesh.box((nose, y, 1.65), (1.64, width + 0.03, 0.6), glass)
        site.mesh.box((load, y, 1.45), (length - 1.8, width, 1.9), site.paint("metal", (0.3, 0.4, 0.55)))
        site.mesh.box((x + length / 2, y, 0.45), (length, width * 0.8, 0.3), site.paint("metal", (0.08, 0.08, 0.08)))


def _plates(site: Site, x: float, y: float, heading: int, length: float) -> None:
    plate = site.paint("plate")
    plate.tint = (1.0, 1.0, 1.0)
    for px, sign in ((x - 0.05, -1), (x + length + 0.05, 1)):
        a, b = (y + 0.22, y - 0.22) if sign < 0 else (y - 0.22, y + 0.22)
        site.mesh.quad((px, a, 0.5), (px, b, 0.5), (px, b, 0.64), (px, a, 0.64), plate)


def two_wheeler(site: Site, kind: str, x: float, y: float, yaw: float, category: str = "") -> None:
    """A bicycle or e-scooter, on the pavement across or along the kerb, or on the road."""
    rng, mesh = site.rng, site.mesh
    ground, turn = (0.14 if abs(y) > 5 else 0.0), rotation(yaw + float(rng.choice([0.0, np.pi])))
    radius = 0.33 if kind == "bicycle" else 0.24
    colour = ((0.1, 0.35, 0.75), (0.85, 0.65, 0.05), (0.1, 0.1, 0.1), (0.6, 0.08, 0.08))[int(rng.integers(4))]
    frame, rubber = site.paint("metal", colour, gloss=0.4), site.paint("metal", (0.04, 0.04, 0.04))

    def at(forward: float, up: float, left: float = 0.0) -> npt.NDArray[np.float64]:
        return np.asarray(np.array((x + 0.85, y, ground)) + turn @ np.array((forward, left, up)))

    site.place(kind, (x, y), (1.7, 0.5, 1.05), category)
    for end in (-0.55, 0.55):
        rim = [at(end + radius * np.cos(t), radius + radius * np.sin(t)) for t in np.linspace(0, 2 * np.pi, 15)]
        for a, b in pairwise(rim):
            mesh.tube(a, b, 0.03 if kind == "bicycle" else 0.06, rubber, sides=5)
    if kind == "bicycle":
        for p, q in (((-0.55, 0.33), (-0.1, 0.36)), ((-0.1, 0.36), (0.42, 0.78)), ((-0.1, 0.36), (-0.22, 0.86)), ((-0.22, 0.8), (0.42, 0.84)),
                     ((-0.55, 0.33), (-0.22, 0.8)), ((0.55, 0.33), (0.4, 0.98))):  # fmt: skip
            mesh.tube(at(*p), at(*q), 0.024, frame, sides=6)
        mesh.box(at(0.5, 0.86), (0.26, 0.3, 0.22), site.paint("metal", (0.25, 0.25, 0.26)))
    else:
        mesh.ball(at(-0.3, 0.5), (0.45, 0.15, 0.24), frame, detail=8, yaw=yaw)
        mesh.ball(at(0.42, 0.6), (0.12, 0.2, 0.36), frame, detail=8, yaw=yaw)
        mesh.box(at(0.1, 0.28), (0.7, 0.24, 0.1), frame, yaw=yaw)
        mesh.tube(at(0.46, 0.8), at(0.36, 1.02), 0.03, rubber)
    mesh.ball(at(-0.25, 0.9), (0.16, 0.09, 0.05), rubber, detail=6, yaw=yaw)
    mesh.tube(at(0.38, 1.0, -0.27), at(0.38, 1.0, 0.27), 0.02, rubber, sides=6)
    site.done()
