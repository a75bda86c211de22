"""What a reviewer is told of states, wherever cases are listed, drawn, found or printed: of a card that they may still be given, not a letter that somebody has answered it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import LAT, LON

from calibration.geodesy import moved
from server.accounts.models import User
from server.accounts.services import cases_for, cities_for
from server.cases import search
from server.cases.counts import count_all
from server.cases.filters import Filter
from server.cases.geo import Box
from server.cases.map_rows import look
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.cases.told import by_state, is_blind
from server.categories.models import CategoryStanding
from server.review.corrections import Correction
from server.review.gold import make
from server.review.models import Dispute, Look, Verdict
from server.review.services import decide, give_back, lease, undo
from server.roles import MAY
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)
HERE = Box(LON - 0.01, LAT - 0.01, LON + 0.01, LAT + 0.01)
STATES = ("", "all", *(state.value for state in State if state != State.MERGED))
CHANGES = re.compile(r'name="csrfmiddlewaretoken" value="[^"]+"|\d{4}-\d\d-\d\d \d\d:\d\d 打印|data-csrf="[^"]+"')


@pytest.fixture(autouse=True)
def everything_twice(settings: Any, nothing_remembered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SECOND_SHARE", 1.0)


@pytest.fixture
def cards(send: Any) -> list[Case]:
    """Three cards of the queue."""
    for number in range(3):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(timezone.now())
    return list(Case.objects.order_by("id"))


@pytest.fixture
def li(db: None) -> User:
    return User.objects.create_user("li", role="reviewer")


def addresses(case: Case) -> Iterator[str]:
    """All pages on which a reviewer may meet a case, found by all that may be asked for."""
    number, day = case.number, (timezone.localdate() - timedelta(days=9999)).isoformat()
    finds = ("category=bagged_garbage", "category=road_damage", "filter=shadow", f"since={day}", f"q={case.lat_deg},{case.lon_deg}", "vehicle=TY-01")  # fmt: skip
    for state in STATES:
        yield f"/cases/?state={state}"
        yield f"/cases.geojson?bbox={HERE.text}&state={state}"
    for state in ("", "queued", "rejected"):
        yield from (f"/cases/?state={state}&{find}" for find in finds)
        yield f"/cases.geojson?bbox={HERE.text}&state={state}&{finds[-1]}"
        yield f"/cases/map/?bbox={HERE.text}&state={state}"
    yield from (f"/cases/?q={number}", f"/cases/{number}/", f"/cases/{number}/print/", f"/cases/{number}/peek?city=taiyuan", "/cases/map/")  # fmt: skip


def pages_for(person: User, case: Case) -> dict[str, str]:
    """What all of them say."""
    client = Client()
    client.force_login(person)
    found = {}
    for address in addresses(case):
        answer = client.get(address)
        assert answer.status_code == 200, address
        found[address] = CHANGES.sub("", answer.content.decode())
    return found


def test_no_page_of_cases_is_open_to_reviewers_that_these_tests_do_not_open() -> None:
    """Overview, report, exports and the interface for programs are for others."""
    theirs = {name for name, roles in MAY.items() if roles is not None and User.Role.REVIEWER in roles}
    looked_at = {"case_list", "case_map", "cases_geojson", "case", "case_print", "case_peek"}
    about_cases = {name for name in theirs if "case" in name or name in ("dashboard", "report")}
    assert about_cases - looked_at == {"case_note"}
    assert not [name for name in theirs if name.startswith("api:")]


def confirmed(case: Case, first: User, second: User) -> None:
    decide(first, uuid4(), case.pk, "confirm", timezone.now(), words="mine")


def rejected(case: Case, first: User, second: User) -> None:
    decide(first, uuid4(), case.pk, "reject", timezone.now(), reason=1)


def renamed_and_moved(case: Case, first: User, second: User) -> None:
    """As a category that is in shadow, in another place, its box put right."""
    CategoryStanding.objects.filter(city=case.city, category="road_damage").delete()
    put = moved(case.lat_deg, case.lon_deg, 20.0, 0.0)
    picture = Picture.objects.filter(sighting__case=case)[0]
    mended = Correction((11.0, 12.0, 91.0, 92.0), picture.sha256, put)
    decide(first, uuid4(), case.pk, "confirm", timezone.now(), category="road_damage", correction=mended)


def handed_over(case: Case, first: User, second: User) -> None:
    confirmed(case, first, second)
    Case.objects.filter(id=case.pk).update(state=State.HANDED_OVER, handed_over_at=timezone.now())


def fixed(case: Case, first: User, second: User) -> None:
    confirmed(case, first, second)
    Case.objects.filter(id=case.pk).update(state=State.VERIFIED)


def unsure(case: Case, first: User, second: User) -> None:
    decide(first, uuid4(), case.pk, "unsure", timezone.now())


def disagreed_on(case: Case, first: User, second: User) -> None:
    decide(first, uuid4(), case.pk, "confirm", timezone.now())
    lease(second, timezone.now(), 10)
    decide(second, uuid4(), case.pk, "reject", timezone.now(), reason=2)
    give_back(second)
    assert Dispute.objects.filter(settled_at=None).exists()


@pytest.mark.parametrize("deed", [confirmed, rejected, renamed_and_moved, handed_over, fixed, unsure, disagreed_on])
def test_every_page_is_the_same_to_the_letter_before_and_after_others_have_answered(deed: Callable[[Case, User, User], None], cards: list[Case], reviewer: User, li: User) -> None:  # fmt: skip
    case, sun = cards[0], User.objects.create_user("sun", role="reviewer")
    before = pages_for(li, case)
    deed(case, reviewer, sun)
    assert Case.objects.get(id=case.pk).state != "queued"
    if deed in (confirmed, renamed_and_moved):  # also while the card is before them
        assert case.pk in {each.pk for each in lease(li, timezone.now(), 10)}
    after = pages_for(li, case)
    for address, page in before.items():
        assert after[address] == page, address
    client = Client()
    client.force_login(reviewer)
    assert tag_of(client.get(f"/cases/?q={case.number}").content.decode()) != "待审", "who answered knows"


@pytest.mark.parametrize("deed", [rejected, confirmed, fixed])
def test_beside_another_case_it_stands_as_before(deed: Callable[[Case, User, User], None], send: Any, reviewer: User, li: User) -> None:  # fmt: skip
    for number in range(2):
        send(east_m=20.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(timezone.now())
    case, beside = Case.objects.order_by("id")
    client = Client()
    client.force_login(li)

    def shown() -> tuple[str, str]:
        cards = client.post("/review/lease").content.decode()
        give_back(li)
        return CHANGES.sub("", client.get(f"/cases/{beside.number}/").content.decode()), cards

    before = shown()
    deed(case, reviewer, li)
    assert Look.objects.filter(case=case, done_at=None).exists()
    assert shown() == before
    chief = User.objects.create_user("zhao", role="supervisor")
    client.force_login(chief)
    assert (f'href="/cases/{case.number}/"' in client.get(f"/cases/{beside.number}/").content.decode()) is (deed is confirmed)  # fmt: skip


def tag_of(page: str) -> str:
    """The state of the only case of a list."""
    (told,) = re.findall(r'<td class="state"><span class="tag">([^<]+)', page)
    return str(told)


@pytest.mark.parametrize("deed", [confirmed, rejected, handed_over, unsure, disagreed_on])
@pytest.mark.parametrize("kept", [False, True])
def test_counted_by_place_it_is_where_it_was(deed: Callable[[Case, User, User], None], kept: bool, cards: list[Case], reviewer: User, li: User) -> None:  # fmt: skip
    def heaps() -> dict[str, list[Any]]:
        return {state: sorted(look(li, Filter(state=state), HERE, most=0).heaps) for state in STATES}

    before = heaps()
    deed(cards[0], reviewer, User.objects.create_user("sun", role="reviewer"))
    if kept:
        count_all(timezone.now())
    after = heaps()
    for state in STATES:
        assert [heap.cases for heap in after[state]] == [heap.cases for heap in before[state]], state
        for now, then in zip(after[state], before[state], strict=True):
            assert now[1:] == pytest.approx(then[1:], abs=1e-5)


def test_who_decides_or_watches_is_told_the_truth(cards: list[Case], reviewer: User) -> None:
    rejected(cards[0], reviewer, reviewer)
    for role in ("supervisor", "auditor"):
        person = User.objects.create_user(role, role=role)
        client = Client()
        client.force_login(person)
        assert not is_blind(person)
        page = client.get("/cases/?state=rejected").content.decode()
        assert f"/cases/{cards[0].number}/" in page
        assert f"/cases/{cards[0].number}/" not in client.get("/cases/?state=queued").content.decode()
        told = client.get(f"/cases.geojson?bbox={HERE.text}&state=rejected").json()["features"]
        assert [each["properties"]["state"] for each in told] == ["rejected"]


def test_who_answered_finds_it_as_they_answered(cards: list[Case], reviewer: User, li: User) -> None:
    def found_by(person: User, state: str) -> set[int]:
        found = search.search(cases_for(person), cities_for(person), Filter(state=state), 10, notes=True, reader=person)
        assert all(case.state == state for case in found.cases)
        return {case.pk for case in found.cases}

    first, second, third = (case.pk for case in cards)
    disagreed_on(cards[0], reviewer, li)
    unsure(cards[1], reviewer, li)
    confirmed(cards[2], reviewer, li)
    assert Case.objects.get(id=first).state == Case.objects.get(id=second).state == "disputed"
    assert {state: found_by(reviewer, state) for state in ("queued", "disputed", "confirmed", "rejected")} == {
        "queued": set(), "disputed": {second}, "confirmed": {first, third}, "rejected": set(),
    }  # fmt: skip
    assert {state: found_by(li, state) for state in ("queued", "disputed", "confirmed", "rejected")} == {
        "queued": {second, third}, "disputed": set(), "confirmed": set(), "rejected": {first},
    }  # fmt: skip
    told = {spot.number: spot.state for spot in look(li, Filter(state="all"), HERE).spots}
    assert told == {cards[0].number: "rejected", cards[1].number: "queued", cards[2].number: "queued"}
    lease(li, timezone.now(), 10)
    decide(li, uuid4(), third, "confirm", timezone.now())
    assert found_by(li, "confirmed") == {third}, "once answered, it is no secret"
    undo(li, timezone.now())
    assert found_by(li, "confirmed") == set()


def test_a_gold_card_waits_for_who_holds_it_and_for_nobody_else(cards: list[Case], reviewer: User, li: User, settings: Any) -> None:  # fmt: skip
    chief = User.objects.create_user("zhao", role="supervisor")
    confirmed(cards[0], reviewer, li)
    Look.objects.all().delete()
    gold = make(chief, Case.objects.get(id=cards[0].pk), "confirm", cards[0].category, timezone.now())
    Look.objects.create(case=cards[0], city=cards[0].city, kind="gold", gold=gold, made_at=timezone.now(), person=li)
    states = {}
    for person in (li, reviewer):
        client = Client(headers={"accept-language": "en"})
        client.force_login(person)
        states[person.username] = re.findall(r'<td class="state"><span class="tag">([^<]+)', client.get("/cases/?q=1").content.decode())  # fmt: skip
    assert states == {"li": ["to review"], "wang": ["confirmed"]}


@pytest.fixture
def many(cards: list[Case], reviewer: User, li: User) -> list[Case]:
    """Cards of every kind: 12 decided, each to be looked at again, and 12 that somebody was unsure of."""
    case, verdicts = Case.objects.get(id=cards[0].pk), []
    for number in range(24):
        case.pk, case.number, case.state = None, 100 + number, State.DISPUTED if number % 2 else [State.CONFIRMED, State.REJECTED, State.HANDED_OVER][number % 3]  # fmt: skip
        case.save(force_insert=True)
        verdicts.append(Verdict.objects.create(id=UUID(int=number + 1), case_id=case.pk, person=reviewer, answer="unsure" if number % 2 else "confirm", proposed=case.category))  # fmt: skip
        if number % 2 == 0:
            Look.objects.create(case_id=case.pk, city=case.city, kind="second", about=verdicts[-1], first_person=reviewer, made_at=timezone.now())  # fmt: skip
    return list(Case.objects.filter(number__gte=100))


def test_pages_of_what_is_told_miss_none_and_repeat_none(many: list[Case], li: User) -> None:
    for state in ("queued", "", "all"):
        whole = search.search(cases_for(li), cities_for(li), Filter(state=state), 100, reader=li).cases
        assert {case.number for case in whole} >= {case.number for case in many}, state
        got: list[int] = []
        before: int | None = None
        while True:
            found = search.search(cases_for(li), cities_for(li), Filter(state=state, before=before), 5, reader=li)
            got += [case.pk for case in found.cases]
            before = found.older
            if before is None:
                break
        assert got == [case.pk for case in whole]


@pytest.mark.parametrize("query", ["", "state=queued", "state=confirmed", "state=disputed", "state=all", "q=TY&state=queued", "vehicle=TY-01", f"q={LAT},{LON}"])  # fmt: skip
def test_it_asks_as_often_however_many_there_are_and_along_indexes(query: str, many: list[Case], li: User, client: Client) -> None:  # fmt: skip
    client.force_login(li)

    def asked() -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            assert client.get(f"/cases/?{query}").status_code == 200
        return [each["sql"] for each in queries]

    asked()
    questions = asked()
    Case.objects.filter(number__in=range(100, 120)).update(state=State.MERGED)
    assert len(questions) <= len(asked()) + 6  # of an empty list it is asked what hides the rest
    assert len(questions) <= 26
    with connection.cursor() as cursor:
        for sql in questions:
            if not re.search(r'FROM "(cases_case|review_look|review_dispute|review_verdict)"', sql):
                continue
            cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
            plan = " | ".join(row[3] for row in cursor.fetchall())
            assert not re.search(r"SCAN (cases_case|review_look|review_verdict|review_dispute|U\d|V\d)", plan), (plan, sql)  # fmt: skip
            assert "TEMP B-TREE FOR ORDER BY" not in plan or "LIMIT" not in sql, (plan, sql)


def test_every_state_is_asked_for_once(li: User, cards: list[Case]) -> None:
    """Told or not, each real state is walked in one part."""
    for person in (li, User.objects.create_user("zhao", role="supervisor")):
        walked = [state for states, _ in by_state(cases_for(person), list(State), person) for state in states]
        assert sorted(walked) == sorted(set(walked))
        assert {*State} - {*walked} <= {State.MERGED}


def test_words_of_others_find_no_card_for_who_is_kept_blind(cards: list[Case], reviewer: User, li: User) -> None:
    """A note stands where somebody has answered."""
    (card,) = lease(li, timezone.now(), 1)
    decide(li, uuid4(), card.pk, "confirm", timezone.now(), words="桶旁还有散落垃圾")
    asked = Filter(text="散落", state="all")
    found = [[each.pk for each in search.search(cases_for(who), cities_for(who), asked, 9, notes=True, reader=who).cases] for who in (li, reviewer, supervisor())]  # fmt: skip
    assert found == [[card.pk], [], [card.pk]]


def supervisor() -> User:
    return User.objects.create_user("zhao", role="supervisor")
