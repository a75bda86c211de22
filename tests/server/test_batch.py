"""Twelve cards together: only where nearly all such are right, never for what is urgent, never quicker than one can look, and with a gold card among them."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import pytest
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.models import Case
from server.review import gold
from server.review.answers import BadVerdict, Given
from server.review.batch import answer_batch, is_off, lease_batch
from server.review.batch_rules import is_proven, proven_among
from server.review.models import Batch, Look, Verdict
from server.review.services import decide, give_back, lease, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)

CONFIRM = Given("confirm")
LOOKED = timedelta(seconds=5)


def proven(city: Any, person: Any, category: str = "bagged_garbage", right: int = 250, wrong: int = 0, probability: float = 0.8) -> None:  # fmt: skip
    """What people said of the category until now."""
    old = Case.objects.filter(city=city).order_by("id").first()
    assert old
    Verdict.objects.bulk_create(
        Verdict(id=uuid4(), case=old, person=person, answer="reject" if number < wrong else "confirm", reason=1 if number < wrong else None, city=city,
                proposed=category, probability=probability, at=NOW)
        for number in range(right + wrong)
    )  # fmt: skip


@pytest.fixture
def history(db: None) -> Any:
    return User.objects.create_user("gone", role="reviewer", is_active=False)


@pytest.fixture
def cards(send: Any, history: Any) -> list[Case]:
    """Fourteen cards that may be answered together, and before them a case that the city has mended."""
    for number in range(15):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    Case.objects.filter(number=1).update(state="fixed")
    cases = list(Case.objects.order_by("id"))
    proven(cases[0].city, history)
    return cases[1:]


@pytest.mark.parametrize(
    ("right", "wrong", "is_enough"), [(189, 0, True), (188, 0, False), (498, 2, True), (497, 3, True), (496, 4, False), (0, 0, False), (5000, 0, True)]
)  # fmt: skip
def test_a_category_is_proven_by_its_last_500_answers(right: int, wrong: int, is_enough: bool) -> None:
    assert is_proven([(0.7, False)] * wrong + [(0.7, True)] * right, 0.7) is is_enough


def test_only_answers_at_or_above_a_probability_and_the_last_500_of_them_prove_it() -> None:
    assert is_proven([(0.69, False)] * 100 + [(0.7, True)] * 200, 0.7)
    assert not is_proven([(0.7, False)] * 100 + [(0.71, True)] * 200, 0.7)
    assert is_proven([(0.7, True)] * 500 + [(0.7, False)] * 500, 0.7), "what is older is forgotten"


def test_each_probability_is_proven_by_itself() -> None:
    history = [(0.4, False)] * 50 + [(0.9, True)] * 300 + [(0.6, True)] * 300
    assert proven_among(history, [0.9, 0.6, 0.4]) == {0.9, 0.6}
    assert proven_among(history, [0.99, 0.9]) == {0.9}, "one above all that was ever answered switches nothing off"
    assert proven_among([], [0.9]) == set()


def test_twelve_cards_of_one_kind_are_leased_together_and_answered_by_one_word(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    leased = lease_batch(reviewer, now)
    assert leased
    ids = {case.pk for case in leased.cases}
    assert len(ids) == 12
    li = User.objects.create_user("li", role="reviewer")
    assert not ids & {case.pk for case in lease(li, now, 10)}, "nobody else has them"
    assert lease_batch(li, now) is None, "there are not twelve more"
    out = set(sorted(ids)[:2])
    done = answer_batch(reviewer, uuid4(), ids, out, CONFIRM, 5000, now + LOOKED)
    assert (done.decided, done.out) == (10, 2)
    assert set(Case.objects.filter(state="confirmed").values_list("id", flat=True)) == ids - out
    assert Case.objects.filter(id__in=out, state="queued", lease_by=None).count() == 2
    assert AuditRow.objects.filter(verb="verdict", actor=reviewer).count() == 10
    assert set(Verdict.objects.filter(person=reviewer).values_list("batch", "counted", "kind", "visible_ms")) == {(leased.batch.pk, True, "first", 5000 // 12)}  # fmt: skip


def test_a_batch_sent_twice_is_one(cards: Any, reviewer: Any) -> None:
    now, batch = timezone.now(), uuid4()
    leased = lease_batch(reviewer, now)
    assert leased
    ids = [case.pk for case in leased.cases]
    assert not answer_batch(reviewer, batch, ids, [], CONFIRM, 5000, now + LOOKED).is_known
    assert answer_batch(reviewer, batch, ids, [], CONFIRM, 5000, now + LOOKED).is_known
    assert Verdict.objects.filter(person=reviewer).count() == 12
    with pytest.raises(BadVerdict):
        answer_batch(reviewer, uuid4(), ids, [], CONFIRM, 5000, now + LOOKED)


def test_all_or_nothing(cards: Any, reviewer: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    from server.review import batch

    now, take, taken = timezone.now(), batch.take, []

    def breaks(*args: Any) -> Any:
        taken.append(args)
        if len(taken) == 7:
            raise OSError("the disk is full")
        return take(*args)

    leased = lease_batch(reviewer, now)
    assert leased
    monkeypatch.setattr(batch, "take", breaks)
    with pytest.raises(OSError, match="full"):
        answer_batch(reviewer, uuid4(), [case.pk for case in leased.cases], [], CONFIRM, 5000, now + LOOKED)
    assert not Verdict.objects.filter(person=reviewer).exists()
    assert not Case.objects.filter(state="confirmed").exists()
    assert Batch.objects.get().done_at is None


@pytest.mark.parametrize(("shown_ms", "after"), [(3999, LOOKED), (5000, timedelta(milliseconds=3900))])
def test_nobody_looks_at_twelve_pictures_in_less_than_four_seconds(shown_ms: int, after: timedelta, cards: Any, reviewer: Any) -> None:  # fmt: skip
    now = timezone.now()
    leased = lease_batch(reviewer, now)
    assert leased
    with pytest.raises(BadVerdict, match="四秒"):
        answer_batch(reviewer, uuid4(), [case.pk for case in leased.cases], [], CONFIRM, shown_ms, now + after)


@pytest.mark.parametrize("given", [Given("unsure"), Given("skip"), Given("confirm", category="waste_pile"), Given("reject"), Given("reject", 5, same_as=1), Given("reject", 9)])  # fmt: skip
def test_a_batch_is_confirmed_or_rejected_as_it_is(given: Given, cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    leased = lease_batch(reviewer, now)
    assert leased
    with pytest.raises(BadVerdict):
        answer_batch(reviewer, uuid4(), [case.pk for case in leased.cases], [], given, 5000, now + LOOKED)
    assert not Verdict.objects.filter(person=reviewer).exists()


def test_only_the_cards_of_ones_own_batch_are_answered(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    leased = lease_batch(reviewer, now)
    assert leased
    ids = [case.pk for case in leased.cases]
    rest = next(case.pk for case in cards if case.pk not in ids)
    li = User.objects.create_user("li", role="reviewer")
    for who, asked, out in ((reviewer, [*ids[1:], rest], []), (reviewer, ids[1:], []), (li, ids, []), (reviewer, ids, ids), (reviewer, ids, [rest])):  # fmt: skip
        with pytest.raises(BadVerdict):
            answer_batch(who, uuid4(), asked, out, CONFIRM, 5000, now + LOOKED)


@pytest.mark.parametrize("change", ["unproven", "too few", "urgent", "improbable", "undone"])
def test_no_batch_where_a_rule_is_against_it(change: str, cards: Any, reviewer: Any, history: Any) -> None:
    now = timezone.now()
    if change == "unproven":
        proven(cards[0].city, history, right=0, wrong=6)
    elif change == "too few":
        Case.objects.filter(id__in=[case.pk for case in cards[:3]]).update(state="rejected")
    elif change == "urgent":
        Case.objects.update(category="manhole_fault")
        proven(cards[0].city, history, "manhole_fault")
    elif change == "improbable":
        Case.objects.update(probability=0.3)
        proven(cards[0].city, history, right=0, wrong=20, probability=0.4)
    else:
        Verdict.objects.update(undone_at=now)
    assert lease_batch(reviewer, now) is None
    assert not Case.objects.exclude(lease_by=None).exists()


def test_a_card_decided_meanwhile_stays_as_it_is_and_the_others_are_answered(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    leased = lease_batch(reviewer, now)
    assert leased
    ids = [case.pk for case in leased.cases]
    later = now + timedelta(minutes=11)
    li = User.objects.create_user("li", role="reviewer")
    Case.objects.filter(id=ids[0]).update(lease_until=now)
    decide(li, uuid4(), ids[0], "reject", later, reason=1)
    done = answer_batch(reviewer, uuid4(), ids, [], CONFIRM, 5000, later)
    assert done.decided == 11
    assert Case.objects.get(id=ids[0]).state == "rejected"
    assert Verdict.objects.get(person=reviewer, case=ids[0]).kind == "late"


def test_undo_takes_a_whole_batch_back(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    leased = lease_batch(reviewer, now)
    assert leased
    ids = {case.pk for case in leased.cases}
    answer_batch(reviewer, uuid4(), ids, [], CONFIRM, 5000, now + LOOKED)
    assert undo(reviewer, now + LOOKED) is not None
    assert set(Case.objects.filter(state="queued", lease_by=reviewer).values_list("id", flat=True)) == ids
    assert not Verdict.objects.filter(person=reviewer, undone_at=None).exists()


def test_an_undo_says_how_many_came_back(cards: Any, reviewer: Any, client: Any) -> None:
    """And that all of them come back, where one has gone to the city and a reason is asked for."""
    client.force_login(reviewer)
    leased = lease_batch(reviewer, timezone.now() - LOOKED)
    assert leased
    ids = [case.pk for case in leased.cases]
    answer_batch(reviewer, uuid4(), ids, ids[:2], CONFIRM, 5000, timezone.now())
    Case.objects.filter(id=ids[5]).update(state="handed_over")
    asked = client.post("/review/undo", headers={"accept-language": "en"}).json()
    assert asked["error"].endswith("To take it back, write why. All 10 cards answered together come back.")
    back = client.post("/review/undo", {"why": "the wrong street"})
    assert (back.status_code, back.headers["X-cards"]) == (200, "10")
    assert not Verdict.objects.filter(person=reviewer, undone_at=None).exists()
    decide(reviewer, uuid4(), ids[0], "confirm", timezone.now())
    assert client.post("/review/undo").headers["X-cards"] == "1"


def with_gold(person: Any, cases: list[Case], right: str) -> Case:
    chief = User.objects.create_user("zhao", role="supervisor")
    case = Case.objects.get(number=1)
    gold.make(chief, case, right, case.category, NOW)
    return case


def test_a_gold_card_is_among_them_and_counts_double(cards: Any, reviewer: Any, client: Any) -> None:
    now = timezone.now()
    known = with_gold(reviewer, cards, "confirm")
    leased = lease_batch(reviewer, now)
    assert leased
    ids = {case.pk for case in leased.cases}
    assert known.pk in ids
    assert len(ids) == 12
    assert {case.state for case in leased.cases} == {"queued"}
    assert answer_batch(reviewer, uuid4(), ids, [], CONFIRM, 5000, now + LOOKED).decided == 12
    look = Look.objects.get()
    assert (look.weight, gold.is_right(look)) == (2, True)
    known.refresh_from_db()
    assert known.state == "fixed"
    assert not is_off(reviewer, now)
    client.force_login(reviewer)
    told = client.get("/review/feedback").json()
    assert (told["right"], told["of"]) == (2, 2)


def test_who_misses_the_gold_card_answers_one_at_a_time_for_the_rest_of_the_day(cards: Any, reviewer: Any, send: Any) -> None:  # fmt: skip
    now = timezone.localtime(timezone.now()).replace(hour=9)
    with_gold(reviewer, cards, "reject")
    leased = lease_batch(reviewer, now)
    assert leased
    answer_batch(reviewer, uuid4(), [case.pk for case in leased.cases], [], CONFIRM, 5000, now + LOOKED)
    assert Batch.objects.get().missed_gold
    for number in range(12):
        send(north_m=60.0 * (number + 1), outbox=UUID(int=number + 40), seed=number)
    screen_new(now)
    evening = now.replace(hour=23, minute=59)
    assert lease_batch(reviewer, evening) is None
    assert lease_batch(User.objects.create_user("li", role="reviewer"), evening) is not None
    give_back(User.objects.get(username="li"))
    assert lease_batch(reviewer, evening + timedelta(minutes=2)) is not None


def test_a_gold_card_taken_out_is_answered_alone_and_counts_once(cards: Any, reviewer: Any) -> None:
    now = timezone.now()
    known = with_gold(reviewer, cards, "reject")
    leased = lease_batch(reviewer, now)
    assert leased
    answer_batch(reviewer, uuid4(), [case.pk for case in leased.cases], [known.pk], CONFIRM, 5000, now + LOOKED)
    assert not is_off(reviewer, now)
    assert known.pk in {case.pk for case in lease(reviewer, now + LOOKED)}
    decide(reviewer, uuid4(), known.pk, "reject", now + LOOKED, reason=1)
    look = Look.objects.get()
    assert (look.weight, gold.is_right(look)) == (1, True)


def test_the_page_gets_cells_or_the_reason_why_not(cards: Any, reviewer: Any, client: Any, history: Any) -> None:
    client.force_login(reviewer)
    with_gold(reviewer, cards, "confirm")
    answer = client.post("/review/batch/lease")
    html = answer.content.decode()
    ids = [each.split('"')[0] for each in html.split('data-case="')[1:]]
    assert (answer.status_code, len(set(ids))) == (200, 12)
    assert html.count("<img") == 12
    soon = client.post("/review/batch", {"id": uuid4(), "cases": ",".join(ids), "answer": "confirm", "shown_ms": 5000})
    assert soon.status_code == 400, "the server saw the cards leave a moment ago"
    Batch.objects.update(made_at=timezone.now() - LOOKED)
    answer = client.post("/review/batch", {"id": uuid4(), "cases": ",".join(ids), "out": ids[0], "answer": "reject", "reason": 2, "shown_ms": 5000})  # fmt: skip
    assert (answer.json()["out"], answer.json()["decided"], answer.json()["mine_today"]) == (1, 11, "11")
    answer = client.post("/review/batch/lease")
    assert answer.status_code == 204
    assert unquote(answer.headers["X-Why"]).startswith(("目前没有", "今天只能"))
    for form in ({"id": "x"}, {"id": uuid4(), "cases": "a,b"}, {"id": uuid4(), "cases": "1", "shown_ms": "soon"}, {"id": uuid4(), "cases": "9" * 40, "answer": "confirm"}):  # fmt: skip
        assert client.post("/review/batch", form).status_code == 400
    assert client.post("/review/batch", {"id": uuid4(), "person": "77"}).status_code == 403


def test_leasing_a_batch_costs_the_same_however_long_the_queue(cards: Any, reviewer: Any, client: Any, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    client.force_login(reviewer)
    with django_assert_max_num_queries(20):
        assert client.post("/review/batch/lease").status_code == 200


def test_a_days_end_is_the_citys(cards: Any, reviewer: Any) -> None:
    batch = Batch.objects.create(person=reviewer, city=cards[0].city, category="bagged_garbage", cases=[], made_at=NOW, missed_gold=True)  # fmt: skip
    shanghai = timezone.get_current_timezone()
    for missed, asked, off in (((2026, 11, 3, 0, 1), (2026, 11, 3, 23, 59), True), ((2026, 11, 2, 23, 59), (2026, 11, 3, 0, 1), False)):  # fmt: skip
        Batch.objects.filter(id=batch.pk).update(done_at=datetime(*missed, tzinfo=shanghai))  # type: ignore[arg-type]
        assert is_off(reviewer, datetime(*asked, tzinfo=shanghai)) is off  # type: ignore[arg-type]
