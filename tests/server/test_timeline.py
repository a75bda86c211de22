"""What a case's page tells of its life, and to whom."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from sightings import NOW

from calibration.geodesy import moved
from models.taxonomy import CATEGORIES
from server.accounts.models import User
from server.audit.rules import Verb
from server.audit.services import record
from server.cases.models import Case
from server.cases.timeline import Answer, Deed, Seen, timeline
from server.city.models import Handover
from server.city.reports import take_status
from server.city.services import add_destination, note_handed_over, retract
from server.review.corrections import Correction
from server.review.disputes import open_dispute, open_disputes, settle
from server.review.models import Look, Verdict
from server.review.rules import Outcome
from server.review.services import decide, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db


def at(minutes: int) -> Any:
    return NOW + timedelta(minutes=minutes)


def test_sightings_answers_and_deeds_are_one_story_newest_first() -> None:
    seen = [Seen(at(0), at(1), "TY-01", 6.2), Seen(at(5), at(95), "TY-02", 11.8)]
    answers = [
        Answer(at(30), "wang", 3240, True, {"answer": "confirm", "reason": None, "counted": True, "new": ""}),
        Answer(at(40), "li", 240_000, False, {"answer": "reject", "reason": 2, "counted": False, "new": ""}),
    ]
    deeds = [
        Deed(at(30), "wang", Verb.VERDICT, {"answer": "confirm"}),
        Deed(at(31), "wang", Verb.CASE_MOVED, {"old": "confirmed", "new": "queued"}),
        Deed(at(2), "", Verb.CASE_OPENED, {}),
    ]
    with translation.override("en"):
        lines = timeline(seen, answers, deeds)
    assert [(line.what, line.who) for line in lines] == [
        ("Verdict: rejected (looks like it, but is not) · second opinion · after 4 min", "li"),
        ("State: confirmed → to review", "wang"),
        ("Verdict: confirmed · after 3.2 s · taken back", "wang"),
        ("Seen by TY-02, 12 m away · arrived 1 h later", ""),
        ("Case opened", ""),
        ("Seen by TY-01, 6 m away", ""),
    ]
    assert [line.at for line in lines] == [at(40), at(31), at(30), at(5), at(2), at(0)]


def page_of(case: Case, person: User) -> str:
    client = Client(headers={"accept-language": "en"})
    client.force_login(person)
    answer = client.get(f"/cases/{case.number}/")
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", answer.content.decode().split('<main id="main"')[1]).split())


@pytest.fixture
def two(send: Any) -> list[Case]:
    """Two cases 20 m from each other, the first set aside once and shown all the same."""
    for number in range(2):
        send(east_m=20.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    first = Case.objects.order_by("id")[0]
    Case.objects.filter(id=first.pk).update(screening="rejected_before", blind=True)
    return list(Case.objects.order_by("id"))


def test_who_may_still_decide_a_case_learns_of_no_answer_but_their_own(two: list[Case], reviewer: User) -> None:
    case, now = two[0], timezone.now()
    li = User.objects.create_user("li", role="reviewer")
    chief = User.objects.create_user("zhao", role="supervisor")
    decide(reviewer, uuid4(), case.pk, "reject", now, reason=2, visible_ms=3200)
    undo(reviewer, now)
    decide(reviewer, uuid4(), case.pk, "unsure", now, visible_ms=4100)
    blind = page_of(case, li)
    assert not [word for word in ("Verdict", "wang", "looks like it", "Screening:") if word in blind]
    assert "Seen by TY-01" in blind
    for person in (reviewer, chief):
        assert "Verdict: unsure · after 4.1 s wang" in page_of(case, person)
    assert "Screening: rejected at this place before" in page_of(case, chief)
    decide(li, uuid4(), case.pk, "confirm", now)
    told = page_of(case, li)
    assert "Verdict: rejected (looks like it, but is not) · after 3.2 s · taken back wang" in told
    assert "Screening: rejected at this place before" in told


def test_an_officer_learns_what_left_the_back_office_and_not_how_it_was_argued(two: list[Case], reviewer: User) -> None:
    """Answers that differ, a supervisor's word, who and how fast: none of that leaves; the page and the sheet tell the same."""
    case, now = two[0], timezone.now()
    li, chief = (User.objects.create_user(name, role=role) for name, role in (("li", "reviewer"), ("zhao", "supervisor")))  # fmt: skip
    town, _ = add_destination(case.city, "town-11", "https://city.example/hook", sandbox=False, allow_private=False)
    decide(reviewer, uuid4(), case.pk, "reject", now, reason=2, visible_ms=3200)
    undo(reviewer, timezone.now())
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), visible_ms=3200, words="by the market")
    second = Verdict.objects.create(id=uuid4(), case=case, person=li, kind="second", answer="reject", reason=2, city=case.city, counted=False)  # fmt: skip
    open_dispute(Verdict.objects.get(person=reviewer, undone_at=None), second, timezone.now())
    settle(chief, open_disputes(chief)[0].pk, Outcome.FIRST, timezone.now())
    came = Handover.objects.create(case=case, destination=town, kind="case.confirmed", body={}, next_try_at=now, attempts=1, receipted_at=timezone.now(), state="receipted")  # fmt: skip
    note_handed_over(case.pk, timezone.now(), timezone.now())
    message = {"type": "case.status", "data": {"case_number": case.number, "status": "accepted", "text": "on our list", "at": now.isoformat()}}  # fmt: skip
    assert take_status(town, "m1", message, timezone.now())
    with transaction.atomic():
        retract(Case.objects.get(id=case.pk), "a supervisor rejected it", timezone.now(), chief.pk)
    Handover.objects.exclude(pk=came.pk).update(receipted_at=timezone.now(), state="receipted")
    Case.objects.filter(id=case.pk).update(screening="rejected_before")
    officer = Client(headers={"accept-language": "en"})
    officer.force_login(User.objects.create_user("officer", role="city", city=case.city))
    page, sheet = (officer.get(f"/cases/{case.number}/{part}").content.decode() for part in ("", "print/"))
    lines = [" ".join(re.sub(r"<[^>]+>", " ", line).split()[2:]) for line in re.findall(r"<li[^>]*>(.*?)</li>", page.split('class="history timeline"')[1], re.S)]  # fmt: skip
    seen = case.sightings.get()
    assert lines == [
        "Taken back from town-11: it was not borne out when it was looked at again", "The city says: accepted · in its words: on our list", "Handed over to town-11",
        "confirmed", f"Seen by TY-01, 6 m away · arrived {(seen.received_at - seen.seen_at).days} d later",
    ]  # fmt: skip
    for told in (page, sheet):
        words = (
            "wang",
            "zhao",
            "3.2 s",
            "market",
            "Verdict",
            "dispute",
            "differ",
            "supervisor",
            "second opinion",
            "reject",
            "Screening",
        )
        assert [word for word in words if word in " ".join(re.sub(r"<[^>]+>", " ", told).split())] == []
    assert "Case 2," not in page, "a case nearby that was not handed over"
    inside = page_of(case, chief)
    assert "Settled by a supervisor" in inside
    assert "a supervisor rejected it" in inside


def test_cases_nearby_are_shown_with_their_pictures_and_lead_to_their_pages(two: list[Case], reviewer: User, client: Client) -> None:  # fmt: skip
    client.force_login(reviewer)
    page = client.get(f"/cases/{two[0].number}/").content.decode()
    near = re.search(r'<ol class="near">(.*?)</ol>', page, re.S)
    assert near
    picture = two[1].sightings.get().pictures.get()
    assert f'src="/pictures/{picture.sha256}.jpg"' in near[1]
    assert f'href="/cases/{two[1].number}/"' in near[1]


def test_the_page_of_a_case_asks_as_often_however_much_happened(two: list[Case], send: Any, reviewer: User, client: Client) -> None:  # fmt: skip
    client.force_login(reviewer)

    def asked() -> int:
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/cases/{two[0].number}/")
        return len(queries)

    client.get(f"/cases/{two[0].number}/")
    decide(reviewer, uuid4(), two[0].pk, "skip", timezone.now())
    before = asked()
    for number in range(6):
        send(pass_id=uuid4(), outbox=UUID(int=number + 50), seed=number + 50, vehicle="TY-02")
        decide(reviewer, uuid4(), two[0].pk, "skip", timezone.now())
    two[0].refresh_from_db()
    assert two[0].sightings_count == 7
    assert asked() == before


def test_each_picture_says_when_and_by_whom_it_was_taken(two: list[Case], send: Any, reviewer: User) -> None:
    send(pass_id=uuid4(), outbox=UUID(int=70), seed=70, vehicle="TY-02")
    told = page_of(two[0], reviewer)
    assert "best view · 2026-11-02 10:00 · TY-01" in told
    assert "best view · 2026-11-02 10:00 · TY-02" in told


def test_a_verdicts_words_and_what_it_put_right_are_told_inside_and_not_to_the_city(two: list[Case], reviewer: User) -> None:  # fmt: skip
    case = two[0]
    picture = case.sightings.get().pictures.get()
    mended = Correction((10.0, 10.0, 60.0, 60.0), picture.sha256, moved(case.lat_deg, case.lon_deg, 3.0, 0.0))
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), words="since the <b>market</b>", correction=mended)
    put = "Verdict: confirmed · box corrected · place corrected by 3 m"
    inside = page_of(case, reviewer)
    assert f"{put} · “since the &lt;b&gt;market&lt;/b&gt;”" in inside
    by_hand = "put by hand, 3 m from where vehicles measured it"
    assert by_hand in inside
    assert "Seen by TY-01, 6 m away · as the vehicle measured it" in inside
    assert "±" not in inside, "how well vehicles knew it says nothing of where a person put it"
    destination, _ = add_destination(case.city, "city", "https://city.example/hook", sandbox=False, allow_private=False)
    Handover.objects.create(case=case, destination=destination, kind="case.confirmed", body={}, next_try_at=NOW, receipted_at=NOW)  # fmt: skip
    officer = Client(headers={"accept-language": "en"})
    officer.force_login(User.objects.create_user("town", role="city", city=case.city))
    sheet = officer.get(f"/cases/{case.number}/print/").content.decode()
    assert by_hand in sheet
    assert "±" not in sheet
    told = page_of(case, User.objects.create_user("officer", role="city"))
    assert by_hand in told
    assert "Handed over to city" in told
    assert "box corrected" not in told
    assert "market" not in told


def test_a_receipt_says_of_what_and_the_citys_word_stands_once(two: list[Case], reviewer: User) -> None:
    from server.city.rules import HandoverKind

    case = two[0]
    destination, _ = add_destination(case.city, "city", "https://city.example/hook", sandbox=False, allow_private=False)
    Case.objects.filter(id=case.pk).update(state="handed_over")
    for kind in (HandoverKind.CONFIRMED, HandoverKind.RETRACTED):
        row = Handover.objects.create(case=case, destination=destination, kind=kind, body={}, next_try_at=NOW, attempts=1, state="receipted", receipted_at=NOW)  # fmt: skip
        record(Verb.HANDOVER_RECEIPTED, "case", case.pk, city_id=case.city_id, handover=str(row.pk))
    for number, (status, text) in enumerate((("accepted", "on our list"), ("fixed", ""), ("fixed", "swept"))):
        message = {"type": "case.status", "data": {"case_number": case.number, "status": status, "text": text, "at": NOW.isoformat()}}  # fmt: skip
        assert take_status(destination, f"m{number}", message, timezone.now())
    client = Client(headers={"accept-language": "en"})
    client.force_login(User.objects.create_user("zhao", role="supervisor"))
    told = client.get(f"/cases/{case.number}/").content.decode().split('id="timeline"')[1]
    lines = [" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in re.findall(r"<li[^>]*>(.*?)</li>", told, re.S)]
    assert sum(line.endswith("Received by city: the case") for line in lines) == 1
    assert sum(line.endswith("Received by city: its retraction") for line in lines) == 1
    said = [line.split("The city says: ")[1] for line in lines if "The city says: " in line]
    assert [each.split(" · changed")[0] for each in said] == ["fixed · in its words: swept", "fixed", "accepted · in its words: on our list"]  # fmt: skip
    assert sum("on our list" in line for line in lines) == 1


def test_a_relabelled_case_says_from_what_to_what_and_that_its_severity_changed(
    two: list[Case], reviewer: User
) -> None:
    old, kin = two[0].category, "waste_pile"
    decide(reviewer, uuid4(), two[0].pk, "confirm", timezone.now(), category="manhole_fault")
    decide(reviewer, uuid4(), two[1].pk, "confirm", timezone.now(), category=kin)
    names = {key: CATEGORIES[key].name_en for key in (old, kin, "manhole_fault")}
    told = page_of(two[0], reviewer)
    assert f"Verdict: confirmed, category changed from “{names[old]}” to “{names['manhole_fault']}”, severity from medium to critical" in told  # fmt: skip
    told = page_of(two[1], reviewer)
    assert f"category changed from “{names[old]}” to “{names[kin]}” wang" in told, "of the same severity"


def test_a_place_put_by_hand_is_not_told_to_who_is_to_take_the_case_for_new(two: list[Case], reviewer: User) -> None:
    case = two[0]
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), correction=Correction(place_deg=moved(case.lat_deg, case.lon_deg, 3.0, 0.0)))  # fmt: skip
    li = User.objects.create_user("li", role="reviewer")
    Look.objects.create(case=case, city=case.city, kind="second", first_person=reviewer, about=Verdict.objects.get(), shadow=False, made_at=NOW)  # fmt: skip
    told = page_of(case, li)
    assert "by hand" not in told
    assert "as the vehicle measured" not in told
    assert "position ±" in told


def test_the_page_says_in_sentences_what_was_sent_and_of_a_rejected_case_that_nothing_will_be(two: list[Case], reviewer: User) -> None:  # fmt: skip
    sandbox, _ = add_destination(two[0].city, "sandbox", "https://city.example/hook", sandbox=True, allow_private=False)
    row = Handover.objects.create(case=two[0], destination=sandbox, kind="case.confirmed", body={}, next_try_at=NOW, attempts=1, state="receipted", receipted_at=NOW)  # fmt: skip
    for verb in (Verb.HANDOVER_MADE, Verb.HANDOVER_HURRIED, Verb.HANDOVER_RECEIPTED):
        record(verb, "case", two[0].pk, city_id=two[0].city_id, handover=str(row.pk))
    Case.objects.filter(id=two[1].pk).update(state="rejected")
    client = Client()
    client.force_login(User.objects.create_user("zhao", role="supervisor"))
    page, rejected = (client.get(f"/cases/{each.number}/").content.decode() for each in two)
    for words in ("发往 sandbox：案件信息，已签收", "待发往 sandbox：案件信息", "立即重新发往 sandbox：案件信息", "sandbox 已签收：案件信息"):  # fmt: skip
        assert words in page
    signs = re.search(r'<ul class="signs[^>]*>(.*?)</ul>', page)
    assert signs
    assert re.findall(r'"of-(\w+)">([^<]+)<', signs[1]) == [
        ("seen", "发现"),
        ("deed", "后台操作"),
        ("city", "与城管往来"),
    ]
    assert "<li>未移交：已驳回</li>" in rejected
    assert "尚未" not in rejected
    assert "<h2>城管回复</h2>" not in rejected
