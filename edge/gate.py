"""Which frames are worth a look: by metres travelled, inside the service area and outside of depots, never on an unusable picture. Every reason is counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import timezone, tzinfo
from math import hypot

import numpy as np
import numpy.typing as npt

from calibration.geodesy import offset_m
from edge.clock import city_time
from edge.settings import Gate as GateSettings
from edge.values import Fix, Frame, Image
from edge.zones import Zones
from models.pixels import Halver, glance

UTC = timezone.utc  # noqa: UP017
Cells = npt.NDArray[np.bool_]
GLARE_WHITE, GLARE_BARE, GLARE_SHARPNESS = 0.05, 0.45, 40.0
"""Glare: so much of the picture is white, and so much of the rest shows nothing or all of it hardly anything. Under a white sky or in snow a street
still shows something: a tenth of the rest is bare, sharpness is in the hundreds.
"""
NEWLY_BARE, MOST_BARE = 0.25, 0.8
"""A lens is blocked where so much of the picture shows nothing that mostly showed something, or so much of it shows nothing at all.

Over the recorded and drawn rides at most 0.11 is newly bare; something over half of the lens makes it 0.25 to 0.5. Smooth asphalt and sky are bare always.
"""
POOR = 2.0
"""A picture that is not so many times as bright or sharp as one that is refused shows little more than that one."""
KNOWN_FROM, MEMORY = 10, 400
"""Looks after which a camera's view is known, and within which it is forgotten."""


class Gate:
    """Opens for one frame per `every_m` travelled, or per `standing_every_s` where the vehicle stands or has no fix.

    `stretch` times as far apart, and never sooner than `least_apart_s` after the last one: edge/rate.py says how much.
    """

    def __init__(self, settings: GateSettings, zones: Zones | None = None, time_zone: tzinfo = UTC) -> None:
        self.settings, self._zones, self._time_zone = settings, zones or Zones.none(), time_zone
        self.reasons: Counter[str] = Counter()
        self.is_poor = False
        self.half: Image | None = None
        self._halver = Halver()
        self.stretch, self.least_apart_s = 1.0, 0.0
        self._last: Frame | None = None
        self._usual = Usual()
        self._known: Frame | None = None

    def opens(self, frame: Frame) -> bool:
        """Whether to look at this frame; if not, the reason is counted. If so, `is_poor` says whether it is nearly dark or blurred, `half` is its picture halved."""
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
        if not self._is_due(frame, frame.fix, self._last):
            return "not_far_enough"
        if self._last is not None and frame.monotonic_ns - self._last.monotonic_ns < self.least_apart_s * 1e9:
            return "over_budget"
        return self.out_of_bounds(frame, frame.fix) or self._unusable(frame, frame.fix)

    def _is_due(self, frame: Frame, fix: Fix, last: Frame | None) -> bool:
        """Whether the vehicle has come far enough, or stood long enough, since an earlier frame."""
        if last is None or last.fix is None:
            return True
        way_m = hypot(*offset_m(last.fix.lat_deg, last.fix.lon_deg, fix.lat_deg, fix.lon_deg))
        waited_s = (frame.monotonic_ns - last.monotonic_ns) / 1e9
        return way_m >= self.stretch * self.settings.every_m or waited_s >= self.stretch * self.settings.standing_every_s  # fmt: skip

    def out_of_bounds(self, frame: Frame, fix: Fix) -> str | None:
        """Where nothing may be looked at, not even the way things move: depot, outside_area; None elsewhere."""
        at = fix.lat_deg, fix.lon_deg
        local = city_time(frame.utc, frame.clock_sigma_s, self._time_zone)
        if self._zones.at("depot", *at, local=local):
            return "depot"
        has_area = self._zones.has("service_area")
        return "outside_area" if has_area and not self._zones.at("service_area", *at, local=local) else None

    def _unusable(self, frame: Frame, fix: Fix) -> str | None:
        self.half = self._halver.of(frame.image)
        seen = glance(self.half)
        self.is_poor = (
            seen.brightness < POOR * self.settings.darkest or seen.sharpness < POOR * self.settings.sharpest_blur
        )
        if seen.brightness < self.settings.darkest:
            return "dark"
        cells, white = seen.white.size, np.count_nonzero(seen.white)
        bare = seen.bare & ~seen.white if white else seen.bare
        shows_nothing = np.count_nonzero(bare)
        is_veiled = seen.sharpness < GLARE_SHARPNESS or shows_nothing >= GLARE_BARE * (cells - white)
        if is_veiled and white >= GLARE_WHITE * cells:
            return "glare"
        if seen.sharpness < self.settings.sharpest_blur:
            return "blurred"
        is_blocked = shows_nothing >= MOST_BARE * cells or self._usual.newly(bare) >= NEWLY_BARE
        if self._is_due(frame, fix, self._known):
            self._usual.learn(bare)
            self._known = frame
        return "blocked" if is_blocked else None


@dataclass
class Usual:
    """Which cells of a camera's picture mostly show something; learnt by the way, so that a vehicle that stands forgets nothing."""

    _shown: npt.NDArray[np.float64] | None = None
    _looks: int = 0

    def newly(self, bare: Cells) -> float:
        """The share of the picture that shows nothing now and mostly did."""
        if self._shown is None or self._shown.shape != bare.shape or self._looks < KNOWN_FROM:
            return 0.0
        return np.count_nonzero(bare & (self._shown >= 0.5)) / bare.size

    def learn(self, bare: Cells) -> None:
        """Take a look into account."""
        if self._shown is None or self._shown.shape != bare.shape:
            self._shown, self._looks = np.zeros(bare.shape), 0
        self._looks += 1
        self._shown += (~bare - self._shown) / min(self._looks, MEMORY)
