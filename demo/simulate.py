"""What a simulated fleet does and what came of it. Pure: a seed in, habits and events out; counts in, figures out."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from demo.made import Maker

What = Literal["see", "flood", "outage", "back", "drive", "arrive"]
FLOOD = 30
OUTCOMES = ("accepted", "known", "refused")
VEHICLES_A_STREET = 3
DRIVE_S = 20.0
"""So often a vehicle catches up with the way it has driven; what it looked at leaves when a message is full, and at the end."""
CLOCKS_WRONG, LONGEST_CLOCK_ERROR_S = 0.1, 12 * 3600.0
FLOODING, OUT = 0.1, 0.4
"""Shares of the fleet whose clocks are off, that are flooded once, and that lose the network once."""


@dataclass(frozen=True)
class Event:
    """Something that happens to a vehicle `at_s` after the start."""

    at_s: float
    what: What


@dataclass(frozen=True)
class Habits:
    """One vehicle: what it makes, how its clock is off, how it misbehaves on the wire."""

    name: str
    maker: Maker
    clock_error_s: float
    twice_share: float
    reorder_share: float
    events: tuple[Event, ...]


def habits(seed: int, number: int, name: str, minutes: float, rate_per_minute: float, began: datetime) -> Habits:
    """Vehicle `number` of a fleet: the same for the same seed but for the time of day."""
    chance = random.Random(f"fleet|{seed}|{name}")
    length_s = minutes * 60
    maker = Maker(seed, name, street=number // VEHICLES_A_STREET, unknown_share=0.005, sizes_bytes=(8_000, 60_000), every_s=60 / rate_per_minute, began=began)  # fmt: skip
    wrong = chance.random() < CLOCKS_WRONG
    error_s = chance.uniform(-LONGEST_CLOCK_ERROR_S, LONGEST_CLOCK_ERROR_S) if wrong else 0.0
    events = sorted(_events(chance, length_s, rate_per_minute / 60), key=lambda event: event.at_s)
    return Habits(name, maker, error_s, 0.02, 0.05, tuple(events))


def _events(chance: random.Random, length_s: float, rate_hz: float) -> Iterator[Event]:
    at_s = chance.expovariate(rate_hz)
    while at_s < length_s:
        yield Event(at_s, "see")
        at_s += chance.expovariate(rate_hz)
    if chance.random() < FLOODING:
        yield Event(chance.uniform(0, length_s), "flood")
    if chance.random() < OUT:
        gone_s = chance.uniform(0, 0.8 * length_s)
        yield Event(gone_s, "outage")
        yield Event(gone_s + chance.uniform(0.02, 0.2) * length_s, "back")
    arrive_s, at_s = chance.uniform(0.9, 1.0) * length_s, chance.uniform(0, DRIVE_S)
    while at_s < arrive_s:
        yield Event(at_s, "drive")
        at_s += DRIVE_S
    yield Event(arrive_s, "arrive")


@dataclass
class Tally:
    """What a fleet did: `sent` counts sightings, `published` packets; an answer is accepted, known or refused with a reason. `coverage` counts what became of messages on the ground looked at."""

    sent: int = 0
    published: int = 0
    sent_bytes: int = 0
    accepted: int = 0
    known: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    happened: Counter[str] = field(default_factory=Counter)
    coverage: Counter[str] = field(default_factory=Counter)
    latencies_s: list[float] = field(default_factory=list)

    @property
    def unanswered(self) -> int:
        """Messages of both kinds the server has said nothing about."""
        coverage = self.coverage["made"] - sum(self.coverage[outcome] for outcome in OUTCOMES)
        return self.sent - self.answered + coverage

    @property
    def answered(self) -> int:
        """Sightings the server has said something about."""
        return self.accepted + self.known + self.refused.total()

    def answer(self, outcome: str, reason: str, latency_s: float) -> None:
        """Count the first answer to one message."""
        self.latencies_s.append(latency_s)
        if outcome == "accepted":
            self.accepted += 1
        elif outcome == "known":
            self.known += 1
        else:
            self.refused[reason.partition(":")[0] or "unknown"] += 1

    def add(self, other: Tally) -> None:
        """Both together."""
        for name in ("sent", "published", "sent_bytes", "accepted", "known"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refused += other.refused
        self.happened += other.happened
        self.coverage += other.coverage
        self.latencies_s += other.latencies_s


def figures(tally: Tally, vehicles: int, real: int, seconds: float) -> dict[str, Any]:
    """The last line of a run. Latencies are milliseconds from a message's making to the server's answer, outages included."""
    return {
        "vehicles": vehicles, "real": real, "seconds": round(seconds, 1), "sent": tally.sent, "published": tally.published, "megabytes": round(tally.sent_bytes / 1e6, 1),
        "acknowledged": tally.accepted + tally.known, "known": tally.known, "refused": dict(sorted(tally.refused.items())),
        "unanswered": tally.unanswered, "answered_hz": round(tally.answered / seconds, 1) if seconds else 0.0,
        "latency_ms": {f"p{share}": quantile_ms(tally.latencies_s, share / 100) for share in (50, 95, 99)} | {"max": quantile_ms(tally.latencies_s, 1.0)},
        "coverage": dict(sorted(tally.coverage.items())), "happened": dict(sorted(tally.happened.items())),
    }  # fmt: skip


def quantile_ms(values_s: Sequence[float], share: float) -> float | None:
    """The smallest value that `share` of all do not exceed, in milliseconds; None if there is none."""
    if not values_s:
        return None
    ordered = sorted(values_s)
    return round(1000 * ordered[max(0, -int(-share * len(ordered) // 1) - 1)], 1)
