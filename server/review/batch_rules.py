"""When twelve cards may be answered together. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from server.categories.rules import wilson

CELLS = 12
LAST, LEAST_PRECISION = 500, 0.98
LEAST_MS = 4000
SEVERITIES = ("low", "medium")
"""One at a time above these: what is urgent is looked at closely."""


def is_proven(history: Sequence[tuple[float, bool]], probability: float) -> bool:
    """Whether of the LAST answers at or above a probability, newest first, so many confirmed that at least LEAST_PRECISION surely do (95 %, Wilson)."""
    seen = [right for each, right in history if each >= probability][:LAST]
    return wilson(sum(seen), len(seen))[0] >= LEAST_PRECISION


def least_proven(history: Sequence[tuple[float, bool]], probabilities: Iterable[float]) -> float | None:
    """The lowest of these probabilities from which on everything is proven; None if not even the highest is."""
    least = None
    for each in sorted(set(probabilities), reverse=True):
        if not is_proven(history, each):
            break
        least = each
    return least
