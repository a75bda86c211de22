"""Where bearings of several looks cross, and how far off that may be. For things whose foot does not stand on the road."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

ELLIPSE_95 = 2.4477  # half-axis of the 95 % ellipse in sigmas: sqrt(chi2 of two degrees of freedom at 0.95)
LONGEST_M = 12.0
"""A crossing whose 95 % ellipse is longer to one side tells no place."""
STEPS = 12


@dataclass(frozen=True)
class BearingNoise:
    """What a look's bearing and position are off by alone, and what the bearings of a pass are off by together; one sigma each.

    `own_rad` may be one number or [N]. The position's shared part is not in here: it moves the point as it is, and the caller adds it.
    """

    own_rad: npt.ArrayLike
    shared_rad: float
    own_position_m: float


def crossing(
    origins_m: npt.ArrayLike, bearings_rad: npt.ArrayLike, noise: BearingNoise
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]] | None:
    """The point (east, north in metres, [2]) that fits bearings best, and its covariance [2, 2] in m².

    `origins_m` [N, 2] are east and north of the looks, `bearings_rad` [N] clockwise from north. Maximum likelihood by Gauss-Newton,
    a look weighing by its own noise; the covariance is first-order: own noise as (JᵀWJ)⁻¹, and what the looks share on top, since
    no number of looks makes it less. A shared turn of all bearings moves the point along the circle through the looks and the point.
    None if it lies behind a look, or if the parallax is too little: the 95 % ellipse, without the shared position, is longer than
    LONGEST_M to one side.
    """
    origins, bearings = np.asarray(origins_m, np.float64), np.asarray(bearings_rad, np.float64)
    normals = np.stack((np.cos(bearings), -np.sin(bearings)), axis=1)
    point, _, rank, _ = np.linalg.lstsq(normals, np.einsum("ij,ij->i", normals, origins), rcond=1e-6)
    if rank < 2:
        return None
    for _ in range(STEPS):
        predicted, rows, weights = _linearised(origins, point, noise)
        normal = rows.T @ (weights[:, None] * rows)
        if np.linalg.cond(normal) > 1e9:
            return None
        off = (bearings - predicted + np.pi) % (2 * np.pi) - np.pi
        step = np.linalg.solve(normal, rows.T @ (weights * off))
        point = point + step
        if np.hypot(*step) < 1e-4:
            break
    else:
        return None
    predicted, rows, weights = _linearised(origins, point, noise)
    if np.any(np.abs((bearings - predicted + np.pi) % (2 * np.pi) - np.pi) > np.pi / 4):
        return None
    own = np.linalg.inv(rows.T @ (weights[:, None] * rows))
    turned = own @ rows.T @ weights * noise.shared_rad
    relative = own + np.outer(turned, turned)
    return (point, relative) if ELLIPSE_95 * np.sqrt(np.linalg.eigvalsh(relative)[-1]) <= LONGEST_M else None


def _linearised(
    origins: npt.NDArray[np.float64], point: npt.NDArray[np.float64], noise: BearingNoise
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Bearings [N] to a point, their derivatives [N, 2] by its east and north, and weights [N]."""
    way = point - origins
    ranges = np.maximum(np.hypot(way[:, 0], way[:, 1]), 0.1)
    rows = np.stack((way[:, 1], -way[:, 0]), axis=1) / ranges[:, None] ** 2
    return np.arctan2(way[:, 0], way[:, 1]), rows, 1 / (np.square(noise.own_rad) + (noise.own_position_m / ranges) ** 2)
