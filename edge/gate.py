"""Which frames are worth a look: by metres travelled, inside the service area and outside of depots, never on an unusable picture. Every reason is counted."""

from __future__ import annotations

from collections import Counter
from datetime import timezone, tzinfo
from math import hypot

from calibration.geodesy import offset_m
from edge.clock import city_time
from edge.settings import Gate as GateSettings
from edge.values import Fix, Frame
from edge.zones import Zones
from models.pixels import brightness_and_sharpness

UTC = timezone.utc  # noqa: UP017


POOR = 2.0
"""A picture that is not so many times as bright or sharp as one that is refused shows little more than that one."""


class Gate:
    """Opens for one frame per `every_m` travelled, or per `standing_every_s` where the vehicle stands or has no fix."""

    def __init__(self, settings: GateSettings, zones: Zones | None = None, time_zone: tzinfo = UTC) -> None:
        self.settings, self._zones, self._time_zone = settings, zones or Zones.none(), time_zone
        self.reasons: Counter[str] = Counter()
        self.is_poor = False
        self._last: Frame | None = None

    def opens(self, frame: Frame) -> bool:
        """Whether to look at this frame; if not, the reason is counted. If so, `is_poor` says whether it is nearly dark or blurred."""
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
        if where := self._out_of_bounds(frame, frame.fix):
            return where
        brightness, sharpness = brightness_and_sharpness(frame.image)
        self.is_poor = brightness < POOR * self.settings.darkest or sharpness < POOR * self.settings.sharpest_blur
        if brightness < self.settings.darkest:
            return "dark"
        return "blurred" if sharpness < self.settings.sharpest_blur else None

    def _out_of_bounds(self, frame: Frame, fix: Fix) -> str | None:
        at = fix.lat_deg, fix.lon_deg
        local = city_time(frame.utc, frame.clock_sigma_s, self._time_zone)
        if self._zones.at("depot", *at, local=local):
            return "depot"
        has_area = self._zones.has("service_area")
        return "outside_area" if has_area and not self._zones.at("service_area", *at, local=local) else None
