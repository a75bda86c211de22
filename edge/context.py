"""Things that are a problem only where they stand: cars, bicycles and stalls are followed as problems are, and those that stand where
models/rules.py forbids it become tracks of its category. Without zones nothing is followed. A queue at a red light stands too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from math import hypot
from uuid import UUID

import numpy as np

from calibration.geodesy import east_north, offset_m
from calibration.ground import tilt_sigma_rad
from edge.clock import city_time
from edge.locate import FARTHEST_M, OWN_POSITION_SIGMA_M, Locator
from edge.track import Tracker
from edge.values import Box, Detection, Frame, Track, TrackView
from edge.zones import Zones
from models import rules
from models.boxes import iou_of
from models.contract import Place
from models.rules import Rule

LEAST_LOOKS = 2
"""In how many looks enough of a group must be seen; things of one heap hide each other."""
ASTRIDE = 0.5
"""Share of the narrower of two boxes in which a rider and a two-wheeler overlap from left to right."""
ONE_THING = 0.5
"""Overlap of two boxes of one kind that are one thing."""
TOLD_KEPT = 200


@dataclass(frozen=True)
class Suspect(Detection):
    """What could break a rule as one look shows it, and how many make the problem together, itself included."""

    together: int = 1


@dataclass(frozen=True)
class _Told:
    """A thing that a rule was told of, or that belongs to one."""

    category: str
    pass_id: UUID
    lat_deg: float
    lon_deg: float


@dataclass
class Context:
    """Holds what stands around. `see` takes what one look saw besides problems and returns tracks that broke a rule."""

    locator: Locator
    zones: Zones
    time_zone: tzinfo
    _told: list[_Told] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._tracker, self._rules = Tracker(self.locator), rules.asked(self.zones.has)
        self._labels = frozenset[str]().union(*(rule.labels for rule in self._rules))

    def see(self, frame: Frame, context: Sequence[Detection], pass_id: UUID) -> list[Track]:
        """Follow what could break a rule, and judge what went out of view. `frame.fix` must be there."""
        if not self._rules:
            return []
        return self._judge(self._tracker.see(frame, [*self._suspects(frame, context)], pass_id))

    def flush(self) -> list[Track]:
        """Judge everything, as at the end of a ride."""
        return self._judge(self._tracker.flush())

    def _suspects(self, frame: Frame, context: Sequence[Detection]) -> list[Suspect]:
        """Two-wheelers nobody sits on, cars, furniture with somebody beside it. Of two boxes of one kind that are one thing the surer stays."""
        people = [each for each in context if each.label == rules.PERSON]
        kept: list[Detection] = []
        for each in context:
            if each.label not in self._labels or not self._could_break(frame, each, people):
                continue
            one = replace(each, category=rules.kind_of(each.label))
            if not any(
                other.category == one.category
                and other.label != one.label
                and iou_of(other.box_px, one.box_px) > ONE_THING
                for other in kept
            ):
                kept.append(one)
        feet = [self.locator.foot(TrackView(frame, each)) for each in kept]
        held = [self._held(frame, each, foot) for each, foot in zip(kept, feet, strict=True)]
        return [
            Suspect(
                each.box_px, each.label, each.category, each.score, each.probability, _together(n, kept, feet, held)
            )
            for n, each in enumerate(kept)
        ]

    def _held(self, frame: Frame, thing: Detection, foot: Foot) -> int:
        """How many things a box holds; far off nobody can tell how wide it is on the ground."""
        if foot is None or hypot(*foot) > FARTHEST_M:
            return 1
        width_m = (thing.box_px[2] - thing.box_px[0]) / self.locator.camera_of(frame).focal_px[0] * foot[0]
        return rules.held(thing.label, width_m)

    def _could_break(self, frame: Frame, thing: Detection, people: Sequence[Detection]) -> bool:
        if thing.label in rules.TWO_WHEELERS:
            return not any(_rides(person.box_px, thing.box_px) for person in people)
        rule = rules.grouped(thing.label)
        near_m = rule.beside_m if rule else 0.0
        return not near_m or any(self._is_beside(frame, person, thing, near_m) for person in people)

    def _is_beside(self, frame: Frame, person: Detection, thing: Detection, near_m: float) -> bool:
        """Whether somebody stands so near on the ground, or behind the thing, which then hides the feet."""
        if _apart_m(*(self.locator.foot(TrackView(frame, each)) for each in (person, thing))) <= near_m:
            return True
        hidden = thing.box_px[1] < person.box_px[3] < thing.box_px[3]
        return hidden and _across(person.box_px, thing.box_px) > 0

    def _judge(self, ended: list[Track]) -> list[Track]:
        broken = []
        for track in ended:
            located = self.locator.place(track) if stands(track, self.locator) else None
            if located is not None and (rule := self._broken(track, located[0])) is not None:
                broken.append(_of(rule.category, track))
        return broken

    def _broken(self, track: Track, place: Place) -> Rule | None:
        """The rule that a standing thing is to be told by; None too if it belongs to what was told already."""
        for rule in self._rules:
            if track.label not in rule.labels or not self._is_forbidden(rule, track, place):
                continue
            belongs = rule.within_m > 0 and self._is_told(rule, track, place)
            if not belongs and sum(_many(view) >= rule.least for view in track.views) < LEAST_LOOKS:
                continue
            told = _Told(rule.category, track.pass_id, place.lat_deg, place.lon_deg)
            self._told = [*self._told, told][-TOLD_KEPT:]
            return None if belongs else rule
        return None

    def _is_told(self, rule: Rule, track: Track, place: Place) -> bool:
        return any(
            (told.category, told.pass_id) == (rule.category, track.pass_id)
            and hypot(*offset_m(told.lat_deg, told.lon_deg, place.lat_deg, place.lon_deg)) <= rule.within_m
            for told in self._told
        )

    def _is_forbidden(self, rule: Rule, track: Track, place: Place) -> bool:
        frame = track.views[-1].frame
        local = city_time(frame.utc, frame.clock_sigma_s, self.time_zone)

        def lies_in(kind: str) -> bool:
            return self.zones.at(kind, place.lat_deg, place.lon_deg, category=rule.category, local=local)

        return rules.forbidden(rule, lies_in)


def stands(track: Track, locator: Locator) -> bool:
    """Whether a thing moved less than STANDS_WITHIN_M on the ground while the vehicle drove WHILE_DRIVEN_M: by the straight line through its
    feet against the way, each look worth what its range leaves of it."""
    rows = []
    first = track.views[0].frame.fix
    for view in track.views:
        fix, foot = view.frame.fix, locator.foot(view)
        if first is None or fix is None or fix.heading_deg is None or foot is None or locator.is_cut(view):
            continue
        east, north = offset_m(first.lat_deg, first.lon_deg, fix.lat_deg, fix.lon_deg)
        e, n = east_north(fix.heading_deg, *foot)
        sigma_m = hypot(
            OWN_POSITION_SIGMA_M, tilt_sigma_rad(locator.mount) * hypot(*foot) ** 2 / locator.mount.height_m
        )
        rows.append((hypot(east, north), east + e, north + n, sigma_m**-2))
    driven, *ground, weight = np.array(rows).reshape(-1, 4).T
    if len(driven) < 2 or np.ptp(driven) < rules.WHILE_DRIVEN_M:
        return False
    away = driven - np.average(driven, weights=weight)
    slope = [float(weight * away @ axis) / float(weight * away @ away) for axis in ground]
    return hypot(*slope) * rules.WHILE_DRIVEN_M < rules.STANDS_WITHIN_M


Foot = tuple[float, float] | None


def _together(number: int, things: Sequence[Detection], feet: Sequence[Foot], held: Sequence[int]) -> int:
    """How many things of a look make one problem with the one of this number, it included: the boxes, or what one of them holds if that is more."""
    rule = rules.grouped(things[number].label)
    if rule is None:
        return 1
    near = [
        n
        for n, other in enumerate(things)
        if n == number or (other.label in rule.labels and _apart_m(feet[n], feet[number]) <= rule.within_m)
    ]
    return max(len(near), *(held[n] for n in near))


def _apart_m(a: Foot, b: Foot) -> float:
    return float("inf") if a is None or b is None else hypot(a[0] - b[0], a[1] - b[1])


def _many(view: TrackView) -> int:
    return view.detection.together if isinstance(view.detection, Suspect) else 1


def _of(category: str, track: Track) -> Track:
    """The track as one of a category. Its boxes stay: the pictures kept are those that show them best."""
    views = (replace(view, detection=replace(view.detection, category=category)) for view in track.views)
    return replace(track, views=tuple(views))


def _rides(person: Box, wheels: Box) -> bool:
    """Whether somebody sits on a two-wheeler: over it, one across the other, feet no higher than its upper edge."""
    narrower = min(person[2] - person[0], wheels[2] - wheels[0])
    return person[1] < wheels[1] < person[3] and _across(person, wheels) > ASTRIDE * narrower


def _across(a: Box, b: Box) -> float:
    return min(a[2], b[2]) - max(a[0], b[0])
