"""The running estimate of a mount's pitch and yaw from many short looks at the way travelled, how sure it is, and whether the bracket has moved."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from calibration.mount import Mount

PAIRS, BLOCKS = 25, 24
"""Pairs of pictures in a block, and blocks that are remembered: 600 pairs, which the vehicle gathers in a kilometre."""
SURE_PAIRS, SURE_STRAIGHTS = 300, 3
LEAST_BLOCKS, LEAST_BLOCKS_MOVED = 6, 1
"""Where the bracket has moved, little is known soon, and still more than its file knows."""
SURE_SIGMA_DEG, ONE_STRAIGHT_SIGMA_DEG, UNSURE_SIGMA_DEG = 0.3, 0.5, 1.0
"""However well blocks agree, the body leans with its load, and a straight is never quite straight: 1.5° a second at 4 m/s turn the way of a camera
1.1 m before the axle by 0.4°.
"""
PITCH_DEG, YAW_DEG = (-10.0, 40.0), (-20.0, 20.0)
"""Where a camera that looks ahead may look; beyond, the way travelled is not what was measured."""
MOVED_DEG, BACK_DEG = 1.2, 0.7
HELD_S = 60.0
WORDS = ({1: "looks_lower", -1: "looks_higher"}, {1: "looks_left", -1: "looks_right"})
LONGEST_GAP_S = 4.0
KNOWN_SIGMA_DEG, MEASURED_SIGMA_DEG = 0.5, 0.7
"""The worst that an estimate, and a camera's file, may be off by to be what the bracket is compared with."""


@dataclass(frozen=True)
class Block:
    """PAIRS pairs of one or more straights: medians of pitch and yaw, number of the straight it ended in, seconds of driving."""

    pitch_deg: float
    yaw_deg: float
    straight: int
    driven_s: float


@dataclass(frozen=True)
class Estimate:
    """Pitch and yaw with one sigma each, of so many pairs over so many straights."""

    pitch_deg: float
    yaw_deg: float
    pitch_sigma_deg: float
    yaw_sigma_deg: float
    pairs: int
    straights: int

    @property
    def is_sure(self) -> bool:
        """Whether there were pairs and straights enough, and their blocks agree."""
        enough = self.pairs >= SURE_PAIRS and self.straights >= SURE_STRAIGHTS
        return enough and max(self.pitch_sigma_deg, self.yaw_sigma_deg) <= KNOWN_SIGMA_DEG


@dataclass
class Running:
    """Feed it gated pairs. `home` (pitch, yaw) is where the camera looked when it was first sure, or was well calibrated; `moved` says where it looks now from there.

    `moved` is empty, or one of looks_lower, looks_higher, looks_left, looks_right: HELD_S of driving lie MOVED_DEG or more from home, every block of them to the same side.
    """

    home: tuple[float, float] | None = None
    blocks: list[Block] = field(default_factory=list)
    moved: str = ""
    _pairs: list[tuple[float, float]] = field(default_factory=list)
    _straight: int = 0
    _driven_s: float = 0.0
    _last_s: float | None = None

    def __post_init__(self) -> None:
        self._straight = self.blocks[-1].straight + 1 if self.blocks else 0

    def add(self, pitch_deg: float, yaw_deg: float, t_s: float) -> bool:
        """Take a pair at an instant of any clock that only counts; whether it closed a block."""
        if self._last_s is not None:
            self._driven_s += min(max(0.0, t_s - self._last_s), LONGEST_GAP_S)
        self._last_s = t_s
        self._pairs.append((pitch_deg, yaw_deg))
        if len(self._pairs) < PAIRS:
            return False
        pitch, yaw = np.median(self._pairs, axis=0).tolist()
        self.blocks = [*self.blocks, Block(pitch, yaw, self._straight, self._driven_s)][-BLOCKS:]
        self._pairs, self._driven_s = [], 0.0
        self._see_whether_moved()
        return True

    def turn(self) -> None:
        """The vehicle turned: what comes now is another straight."""
        if (self.blocks and self.blocks[-1].straight == self._straight) or self._pairs:
            self._straight += 1

    @property
    def estimate(self) -> Estimate | None:
        """The medians of the blocks' own; None if there are too few. Sigma is the blocks' spread, and never less than is believable."""
        if len(self.blocks) < (LEAST_BLOCKS_MOVED if self.moved else LEAST_BLOCKS):
            return None
        straights = len({block.straight for block in self.blocks})
        found = np.array([(block.pitch_deg, block.yaw_deg) for block in self.blocks])
        middle = np.median(found, axis=0)
        pairs = len(found) * PAIRS
        of_many = SURE_SIGMA_DEG if straights >= SURE_STRAIGHTS else ONE_STRAIGHT_SIGMA_DEG
        least = of_many if pairs >= SURE_PAIRS else UNSURE_SIGMA_DEG
        pitch_sigma, yaw_sigma = np.maximum(1.4826 * np.median(np.abs(found - middle), axis=0), least).tolist()
        pitch, yaw = middle.tolist()
        return Estimate(pitch, yaw, pitch_sigma, yaw_sigma, pairs, straights)

    def _see_whether_moved(self) -> None:
        if self.home is None:
            found = self.estimate
            if found is not None and found.is_sure:
                self.home = found.pitch_deg, found.yaw_deg
            return
        newest = list(_last_minute(self.blocks))
        if not newest:
            return
        off = np.array([(block.pitch_deg, block.yaw_deg) for block in newest]) - self.home
        middle = np.median(off, axis=0)
        axis = int(np.abs(middle).argmax())
        way = 1 if middle[axis] > 0 else -1
        if abs(middle[axis]) >= MOVED_DEG and (way * off[:, axis] >= BACK_DEG).all():
            if not self.moved:
                self.blocks = newest  # what was before says nothing about where the camera looks now
            self.moved = WORDS[axis][way]
        elif abs(middle[axis]) <= BACK_DEG:
            self.moved = ""


def placed_by(mount: Mount, running: Running) -> Mount:
    """The mount to place things by: pitch and yaw as estimated where that is surer than what the camera's file says, or where the bracket has moved.

    Rounded to a twentieth of a degree, so that a mount that stays is one value.
    """
    found = running.estimate
    if found is None or (found.pitch_sigma_deg >= mount.pitch_sigma_deg and not running.moved):
        return mount
    pitch, yaw, pitch_sigma, yaw_sigma = (
        round(20 * each) / 20 for each in (found.pitch_deg, found.yaw_deg, found.pitch_sigma_deg, found.yaw_sigma_deg)
    )
    return replace(mount, pitch_deg=pitch, yaw_deg=yaw, pitch_sigma_deg=pitch_sigma, yaw_sigma_deg=yaw_sigma)


def home_of(mount: Mount) -> tuple[float, float] | None:
    """Where a well calibrated camera looks; None if its file only guesses."""
    is_known = max(mount.pitch_sigma_deg, mount.yaw_sigma_deg) <= MEASURED_SIGMA_DEG
    return (mount.pitch_deg, mount.yaw_deg) if is_known else None


def _last_minute(blocks: list[Block]) -> Iterable[Block]:
    """The newest blocks that hold HELD_S of driving; none if all together hold less."""
    driven_s = 0.0
    taken: list[Block] = []
    for block in reversed(blocks):
        driven_s += block.driven_s
        taken.insert(0, block)
        if driven_s >= HELD_S:
            return taken
    return ()
