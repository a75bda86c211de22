"""Cases merged and split by hand: what a person put where stays there, whatever comes later and in whatever order."""

from __future__ import annotations

import random
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.merging import Refused, last_of, merge_by_hand, split_by_hand
from server.cases.models import Case, Note, Sighting
from server.cases.rules import State
from server.cases.services import move
from server.city.models import Handover
from server.city.services import add_destination
from server.fleet.services import add_vehicle

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def chief(db: None) -> User:
    return User.objects.create_user("zhao", role="supervisor")


@pytest.fixture
def apart(send: Any) -> list[Case]:
    """Three cases 20 m from each other."""
    for number in range(3):
        send(id=UUID(int=number + 1), east_m=20.0 * number, outbox=UUID(int=number + 1), probability=0.5 + number / 10)
    return list(Case.objects.order_by("id"))


def partition() -> dict[int, set[int]]:
    """Which sightings, by number, each case holds."""
    held: dict[int, set[int]] = {}
    for case_id, sighting_id in Sighting.objects.values_list("case_id", "id"):
        held.setdefault(case_id, set()).add(sighting_id.int)
    return held


def counts_what_it_holds() -> None:
    for case in Case.objects.all():
        assert case.sightings.count() == (0 if case.state == State.MERGED else case.sightings_count)


def test_a_merge_moves_the_sightings_refreshes_the_figures_and_leads_the_old_number_on(apart: list[Case], chief: User) -> None:  # fmt: skip
    one, two, _ = apart
    merged = merge_by_hand(two, one, chief, NOW, "one heap")
    assert partition()[one.pk] == {1, 2}
    assert (merged.sightings_count, merged.probability) == (2, 0.6)
    assert (merged.lat_deg, merged.lon_deg) == (one.lat_deg, one.lon_deg), "between them there is nothing"
    two.refresh_from_db()
    assert (two.state, two.merged_into_id, last_of(two)) == ("merged", one.pk, merged)
    row = AuditRow.objects.get(verb="case_merged")
    assert (row.object_id, row.actor_id, row.detail) == (str(one.pk), chief.pk, {"merged": two.number})
    assert AuditRow.objects.filter(verb="case_moved", object_id=str(two.pk), actor=chief).exists()
    note = Note.objects.get()
    assert (note.case_id, note.about, note.words) == (one.pk, "merge", "one heap")
    assert not AuditRow.objects.filter(detail__icontains="heap").exists()
    counts_what_it_holds()


def test_a_merge_into_a_merged_case_follows_the_chain(apart: list[Case], chief: User) -> None:
    one, two, three = apart
    merge_by_hand(two, one, chief, NOW)
    assert merge_by_hand(three, two, chief, NOW).pk == one.pk
    assert partition() == {one.pk: {1, 2, 3}}
    assert [last_of(Case.objects.get(id=each.pk)).pk for each in apart] == [one.pk] * 3
    with pytest.raises(Refused):
        merge_by_hand(one, three, chief, NOW)  # itself, by the chain


def test_the_city_is_told_that_it_need_not_look_after_a_merged_case(apart: list[Case], chief: User) -> None:
    one, two, _ = apart
    city, _ = add_destination(two.city, "city", "https://city.example/hook", sandbox=False, allow_private=False)
    Case.objects.filter(id=two.pk).update(state=State.HANDED_OVER)
    Handover.objects.create(case=two, destination=city, kind="case.confirmed", body={}, next_try_at=NOW, state="receipted", receipted_at=NOW, attempts=1)  # fmt: skip
    merge_by_hand(two, one, chief, NOW)
    assert Handover.objects.get(kind="case.retracted").body["reason"] == f"the same as case {one.number}"


def test_merges_that_make_no_sense_are_refused_with_a_sentence(apart: list[Case], chief: User, send: Any) -> None:
    one, two, three = apart
    add_vehicle("JN-01", "jinan")
    send(vehicle="JN-01", outbox=UUID(int=50))
    Case.objects.filter(id=three.pk).update(category="waste_pile")
    elsewhere = Case.objects.exclude(city=one.city).get()
    for into, word in ((one, "同一个"), (three, "类别"), (elsewhere, "城市")):
        with pytest.raises(Refused, match=word):
            merge_by_hand(one, into, chief, NOW)
    Case.objects.filter(id=two.pk).update(state=State.VERIFIED)
    with pytest.raises(Refused, match="办结"):
        merge_by_hand(one, two, chief, NOW)
    Case.objects.filter(id=two.pk).update(state=State.NEW, origin="camera")
    with pytest.raises(Refused, match="试验"):
        merge_by_hand(one, two, chief, NOW)
    theirs = User.objects.create_user("li", role="supervisor", city=elsewhere.city)
    with pytest.raises(Refused, match="没有这个案件"):
        merge_by_hand(one, two, theirs, NOW)
    assert not Case.objects.filter(state="merged").exists()
    assert not Sighting.objects.filter(by_hand=True).exists()


@pytest.mark.parametrize("seed", range(5))
def test_what_was_merged_stays_together_in_any_order_of_what_comes_later(apart: list[Case], chief: User, send: Any, seed: int) -> None:  # fmt: skip
    """Passes over all three things: what was merged stays one case, though each of its things is seen again, and the third stays what it is."""
    one, two, three = apart
    merge_by_hand(two, one, chief, NOW)
    arrivals = [(10 * p + thing, p, thing) for p in range(1, 4) for thing in range(3)]
    random.Random(seed).shuffle(arrivals)
    for number, p, thing in arrivals:
        send(id=UUID(int=number), pass_id=UUID(int=p), east_m=20.0 * thing + 0.3 * p, outbox=UUID(int=9), sequence=number)  # fmt: skip
        counts_what_it_holds()
    assert partition() == {
        one.pk: {1, 2} | {10 * p + thing for p in range(1, 4) for thing in range(2)},
        three.pk: {3} | {10 * p + 2 for p in range(1, 4)},
    }


@pytest.fixture
def together(send: Any) -> Case:
    """One case of four passes, two of them 1 m west of the others."""
    for number in range(4):
        send(id=UUID(int=number + 1), pass_id=UUID(int=number + 1), east_m=float(number % 2), outbox=UUID(int=number + 1))  # fmt: skip
    return Case.objects.get()


def test_a_split_makes_a_new_case_of_the_chosen_sightings(together: Case, chief: User) -> None:
    move(together.pk, State.NEW, State.QUEUED, NOW)
    move(together.pk, State.QUEUED, State.CONFIRMED, NOW)
    new = split_by_hand(together, [UUID(int=2), UUID(int=4)], chief, NOW, "two heaps")
    together.refresh_from_db()
    assert partition() == {together.pk: {1, 3}, new.pk: {2, 4}}
    assert (together.number, together.state, together.sightings_count) == (1, "confirmed", 2)
    assert (new.number, new.state, new.sightings_count, new.category) == (2, "new", 2, together.category)
    assert together.lon_deg < new.lon_deg
    assert AuditRow.objects.get(verb="case_split").detail == {"new": 2}
    assert AuditRow.objects.get(verb="case_opened", object_id=str(new.pk)).detail == {"split_from": 1}
    assert set(Note.objects.values_list("case", "words")) == {(together.pk, "two heaps"), (new.pk, "two heaps")}


def test_a_split_that_makes_no_sense_is_refused(together: Case, chief: User) -> None:
    for ids, word in (([], "选择"), ([uuid4()], "选择"), ([UUID(int=1), uuid4()], "选择"), ([UUID(int=n) for n in range(1, 5)], "至少")):  # fmt: skip
        with pytest.raises(Refused, match=word):
            split_by_hand(together, ids, chief, NOW)
    assert Case.objects.count() == 1


@pytest.mark.parametrize("seed", range(5))
def test_what_was_split_stays_apart_in_any_order_of_what_comes_later(together: Case, chief: User, send: Any, seed: int) -> None:  # fmt: skip
    """The grouping takes them for one thing; what comes later goes to the nearer of the two."""
    new = split_by_hand(together, [UUID(int=2), UUID(int=4)], chief, NOW)
    arrivals = [(10 + p, p, -0.2 if p % 2 else 1.2) for p in range(10, 16)]
    random.Random(seed).shuffle(arrivals)
    for number, p, east_m in arrivals:
        send(id=UUID(int=number), pass_id=UUID(int=p), east_m=east_m, outbox=UUID(int=9), sequence=number)
        counts_what_it_holds()
    assert partition() == {together.pk: {1, 3, 21, 23, 25}, new.pk: {2, 4, 20, 22, 24}}


def test_a_split_undoes_a_merge_and_the_old_number_comes_back_with_its_history(apart: list[Case], chief: User, send: Any) -> None:  # fmt: skip
    one, two, _ = apart
    move(two.pk, State.NEW, State.QUEUED, NOW)
    move(two.pk, State.QUEUED, State.CONFIRMED, NOW)
    merge_by_hand(two, one, chief, NOW)
    back = split_by_hand(one, [UUID(int=2)], chief, NOW, "two heaps")
    assert (back.pk, back.number, back.state, back.merged_into_id, back.sightings_count) == (two.pk, two.number, "queued", None, 1)  # fmt: skip
    assert (back.lat_deg, back.lon_deg) == (two.lat_deg, two.lon_deg)
    assert Case.objects.count() == 3
    send(id=UUID(int=20), east_m=20.3, outbox=UUID(int=9))
    held = partition()
    assert (held[one.pk], held[two.pk]) == ({1}, {2, 20})
    assert last_of(Case.objects.get(id=two.pk)).pk == two.pk
    told = [(row.verb, row.detail) for row in AuditRow.objects.filter(object_id=str(two.pk)).order_by("-id")[:3]]
    assert ("case_split", {"split_from": one.number}) in told
    assert ("case_moved", {"old": "merged", "new": "queued"}) in told
    assert AuditRow.objects.get(verb="case_split", object_id=str(one.pk)).detail == {"new": two.number}
    counts_what_it_holds()


def test_of_what_was_merged_in_a_part_is_a_new_case_and_more_than_it_comes_back_as_it(apart: list[Case], chief: User, send: Any) -> None:  # fmt: skip
    """What was seen at its place after the merge goes with it."""
    one, two, _ = apart
    send(id=UUID(int=20), east_m=20.3, outbox=UUID(int=9))
    merge_by_hand(two, one, chief, NOW)
    send(id=UUID(int=21), east_m=20.2, outbox=UUID(int=9), sequence=2)
    part = split_by_hand(one, [UUID(int=20)], chief, NOW)
    assert part.number == 4
    back = split_by_hand(one, [UUID(int=2), UUID(int=21)], chief, NOW)
    assert back.number == two.number
    assert partition()[two.pk] == {2, 21}
    counts_what_it_holds()


def test_of_several_that_are_split_off_together_the_others_lead_to_the_one_that_comes_back(apart: list[Case], chief: User) -> None:  # fmt: skip
    one, two, three = apart
    merge_by_hand(two, one, chief, NOW)
    merge_by_hand(three, one, chief, NOW)
    back = split_by_hand(one, [UUID(int=2), UUID(int=3)], chief, NOW)
    assert back.pk == two.pk
    assert last_of(Case.objects.get(id=three.pk)).pk == two.pk
    assert split_by_hand(back, [UUID(int=3)], chief, NOW).pk == three.pk
    assert partition() == {one.pk: {1}, two.pk: {2}, three.pk: {3}}
    # And merged once more, it comes back once more.
    merge_by_hand(three, one, chief, NOW)
    assert split_by_hand(one, [UUID(int=3)], chief, NOW).pk == three.pk


def test_what_the_grouping_merged_comes_back_too(send: Any, chief: User) -> None:
    """Two things 9 m apart; a look between them ties them together."""
    send(id=UUID(int=1), outbox=UUID(int=1), sigma_m=1.0)
    send(id=UUID(int=2), outbox=UUID(int=2), east_m=9.0, sigma_m=1.0)
    first, second = Case.objects.order_by("id")
    send(id=UUID(int=3), outbox=UUID(int=3), east_m=4.5, sigma_m=1.0)
    second.refresh_from_db()
    assert second.state == "merged", "else this tries nothing"
    assert split_by_hand(first, [UUID(int=2)], chief, NOW).pk == second.pk


def test_of_a_merge_and_a_verdict_at_once_one_is_told(apart: list[Case], chief: User, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """The case moved between the look and the step."""
    monkeypatch.setattr("server.cases.merging.move", lambda *_, **__: False)
    with pytest.raises(Refused, match="重新查看"):
        merge_by_hand(apart[1], apart[0], chief, timezone.now())
    assert partition() == {case.pk: {case.number} for case in apart}
