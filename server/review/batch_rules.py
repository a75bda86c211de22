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


def proven_among(history: Sequence[tuple[float, bool]], probabilities: Iterable[float]) -> set[float]:
    """Those of these probabilities that are proven. One above all that was ever answered is not, and says nothing of the others."""
    return {each for each in probabilities if is_proven(history, each)}
