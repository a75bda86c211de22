"""Pictures that are nearly one: re-encoded, resized, mirrored, or taken a step apart. What is measured on one of two such was learnt from the other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from models.pixels import Image, resize

ALIKE = 150
"""Of BITS, so many may differ. Of all pairs of the street photographs whose scenes differ by name, the 7 at or below it were one place
when looked at, the first beyond were a street seen from another step and two bare walls."""
ACROSS, COARSE = 16, 32
BITS = ACROSS * ACROSS + ACROSS * ACROSS - 1
GREY = np.array([0.114, 0.587, 0.299], np.float32)
WAVES = np.cos(np.pi / COARSE * np.outer(np.arange(ACROSS), np.arange(COARSE) + 0.5)).astype(np.float32)
Bits = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Print:
    """A picture's fingerprint and that of its mirror image, BITS each."""

    own: Bits
    mirrored: Bits


@dataclass(frozen=True)
class Pair:
    """The numbers of two pictures in their lists, and how many bits they differ by."""

    one: int
    other: int
    bits: int


def fingerprint(image: Image) -> Print:
    """Where the picture grows brighter to the right (dHash), and which of its slow waves are strong (pHash): each alone is deceived,
    the first by bare walls, the second by roads."""
    fine = resize(image, ACROSS + 1, ACROSS).astype(np.float32) @ GREY
    coarse = resize(image, COARSE, COARSE).astype(np.float32) @ GREY
    return Print(_bits(fine, coarse), _bits(fine[:, ::-1], coarse[:, ::-1]))


def _bits(fine: npt.NDArray[np.float32], coarse: npt.NDArray[np.float32]) -> Bits:
    waves = (WAVES @ coarse @ WAVES.T).ravel()[1:]
    return np.concatenate([(fine[:, 1:] > fine[:, :-1]).ravel(), waves > np.median(waves)])


def alike(ones: Sequence[Print], others: Sequence[Print], most: int = ALIKE) -> list[Pair]:
    """Every pair of one and other that differs by at most so many bits, the likest first."""
    if not ones or not others:
        return []
    theirs = _signs([each.own for each in others]).T
    bits = np.minimum(
        *((BITS - _signs(own) @ theirs) / 2 for own in zip(*((p.own, p.mirrored) for p in ones), strict=True))
    )
    found = [Pair(int(i), int(j), int(bits[i, j])) for i, j in np.argwhere(bits <= most)]
    return sorted(found, key=lambda pair: (pair.bits, pair.one, pair.other))


def _signs(prints: Sequence[Bits]) -> npt.NDArray[np.float32]:
    return np.stack(prints).astype(np.float32) * 2 - 1
