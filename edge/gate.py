"""Which frames are worth a look: by metres travelled, never on an unusable picture. Every reason is counted."""

from __future__ import annotations

from collections import Counter
from math import hypot

from calibration.geodesy import offset_m
from edge.settings import Gate as GateSettings
from edge.values import Frame
from models.pixels import brightness_and_sharpness


class Gate:
    """Opens for one frame per `every_m` travelled, or per `standing_every_s` where the vehicle stands or has no fix."""

    def __init__(self, settings: GateSettings) -> None:
        self.settings = settings
        self.reasons: Counter[str] = Counter()
        self._last: Frame | None = None

    def opens(self, frame: Frame) -> bool:
        """Whether to look at this frame; if not, the reason is counted."""
        reason = self._reason(frame)
        if reason:
            self.reasons[reason] += 1
            return False
        self._last = frame
        return True

    def _reason(self, frame: Frame) -> str | None:
        if frame.fix is None:
            return "no_fix"
        if frame.fix.sigma_m > self.settings.worst_fix_m:
            return "poor_fix"
        if self._last is not None and self._last.fix is not None:
            way = hypot(*offset_m(self._last.fix.lat_deg, self._last.fix.lon_deg, frame.fix.lat_deg, frame.fix.lon_deg))
            waited_s = (frame.monotonic_ns - self._last.monotonic_ns) / 1e9
            if way < self.settings.every_m and waited_s < self.settings.standing_every_s:
                return "not_far_enough"
        brightness, sharpness = brightness_and_sharpness(frame.image)
        if brightness < self.settings.darkest:
            return "dark"
        return "blurred" if sharpness < self.settings.sharpest_blur else None
