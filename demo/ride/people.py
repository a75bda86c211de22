"""People on the pavement, out of tubes and balls, with a painted face."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from demo.ride.shapes import rotation

if TYPE_CHECKING:
    from demo.ride.street import Site

CLOTHES = (
    (0.09, 0.1, 0.13),
    (0.16, 0.18, 0.24),
    (0.42, 0.1, 0.1),
    (0.3, 0.3, 0.32),
    (0.62, 0.6, 0.56),
    (0.12, 0.2, 0.34),
    (0.3, 0.24, 0.18),
    (0.18, 0.24, 0.16),
)


def person(site: Site, x: float, y: float, yaw: float, lift_m: float = 0.0) -> None:
    """A walking person about 1.7 m tall, facing `yaw` (counter-clockwise from +x); on a saddle, lifted."""
    rng, mesh = site.rng, site.mesh
    ground, tall = (0.14 if abs(y) > 5 else 0.0) + lift_m, float(rng.uniform(0.93, 1.06))
    turn = rotation(yaw)

    def at(forward: float, left: float, up: float) -> npt.NDArray[np.float64]:
        return np.asarray(np.array((x, y, ground)) + turn @ np.array((forward, left, up)) * tall)

    site.place("person", (x, y), (0.5, 0.5, 1.72 * tall))
    coat = site.paint("cloth", CLOTHES[int(rng.integers(len(CLOTHES)))])
    trousers = site.paint("cloth", CLOTHES[int(rng.integers(4))])
    skin, hair = site.paint("cloth", (0.74, 0.55, 0.44)), site.paint("cloth", (0.07, 0.06, 0.055))
    stride = float(rng.uniform(0.1, 0.26))
    for left, sign in ((0.1, 1), (-0.1, -1)):
        knee, foot = at(sign * stride * 0.6, left, 0.48), at(sign * stride, left, 0.05)
        mesh.tube(at(0, left, 0.92), knee, (0.1, 0.075), trousers)
        mesh.tube(knee, foot, (0.075, 0.055), trousers)
        mesh.ball(
            foot + turn @ np.array((0.07, 0, 0)),
            (0.14, 0.055, 0.055),
            site.paint("cloth", (0.08, 0.07, 0.07)),
            detail=6,
            yaw=yaw,
        )
        elbow, hand = at(-sign * stride * 0.4, left * 2.5, 1.12), at(-sign * stride * 0.5 + 0.1, left * 2.6, 0.86)
        mesh.tube(at(0, left * 2.0, 1.4), elbow, (0.065, 0.055), coat)
        mesh.tube(elbow, hand, (0.055, 0.04), coat)
        mesh.ball(hand, (0.05, 0.04, 0.06), skin, detail=6)
    mesh.ball(at(0, 0, 1.17), (0.14 * tall, 0.22 * tall, 0.34 * tall), coat, rng, 0.05, detail=9, yaw=yaw)
    mesh.ball(at(0, 0, 0.93), (0.13, 0.18, 0.14), trousers, detail=7, yaw=yaw)
    mesh.tube(at(0, 0, 1.42), at(0, 0, 1.52), 0.055, skin)
    mesh.ball(at(0.0, 0, 1.6), (0.105, 0.085, 0.13), site.paint("face"), detail=12, yaw=yaw - 0.85)
    mesh.ball(at(-0.022, 0, 1.645), (0.108, 0.096, 0.112), hair, detail=9, yaw=yaw)
    if rng.random() < 0.35:
        mesh.box(
            at(-0.2, 0, 1.22), (0.16, 0.3, 0.42), site.paint("cloth", CLOTHES[int(rng.integers(len(CLOTHES)))]), yaw=yaw
        )
    site.done()
