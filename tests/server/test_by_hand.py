"""What the grouping says, and what a person put where: both hold, whatever the order. No database."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st
from sightings import LAT, LON, NOW

from server.cases.by_hand import as_put, case_put
from server.cases.rows import Member


def row(number: int, east_m: float, put_into: int | None) -> Member:
    return Member(UUID(int=number), put_into or 1, 1, 1, 1, "waste_pile", "demo", UUID(int=number), LAT, LON + east_m / 87_780, 1.0, 0.0, 1.0, 1.0, 0.0, 0.5, put_into is not None, NOW, NOW)  # fmt: skip


grouped = st.lists(
    st.lists(st.tuples(st.floats(0, 30), st.sampled_from([None, None, 7, 8, 9])), min_size=1, max_size=6), max_size=6
)


def groups_of(raw: Any) -> list[list[Member]]:
    numbers = iter(range(1, 100))
    return [[row(next(numbers), east_m, put) for east_m, put in rows] for rows in raw]


def as_sets(groups: list[list[Member]]) -> set[frozenset[UUID]]:
    return {frozenset(each.id for each in rows) for rows in groups}


@given(grouped)
def test_what_was_put_into_one_case_is_together_and_what_into_two_is_apart(raw: Any) -> None:
    groups = groups_of(raw)
    parts = as_put(groups)
    assert sorted(each.id for rows in parts for each in rows) == sorted(each.id for rows in groups for each in rows)
    for rows in parts:
        assert len({each.case_id for each in rows if each.by_hand}) <= 1
    put = [case_put(rows) for rows in parts if case_put(rows) is not None]
    assert len(put) == len(set(put))


@given(grouped)
def test_what_nobody_touched_stays_with_what_it_was_grouped_with(raw: Any) -> None:
    groups = groups_of(raw)
    part_of = {each.id: number for number, rows in enumerate(as_put(groups)) for each in rows}
    for rows in groups:
        cases = {each.case_id for each in rows if each.by_hand}
        if len(cases) <= 1:
            assert len({part_of[each.id] for each in rows}) == 1
        else:
            for each in rows:
                assert any(part_of[each.id] == part_of[other.id] for other in rows if other.by_hand)


@given(grouped, st.randoms(use_true_random=False))
def test_the_order_of_groups_and_of_what_is_in_them_does_not_matter(raw: Any, lot: random.Random) -> None:
    groups = groups_of(raw)
    mixed = [lot.sample(rows, len(rows)) for rows in lot.sample(groups, len(groups))]
    assert as_sets(as_put(groups)) == as_sets(as_put(mixed))


def test_where_nobody_put_anything_the_groups_are_what_they_were() -> None:
    groups = groups_of([[(0.0, None), (1.0, None)], [(9.0, None)]])
    assert as_put(groups) == groups


def test_a_free_one_between_two_that_were_put_apart_goes_to_the_nearer() -> None:
    groups = groups_of([[(0.0, 7), (10.0, 8), (4.0, None), (6.0, None)]])
    assert as_sets(as_put(groups)) == {frozenset({UUID(int=1), UUID(int=3)}), frozenset({UUID(int=2), UUID(int=4)})}
