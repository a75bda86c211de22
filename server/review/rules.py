"""The numbers of the queue."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta
from enum import StrEnum
from math import ceil, log
from uuid import UUID

from django.utils.translation import gettext_lazy as _

from models.taxonomy import CATEGORIES
from server.cases.rules import State
from server.categories.rules import category_of


class Kind(StrEnum):
    """What an answer is: the one that decides, a blind second one, one to a gold card, one that came after somebody else's, or a supervisor's last word."""

    FIRST = "first"
    SECOND = "second"
    GOLD = "gold"
    LATE = "late"
    SETTLED = "settled"


class LookKind(StrEnum):
    """Why a decided case is looked at again."""

    SECOND = "second"
    GOLD = "gold"


class Outcome(StrEnum):
    """How a dispute ended: by a supervisor's word for one answer or for another, or because it no longer mattered."""

    FIRST = "first"
    SECOND = "second"
    OTHER = "other"
    UNDONE = "undone"
    MOOT = "moot"


LEASE, ASKED_AGAIN = timedelta(minutes=10), timedelta(days=1)
CARDS = 5
SPARE, LOOKS = 2, 8
"""Of a lease: times as many cards are looked at as are asked for; how often, if colleagues take them all."""
UNDO_WITHIN = timedelta(minutes=10)
UNDO_DEEP = 20
ANSWERS = ("confirm", "reject", "unsure", "skip")
DECIDED_BY = {"confirm": State.CONFIRMED, "reject": State.REJECTED, "unsure": State.DISPUTED}
UNDECIDED = (State.QUEUED, State.DISPUTED)
"""What a reviewer may be given: a card nobody has decided, or one that a colleague was unsure of."""
REASONS = {
    1: _("nothing there"), 2: _("looks like it, but is not"), 3: _("permitted here"), 4: _("picture unusable"), 5: _("same as another case"),
    6: _("place cannot be right"), 7: _("already cleared"), 8: _("face or plate visible"), 9: _("other"),
}  # fmt: skip
CHANGES_KEPT = timedelta(days=7)
"""How long a person's changes of a category say what it is next taken for."""
LIKELY = 9
COMMONEST_REASON = 2
PERMITTED_REASON, SAME_REASON, FACE_REASON, WORDS_REASON = 3, 5, 8, 9
DETECTOR_REASONS = (1, 2)
"""The detector was wrong; every other reason says nothing of how well it sees."""
PASSING_REASONS = (4, 7, FACE_REASON)
"""Of the picture or of that day: they say nothing of what is found there later."""

SECOND_FREE = 20
"""So many cards of a city and day are looked at again whatever share of its decisions they are."""
UNPICTURED_REASONS = (SAME_REASON, FACE_REASON)
"""After these there is nothing for a second person to look at."""
GOLD_AGAIN = timedelta(days=30)
TOLD_AGAIN = timedelta(hours=1)
FARTHEST_PUT_M = 50.0
FARTHEST_SAME_M = 100.0
"""How far a case may be that a reviewer says a card is the same as; a supervisor merges any two."""
SMALLEST_BOX_PX = 4.0


def lot(words: str) -> float:
    """A number from 0 up to 1 that is the same for the same words."""
    return int.from_bytes(hashlib.sha256(words.encode()).digest()[:6], "big") / 2**48


def wants_second(verdict_id: UUID, answer: str, reason: int | None, severities: Collection[str], share: float) -> bool:
    """Whether another person is to look too: at whatever is critical, and at a random share, by the verdict's id so that a resend agrees."""
    if answer not in ("confirm", "reject") or reason in UNPICTURED_REASONS:
        return False
    return "critical" in severities or is_drawn(verdict_id, share)


def is_drawn(verdict_id: UUID, share: float) -> bool:
    """Whether an answer is of the random share that is looked at again."""
    return lot(f"second {verdict_id}") < share


def is_room(decided: int, asked: int, at_most: float) -> bool:
    """Whether another second look fits a city's day, in which so many cards were decided and so many second looks asked for."""
    return asked < max(SECOND_FREE, at_most * decided)


def agree(first: tuple[str, str], second: tuple[str, str]) -> bool:
    """Whether two answers with the category they name say the same; who was unsure or skipped says nothing against anybody."""
    if "confirm" == first[0] == second[0]:
        return first[1] == second[1]
    return first[0] == second[0] or second[0] not in ("confirm", "reject")


def gold_after(seed: object, share: float) -> int:
    """How many cards come before the next gold one, so that `share` of all are and nobody can count along: geometric, at most four times the mean."""
    if share >= 1:
        return 1
    return max(1, min(ceil(log(1 - lot(f"gold {seed}")) / log(1 - share)), round(4 / share)))


def hits(given: tuple[str, str], right: tuple[str, str]) -> bool | None:
    """Whether an answer to a gold card with its category is the right one; None if the person was unsure."""
    if given[0] not in ("confirm", "reject"):
        return None
    return given[0] == right[0] and (given[0] == "reject" or given[1] == right[1])


def likely(proposed: str, chosen: Iterable[str], seen: Collection[str]) -> list[str]:
    """What a card is most likely if not what was proposed: what was chosen instead lately, then what networks see, of the same group first."""
    group = category_of(proposed).group
    others = sorted(CATEGORIES, key=lambda each: (each not in seen, CATEGORIES[each].group != group))
    ranked = dict.fromkeys([*(each for each, _ in Counter(chosen).most_common()), *others])
    return [each for each in ranked if each != proposed and each in CATEGORIES][:LIKELY]
