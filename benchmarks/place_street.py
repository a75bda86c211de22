"""Pictures of a street whose camera's pose is known to the last digit: a textured road between two rows of houses, and a car ahead."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from calibration.synthetic import Motion

Image = npt.NDArray[np.uint8]
F32 = npt.NDArray[np.float32]
TEXTURE_PX, TEXTURE_M, LEVELS = 2048, 32.0, 6
HOUSE_AT_M, HOUSE_HIGH_M = 7.0, 9.0
CAR_AHEAD_M, CAR_LEFT_M, CAR_HIGH_M = 12.0, (-1.2, 0.8), 1.5


GRAIN_PX = (1024, 1536)


class Street:
    """Draws what a camera without distortion sees, row by row as a rolling shutter reads it. The road runs east."""

    def __init__(self, seed: int, noise: float = 2.0) -> None:
        self._rng = np.random.default_rng([seed, 7])
        self._grain = self._rng.normal(0, noise, GRAIN_PX).astype(np.float32)
        self._road, self._houses = (_levels(make(self._rng)) for make in (_asphalt, _fronts))
        self._rays: F32 | None = None

    def draw(self, motion: Motion, t_s: float) -> Image:
        """The picture whose middle row is read at an instant, uint8 BGR."""
        camera = motion.ride.camera
        width, height = camera.size_px
        if self._rays is None:
            v, u = np.mgrid[0:height, 0:width].astype(np.float32)
            (fx, fy), (cx, cy) = camera.focal_px, camera.centre_px
            self._rays = np.stack(((u - cx) / fx, (v - cy) / fy, np.ones_like(u)), axis=2)
        rows = (np.arange(height) + 0.5) / height - 0.5
        eyes, turns = motion.pose(t_s + rows * motion.ride.rolling_shutter_s)
        ways = np.matmul(self._rays, turns.transpose(0, 2, 1).astype(np.float32))
        grey = self._seen(eyes.astype(np.float32)[:, None, :], ways, camera.focal_px[0])
        # A film of noise, laid on at another place for each picture.
        down, right = self._rng.integers(0, np.subtract(GRAIN_PX, grey.shape))
        grey += self._grain[down : down + height, right : right + width]
        return np.asarray(cv2.cvtColor(np.clip(grey, 0, 255).astype(np.uint8), cv2.COLOR_GRAY2BGR), np.uint8)

    def _seen(self, eyes: F32, ways: F32, focal_px: float) -> F32:
        """Brightness of what the rays meet first."""
        x, y, z = (ways[..., i] for i in range(3))
        with np.errstate(divide="ignore", invalid="ignore"):
            to_road = np.where(z < -1e-4, -eyes[..., 2] / z, np.inf)
            to_house = np.where(np.abs(y) > 1e-4, (np.sign(y) * HOUSE_AT_M - eyes[..., 1]) / y, np.inf)
            to_car = np.where(x > 1e-3, CAR_AHEAD_M / x, np.inf)
        on_car_y, on_car_z = eyes[..., 1] + to_car * y, eyes[..., 2] + to_car * z
        is_car = (on_car_y > CAR_LEFT_M[0]) & (on_car_y < CAR_LEFT_M[1]) & (on_car_z > 0.2) & (on_car_z < CAR_HIGH_M)
        is_house = (to_house < to_road) & (eyes[..., 2] + to_house * z < HOUSE_HIGH_M)
        sky = np.full(x.shape, 205, np.float32)
        range_m = np.where(to_house < to_road, to_house, to_road)
        range_m = np.where(np.isfinite(range_m), range_m, 1e3).astype(np.float32)
        along, left, up = (eyes[..., i] + range_m * ways[..., i] for i in range(3))
        # The footprint of a pixel is longer the flatter the ray meets a surface; a level of the texture is chosen by the mean of both sides.
        slant = np.where(is_house, np.abs(y), np.abs(z)) + 1e-3
        level = np.log2(range_m / focal_px / np.sqrt(slant) / (TEXTURE_M / TEXTURE_PX))
        road = _sampled(self._road, along, left + TEXTURE_M / 2, level)
        houses = _sampled(self._houses, along + (y > 0) * np.float32(TEXTURE_M / 3), TEXTURE_M - up, level)
        seen = np.where(is_house, houses, np.where(to_road < to_house, road, sky))
        car = is_car & (to_car < range_m)
        seen[car] = _sampled(self._houses, 3 * on_car_y[car][None], 3 * on_car_z[car][None], 0 * level[car][None])[0]
        return seen


def _levels(texture: F32) -> list[F32]:
    made = [texture]
    for _ in range(LEVELS - 1):
        made.append(cv2.resize(made[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))
    return made


def _sampled(levels: list[F32], x_m: F32, y_m: F32, level: F32) -> F32:
    """A texture that repeats itself, looked up at metres [rows, columns]."""
    which = np.clip(np.round(level), 0, LEVELS - 1)
    out = np.zeros(x_m.shape, np.float32)
    for number in np.unique(which).astype(int).tolist():
        texture = levels[number]
        scale = texture.shape[0] / TEXTURE_M
        found = cv2.remap(texture, x_m * scale - 0.5, y_m * scale - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        np.copyto(out, found, where=which == number)
    return out


def _asphalt(rng: np.random.Generator) -> F32:
    """Grain, patches, joints and marks."""
    road = np.full((TEXTURE_PX, TEXTURE_PX), 105, np.float32)
    for sigma, depth in ((0, 10.0), (2, 40.0), (8, 120.0), (40, 500.0)):
        grain = rng.normal(0, 1, road.shape).astype(np.float32)
        road += depth * (cv2.GaussianBlur(grain, (0, 0), sigma) if sigma else grain)
    for _ in range(120):
        x, y = rng.integers(0, TEXTURE_PX, 2)
        w, h = rng.integers(8, 120, 2)
        road[y : y + h, x : x + w] += rng.normal(0, 16)
    middle = TEXTURE_PX // 2
    for start in range(0, TEXTURE_PX, 384):
        road[middle + 90 : middle + 98, start : start + 190] = 205
    return np.clip(road, 20, 230)


def _fronts(rng: np.random.Generator) -> F32:
    """House fronts with windows, doors and signs."""
    fronts = np.repeat(rng.uniform(90, 190, TEXTURE_PX // 256), 256)[None, :] * np.ones((TEXTURE_PX, 1))
    for top in range(0, TEXTURE_PX, 190):
        for x in range(20, TEXTURE_PX - 100, 150):
            fronts[top + 40 : top + 140, x : x + int(rng.integers(60, 100))] = rng.uniform(30, 90)
    for _ in range(160):
        x, y = rng.integers(0, TEXTURE_PX, 2)
        w, h = rng.integers(10, 150, 2)
        fronts[y : y + h, x : x + w] = rng.uniform(20, 235)
    return np.clip(fronts + rng.normal(0, 5, fronts.shape), 0, 255).astype(np.float32)
