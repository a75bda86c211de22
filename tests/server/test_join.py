"""Joining: cases are a function of the set of sightings, in any order of arrival."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID, uuid4

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import given, settings
from hypothesis import strategies as st
from sightings import LAT, LON, NOW

from models.pixels import encode_jpeg
from server.cases.models import Case, Sighting
from server.cases.rules import MOVES, Point, State, connected, group, may_move
from server.cases.services import NotAllowed, move


def spot(number: int, pass_number: int, east_m: float, north_m: float, sigma_m: float) -> Point:
    return Point(
        UUID(int=number),
        UUID(int=pass_number),
        LAT + north_m / 111195,
        LON + east_m / 87780,
        (sigma_m**2, 0.0, sigma_m**2),
    )


spots = st.lists(
    st.tuples(st.integers(1, 4), st.floats(0, 40), st.floats(0, 12), st.floats(0.5, 4)), min_size=1, max_size=14
)


@given(spots, st.randoms(use_true_random=False))
@settings(max_examples=150, deadline=None)
def test_any_order_gives_the_same_partition_and_no_pass_twice(raw: Any, shuffle: random.Random) -> None:
    points = [spot(i + 1, p, e, n, s) for i, (p, e, n, s) in enumerate(raw)]
    mixed = list(points)
    shuffle.shuffle(mixed)
    one, other = group(points), group(mixed)
    assert one == other
    assert sorted(p.id for members in one for p in members) == [p.id for p in points]
    assert all(len({p.pass_id for p in members}) == len(members) for members in one)


@given(spots)
@settings(max_examples=100, deadline=None)
def test_groups_of_the_whole_are_groups_of_its_connected_parts(raw: Any) -> None:
    """What lets intake regroup a neighbourhood only: parts that no link ties together do not matter to each other."""
    near = [spot(i + 1, p, e, n, s) for i, (p, e, n, s) in enumerate(raw)]
    far = [spot(100 + i, p, e + 500, n, s) for i, (p, e, n, s) in enumerate(raw)]
    assert group(near + far) == sorted(group(near) + group(far), key=lambda members: members[0].id)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(4))
def test_rows_end_in_the_same_partition_in_any_order_of_arrival(send: Any, seed: int) -> None:
    """Four passes over five things, each two metres off at most."""
    rng = random.Random(9)
    arrivals = [
        {"pass_id": UUID(int=p + 1), "east_m": 11.0 * thing + rng.uniform(-1, 1), "north_m": rng.uniform(-1, 1), "sequence": 10 * p + thing + 1, "outbox": UUID(int=7),
         "id": UUID(int=100 * p + thing + 1)}
        for p in range(4) for thing in range(5)
    ]  # fmt: skip
    random.Random(seed).shuffle(arrivals)
    for arrival in arrivals:
        assert send(**arrival).outcome == "accepted"
    found = {frozenset(case.sightings.values_list("id", flat=True)) for case in Case.objects.exclude(state="merged")}
    assert found == {frozenset(UUID(int=100 * p + thing + 1) for p in range(4)) for thing in range(5)}


@pytest.mark.django_db(transaction=True)
def test_two_things_of_one_pass_never_become_one_case(send: Any) -> None:
    same = UUID(int=3)
    send(pass_id=same, outbox=UUID(int=1))
    send(pass_id=same, outbox=UUID(int=2), east_m=0.5)
    assert Case.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_a_case_counts_its_sightings_that_are_not_near_too(send: Any) -> None:
    for number in range(1, 4):
        send(id=UUID(int=number), outbox=UUID(int=number), probability=0.5 + number / 10)
    Sighting.objects.filter(id=UUID(int=3)).update(lat_deg=LAT + 1)
    send(outbox=UUID(int=4), probability=0.5)
    case = Case.objects.get()
    assert (case.sightings_count, case.probability) == (4, 0.8)
    assert case.lat_deg == pytest.approx(LAT + 0.25)


@pytest.mark.django_db(transaction=True)
def test_a_case_beside_that_stays_as_it_is_is_not_written_again(send: Any) -> None:
    same = UUID(int=3)
    send(id=UUID(int=1), pass_id=same, outbox=UUID(int=1))
    send(id=UUID(int=2), pass_id=same, outbox=UUID(int=2), east_m=2.0)
    with CaptureQueriesContext(connection) as seen:
        send(outbox=UUID(int=3), east_m=2.2)
    assert sum(query["sql"].replace('"', "").startswith("UPDATE cases_case") for query in seen.captured_queries) == 1
    assert sorted(Case.objects.values_list("sightings_count", flat=True)) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_three_passes_over_a_rejected_thing_make_one_card(send: Any, reviewer: Any) -> None:
    send(outbox=UUID(int=1))
    case = Case.objects.get()
    move(case.pk, State.NEW, State.QUEUED, NOW)
    move(case.pk, State.QUEUED, State.REJECTED, NOW, rejected_probability=case.probability)
    send(outbox=UUID(int=2), north_m=0.7)
    send(outbox=UUID(int=3), north_m=-0.7)
    case.refresh_from_db()
    assert (Case.objects.count(), case.state, case.sightings_count) == (1, "rejected", 3)
    assert Sighting.objects.filter(case=case).count() == 3


@pytest.mark.django_db(transaction=True)
def test_a_rejected_thing_comes_back_when_it_is_much_surer(send: Any) -> None:
    send(outbox=UUID(int=1), probability=0.5)
    case = Case.objects.get()
    move(case.pk, State.NEW, State.QUEUED, NOW)
    move(case.pk, State.QUEUED, State.REJECTED, NOW, rejected_probability=0.5)
    send(outbox=UUID(int=2), probability=0.75)
    case.refresh_from_db()
    assert case.state == "queued"


@pytest.mark.django_db(transaction=True)
def test_only_the_tables_moves_are_made_and_each_is_audited(send: Any) -> None:
    from server.audit.models import AuditRow

    send()
    case = Case.objects.get()
    for old in State:
        for new in State:
            Case.objects.filter(id=case.pk).update(state=old)
            before = AuditRow.objects.count()
            if may_move(old, new):
                assert move(case.pk, old, new, NOW)
                assert AuditRow.objects.count() == before + 1
            else:
                with pytest.raises(NotAllowed):
                    move(case.pk, old, new, NOW)
    assert set(MOVES) == set(State)


@pytest.mark.django_db(transaction=True)
def test_a_case_that_has_moved_on_is_not_moved_again(send: Any) -> None:
    send()
    case = Case.objects.get()
    assert move(case.pk, State.NEW, State.QUEUED, NOW)
    assert not move(case.pk, State.NEW, State.QUEUED, NOW)


def test_a_thing_seen_a_thousand_times_is_one_thing() -> None:
    lot = random.Random(1)
    points = [
        Point(UUID(int=n), UUID(int=n + 10**6), 37.87 + lot.gauss(0, 5e-6), 112.55 + lot.gauss(0, 5e-6), (4.0, 0.5, 4.0)) for n in range(1000)
    ]  # fmt: skip
    assert [len(members) for members in group(points)] == [1000]
    assert connected(points, 7) == list(range(1000))


@pytest.mark.django_db(transaction=True)
def test_a_case_set_aside_is_screened_again_when_another_sighting_joins(send: Any) -> None:
    from server.screening.services import screen_new

    dark = encode_jpeg(np.zeros((180, 320, 3), dtype=np.uint8))
    send(outbox=UUID(int=1), picture=dark)
    screen_new(NOW)
    case = Case.objects.get()
    Case.objects.filter(id=case.pk).update(state=State.SET_ASIDE, blind=False)
    send(outbox=UUID(int=2), probability=0.9)
    screen_new(NOW)
    case.refresh_from_db()
    assert (case.state, case.sightings_count, case.screening) == ("queued", 2, "")


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("reason", "cases"), [(r, 1) for r in (1, 2, 3, 6, 9)] + [(r, 2) for r in (4, 7, 8)])
def test_a_rejection_for_its_picture_or_its_day_is_not_held_against_later_finds(
    send: Any, reviewer: Any, reason: int, cases: int
) -> None:
    from server.review.services import decide
    from server.screening.services import screen_new

    send(outbox=UUID(int=1))
    screen_new(NOW)
    decide(reviewer, uuid4(), Case.objects.get().pk, "reject", NOW, reason=reason, words="a shop's own bin")
    send(outbox=UUID(int=2), seed=2)
    screen_new(NOW)
    assert Case.objects.count() == cases
    assert Case.objects.filter(state="queued").count() == cases - 1


def _hold_what_they_count() -> None:
    for case in Case.objects.all():
        held = case.sightings.count()
        assert (held == 0) == (case.state == "merged"), (case.number, case.state, held)
        assert case.sightings_count == held or case.state == "merged"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("seed", range(4))
def test_passes_whose_receivers_are_off_end_in_the_same_cases_in_any_order_of_arrival(send: Any, seed: int) -> None:
    """Five things 10 m apart; what belongs together changes on the way, and no case is left that holds nothing or counts what it lost."""
    rng = np.random.default_rng(6)
    shifts_m = rng.normal(0, 2, (5, 2))
    arrivals = [
        {"pass_id": UUID(int=p + 1), "east_m": 10.0 * thing + shifts_m[p, 0], "north_m": shifts_m[p, 1], "sequence": 10 * p + thing + 1, "sigma_m": 2.0,
         "outbox": UUID(int=7), "id": UUID(int=100 * p + thing + 1), "fix": {"utc": NOW, "lat_deg": LAT, "lon_deg": LON, "sigma_m": 2.0, "quality": "file"}}
        for p in range(5) for thing in range(5) if (p + thing) % 4
    ]  # fmt: skip
    random.Random(seed).shuffle(arrivals)
    for arrival in arrivals:
        assert send(**arrival).outcome == "accepted"
        _hold_what_they_count()
    found = {frozenset(case.sightings.values_list("id", flat=True)) for case in Case.objects.exclude(state="merged")}
    expected = {frozenset(UUID(int=100 * p + thing + 1) for p in range(5) if (p + thing) % 4) for thing in range(5)}
    assert found == expected


@pytest.mark.django_db(transaction=True)
def test_a_case_that_loses_a_sighting_to_a_better_place_is_counted_and_placed_again(send: Any) -> None:
    """The first pass's thing seemed to be what the second saw 5 m east, until the second told of another one 1 m west."""
    send(id=UUID(int=1), pass_id=UUID(int=1), sigma_m=2.0, outbox=UUID(int=1))
    send(id=UUID(int=2), pass_id=UUID(int=2), sigma_m=2.0, outbox=UUID(int=2), east_m=5.0, probability=0.9)
    first = Case.objects.get()
    assert (first.sightings_count, first.probability) == (2, 0.9)
    send(id=UUID(int=3), pass_id=UUID(int=2), sigma_m=2.0, outbox=UUID(int=3), east_m=-1.0)
    first.refresh_from_db()
    other = Case.objects.exclude(id=first.pk).get()
    assert set(first.sightings.values_list("id", flat=True)) == {UUID(int=1), UUID(int=3)}
    assert (first.sightings_count, first.probability, other.sightings_count) == (2, 0.7, 1)
    assert first.lon_deg < LON
    _hold_what_they_count()


@pytest.mark.django_db(transaction=True)
def test_a_confirmed_case_keeps_number_and_verdict_when_what_is_beside_it_is_regrouped(send: Any) -> None:
    send(id=UUID(int=1), pass_id=UUID(int=1), sigma_m=2.0, outbox=UUID(int=1))
    case = Case.objects.get()
    move(case.pk, State.NEW, State.QUEUED, NOW)
    move(case.pk, State.QUEUED, State.CONFIRMED, NOW)
    for number, east_m in enumerate((5.0, -1.0, 6.0, 0.5), start=2):
        send(
            id=UUID(int=number), pass_id=UUID(int=1 + number // 2), sigma_m=2.0, outbox=UUID(int=number), east_m=east_m
        )
        case.refresh_from_db()
        assert (case.number, case.state) == (1, "confirmed")
        assert case.sightings.filter(id=UUID(int=1)).exists()
        _hold_what_they_count()
    assert case.sightings_count == 3
