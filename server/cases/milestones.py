"""When a case reached what: confirmed, handed over, fixed, and until when its city means to have dealt with it. Pure."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from server.cases.rules import State

COLUMNS = ("confirmed_at", "handed_over_at", "fixed_at", "deadline_at")


def milestones(new: State, now: datetime) -> dict[str, Any]:
    """The columns that a move to a state changes; of `handed_over_at` the first one stays. They tell of the case as it stands: what a move takes back is empty again, but for returns and retractions, and the first hand-over counts until the case is decided anew: also as another category, while a city has it."""
    match new:
        case State.CONFIRMED:
            return {"confirmed_at": now, "handed_over_at": None, "deadline_at": None}
        case State.HANDED_OVER:
            return {"handed_over_at": now}
        case State.FIXED:
            return {"fixed_at": now}
        case State.QUEUED | State.DISPUTED | State.REJECTED:
            return dict.fromkeys(COLUMNS)
        case State.REOPENED:
            return {"fixed_at": None, "deadline_at": None}
        case State.RETURNED:
            return {"returned_at": now}
        case State.RETRACTED:
            return {"deadline_at": None, "retracted_at": now}
        case State.MERGED:
            return {"deadline_at": None}
        case _:
            return {}
