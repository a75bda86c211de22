"""How far people agree beyond chance: Cohen's kappa of two, Krippendorff's alpha of any number. Values are words without an order. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations

Joint = Mapping[tuple[str, str], float]
"""How often the first said one word and the second said the other of the same thing."""


def raw_share(joint: Joint) -> float | None:
    """Share of things that both called the same; None without any."""
    total = sum(joint.values())
    return sum(count for (one, other), count in joint.items() if one == other) / total if total else None


def kappa(joint: Joint) -> float | None:
    """Cohen (1960), "A coefficient of agreement for nominal scales": agreement beyond what their own shares of each word would give by chance.

    None without any, and where both always said one and the same word: chance alone agrees then.
    """
    total = sum(joint.values())
    if not total:
        return None
    first, second = _margin(joint, 0), _margin(joint, 1)
    by_chance = sum(first[word] * second.get(word, 0.0) for word in first) / total**2
    agreed = raw_share(joint)
    return None if by_chance >= 1 or agreed is None else (agreed - by_chance) / (1 - by_chance)


def coincidences(things: Iterable[Sequence[str]]) -> dict[tuple[str, str], float]:
    """Krippendorff's matrix of coincidences out of what was said of each thing: every ordered pair of a thing with m answers weighs 1 / (m - 1); one answer alone pairs with nothing."""
    matrix: dict[tuple[str, str], float] = {}
    for said in things:
        for pair in permutations(said, 2):
            matrix[pair] = matrix.get(pair, 0.0) + 1 / (len(said) - 1)
    return matrix


def alpha(matrix: Joint) -> float | None:
    """Krippendorff (2011), "Computing Krippendorff's alpha-reliability", nominal: 1 less disagreement seen over that of chance, from `coincidences`.

    None without a pair, and where only one word was ever said.
    """
    totals = _margin(matrix, 0)
    n = sum(totals.values())
    by_chance = n * n - sum(count * count for count in totals.values())
    if n <= 1 or by_chance <= 0:
        return None
    seen = sum(count for (one, other), count in matrix.items() if one != other)
    return 1 - (n - 1) * seen / by_chance


def _margin(joint: Joint, of: int) -> dict[str, float]:
    """How often the first, or the second, said each word."""
    sums: dict[str, float] = {}
    for said, count in joint.items():
        sums[said[of]] = sums.get(said[of], 0.0) + count
    return sums
