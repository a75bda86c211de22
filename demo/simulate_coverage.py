"""What a simulated vehicle saw of its street: frames without pixels, gathered into messages by the vehicle's own code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import numpy as np

from calibration.camera import camera_of_field_of_view
from calibration.mount import Mount
from demo.made import STEP_M, Maker
from edge.coverage import Coverer
from edge.identity import Ids
from edge.values import Fix, Frame
from models.contract import Coverage

APART_M = 4.0
"""Between two looks."""
SIZE_PX, NETWORK_SCALE = (1280, 720), 416 / 1280
CAMERA, MOUNT = camera_of_field_of_view(*SIZE_PX, 60.0), Mount(height_m=1.4, pitch_deg=7.0)
PIXELS = np.broadcast_to(np.uint8(0), (SIZE_PX[1], SIZE_PX[0], 3))


@dataclass
class Looks:
    """The looks of one vehicle on its way past the places of its sightings. One that does not know what time it is tells nothing, as on the road."""

    maker: Maker
    clock_error_s: float
    _number: int = 0

    def __post_init__(self) -> None:
        ids = Ids(self.maker.vehicle, "front", f"simulated|{self.maker.seed}")
        self._coverer = Coverer(self.maker.vehicle, "demo", MOUNT, ids)

    def until(self, passed_s: float, *, is_end: bool) -> list[Coverage]:
        """Drive on to so many seconds after the start; the messages that became full on the way, and at the end of it what is left."""
        told = []
        while (at_s := self._number * APART_M / STEP_M * self.maker.every_s) <= passed_s:
            told.append(self._coverer.see(self._frame(at_s), CAMERA, NETWORK_SCALE, (), False))
            self._number += 1
        if is_end:
            told.append(self._coverer.flush())
        return [each for each in told if each is not None]

    def _frame(self, at_s: float) -> Frame:
        lat, lon = self.maker.place(at_s / self.maker.every_s)
        fix = Fix(None, lat, lon, 1.5, 90.0, STEP_M / self.maker.every_s, "file")
        source, sigma_s = ("system", 86_400.0) if self.clock_error_s else ("gnss", 0.5)
        utc = self.maker.began + timedelta(seconds=at_s + self.clock_error_s)
        return Frame(self._number, "front", PIXELS, utc, source, sigma_s, int(at_s * 1e9), fix)
