"""What sums of verdicts mean: shares with their intervals, medians out of steps of time, weeks, and the lowest threshold that is good enough. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from math import ceil, log

from server.categories.rules import Z_95, wilson
from server.review.rules import DETECTOR_REASONS

SHORTEST_MS, STRIDE = 100.0, 1.15
"""A step of time is this much longer than the one before: a median is true to 7 %."""
LONGEST_STEP = 72
TOO_FAST_MS = 600
"""Nobody sees a picture and decides in less."""
TWENTIETHS = 20
ENOUGH = 30
"""With fewer verdicts no threshold is advised, however many were right."""
MOST_ASKED = 5_000
"""Who would have to be asked more often than this is told that no threshold is good enough."""
HARDLY = 10
"""A threshold that fewer passed says nothing of what more would show."""
FAST_SHARE, FAST_COUNT = 0.02, 5
"""Once in a while a key is hit twice: who does it more often than both is to be talked to."""


@dataclass
class Share:
    """So many of so many."""

    part: int = 0
    of: int = 0

    @property
    def value(self) -> float | None:
        """None of nothing."""
        return self.part / self.of if self.of else None

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval."""
        return wilson(self.part, self.of)

    def add(self, counts: bool, count: int) -> None:
        """`count` more, which are of the part or not."""
        self.part += count if counts else 0
        self.of += count


@dataclass(frozen=True)
class Answer:
    """What a person said of a card: the kind of a sum."""

    answer: str
    reason: int | None = None
    became: str = ""

    @property
    def is_decision(self) -> bool:
        """Neither unsure nor skipped."""
        return self.answer in ("confirm", "reject")

    @property
    def is_confirmed(self) -> bool:
        """As what it was proposed as."""
        return self.answer == "confirm" and not self.became

    @property
    def is_of_detector(self) -> bool:
        """Whether it says how well the network sees: confirmed, as this or another, or rejected because the network was wrong."""
        return self.answer == "confirm" or self.reason in DETECTOR_REASONS

    @property
    def word(self) -> str:
        """One word of it for agreement: two who confirm as different things do not agree."""
        return f"as:{self.became}" if self.answer == "confirm" and self.became else self.answer


@dataclass
class Tally:
    """The sums of one category, pack, vehicle or week."""

    confirmed: Share = field(default_factory=Share)
    precision: Share = field(default_factory=Share)
    reasons: Counter[int] = field(default_factory=Counter)
    became: Counter[str] = field(default_factory=Counter)
    unsure: int = 0

    def add(self, said: Answer, count: int) -> None:
        """`count` more verdicts that said this."""
        if said.answer == "unsure":
            self.unsure += count
        if said.is_decision:
            self.confirmed.add(said.is_confirmed, count)
        if said.is_of_detector:
            self.precision.add(said.is_confirmed, count)
        if said.reason:
            self.reasons[said.reason] += count
        if said.became:
            self.became[said.became] += count


def total(tallies: Iterable[Tally]) -> Tally:
    """All of them in one."""
    found = Tally()
    for each in tallies:
        found.confirmed, found.precision = added([found.confirmed, each.confirmed]), added([found.precision, each.precision])  # fmt: skip
        found.reasons, found.became, found.unsure = found.reasons + each.reasons, found.became + each.became, found.unsure + each.unsure  # fmt: skip
    return found


def added(shares: Iterable[Share]) -> Share:
    """Parts and wholes added up."""
    each = list(shares)
    return Share(sum(share.part for share in each), sum(share.of for share in each))


def step_of(ms: int) -> int:
    """The step of time that so many milliseconds fall into."""
    return min(max(0, int(log(max(ms, 1) / SHORTEST_MS, STRIDE))) if ms > SHORTEST_MS else 0, LONGEST_STEP)


def median_s(steps: Mapping[int, int]) -> float | None:
    """The median in seconds, as if all of a step were spread evenly over it; None without any."""
    half, below = sum(steps.values()) / 2, 0
    for step in sorted(steps):
        if steps[step] and below + steps[step] >= half:
            return float(SHORTEST_MS * STRIDE ** (step + (half - below) / steps[step]) / 1000)
        below += steps[step]
    return None


def week_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())


def weeks(first: date, last: date) -> Iterator[date]:
    """The Mondays of all weeks from one day to another."""
    monday = week_of(first)
    while monday <= last:
        yield monday
        monday += timedelta(days=7)


def twentieth_of(probability: float) -> int:
    """The step that a probability falls into: a threshold at step n lets n and all above pass."""
    return min(int(probability * TWENTIETHS + 1e-9), TWENTIETHS - 1)


@dataclass(frozen=True)
class Advice:
    """What the verdicts on a category say of its threshold.

    `threshold` is the lowest that meets the aim, None if none does: then either about `lacks` more verdicts like these would show that one does, or, at 0, no threshold helps.
    `kept` and `lost` are the confirmed cards over and under it, `spared` the wrong ones under it.
    """

    threshold: float | None
    precision: Share
    kept: int = 0
    lost: int = 0
    spared: int = 0
    lacks: int = 0


def advise(scores: Mapping[int, tuple[int, int]], aim: float) -> Advice:
    """The lowest threshold whose lower precision bound meets the aim, from right and wrong cards by twentieth of their probability.

    Thresholds are tried from the lowest on, so the bound belongs to a threshold chosen by the same verdicts: it is somewhat too good, the less so the more there are.
    """
    passed = [
        (step, _sums(scores, step, TWENTIETHS)) for step in range(TWENTIETHS) if step == 0 or _sums(scores, 0, step).of
    ]
    for step, share in passed:
        if share.of >= ENOUGH and share.interval[0] >= aim:
            under = _sums(scores, 0, step)
            return Advice(step / TWENTIETHS, share, share.part, under.part, under.of - under.part)
    everything = _sums(scores, 0, TWENTIETHS)
    hopeful = [
        (lacking(share, aim) * everything.of / share.of, step, share) for step, share in passed if share.of >= HARDLY
    ]
    best = min((each for each in hopeful if 0 < each[0] <= MOST_ASKED), default=None)
    if everything.of < HARDLY:  # too few to say anything of the network
        return Advice(None, everything, lacks=ENOUGH - everything.of)
    return Advice(None, everything) if best is None else Advice(None, best[2], lacks=ceil(best[0]))


def lacking(share: Share, aim: float) -> int:
    """How many more verdicts of which the same share is right bring the lower bound up to the aim; 0 if none would.

    Wilson's bound is where the distance from the share is z times the deviation there, so the number is z² aim (1 - aim) / (share - aim)².
    """
    value = share.value
    if value is None or value <= aim:
        return 0
    needed = max(Z_95**2 * aim * (1 - aim) / (value - aim) ** 2, ENOUGH)
    return max(ceil(needed) - share.of, 1)


def is_outlier(answers: int, fast: int, missed: int) -> bool:
    """Whether a supervisor should talk to a person: gold cards missed, or answers given without looking."""
    return missed > 0 or (fast >= FAST_COUNT and fast > FAST_SHARE * answers)


def _sums(scores: Mapping[int, tuple[int, int]], first: int, end: int) -> Share:
    inside: Iterable[tuple[int, int]] = [counts for step, counts in scores.items() if first <= step < end]
    right, wrong = sum(each[0] for each in inside), sum(each[1] for each in inside)
    return Share(right, right + wrong)
