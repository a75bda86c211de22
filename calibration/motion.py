"""Heading and speed out of the way itself: a Kalman filter of constant velocity, live, and smoothed over a whole recording.

State: position and velocity, east and north alike and independent, so that one covariance [2, 2] serves both; the vehicle's
accelerations are white noise. Smoothing is that of Rauch, Tung and Striebel (AIAA Journal 3, 1965, 1445-1450).
Where a vehicle looks is where it drives: one that backs up is told the wrong way round.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import atan2, cos, degrees, exp, hypot, radians, sin, sqrt

import numpy as np
import numpy.typing as npt

from calibration.geodesy import offset_m
from calibration.gnss import TURNING_DEG, Position, believable_mps, compass_deg

Array = npt.NDArray[np.float64]
ACCELERATION_M2S3 = 1.5
"""Density of the noise: a velocity is off by its root, 1.2 m/s, after one second unseen. A tricycle in a turn needs that much."""
GAP_S = 10.0
OWN_SHARE, OWN_M = 0.05, 0.3
"""From one second to the next a receiver wanders by a part of what it is off by, and by decimetres."""
SPEED_SIGMA_MPS, LEAST_SPEED_SIGMA_MPS = 0.15, 0.05
"""What a receiver's speed is off by where it does not say: it comes from Doppler shifts, not from positions."""
START_MPS, SURE_MPS = 10.0, 3.0
"""What a speed may be before anything is known of it, and how far off one may be that is told at all."""
JUMP = 13.8
"""χ² of two degrees of freedom at 99.9 %: a fix farther off is a jump that the vehicle cannot have driven, and tells nothing of its speed."""
DOUBT_S = 10.0
HEADING_SIGMA_DEG, FRESH_SIGMA_DEG, UNKNOWN_SIGMA_DEG = 1.0, 20.0, 45.0
"""No course is surer than how straight a vehicle drives along it; one less sure than the second may be a standing vehicle's noise; a heading of
before that is less sure than the last is none.
"""


@dataclass(frozen=True)
class Heading:
    """Where a vehicle looks at an instant, clockwise from north, and one sigma of it."""

    t_s: float
    deg: float
    sigma_deg: float


@dataclass(frozen=True, eq=False)
class State:
    """`xy` [2, 2]: rows position in m from the anchor and velocity in m/s, columns east and north. `p` [2, 2] their covariance, either axis."""

    t_s: float
    xy: Array
    p: Array


@dataclass(frozen=True, eq=False)
class Step:
    """One fix taken in: the state before it, None for a first one, and after; whether it jumped, and how far beyond what it is off by itself."""

    before: State | None
    after: State
    has_jumped: bool = False
    doubt_m: float = 0.0


class Motion:
    """Follows one vehicle live. A fix that jumped is widened by its jump, for some ten seconds: who knows which side was right."""

    def __init__(self) -> None:
        self._anchor: Position | None = None
        self._state: State | None = None
        self._doubt_m = 0.0
        self._held: Heading | None = None

    def see(self, position: Position) -> Position:
        """The same position with heading, its sigma, and speed by the way so far; both None if nobody can tell."""
        anchor = self._anchor = self._anchor or position
        step = step_of(self._state, position, anchor)
        since_s = max(0.0, position.t_s - self._state.t_s) if self._state else 0.0
        self._state = step.after
        self._doubt_m = max(step.doubt_m, self._doubt_m * exp(-since_s / DOUBT_S))
        self._held = course_of(step.after) or held_on(self._held, position.t_s)
        return told(position, step.after, self._held, self._doubt_m)


def smoothed(positions: Sequence[Position]) -> list[Position]:
    """The same positions, in order of time, with headings and speeds by the whole way; what the source tells itself stays."""
    states, doubts_m = _smoothed_states(positions)
    known = zip(_held(states), _held(states[::-1])[::-1], strict=True)
    headings = [min(filter(None, pair), key=lambda heading: heading.sigma_deg, default=None) for pair in known]
    return [told(*each) for each in zip(positions, states, headings, doubts_m, strict=True)]


def step_of(state: State | None, position: Position, anchor: Position) -> Step:
    """Predict to a fix and take it in. After a gap, or where time went back, everything begins anew."""
    at = np.array(offset_m(anchor.lat_deg, anchor.lon_deg, position.lat_deg, position.lon_deg))
    variance = hypot(OWN_SHARE * position.sigma_m, OWN_M) ** 2
    if state is None or not 0 <= position.t_s - state.t_s <= GAP_S:
        fresh = State(position.t_s, np.stack((at, np.zeros(2))), np.diag((variance, START_MPS**2)))
        return Step(None, _with_velocity(fresh, position))
    before = predicted(state, position.t_s)
    way_m = float(np.hypot(*(at - before.xy[0])))
    if way_m**2 > JUMP * (before.p[0, 0] + variance):
        moved = State(before.t_s, np.stack((at, before.xy[1])), np.diag((variance, before.p[1, 1])))
        is_doubtful = way_m**2 > JUMP * (before.p[0, 0] + position.sigma_m**2)
        return Step(before, _with_velocity(moved, position), True, way_m if is_doubtful else 0.0)
    return Step(before, _with_velocity(_taken(before, 0, at, variance), position))


def predicted(state: State, t_s: float) -> State:
    """The state so much later if nothing is heard."""
    dt = t_s - state.t_s
    over = np.array(((1.0, dt), (0.0, 1.0)))
    noise = ACCELERATION_M2S3 * np.array(((dt**3 / 3, dt**2 / 2), (dt**2 / 2, dt)))
    return State(t_s, over @ state.xy, over @ state.p @ over.T + noise)


def _taken(state: State, row: int, value: Array, variance: float) -> State:
    gain = state.p[:, row] / (state.p[row, row] + variance)
    xy = state.xy + np.outer(gain, value - state.xy[row])
    return State(state.t_s, xy, state.p - np.outer(gain, state.p[row]))


def _with_velocity(state: State, position: Position) -> State:
    """Take in what the receiver says of its speed. Without a course it hardly moves, and the speed itself is the error."""
    speed_mps, course = position.speed_mps, position.heading_deg
    if speed_mps is None or position.quality not in ("gnss", "rtk"):
        return state
    sigma_mps = max(
        LEAST_SPEED_SIGMA_MPS, SPEED_SIGMA_MPS if position.speed_sigma_mps is None else position.speed_sigma_mps
    )
    if course is None:
        return _taken(state, 1, np.zeros(2), hypot(sigma_mps, speed_mps) ** 2)
    velocity = speed_mps * np.array((sin(radians(course)), cos(radians(course))))
    return _taken(state, 1, velocity, sigma_mps**2)


def course_of(state: State) -> Heading | None:
    """The direction of travel; None if the vehicle may as well stand. Noise alone makes a speed, which is taken off first."""
    east, north = state.xy[1]
    variance = float(state.p[1, 1])
    speed_mps = sqrt(max(0.0, east**2 + north**2 - 2 * variance))
    if sqrt(variance) > radians(FRESH_SIGMA_DEG) * speed_mps:
        return None
    return Heading(
        state.t_s,
        compass_deg(degrees(atan2(east, north))),
        hypot(HEADING_SIGMA_DEG, degrees(sqrt(variance) / speed_mps)),
    )


def held_on(held: Heading | None, t_s: float) -> Heading | None:
    """A heading as it is known at another instant; None once nothing is left of it."""
    if held is None:
        return None
    sigma_deg = hypot(held.sigma_deg, TURNING_DEG * sqrt(abs(t_s - held.t_s)))
    return Heading(t_s, held.deg, sigma_deg) if sigma_deg <= UNKNOWN_SIGMA_DEG else None


def told(position: Position, state: State, held: Heading | None, doubt_m: float) -> Position:
    """A position with what is known of its motion. A heading that a file tells stays as it is told."""
    by_way_mps = hypot(*state.xy[1]) if state.p[1, 1] < SURE_MPS**2 else None
    speed_mps = by_way_mps if position.speed_mps is None else position.speed_mps
    is_files = position.heading_deg is not None and position.quality not in ("gnss", "rtk")
    heading_deg, sigma_deg = position.heading_deg, position.heading_sigma_deg
    if not is_files:
        heading_deg, sigma_deg = (held.deg, held.sigma_deg) if held else (None, None)
    return replace(
        position, sigma_m=hypot(position.sigma_m, doubt_m), heading_sigma_deg=sigma_deg,
        heading_deg=None if heading_deg is None else compass_deg(heading_deg),
        speed_mps=believable_mps(speed_mps),
    )  # fmt: skip


def _held(states: Iterable[State]) -> list[Heading | None]:
    """The heading at each state, in the order given: a vehicle that stands looks where it came from."""
    held, out = None, []
    for state in states:
        held = course_of(state) or held_on(held, state.t_s)
        out.append(held)
    return out


def _smoothed_states(positions: Sequence[Position]) -> tuple[list[State], list[float]]:
    """The states at all positions as the whole way tells them, and what jumps leave in doubt, in metres."""
    steps: list[Step] = []
    for position in positions:
        steps.append(step_of(steps[-1].after if steps else None, position, positions[0]))
    states = [step.after for step in steps]
    for i in range(len(steps) - 2, -1, -1):
        before, step, after = steps[i + 1].before, steps[i].after, states[i + 1]
        if before is not None and not steps[i + 1].has_jumped:
            over = np.array(((1.0, before.t_s - step.t_s), (0.0, 1.0)))
            gain = step.p @ over.T @ np.linalg.inv(before.p)
            states[i] = State(
                step.t_s, step.xy + gain @ (after.xy - before.xy), step.p + gain @ (after.p - before.p) @ gain.T
            )
    return states, _doubts_m(steps)


def _doubts_m(steps: Sequence[Step]) -> list[float]:
    """A jump is a doubt at both of its sides, less with every second."""
    doubts = [step.doubt_m for step in steps]
    for i in range(1, len(steps)):
        doubts[i] = max(doubts[i], doubts[i - 1] * exp(-abs(steps[i].after.t_s - steps[i - 1].after.t_s) / DOUBT_S))
    for i in range(len(steps) - 2, -1, -1):
        doubts[i] = max(doubts[i], doubts[i + 1] * exp(-abs(steps[i + 1].after.t_s - steps[i].after.t_s) / DOUBT_S))
    return doubts
