"""Gold cards: dealt like any other, answered for nothing but the person's own figure, and told later."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW

from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.models import Case, Picture, Sighting
from server.cases.rules import State
from server.cases.services import move
from server.review import gold
from server.review.disputes import retract_case
from server.review.models import Gold, Look, Verdict
from server.review.rules import gold_after, hits
from server.review.services import decide, give_back, lease, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def all_gold(settings: Any, nothing_remembered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """After each card the next may be gold."""
    monkeypatch.setattr(settings, "GOLD_SHARE", 1.0)


@pytest.fixture
def chief(db: None) -> Any:
    return User.objects.create_user("zhao", role="supervisor")


@pytest.fixture
def cards(send: Any) -> list[Case]:
    """Six cards to review, and before them two that the city has mended."""
    for number in range(8):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    Case.objects.filter(number__lte=2).update(state="fixed")
    return list(Case.objects.order_by("id"))


def answer_one(person: Any, case: Case) -> None:
    decide(person, uuid4(), case.pk, "confirm", timezone.now())


def dealt_gold(person: Any) -> Look:
    lease(person, timezone.now())
    return Look.objects.get(person=person, kind="gold", done_at=None)


def test_as_many_cards_are_gold_as_are_to_be_and_nobody_can_count_along() -> None:
    gaps = [gold_after(seed, 0.02) for seed in range(4000)]
    assert 46 < sum(gaps) / len(gaps) < 52, "a few long waits are cut"
    assert (min(gaps), max(gaps)) == (1, 200)
    assert len(set(gaps)) > 100
    assert gold_after(7, 0.02) == gold_after(7, 0.02)
    assert gold_after(7, 1.0) == 1


@pytest.mark.parametrize(
    ("given", "right", "is_hit"),
    [(("confirm", "a"), ("confirm", "a"), True), (("confirm", "b"), ("confirm", "a"), False), (("reject", "a"), ("confirm", "a"), False),
     (("reject", "a"), ("reject", ""), True), (("confirm", "a"), ("reject", ""), False), (("unsure", "a"), ("confirm", "a"), None)],
)  # fmt: skip
def test_a_gold_card_is_hit_by_its_answer_and_category(given: Any, right: Any, is_hit: bool | None) -> None:
    assert hits(given, right) is is_hit


def test_without_gold_cards_none_is_dealt_and_before_one_is_due_neither(cards: Any, reviewer: Any, chief: Any, settings: Any) -> None:  # fmt: skip
    answer_one(reviewer, cards[2])
    lease(reviewer, timezone.now())
    assert not Look.objects.exists()
    gold.make(chief, cards[0], "confirm", cards[0].category, NOW)
    settings.GOLD_SHARE = 0.02
    lease(reviewer, timezone.now())
    assert not Look.objects.exists()
    settings.GOLD_SHARE = 1.0
    dealt = lease(reviewer, timezone.now())
    assert cards[0].pk in {case.pk for case in dealt}
    assert len(dealt) == 5
    lease(reviewer, timezone.now())
    assert Look.objects.count() == 1, "one at a time"


def test_a_gold_card_looks_like_any_other_however_old_it_is(cards: Any, reviewer: Any, chief: Any, client: Any) -> None:
    """The same case as a first card of today, and as a gold card a hundred days later: the same HTML."""
    client.force_login(reviewer)
    case = cards[0]
    answer_one(reviewer, cards[2])
    now = timezone.now()
    Sighting.objects.update(seen_at=now - timedelta(hours=3))
    Case.objects.filter(id=case.pk).update(state="queued")
    first = client.post("/review/lease").content.decode().split("<article")
    give_back(reviewer)
    Case.objects.filter(id=case.pk).update(state="fixed", category="waste_pile", lease_by=None, lease_until=None)
    Sighting.objects.filter(case=case).update(seen_at=now - timedelta(days=100, hours=3))
    gold.make(chief, case, "confirm", "waste_pile", NOW)
    again = client.post("/review/lease").content.decode().split("<article")
    mark = f'data-case="{case.pk}"'
    (before,), (after,) = ([each for each in cards if mark in each] for cards in (first, again))
    assert Look.objects.filter(case=case, kind="gold").exists()
    assert after == before


def test_the_answer_to_a_gold_card_decides_nothing_and_is_answered_as_any(cards: Any, reviewer: Any, chief: Any, client: Any) -> None:  # fmt: skip
    client.force_login(reviewer)
    gold.make(chief, cards[0], "confirm", cards[0].category, NOW)
    answer_one(reviewer, cards[2])
    waiting = int(client.post("/review/lease").headers["X-waiting"])
    assert Look.objects.get().case == cards[0]
    told = client.post("/review/verdicts", {"id": uuid4(), "case": cards[0].pk, "answer": "reject", "reason": 1}).json()
    other = client.post("/review/verdicts", {"id": uuid4(), "case": cards[3].pk, "answer": "confirm"}).json()
    assert (told["result"], told.keys()) == (other["result"], other.keys())
    assert [int(each["waiting"]) for each in (told, other)] == [waiting - 1, waiting - 2]
    cards[0].refresh_from_db()
    assert cards[0].state == "fixed"
    verdict = Verdict.objects.get(case=cards[0])
    assert (verdict.kind, verdict.counted) == ("gold", False)


def test_a_gold_card_is_not_dealt_to_who_answered_its_case_lately(cards: Any, reviewer: Any, chief: Any) -> None:
    gold.make(chief, cards[0], "confirm", cards[0].category, NOW)
    answer_one(reviewer, cards[2])
    look = dealt_gold(reviewer)
    decide(reviewer, uuid4(), look.case_id, "confirm", timezone.now())
    answer_one(reviewer, cards[3])
    lease(reviewer, timezone.now())
    assert Look.objects.count() == 1
    later = timezone.now() + timedelta(days=31)
    lease(reviewer, later)
    assert Look.objects.count() == 2
    li = User.objects.create_user("li", role="reviewer")
    answer_one(li, cards[4])
    assert dealt_gold(li).case == cards[0]


def test_a_gold_card_given_back_is_gone_and_comes_another_time(cards: Any, reviewer: Any, chief: Any) -> None:
    gold.make(chief, cards[0], "confirm", cards[0].category, NOW)
    answer_one(reviewer, cards[2])
    dealt_gold(reviewer)
    give_back(reviewer)
    assert not Look.objects.exists()
    look = dealt_gold(reviewer)
    decide(reviewer, uuid4(), look.case_id, "skip", timezone.now())
    assert not Look.objects.exists()


def test_an_undone_gold_answer_comes_back_until_its_person_was_told(cards: Any, reviewer: Any, chief: Any, client: Any) -> None:  # fmt: skip
    client.force_login(reviewer)
    gold.make(chief, cards[0], "reject", "", NOW)
    answer_one(reviewer, cards[2])
    dealt_gold(reviewer)
    decide(reviewer, uuid4(), cards[0].pk, "confirm", timezone.now())
    assert f'data-case="{cards[0].pk}"' in client.post("/review/undo").content.decode()
    assert decide(reviewer, uuid4(), cards[0].pk, "confirm", timezone.now()).result == "counted"
    assert len(client.get("/review/feedback").json()["told"]) == 1
    assert undo(reviewer, timezone.now()) is None, "who was told cannot answer anew"
    assert Verdict.objects.filter(kind="gold", undone_at=None).count() == 1


def test_feedback_is_told_once_and_once_an_hour(cards: Any, reviewer: Any, chief: Any, client: Any) -> None:
    client.force_login(reviewer)
    assert client.get("/review/feedback").json() == {"told": [], "right": 0, "of": 0, "days": 30}
    for case, right in ((cards[0], "confirm"), (cards[1], "reject")):
        gold.make(chief, case, right, case.category, NOW)
    answer_one(reviewer, cards[2])
    first = dealt_gold(reviewer).case
    decide(reviewer, uuid4(), first.pk, "confirm", timezone.now())
    told = client.get("/review/feedback").json()
    assert (told["of"], told["right"]) == (1, int(first == cards[0]))
    (one,) = told["told"]
    assert one["case_number"] == first.number
    assert one["is_right"] is (first == cards[0])
    assert one["picture"].startswith("/pictures/")
    assert one["yours"] != one["right"] or one["is_right"]
    answer_one(reviewer, cards[3])
    second = dealt_gold(reviewer).case
    decide(reviewer, uuid4(), second.pk, "confirm", timezone.now())
    assert client.get("/review/feedback").json()["told"] == []
    Look.objects.exclude(told_at=None).update(told_at=timezone.now() - timedelta(minutes=61))
    told = client.get("/review/feedback").json()
    assert [each["case_number"] for each in told["told"]] == [second.number]
    assert (told["right"], told["of"]) == (1, 2)


def test_a_supervisor_makes_and_retires_gold_cards_and_sees_how_often_they_are_hit(cards: Any, reviewer: Any, chief: Any, client: Any) -> None:  # fmt: skip
    client.force_login(chief)
    case = cards[0]
    page = client.get("/review/gold/").content.decode()
    assert f'name="case" value="{case.number}"' in page, "the city mended it"
    assert f'name="case" value="{cards[2].number}"' not in page
    assert client.post("/review/gold/", {"case": case.number, "answer": "confirm"}).status_code == 302
    made = Gold.objects.get()
    assert (made.answer, made.category, made.made_by) == ("confirm", case.category, chief)
    assert client.post("/review/gold/", {"case": case.number, "answer": "confirm"}).status_code == 409, "it is one"
    answer_one(reviewer, cards[2])
    dealt_gold(reviewer)
    decide(reviewer, uuid4(), case.pk, "reject", timezone.now(), reason=1)
    assert "0%" in client.get("/review/gold/").content.decode()
    assert client.post("/review/gold/", {"retire": made.pk}).status_code == 302
    assert client.post("/review/gold/", {"retire": made.pk}).status_code == 409
    assert client.post("/review/gold/", {"case": case.number, "answer": "reject"}).status_code == 302, "and anew"
    assert list(AuditRow.objects.filter(actor=chief).order_by("id").values_list("verb", flat=True)) == ["gold_made", "gold_retired", "gold_made"]  # fmt: skip


@pytest.mark.parametrize(
    ("form", "status"), [({"case": "x"}, 400), ({"case": "9" * 30}, 400), ({"case": "77", "answer": "confirm"}, 404), ({"case": "3", "answer": "confirm"}, 409),
                         ({"case": "1", "answer": "unsure"}, 409), ({"case": "1", "answer": "confirm", "category": "dragon"}, 409), ({"retire": "5"}, 409)],
)  # fmt: skip
def test_what_cannot_be_gold_is_refused_with_a_sentence(form: dict[str, str], status: int, cards: Any, chief: Any, client: Any) -> None:  # fmt: skip
    client.force_login(chief)
    refused = client.post("/review/gold/", form)
    assert refused.status_code == status
    assert not Gold.objects.exists()
    page = refused.content.decode()
    assert 'role="alert"' in page
    if "case" in form:
        assert f'value="{form["case"][:12]}"' in page, "what was typed stays"


def test_a_gold_card_whose_pictures_were_hidden_is_dealt_no_more(cards: Any, reviewer: Any, chief: Any) -> None:
    gold.make(chief, cards[0], "confirm", cards[0].category, NOW)
    answer_one(reviewer, cards[2])
    Picture.objects.filter(sighting__case=cards[0]).update(hidden_at=NOW)
    lease(reviewer, timezone.now())
    assert not Look.objects.exists()
    with pytest.raises(gold.NotGold):
        gold.make(chief, cards[0], "confirm", cards[0].category, NOW)


def test_the_page_costs_the_same_with_many_gold_cards(cards: Any, chief: Any, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    client = Client()
    client.force_login(chief)
    Case.objects.update(state="fixed")
    for case in Case.objects.order_by("id")[:5]:
        gold.make(chief, case, "confirm", case.category, NOW)
    with django_assert_max_num_queries(12):
        page = client.get("/review/gold/").content.decode()
    assert (page.count('name="retire"'), page.count('name="case" value="')) == (5, 3)


def test_a_gold_card_whose_case_is_decided_otherwise_afterwards_goes_out_of_use_by_itself_and_the_page_says_so(cards: Any, reviewer: Any, chief: Any, client: Any) -> None:  # fmt: skip
    case, same = cards[2], cards[3]
    lease(reviewer, timezone.now(), 10)
    decide(reviewer, uuid4(), case.pk, "reject", timezone.now(), reason=1)
    answer_one(reviewer, same)
    for each in (case, same):
        each.refresh_from_db()
    gold.make(chief, case, "reject", "", NOW)
    gold.make(chief, same, "confirm", same.category, NOW)
    for each in (case, same):
        assert move(each.pk, State(each.state), State.QUEUED, timezone.now())
    assert Gold.objects.filter(retired_at=None).count() == 2
    li = User.objects.create_user("li", role="reviewer")
    lease(li, timezone.now(), 10)
    answer_one(li, case)
    answer_one(li, same)
    assert Gold.objects.get(retired_at=None).case == same
    assert Gold.objects.get(case=case).retired_because == "decided_otherwise"
    row = AuditRow.objects.get(verb="gold_retired")
    assert (row.object_id, row.actor, row.detail["why"]) == (str(case.pk), None, "decided_otherwise")
    client.force_login(chief)
    page = client.get("/review/gold/").content.decode()
    told = page[page.index('id="gone"') :].split("</ul>")[0]
    assert f"案件 {case.number}" in told
    assert "decided_otherwise" not in client.get("/audit/").content.decode()


def test_another_category_and_a_supervisors_word_take_a_gold_card_out_of_use_too(cards: Any, reviewer: Any, chief: Any) -> None:  # fmt: skip
    lease(reviewer, timezone.now(), 10)
    answer_one(reviewer, cards[2])
    cards[2].refresh_from_db()
    gold.make(chief, cards[2], "confirm", "waste_pile", NOW)
    move(cards[2].pk, State.CONFIRMED, State.QUEUED, timezone.now())
    chief_said = User.objects.create_user("qian", role="supervisor")
    decide(chief_said, uuid4(), cards[2].pk, "confirm", timezone.now(), category="waste_pile")
    assert Gold.objects.filter(retired_at=None).exists()
    move(cards[2].pk, State.CONFIRMED, State.HANDED_OVER, timezone.now())
    assert retract_case(chief, cards[2], "nothing was there", timezone.now(), reason=1)
    assert not Gold.objects.filter(retired_at=None).exists()


def test_a_case_is_shown_before_it_is_made_gold_with_the_answer_that_it_was_decided_by(cards: Any, reviewer: Any, chief: Any, client: Any) -> None:  # fmt: skip
    lease(reviewer, timezone.now(), 10)
    decide(reviewer, uuid4(), cards[2].pk, "reject", timezone.now(), reason=1)
    client.force_login(chief)
    page = client.get(f"/cases/{cards[2].number}/").content.decode()
    assert f"/review/gold/?case={cards[2].number}&amp;city=taiyuan" in page
    found = client.get(f"/review/gold/?case={cards[2].number}&city=taiyuan").content.decode()
    article = found[found.index('id="found"') :].split("</article>")[0]
    assert "<img" in article
    assert 'value="reject" selected' in article
    assert not Gold.objects.exists()
    undecided = client.get(f"/review/gold/?case={cards[4].number}").content.decode()
    assert "<form" not in undecided[undecided.index('id="found"') :].split("</article>")[0]
    assert client.get("/review/gold/?case=99999").status_code == 404
    told = client.post("/review/gold/", {"case": cards[2].number, "answer": "reject"}, follow=True).content.decode()
    assert f"案件 {cards[2].number} 已设为标准卡" in told
