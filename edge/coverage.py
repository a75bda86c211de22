"""Which ground the camera saw, and how well, so that "nothing was found there" means something. Pure: frames in, messages out.

Looks are gathered in fine cells (H3 of resolution 13, seven of them in one of resolution 12); a cell is told at the quality that at least four of its
seven were seen with, because a place in it must be more likely seen than not. Nothing is claimed beyond what `edge/locate.py` would place.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil, cos, hypot, radians, sin

import h3.api.basic_int as h3
import numpy as np
import numpy.typing as npt

from calibration.camera import Camera
from calibration.geodesy import metres_per_degree, offset_m
from calibration.ground import NoGround, ground_from_pixel, pixel_from_ground
from calibration.mount import Mount
from edge.identity import Ids
from edge.locate import FARTHEST_M
from edge.values import Box, Fix, Frame, Image
from models.contract import MAX_CELLS, CellLook, Coverage, packed
from models.packs import Pack
from models.rules import CARS

COARSE, FINE, MOST = 12, 13, 4
STEP_M = 2.0
"""Between the points of the ground that are asked for: fine cells are 6 m across."""
THING_M, WIDTHS_PX = 0.5, (7.5, 10.0, 16.0)
"""So wide a thing must be in the network's picture for the qualities 1, 2 and 3."""
POOR_FIX_M = 5.0
"""A vehicle that knows its place worse does not know well which cells it saw."""
LEAST_S, MOST_S, LEAST_M, MOST_M = 60.0, 300.0, 250.0, 1000.0
KEPT_S = 30.0
"""What was seen so lately counts for the next message too: cells at the seam would be half seen in both."""
TRUSTED = frozenset({"gnss", "ntp", "file"})
HIDING = CARS
"""What one cannot see the ground through."""
Array = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Footprint:
    """Points of the level road that one camera sees: forward and left metres, pixel, range, and quality (1 to 3) by range alone; arrays [n]."""

    forward_m: Array
    left_m: Array
    u_px: Array
    v_px: Array
    range_m: Array
    quality: npt.NDArray[np.int64]


def footprint(camera: Camera, mount: Mount, network_scale: float) -> Footprint:
    """The ground in a picture, as far as a thing of THING_M is wide enough in the network's input, `network_scale` of the picture's size."""
    width_px = camera.focal_px[0] * network_scale * THING_M
    reach_m = min(FARTHEST_M, width_px / WIDTHS_PX[0])
    steps = np.arange(STEP_M / 2, reach_m, STEP_M)
    rows = []
    for forward, left in ((f, side * s) for f in steps for s in steps for side in (-1.0, 1.0)):
        range_m = hypot(forward, left)
        if range_m > reach_m:
            continue
        try:
            u, v = pixel_from_ground(forward, left, 0.0, camera, mount)
            back = ground_from_pixel((u, v), camera, mount)
        except NoGround:
            continue
        # A bent lens model folds what lies far outside of the picture back into it.
        if hypot(back.forward_m - forward, back.left_m - left) > STEP_M / 2:
            continue
        if 0 <= u < camera.size_px[0] and 0 <= v < camera.size_px[1]:
            quality = sum(width_px / range_m >= each for each in WIDTHS_PX)
            rows.append((forward, left, u, v, range_m, quality))
    forwards, lefts, us, vs, ranges, qualities = np.array(rows, np.float64).reshape(-1, 6).T
    return Footprint(forwards, lefts, us, vs, ranges, qualities.astype(np.int64))


def network_scale(pack: Pack, image: Image) -> float:
    """How large a picture of this size comes to the network, in shares of its own size."""
    height, width = int(image.shape[0]), int(image.shape[1])
    rows, columns = pack.shape_for(height, width, max(pack.sides_px, default=None))
    return min(rows / height, columns / width)


@dataclass(frozen=True)
class _Seen:
    """The best look at one fine cell."""

    quality: int
    range_m: float
    utc: datetime
    monotonic_ns: int


@dataclass
class Coverer:
    """Gathers looks of one camera. `see` returns a message whenever a minute and LEAST_M, MOST_M, or MOST_S are full; `reasons` counts looks that count for nothing."""

    vehicle: str
    origin: str
    mount: Mount
    ids: Ids
    reasons: Counter[str] = field(default_factory=Counter)
    _footprints: dict[tuple[Camera, float, Mount], Footprint] = field(default_factory=dict)
    _cells: dict[int, _Seen] = field(default_factory=dict)
    _first: Frame | None = None
    _last: Frame | None = None
    _way_m: float = 0.0

    def see(
        self, frame: Frame, camera: Camera, network_scale: float, hiding_px: Sequence[Box], is_poor: bool
    ) -> Coverage | None:
        """Take one looked-at frame: `camera` fitted to it, boxes of vehicles in it, and whether it is dark or blurred."""
        reason = _why_not(frame)
        if reason:
            self.reasons[reason] += 1
            return None
        done = self._end() if self._is_full(frame) else None
        self._begin(frame)
        fix = frame.fix
        assert fix is not None, "no look without a fix comes here"
        where = (camera, network_scale, self.mount)
        if where not in self._footprints:
            self._footprints = {where: footprint(camera, self.mount, network_scale)}
        ground = self._footprints[where]
        lats, lons = _where(ground, fix)
        less = int(is_poor) + int(fix.sigma_m > POOR_FIX_M)
        qualities = np.maximum(ground.quality - less, 0)
        for at in np.flatnonzero(~_hidden(ground, hiding_px)):
            cell = h3.latlng_to_cell(lats[at], lons[at], FINE)
            self._add(cell, int(qualities[at]), float(ground.range_m[at]), frame)
        return done

    def flush(self) -> Coverage | None:
        """The message of what is left, at the end of a ride."""
        return self._end() if self._cells else None

    def _is_full(self, frame: Frame) -> bool:
        if self._first is None or self._last is None:
            return False
        since_s = (frame.monotonic_ns - self._first.monotonic_ns) / 1e9
        is_far = since_s >= LEAST_S and self._way_m >= LEAST_M
        other_clock = frame.clock_source != self._first.clock_source
        return is_far or since_s >= MOST_S or self._way_m >= MOST_M or other_clock

    def _begin(self, frame: Frame) -> None:
        self._first = self._first or frame
        before, self._last = self._last, frame
        if before is not None and before.fix is not None and frame.fix is not None:
            self._way_m += hypot(
                *offset_m(before.fix.lat_deg, before.fix.lon_deg, frame.fix.lat_deg, frame.fix.lon_deg)
            )

    def _add(self, cell: int, quality: int, range_m: float, frame: Frame) -> None:
        had = self._cells.get(cell)
        if had is not None and (had.quality, -had.range_m) >= (quality, -range_m):
            return
        self._cells[cell] = _Seen(quality, range_m, frame.utc, frame.monotonic_ns)

    def _end(self) -> Coverage | None:
        """The message, and what is left for the next. None if no cell was seen enough."""
        first, last, seen = self._first, self._last, self._cells
        assert first is not None
        assert last is not None
        kept_ns = last.monotonic_ns - int(KEPT_S * 1e9)
        self._cells = {cell: each for cell, each in seen.items() if each.monotonic_ns >= kept_ns}
        self._first, self._way_m = None, 0.0
        looks = looks_of({cell: (each.quality, each.range_m) for cell, each in seen.items()})
        if not looks:
            return None
        times = [each.utc for each in seen.values()]
        return Coverage.model_validate({
            "id": self.ids.coverage(first.utc, first.number), "vehicle": self.vehicle, "camera": first.camera, "origin": self.origin,
            "from_utc": min(times).replace(microsecond=0), "to_utc": max(times).replace(microsecond=0), "clock_source": first.clock_source,
            **packed(looks[:MAX_CELLS]),
        })  # fmt: skip


def looks_of(fine: dict[int, tuple[int, float]]) -> list[CellLook]:
    """Cells of resolution 12, ascending, from (quality, range) of those of resolution 13 that were seen; one that was seen by less than MOST of its seven is left out."""
    parts: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for cell, seen in fine.items():
        parts[h3.cell_to_parent(cell, COARSE)].append(seen)
    return sorted(
        CellLook(cell, sorted((quality for quality, _ in seen), reverse=True)[MOST - 1], ceil(min(range_m for _, range_m in seen)))
        for cell, seen in parts.items()
        if len(seen) >= MOST
    )  # fmt: skip


def _why_not(frame: Frame) -> str | None:
    if frame.fix is None or frame.fix.heading_deg is None:
        return "no_heading"
    return None if frame.clock_source in TRUSTED else "clock_untrusted"


def _where(ground: Footprint, fix: Fix) -> tuple[Array, Array]:
    """Latitude and longitude of each point, for a vehicle at a fix with a heading."""
    heading = radians(fix.heading_deg or 0.0)
    east = ground.forward_m * sin(heading) - ground.left_m * cos(heading)
    north = ground.forward_m * cos(heading) + ground.left_m * sin(heading)
    per_lat, per_lon = metres_per_degree(fix.lat_deg)
    return fix.lat_deg + north / per_lat, fix.lon_deg + east / per_lon


def _hidden(ground: Footprint, boxes_px: Sequence[Box]) -> npt.NDArray[np.bool_]:
    """Which points lie under or behind one of the boxes."""
    hidden = np.zeros(len(ground.u_px), np.bool_)
    for x1, y1, x2, y2 in boxes_px:
        hidden |= (ground.u_px >= x1) & (ground.u_px <= x2) & (ground.v_px >= y1) & (ground.v_px <= y2)
    return hidden
