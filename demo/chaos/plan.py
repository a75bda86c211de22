"""What goes wrong, when, and to whom: drawn from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

KILLS = ("kill_producer", "kill_uplink", "kill_broker", "kill_intake", "kill_web")
KINDS = KILLS
"""Faults under which nothing may be lost, evicted or unreadable."""
LASTING_S: dict[str, tuple[float, float]] = dict.fromkeys(KILLS, (0.0, 0.0))
PAUSE_S = (0.3, 2.0)


@dataclass(frozen=True)
class Fault:
    """`kind` befalls a vehicle (by number; faults of the server take none) `after_s` the fault before it and lasts `lasts_s`."""

    kind: str
    vehicle: int
    after_s: float
    lasts_s: float


def plan(seed: int, vehicles: int, kinds: Sequence[str] = KINDS) -> Iterator[Fault]:
    """Faults without end: each kind once in a round, the rounds in ever new orders."""
    chance = random.Random(f"plan|{seed}")
    while True:
        for kind in chance.sample(kinds, len(kinds)):
            yield Fault(kind, chance.randrange(vehicles), chance.uniform(*PAUSE_S), chance.uniform(*LASTING_S[kind]))
