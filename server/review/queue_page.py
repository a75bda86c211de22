"""What the queue page is drawn with, besides its figures: a person's keys, and what of the queue they asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from models.taxonomy import CATEGORIES, filing_codes
from server.accounts.services import cases_for, home_city_id
from server.review.counts import waiting_by_category
from server.review.keys import layout
from server.review.narrowed import districts_for, part_of, words_of
from server.words import severity_name

FILTERS = ("filter", "category", "district")


@dataclass(frozen=True)
class Choice:
    """A category to choose, in the reader's language. It is found by its name, by `pinyin`, by its national `codes`, by what else people say for it (`said`, its names in both languages among them) and by its meaning."""

    key: str
    name: str
    meaning: str
    said: str
    pinyin: str
    codes: str
    severity: str


def choices() -> list[Choice]:
    """All categories, those of a group together."""
    language = get_language() or "zh-hans"
    return [
        Choice(
            each.key,
            each.name(language),
            each.meaning(language),
            ", ".join((each.name_zh, each.name_en, *each.also)),
            each.pinyin,
            " ".join(code.code for code in filing_codes(each.key)),
            severity_name(each.severity),
        )
        for each in CATEGORIES.values()
    ]


def part_kinds(person: Any, kinds: list[Choice], *, shadow: bool) -> list[tuple[str, list[tuple[Choice, str]]]]:
    """Categories to narrow the queue to, in groups with their names: those of which cards wait, each with how many, then the others."""
    waiting = waiting_by_category(person, timezone.now(), shadow=shadow)
    groups = [(_("Waiting now"), True), (_("None waiting"), False)]
    found = [(words, [(each, waiting.get(each.key, "")) for each in kinds if (each.key in waiting) is is_so]) for words, is_so in groups]  # fmt: skip
    return [group for group in found if group[1]]


def page_values(request: HttpRequest, *, shadow: bool) -> dict[str, Any]:
    """`categories` to choose from, `part_kinds` the same for the filter, `severities` with their names, the worst first, `keys` by their deed, `keys_json` the same for the script, `asked` the filters of the address, for the addresses of what the script asks, `part` what of the queue they mean, `first` the case that is to come first."""
    person: Any = request.user
    keys = layout(person.keys)
    asked = request.GET.copy()
    for name in set(asked) - set(FILTERS):
        del asked[name]
    part, kinds = part_of(request.GET), choices()
    return {
        "categories": kinds,
        "part_kinds": part_kinds(person, kinds, shadow=shadow),
        "severities": [(each, severity_name(each)) for each in ("critical", "high", "medium", "low")],
        "part": part,
        "part_words": words_of(part, person),
        "districts": districts_for(person),
        "keys": keys,
        "keys_json": json.dumps({key.deed: [key.code, key.label] for key in keys.values()}),
        "asked": asked.urlencode(),
        "first": _first_of(request),
    }


def _first_of(request: HttpRequest) -> str:
    """The id of the case that an address asks for by `case` and, where it is not the reader's own, `city`; 0 if there is none for them, "" if it asks for none."""
    number, city, person = request.GET.get("case", ""), request.GET.get("city"), request.user
    if not number:
        return ""
    if not (number.isdecimal() and number.isascii() and len(number) < 10):
        return "0"
    of_city = {"city__key": city} if city else {"city_id": home_city_id(person)}
    return str(cases_for(person).filter(number=int(number), **of_city).values_list("id", flat=True).first() or 0)
