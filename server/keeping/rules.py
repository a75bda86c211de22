"""Which pictures have been kept long enough. Pure: settings and times in, an answer out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from server.cases.rules import State


class Rule(StrEnum):
    REJECTED = "rejected"
    CONFIRMED = "confirmed"
    FACE = "face"


STATES = {
    Rule.REJECTED: (State.REJECTED, State.SET_ASIDE),
    Rule.CONFIRMED: (State.CONFIRMED, State.HANDED_OVER, State.ACCEPTED, State.FIXED, State.VERIFIED, State.RETRACTED),
}
"""What a case must have been for so long. One that waits for a person, or is open again, keeps its pictures."""


@dataclass(frozen=True)
class Kept:
    """For how many days; 0 is for ever. `face_days`: of pictures in which somebody was recognised."""

    rejected_days: int
    confirmed_days: int
    face_days: int

    def since(self, rule: Rule, now: datetime) -> datetime | None:
        """What is older has been kept long enough; None where a rule is switched off."""
        days = {Rule.REJECTED: self.rejected_days, Rule.CONFIRMED: self.confirmed_days, Rule.FACE: self.face_days}[rule]
        return now - timedelta(days=days) if days > 0 else None
