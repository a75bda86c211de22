"""The uplink's last lane: what was looked at. Few messages at once, and none to a server that leaves them unanswered. The clock is passed in."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from edge.outbox_coverage import CoverageBox, CoverageWaiting

AWAY_AT_MOST, UNANSWERED_AT_MOST = 2, 6
"""An older server knows no coverage: after so many in a row without a word, this connection offers it no more."""


@dataclass
class CoverageLane:
    """What of one outbox's coverage is on its way in this connection."""

    box: CoverageBox
    away: dict[UUID, float] = field(default_factory=dict)
    _sent: set[UUID] = field(default_factory=set)
    _answered: set[UUID] = field(default_factory=set)
    _unanswered: int = 0

    def begin_again(self) -> None:
        """A new connection: nothing is on its way."""
        self.away, self._sent, self._unanswered = {}, set(), 0

    def next_up(self, resend_s: float, now_s: float) -> CoverageWaiting | None:
        """The next message that may leave; one that went unanswered for `resend_s` may leave again. Raises OutboxError."""
        late = [id_ for id_, sent_s in self.away.items() if now_s - sent_s >= resend_s]
        for id_ in late:
            del self.away[id_]
        self._unanswered += len(late)
        if self.is_given_up or len(self.away) >= AWAY_AT_MOST:
            return None
        return self.box.next_up(self.away.keys() | self._answered)

    def left(self, message: CoverageWaiting, now_s: float) -> None:
        """A message was handed to the link."""
        self.away[message.id] = now_s
        self._sent.add(message.id)

    def answered(self, message_id: UUID) -> bool:
        """The server has answered; False if this is none of ours."""
        if message_id not in self._sent:
            return False
        self.away.pop(message_id, None)
        self._sent.discard(message_id)
        self._answered.add(message_id)
        self._unanswered = 0
        return True

    def settle(self) -> None:
        """Write down what was answered; what the disk does not take now is tried again. Raises OutboxError."""
        self.box.settle(self._answered)
        self._answered = set()

    def is_done(self) -> bool:
        """Whether nothing waits that this server would take. Raises OutboxError."""
        return self.is_given_up or self.box.next_up(self._answered) is None

    @property
    def is_given_up(self) -> bool:
        """Whether this server seems to know no coverage."""
        return self._unanswered >= UNANSWERED_AT_MOST
