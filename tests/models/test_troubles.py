"""The words for what is wrong: worst first, in two languages, and a newer vehicle's word breaks nothing."""

from __future__ import annotations

import re

from models.troubles import SEVERITIES, TROUBLES, rank, trouble_of


def test_every_trouble_has_a_word_and_a_remedy_in_both_languages() -> None:
    for each in TROUBLES.values():
        assert re.search("[一-鿿]", each.zh), each.key
        assert re.search("[一-鿿]", each.do_zh), each.key
        assert not re.search("[一-鿿]", each.en + each.do_en), each.key
        assert each.remedy("zh-hans") == each.do_zh
        assert each.word("en") == each.en
        assert len(each.en.split()) <= 3, "a word, not a sentence"


def test_worst_comes_first_and_what_is_not_known_before_the_notes() -> None:
    ordered = sorted([*TROUBLES, "wheel_lost"], key=rank)
    severities = [SEVERITIES.index(trouble_of(key).severity) for key in ordered]
    assert severities == sorted(severities)
    assert ordered[-1] == "well"
    assert rank("wheel_lost") < rank("backlog")
    assert trouble_of("wheel_lost").word("en") == "wheel lost"
