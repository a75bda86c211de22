"""Height, pitch, roll and yaw of a camera from marks on the ground whose places were measured with a tape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import hypot

import numpy as np
import numpy.typing as npt

from calibration.camera import Camera, OutsideField
from calibration.mount import HEIGHTS_M, STEEPEST_ROLL_DEG, Mount

Array = npt.NDArray[np.float64]
LEAST = 3
CLICK_SIGMA_PX, TAPE_SIGMA_M = 1.5, 0.02
LEAN_SIGMA_DEG = 0.3
"""Standing still says nothing of how the body leans under its load."""
ALIGNED_SIGMA_DEG = 0.5
"""The tape's "ahead" is only so well the vehicle's: 5 cm at 5 m."""
BESIDE_M = 0.3
WORST_SIGMAS = 4.0
STARTS_DEG = (0.0, 10.0, 20.0, 35.0, 50.0)
PARTS = ("height_m", "pitch_deg", "roll_deg", "yaw_deg")
NUDGE = 1e-4


class BadMarks(Exception):
    """Marks that tell no mount; the text names the mark and says what to do."""


@dataclass(frozen=True)
class Mark:
    """A point of the ground: its pixel, and its place from the point on the ground right under the camera. `name` is for error texts."""

    u_px: float
    v_px: float
    forward_m: float
    left_m: float
    name: str

    def __str__(self) -> str:
        return f"the mark of {self.name} ({self.forward_m:g} m ahead, {self.left_m:g} m left, seen at {self.u_px:g}, {self.v_px:g})"


@dataclass(frozen=True)
class Solved:
    """The mount, and how far each mark is seen from where the mount puts it."""

    mount: Mount
    residuals_px: tuple[float, ...]


def solve_mount(marks: Sequence[Mark], camera: Camera) -> Solved:
    """The mount that puts marks where they are seen: least squares over pixels (Gauss-Newton), tape and pixel both erring.

    Sigmas are those of the fit, and what no fit can tell on top. Raises BadMarks.
    """
    _refuse(marks, camera)
    mount, cost, normal = _fitted(marks, camera)
    off = _off(marks, camera, mount)
    if off is None:
        raise BadMarks(
            "no mount puts these marks before the camera: see that forward_m is ahead and left_m to the left"
        )
    sigmas = np.abs(_whitened(marks, camera, mount)).reshape(-1, 2).max(axis=1)
    if sigmas.max() > WORST_SIGMAS:
        raise BadMarks(_why(marks, camera, sigmas, off))
    if not HEIGHTS_M[0] <= mount.height_m <= HEIGHTS_M[1] or abs(mount.roll_deg) > STEEPEST_ROLL_DEG:
        raise BadMarks(
            f"the marks say {mount.height_m:.2f} m high and {mount.roll_deg:.0f}° of roll, which no camera on a vehicle is: see that forward_m and left_m are metres from the point on the ground under the camera"
        )
    freedom = max(1, 2 * len(marks) - len(PARTS))
    spread = np.sqrt(np.diag(np.linalg.inv(normal)) * max(1.0, cost / freedom)).tolist()
    mount = replace(
        mount, height_sigma_m=round(max(0.01, spread[0]), 3), pitch_sigma_deg=round(hypot(spread[1], LEAN_SIGMA_DEG), 2),
        roll_sigma_deg=round(hypot(spread[2], LEAN_SIGMA_DEG), 2), yaw_sigma_deg=round(hypot(spread[3], ALIGNED_SIGMA_DEG), 2),
    )  # fmt: skip
    return Solved(mount, tuple(np.hypot(*off.T).round(1).tolist()))


def _refuse(marks: Sequence[Mark], camera: Camera) -> None:
    if len(marks) < LEAST:
        raise BadMarks(f"{len(marks)} marks are too few: measure at least {LEAST}, better 6, between 2 and 10 m ahead")
    width, height = camera.size_px
    for mark in marks:
        if mark.forward_m <= 0:
            raise BadMarks(f"{mark} lies behind the camera: forward_m counts from the point on the ground under it")
        if not (-0.5 <= mark.u_px <= width - 0.5 and -0.5 <= mark.v_px <= height - 0.5):
            raise BadMarks(f"{mark} lies outside of the picture of {width}x{height} pixels")
    ground = np.array([(mark.forward_m, mark.left_m) for mark in marks])
    beside_m = np.linalg.svd(ground - ground.mean(axis=0), compute_uv=False)[-1] / np.sqrt(len(marks))
    if beside_m < BESIDE_M:
        raise BadMarks(
            f"all {len(marks)} marks lie in a line ({100 * beside_m:.0f} cm beside it on average): lay some a metre or more to its side"
        )


def _why(marks: Sequence[Mark], camera: Camera, sigmas: Array, off: Array) -> str:
    """Which mark does not fit, or what is wrong with all of them."""
    mirrored = [replace(mark, left_m=-mark.left_m) for mark in marks]
    if _fitted(mirrored, camera)[1] < 0.1 * float(np.square(sigmas).sum()):
        return "left and right seem to be mixed up: left_m is positive to the left of the camera's way, negative to the right"
    worst = int(sigmas.argmax())
    if len(marks) > LEAST + 1:
        without = [_fitted([*marks[:at], *marks[at + 1 :]], camera)[1] for at in range(len(marks))]
        worst = int(np.argmin(without))
        rest = _off([marks[worst]], camera, _fitted([*marks[:worst], *marks[worst + 1 :]], camera)[0])
        off_px = float(np.hypot(*rest[0])) if rest is not None else float("inf")
    else:
        off_px = float(np.hypot(*off[worst]))
    return f"{marks[worst]} does not fit the others: they put it {off_px:.0f} px from there; measure it again, or leave it out"


def _fitted(marks: Sequence[Mark], camera: Camera) -> tuple[Mount, float, Array]:
    """The best mount, its cost in squared sigmas, and the normal matrix [4, 4] of PARTS. Damped steps from several pitches."""
    return min((_descended(marks, camera, Mount(1.4, start)) for start in STARTS_DEG), key=lambda found: found[1])


def _descended(marks: Sequence[Mark], camera: Camera, mount: Mount) -> tuple[Mount, float, Array]:
    off, damping, normal = _whitened(marks, camera, mount), 1.0, np.eye(4)
    for _ in range(60):
        slopes = [(_whitened(marks, camera, _nudged(mount, part, NUDGE)) - off) / NUDGE for part in PARTS]
        jacobian = np.nan_to_num(np.stack(slopes, axis=1))
        normal = jacobian.T @ jacobian
        step = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), -jacobian.T @ np.nan_to_num(off))
        there = mount
        for part, by in zip(PARTS, step.tolist(), strict=True):
            there = _nudged(there, part, by)
        then = _whitened(marks, camera, there)
        if float(then @ then) < float(off @ off):
            is_still = float(np.abs(step).max()) < 1e-7
            mount, off, damping = there, then, damping / 5
            if is_still:
                break
        elif damping > 1e8:
            break
        else:
            damping *= 5
    return mount, float(off @ off), normal + 1e-12 * np.eye(4)


def _nudged(mount: Mount, part: str, by: float) -> Mount:
    return replace(mount, **{part: getattr(mount, part) + by})


def _whitened(marks: Sequence[Mark], camera: Camera, mount: Mount) -> Array:
    """How far marks are seen from where a mount puts them, in sigmas [2 N]; a thousand where it puts one out of sight."""
    off = _off(marks, camera, mount)
    if off is None:
        return np.full(2 * len(marks), 1e3)
    ahead, aside = (
        _off([replace(m, forward_m=m.forward_m + x, left_m=m.left_m + y) for m in marks], camera, mount)
        for x, y in ((NUDGE, 0.0), (0.0, NUDGE))
    )
    if ahead is None or aside is None:
        return np.full(2 * len(marks), 1e3)
    by_tape = np.stack((ahead - off, aside - off), axis=2) / NUDGE * TAPE_SIGMA_M
    covariance = by_tape @ by_tape.transpose(0, 2, 1) + CLICK_SIGMA_PX**2 * np.eye(2)
    return np.linalg.solve(np.linalg.cholesky(covariance), off[..., None]).ravel()


def _off(marks: Sequence[Mark], camera: Camera, mount: Mount) -> Array | None:
    """Where a mount puts marks less where they are seen, [N, 2] in pixels; None if one is not before the camera, or outside of its lens's field."""
    ground = np.array([(mark.forward_m, mark.left_m, -mount.height_m) for mark in marks])
    local = ground @ mount.road_from_camera()
    if (local[:, 2] <= 0.05).any():
        return None
    try:
        put = [camera.pixel(x / z, y / z) for x, y, z in local.tolist()]
    except OutsideField:
        return None
    return np.array(put) - [(mark.u_px, mark.v_px) for mark in marks]
