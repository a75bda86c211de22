"""Which way a camera travels, told by points followed from one picture to the next, and what a mount's pitch and yaw are by that."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
STEPS, SOFT, SCALED = 30, 5, 9
"""Steps at most; those with Cauchy's weights, from afar; those after which the scale stays as it is."""
STILL_RAD = 5e-5
FOLLOWED_RAD = 2e-4
"""A tenth of a pixel of a halved 720p picture: nothing is followed better, so no point counts as an outlier for less."""
CAUCHY, TUKEY = 2.385, 4.685
"""With so many sigmas either kind of weights loses 5 % where noise is normal."""
TOO_FAR = 3.0
NEAR_RAD = 0.15
"""Any point lies on the line to itself: what is so near to the way counts less, else each outlier is a hole in which the way gets stuck."""


@dataclass(frozen=True, eq=False)
class Travel:
    """Motion between two pictures. `direction` [3] is the way the camera went, in its own axes half-way between; `turn_rad` [3] how its axes turned.

    `sigma_rad` is what followed points alone leave open about the direction (the worse axis); `inliers` says which of them fit.
    """

    direction: Array
    turn_rad: Array
    sigma_rad: float
    inliers: npt.NDArray[np.bool_]


def travel(rays_a: npt.ArrayLike, rays_b: npt.ArrayLike, forward: npt.ArrayLike) -> Travel | None:
    """The motion that explains how points moved: directions (x/z, y/z) [N, 2] in the first and in the second picture.

    Turn and direction together minimise Sampson's first-order epipolar distance (Hartley and Zisserman, Multiple View Geometry, 11.4.3)
    with Cauchy's, then Tukey's weights, by Gauss-Newton from no turn and a guess of the way `forward` [3]. None if that does not settle.
    """
    a, b = (
        np.column_stack((each, np.ones(len(each)))) for each in (np.asarray(rays_a, float), np.asarray(rays_b, float))
    )
    if len(a) < 8:
        return None
    way, turn = np.asarray(forward, float) / np.linalg.norm(forward), np.eye(3)
    scale = FOLLOWED_RAD
    for number in range(STEPS):
        residual, jacobian, lever = _epipolar(a, b, way, turn)
        if number < SCALED:
            scale = max(FOLLOWED_RAD, 1.4826 * float(np.median(np.abs(residual))))
        square = (residual / scale) ** 2
        weights = 1 / (1 + square / CAUCHY**2) if number < SOFT else np.maximum(1 - square / TUKEY**2, 0) ** 2
        weights *= np.minimum(lever / NEAR_RAD, 1) ** 2
        normal = jacobian.T @ (weights[:, None] * jacobian)
        try:
            step = -np.linalg.solve(normal + 1e-12 * np.eye(5), jacobian.T @ (weights * residual))
        except np.linalg.LinAlgError:
            return None
        right, down = _across(way)
        way = way + np.clip(step[0], -0.3, 0.3) * right + np.clip(step[1], -0.3, 0.3) * down
        way /= np.linalg.norm(way)
        turn = rotation(np.clip(step[2:], -0.1, 0.1)) @ turn
        if number >= SOFT and float(np.abs(step).max()) < STILL_RAD:
            break
    else:
        return None
    inliers = np.abs(residual) < TOO_FAR * scale
    covariance = np.linalg.inv(normal + 1e-12 * np.eye(5))[:2, :2] * scale**2
    turned = _vector(turn)
    # Half a turn back from the second picture is half-way between both.
    half_way = rotation(-turned / 2) @ way
    return Travel(half_way, turned, float(np.sqrt(np.linalg.eigvalsh(covariance)[-1])), inliers)


def _epipolar(a: Array, b: Array, way: Array, turn: Array) -> tuple[Array, Array, Array]:
    """Sampson's distances [N] of points from where a motion lets them be, near the middle radians, their derivatives [N, 5] by way and turn, and how far [N] they are from the way.

    The denominator has derivatives too: without them the noise of points bends the way.
    """
    matrices = [
        _cross(way) @ turn,
        *(_cross(each) @ turn for each in _across(way)),
        *(_cross(way) @ _cross(each) @ turn for each in np.eye(3)),
    ]
    there = (a @ np.concatenate(matrices).T).reshape(-1, 6, 3)
    back = (b @ np.concatenate(matrices, axis=1)).reshape(-1, 6, 3)
    off = np.einsum("ni,nki->nk", b, there)
    along = np.einsum("ni,nki->nk", there[:, 0, :2], there[..., :2]) + np.einsum(
        "ni,nki->nk", back[:, 0, :2], back[..., :2]
    )
    lever = np.sqrt(along[:, :1] + 1e-18)
    distance = off[:, :1] / lever
    derivatives = off[:, 1:] / lever - distance * along[:, 1:] / lever**2
    return distance[:, 0], derivatives, lever[:, 0]


def _cross(vector: Array) -> Array:
    """The matrix [3, 3] that makes the cross product with a vector."""
    x, y, z = vector.tolist()
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def _across(way: Array) -> tuple[Array, Array]:
    """Two directions across a way, near the camera's right and down."""
    right = np.array((way[2], 0.0, -way[0])) / np.hypot(way[2], way[0])
    return right, _cross(way) @ right


def rotation(vector_rad: Array) -> Array:
    """The rotation [3, 3] about a vector by its length (Rodrigues)."""
    angle = float(np.linalg.norm(vector_rad))
    if angle < 1e-12:
        return np.eye(3)
    cross = _cross(vector_rad / angle)
    return np.asarray(np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * cross @ cross)


def _vector(turn: Array) -> Array:
    """The rotation vector of a turn of less than half a circle."""
    axis = np.array((turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1])) / 2
    sine = float(np.linalg.norm(axis))
    return axis if sine < 1e-9 else axis / sine * float(np.arctan2(sine, (np.trace(turn) - 1) / 2))


def mount_angles(direction: npt.ArrayLike, roll_rad: float) -> tuple[float, float]:
    """Pitch and yaw in radians of a mount whose camera travels straight ahead along `direction` [3] (camera axes), its roll being known."""
    right, down, ahead = np.asarray(direction, float) / np.linalg.norm(direction)
    yaw = float(np.arcsin(np.clip(right / np.cos(roll_rad), -1, 1)))
    lean = np.arctan2(np.sin(yaw) * np.sin(roll_rad), np.cos(yaw))
    return float(np.arctan2(-down, ahead) - lean), yaw
