"""In which shape a network sees a picture: all in one, each in its own, or in one of two."""

from __future__ import annotations

from math import ceil
from typing import Literal

Sizes = Literal["fixed", "aspect", "wide"]
STRIDE_PX = 32


def input_shape(sizes: Sizes, height: int, width: int, rows: int, columns: int) -> tuple[int, int]:
    """Height and width of a network's input for a picture of this size.

    `fixed`: `rows` x `columns` for all. `aspect`: the part of that which the picture fills. `wide`: of a picture as wide as 16:9 or wider, without the grey above
    and below that 16:9 leaves in a square; of any other, all of it.
    """
    if sizes == "aspect":
        return shape_inside(height, width, rows, columns)
    low = _up(columns * 9 / 16)
    return (low, columns) if sizes == "wide" and height * columns <= low * width else (rows, columns)


def shape_inside(height: int, width: int, rows: int, columns: int) -> tuple[int, int]:
    """Height and width, multiples of the stride, that a picture of this size fills when it stands as large as `rows` x `columns` allow."""
    scale = min(rows / height, columns / width)
    return _up(height * scale), _up(width * scale)


def _up(length: float) -> int:
    return max(STRIDE_PX, ceil(length / STRIDE_PX - 1e-6) * STRIDE_PX)
