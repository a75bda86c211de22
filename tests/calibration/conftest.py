"""Boards seen by known cameras: as points at once, and as pictures."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import cv2
import numpy as np
import pytest

from calibration.camera import Camera
from calibration.views import View


@pytest.fixture(scope="session")
def drawn_boards() -> ModuleType:
    """The benchmarks' painter of boards."""
    path = Path(__file__).parents[2] / "benchmarks" / "drawn_boards.py"
    spec = importlib.util.spec_from_file_location("drawn_boards", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["drawn_boards"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def views_of() -> Callable[..., list[View]]:
    return seen


def seen(
    camera: Camera, count: int = 14, tilt_deg: float = 30.0, reach: float = 0.55, noise_px: float = 0.1, seed: int = 1
) -> list[View]:
    """Views of a board of 9x6 squares, its middle up to `reach` of the half picture off the middle, tilted by up to `tilt_deg`."""
    dice, views = np.random.default_rng(seed), []
    x, y = np.meshgrid(np.arange(8) * 25.0, np.arange(5) * 25.0)
    board_mm = np.stack((x.ravel(), y.ravel(), np.zeros(40)), axis=1)
    while len(views) < count:
        around = dice.uniform(0, 2 * np.pi)
        tilt = np.radians(dice.uniform(0.3, 1) * tilt_deg)
        turn = cv2.Rodrigues(tilt * np.array((np.cos(around), np.sin(around), 0.0)))[0]
        width, height = camera.size_px
        u, v = width / 2 * (1 + reach * dice.uniform(-1, 1)), height / 2 * (1 + reach * dice.uniform(-1, 1))
        far_mm = camera.focal_px[0] * 175 / (dice.uniform(0.3, 0.5) * width)
        points = (board_mm - board_mm.mean(axis=0)) @ turn.T + far_mm * np.array((*camera.ray(u, v), 1.0))
        pixels = np.array([camera.pixel(px / pz, py / pz) for px, py, pz in points])
        if ((pixels > 0) & (pixels < camera.size_px)).all():
            views.append(
                View(
                    f"{len(views):02}.jpg",
                    camera.size_px,
                    board_mm,
                    pixels + dice.normal(0, noise_px, pixels.shape),
                    2.0,
                )
            )
    return views
