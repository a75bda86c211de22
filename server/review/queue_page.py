"""What the queue page is drawn with, besides its figures: a person's keys, and what of the queue they asked for."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.utils.translation import get_language

from models.taxonomy import CATEGORIES, filing_codes
from server.review.keys import layout
from server.review.narrowed import districts_for, part_of, words_of

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
        )
        for each in CATEGORIES.values()
    ]


def page_values(request: HttpRequest) -> dict[str, Any]:
    """`categories` to choose from, `keys` by their deed, `keys_json` the same for the script, `asked` the filters of the address, for the addresses of what the script asks, `part` what of the queue they mean."""
    person: Any = request.user
    keys = layout(person.keys)
    asked = request.GET.copy()
    for name in set(asked) - set(FILTERS):
        del asked[name]
    part = part_of(request.GET)
    return {
        "categories": choices(),
        "part": part,
        "part_words": words_of(part, person),
        "districts": districts_for(person),
        "keys": keys,
        "keys_json": json.dumps({key.deed: [key.code, key.label] for key in keys.values()}),
        "asked": asked.urlencode(),
    }
