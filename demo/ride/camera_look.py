"""What a small camera does to a clean picture: exposure, vignette, softness, noise."""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]


def look(image: Image, rng: np.random.Generator, exposure: float = 1.0, noise_sigma: float = 2.2) -> Image:
    """The picture as the vehicle's camera would give it; uint8 BGR in and out."""
    height, width = image.shape[:2]
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    value = image.astype(np.float32) * (exposure * (1 - 0.16 * (x * x + y * y) / 2))[..., None].astype(np.float32)
    value = cv2.GaussianBlur(value, (0, 0), 0.55)
    grain = rng.normal(0, noise_sigma, (height, width, 1)).astype(np.float32) * (
        1.3 - value.mean(axis=2, keepdims=True) / 255
    )
    return np.asarray(np.clip(value + grain, 0, 255), np.uint8)
