"""Do the error regions of ground points and of fused passes hold what they say? Monte Carlo with fixed seeds against known truth."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from math import hypot, radians
from pathlib import Path

import numpy as np
import numpy.typing as npt
from place_row import Row

from calibration.camera import Camera
from calibration.fuse import GroundLook, PassNoise, bearing_rad, fused
from calibration.ground import (
    TERMS,
    Noise,
    foot_from_pixel,
    ground_of_box,
    partials,
    pixel_from_ground,
    with_terms,
)
from calibration.mount import Mount

CAMERA = Camera((1280, 720), (700.0, 700.0), (639.5, 359.5))
CHI2 = {0.50: 1.386, 0.95: 5.991}
DRAWS, PASSES = 20_000, 4_000
ASSUMED = Noise(nod_deg=1e-6, slope_deg=1e-6, kerb_m=1e-6, pixel_u_px=1.5, pixel_v_px=1.5, depth_m=1e-6)
F64 = npt.NDArray[np.float64]
Draw = Callable[[np.random.Generator, float], float]


def normal(rng: np.random.Generator, sigma: float) -> float:
    """An error that is as the sigma says."""
    return float(rng.normal(0.0, sigma))


def wild(rng: np.random.Generator, sigma: float) -> float:
    """An error of a sigma that was assumed wrong by up to half, with heavy tails: Student's t of four degrees of freedom, of that variance."""
    return float(rng.standard_t(4) / 2**0.5 * sigma * rng.uniform(0.5, 1.5))


def mount_of(pitch_sigma_deg: float, height_m: float = 1.4) -> Mount:
    """The mount as the estimate knows it."""
    return Mount(height_m, 2.0, 0.0, 0.0, pitch_sigma_deg, 0.3, 0.3, 0.03)


def drawn(mount: Mount, rng: np.random.Generator, draw: Draw) -> Mount:
    """The mount as it really is."""
    return replace(
        mount,
        pitch_deg=mount.pitch_deg + draw(rng, mount.pitch_sigma_deg), roll_deg=mount.roll_deg + draw(rng, mount.roll_sigma_deg),
        yaw_deg=mount.yaw_deg + draw(rng, mount.yaw_sigma_deg), height_m=mount.height_m + draw(rng, mount.height_sigma_m),
    )  # fmt: skip


def level_foot(pixel_px: tuple[float, float], mount: Mount) -> tuple[float, float] | None:
    """Where a ray meets a level road, however near the horizon; None above it."""
    ahead, left, up = mount.road_from_camera() @ np.array((*CAMERA.ray(*pixel_px), 1.0))
    return None if up >= -1e-9 else (float(mount.height_m / -up * ahead), float(mount.height_m / -up * left))


def held(mount: Mount, forward_m: float, draw: Draw, count: int, seed: int = 1) -> dict[float, float]:
    """Share of draws whose true point lies in the 50 and 95 % region of (bearing, 1 / range). A ray that misses the ground counts as outside."""
    rng, inside = np.random.default_rng(seed), dict.fromkeys(CHI2, 0)
    for _ in range(count):
        left_m = float(rng.uniform(-2, 2))
        u, v = pixel_from_ground(forward_m, left_m, 0.0, CAMERA, drawn(mount, rng, draw))
        seen = u + draw(rng, ASSUMED.pixel_u_px), v + draw(rng, ASSUMED.pixel_v_px)
        foot = level_foot(seen, mount)
        if foot is None:
            continue
        point = with_terms(seen, foot, CAMERA, mount, ASSUMED, 0.0)
        off = np.array(
            (np.arctan2(left_m, forward_m) - point.bearing_left_rad, 1 / hypot(forward_m, left_m) - 1 / point.range_m)
        )
        d2 = float(off @ np.linalg.solve(point.polar_covariance, off))
        for share, bound in CHI2.items():
            inside[share] += d2 < bound
    return {share: number / count for share, number in inside.items()}


@dataclass(frozen=True)
class Drive:
    """A pass by a thing 2 m to the left: looks evenly from 15 to 6 m before it, with what is wrong in all of them and in each."""

    looks: int
    pitch_sigma_deg: float
    fix_sigma_m: float
    nod_deg: float = 0.3
    position_own_m: float = 0.3
    heading_deg: float = 1.0


def driven(drive: Drive, rng: np.random.Generator) -> tuple[list[GroundLook], F64]:
    """Looks of one pass along north as the vehicle believes them, and where the thing really is."""
    believed = replace(mount_of(drive.pitch_sigma_deg), yaw_sigma_deg=1e-6)
    real = drawn(believed, rng, normal)
    thing = np.array((-2.0, 0.0))
    turn_deg, shift = normal(rng, drive.heading_deg), rng.normal(0, drive.fix_sigma_m, 2)
    noise = replace(ASSUMED, nod_deg=drive.nod_deg)
    looks = []
    for ahead_m in np.linspace(15, 6, drive.looks):
        now = replace(real, pitch_deg=real.pitch_deg + normal(rng, drive.nod_deg))
        u, v = pixel_from_ground(float(ahead_m), 2.0, 0.0, CAMERA, now)
        seen = u + normal(rng, 1.5), v + normal(rng, 1.5)
        foot = level_foot(seen, believed)
        assert foot is not None
        east, north = np.array((0.0, -ahead_m)) + shift + rng.normal(0, drive.position_own_m, 2)
        looks.append(
            GroundLook(float(east), float(north), turn_deg, 0.0, with_terms(seen, foot, CAMERA, believed, noise, 0.0))
        )
    return looks, thing


def together(looks: Sequence[GroundLook], drive: Drive) -> tuple[F64, F64]:
    """The pass with its shared terms, and the receiver's shift on top."""
    noise = PassNoise(1e-6, drive.position_own_m, drive.heading_deg, 1e-6)
    told = fused(looks, noise) or fused(looks[-1:], noise)
    assert told is not None
    return told[0], told[1] + np.eye(2) * drive.fix_sigma_m**2


def as_independent(looks: Sequence[GroundLook], drive: Drive) -> tuple[F64, F64]:
    """The mistake: every look's covariance, weighted as if no error were shared."""
    total, weighted = np.zeros((2, 2)), np.zeros(2)
    for look in looks:
        bearing, heading = bearing_rad(look), radians(look.heading_deg)
        toward = np.array((np.sin(bearing), np.cos(bearing)))
        turn = np.array(((np.sin(heading), -np.cos(heading)), (np.cos(heading), np.sin(heading))))
        across = np.array((toward[1], -toward[0])) * look.foot.range_m * radians(drive.heading_deg)
        own = drive.position_own_m**2 + drive.fix_sigma_m**2
        covariance = turn @ look.foot.covariance_m2 @ turn.T + np.outer(across, across) + np.eye(2) * own
        inverse = np.linalg.inv(covariance)
        total += inverse
        weighted += inverse @ (np.array((look.east_m, look.north_m)) + look.foot.range_m * toward)
    covariance = np.linalg.inv(total)
    return covariance @ weighted, covariance


def pass_held(
    drive: Drive, fuse: Callable[[Sequence[GroundLook], Drive], tuple[F64, F64]], count: int, seed: int = 2
) -> dict[float, float]:
    """Share of passes whose thing lies in the 50 and 95 % ellipse."""
    rng, inside = np.random.default_rng(seed), dict.fromkeys(CHI2, 0)
    for _ in range(count):
        looks, thing = driven(drive, rng)
        point, covariance = fuse(looks, drive)
        d2 = float((thing - point) @ np.linalg.solve(covariance, thing - point))
        for share, bound in CHI2.items():
            inside[share] += d2 < bound
    return {share: number / count for share, number in inside.items()}


def round_trip_m() -> float:
    """The farthest that a ground point comes back from where it was, through a bent lens and back."""
    apart = [
        hypot(back[0] - forward, back[1] - left)
        for forward in np.linspace(3, 20, 18)
        for left in np.linspace(-3, 3, 7)
        for back in [foot_from_pixel(pixel_from_ground(float(forward), float(left), 0.0, BENT, TILTED), BENT, TILTED)]
    ]
    return max(apart)


def partials_off() -> float:
    """The largest relative difference of a partial derivative from the numeric one; per term, so that a small column counts as much as a large one."""
    worst = 0.0
    for forward, left in ((5.0, 1.0), (12.0, -3.0), (20.0, 2.0)):
        pixel = pixel_from_ground(forward, left, 0.0, BENT, TILTED)
        analytic, numeric = partials(pixel, (forward, left), BENT, TILTED), numeric_partials(pixel, (forward, left))
        worst = max(worst, float(np.max(np.hypot(*(analytic - numeric).T) / np.hypot(*numeric.T))))
    return worst


def numeric_partials(pixel: tuple[float, float], foot: tuple[float, float], step: float = 1e-5) -> F64:
    """Central differences of where the ray meets the road, one row for each of TERMS."""

    def met(
        pitch: float = 0,
        roll: float = 0,
        yaw: float = 0,
        height: float = 0,
        slope: float = 0,
        kerb: float = 0,
        u: float = 0,
        v: float = 0,
    ) -> F64:
        turned = [
            np.degrees(each) + was
            for each, was in ((pitch, TILTED.pitch_deg), (roll, TILTED.roll_deg), (yaw, TILTED.yaw_deg))
        ]
        mount = replace(TILTED, pitch_deg=turned[0], roll_deg=turned[1], yaw_deg=turned[2])
        ahead, side, up = mount.road_from_camera() @ np.array((*BENT.ray(pixel[0] + u, pixel[1] + v), 1.0))
        return np.array((ahead, side)) * (TILTED.height_m + height - kerb) / (slope * ahead - up)

    by_name = {name: name for name in ("pitch", "roll", "yaw", "height", "slope", "kerb")} | {
        "nod": "pitch",
        "pixel_u": "u",
        "pixel_v": "v",
    }
    rows = [
        np.array(foot) / hypot(*foot)
        if name == "depth"
        else (met(**{by_name[name]: step}) - met(**{by_name[name]: -step})) / 2 / step
        for name in TERMS
    ]
    return np.array(rows)


def locate_ms() -> float:
    """Milliseconds of processor time that locating a box takes."""
    mount, boxes = mount_of(1.0), [(600.0 + i % 50, 300.0, 700.0 + i % 50, 500.0 + i % 40) for i in range(2000)]
    began = time.process_time()
    for box in boxes:
        ground_of_box(box, BENT, mount)
    return (time.process_time() - began) / len(boxes) * 1000


def figures(_: Path | None) -> list[Row]:
    """The rows that need no data of others."""
    said = {cell: held(mount_of(cell[0]), cell[1], normal, DRAWS) for cell in CELLS}
    wildest = min(held(mount_of(sigma), forward, wild, DRAWS)[0.95] for sigma, forward in CELLS)
    joined = [pass_held(drive, together, PASSES) for drive in DRIVES]
    apart = [pass_held(drive, as_independent, PASSES // 10) for drive in DRIVES]
    trip, off, cost = round_trip_m(), partials_off(), locate_ms()
    return [
        Row("project, unproject: farthest apart", f"{trip:.1e} m", "< 1e-6 m", trip < 1e-6),
        Row("partial derivatives against numeric ones", f"{off:.1e}", "< 1e-4", off < 1e-4),
        _band("region of a ground point, 95 %", [each[0.95] for each in said.values()], 0.94, 0.96),
        _band("region of a ground point, 50 %", [each[0.50] for each in said.values()], 0.48, 0.52),
        Row("the same, sigmas wrong by half and heavy tails, 95 %", f"{wildest:.1%} at least", ">= 85 %", wildest >= 0.85),
        _band("fused pass, 95 %", [each[0.95] for each in joined], 0.93, 0.97),
        _band("fused pass, 50 %", [each[0.50] for each in joined], 0.46, 0.54),
        Row("the same, looks taken as independent, 95 % (must fail)", _span([each[0.95] for each in apart]), "outside 93-97 %",
            all(not 0.93 <= each[0.95] <= 0.97 for each in apart)),
        Row("locating a box, processor time", f"{cost:.3f} ms", "<= 0.2 ms", cost <= 0.2),
    ]  # fmt: skip


def _band(what: str, shares: Sequence[float], least: float, most: float) -> Row:
    return Row(what, _span(shares), f"{least:.0%} to {most:.0%}", all(least <= share <= most for share in shares))


def _span(shares: Sequence[float]) -> str:
    return f"{min(shares):.1%} to {max(shares):.1%}"


CELLS = [(sigma, forward) for sigma in (0.3, 1.0, 2.0) for forward in (5.0, 10.0, 15.0)] + [(0.3, 20.0), (1.0, 20.0)]
"""Pitch sigmas in degrees and distances in metres."""
DRIVES = (Drive(10, 0.3, 0.5), Drive(10, 0.3, 2.0), Drive(10, 1.0, 0.5), Drive(10, 1.0, 2.0), Drive(30, 1.0, 2.0))
BENT = replace(CAMERA, distortion=(-0.2, 0.05, 0.001, -0.001))
TILTED = Mount(1.4, 7.0, 1.0, -2.0, 0.2, 0.3, 0.3, 0.03)
