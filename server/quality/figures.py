"""What the pages of quality show, read from the sums by day. Nothing here walks verdicts or cases."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.db.models import QuerySet, Sum

from server.fleet.models import City, Vehicle
from server.quality.agreement import alpha, coincidences, kappa, raw_share
from server.quality.models import DayFigure, DayPace, DayPair, DayPerson, DayScore
from server.quality.rules import Advice, Answer, Share, Tally, advise, is_outlier, median_s, week_of

MOST_PAIRS, MOST_PERSONS, MOST_VEHICLES = 50, 200, 200
SAID = ("answer", "reason", "became")


@dataclass(frozen=True)
class Period:
    """Days of a city, first and last included. `is_real`: only what cameras saw."""

    city: City
    first: date
    last: date
    is_real: bool

    def of(self, table: Any, **only: Any) -> QuerySet[Any]:
        """A table's rows of it."""
        rows: QuerySet[Any] = table.objects.filter(city=self.city, day__range=(self.first, self.last), **only)
        return rows if table in (DayPair, DayPerson) else rows.filter(is_real=self.is_real)


@dataclass
class Agreement:
    """How far blind second answers agree with first ones: of all, and of each two people by their ids."""

    joint: dict[tuple[str, str], int] = field(default_factory=dict)
    pairs: list[tuple[int, int, int, float | None, float | None]] = field(default_factory=list)

    @property
    def count(self) -> int:
        """Cards that two people answered."""
        return sum(self.joint.values())

    @property
    def raw(self) -> Share:
        """Of them those that both called the same."""
        return Share(sum(count for (one, other), count in self.joint.items() if one == other), self.count)

    @property
    def alpha(self) -> float | None:
        """Krippendorff's, over all people."""
        matrix: dict[tuple[str, str], float] = defaultdict(float)
        for said, count in self.joint.items():
            for pair, weight in coincidences([said]).items():
                matrix[pair] += weight * count
        return alpha(matrix)


def is_real_in(city: City) -> bool:
    """Whether anything that a camera saw was ever decided here; as long as nothing was, drawn and replayed rides are shown."""
    return DayFigure.objects.filter(city=city, vehicle=None, is_real=True).exists()


def by_category(period: Period) -> dict[str, Tally]:
    """A tally of each category that was decided."""
    return _tallies(period.of(DayFigure, vehicle=None), "category")


def by_pack(period: Period, category: str) -> dict[str, Tally]:
    """A category's tallies by the pack that proposed."""
    return _tallies(period.of(DayFigure, vehicle=None, category=category), "pack")


def by_vehicle(period: Period, category: str) -> dict[str, Tally]:
    """A category's tallies by the name of the vehicle that saw it best: those with most verdicts."""
    rows = period.of(DayFigure, category=category).exclude(vehicle=None)
    tallies = _tallies(rows, "vehicle")
    most = sorted(tallies, key=lambda key: -tallies[key].confirmed.of)[:MOST_VEHICLES]
    names = dict(Vehicle.objects.filter(id__in=most).values_list("id", "name"))
    return {names[key]: tallies[key] for key in most}


def of_vehicle(period: Period, vehicle: Vehicle) -> dict[str, Tally]:
    """A vehicle's tallies by category."""
    return _tallies(period.of(DayFigure, vehicle=vehicle), "category")


def by_week(rows: QuerySet[Any], key: str = "") -> dict[str, dict[date, Tally]]:
    """Tallies by Monday; with `key` those of each of its values, else all under ""."""
    tallies: dict[str, dict[date, Tally]] = defaultdict(lambda: defaultdict(Tally))
    names = (key,) if key else ()
    for day, *name, answer, reason, became, count in rows.values_list("day", *names, *SAID).annotate(n=Sum("count")):
        tallies[name[0] if name else ""][week_of(day)].add(Answer(answer, reason, became), count)
    return tallies


def medians(period: Period) -> dict[str, float | None]:
    """The median seconds of an answer, by category."""
    steps: dict[str, dict[int, int]] = defaultdict(dict)
    for category, step, count in period.of(DayPace).values_list("category", "step").annotate(n=Sum("count")):
        steps[category][step] = count
    return {category: median_s(each) for category, each in steps.items()}


def screening_loss(period: Period) -> dict[str, Share]:
    """Of the set-aside cards that were shown blind, those that people confirmed, by the reason they had been set aside for."""
    shares: dict[str, Share] = defaultdict(Share)
    rows = period.of(DayFigure, vehicle=None).exclude(screening="")
    for reason, *said, count in rows.values_list("screening", *SAID).annotate(n=Sum("count")):
        answer = Answer(*said)
        if answer.is_decision:
            shares[reason].add(answer.answer == "confirm", count)
    return dict(shares)


def agreement(period: Period) -> Agreement:
    """What pairs of people said of the same cards; the pairs with most cards, by their ids."""
    found = Agreement()
    pairs: dict[tuple[int, int], dict[tuple[str, str], int]] = defaultdict(dict)
    rows = period.of(DayPair).values_list("one", "other", "one_said", "other_said").annotate(n=Sum("count"))
    for one, other, one_said, other_said, count in rows:
        found.joint[one_said, other_said] = found.joint.get((one_said, other_said), 0) + count
        pairs[one, other][one_said, other_said] = count
    most = sorted(sorted(pairs, key=lambda pair: -sum(pairs[pair].values()))[:MOST_PAIRS])
    found.pairs = [(*pair, sum(pairs[pair].values()), raw_share(pairs[pair]), kappa(pairs[pair])) for pair in most]
    return found


def persons(period: Period) -> list[tuple[str, int, int, int, int]]:
    """Name, answers, too fast ones, gold cards and missed ones of those whom a supervisor should talk to, by name: no ranking."""
    rows = (
        period.of(DayPerson)
        .values_list("person__username")
        .annotate(answers=Sum("count"), quick=Sum("fast"), known=Sum("gold"), wrong=Sum("missed"))
        .order_by("person__username")
    )
    return [row for row in rows if is_outlier(row[1], row[2], row[4])][:MOST_PERSONS]


def advices(period: Period, aim: float) -> dict[str, Advice]:
    """What each category's verdicts say of its threshold."""
    scores: dict[str, dict[int, list[int]]] = defaultdict(lambda: defaultdict(lambda: [0, 0]))
    rows = period.of(DayScore).values_list("category", "twentieth", "right").annotate(n=Sum("count"))
    for category, step, right, count in rows:
        scores[category][step][0 if right else 1] += count
    return {
        category: advise({step: (right, wrong) for step, (right, wrong) in steps.items()}, aim)
        for category, steps in scores.items()
    }


def _tallies(rows: QuerySet[Any], key: str) -> dict[Any, Tally]:
    tallies: dict[Any, Tally] = defaultdict(Tally)
    for name, *said, count in rows.values_list(key, *SAID).annotate(n=Sum("count")):
        tallies[name].add(Answer(*said), count)
    return dict(tallies)


def confusions(tallies: Iterable[tuple[str, Tally]]) -> list[tuple[str, str, int]]:
    """What was proposed, what it was confirmed as, and how often; most often first."""
    found = [(category, became, count) for category, tally in tallies for became, count in tally.became.items()]
    return sorted(found, key=lambda each: (-each[2], each[0], each[1]))
