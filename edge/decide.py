"""Which tracks become sightings: seen often enough, placed, once per thing and pass, and not again within the cool-down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone, tzinfo
from math import hypot
from uuid import UUID

from calibration.geodesy import offset_m
from edge.clock import city_time
from edge.identity import Ids
from edge.locate import Locator
from edge.outbox import Told
from edge.settings import Decide
from edge.values import Frame, Track, TrackView
from edge.zones import Zones
from models.contract import Place

SAME_THING_M = 3.0
TURN_DEG, TURN_WITHIN_M = 120.0, 30.0
AHEAD = timedelta(minutes=1)
"""What was told further in the future was told by a wrong clock, and cools nothing down."""
STANDS_WITHIN_M = 10.0
"""How far a standing vehicle's fix may wander."""


@dataclass(frozen=True)
class Finding:
    """A track worth telling the server about: where it is and the view that shows it best."""

    id: UUID
    track: Track
    place: Place
    shown: TrackView


@dataclass
class Passes:
    """Cuts the ride into passes: a new one at start, after a length, a time, a stop, or a sharp turn."""

    settings: Decide
    ids: Ids
    _number: int = 0
    _id: UUID | None = None
    _began: Frame | None = None
    _last: Frame | None = None
    _stopped: Frame | None = None
    _length_m: float = 0.0
    _headings: list[tuple[float, float]] = field(default_factory=list)

    def of(self, frame: Frame) -> UUID:
        """The pass a looked-at frame belongs to."""
        fix = frame.fix
        assert fix is not None, "the gate lets no frame without a fix through"
        self._length_m += _way_m(self._last, frame)
        if self._stopped is None or _way_m(self._stopped, frame) > STANDS_WITHIN_M:
            self._stopped = frame
        heading = fix.heading_deg
        if heading is not None:
            self._headings = [(at, h) for at, h in self._headings if self._length_m - at <= TURN_WITHIN_M] + [
                (self._length_m, heading)
            ]
        if self._id is None or self._is_over(frame, heading):
            self._id, self._began, self._length_m = self.ids.pass_(frame.utc, self._number), frame, 0.0
            self._number += 1
            self._headings = []
        self._last = frame
        return self._id

    def _is_over(self, frame: Frame, heading: float | None) -> bool:
        assert self._began is not None
        assert self._stopped is not None
        if self._length_m > self.settings.pass_length_m:
            return True
        if frame.monotonic_ns - self._began.monotonic_ns > self.settings.pass_time_s * 1e9:
            return True
        stood_ns = frame.monotonic_ns - self._stopped.monotonic_ns
        # Once in a stop: the pass that a stop began did not begin before it.
        if stood_ns > self.settings.pass_stop_s * 1e9 and self._began.monotonic_ns <= self._stopped.monotonic_ns:
            return True
        return heading is not None and any(abs((heading - h + 180) % 360 - 180) > TURN_DEG for _, h in self._headings)


def _way_m(a: Frame | None, b: Frame) -> float:
    if a is None or a.fix is None or b.fix is None:
        return 0.0
    return hypot(*offset_m(a.fix.lat_deg, a.fix.lon_deg, b.fix.lat_deg, b.fix.lon_deg))


@dataclass
class Decider:
    """Turns ended tracks into findings; counts why others did not become one. `least_of` is a category's own least probability, which counts where it is higher."""

    settings: Decide
    locator: Locator
    ids: Ids
    zones: Zones = field(default_factory=Zones.none)
    time_zone: tzinfo = timezone.utc  # noqa: UP017
    least_of: Mapping[str, float] = field(default_factory=dict)
    reasons: Counter[str] = field(default_factory=Counter)
    _recent: list[tuple[str, UUID, float, float, datetime, int, int]] = field(default_factory=list)

    def remember(self, told: list[Told]) -> None:
        """What an earlier run told, so that the cool-down outlives a restart. A replay needs none: its ids are the same."""
        nobody = UUID(int=0)
        self._recent += [(t.category, nobody, t.lat_deg, t.lon_deg, t.seen_utc, -1, -1) for t in told]

    def decide(self, tracks: list[Track]) -> list[Finding]:
        """Findings among tracks that ended, in the order of their first frames."""
        return [
            finding
            for track in sorted(tracks, key=lambda each: (each.views[0].frame.number, each.ordinal))
            if (finding := self._one(track)) is not None
        ]

    def forget(self, finding: Finding) -> None:
        """It could not be kept: it was not told, and cools nothing down."""
        first, last = finding.track.views[0].frame.number, finding.track.views[-1].frame.number
        told = (finding.track.best.category, finding.track.pass_id, finding.place.lat_deg, finding.place.lon_deg)
        self._recent = [each for each in self._recent if (each[:4], each[5:]) != (told, (first, last))]

    def _one(self, track: Track) -> Finding | None:
        if len(track.views) < self.settings.least_views:
            self.reasons["seen_too_seldom"] += 1
            return None
        if track.best.probability < max(self.settings.least_probability, self.least_of.get(track.best.category, 0.0)):
            self.reasons["improbable"] += 1
            return None
        located = self.locator.place(track)
        if located is None:
            self.reasons["no_place"] += 1
            return None
        place, shown = located
        first, last = track.views[0].frame, track.views[-1].frame
        if self._is_permitted(track, place):
            self.reasons["permitted"] += 1
            return None
        if self._told_before(track, place, first):
            self.reasons["told_before"] += 1
            return None
        category = track.best.category
        self._recent.append(
            (category, track.pass_id, place.lat_deg, place.lon_deg, last.utc, first.number, last.number)
        )
        return Finding(self.ids.sighting(first.utc, first.number, category, track.ordinal), track, place, shown)

    def _is_permitted(self, track: Track, place: Place) -> bool:
        frame = track.views[-1].frame
        local = city_time(frame.utc, frame.clock_sigma_s, self.time_zone)
        return self.zones.at("permitted", place.lat_deg, place.lon_deg, category=track.best.category, local=local)

    def _told_before(self, track: Track, place: Place, first: Frame) -> bool:
        cool_down, last = timedelta(hours=self.settings.cool_down_h), track.views[-1].frame
        horizon = max(cool_down, timedelta(hours=0.5))
        self._recent = [each for each in self._recent if first.utc - each[4] < horizon]
        for category, pass_id, lat, lon, when, began, ended in self._recent:
            if category != track.best.category:
                continue
            away = hypot(*offset_m(lat, lon, place.lat_deg, place.lon_deg))
            apart = first.number > ended or last.number < began
            if pass_id == track.pass_id:
                # Two things stand in one picture; one thing lost and found again does not.
                if apart and away < SAME_THING_M:
                    return True
            elif away < self.settings.cool_down_m and when - last.utc < AHEAD and first.utc - when < cool_down:
                return True
        return False
