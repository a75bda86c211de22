"""The queue: no card to two people, no verdict twice, undo that is free until the case has left."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.db.models import ProtectedError
from django.template.loader import render_to_string
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import LAT, LON, NOW

from calibration.chinese_maps import gcj02_from_wgs84
from calibration.geodesy import moved
from server.cases.models import Case, Picture, Sighting
from server.categories.models import CategoryStanding
from server.city.models import Handover
from server.city.services import add_destination, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.review import rows, services
from server.review.cards import TRACK_POINTS, card_of, cards_of
from server.review.counts import Counts, forget, queue_counts
from server.review.map_svg import draw_map
from server.review.models import Verdict
from server.review.rules import likely
from server.review.services import BadVerdict, NeedsReason, changes_of, decide, give_back, lease, renew, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cards(send: Any) -> list[Case]:
    """Seven cards to review."""
    for number in range(7):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


def other(name: str) -> Any:
    from server.accounts.models import User

    return User.objects.create_user(name, password="a long password", role="reviewer")


def test_two_people_share_out_the_queue(cards: Any, reviewer: Any) -> None:
    mine, hers = lease(reviewer, NOW), lease(other("li"), NOW)
    assert (len(mine), len(hers)) == (5, 2)
    assert not {c.pk for c in mine} & {c.pk for c in hers}


def test_a_lease_that_ran_out_is_free(cards: Any, reviewer: Any) -> None:
    lease(reviewer, NOW)
    assert len(lease(other("li"), NOW + timedelta(minutes=11))) == 5


def test_a_lease_of_a_clock_that_was_set_back_is_free(cards: Any, reviewer: Any) -> None:
    li, ahead = other("li"), NOW + timedelta(hours=5)
    held = lease(reviewer, ahead)
    assert {case.pk for case in lease(li, NOW, 7)} >= {case.pk for case in held}
    lease(reviewer, ahead)
    assert decide(li, uuid4(), held[0].pk, "confirm", NOW).result == "counted"


def test_cards_given_back_are_free_at_once(cards: Any, reviewer: Any) -> None:
    lease(reviewer, NOW)
    assert give_back(reviewer) == 5
    assert len(lease(other("li"), NOW)) == 5


def test_a_verdict_sent_twice_is_one(cards: Any, reviewer: Any) -> None:
    verdict = uuid4()
    card = lease(reviewer, NOW)[0]
    assert decide(reviewer, verdict, card.pk, "confirm", NOW).result == "counted"
    assert decide(reviewer, verdict, card.pk, "confirm", NOW).result == "known"
    assert Verdict.objects.count() == 1


def test_a_verdict_sent_twice_at_once_is_one(cards: Any, reviewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The resend arrives between the look whether it is known and its own transaction."""
    verdict, look, twice = uuid4(), services._is_known, []

    def slow(*asked: Any) -> bool:
        known = look(*asked)
        if not twice:
            twice.append(verdict)
            assert decide(reviewer, verdict, cards[0].pk, "confirm", NOW).result == "counted"
        return known

    monkeypatch.setattr(services, "_is_known", slow)
    assert decide(reviewer, verdict, cards[0].pk, "confirm", NOW).result == "known"
    assert Verdict.objects.count() == 1


def test_a_late_answer_is_a_second_opinion(cards: Any, reviewer: Any) -> None:
    card = lease(reviewer, NOW)[0]
    decide(reviewer, uuid4(), card.pk, "confirm", NOW)
    assert decide(other("li"), uuid4(), card.pk, "reject", NOW, reason=1).result == "second"
    card.refresh_from_db()
    assert card.state == "confirmed"


def test_the_same_person_in_two_windows_answers_once_until_it_is_undone_or_queued_again(cards: Any, reviewer: Any) -> None:  # fmt: skip
    """A face that was seen is never lost."""
    card = lease(reviewer, NOW)[0]
    now = timezone.now()
    decide(reviewer, uuid4(), card.pk, "skip", now)
    assert decide(reviewer, uuid4(), card.pk, "confirm", now).result == "counted"
    assert decide(reviewer, uuid4(), card.pk, "reject", now, reason=1).result == "known"
    assert Verdict.objects.exclude(answer="skip").get().answer == "confirm"
    assert decide(reviewer, uuid4(), card.pk, "reject", now, reason=8).result == "second"
    undo(reviewer, now)
    assert decide(reviewer, uuid4(), card.pk, "reject", now, reason=1).result == "counted"


def test_a_rejection_needs_a_reason(cards: Any, reviewer: Any) -> None:
    with pytest.raises(BadVerdict):
        decide(reviewer, uuid4(), lease(reviewer, NOW)[0].pk, "reject", NOW)


def test_a_case_confirmed_as_another_category_stands_as_that_one_until_undone(cards: Any, reviewer: Any) -> None:
    case = lease(reviewer, NOW)[0]
    proposed = case.category
    CategoryStanding.objects.filter(city=case.city, category="waste_pile").delete()
    decide(reviewer, uuid4(), case.pk, "confirm", NOW, category="waste_pile")
    case.refresh_from_db()
    assert (case.category, case.state, case.shadow) == ("waste_pile", "confirmed", True)
    assert Verdict.objects.get().category == "waste_pile"
    assert undo(reviewer, NOW) is not None
    case.refresh_from_db()
    assert (case.category, case.state, case.shadow) == (proposed, "queued", False)


def test_what_a_person_changed_a_category_to_is_offered_first_and_never_the_proposed_one(
    cards: Any, reviewer: Any
) -> None:
    case = lease(reviewer, NOW)[0]
    proposed = case.category
    assert likely(proposed, [], ["road_damage"])[0] == "road_damage"
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), category="water_dirty")
    changes = changes_of(reviewer, timezone.now())
    assert changes == {proposed: ["water_dirty"]}
    offered = likely(proposed, changes[proposed], ["road_damage"])
    assert (offered[0], len(offered), len(set(offered))) == ("water_dirty", 9, 9)
    assert proposed not in offered
    assert changes_of(reviewer, timezone.now() + timedelta(days=8)) == {}


def test_confirming_as_what_was_proposed_changes_nothing(cards: Any, reviewer: Any) -> None:
    case = lease(reviewer, NOW)[0]
    decide(reviewer, uuid4(), case.pk, "confirm", NOW, category=case.category)
    assert Verdict.objects.get().category == ""


@pytest.mark.parametrize(("answer", "category"), [("confirm", "a_dragon"), ("unsure", "waste_pile")])
def test_only_a_confirmation_names_a_category_and_only_one_there_is(
    answer: str, category: str, cards: Any, reviewer: Any
) -> None:
    with pytest.raises(BadVerdict, match="请从列表中选择"):
        decide(reviewer, uuid4(), cards[0].pk, answer, NOW, category=category)


def test_a_skipped_card_is_left_to_others_and_comes_back_when_nobody_took_it(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    before = queue_counts(reviewer, now).waiting
    skipped = lease(reviewer, now)[0]
    decide(reviewer, uuid4(), skipped.pk, "skip", now)
    give_back(reviewer)
    assert skipped.pk not in {c.pk for c in lease(reviewer, now, 10)}
    assert queue_counts(reviewer, now).waiting == before - 1
    assert queue_counts(other("zhao"), now).waiting == before
    later = now + timedelta(minutes=11)
    assert queue_counts(reviewer, later).waiting == before
    assert skipped.pk in {c.pk for c in lease(reviewer, later, 10)}
    assert skipped.pk in {c.pk for c in lease(other("li"), later + timedelta(minutes=11), 10)}


def test_an_unsure_card_goes_to_a_colleague_who_decides_without_knowing(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), other("li")
    card = lease(reviewer, now)[0]
    decide(reviewer, uuid4(), card.pk, "unsure", now)
    give_back(reviewer)
    assert card.pk not in {c.pk for c in lease(reviewer, now + timedelta(hours=1), 10)}
    assert decide(reviewer, uuid4(), card.pk, "confirm", now).result == "known"
    give_back(reviewer)
    assert card.pk in {c.pk for c in lease(li, now, 10)}
    assert renew(li, now) == 7
    assert decide(li, uuid4(), card.pk, "reject", now, reason=2).result == "counted"
    card.refresh_from_db()
    assert card.state == "rejected"
    back = undo(li, now)
    assert back is not None
    assert (back.pk, back.state, back.lease_by) == (card.pk, "queued", li)


def test_a_long_queue_is_read_by_its_index(cards: Any, reviewer: Any) -> None:
    li = other("li")
    li.city = cards[0].city
    with CaptureQueriesContext(connection) as queries:
        for person in (reviewer, li):
            lease(person, timezone.now())
    asked = [each["sql"] for each in queries if each["sql"].startswith("SELECT c.id, c.priority")]
    with connection.cursor() as cursor:
        plans = [str(cursor.execute("EXPLAIN QUERY PLAN " + sql).fetchall()) for sql in asked]
    assert len(plans) == 4
    assert all(
        "USING INDEX case_queue (state=? AND shadow=? AND priority>?)" in plan and "B-TREE" not in plan
        for plan in plans
    )


def test_cards_that_a_colleague_takes_meanwhile_are_looked_for_again(
    cards: Any, reviewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    li, take, hers = other("li"), rows.take, []

    def slow(person: Any, *rest: Any) -> list[int]:
        if person == reviewer and not hers:
            hers.extend(lease(li, NOW))
        return take(person, *rest)

    monkeypatch.setattr(rows, "take", slow)
    mine = lease(reviewer, NOW)
    assert (len(hers), len(mine)) == (5, 2)
    assert not {case.pk for case in hers} & {case.pk for case in mine}


def test_a_lease_waits_for_no_disk_and_a_verdict_does_without_the_lock(
    cards: Any, reviewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    waited: list[bool] = []
    wait = os.fdatasync

    def watched(file: int) -> None:
        with closing(sqlite3.connect(connection.settings_dict["NAME"], timeout=0)) as other:
            other.execute("BEGIN IMMEDIATE")  # raises while somebody holds the lock
        waited.append(os.readlink(f"/proc/self/fd/{file}").endswith("-wal"))
        wait(file)

    monkeypatch.setattr("os.fdatasync", watched)
    with CaptureQueriesContext(connection) as queries:
        card = lease(reviewer, NOW)[0]
        renew(reviewer, NOW)
        assert waited == []
        sent = uuid4()
        decide(reviewer, sent, card.pk, "confirm", NOW)
    assert waited == [True]
    assert decide(reviewer, sent, card.pk, "confirm", NOW).result == "known"
    assert waited == [True, True], "the first may still be waiting"
    told = [each["sql"] for each in queries if each["sql"].startswith(("PRAGMA", "UPDATE"))]
    hasty = ["PRAGMA synchronous=NORMAL", "UPDATE", "PRAGMA synchronous=FULL"]
    assert [each if each.startswith("PRAGMA") else "UPDATE" for each in told] == hasty * 3
    with connection.cursor() as cursor:
        assert cursor.execute("PRAGMA synchronous").fetchone() == (2,)


def test_a_card_is_small_also_where_vehicles_drive_all_day(cards: Any, reviewer: Any) -> None:
    card = card_of(cards[0], {}, Case.objects.all())
    passes = [[(LAT + 1e-5 * step, LON + 1e-6 * line) for step in range(-25, 25)] for line in range(TRACK_POINTS // 50)]
    drawn = draw_map(cards[0], card.best, passes, [])
    road = re.search(r'<path id="roads-\d+" d="M(\d+ -?\d+)(?:L\d+ -?\d+)+M', drawn)
    assert road, "whole pixels"
    assert len(render_to_string("card.html", {"card": replace(card, map_svg=drawn)}).encode()) <= 12 * 1024
    assert [
        each for each in ("map-road-edge", "map-road") if f'<use href="#roads-{cards[0].pk}" class="{each}"/>' in drawn
    ] == ["map-road-edge", "map-road"]
    assert "roads-" not in draw_map(cards[0], card.best, [passes[0][:1]], []), "one point is no road"


def test_what_a_person_ever_answered_is_not_walked_for_each_card(cards: Any, reviewer: Any) -> None:
    with CaptureQueriesContext(connection) as seen:
        lease(reviewer, timezone.now())
    looked = [query["sql"] for query in seen.captured_queries if "NOT EXISTS" in query["sql"]]
    with connection.cursor() as cursor:
        plans = [str(cursor.execute(f"EXPLAIN QUERY PLAN {sql}").fetchall()) for sql in looked]
    assert plans
    assert all("(case_id=?" in plan for plan in plans)


def test_a_colleague_who_is_unsure_too_leaves_the_card_disputed(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), other("li")
    card = lease(reviewer, now)[0]
    for person in (reviewer, li):
        decide(person, uuid4(), card.pk, "unsure", now)
    card.refresh_from_db()
    assert (card.state, card.lease_by) == ("disputed", None)
    assert card.pk not in {c.pk for c in lease(li, now, 10)}
    undo(li, now)
    card.refresh_from_db()
    assert (card.state, card.lease_by) == ("disputed", li)


def test_what_everybody_was_unsure_of_comes_back_to_the_supervisor_until_it_is_decided(cards: Any, reviewer: Any) -> None:  # fmt: skip
    now, chief = timezone.now(), other("zhao")
    type(chief).objects.filter(pk=chief.pk).update(role="supervisor")
    chief.refresh_from_db()
    card = lease(reviewer, now)[0]
    for person in (reviewer, chief):
        decide(person, uuid4(), card.pk, "unsure", now)
        give_back(person)
    assert card.pk not in {c.pk for c in lease(chief, now + timedelta(hours=23), 10)}
    tomorrow = now + timedelta(hours=25)
    give_back(chief)
    assert card.pk not in {c.pk for c in lease(reviewer, tomorrow, 10)}, "no card twice to one reviewer"
    give_back(reviewer)
    assert card.pk in {c.pk for c in lease(chief, tomorrow, 10)}
    assert decide(chief, uuid4(), card.pk, "reject", tomorrow, reason=1).result == "counted"
    card.refresh_from_db()
    assert card.state == "rejected"


def test_undoing_a_skip_leaves_a_colleagues_verdict_alone(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), other("li")
    card = lease(reviewer, now)[0]
    decide(reviewer, uuid4(), card.pk, "skip", now)
    decide(li, uuid4(), card.pk, "reject", now, reason=2)
    undo(reviewer, now)
    card.refresh_from_db()
    assert card.state == "rejected"
    assert list(Verdict.objects.filter(undone_at=None).values_list("person__username", flat=True)) == ["li"]


def test_undoing_a_skip_takes_no_card_out_of_a_colleagues_hands(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), other("li")
    card = lease(reviewer, now)[0]
    decide(reviewer, uuid4(), card.pk, "skip", now)
    assert card.pk in {c.pk for c in lease(li, now, 10)}
    undo(reviewer, now)
    card.refresh_from_db()
    assert card.lease_by == li


def hidden(case: Case) -> bool:
    return not Picture.objects.filter(sighting__case=case, hidden_at=None).exists()


def test_a_face_is_hidden_in_every_case_that_shows_it(send: Any, reviewer: Any) -> None:
    now = timezone.now()
    for number in range(2):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=1)
    screen_new(NOW)
    one, two = Case.objects.order_by("id")
    decide(reviewer, uuid4(), one.pk, "reject", now, reason=8)
    assert (hidden(one), hidden(two)) == (True, True)
    undo(reviewer, now)
    assert (hidden(one), hidden(two)) == (False, False)


def test_only_the_undo_of_the_report_shows_a_face_again_and_only_of_the_last(cards: Any, reviewer: Any) -> None:
    now, li = timezone.now(), other("li")
    card = lease(reviewer, now)[0]
    decide(reviewer, uuid4(), card.pk, "confirm", now)
    decide(li, uuid4(), card.pk, "reject", now, reason=8)
    undo(reviewer, now)
    assert hidden(card)
    decide(reviewer, uuid4(), card.pk, "reject", now, reason=8)
    undo(reviewer, now)
    assert hidden(card)


def test_undo_brings_the_card_back_to_its_person(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    card = lease(reviewer, now)[0]
    decide(reviewer, uuid4(), card.pk, "reject", now, reason=2)
    back = undo(reviewer, now)
    assert back is not None
    assert (back.pk, back.state, back.lease_by) == (card.pk, "queued", reviewer)
    assert card.pk in {c.pk for c in lease(reviewer, now)}
    assert undo(reviewer, now) is None


def test_undo_reaches_twenty_answers_back_and_ten_minutes(cards: Any, reviewer: Any) -> None:
    for number in range(22):
        decide(reviewer, uuid4(), cards[number % 7].pk, "skip", timezone.now())
    assert undo(reviewer, timezone.now() + timedelta(minutes=11)) is None
    undone = [undo(reviewer, timezone.now()) for _ in range(22)]
    assert [case is not None for case in undone] == [True] * 20 + [False] * 2
    assert Verdict.objects.filter(undone_at=None).count() == 2


def test_undo_within_the_grace_sends_nothing_and_later_retracts(
    cards: Any, reviewer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from server.city import services
    from server.city.webhooks import Answer

    sent: list[str] = []

    def deliver(url: str, secret: str, message_id: str, body: Any, allow_private: bool, now: Any) -> Answer:
        sent.append(body["type"])
        reasons.append(body["data"].get("reason"))
        return Answer(True, "CG-1")

    reasons: list[str | None] = []
    monkeypatch.setattr(services, "send", deliver)
    now = timezone.now()
    card = lease(reviewer, now)[0]
    add_destination(card.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    decide(reviewer, uuid4(), card.pk, "confirm", now)
    assert prepare_handovers(now) == 0
    undo(reviewer, now)
    assert prepare_handovers(now + timedelta(minutes=2)) == 0
    decide(reviewer, uuid4(), card.pk, "confirm", now)
    later = now + timedelta(minutes=2)
    assert prepare_handovers(later) == 1
    send_due(later)
    for why in ("", "  "):
        with pytest.raises(NeedsReason, match=str(card.number)):
            undo(reviewer, later, why)
    card.refresh_from_db()
    assert (card.state, Verdict.objects.filter(undone_at=None).count(), len(sent)) == ("handed_over", 1, 1)
    undo(reviewer, later, "the wrong street")
    send_due(later + timedelta(seconds=1))
    card.refresh_from_db()
    assert (card.state, sent) == ("retracted", ["case.confirmed", "case.retracted"])
    assert Handover.objects.count() == 2
    assert reasons == [None, "the wrong street"]


def test_the_page_is_asked_why_before_a_case_is_taken_back_from_the_city(cards: Any, reviewer: Any, client: Any) -> None:  # fmt: skip
    card = lease(reviewer, timezone.now())[0]
    decide(reviewer, uuid4(), card.pk, "confirm", timezone.now())
    Case.objects.filter(pk=card.pk).update(state="handed_over")
    client.force_login(reviewer)
    asked = client.post("/review/undo", headers={"accept-language": "en"})
    assert (asked.status_code, asked.json()["kind"]) == (409, "needs_reason")
    assert asked.json()["error"] == f"Case {card.number} has gone to the city. To take it back, write why."
    done = client.post("/review/undo", {"why": "the wrong street"})
    assert (done.status_code, done.headers["X-case"], done.headers["X-retracted"]) == (200, str(card.number), "1")
    assert b"data-case" not in done.content


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"id": "no id"}, "cannot be read"), ({"case": "x"}, "cannot be read"), ({"case": "9" * 40}, "no such case for you"), ({"case": "987654"}, "no such case for you"),
        ({"answer": "perhaps"}, "cannot be read"), ({"answer": "reject"}, "one of the nine reasons"), ({"answer": "reject", "reason": "soon"}, "cannot be read"),
        ({"answer": "reject", "reason": "9"}, "needs words"), ({"category": "a_dragon"}, "choose one of the list"), ({"box": "[1, 2]"}, "cannot be read"), ({"box": "{"}, "cannot be read"),
        ({"lat_deg": "37"}, "cannot be read"), ({"lat_deg": "north", "lon_deg": "1"}, "cannot be read"), ({"visible_ms": "long"}, "cannot be read"),
    ],
)  # fmt: skip
def test_a_refused_answer_is_told_in_a_sentence_and_never_in_pythons_words(
    wrong: dict[str, str], said: str, cards: Any, reviewer: Any, client: Any
) -> None:
    client.force_login(reviewer)
    form = {"id": str(uuid4()), "case": str(cards[0].pk), "answer": "confirm"} | wrong
    english, chinese = (client.post("/review/verdicts", form, headers={"accept-language": each}) for each in ("en", "zh-hans"))  # fmt: skip
    assert (english.status_code, chinese.status_code) == (400, 400)
    assert said in english.json()["error"]
    assert not re.search(r"[A-Za-z]{3}|['\"{}]", chinese.json()["error"]), chinese.json()["error"]
    assert not Verdict.objects.exists()


WORKER = """
import sys; from server.start import start; start()
from django.conf import settings; settings.DATABASES["default"]["NAME"] = sys.argv[1]
from django.db import connection; connection.settings_dict["NAME"] = sys.argv[1]
from django.utils import timezone
from server.accounts.models import User; from server.review.services import lease
me = User.objects.get(username=sys.argv[2]); got = []
for _ in range(20): got += [c.pk for c in lease(me, timezone.now(), 1)]
print(",".join(map(str, sorted(set(got)))))
"""


@pytest.mark.process
def test_five_processes_never_lease_one_card_twice(send: Any) -> None:
    for number in range(30):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1))
    screen_new(NOW)
    for number in range(5):
        other(f"p{number}")
    path = str(connection.settings_dict["NAME"])
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, path, f"p{n}"], stdout=subprocess.PIPE, text=True)
        for n in range(5)
    ]
    leased = [int(each) for worker in workers for each in worker.communicate(timeout=60)[0].strip().split(",") if each]
    assert len(leased) == len(set(leased))
    assert len(leased) >= 5


def test_near_cases_are_the_nearest_open_ones_wherever_the_city_lies_and_read_by_their_index(
    cards: list[Case], reviewer: Any
) -> None:
    """As far north as Mohe a degree of longitude is a quarter shorter than in Taiyuan."""
    for case, east_m in zip(cards, (0.0, 27.0, -29.0, 31.0, 20.0, 500.0, 900.0), strict=True):
        lon_deg = moved(53.5, 122.3, east_m, 0.0)[1]
        Case.objects.filter(id=case.pk).update(lat_deg=53.5, lon_deg=lon_deg)
    here, *others = cards
    Case.objects.filter(id=others[3].pk).update(state="rejected")
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        near = card_of(Case.objects.get(id=here.pk), {}, Case.objects.all(), reader=reviewer).near
        asked = [each["sql"] for each in queries if "c.lat_deg BETWEEN" in each["sql"]]
        plans = [str(cursor.execute("EXPLAIN QUERY PLAN " + each).fetchall()) for each in asked]
        (roads,) = [each["sql"] for each in queries if '"fix_lat_deg" BETWEEN' in each["sql"]]
        road_plan = str(cursor.execute("EXPLAIN QUERY PLAN " + roads).fetchall())
    assert [(each.at.number, each.away_m) for each in near] == [(others[0].number, 27), (others[1].number, 29)]
    assert all(each.sha256 for each in near)
    assert len(plans) == 2
    assert "COVERING INDEX sighting_fix (city_id=? AND fix_lat_deg>? AND fix_lat_deg<?)" in road_plan
    assert all(
        "COVERING INDEX case_near (city_id=? AND category=? AND lat_deg>? AND lat_deg<?)" in plan for plan in plans
    )


def test_five_cards_cost_four_small_questions_each_more_than_one(cards: list[Case], reviewer: Any, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    """Two of what lies near, one of roads, one of names."""
    visible = Case.objects.all()
    with CaptureQueriesContext(connection) as one:
        cards_of(cards[:1], {}, visible, reader=reviewer)
    with django_assert_max_num_queries(len(one) + 4 * 4):
        five = cards_of(cards[:5], {}, visible, reader=reviewer)
    assert [card.case for card in five] == cards[:5]
    assert five == [card_of(case, {}, visible, reader=reviewer) for case in cards[:5]]


def test_a_category_that_was_retired_goes_by_its_key(
    cards: Any, reviewer: Any, client: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    bodies: list[dict[str, Any]] = []
    Case.objects.update(category="an_old_one", state="queued")
    Sighting.objects.update(category="an_old_one")
    client.force_login(reviewer)
    card = client.post("/review/lease").content.decode()
    assert "an old one" in card
    assert 'data-likely=""' not in card
    assert decide(reviewer, uuid4(), cards[0].pk, "confirm", NOW).result == "counted"
    for address in ("/cases/?state=all", f"/cases/{cards[0].number}/", f"/cases/{cards[1].number}/"):
        assert "an old one" in client.get(address).content.decode()
    monkeypatch.setattr(
        "server.city.services.send", lambda *sent: bodies.append(sent[3]["data"]) or Answer(True, "CG-1")
    )
    add_destination(cards[0].city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    CategoryStanding.objects.update_or_create(
        city=cards[0].city, category="an_old_one", defaults={"standing": "trial", "since": NOW}
    )
    Case.objects.filter(id=cards[0].pk).update(shadow=False)
    prepare_handovers(NOW + timedelta(hours=1))
    send_due(timezone.now() + timedelta(hours=1))
    assert [(body["name_zh"], body["codes"]) for body in bodies] == [("an old one", [])]


def test_a_case_says_where_it_is_on_chinese_maps_too(client: Any, cards: list[Case], reviewer: Any) -> None:
    """Who copies the receiver's coordinates into Amap stands half a kilometre beside the thing."""
    client.force_login(reviewer)
    shown = client.get(f"/cases/{cards[0].number}/").content.decode()
    lat_deg, lon_deg = gcj02_from_wgs84(cards[0].lat_deg, cards[0].lon_deg)
    assert f"{cards[0].lat_deg:.6f}, {cards[0].lon_deg:.6f} (WGS-84)" in shown
    assert f"{lat_deg:.6f}, {lon_deg:.6f}" in shown


def test_figures_are_counted_up_to_a_cap_along_indexes_and_kept_for_a_moment(cards: Any, reviewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    lease(other("li"), NOW, 3)
    with CaptureQueriesContext(connection) as queries, connection.cursor() as cursor:
        assert queue_counts(reviewer, NOW) == Counts(7, 0, 3, 0)
        plans = {str(cursor.execute(f"EXPLAIN QUERY PLAN {each['sql']}").fetchall()) for each in queries.captured_queries if "cases_case" in each["sql"]}  # fmt: skip
    assert sum("COVERING INDEX case_list (city_id=? AND shadow=? AND state=?)" in plan for plan in plans) == 1
    assert any("case_leased (lease_until>? AND lease_until<?)" in plan for plan in plans)
    assert not any("SCAN cases_case" in plan for plan in plans)
    Case.objects.filter(id=cards[0].pk).update(state="rejected")
    assert queue_counts(reviewer, NOW + timedelta(seconds=1)).waiting == 7
    assert queue_counts(reviewer, NOW + timedelta(seconds=2)).waiting == 6
    assert queue_counts(reviewer, NOW).waiting == 6, "a clock that was set back keeps nothing"
    monkeypatch.setattr("server.review.counts.CAP", 4)
    forget()
    assert queue_counts(reviewer, NOW).told == {"waiting": "3+", "in_shadow": "0", "with_others": "2", "mine_today": "0", "skipped": "0"}  # fmt: skip


def test_a_verdict_on_the_page_is_counted_at_once(cards: Any, reviewer: Any, client: Any) -> None:
    client.force_login(reviewer)
    assert client.post("/review/lease").headers["X-waiting"] == "7"
    answered = client.post("/review/verdicts", {"id": uuid4(), "case": cards[0].pk, "answer": "confirm"}).json()
    assert (answered["waiting"], answered["mine_today"]) == ("6", "1")
    assert client.post("/review/undo").headers["X-waiting"] == "7"


def test_who_has_answered_is_never_deleted_and_out_of_use_their_answers_and_cards_stay(
    cards: Any, reviewer: Any
) -> None:
    first, second = lease(reviewer, NOW, 2)
    decide(reviewer, uuid4(), first.pk, "confirm", NOW)
    with pytest.raises(ProtectedError), transaction.atomic():
        reviewer.delete()
    reviewer.is_active = False
    reviewer.save()
    first.refresh_from_db()
    assert (first.state, Verdict.objects.get(case=first).person) == ("confirmed", reviewer)
    li = other("li")
    assert second.pk not in {each.pk for each in lease(li, NOW, 50)}
    assert second.pk in {each.pk for each in lease(li, NOW + timedelta(minutes=11), 50)}
