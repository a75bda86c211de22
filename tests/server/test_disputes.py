"""Two answers that differ: a supervisor sees both without names, and what they say holds, also where the case has left."""

from __future__ import annotations

import re
from base64 import b64decode
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW

from calibration.geodesy import moved
from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.models import Case, Note, Picture
from server.categories.services import proofs
from server.city.models import Handover
from server.city.services import add_destination, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.review.answers import BadVerdict, Given
from server.review.corrections import Correction
from server.review.disputes import Settled, follows, open_disputes, settle
from server.review.models import Dispute, Verdict, ZoneProposal
from server.review.rules import Outcome
from server.review.services import decide, lease, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def everything_twice(settings: Any, nothing_remembered: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "SECOND_SHARE", 1.0)


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, Any]]:
    """What the city got: kind and category, or reason."""
    messages: list[tuple[str, Any]] = []

    def deliver(url: str, secret: str, message_id: str, body: Any, allow_private: bool, now: Any) -> Answer:
        messages.append((body["type"], body["data"].get("name_en") or body["data"].get("reason")))
        return Answer(True, "CG-1")

    monkeypatch.setattr("server.city.services.send", deliver)
    return messages


@pytest.fixture
def case(send: Any) -> Case:
    for number in range(2):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    first = Case.objects.order_by("id").first()
    assert first
    add_destination(first.city, "sandbox", "http://127.0.0.1:9/", sandbox=True, allow_private=True)
    return first


@pytest.fixture
def li(db: None) -> Any:
    return User.objects.create_user("li", role="reviewer")


@pytest.fixture
def chief(db: None) -> Any:
    return User.objects.create_user("zhao", role="supervisor")


def answer(who: Any, case: Case, said: str, **given: Any) -> None:
    """Lease, and confirm, reject because nothing is there, or confirm as a category."""
    lease(who, timezone.now(), 10)
    told = {"confirm": {}, "reject": {"reason": 1}}.get(said, {"category": said})
    decide(who, uuid4(), case.pk, "reject" if said == "reject" else "confirm", timezone.now(), **told, **given)


def handed_over(case: Case, minutes: int = 5) -> None:
    later = timezone.now() + timedelta(minutes=minutes)
    prepare_handovers(later)
    send_due(later)


def state_of(case: Case) -> tuple[str, str]:
    case.refresh_from_db()
    return case.state, case.category


SETTLED = [
    ("confirm", "reject", Outcome.FIRST, "confirmed", "bagged_garbage"),
    ("confirm", "reject", Outcome.SECOND, "rejected", "bagged_garbage"),
    ("reject", "confirm", Outcome.FIRST, "rejected", "bagged_garbage"),
    ("reject", "confirm", Outcome.SECOND, "confirmed", "bagged_garbage"),
    ("waste_pile", "confirm", Outcome.SECOND, "confirmed", "bagged_garbage"),
    ("confirm", "waste_pile", Outcome.SECOND, "confirmed", "waste_pile"),
    ("confirm", "waste_pile", Outcome.OTHER, "confirmed", "road_damage"),
]


@pytest.mark.parametrize(("first", "second", "outcome", "state", "category"), SETTLED)
def test_what_a_supervisor_says_holds(
    first: str, second: str, outcome: Outcome, state: str, category: str, case: Case, reviewer: Any, li: Any, chief: Any
) -> None:
    answer(reviewer, case, first)
    answer(li, case, second)
    assert state_of(case)[0] == "disputed"
    verdict = settle(chief, Dispute.objects.get().pk, outcome, timezone.now(), Given("confirm", category="road_damage"))
    assert state_of(case) == (state, category)
    assert (verdict.kind, verdict.counted, verdict.person) == ("settled", True, chief)
    assert AuditRow.objects.filter(verb="dispute_settled", actor=chief, object_id=str(case.pk)).count() == 1
    assert not open_disputes(chief).exists()


def test_a_dispute_is_settled_once(case: Case, reviewer: Any, li: Any, chief: Any) -> None:
    answer(reviewer, case, "confirm")
    answer(li, case, "reject")
    dispute = Dispute.objects.get().pk
    settle(chief, dispute, Outcome.FIRST, timezone.now())
    with pytest.raises(Settled):
        settle(chief, dispute, Outcome.SECOND, timezone.now())
    assert state_of(case)[0] == "confirmed"
    assert Verdict.objects.filter(kind="settled").count() == 1
    assert undo(li, timezone.now()) is None, "what a supervisor settled is not undone by who was second"


def test_what_is_in_dispute_does_not_leave_and_leaves_once_it_is_confirmed(case: Case, reviewer: Any, li: Any, chief: Any, sent: Any) -> None:  # fmt: skip
    answer(reviewer, case, "confirm")
    prepare_handovers(timezone.now() + timedelta(minutes=2))
    answer(li, case, "reject")
    handed_over(case)
    assert sent == []
    settle(chief, Dispute.objects.get().pk, Outcome.FIRST, timezone.now())
    handed_over(case, 10)
    assert [kind for kind, _ in sent] == ["case.confirmed"]
    assert state_of(case)[0] == "handed_over"


def test_a_dispute_is_called_one_wherever_a_supervisor_meets_it(case: Case, reviewer: Any, li: Any, chief: Any) -> None:
    """What one person alone is unsure of is called unsure; and a reviewer reads what they said themselves."""
    answer(reviewer, case, "confirm")
    answer(li, case, "reject")
    other = Case.objects.exclude(pk=case.pk).get()
    decide(reviewer, uuid4(), other.pk, "unsure", timezone.now())
    pages = ("/cases/?state=disputed", "/cases/{}/", "/cases/{}/print/", "/cases/{}/peek")
    for each, own, foreign in ((case, "有争议", "存疑，待再看"), (other, "存疑，待再看", "有争议")):
        for page in pages[1:]:
            said = said_to(chief, page.format(each.number))
            assert own in said, page
            assert foreign not in said, page
    assert [said_to(chief, pages[0]).count(f">{words}</span></td>") for words in ("有争议", "存疑，待再看")] == [1, 1]
    for page in pages[1:]:
        assert "有争议" not in said_to(reviewer, page.format(case.number)), page
        assert "有争议" not in said_to(li, page.format(case.number)), page
    settle(chief, Dispute.objects.get().pk, Outcome.FIRST, timezone.now())
    assert "状态：已确认 → 有争议" in said_to(reviewer, pages[1].format(case.number))


def said_to(person: Any, address: str) -> str:
    """What a page says."""
    client = Client()
    client.force_login(person)
    return client.get(address).content.decode()


def test_a_case_that_has_left_stays_until_it_is_settled_and_is_retracted_if_it_was_none(case: Case, reviewer: Any, li: Any, chief: Any, sent: Any) -> None:  # fmt: skip
    answer(reviewer, case, "confirm")
    handed_over(case)
    answer(li, case, "reject")
    assert state_of(case)[0] == "handed_over"
    settle(chief, Dispute.objects.get().pk, Outcome.SECOND, timezone.now())
    send_due(timezone.now() + timedelta(minutes=9))
    assert state_of(case)[0] == "retracted"
    assert [kind for kind, _ in sent] == ["case.confirmed", "case.retracted"]


def test_what_an_answer_does_to_a_case_that_the_city_has_is_said_before(case: Case, reviewer: Any, li: Any, chief: Any, client: Any, sent: Any) -> None:  # fmt: skip
    client.force_login(chief)
    answer(reviewer, case, "confirm")
    handed_over(case)
    answer(li, case, "reject")
    page = client.get("/review/disputes/").content.decode()
    assert page.count("案件已移交城管：将立即撤回，并通知城管。") == 2, "at the second answer, and where one may reject"
    assert "以第二次为准，并从城管撤回" in page
    assert "以第一次为准<" in page
    assert [row["cases"] for row in client.get("/dashboard/").context["waits"] if row["state"] == "disputed"] == [1], "though the case's state is not disputed"  # fmt: skip
    settle(chief, Dispute.objects.get().pk, Outcome.SECOND, timezone.now())
    assert state_of(case)[0] == "retracted"


@pytest.mark.parametrize(("state", "said", "category", "what"), [("handed_over", "reject", "", "taken_back"), ("accepted", "confirm", "waste_pile", "anew"),
                                                                ("handed_over", "confirm", "bagged_garbage", ""), ("disputed", "reject", "", ""), ("fixed", "reject", "", "")])  # fmt: skip
def test_what_follows_an_answer(state: str, said: str, category: str, what: str) -> None:
    assert follows(Case(state=state, category="bagged_garbage"), said, category) == what


def test_a_case_that_has_left_as_another_category_is_taken_back_and_leaves_anew(case: Case, reviewer: Any, li: Any, chief: Any, sent: Any) -> None:  # fmt: skip
    answer(reviewer, case, "confirm")
    handed_over(case)
    answer(li, case, "waste_pile")
    settle(chief, Dispute.objects.get().pk, Outcome.SECOND, timezone.now())
    assert state_of(case) == ("confirmed", "waste_pile")
    Case.objects.update(shadow=False)
    from server.categories.models import CategoryStanding

    CategoryStanding.objects.update_or_create(city=case.city, category="waste_pile", defaults={"standing": "trial", "since": NOW})  # fmt: skip
    handed_over(case, 10)
    handed_over(case, 11)
    assert [kind for kind, _ in sent] == ["case.confirmed", "case.retracted", "case.confirmed"]
    assert state_of(case) == ("handed_over", "waste_pile")


def test_what_left_while_it_was_in_dispute_is_handed_over_once_it_is_confirmed(case: Case, reviewer: Any, li: Any, chief: Any, sent: Any) -> None:  # fmt: skip
    """The city's receipt came after the second answer."""
    answer(reviewer, case, "confirm")
    prepare_handovers(timezone.now() + timedelta(minutes=2))
    answer(li, case, "reject")
    Handover.objects.update(state="receipted", receipted_at=NOW, attempts=1)
    settle(chief, Dispute.objects.get().pk, Outcome.FIRST, timezone.now())
    assert state_of(case)[0] == "handed_over"


def test_what_left_while_it_was_in_dispute_is_handed_over_once_the_second_answer_is_undone(case: Case, reviewer: Any, li: Any, sent: Any) -> None:  # fmt: skip
    answer(reviewer, case, "confirm")
    prepare_handovers(timezone.now() + timedelta(minutes=2))
    answer(li, case, "reject")
    Handover.objects.update(state="receipted", receipted_at=NOW, attempts=1)
    assert undo(li, timezone.now()) is not None
    assert state_of(case)[0] == "handed_over"


def test_the_second_answers_place_comes_with_it(case: Case, reviewer: Any, li: Any, chief: Any) -> None:
    lat_deg, lon_deg = moved(case.lat_deg, case.lon_deg, 10.0, 5.0)
    answer(reviewer, case, "reject")
    answer(li, case, "confirm", correction=Correction(place_deg=(lat_deg, lon_deg)))
    settle(chief, Dispute.objects.get().pk, Outcome.SECOND, timezone.now())
    case.refresh_from_db()
    assert (case.lat_deg, case.lon_deg, case.placed_by_hand) == (lat_deg, lon_deg, True)


def test_a_dispute_ends_with_a_decision(case: Case, reviewer: Any, li: Any, chief: Any) -> None:
    answer(reviewer, case, "confirm")
    answer(li, case, "reject")
    dispute = Dispute.objects.get().pk
    for outcome, other in ((Outcome.OTHER, Given("unsure")), (Outcome.OTHER, Given("reject")), (Outcome.UNDONE, None)):
        with pytest.raises(BadVerdict):
            settle(chief, dispute, outcome, timezone.now(), other)
    assert Dispute.objects.get().settled_at is None


def test_the_page_tells_both_answers_and_names_only_afterwards(case: Case, reviewer: Any, li: Any, chief: Any, client: Any) -> None:  # fmt: skip
    client.force_login(chief)
    assert "没有争议" in client.get("/review/disputes/").content.decode()
    picture = Picture.objects.filter(sighting__case=case).first()
    assert picture
    drawn = Correction((10.0, 20.0, 90.0, 100.0), picture.sha256)
    answer(reviewer, case, "confirm", correction=drawn)
    answer(li, case, "reject", words="<b>a box on a wall</b>")
    page = client.get("/review/disputes/").content.decode()
    assert "&lt;b&gt;a box on a wall&lt;/b&gt;" in page
    assert 'class="box corrected"' in page
    assert "wang" not in page
    assert ">li<" not in page
    assert (
        client.post("/review/disputes/", {"dispute": Dispute.objects.get().pk, "outcome": "second"}).status_code == 302
    )
    page = client.get("/review/disputes/").content.decode()
    assert "wang" in page
    assert ">li<" in page
    again = client.post("/review/disputes/", {"dispute": Dispute.objects.get().pk, "outcome": "first"})
    assert again.status_code == 409


@pytest.mark.parametrize("form", [{}, {"dispute": "x", "outcome": "first"}, {"dispute": "1", "outcome": "both"}, {"dispute": "1", "outcome": "other", "answer": "skip"},
                                  {"proposal": "x"}])  # fmt: skip
def test_a_form_that_settles_nothing_says_so(form: dict[str, str], case: Case, chief: Any, client: Any) -> None:
    client.force_login(chief)
    refused = client.post("/review/disputes/", form)
    assert refused.status_code in (400, 409)
    assert 'role="alert"' in refused.content.decode()


def test_a_supervisor_of_another_city_sees_and_settles_nothing(case: Case, reviewer: Any, li: Any) -> None:
    from server.fleet.models import City

    elsewhere = City.objects.create(key="shenzhen", name_zh="深圳", name_en="Shenzhen")
    other = User.objects.create_user("he", role="supervisor", city=elsewhere)
    answer(reviewer, case, "confirm")
    answer(li, case, "reject")
    assert not open_disputes(other).exists()
    with pytest.raises(Settled):
        settle(other, Dispute.objects.get().pk, Outcome.FIRST, timezone.now())


def test_the_pages_queries_are_bounded(send: Any, reviewer: Any, li: Any, chief: Any, client: Any, django_assert_max_num_queries: Any) -> None:  # fmt: skip
    for number in range(6):
        send(east_m=60.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    for case in Case.objects.order_by("id"):
        answer(reviewer, case, "confirm")
        answer(li, case, "reject", words="no")
    client.force_login(chief)
    with django_assert_max_num_queries(12 + 6 * 4):
        assert client.get("/review/disputes/").content.decode().count('class="dispute"') == 6


def test_a_case_that_a_city_has_is_retracted_with_a_written_reason(case: Case, reviewer: Any, chief: Any, client: Any, sent: Any) -> None:  # fmt: skip
    answer(reviewer, case, "confirm")
    client.force_login(chief)
    wrong, address = {"because": "wrong", "words": "a shadow on the wall"}, f"/cases/{case.number}/retract"
    assert client.post(address, wrong).status_code == 409, "it has not left"
    handed_over(case)
    for bad in ({**wrong, "words": "  "}, {"words": "a shadow on the wall"}, {**wrong, "because": "dragons"}):
        assert client.post(address, bad).status_code == 409
    assert state_of(case)[0] == "handed_over"
    assert client.post(address, wrong).status_code == 302
    send_due(timezone.now() + timedelta(minutes=9))
    assert state_of(case)[0] == "retracted"
    assert sent[-1] == ("case.retracted", "a shadow on the wall")
    verdict = Verdict.objects.get(kind="settled")
    assert (verdict.answer, verdict.reason, verdict.counted) == ("reject", 2, True)
    assert Note.objects.get(case=case).words == "a shadow on the wall"
    assert AuditRow.objects.filter(actor=chief, object_id=str(case.pk), verb="case_moved").exists()
    assert client.post(address, {**wrong, "words": "again"}).status_code == 409


def test_one_that_is_needed_no_more_is_taken_back_without_a_verdict_and_can_be_reviewed_again(case: Case, reviewer: Any, chief: Any, client: Any, sent: Any) -> None:  # fmt: skip
    answer(reviewer, case, "confirm")
    handed_over(case)
    client.force_login(chief)
    before = proofs(case.city), list(Verdict.objects.values_list("id", "answer"))
    moot = {"because": "moot", "words": "the district had it cleared"}
    assert client.post(f"/cases/{case.number}/retract", moot).status_code == 302
    assert state_of(case)[0] == "retracted"
    assert (proofs(case.city), list(Verdict.objects.values_list("id", "answer"))) == before
    handed_over(case, 9)
    assert sent[-1] == ("case.retracted", "the district had it cleared")
    officer = User.objects.create_user("sun", role="city", city=case.city)
    client.force_login(officer)
    assert "the district had it cleared" in client.get(f"/cases/{case.number}/").content.decode()
    client.force_login(chief)
    page = client.get(f"/cases/{case.number}/", headers={"Accept-Language": "en"}).content.decode()
    assert page.count("Have it reviewed again") == 2, "what opens the form, and its button"
    assert client.post(f"/cases/{case.number}/reopen", {"why": "it lies there again"}).status_code == 302
    assert state_of(case)[0] == "queued"
    assert Note.objects.filter(case=case, about="reopen", words="it lies there again").exists()
    Case.objects.update(lease_by=None, lease_until=None)
    answer(chief, case, "confirm")
    handed_over(case, 20)
    assert sent[-1][0] == "case.confirmed"
    assert state_of(case)[0] == "handed_over"
    Case.objects.filter(id=case.pk).update(state="fixed")
    page = client.get(f"/cases/{case.number}/", headers={"Accept-Language": "en"}).content.decode()
    assert page.count("Tell the city that it is still there") == 2


def test_permitted_here_is_laid_before_a_supervisor_with_its_place(case: Case, reviewer: Any, chief: Any, client: Any) -> None:  # fmt: skip
    now = timezone.now()
    lease(reviewer, now)
    decide(reviewer, uuid4(), case.pk, "reject", now, reason=3, words="market on Saturdays")
    client.force_login(chief)
    page = client.get("/review/disputes/").content.decode()
    assert "market on Saturdays" in page
    assert f"{case.lat_deg:.6f}, {case.lon_deg:.6f}" in page
    proposal = ZoneProposal.objects.get()
    assert client.post("/review/disputes/", {"proposal": proposal.pk, "accept": "yes"}).status_code == 302
    proposal.refresh_from_db()
    assert (proposal.accepted, proposal.closed_by) == (True, chief)
    assert client.post("/review/disputes/", {"proposal": proposal.pk, "accept": "no"}).status_code == 409
    assert AuditRow.objects.filter(verb="zone_answered").count() == 1


def test_permitted_here_that_is_undone_asks_nobody(case: Case, reviewer: Any, chief: Any, client: Any) -> None:
    now = timezone.now()
    lease(reviewer, now)
    decide(reviewer, uuid4(), case.pk, "reject", now, reason=3, words="market on Saturdays")
    undo(reviewer, now)
    client.force_login(chief)
    assert "market on Saturdays" not in client.get("/review/disputes/").content.decode()
    decide(reviewer, uuid4(), case.pk, "reject", now, reason=3)
    assert ZoneProposal.objects.count() == 2, "answered anew, it asks anew"


def test_hidden_pictures_are_listed_and_opened_only_by_a_click_that_is_written_down(case: Case, reviewer: Any, chief: Any, client: Any) -> None:  # fmt: skip
    from server import pictures

    lease(reviewer, timezone.now())
    decide(reviewer, uuid4(), case.pk, "reject", timezone.now(), reason=8, words="a driver")
    sha256 = Picture.objects.filter(sighting__case=case).values_list("sha256", flat=True)[0]
    auditor = User.objects.create_user("he", role="auditor")
    for who in (chief, auditor):
        client.force_login(who)
        page = client.get("/review/faces/").content.decode()
        assert f"/review/faces/{sha256}" in page
        assert "a driver" in page
        assert "<img" not in page
        assert client.get(f"/review/faces/{sha256}").status_code == 405
        opened = client.post(f"/review/faces/{sha256}")
        assert "no-store" in opened["Cache-Control"]
        shown = opened.content.decode()
        assert b64decode(shown.split("data:image/jpeg;base64,")[1].split('"')[0])[:2] == b"\xff\xd8"
        assert ("/audit/erase" in shown, "/audit/erase" in page) == (who is auditor, who is auditor)
        assert all(sha256[:12] in text for text in (page, shown, client.get("/audit/").content.decode())), "one name everywhere"  # fmt: skip
        assert AuditRow.objects.filter(verb="hidden_opened", actor=who, object_id=str(case.pk)).count() == 1
    assert client.post(f"/review/faces/{'0' * 64}").status_code == 404
    other = Picture.objects.exclude(sighting__case=case).values_list("sha256", flat=True)[0]
    assert client.post(f"/review/faces/{other}").status_code == 404, "one that is not hidden is not opened here"
    pictures.path_of(sha256).unlink()
    assert f"/review/faces/{sha256}" not in client.get("/review/faces/").content.decode()
    undo(reviewer, timezone.now())
    assert "a driver" not in client.get("/review/faces/").content.decode()


def test_the_list_of_hidden_pictures_goes_on(case: Case, reviewer: Any, chief: Any, client: Any) -> None:
    now = timezone.now()
    for number in range(52):
        row = Verdict.objects.create(id=uuid4(), case=case, person=reviewer, answer="reject", reason=8, words=f"face {number:02d}")  # fmt: skip
        Verdict.objects.filter(id=row.pk).update(at=now - timedelta(minutes=number))
    client.force_login(chief)
    page = client.get("/review/faces/").content.decode()
    older = page.split("?before=")[1].split('"')[0]
    rest = client.get(f"/review/faces/?before={older}").content.decode()
    assert ("face 00" in page, "face 49" in page, "face 50" in page) == (True, True, False)
    assert ("face 49" in rest, "face 50" in rest, "face 51" in rest) == (False, True, True)
    assert client.get("/review/faces/?before=1e400").status_code == 200


@pytest.mark.parametrize("has_left", [False, True])
def test_neither_person_learns_of_the_other_on_the_cases_page_until_it_is_settled(has_left: bool, case: Case, reviewer: Any, li: Any, chief: Any, client: Any, sent: Any) -> None:  # fmt: skip
    def page_for(who: Any) -> str:
        client.force_login(who)
        return str(client.get(f"/cases/{case.number}/").content.decode())

    lease(reviewer, timezone.now(), 10)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), words="mine")
    if has_left:
        handed_over(case)
    alone = page_for(reviewer)
    answer(li, case, "reject")
    for who, other, said in ((reviewer, "li", "已驳回"), (li, "wang", "已确认为")):
        words = _text(page_for(who))
        assert other not in words.split()
        assert [each for each in (said, "有争议", "结论不一致") if each in words] == []
    assert _text(page_for(reviewer)) == _text(alone)
    settle(chief, Dispute.objects.get().pk, Outcome.SECOND, timezone.now())
    assert "已驳回" in page_for(reviewer)


def _text(html: str) -> str:
    """The words of a page's main part."""
    return " ".join(re.sub(r"<[^>]+>", " ", html.split("<main")[-1]).split())


def test_a_word_that_takes_a_case_back_is_asked_for_once_more_and_what_was_settled_is_said_where_it_was(case: Case, reviewer: Any, li: Any, chief: Any, client: Any, sent: Any) -> None:  # fmt: skip
    answer(reviewer, case, "confirm")
    handed_over(case)
    answer(li, case, "reject")
    dispute = Dispute.objects.get()
    client.force_login(chief)
    word = {"dispute": str(dispute.pk), "outcome": "second"}
    asked = client.post("/review/disputes/", word).content.decode()
    assert f"从城管撤回案件 {case.number}？" in asked
    assert 'name="sure" value="yes"' in asked
    assert f'name="dispute" value="{dispute.pk}"' in asked
    assert state_of(case)[0] == "handed_over"
    assert open_disputes(chief).exists()
    told = client.post("/review/disputes/", word | {"sure": "yes"}, follow=True)
    assert told.redirect_chain[-1][0] == f"/review/disputes/?settled={dispute.pk}#settled-now"
    assert state_of(case)[0] == "retracted"
    page = told.content.decode()
    article = page[page.index(f'aria-labelledby="dispute-{dispute.pk}"') :].split("</article>")[0]
    assert f"已裁定：案件 {case.number} 为“" in article
    assert "<button" not in article.split("</header>")[1].replace('<button type="button" data-turn', "")
    assert "is-settled" not in client.get("/review/disputes/").content.decode()


def test_a_word_that_keeps_a_case_is_taken_at_once_and_a_retraction_is_told_once(case: Case, reviewer: Any, li: Any, chief: Any, client: Any, sent: Any) -> None:  # fmt: skip
    answer(reviewer, case, "confirm")
    handed_over(case)
    answer(li, case, "reject")
    client.force_login(chief)
    client.post("/review/disputes/", {"dispute": str(Dispute.objects.get().pk), "outcome": "first"})
    assert not open_disputes(chief).exists()
    assert state_of(case)[0] == "handed_over"
    page = client.post(f"/cases/{case.number}/retract", {"because": "moot", "why": "cleared"}, follow=True).content.decode()  # fmt: skip
    assert page.count("撤回，并已告知") == 1
    assert page[page.index('<div class="told"') :].split("</div>")[0].count("<p>") == 1


def test_a_picture_without_a_face_is_shown_again_and_several_of_one_case_are_opened_and_erased_in_one_go(case: Case, reviewer: Any, chief: Any, client: Any) -> None:  # fmt: skip
    sighting = case.sightings.get()
    other = Picture.objects.exclude(sighting__case=case).get()
    Picture.objects.create(sighting=sighting, sha256=other.sha256, role="near", width=other.width, height=other.height, jpeg_bytes=1)  # fmt: skip
    lease(reviewer, timezone.now())
    decide(reviewer, uuid4(), case.pk, "reject", timezone.now(), reason=8)
    names = list(Picture.objects.filter(sighting__case=case).order_by("id").values_list("sha256", flat=True))
    assert not Picture.objects.filter(hidden_at=None).exists(), "the other case shows one of them, too"
    client.force_login(chief)
    assert client.get("/review/faces/").content.decode().count("全部打开") == 1
    shown = client.post(f"/review/faces/{names[0]}", {"picture": names}).content.decode()
    assert shown.count("data:image/jpeg;base64,") == 2
    assert AuditRow.objects.filter(verb="hidden_opened", actor=chief).count() == 2
    told = client.post("/review/faces/show", {"picture": names[1:]}, follow=True).content.decode()
    assert "已恢复显示 1 张" in told
    assert set(Picture.objects.filter(hidden_at=None).values_list("sha256", flat=True)) == {names[1]}
    assert {row.object_id for row in AuditRow.objects.filter(verb="hidden_shown", actor=chief)} == {str(case.pk), str(other.sighting.case_id)}  # fmt: skip
    assert "没有选中仍在隐藏的照片" in client.post("/review/faces/show", {"picture": names[1:]}, follow=True).content.decode()  # fmt: skip
    assert client.post("/audit/erase", {"picture": names}).status_code == 403
    Picture.objects.update(hidden_at=timezone.now())
    client.force_login(User.objects.create_user("he", role="auditor"))
    asked = client.post("/audit/erase", {"picture": names}).content.decode()
    assert "永久删除这 2 张照片？" in asked
    client.post("/audit/erase", {"picture": names, "sure": "yes", "why": "a passer-by"})
    rows = AuditRow.objects.filter(verb="pictures_erased", object_id=str(case.pk))
    assert {(row.detail["sha256"], row.detail["why"]) for row in rows} == {(name, "a passer-by") for name in names}
    client.post("/review/faces/show", {"picture": names})
    assert not Picture.objects.filter(hidden_at=None).exists(), "what is erased does not come back"
