"""Follows things from look to look. Between two looks the vehicle moves more than a metre, so a thing on the ground is known again by where
it stands on the map, a raised one (sign, wall, lamp) by how its box drifts outwards and grows. Only pictures that may be shown keep their pixels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import cos, hypot, radians, sin
from uuid import UUID

from calibration.geodesy import east_north, offset_m
from edge.locate import RAISED, Locator
from edge.values import Detection, Fix, Frame, Track, TrackView
from edge.views import showable

FARTHEST_M = 32.0
PASSED_M = 1.0
FORGOTTEN_M = 14.0
RAISED_MISSES = 4
PASSING_S = 60.0
"""Whoever drives is past a thing by then; older tracks belong to a vehicle that stands."""


@dataclass
class _Open:
    ordinal: int
    pass_id: UUID
    views: list[TrackView]
    ground_m: tuple[float, float] | None  # east, north of the tracker's origin
    misses: int = 0
    last_seen_at_m: tuple[float, float] = (0.0, 0.0)


@dataclass
class Tracker:
    """Holds what is in view. `see` takes the detections of one looked-at frame and returns the tracks that ended."""

    locator: Locator
    _open: list[_Open] = field(default_factory=list)
    _origin: Fix | None = None

    def see(self, frame: Frame, detections: list[Detection], pass_id: UUID) -> list[Track]:
        """Continue, begin and end tracks. `frame.fix` must be there."""
        fix = frame.fix
        assert fix is not None, "the gate lets no frame without a fix through"
        self._origin = self._origin or fix
        here = offset_m(self._origin.lat_deg, self._origin.lon_deg, fix.lat_deg, fix.lon_deg)
        begun: list[_Open] = []
        outlived = [track for track in self._open if _has_outlived_its_pass(track, frame, pass_id)]
        free = [track for track in self._open if track not in outlived]
        for detection in detections:
            view = TrackView(frame, detection)
            ground = self._ground(view, here)
            if ground is None and detection.label not in RAISED:
                continue
            nearest = min(
                ((self._cost(track, view, ground, here), track) for track in free),
                key=lambda pair: pair[0],
                default=(1.0, None),
            )
            if nearest[1] is not None and nearest[0] < 1.0:
                track = nearest[1]
                free.remove(track)
                self._add(track, view)
                track.ground_m = ground or track.ground_m
                track.misses, track.last_seen_at_m = 0, here
            else:
                begun.append(_Open(0, pass_id, [view], ground, 0, here))
        begun.sort(key=lambda track: track.views[0].detection.box_px)
        for ordinal, track in enumerate(begun):
            track.ordinal = ordinal
        for track in free:
            track.misses += 1
        ended = outlived + [track for track in free if self._is_over(track, here, fix)]
        self._open = [track for track in self._open if track not in ended] + begun
        return [_closed(track) for track in ended]

    def flush(self) -> list[Track]:
        """End everything, as at the end of a ride."""
        ended, self._open = self._open, []
        return [_closed(track) for track in ended]

    def _add(self, track: _Open, view: TrackView) -> None:
        """Continue a track. A vehicle may stand before a thing for hours, so pixels are kept of three pictures at most: no later look makes one of the others better."""
        rivals = [*(each for each in track.views if each.frame.has_pixels), view]
        kept = [id(each) for each in showable(rivals, self.locator.shown(rivals), self.locator.is_cut)]
        dropped = {id(each) for each in rivals if id(each) not in kept}
        track.views = [
            replace(each, frame=each.frame.without_pixels()) if id(each) in dropped else each
            for each in (*track.views, view)
        ]

    def _ground(self, view: TrackView, here: tuple[float, float]) -> tuple[float, float] | None:
        foot = self.locator.foot(view)
        if foot is None or hypot(*foot) > FARTHEST_M or view.frame.fix is None or view.frame.fix.heading_deg is None:
            return None
        east, north = east_north(view.frame.fix.heading_deg, *foot)
        return here[0] + east, here[1] + north

    def _cost(
        self, track: _Open, view: TrackView, ground: tuple[float, float] | None, here: tuple[float, float]
    ) -> float:
        """Under 1: may be the same thing; the least is taken."""
        last = track.views[-1]
        if last.detection.category != view.detection.category:
            return 9.0
        if view.detection.label in RAISED:
            return _drift_cost(last, view, track.misses)
        if ground is None or track.ground_m is None:
            return 9.0
        away = hypot(ground[0] - here[0], ground[1] - here[1])
        return hypot(ground[0] - track.ground_m[0], ground[1] - track.ground_m[1]) / (1.6 + 0.18 * away)

    def _is_over(self, track: _Open, here: tuple[float, float], fix: Fix) -> bool:
        if track.views[-1].detection.label in RAISED or track.ground_m is None:
            return track.misses >= RAISED_MISSES
        heading = radians(fix.heading_deg or 0.0)
        ahead = (track.ground_m[0] - here[0]) * sin(heading) + (track.ground_m[1] - here[1]) * cos(heading)
        gone = hypot(here[0] - track.last_seen_at_m[0], here[1] - track.last_seen_at_m[1])
        return ahead < PASSED_M or gone > FORGOTTEN_M


def _has_outlived_its_pass(track: _Open, frame: Frame, pass_id: UUID) -> bool:
    """Whether the vehicle stands before a thing since an earlier pass. One that drives on keeps what is still in view."""
    age_ns = frame.monotonic_ns - track.views[0].frame.monotonic_ns
    return track.pass_id != pass_id and age_ns > PASSING_S * 1e9


def _drift_cost(before: TrackView, now: TrackView, misses: int) -> float:
    a, b = before.detection.box_px, now.detection.box_px
    width = now.frame.image.shape[1]
    size = max(a[2] - a[0], a[3] - a[1], b[2] - b[0], b[3] - b[1])
    ax, bx = (a[0] + a[2]) / 2 - width / 2, (b[0] + b[2]) / 2 - width / 2
    if ax * bx < 0 and abs(ax - bx) > size:
        return 9.0
    area = ((b[2] - b[0]) * (b[3] - b[1])) / max((a[2] - a[0]) * (a[3] - a[1]), 1.0)
    if area < 0.5 or abs(bx) < abs(ax) - 0.4 * size:
        return 9.0
    away = hypot(ax - bx, ((a[1] + a[3]) - (b[1] + b[3])) / 2)
    return float(away / ((1.4 + 0.5 * misses) * size + 0.25 * abs(ax) + 12))


def _closed(track: _Open) -> Track:
    return Track(track.ordinal, track.pass_id, tuple(track.views))
