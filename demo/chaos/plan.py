"""What goes wrong, when, and to whom: drawn from a seed. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

KILLS = ("kill_producer", "kill_uplink", "kill_broker", "kill_intake", "kill_web")
POWER = ("power_cut", "power_cut_of_server")
DISK = ("disk_full", "disk_read_only", "outbox_locked", "database_locked")
CLOCK = ("clock_forward", "clock_back")
TWICE = ("two_uplinks", "cloned_card")
PACKETS = ("packets_doubled", "packets_reordered", "packets_delayed", "packets_cut")
BROKER = ("broker_forgets", "offline")
KINDS = KILLS + POWER + DISK + CLOCK + TWICE + PACKETS + BROKER
"""Faults under which nothing may be lost, evicted or unreadable."""
DAMAGE = ("bad_page",)
"""Faults after which some sightings may be unreadable, but none unnamed."""
AT_ONCE = (0.0, 0.0)
LASTING_S: dict[str, tuple[float, float]] = {
    **dict.fromkeys(KILLS + POWER, AT_ONCE),
    **dict.fromkeys(DISK, (1.0, 4.0)),
    **dict.fromkeys(CLOCK, (2.0, 6.0)),
    **dict.fromkeys(PACKETS + BROKER, (2.0, 5.0)),
    **dict.fromkeys(DAMAGE, (3.0, 5.0)),
    **dict.fromkeys(TWICE, (3.0, 6.0)),
}
PAUSE_S = (0.3, 2.0)
ALONE: tuple[frozenset[str], ...] = (
    frozenset({"disk_full", "disk_read_only", "outbox_locked", "power_cut", *TWICE}),
    frozenset({"database_locked", "power_cut_of_server"}),
    frozenset({"clock_forward", "clock_back", "offline"}),
    frozenset({"offline", *PACKETS, "broker_forgets", *TWICE}),
)
"""Of each of these, one at a time on one machine: another would hide it."""


@dataclass(frozen=True)
class Fault:
    """`kind` befalls a vehicle (by number; faults of the server take none) `after_s` the fault before it and lasts `lasts_s`. `seed` is for what it draws itself."""

    kind: str
    vehicle: int
    after_s: float
    lasts_s: float
    seed: int


def plan(seed: int, vehicles: int, kinds: Sequence[str] = KINDS, stretch: float = 1.0) -> Iterator[Fault]:
    """Faults without end: each kind once in a round, the rounds in ever new orders. `stretch` makes the lasting ones longer."""
    chance = random.Random(f"plan|{seed}")
    while True:
        for kind in chance.sample(kinds, len(kinds)):
            lasts_s = stretch * chance.uniform(*LASTING_S[kind])
            yield Fault(kind, chance.randrange(vehicles), chance.uniform(*PAUSE_S), lasts_s, chance.getrandbits(32))
