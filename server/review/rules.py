"""The numbers of the queue."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import timedelta
from enum import StrEnum

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
    SECOND = "second"
    GOLD = "gold"


LEASE, ASKED_AGAIN = timedelta(minutes=10), timedelta(days=1)
CARDS = 5
SPARE, LOOKS = 4, 4
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
FACE_REASON = 8
DETECTOR_REASONS = (1, 2)
"""The detector was wrong; every other reason says nothing of how well it sees."""
PASSING_REASONS = (4, 7, FACE_REASON)
"""Of the picture or of that day: they say nothing of what is found there later."""


def likely(proposed: str, chosen: Iterable[str], seen: Collection[str]) -> list[str]:
    """What a card is most likely if not what was proposed: what was chosen instead lately, then what networks see, of the same group first."""
    group = category_of(proposed).group
    others = sorted(CATEGORIES, key=lambda each: (each not in seen, CATEGORIES[each].group != group))
    ranked = dict.fromkeys([*(each for each, _ in Counter(chosen).most_common()), *others])
    return [each for each in ranked if each != proposed and each in CATEGORIES][:LIKELY]
