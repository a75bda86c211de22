"""The categories as data: whole in both languages, codes never guessed."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import pytest

from models.taxonomy import CATEGORIES, city_codes, filing_codes

SCHEMES = {"GB/T 47678.5": "2026", "GB/T 30428.2": "2013"}


def test_there_are_seventy_three_each_with_two_names_a_severity_and_a_source() -> None:
    assert len(CATEGORIES) == 73
    for key, category in CATEGORIES.items():
        assert key == category.key
        assert category.name("zh-hans") == category.name_zh != ""
        assert category.name("en") == category.name_en != ""
        assert category.sources, key
        assert (category.deadline_h is None) == (category.deadline_clock is None), key


def test_each_says_what_it_means_in_both_languages_and_no_two_say_the_same() -> None:
    """A name alone does not tell exposed garbage from a dirty road: who has to choose reads what is meant."""
    for language, letters in (("zh-hans", r"[一-鿿]"), ("en", r"[A-Z]")):
        meanings = [category.meaning(language) for category in CATEGORIES.values()]
        assert len(set(meanings)) == 73
        for key, category in CATEGORIES.items():
            assert re.match(letters, category.meaning(language)), key
            assert category.meaning(language) != category.name(language), key
            assert not category.meaning(language).endswith((".", "。")), key


def test_kinds_that_are_close_name_each_other_in_both_languages() -> None:
    """After a semicolon, by the beginning of a name: who hesitates reads in either what the other is."""
    close = {}
    for language in ("zh-hans", "en"):
        pairs = close[language] = set[tuple[str, str]]()
        for key, category in CATEGORIES.items():
            _meant, _, other = category.meaning(language).partition("；" if language != "en" else "; ")
            for name in re.findall("“(.+?)”", category.meaning(language)):
                assert name in other, key
                (named,) = (each.key for each in CATEGORIES.values() if each.name(language).startswith(name))
                pairs.add((key, named))
        assert pairs == {(named, key) for key, named in pairs}
    assert close["en"] == close["zh-hans"]
    assert {("exposed_garbage", "road_dirty"), ("misparked_two_wheeler", "misparked_shared_bike")} < close["en"]


def test_no_two_categories_share_a_code_of_their_own() -> None:
    seen: dict[tuple[str, str, str], str] = {}
    for key, category in CATEGORIES.items():
        for code in category.codes:
            assert SCHEMES[code.scheme] == code.version, key
            assert seen.setdefault((code.scheme, code.kind, code.code), key) == key


def test_a_category_without_a_code_is_filed_under_another_or_under_none() -> None:
    for key, category in CATEGORIES.items():
        if category.file_as:
            assert not category.codes, key
            filed = CATEGORIES[category.file_as]
            assert filing_codes(key) == filed.codes
            assert (category.deadline_h, category.deadline_clock) == (filed.deadline_h, filed.deadline_clock)
    assert filing_codes("exposed_garbage")[0].code == "06010"


def test_a_citys_codes_are_its_own_and_an_unknown_city_has_none() -> None:
    taiyuan = city_codes("taiyuan")
    assert taiyuan is not None
    assert set(taiyuan.local) <= set(CATEGORIES)
    for key in ("atlantis", "../categories", ""):
        assert city_codes(key) is None


@pytest.mark.shared
def test_names_codes_and_deadlines_are_those_that_were_collected(shared: Path) -> None:
    with (shared / "taxonomy.tsv").open(newline="", encoding="utf-8") as file:
        rows = {row["category"]: row for row in csv.DictReader(file, delimiter="\t")}
    assert set(rows) == set(CATEGORIES)
    for key, row in rows.items():
        category = CATEGORIES[key]
        codes = {code.scheme: code.code for code in category.codes}
        assert (category.name_en, category.name_zh) == (row["name_en"], row["name_zh"])
        assert codes.get("GB/T 47678.5", "") == row["gbt47678_5"], key
        assert codes.get("GB/T 30428.2", "") == row["gbt30428_2"], key
        filed = rows.get(category.file_as, row)
        assert (category.deadline_h or 0) == float(row["deadline_h"] or filed["deadline_h"] or 0), key


def test_each_is_found_by_words_of_both_languages_that_its_name_lacks() -> None:
    for key, category in CATEGORIES.items():
        for letters in ("[a-z]", "[一-鿿]"):
            assert any(re.match(letters, word) for word in category.also), key
        assert len(set(category.also)) == len(category.also), key
        assert not [word for word in category.also if word in category.name_zh], key
