"""What is written into the search of cases, and what a filter of an address means. No database."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.cases.filters import RADIUS_M, Filter, filter_of, query_of, without_each
from server.categories.rules import is_called


@pytest.mark.parametrize(("written", "number", "near", "words"), [
    ("1042", 1042, None, ()), (" #7 ", 7, None, ()), ("案件 6", 6, None, ()), ("案件6", 6, None, ()), ("案件编号：6", 6, None, ()), ("6号", 6, None, ()), ("case 6", 6, None, ()), ("Case #6", 6, None, ()),
    ("No. 6", 6, None, ()), ("no 6", 6, None, ()), ("№6", 6, None, ()), ("case", None, None, ("case",)), ("6 号楼", None, None, ("6", "号楼")),
 ("140105001001", None, None, ("140105001001",)),
    ("37.87, 112.55", None, (37.87, 112.55), ()), ("37.87，112.55", None, (37.87, 112.55), ()), ("(37.87 112.55)", None, (37.87, 112.55), ()), ("-1.5 2", None, (-1.5, 2.0), ()),
    ("112.55, 37.87", None, None, ("112.55,", "37.87")), ("桃园北路 东侧", None, None, ("桃园北路", "东侧")), ("1.2.3 4", None, None, ("1.2.3", "4")), ("", None, None, ()),
    ("a b c d e f a", None, None, ("a", "b", "c", "d")), ("２３", None, None, ("２３",)),
])  # fmt: skip
def test_one_field_takes_a_number_a_position_or_words(written: str, number: int | None, near: tuple[float, float] | None, words: tuple[str, ...]) -> None:  # fmt: skip
    wanted = filter_of({"q": written})
    assert (wanted.number, wanted.near, wanted.words) == (number, near, words)


def test_a_word_that_means_nothing_filters_nothing() -> None:
    nonsense = {"state": "gone", "category": "ufo", "severity": "worst", "since": "yesterday", "until": "2026-13-01", "radius": "7", "before": "²", "filter": "x"}  # fmt: skip
    assert filter_of(nonsense) == Filter()
    assert filter_of({"since": "0001-01-01", "until": "9999-12-31"}) == Filter()


@given(st.fixed_dictionaries({
    "state": st.sampled_from(["", "all", "queued", "fixed"]), "category": st.sampled_from(["", "waste_pile"]), "severity": st.sampled_from(["", "high"]),
    "district": st.sampled_from(["", "小店区", "a&b=c"]), "vehicle": st.sampled_from(["", "TY-01"]), "q": st.sampled_from(["", "12", "桃园 北路", "37.8,112.5", "100%"]),
    "since": st.sampled_from(["", "2026-11-01"]), "until": st.sampled_from(["", "2026-11-20"]), "radius": st.sampled_from(["", "50"]), "filter": st.sampled_from(["", "shadow"]),
}))  # fmt: skip
def test_a_filter_survives_its_address(asked: dict[str, str]) -> None:
    from urllib.parse import parse_qsl

    wanted = filter_of(asked)
    again = filter_of(dict(parse_qsl(query_of(wanted))))
    assert again == (wanted if wanted.near else filter_of({**asked, "radius": ""}))


def test_categories_are_those_of_the_severity() -> None:
    assert Filter().categories is None
    assert Filter(category="waste_pile").categories == {"waste_pile"}
    assert Filter(severity="critical").categories
    assert Filter(severity="critical", category="waste_pile").categories == frozenset()
    assert len(Filter(severity="low").categories or ()) > 5


def test_an_empty_list_is_loosened_by_one_thing_at_a_time() -> None:
    wanted = Filter(state="queued", severity="high", text="桃园", since=date(2026, 11, 1), before=5)
    assert [name for name, _ in without_each(wanted)] == ["text", "since", "severity", "state"]
    loosened = dict(without_each(wanted))
    assert loosened["text"] == Filter(state="queued", severity="high", since=date(2026, 11, 1), radius_m=RADIUS_M)
    assert loosened["state"].state == "all"
    assert [name for name, _ in without_each(Filter(state="all"))] == []


@pytest.mark.parametrize(("words", "is_it"), [("laji", True), ("tong xiang", True), ("manyi", True), ("ljtxmy", True), ("ajitong", False), ("满溢", True), ("jinggai", False), ("bin", True)])  # fmt: skip
def test_a_category_is_called_by_its_pinyin_too(words: str, is_it: bool) -> None:
    assert is_called("overflowing_bin", words) is is_it
