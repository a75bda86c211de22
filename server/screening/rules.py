"""First look: from a case to whether a person should see it, and how soon. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from math import exp, log
from typing import Literal

SEVERITY_WEIGHT = {"low": 1.0, "medium": 2.0, "high": 4.0, "critical": 8.0}
SMALLEST_BOX_PX = 10.0
DARKEST, BLURRED = 12.0, 4.0
HOPELESS = 0.175
"""Of what is less probable than this, people are shown the blind share alone. Of 150 true finds on photographs that no network learnt from it loses none, of 36 false ones it sets five aside (benchmarks/screening_bound.py)."""
VEHICLE_STRENGTH, PLACE_STRENGTH = 20.0, 4.0
"""How many verdicts a record must hold to weigh as much as the category's share in the city: a vehicle is much like the others, a place is not."""
MOST_LOGITS = 1.5
"""A record changes the odds by at most 4.5: it tells of other things than this one."""
DAY_H, WORKED_H = 24.0, 8.0
LEAST_URGENCY, MOST_URGENCY = 0.5, 4.0
RANDOM_VALUE = SEVERITY_WEIGHT["critical"]
"""Cards drawn by lot stand evenly between no value and this: a sure case of the highest severity within a day."""


@dataclass(frozen=True)
class Record:
    """What people made of other cases: so many confirmed of so many decided."""

    confirmed: int = 0
    decided: int = 0


@dataclass(frozen=True)
class Seen:
    """What screening knows of a case. `picture` None: it cannot be opened; else brightness, sharpness, short side of the box in pixels.

    `probability` is the vehicle's, `second` that of the stronger pack, None where it has no opinion. `base` is the category's confirmed share in the city.
    """

    number: int
    probability: float
    severity: str
    rejected_here: bool
    picture: tuple[float, float, float] | None
    second: float | None = None
    vehicle: Record = Record()
    place: Record = Record()
    base: float = 0.5
    deadline_h: float | None = None
    deadline_clock: Literal["continuous", "working"] | None = None


@dataclass(frozen=True)
class Screened:
    """Show it or not, why not, whether it is one of the random share, and its priority."""

    show: bool
    reason: str
    blind: bool
    priority: float


def screen(seen: Seen, blind_share: float, random_share: float = 0.0) -> Screened:
    """Set aside what was rejected at this place before, cannot be judged by its picture, or is hopeless; a random share of it is shown all the same. Order the rest by expected value.

    A random share of what is shown stands where a lot puts it, so that what comes late is measured too, and so does all that was set aside; none comes later than by its own value.
    """
    probable = joined(seen)
    reason = _why_not(seen, probable)
    blind = bool(reason) and lot("blind", seen.number) < blind_share
    value = probable * SEVERITY_WEIGHT.get(seen.severity, 1.0) * urgency(seen.deadline_h, seen.deadline_clock)
    if blind or lot("random", seen.number) < random_share:
        value = max(value, lot("place", seen.number) * RANDOM_VALUE)
    return Screened(not reason or blind, reason, blind, value)


def joined(seen: Seen) -> float:
    """One probability out of two looks and two records.

    Looks: the mean of their log-odds, Genest and Zidek (1986), "Combining probability distributions", the logarithmic pool with equal weights: the networks are
    alike, so their evidence must not add up. Records: each shifts the log-odds by how far its confirmed share, shrunk towards the category's, lies from that.
    """
    looks = [seen.probability] if seen.second is None else [seen.probability, seen.second]
    logits = sum(logit(each) for each in looks) / len(looks)
    logits += shift(seen.vehicle, seen.base, VEHICLE_STRENGTH) + shift(seen.place, seen.base, PLACE_STRENGTH)
    return 1 / (1 + exp(-logits))


def shift(record: Record, base: float, strength: float) -> float:
    """By how much a record changes the log-odds: nothing if it is empty, at most MOST_LOGITS."""
    base = min(max(base, 0.02), 0.98)
    shrunk = (record.confirmed + strength * base) / (record.decided + strength)
    return min(max(logit(shrunk) - logit(base), -MOST_LOGITS), MOST_LOGITS)


def urgency(deadline_h: float | None, clock: str | None) -> float:
    """1 for a deadline in a day, doubled where a quarter of the time is left to a city; working hours are a third of a day's."""
    if deadline_h is None or deadline_h <= 0:
        return LEAST_URGENCY
    hours = deadline_h * DAY_H / WORKED_H if clock == "working" else deadline_h
    return float(min(max((DAY_H / hours) ** 0.5, LEAST_URGENCY), MOST_URGENCY))


def overlap(a: Iterable[float], b: Iterable[float]) -> float:
    """Share of two boxes (x1, y1, x2, y2) that both cover of what either does."""
    (ax, ay, az, aw), (bx, by, bz, bw) = a, b
    inside = max(0.0, min(az, bz) - max(ax, bx)) * max(0.0, min(aw, bw) - max(ay, by))
    either = (az - ax) * (aw - ay) + (bz - bx) * (bw - by) - inside
    return inside / either if either > 0 else 0.0


def lot(what: str, number: int) -> float:
    """From 0 to 1, always the same for a case: screening twice decides the same."""
    return int.from_bytes(hashlib.sha256(f"{what} {number}".encode()).digest()[:4], "big") / 2**32


def logit(probability: float) -> float:
    """Log-odds; no more certain than one in a million."""
    clipped = min(max(probability, 1e-6), 1 - 1e-6)
    return log(clipped / (1 - clipped))


def _why_not(seen: Seen, probable: float) -> str:
    if seen.rejected_here:
        return "rejected_before"
    if seen.picture is None:
        return "picture_unusable"
    brightness, sharpness, short_px = seen.picture
    if brightness < DARKEST or sharpness < BLURRED or short_px < SMALLEST_BOX_PX:
        return "picture_unusable"
    # What may hurt somebody is always looked at by a person.
    is_hopeless = seen.second is not None and probable < HOPELESS and seen.severity != "critical"
    return "hopeless" if is_hopeless else ""
