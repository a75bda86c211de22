"""Times things against each other fairly on a machine that others use too: in turn, by the processor time of one thread."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

import numpy as np


def in_turn(things: dict[str, Sequence[Callable[[], object]]], rounds: int) -> dict[str, list[float]]:
    """Milliseconds of each call, by name; all names in each round, the first of them another one each time. One round goes before, uncounted."""
    names, taken = list(things), {name: list[float]() for name in things}
    for number in range(rounds + 1):
        for name in names[number % len(names) :] + names[: number % len(names)]:
            for call in things[name]:
                before = time.thread_time()
                call()
                if number:
                    taken[name].append(1e3 * (time.thread_time() - before))
    return taken


def ratio(one: Sequence[float], other: Sequence[float]) -> tuple[float, float, float]:
    """Median of what the one takes of the other, call by call, and the quartiles of that."""
    low, middle, high = np.quantile(np.array(one) / np.array(other), [0.25, 0.5, 0.75])
    return float(middle), float(low), float(high)
