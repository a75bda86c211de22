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
FAR_M, SKY = 1000.0, 205.0


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
        to_house, to_road = (np.minimum(each, FAR_M).astype(np.float32) for each in (to_house, to_road))
        road = _sampled(
            self._road, eyes[..., 0] + to_road * x, eyes[..., 1] + to_road * y, _level(to_road / focal_px, np.abs(z))
        )
        along, up = eyes[..., 0] + to_house * x, eyes[..., 2] + to_house * z
        houses = _sampled(
            self._houses,
            along + (y > 0) * np.float32(TEXTURE_M / 3),
            TEXTURE_M - up,
            _level(to_house / focal_px, np.abs(y)),
        )
        # Steps in a slanted edge would stand still in the picture, and be followed: edges are as soft as a pixel is wide.
        soft = to_house / focal_px
        share = np.clip(up / soft + 0.5, 0, 1) * np.clip((HOUSE_HIGH_M - up) / soft + 0.5, 0, 1)
        seen = np.where(z < -1e-4, road, np.float32(SKY)) * (1 - share) + houses * share
        car = is_car & (to_car < np.minimum(to_house, to_road))
        seen[car] = _sampled(self._houses, 3 * on_car_y[car][None], 3 * on_car_z[car][None], 0 * x[car][None])[0]
        return seen


def _level(across_m: F32, slant: F32) -> F32:
    """The level of a texture: the flatter a ray meets a surface, the longer a pixel's footprint; the mean of both sides counts."""
    return np.asarray(np.log2(across_m / np.sqrt(slant + 1e-3) / (TEXTURE_M / TEXTURE_PX)), np.float32)


def _levels(texture: F32) -> list[Image]:
    made = [np.asarray(texture, np.uint8)]
    for _ in range(LEVELS - 1):
        made.append(np.asarray(cv2.resize(made[-1], None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8))
    return made


def _sampled(levels: list[Image], x_m: F32, y_m: F32, level: F32) -> F32:
    """A texture that repeats itself, looked up at metres [rows, columns]."""
    # Between two levels both are mixed: an edge where one begins would stand still in the picture, and be followed.
    level = np.clip(level, 0, LEVELS - 1)
    out = np.zeros(x_m.shape, np.float32)
    for number in range(int(level.min(initial=0)), int(np.ceil(level.max(initial=0))) + 1):
        texture = levels[number]
        scale = texture.shape[0] / TEXTURE_M
        found = cv2.remap(texture, x_m * scale - 0.5, y_m * scale - 0.5, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        out += found * np.maximum(1 - np.abs(level - number), 0)
    return out


def _asphalt(rng: np.random.Generator) -> F32:
    """Grain, patches, joints and marks."""
    road = np.full((TEXTURE_PX, TEXTURE_PX), 105, np.float32)
    for coarse, depth in ((1, 10.0), (4, 7.0), (16, 6.0), (64, 5.0)):
        grain = rng.normal(0, depth, (TEXTURE_PX // coarse, TEXTURE_PX // coarse)).astype(np.float32)
        road += cv2.resize(grain, road.shape, interpolation=cv2.INTER_CUBIC)
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
