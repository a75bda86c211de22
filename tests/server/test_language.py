"""Chinese first: no string of the pages is without a translation."""

from __future__ import annotations

import gettext
import re
from pathlib import Path

import server

LOCALE = Path(server.__file__).parent / "locale"
PO = LOCALE / "zh_Hans" / "LC_MESSAGES" / "django.po"
MARKED = re.compile(r'{% translate ["\']([^"\']+)["\'] %}')


def test_no_translation_is_empty_or_fuzzy() -> None:
    text = PO.read_text(encoding="utf-8")
    assert "#, fuzzy" not in text
    assert not re.findall(r'msgid "[^"]+"\nmsgstr ""\n(?!")', text)


def test_every_string_of_the_templates_is_in_the_compiled_file() -> None:
    with PO.with_suffix(".mo").open("rb") as file:
        chinese = gettext.GNUTranslations(file)
    used = {
        words
        for path in (LOCALE.parent / "templates").glob("*.html")
        for words in MARKED.findall(path.read_text(encoding="utf-8"))
    }
    assert len(used) > 50
    assert not {words for words in used if chinese.gettext(words) == words}
