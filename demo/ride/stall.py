"""What a stall is made of: a table with goods, chairs and a parasol."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from demo.ride.shapes import rotation

if TYPE_CHECKING:
    from demo.ride.street import Site

GROUND_M = 0.14
CLOTHS = ((0.62, 0.08, 0.08), (0.1, 0.22, 0.5), (0.75, 0.74, 0.7), (0.12, 0.36, 0.2), (0.72, 0.45, 0.08))
GOODS = ((0.75, 0.3, 0.05), (0.7, 0.1, 0.1), (0.2, 0.5, 0.15), (0.8, 0.75, 0.2), (0.4, 0.3, 0.5))
TABLE_M, SEAT_M = 0.74, 0.45


def table(site: Site, x: float, y: float, category: str = "") -> None:
    """A folding table along the kerb, 1.2 m long, something to sell on it. Its middle stands at x, y."""
    rng, mesh = site.rng, site.mesh
    site.place("dining_table", (x - 0.6, y), (1.2, 0.7, 1.0), category)
    metal, top = site.paint("metal", (0.4, 0.41, 0.42)), site.paint("wood", (0.85, 0.75, 0.6))
    mesh.box((x, y, GROUND_M + TABLE_M), (1.2, 0.7, 0.05), top)
    for dx, dy in ((-0.52, -0.28), (-0.52, 0.28), (0.52, -0.28), (0.52, 0.28)):
        mesh.tube((x + dx, y + dy, GROUND_M), (x + dx, y + dy, GROUND_M + TABLE_M), 0.022, metal, sides=6)
    for _ in range(14):
        r, tone = float(rng.uniform(0.06, 0.11)), GOODS[int(rng.integers(len(GOODS)))]
        at = (x + rng.uniform(-0.5, 0.5), y + rng.uniform(-0.26, 0.26), GROUND_M + TABLE_M + 0.02 + r * 0.8)
        mesh.ball(at, (r, r, r * 0.8), site.paint("cloth", tone), detail=6)
    site.done()


def chair(site: Site, x: float, y: float) -> None:
    """A plastic chair, its back turned to anywhere."""
    yaw, tone = float(site.rng.uniform(0, 2 * np.pi)), CLOTHS[int(site.rng.integers(len(CLOTHS)))]
    turn, paint = rotation(yaw), site.paint("metal", tone, gloss=0.3)
    site.place("chair", (x - 0.25, y), (0.5, 0.5, 0.9))

    def at(forward: float, left: float, up: float) -> np.ndarray:
        return np.asarray(np.array((x, y, GROUND_M)) + turn @ np.array((forward, left, up)))

    site.mesh.box(at(0, 0, SEAT_M), (0.45, 0.45, 0.05), paint, yaw=yaw, skip_bottom=False)
    site.mesh.box(at(-0.21, 0, SEAT_M + 0.24), (0.04, 0.43, 0.44), paint, yaw=yaw)
    for forward, left in ((-0.19, -0.19), (-0.19, 0.19), (0.19, -0.19), (0.19, 0.19)):
        site.mesh.tube(at(forward, left, 0), at(forward, left, SEAT_M), 0.025, paint, sides=6)
    site.done()


def parasol(site: Site, x: float, y: float) -> None:
    """A large parasol on a foot of concrete, in gores of two colours."""
    first = int(site.rng.integers(len(CLOTHS)))
    tones = CLOTHS[first], CLOTHS[(first + 2) % len(CLOTHS)]
    site.place("umbrella", (x - 0.3, y), (2.4, 2.4, 2.4))
    peak, rim, ring = np.array((x, y, GROUND_M + 2.45)), GROUND_M + 2.0, np.linspace(0, 2 * np.pi, 9)
    for number, (a, b) in enumerate(pairwise(ring)):
        corners = [np.array((x + 1.2 * np.cos(each), y + 1.2 * np.sin(each), rim)) for each in (a, b)]
        low = [corner - (0, 0, 0.18) for corner in corners]
        paint = site.paint("cloth", tones[number % 2])
        site.mesh.add([[corners[0], corners[1], peak]], np.zeros((1, 3, 2)), paint)
        site.mesh.quad(low[0], low[1], corners[1], corners[0], paint)
    site.mesh.tube((x, y, GROUND_M), peak, 0.03, site.paint("metal", (0.7, 0.7, 0.68)), sides=6)
    site.mesh.box((x, y, GROUND_M + 0.08), (0.5, 0.5, 0.16), site.paint("concrete", (0.7, 0.68, 0.64)))
    site.done()
