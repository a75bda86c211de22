"""What may be on its way at once: enough to keep the link busy, little enough that what is urgent does not queue behind what is not. The clock is passed in."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID

QUEUE_S = 1.5
"""How long what is on its way may take to leave, at the rate the link has shown."""
FIRST_WINDOW_BYTES = 64 * 1024
SAMPLES = 10
BEYOND_WINDOW = 2
"""Places for what is urgent beside those of the window."""


class Lane(IntEnum):
    """What goes first: urgent, then what came since the connection began, then the rest."""

    URGENT = 0
    FRESH = 1
    BACKLOG = 2


@dataclass
class Flight:
    """One message on its way."""

    sequence: int
    size: int
    lane: Lane
    sent_s: float
    delivered_before: int
    tries: int = 1


@dataclass
class Pace:
    """The messages on their way, and the link's rate as their acknowledgements show it (the best of the last few, as a stall says nothing about it)."""

    window: int
    flights: dict[UUID, Flight] = field(default_factory=dict)
    lanes: Counter[Lane] = field(default_factory=Counter)
    bytes_out: int = 0
    delivered: int = 0
    shortest_s: float = 0.0
    rates: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))

    def has_room(self, lane: Lane) -> bool:
        """Whether one more of this lane may leave now."""
        count = len(self.flights)
        if lane == Lane.URGENT:
            return count < self.window + BEYOND_WINDOW
        if lane == Lane.FRESH and not self.lanes[Lane.FRESH]:
            return count < self.window + 1
        # Two at least: while one is answered, the next one travels.
        return count < self.window and (count < 2 or self.bytes_out < self.window_bytes)

    @property
    def window_bytes(self) -> float:
        """Grows with the rate; a long way needs as much again as it takes there and back."""
        return max(self.rates) * max(QUEUE_S, 2 * self.shortest_s) if self.rates else FIRST_WINDOW_BYTES

    def left(self, message_id: UUID, sequence: int, size: int, lane: Lane, now_s: float) -> None:
        """A message was handed to the link, for the first time or again."""
        before = self.flights.get(message_id)
        if before is not None:
            before.sent_s, before.delivered_before, before.tries = now_s, self.delivered, before.tries + 1
            return
        self.flights[message_id] = Flight(sequence, size, lane, now_s, self.delivered)
        self.lanes[lane] += 1
        self.bytes_out += size

    def answered(self, message_id: UUID, now_s: float) -> None:
        """The server has answered; what was sent twice says nothing about the link."""
        flight = self.forget(message_id)
        if flight is None:
            return
        self.delivered += flight.size
        taken_s = max(now_s - flight.sent_s, 1e-3)
        if flight.tries == 1:
            self.rates.append((self.delivered - flight.delivered_before) / taken_s)
            self.shortest_s = min(self.shortest_s or taken_s, taken_s)

    def forget(self, message_id: UUID) -> Flight | None:
        """A message is on its way no more."""
        flight = self.flights.pop(message_id, None)
        if flight is not None:
            self.lanes[flight.lane] -= 1
            self.bytes_out -= flight.size
        return flight

    def overdue(self, resend_s: float, now_s: float) -> list[tuple[UUID, Flight]]:
        """What should have been answered: later than `resend_s`, and than four times what is on its way needs at the link's rate."""
        needs_s = self.bytes_out / max(self.rates) if self.rates else 0.0
        after_s = max(resend_s, 4 * needs_s)
        return [(id_, each) for id_, each in self.flights.items() if now_s - each.sent_s >= after_s]

    def sequences(self) -> set[int]:
        """Those that are on their way."""
        return {each.sequence for each in self.flights.values()}
