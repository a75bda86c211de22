"""What the queue page is drawn with, besides its figures: a person's keys, and what of the queue they asked for."""

from __future__ import annotations

import json
from typing import Any

from django.http import HttpRequest

from server.review.keys import layout
from server.review.narrowed import districts_for, part_of, words_of

FILTERS = ("filter", "category", "district")


def page_values(request: HttpRequest) -> dict[str, Any]:
    """`keys` by their deed, `keys_json` the same for the script, `asked` the filters of the address, for the addresses of what the script asks, `part` what of the queue they mean."""
    person: Any = request.user
    keys = layout(person.keys)
    asked = request.GET.copy()
    for name in set(asked) - set(FILTERS):
        del asked[name]
    part = part_of(request.GET)
    return {
        "part": part,
        "part_words": words_of(part, person),
        "districts": districts_for(person),
        "keys": keys,
        "keys_json": json.dumps({key.deed: [key.code, key.label] for key in keys.values()}),
        "asked": asked.urlencode(),
    }
