"""What a list of cases is asked for, and its words in an address. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache
from math import isfinite
from urllib.parse import urlencode

from models.taxonomy import CATEGORIES
from server.cases.rules import AT_CITY, OPEN, UNSETTLED, State
from server.categories.rules import is_spelt

ALL, DEADLINE, CAME = "all", "deadline", "came"
UNDER_REVIEW = UNSETTLED | {State.RETURNED, State.CONFIRMED}
"""What a city returned is in one of these until it comes again: it is reviewed again at once."""
RADII_M = (50, 100, 300, 1000, 2000)
RADIUS_M = 300
LONGEST = 80
LEAST_LETTERS, LEAST_SIGNS = 3, 2
"""What a word needs to be taken for a category's: letters of its English name; signs of its Chinese one, or first letters of its pinyin."""
SEVERITIES = ("critical", "high", "medium", "low")
SEVERITY_WORDS = {
    **{each: each for each in SEVERITIES},
    "紧急": "critical",
    "严重": "high",
    "一般": "medium",
    "轻微": "low",
}
_NUMBER = re.compile(
    r"(?:#|№|no\.?|number|case(?: no\.?| number)?|案件(?:编号|号)?|编号)?[\s:：#]*([0-9]{1,9})(?: ?号(?:案件)?)?",
    re.ASCII | re.IGNORECASE,
)
_SPOT = re.compile(r"\(?([+-]?[0-9.]{1,20})°?\s*[,，\s]\s*([+-]?[0-9.]{1,20})°?\)?", re.ASCII)


@dataclass(frozen=True)
class Filter:
    """What a list is asked for: states ("" all that are open, or ALL), a category or none, in shadow or not, and only what is older than a row.

    And what a case must have beside: a severity, a district, a vehicle that saw it, last seen on days from `since` to `until`, words of its place's names or its notes; or
    all of that is left aside for a `number`. `near`: latitude and longitude of a spot it lies no farther from than `radius_m`. `text` is what the last three were read from.
    `kinds` and `severities`: what the words `read` were understood as; all of them without. `order`: "" the newest first, or DEADLINE, what a city has by its deadline (due.py), to an officer also CAME, the latest to come first (came.py); then a page begins `after` a case. To an officer days are those on which cases came.
    """

    state: str = ""
    category: str = ""
    shadow: bool = False
    before: int | None = None
    severity: str = ""
    district: str = ""
    vehicle: str = ""
    since: date | None = None
    until: date | None = None
    text: str = ""
    radius_m: int = RADIUS_M
    kinds: frozenset[str] | None = None
    severities: frozenset[str] = frozenset()
    read: frozenset[str] = frozenset()
    order: str = ""
    after: str = ""
    under_review: bool = False

    @property
    def states(self) -> Iterable[State]:
        """The states it shows: merged cases are never listed, what they became is; by deadline only those that a city has. To an officer (`under_review`) what was returned is whatever waits for a review."""
        if self.under_review and self.state == State.RETURNED:
            return [state for state in State if state in UNDER_REVIEW]
        told = [state for state in State if (state == self.state if self.state not in ("", ALL) else state in OPEN or self.state == ALL) and state != State.MERGED]  # fmt: skip
        return [state for state in told if state in AT_CITY] if self.order == DEADLINE else told

    @property
    def categories(self) -> frozenset[str] | None:
        """The categories it shows, None for all there are, retired ones too."""
        chosen = frozenset({self.severity}) if self.severity else self.severities
        if self.severity and self.severities:
            chosen &= self.severities
        of_severity = frozenset(key for key, each in CATEGORIES.items() if each.severity in chosen)
        asked = [
            frozenset({self.category}) if self.category else None,
            of_severity if self.severity or self.severities else None,
            self.kinds,
        ]
        told = [each for each in asked if each is not None]
        return frozenset.intersection(*told) if told else None

    @property
    def understood(self) -> Filter | None:
        """The same with the words that name severities or categories read as these, and without them; None if no word does, or no category goes by all that do."""
        severe = {word: SEVERITY_WORDS[word.casefold()] for word in self.words if word.casefold() in SEVERITY_WORDS}
        named = {word: found for word in self.words if word not in severe and (found := kinds_of(word))}
        kinds = frozenset.intersection(*named.values()) if named else None
        if kinds == frozenset() or not (named or severe):
            return None
        return replace(self, kinds=kinds, severities=frozenset(severe.values()), read=frozenset({*named, *severe}))

    @property
    def number(self) -> int | None:
        """The case number that was written."""
        found = _NUMBER.fullmatch(self.text)
        return int(found[1]) if found else None

    @property
    def near(self) -> tuple[float, float] | None:
        """The latitude and longitude that were written."""
        found = _SPOT.fullmatch(self.text)
        if found is None:
            return None
        try:
            lat, lon = float(found[1]), float(found[2])
        except ValueError:
            return None
        return (lat, lon) if isfinite(lat + lon) and abs(lat) <= 90 and abs(lon) <= 180 else None

    @property
    def words(self) -> tuple[str, ...]:
        """The words that were written, if it was neither a number nor a spot; each must be found, but for those that were read as categories."""
        if self.number is not None or self.near:
            return ()
        return tuple(word for word in [*dict.fromkeys(self.text.split())][:4] if word not in self.read)


@lru_cache(maxsize=1000)
def kinds_of(word: str) -> frozenset[str]:
    """The categories that a word names, as for whoever relabels a card (kinds.js): by their names, else by what people say for them, else by their pinyin."""
    typed = word.casefold()
    is_latin = typed.isascii() and typed.isalpha()
    if len(typed) < LEAST_SIGNS or (typed.isascii() and not is_latin):
        return frozenset()
    every = CATEGORIES.items()
    if not is_latin:
        return frozenset(key for key, each in every if typed in each.name_zh) or frozenset(
            key for key, each in every if typed in each.also
        )
    if len(typed) >= LEAST_LETTERS:
        begins = re.compile(rf"\b{typed}")
        by_name = frozenset(
            key
            for key, each in every
            if begins.search(each.name_en.casefold()) or each.pinyin_initials.startswith(typed)
        )
        if found := by_name or frozenset(
            key for key, each in every if any(begins.search(other) for other in each.also)
        ):
            return found
        return frozenset(key for key, each in every if is_spelt(each.pinyin, typed))
    return frozenset(key for key, each in every if each.pinyin_initials.startswith(typed))


def filter_of(asked: Mapping[str, str]) -> Filter:
    """The filter of an address; a word that means nothing filters nothing."""
    told = {key: asked.get(key, "").strip()[:LONGEST] for key in ("state", "category", "severity", "district", "vehicle", "q", "before", "radius", "order", "after")}  # fmt: skip
    radius = told["radius"]
    return Filter(
        state=told["state"] if told["state"] in {*State, ALL} else "", category=told["category"] if told["category"] in CATEGORIES else "",
        shadow=asked.get("filter") == "shadow", before=int(told["before"]) if told["before"].isdecimal() and told["before"].isascii() and len(told["before"]) < 19 else None,
        severity=told["severity"] if told["severity"] in SEVERITIES else "", district=told["district"], vehicle=told["vehicle"],
        since=_day(asked.get("since", "")), until=_day(asked.get("until", "")), text=told["q"].replace("\x00", ""),
        radius_m=int(radius) if radius in map(str, RADII_M) else RADIUS_M, order=told["order"] if told["order"] in (DEADLINE, CAME) else "",
        after=told["after"] if told["order"] in (DEADLINE, CAME) else "",
    )  # fmt: skip


def _day(told: str) -> date | None:
    try:
        day = date.fromisoformat(told.strip())
    except ValueError:
        return None
    return day if date(2000, 1, 1) <= day < date(9999, 12, 31) else None


def query_of(wanted: Filter) -> str:
    """The filter as an address has it, without the row it begins at: `filter_of` reads it back."""
    told = {
        "state": wanted.state, "category": wanted.category, "severity": wanted.severity, "district": wanted.district, "vehicle": wanted.vehicle,
        "since": wanted.since or "", "until": wanted.until or "", "q": wanted.text,
        "radius": wanted.radius_m if wanted.near and wanted.radius_m != RADIUS_M else "", "filter": "shadow" if wanted.shadow else "",
        "order": wanted.order,
    }  # fmt: skip
    return urlencode({key: value for key, value in told.items() if value != ""})


def without_each(wanted: Filter) -> Iterator[tuple[str, Filter]]:
    """For each thing that a filter hides cases by: its name, and the filter without it. The states come last, since all but the closed ones are meant to be seen."""
    looser = {
        "text": "",
        "since": None,
        "until": None,
        "vehicle": "",
        "district": "",
        "severity": "",
        "category": "",
        "order": "",
    }
    whole = replace(wanted, before=None, after="")
    for name, nothing in looser.items():
        if getattr(wanted, name) not in (nothing, CAME):
            yield name, replace(whole, **{name: nothing})  # type: ignore[arg-type]
    if wanted.state != ALL:
        yield "state", replace(whole, state=ALL)
