"""What is asked and written beside a plain answer: whether a number can be the same case, notes with an answer, broken pictures."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW

from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.models import AuditRow
from server.audit.rules import Verb
from server.cases.history import history_of
from server.cases.models import Case, Note, Picture
from server.cases.rules import State
from server.fleet.models import City
from server.review.answers import BadVerdict
from server.review.broken import report
from server.review.cards import card_of
from server.review.models import Verdict
from server.review.rules import SAME_REASON
from server.review.services import decide, undo
from server.screening.services import screen_new
from server.words import state_name

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def cards(send: Any) -> list[Case]:
    """Three in a row, 60 m apart, and one of another category."""
    for number in range(3):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    send(north_m=30.0, outbox=UUID(int=9), seed=9, category="facade_dirty")
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


def asked(person: User, case: Case, number: object, language: str = "en") -> str:
    client = Client(headers={"accept-language": language})
    client.force_login(person)
    found = client.get("/review/same", {"case": case.pk, "number": str(number)})
    assert found.status_code == 200
    return found.content.decode()


def test_a_number_is_looked_up_before_anything_is_answered(cards: Any, reviewer: User) -> None:
    here, near, far, other = cards
    found = asked(reviewer, here, near.number)
    assert f'data-merge="{near.number}"' in found
    words = re.sub(r"<[^>]+>", "", found)
    assert f"Merge into case {near.number}, 60\u00a0m · farther off · Bagged garbage left on the kerb" in words
    assert Picture.objects.get(sighting__case=near).sha256 in found
    assert 'class="box"' in found
    assert "121 m away" in asked(reviewer, here, far.number)
    assert "two categories" in asked(reviewer, here, other.number)
    assert "one case already" in asked(reviewer, here, here.number)
    for wrong in ("999", "x", "", "9" * 30, "-1"):
        assert "no case with this number" in asked(reviewer, here, wrong), wrong
    assert "没有" in asked(reviewer, here, 999, "zh-hans")
    assert not Verdict.objects.exists()
    assert set(Case.objects.values_list("state", flat=True)) == {State.QUEUED}


def test_a_card_offers_the_same_kind_as_far_as_a_number_may_be_merged_and_marks_what_is_far(cards: Any, reviewer: User, send: Any) -> None:  # fmt: skip
    here, near, far, _ = cards
    send(east_m=-29.0, outbox=UUID(int=11), seed=11)
    screen_new(NOW)
    close = Case.objects.latest("id")
    card = card_of(here, {}, cases_for(reviewer), reader=reviewer)
    assert [(each.at.number, each.away_m, each.is_far) for each in (*card.near, *card.farther)] == [(close.number, 29, False), (near.number, 60, True)]  # fmt: skip
    assert far.number not in [each.at.number for each in card.farther], "121 m"


def test_nothing_is_put_into_a_case_that_its_reader_knows_to_be_rejected(cards: Any, reviewer: User) -> None:
    """It would be lost: the card was a find, and nobody looks after what was rejected."""
    here, near, *_ = cards
    decide(reviewer, uuid4(), near.pk, "reject", NOW, reason=2)
    assert "does not reach the city" in asked(reviewer, here, near.number)
    with pytest.raises(BadVerdict, match="was rejected"):
        decide(reviewer, uuid4(), here.pk, "reject", NOW, reason=SAME_REASON, same_as=near.number)
    assert Case.objects.get(id=here.pk).state == State.QUEUED
    undo(reviewer, NOW)
    assert f'data-merge="{near.number}"' in asked(reviewer, here, near.number)


def test_a_lookup_tells_nothing_of_another_city(cards: Any, reviewer: User) -> None:
    elsewhere = User.objects.create_user(
        "li", role="reviewer", city=City.objects.create(key="hangzhou", name_zh="杭州", name_en="Hangzhou")
    )
    assert "data-merge" not in asked(elsewhere, cards[0], cards[1].number)


def test_the_other_case_knows_that_a_merge_was_taken_back(cards: Any, reviewer: User) -> None:
    one, two, *_ = cards
    decide(reviewer, uuid4(), two.pk, "reject", timezone.now(), reason=5, same_as=one.number)
    supervisor = User.objects.create_user("head", role="supervisor")
    told = [line.what for line in history_of(Case.objects.get(id=one.pk), supervisor)]
    assert f"结论：已并入案件 {one.number} · 针对案件 {two.number}" in told, "as on the page of one's own answers"
    undo(reviewer, timezone.now())
    told = [line.what for line in history_of(Case.objects.get(id=one.pk), supervisor)]
    assert f"案件 {two.number} 的合并已撤回，其发现记录已移回" in told


def test_what_is_written_with_an_answer_is_a_note_of_the_case_and_is_found(cards: Any, reviewer: User) -> None:
    case = cards[0]
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), words=" by the blue gate ")
    decide(reviewer, uuid4(), cards[1].pk, "confirm", timezone.now())
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create_user("head", role="supervisor"))
    page = client.get(f"/cases/{case.number}/").content.decode()
    notes = page.partition('<section id="notes">')[2].partition("</section>")[0]
    assert "by the blue gate" in notes
    assert page.count("by the blue gate") == 2, "among the notes, and with the answer in the history"
    assert "strike out" not in notes
    found = client.get("/cases/", {"q": "blue gate", "state": "all"}).content.decode()
    assert f"/cases/{case.number}/" in found
    assert f"/cases/{cards[1].number}/" not in found
    officer = User.objects.create_user("officer", role="city")
    client.force_login(officer)
    assert "blue gate" not in client.get(f"/cases/{case.number}/").content.decode()


def test_a_note_is_struck_out_when_its_answer_is_taken_back(cards: Any, reviewer: User) -> None:
    decide(reviewer, uuid4(), cards[0].pk, "unsure", timezone.now(), words="too dark")
    undo(reviewer, timezone.now())
    assert Note.objects.get().struck_at is not None
    client = Client()
    client.force_login(reviewer)
    for language, told in (("zh-hans", "随撤销的结论一并撤回"), ("en", "taken back with the answer")):
        page = client.get(f"/cases/{cards[0].number}/", headers={"accept-language": language}).content.decode()
        assert told in page
        assert "too dark" not in page, "in the history neither"
    decide(reviewer, uuid4(), cards[0].pk, "unsure", timezone.now() + timedelta(seconds=1), words="too dark")
    assert [row.struck_at is None for row in Note.objects.order_by("id")] == [False, True]


@pytest.mark.parametrize("key", CATEGORIES)
def test_first_letters_are_those_of_the_syllables_one_for_each_character(key: str) -> None:
    category = CATEGORIES[key]
    syllables = category.pinyin.split()
    assert category.pinyin_initials == "".join(each[0] for each in syllables)
    assert len(syllables) == len(re.findall(r"[\u4e00-\u9fff]", category.name_zh))


def test_a_case_of_which_one_person_was_unsure_is_in_no_dispute() -> None:
    assert (state_name(State.DISPUTED), state_name(State.DISPUTED, in_dispute=True)) == ("存疑，待再看", "有争议")


def test_a_report_of_a_broken_picture_is_taken_back_by_who_made_it(cards: Any, reviewer: User) -> None:
    case, sha256 = cards[0], Picture.objects.get(sighting__case=cards[0]).sha256
    other = User.objects.create_user("li", role="reviewer")
    assert [report(reviewer, case, sha256), report(reviewer, case, sha256), report(other, case, sha256)] == [1, 1, 2]
    assert report(reviewer, case, sha256, is_broken=False) == 1
    assert report(reviewer, case, sha256, is_broken=False) == 1
    assert report(reviewer, case, sha256) == 2
    verbs = (
        AuditRow.objects.filter(actor=reviewer, object_id=str(case.pk)).values_list("verb", flat=True).order_by("id")
    )
    assert list(verbs) == [Verb.PICTURE_REPORTED, Verb.PICTURE_WELL, Verb.PICTURE_REPORTED]
