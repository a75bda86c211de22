"""How far a camera's clock and a receiver's are apart, out of a drive: both see the vehicle turn, each by its own clock."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
FARTHEST_S, STEP_S = 2.0, 0.05
SMOOTH_STEPS = 5
"""The camera's turn is a mean over so many steps to either side: a bend lasts for seconds, noise does not."""
LEAST_SIGMA_S, FEW_BENDS_SHARE = 0.002, 1.15
"""The parabola is off by so much even without noise; and few bends are worth less than first order says, by this share (benchmarks/place_gnss.py)."""
FEWEST = 20
"""Spans between two courses that must lie within both recordings whatever the offset."""
BEND_DEG, LEAST_BENDS_DEG = 3.0, 45.0
"""A turn within a second that is no noise of the receiver, and how much all those must come to."""
LEAST_CORRELATION = 0.7


class NoOffset(Exception):
    """The drive does not tell the offset; the text says why and what drive would."""


@dataclass(frozen=True)
class Offset:
    """`camera's time = receiver's time + offset_s` of the same instant; one sigma, and how well both turns agree (1 is best)."""

    offset_s: float
    sigma_s: float
    correlation: float


def clock_offset(
    camera_t_s: npt.ArrayLike,
    camera_turn_deg_s: npt.ArrayLike,
    receiver_t_s: npt.ArrayLike,
    receiver_course_deg: npt.ArrayLike,
) -> Offset:
    """The offset at which the camera's turn rate [N], clockwise, agrees best with how the receiver's course [M] changes. Raises NoOffset.

    Between two courses the vehicle turned by the integral of its turn rate, so both are compared over the receiver's own spans,
    however far apart its fixes are. The peak of the correlation over the offset is refined by a parabola.
    """
    turns = _Turns.of(*(np.asarray(each, np.float64) for each in (camera_t_s, camera_turn_deg_s, receiver_t_s, receiver_course_deg)))  # fmt: skip
    offsets_s = np.arange(-FARTHEST_S, FARTHEST_S + STEP_S / 2, STEP_S)
    correlations = np.array([turns.correlation(each) for each in offsets_s])
    best = int(np.argmax(correlations))
    if correlations[best] < LEAST_CORRELATION or best in (0, len(offsets_s) - 1):
        raise NoOffset(
            f"within ±{FARTHEST_S:.0f} s the camera's turns and the receiver's do not agree (correlation {correlations[best]:.2f}); "
            "check that both are of one drive"
        )
    before, at, after = correlations[best - 1 : best + 2]
    offset_s = float(offsets_s[best] + STEP_S / 2 * (before - after) / (before - 2 * at + after))
    return Offset(offset_s, turns.sigma_s(offset_s), float(at))


@dataclass(frozen=True, eq=False)
class _Turns:
    """The camera's turn since its start [N] at its times [N], and the receiver's turns [K] from one of its times [K, 2] to the next."""

    times_s: Array
    total_deg: Array
    spans_s: Array
    turns_deg: Array

    @classmethod
    def of(cls, t_s: Array, turn_deg_s: Array, receiver_t_s: Array, course_deg: Array) -> _Turns:
        if len(t_s) < 2 or len(receiver_t_s) < 2:
            raise NoOffset("no turns are known of camera or receiver; record one minute of both")
        total_deg = np.concatenate(((0.0,), np.cumsum(np.diff(t_s) * (turn_deg_s[1:] + turn_deg_s[:-1]) / 2)))
        spans_s = np.stack((receiver_t_s[:-1], receiver_t_s[1:]), axis=1)
        inside = (spans_s[:, 0] - FARTHEST_S >= t_s[0]) & (spans_s[:, 1] + FARTHEST_S <= t_s[-1])
        turns_deg = (np.diff(course_deg) + 180) % 360 - 180
        spans_s, turns_deg = spans_s[inside], turns_deg[inside]
        if len(turns_deg) < FEWEST:
            raise NoOffset(f"camera and receiver overlap for {len(turns_deg)} fixes, needed are {FEWEST}; record one minute of both")  # fmt: skip
        if _bends_deg(receiver_t_s, course_deg) < LEAST_BENDS_DEG:
            raise NoOffset(f"the vehicle turns by less than {LEAST_BENDS_DEG:.0f}° in all; drive some bends")
        even_s = np.arange(t_s[0], t_s[-1], STEP_S)
        even_deg = np.pad(np.interp(even_s, t_s, total_deg), SMOOTH_STEPS, mode="edge")
        over = 2 * SMOOTH_STEPS + 1
        return cls(even_s, np.convolve(even_deg, np.full(over, 1 / over), "valid"), spans_s, turns_deg)

    def seen_deg(self, offset_s: float) -> Array:
        """The camera's turns [K] over the receiver's spans."""
        ends = np.interp(self.spans_s + offset_s, self.times_s, self.total_deg)
        return np.asarray(ends[:, 1] - ends[:, 0])

    def correlation(self, offset_s: float) -> float:
        """From -1 to 1, whatever the scale of either; 0 if the camera sees no turn."""
        seen, told = self.seen_deg(offset_s), self.turns_deg
        seen, told = seen - seen.mean(), told - told.mean()
        return float(seen @ told) / max(float(np.sqrt((seen @ seen) * (told @ told))), 1e-12)

    def sigma_s(self, offset_s: float) -> float:
        """First order, of least squares. Neighbouring turns share the course between them, and so its error with the opposite sign."""
        seen = self.seen_deg(offset_s)
        slope = (self.seen_deg(offset_s + STEP_S) - self.seen_deg(offset_s - STEP_S)) / (2 * STEP_S)
        columns = np.stack((slope, seen, np.ones_like(seen)), axis=1)
        inverse = np.linalg.inv(columns.T @ columns)
        found = inverse @ columns.T @ self.turns_deg
        left = self.turns_deg - columns @ found
        variance = float(left @ left) / (len(left) - 3)
        alike = float(np.clip(left[1:] @ left[:-1] / max(float(left @ left), 1e-12), -0.5, 0.5))
        both = columns[1:].T @ columns[:-1]
        spread = variance * inverse @ (columns.T @ columns + alike * (both + both.T)) @ inverse
        first_order_s = np.sqrt(max(spread[0, 0], 0.0)) / max(abs(found[1]), 1e-6)
        return float(np.hypot(LEAST_SIGMA_S, FEW_BENDS_SHARE * first_order_s))


def _bends_deg(t_s: Array, course_deg: Array) -> float:
    """All that a course turns by, second by second, its noise left out."""
    each_second = np.interp(np.arange(t_s[0], t_s[-1], 1.0), t_s, np.unwrap(course_deg, period=360))
    turns = np.abs(np.diff(each_second))
    return float(turns[turns >= BEND_DEG].sum())
