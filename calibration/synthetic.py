"""Worlds whose truth is known: a road, a ride on it, what its camera sees and its receiver says. Pure, and the same for the same seed."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from calibration.camera import Camera, OutsideField, camera_of_field_of_view
from calibration.geodesy import moved
from calibration.gnss import Position
from calibration.mount import Mount

Array = npt.NDArray[np.float64]
ORIGIN_DEG = (37.8706, 112.5489)
STEP_S = 0.01
SHAKES_HZ = (0.7, 1.6, 3.1, 6.5)
NEAREST_M = 0.3


@dataclass(frozen=True)
class Road:
    """A straight road from the origin. Its height is one long wave whose slope has this root mean square; beyond `half_width_m` the ground is `kerb_m` higher."""

    heading_deg: float = 0.0
    slope_deg: float = 0.0
    wave_m: float = 60.0
    phase_rad: float = 0.0
    kerb_m: float = 0.0
    half_width_m: float = 3.5

    def surface_m(self, along_m: Array) -> Array:
        """Height of the carriageway."""
        return np.asarray(
            np.sqrt(2) * np.tan(np.radians(self.slope_deg)) * self.wave_m / (2 * np.pi)
            * np.sin(2 * np.pi * along_m / self.wave_m + self.phase_rad)
        )  # fmt: skip

    def point_m(self, along_m: npt.ArrayLike, left_m: npt.ArrayLike, above_m: npt.ArrayLike = 0.0) -> Array:
        """East, north, up [..., 3] of points `above_m` over the ground at ways along the road and left of its middle."""
        along, left, above = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in (along_m, left_m, above_m)))
        up = self.surface_m(along) + self.kerb_m * (np.abs(left) > self.half_width_m) + above
        s, c = np.sin(np.radians(self.heading_deg)), np.cos(np.radians(self.heading_deg))
        return np.stack((along * s - left * c, along * c + left * s, up), axis=-1)


@dataclass(frozen=True)
class Ride:
    """How a vehicle drives along a road's middle, shakes, sees and is located; `camera` and `mount` are the true ones.

    `turns` are (from s, to s, ° a second to the left). The camera sits `lever_m` before the axle it turns about. Pitch, roll and height of
    the body shake with these root mean squares. A picture's last row is read `rolling_shutter_s` after its first. The receiver is off by
    white noise, and by a bias that is drawn once and wanders over `fix_bias_s`; the course by white noise, and by a bias that stays.
    """

    camera: Camera = field(default_factory=lambda: camera_of_field_of_view(960, 540, 75.0))
    mount: Mount = field(default_factory=lambda: Mount(height_m=1.4, pitch_deg=7.0))
    road: Road = Road()
    length_m: float = 60.0
    speed_mps: float = 4.0
    fps: float = 10.0
    turns: tuple[tuple[float, float, float], ...] = ()
    lever_m: float = 1.1
    pitch_shake_deg: float = 0.3
    roll_shake_deg: float = 0.0
    height_shake_m: float = 0.0
    rolling_shutter_s: float = 0.0
    fix_white_m: float = 0.3
    fix_bias_m: float = 2.0
    fix_bias_s: float = 60.0
    course_white_deg: float = 0.0
    course_bias_deg: float = 0.0


@dataclass(frozen=True)
class Thing:
    """An upright block on the ground, its sides along the road."""

    along_m: float
    left_m: float
    width_m: float = 0.6
    height_m: float = 0.8
    depth_m: float = 0.0


class Motion:
    """Where the camera of a ride is at any instant: all that a seed decides about it."""

    def __init__(self, ride: Ride, rng: np.random.Generator) -> None:
        self.ride = ride
        self._times = np.arange(-1.0, ride.length_m / ride.speed_mps + 1.0, STEP_S)
        rate = np.zeros_like(self._times)
        for from_s, to_s, turn_deg in ride.turns:
            rate[(self._times >= from_s) & (self._times < to_s)] += np.radians(turn_deg)
        self._left_rad = np.cumsum(rate) * STEP_S
        along = np.cumsum(np.cos(self._left_rad)) * STEP_S * ride.speed_mps
        self._along_m = along - np.interp(0.0, self._times, along)
        self._left_m = np.cumsum(np.sin(self._left_rad)) * STEP_S * ride.speed_mps
        self._shakes = [(rng.uniform(1, 1.5, 4) * SHAKES_HZ, rng.uniform(0, 2 * np.pi, 4)) for _ in range(3)]

    def pose(self, t_s: npt.ArrayLike) -> tuple[Array, Array]:
        """Eye (east, north, up) [N, 3] and world_from_camera [N, 3, 3] at instants [N]."""
        t, ride = np.atleast_1d(np.asarray(t_s, np.float64)), self.ride
        turned = np.interp(t, self._times, self._left_rad)
        axle = np.interp(t, self._times, self._along_m)
        along = axle + ride.lever_m * np.cos(turned)
        left = np.interp(t, self._times, self._left_m) + ride.lever_m * np.sin(turned)
        slope = (ride.road.surface_m(along) - ride.road.surface_m(axle)) / ride.lever_m
        pitch = np.radians(ride.pitch_shake_deg) * self._shake(0, t) - np.arctan(slope)
        roll = np.radians(ride.roll_shake_deg) * self._shake(1, t)
        above = ride.mount.height_m + ride.height_shake_m * self._shake(2, t)
        yaw = np.pi / 2 - np.radians(ride.road.heading_deg) + turned
        # The kerb is for others: the vehicle stays on the carriageway.
        eye = ride.road.point_m(along, left)
        eye[:, 2] = ride.road.surface_m(along) + above
        return eye, _about_z(yaw) @ _about_x(roll) @ _about_y(pitch) @ ride.mount.road_from_camera()

    def heading_deg(self, t_s: float) -> float:
        """The course of the axle, clockwise from north."""
        return float(self.ride.road.heading_deg - np.degrees(np.interp(t_s, self._times, self._left_rad))) % 360

    def _shake(self, which: int, t: Array) -> Array:
        """A sum of four sines with a root mean square of 1."""
        rates_hz, phases = self._shakes[which]
        return np.asarray(np.sin(2 * np.pi * rates_hz * t[:, None] + phases).sum(axis=1) / np.sqrt(2))


@dataclass(frozen=True, eq=False)
class SyntheticFrame:
    """One picture's truth (`eye_m` east, north, up; the pose of its middle row), and what the receiver says of that instant."""

    number: int
    t_s: float
    motion: Motion
    eye_m: Array
    world_from_camera: Array
    fix: Position
    fix_m: tuple[float, float]

    def pixels(self, points_m: npt.ArrayLike) -> Array:
        """Where points (east, north, up) [N, 3] are seen, [N, 2]; NaN for those behind the camera or outside of the picture."""
        points, ride = np.asarray(points_m, np.float64).reshape(-1, 3), self.motion.ride
        width, height = ride.camera.size_px
        found = np.full((len(points), 2), (width / 2, height / 2))
        for _ in range(4 if ride.rolling_shutter_s else 1):
            rows = np.clip(np.nan_to_num(found[:, 1], nan=height / 2), 0, height) / height - 0.5
            found = _projected(points, *self.motion.pose(self.t_s + rows * ride.rolling_shutter_s), ride.camera)
        outside = (found < -0.5).any(axis=1) | (found[:, 0] > width - 0.5) | (found[:, 1] > height - 0.5)
        found[outside] = np.nan
        return found

    def box_px(self, thing: Thing) -> tuple[float, float, float, float] | None:
        """The box around a thing that is wholly in the picture, (x1, y1, x2, y2)."""
        road = self.motion.ride.road
        half = np.array([(a, b, c) for a in (-0.5, 0.5) for b in (-0.5, 0.5) for c in (0.0, 1.0)])
        sides = half * (thing.depth_m, thing.width_m, thing.height_m)
        turn = _about_z(np.pi / 2 - np.radians([road.heading_deg]))[0]
        seen = self.pixels(road.point_m(thing.along_m, thing.left_m) + sides @ turn.T)
        if np.isnan(seen).any():
            return None
        (x1, y1), (x2, y2) = seen.min(axis=0).tolist(), seen.max(axis=0).tolist()
        return x1, y1, x2, y2


def frames(ride: Ride, seed: int) -> list[SyntheticFrame]:
    """A ride driven once, picture by picture. One seed is one pass: another one has other shakes and another bias of the receiver."""
    motion = Motion(ride, np.random.default_rng([seed, 1]))
    rng = np.random.default_rng([seed, 2])
    bias, course_bias = rng.normal(0, ride.fix_bias_m, 2), rng.normal(0, ride.course_bias_deg)
    keep = np.exp(-1 / ride.fps / ride.fix_bias_s)
    times = np.arange(int(ride.length_m / ride.speed_mps * ride.fps)) / ride.fps
    made = []
    for number, (t_s, eye, turn) in enumerate(zip(times.tolist(), *motion.pose(times), strict=True)):
        east, north = (eye[:2] + bias + rng.normal(0, ride.fix_white_m, 2)).tolist()
        course = (motion.heading_deg(t_s) + course_bias + rng.normal(0, ride.course_white_deg)) % 360
        sigma_m = max(0.1, float(np.hypot(ride.fix_white_m, ride.fix_bias_m)))
        fix = Position(t_s, *moved(*ORIGIN_DEG, east, north), sigma_m, float(course), ride.speed_mps)
        made.append(SyntheticFrame(number, t_s, motion, eye, turn, fix, (east, north)))
        bias = keep * bias + np.sqrt(1 - keep**2) * rng.normal(0, ride.fix_bias_m, 2)
    return made


def landmarks(ride: Ride, seed: int, per_m: float = 8.0) -> Array:
    """Points (east, north, up) [N, 3] to be followed along a ride: half of them on the ground, half on house fronts 6 to 10 m beside the road."""
    rng = np.random.default_rng([seed, 3])
    count = int(per_m * (ride.length_m + 60))
    along, side = rng.uniform(-5, ride.length_m + 55, count), rng.choice((-1.0, 1.0), count)
    is_raised = rng.uniform(size=count) < 0.5
    left = np.where(is_raised, side * rng.uniform(6, 10, count), rng.uniform(-6, 6, count))
    return ride.road.point_m(along, left, np.where(is_raised, rng.uniform(0, 8, count), 0.0))


def _projected(points: Array, eyes: Array, world_from_camera: Array, camera: Camera) -> Array:
    """Pixels [N, 2] of points [N, 3], NaN for those that are not before the camera, or outside of its lens's field. One pose, or one for each point."""
    local = np.einsum("...ji,...j->...i", world_from_camera, points - eyes)
    found = np.full((len(points), 2), np.nan)
    for at in np.flatnonzero(local[:, 2] > NEAREST_M):
        x, y, z = local[at].tolist()
        with suppress(OutsideField):
            found[at] = camera.pixel(x / z, y / z)
    return found


def _about_x(angle_rad: Array) -> Array:
    return _turn(angle_rad, 1, 2)


def _about_y(angle_rad: Array) -> Array:
    return _turn(angle_rad, 2, 0)


def _about_z(angle_rad: Array) -> Array:
    return _turn(angle_rad, 0, 1)


def _turn(angle_rad: Array, a: int, b: int) -> Array:
    """Rotations [N, 3, 3] that turn axis a towards axis b."""
    made = np.tile(np.eye(3), (len(angle_rad), 1, 1))
    made[:, a, a] = made[:, b, b] = np.cos(angle_rad)
    made[:, b, a] = np.sin(angle_rad)
    made[:, a, b] = -made[:, b, a]
    return made
