"""Whether the camera still looks where it did: pitch and yaw told by driving, kept over restarts, and used to place what is found."""

from __future__ import annotations

import logging
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Annotated

from pydantic import Field

from calibration.camera import Camera
from calibration.drift import Drift
from calibration.mount import Mount
from calibration.running import BLOCKS, Block, Running, home_of, placed_by
from edge.part import Part, read_part, write_part
from edge.values import Frame
from models.contract import Finite, Name, Seconds

log = logging.getLogger("trikeye.edge")
EVERY_M, SURE_EVERY_M = 6.0, 12.0
"""A pair of pictures costs a quarter of a look: one in four looks pays for one, and one in eight once the mount is known."""


class BracketPart(Part):
    """What is remembered of the mount, of one calibration."""

    calibration: str = ""
    home: tuple[Finite, Finite] | None = None
    blocks: Annotated[tuple[tuple[Finite, Finite, int, Seconds], ...], Field(max_length=BLOCKS)] = ()
    moved: Name | None = None


class Bracket:
    """Watches how the camera of one vehicle is mounted. With a `folder` it goes on where it was, as long as the calibration is the same."""

    def __init__(self, camera: Camera, mount: Mount, calibration: str, folder: Path | None) -> None:
        self._told, self._calibration, self._folder = mount, calibration, folder
        kept = read_part(folder, BracketPart) if folder is not None else None
        if kept is None or kept.calibration != calibration:
            kept = BracketPart(home=home_of(mount))
        running = Running(kept.home, [Block(*block) for block in kept.blocks], kept.moved or "")
        self._drift = Drift(camera, mount, running)
        self._drift.every_m = self._every_m()
        self.faults: Counter[str] = Counter()
        self.mount = placed_by(mount, running)

    @property
    def moved(self) -> str:
        """Empty, or where the camera looks now from where it did: looks_lower, looks_higher, looks_left or looks_right."""
        return self._drift.running.moved

    def see(self, frame: Frame) -> bool:
        """Take a frame, any that comes; whether `mount` is another now."""
        fix, had = frame.fix, self.moved
        speed_mps, heading_deg = (fix.speed_mps, fix.heading_deg) if fix is not None else (None, None)
        if not self._drift.see(frame.image, frame.monotonic_ns / 1e9, speed_mps, heading_deg):
            return False
        if bool(self.moved) != bool(had):
            self.faults["not_straight"] += bool(self.moved)
            log.warning("the camera %s", f"{self.moved.replace('_', ' ')} than it did" if self.moved else "looks where it did again")  # fmt: skip
        self._keep()
        self._drift.every_m = self._every_m()
        before, self.mount = self.mount, placed_by(self._told, self._drift.running)
        return self.mount != before

    def _every_m(self) -> float:
        found = self._drift.running.estimate
        return SURE_EVERY_M if found is not None and found.is_sure else EVERY_M

    def _keep(self) -> None:
        running = self._drift.running
        blocks = tuple((each.pitch_deg, each.yaw_deg, each.straight, each.driven_s) for each in running.blocks)
        if self._folder is not None:
            with suppress(OSError):
                kept = BracketPart(calibration=self._calibration, home=running.home, blocks=blocks, moved=self.moved or None)  # fmt: skip
                write_part(self._folder, kept)
