"""Second looks: another person, blind, by the same lease; nobody is told that there was a first answer, nor that there is a second."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW

from calibration.geodesy import moved
from server.accounts.models import User
from server.cases.models import Case
from server.categories.models import CategoryStanding
from server.counters import COUNTED
from server.review import rules, services
from server.review.corrections import Correction
from server.review.counts import forget, queue_counts
from server.review.models import Dispute, Look, LooksOfDay, Verdict
from server.review.rules import agree, is_room, lot, wants_second
from server.review.services import decide, give_back, lease, renew, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def everything_twice(settings: Any, nothing_remembered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SECOND_SHARE", 1.0)


@pytest.fixture
def cards(send: Any) -> list[Case]:
    for number in range(3):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


def person(name: str, role: str = "reviewer") -> Any:
    return User.objects.create_user(name, password="a long password", role=role)


def told(outcome: str) -> float:
    """What the counter of second looks stands at."""
    return COUNTED.get_sample_value("trikeye_second_looks_total", {"outcome": outcome}) or 0.0


def html_of(who: Any) -> tuple[str, dict[str, str]]:
    """What a lease of the cards looks like to somebody, and its figures."""
    forget()
    client = Client()
    client.force_login(who)
    answer = client.post("/review/lease")
    give_back(who)
    return answer.content.decode(), {
        name: answer.headers[name] for name in answer.headers if name.startswith("X-") and name != "X-Request-ID"
    }


def test_a_random_share_is_looked_at_twice_and_what_is_critical_always() -> None:
    ids = [UUID(int=number << 64) for number in range(4000)]
    share = sum(wants_second(each, "confirm", None, {"low"}, 0.05) for each in ids) / len(ids)
    assert 0.04 < share < 0.06
    assert all(wants_second(each, "reject", 1, {"critical", "low"}, 0.0) for each in ids[:5])
    assert not any(wants_second(ids[0], answer, None, {"critical"}, 1.0) for answer in ("unsure", "skip"))
    assert not any(wants_second(ids[0], "reject", reason, {"critical"}, 1.0) for reason in (5, 8)), "nothing to look at"
    assert lot("a") != lot("b")
    assert wants_second(ids[7], "confirm", None, (), 0.5) == wants_second(ids[7], "confirm", None, (), 0.5)


@pytest.mark.parametrize(
    ("decided", "asked", "there_is"),
    [(0, 0, True), (20, 19, True), (20, 20, False), (100, 20, False), (101, 20, True), (1000, 199, True), (1000, 200, False)],
)  # fmt: skip
def test_second_looks_of_a_day_are_a_share_of_its_decisions_and_twenty_at_least(
    decided: int, asked: int, there_is: bool
) -> None:
    assert is_room(decided, asked, 0.2) is there_is


def test_a_city_full_of_critical_cases_asks_for_no_more_looks_than_it_can_take(
    send: Any, reviewer: Any, settings: Any, monkeypatch: pytest.MonkeyPatch, client: Any
) -> None:
    """The random share is asked for all the same; what was left out is counted, and a supervisor reads it."""
    monkeypatch.setattr(rules, "SECOND_FREE", 2)
    settings.SECOND_SHARE, settings.SECOND_AT_MOST = 0.0, 0.5
    for number in range(8):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number, category="road_collapse")
    screen_new(NOW)
    cases, now = list(Case.objects.order_by("id")), timezone.now()
    before = told("skipped")
    for case in cases[:3]:
        decide(reviewer, uuid4(), case.pk, "confirm", now)
    day = LooksOfDay.objects.get()
    assert (day.decided, day.asked, day.skipped, Look.objects.count()) == (3, 2, 1, 2)
    settings.SECOND_SHARE = 1.0
    decide(reviewer, uuid4(), cases[3].pk, "reject", now, reason=1)
    settings.SECOND_SHARE = 0.0
    for case in cases[4:]:
        decide(reviewer, uuid4(), case.pk, "unsure" if case == cases[7] else "confirm", now)
    day.refresh_from_db()
    assert (day.decided, day.asked, day.skipped) == (7, 4, 3)
    assert told("skipped") == before + 3
    client.force_login(person("chief", "supervisor"))
    page = client.get("/review/disputes/", headers={"accept-language": "en"}).content.decode()
    assert "look again at 4 of 7 decided cards" in page
    assert "3 urgent ones were left out" in page


@pytest.mark.parametrize(
    ("first", "second", "do"),
    [(("confirm", "a"), ("confirm", "a"), True), (("confirm", "a"), ("confirm", "b"), False), (("confirm", "a"), ("reject", "a"), False),
     (("reject", "a"), ("reject", "b"), True), (("reject", "a"), ("confirm", "a"), False), (("confirm", "a"), ("unsure", "a"), True)],
)  # fmt: skip
def test_two_answers_agree_if_they_say_the_same_of_the_thing(first: Any, second: Any, do: bool) -> None:
    assert agree(first, second) is do


def test_a_second_look_is_for_another_person_and_its_card_is_the_same_to_the_letter(cards: Any, reviewer: Any) -> None:
    li = person("li")
    case = cards[0]
    before, figures = html_of(li)
    CategoryStanding.objects.filter(city=case.city, category="road_damage").delete()
    put = moved(case.lat_deg, case.lon_deg, 20.0, 0.0)
    decide(reviewer, uuid4(), case.pk, "confirm", NOW, category="road_damage", correction=Correction(place_deg=put))
    case.refresh_from_db()
    assert (case.state, case.category, case.shadow) == ("confirmed", "road_damage", True)
    after, figures_after = html_of(li)
    assert after == before, "not a letter tells that somebody has answered"
    assert figures_after == figures
    mine, _ = html_of(reviewer)
    assert f'data-case="{case.pk}"' not in mine, "nobody is their own second"


def test_an_answer_to_a_second_look_is_told_as_any_other_and_changes_nothing_if_it_agrees(cards: Any, reviewer: Any, client: Any) -> None:  # fmt: skip
    now, li = timezone.now(), person("li")
    client.force_login(li)
    told = []
    decide(reviewer, uuid4(), cards[0].pk, "confirm", now)
    client.post("/review/lease")
    for case in (cards[1], cards[0]):
        told.append(client.post("/review/verdicts", {"id": uuid4(), "case": case.pk, "answer": "confirm"}).json())
    first, second = ({**each, "case_number": 0} for each in told)
    assert first.keys() == second.keys()
    assert (first["result"], second["result"]) == ("counted", "counted")
    assert int(first["waiting"]) - int(second["waiting"]) == 1
    assert int(second["mine_today"]) - int(first["mine_today"]) == 1
    kinds = dict(Verdict.objects.filter(person=li).values_list("case", "kind"))
    assert kinds == {cards[1].pk: "first", cards[0].pk: "second"}
    assert not Verdict.objects.get(person=li, case=cards[0]).counted
    cards[0].refresh_from_db()
    assert cards[0].state == "confirmed"
    assert not Dispute.objects.exists()
    assert Look.objects.get(case=cards[0]).done_at is not None


@pytest.mark.parametrize(
    ("first", "second"), [("confirm", "reject"), ("reject", "confirm"), ("confirm", "waste_pile"), ("waste_pile", "confirm")]
)  # fmt: skip
def test_two_answers_that_differ_wait_for_a_supervisor_and_nobody_is_dealt_the_card(
    first: str, second: str, cards: Any, reviewer: Any
) -> None:
    now, li = timezone.now(), person("li")
    case = cards[0]
    for who, answer in ((reviewer, first), (li, second)):
        lease(who, now)
        given = {"category": answer} if answer == "waste_pile" else {"reason": 1} if answer == "reject" else {}
        decide(who, uuid4(), case.pk, "confirm" if answer == "waste_pile" else answer, now, **given)
        give_back(who)
    case.refresh_from_db()
    assert case.state == "disputed"
    dispute = Dispute.objects.get()
    assert (dispute.first.person, dispute.second.person, dispute.settled_at) == (reviewer, li, None)
    for who in (reviewer, li, person("zhao"), person("chief", "supervisor")):
        assert case.pk not in {each.pk for each in lease(who, now, 10)}
        give_back(who)
    assert decide(person("sun"), uuid4(), case.pk, "confirm", now).result == "second", "it is for a supervisor alone"


def test_a_second_look_is_leased_to_one_at_a_time_and_free_when_the_lease_ran_out(cards: Any, reviewer: Any) -> None:
    now, li, zhao = timezone.now(), person("li"), person("zhao")
    for case in cards:
        decide(reviewer, uuid4(), case.pk, "confirm", now)
    hers = lease(li, now, 10)
    assert {each.pk for each in hers} == {case.pk for case in cards}, "an empty queue is filled up with second looks"
    assert lease(zhao, now, 10) == []
    assert renew(li, now + timedelta(minutes=5)) == 3
    assert lease(zhao, now + timedelta(minutes=11), 10) == []
    his = lease(zhao, now + timedelta(minutes=16), 10)
    assert len(his) == 3
    assert decide(li, uuid4(), cards[0].pk, "reject", now, reason=1).result == "second", "it is his look by now"
    assert not Dispute.objects.exists()
    assert give_back(zhao) == 3
    assert len(lease(li, now + timedelta(minutes=17), 10)) == 2, "not what she has answered, late or not"


def test_among_waiting_cards_one_of_a_lease_is_a_second_look(cards: Any, reviewer: Any, send: Any) -> None:
    now, li = timezone.now(), person("li")
    for case in cards:
        decide(reviewer, uuid4(), case.pk, "confirm", now)
    for number in range(10):
        send(north_m=60.0 * (number + 1), outbox=UUID(int=number + 10), seed=number)
    screen_new(now)
    decided = {case.pk for case in cards}
    dealt = lease(li, now)
    assert len(dealt) == 5
    assert sum(each.pk in decided for each in dealt) == 1
    assert len(lease(li, now)) == 5, "asked again, the same ones"
    assert {each.pk for each in lease(li, now)} == {each.pk for each in dealt}
    assert all(each.state == "queued" for each in dealt), "what a card is made of does not know either"


def test_a_look_that_another_takes_meanwhile_is_not_dealt_twice(cards: Any, reviewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    now, li, zhao = timezone.now(), person("li"), person("zhao")
    for case in cards:
        decide(reviewer, uuid4(), case.pk, "confirm", now)
    take, hers = services.rows.take_looks, []

    def slow(who: Any, *rest: Any) -> list[int]:
        if who == zhao and not hers:
            hers.extend(lease(li, now))
        return take(who, *rest)

    monkeypatch.setattr(services.rows, "take_looks", slow)
    assert lease(zhao, now) == []
    assert len(hers) == 3


def test_a_skipped_second_look_goes_to_another_and_comes_back_when_nobody_took_it(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), person("li")
    case = cards[0]
    decide(reviewer, uuid4(), case.pk, "confirm", now)
    lease(li, now)
    assert decide(li, uuid4(), case.pk, "skip", now).result == "counted"
    give_back(li)
    assert case.pk not in {each.pk for each in lease(li, now, 10)}
    give_back(li)
    assert case.pk in {each.pk for each in lease(li, timezone.now() + timedelta(minutes=11), 10)}
    give_back(li)
    assert case.pk in {each.pk for each in lease(person("zhao"), now, 10)}


def test_undoing_a_skip_of_a_second_look_brings_its_card_back(cards: Any, reviewer: Any, client: Any) -> None:
    now, li = timezone.now(), person("li")
    case = cards[0]
    decide(reviewer, uuid4(), case.pk, "confirm", now)
    client.force_login(li)
    lease(li, now)
    decide(li, uuid4(), case.pk, "skip", now)
    assert f'data-case="{case.pk}"' in client.post("/review/undo").content.decode()
    assert Look.objects.get(case=case).person == li


def test_an_undone_second_answer_gives_the_card_back_as_it_was_and_ends_the_dispute(cards: Any, reviewer: Any, client: Any) -> None:  # fmt: skip
    now, li = timezone.now(), person("li")
    case = cards[0]
    decide(reviewer, uuid4(), case.pk, "confirm", now, category="waste_pile")
    client.force_login(li)
    card = re.search(rf'<article class="card" data-case="{case.pk}".*?</article>', client.post("/review/lease").content.decode(), re.DOTALL)  # fmt: skip
    assert card
    decide(li, uuid4(), case.pk, "reject", now, reason=2)
    back = client.post("/review/undo").content.decode()
    assert back.strip() == card[0]
    case.refresh_from_db()
    assert (case.state, case.category) == ("confirmed", "waste_pile")
    assert Dispute.objects.get().outcome == "undone"
    assert decide(li, uuid4(), case.pk, "confirm", now, category="waste_pile").result == "counted"
    assert Dispute.objects.filter(settled_at=None).count() == 0


def test_an_undone_first_answer_takes_its_second_look_and_dispute_along(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), person("li")
    one, two = cards[0], cards[1]
    decide(reviewer, uuid4(), one.pk, "confirm", now)
    lease(li, now)
    decide(li, uuid4(), one.pk, "reject", now, reason=1)
    back = undo(reviewer, now)
    assert back is not None
    assert (back.pk, back.state, back.lease_by) == (one.pk, "queued", reviewer)
    assert Dispute.objects.get().outcome == "undone"
    decide(reviewer, uuid4(), two.pk, "confirm", now)
    undo(reviewer, now)
    assert not Look.objects.filter(case=two, done_at=None).exists()


def test_a_case_that_came_back_to_the_queue_is_a_first_card_again(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), person("li")
    case = cards[0]
    decide(reviewer, uuid4(), case.pk, "confirm", now)
    lease(li, now)
    Case.objects.filter(id=case.pk).update(state="queued", state_at=now)
    assert decide(li, uuid4(), case.pk, "reject", now, reason=1).result == "counted"
    case.refresh_from_db()
    assert case.state == "rejected"
    assert Verdict.objects.get(person=li).kind == "first"


def test_a_second_answer_sent_twice_is_one(cards: Any, reviewer: Any) -> None:
    now, li, verdict = timezone.now(), person("li"), uuid4()
    decide(reviewer, uuid4(), cards[0].pk, "confirm", now)
    lease(li, now)
    assert [decide(li, verdict, cards[0].pk, "reject", now, reason=1).result for _ in range(2)] == ["counted", "known"]
    assert Dispute.objects.count() == 1


def test_verdicts_of_somebody_who_left_stay_and_are_looked_at_again(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), person("li")
    decide(reviewer, uuid4(), cards[0].pk, "confirm", now)
    User.objects.filter(pk=reviewer.pk).update(is_active=False)
    assert cards[0].pk in {each.pk for each in lease(li, now, 10)}
    decide(li, uuid4(), cards[0].pk, "reject", now, reason=1)
    assert Dispute.objects.get().first.person_id == reviewer.pk


def test_figures_of_the_queue_count_a_second_look_for_whom_it_may_be_dealt_to(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), person("li")
    before = queue_counts(li, now).waiting
    decide(reviewer, uuid4(), cards[0].pk, "confirm", now)
    assert queue_counts(li, timezone.now() + timedelta(seconds=3)).waiting == before
    assert queue_counts(reviewer, timezone.now() + timedelta(seconds=3)).waiting == before - 1


def test_looks_of_others_are_found_along_an_index_past_ones_own(cards: Any, reviewer: Any) -> None:
    decide(reviewer, uuid4(), cards[0].pk, "confirm", timezone.now())
    with CaptureQueriesContext(connection) as queries:
        lease(person("li"), timezone.now())
    asked = [each["sql"] for each in queries if "first_person_id <" in each["sql"]]
    assert len(asked) == 1
    with connection.cursor() as cursor:
        plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {asked[0]}").fetchall())
    assert plan.count("USING INDEX look_to_take (first_person_id") == 2, plan
    assert "SCAN l" not in plan
    assert "SCAN c" not in plan
