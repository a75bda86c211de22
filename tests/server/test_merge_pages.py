"""What may be done to a case on its page: merge, split, reopen, hand over again; with a reason, for supervisors alone, and refusals told on the page."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from urllib.parse import quote_plus
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from sightings import LAT, LON, NOW

from calibration.geodesy import moved
from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.deeds import REOPENS
from server.cases.models import Case, Note, Sighting
from server.cases.parts import way_words
from server.cases.rules import MOVES, State
from server.city.models import Destination, Handover
from server.city.services import add_destination, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.review.services import decide
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db


@pytest.fixture
def chief(db: None) -> User:
    return User.objects.create_user("zhao", role="supervisor")


@pytest.fixture
def web(chief: User) -> Client:
    client = Client(headers={"accept-language": "en"})
    client.force_login(chief)
    return client


@pytest.fixture
def two(send: Any) -> list[Case]:
    """Two cases 20 m from each other."""
    for number in range(2):
        send(id=UUID(int=number + 1), east_m=20.0 * number, outbox=UUID(int=number + 1), seed=number)
    screen_new(NOW)
    return list(Case.objects.order_by("id"))


def test_a_merge_on_the_page_leads_to_the_case_that_stays_and_so_does_the_old_number(two: list[Case], web: Client) -> None:  # fmt: skip
    one, other = two
    decide(User.objects.create_user("li", role="reviewer"), uuid4(), other.pk, "confirm", timezone.now())
    answer = web.post(f"/cases/{other.number}/merge", {"into": f"#{one.number}", "sure": one.number, "why": "one heap"})
    assert answer.headers["Location"] == f"/cases/{one.number}/"
    for page in ("", "print/"):
        assert web.get(f"/cases/{other.number}/{page}").headers["Location"] == f"/cases/{one.number}/{page}"
    text = web.get(f"/cases/{one.number}/").content.decode()
    assert f"Case {other.number} was merged into this one" in text
    assert "Reason: one heap" in text
    assert f"Verdict: confirmed · to case {other.number}" in text


def test_an_officer_reads_what_became_of_a_case_merged_into_one_that_never_came(two: list[Case], web: Client) -> None:
    one, other = two
    town, _ = add_destination(one.city, "town-11", "https://city.example/hook", sandbox=False, allow_private=False)
    Case.objects.filter(pk=other.pk).update(state=State.HANDED_OVER, shadow=False)
    Handover.objects.create(case=other, destination=town, kind="case.confirmed", body={}, next_try_at=NOW, attempts=1, receipted_at=NOW, state="receipted")  # fmt: skip
    web.post(f"/cases/{other.number}/merge", {"into": one.number, "sure": one.number, "why": "one heap"})
    officer = Client(headers={"accept-language": "en"})
    officer.force_login(User.objects.create_user("officer", role="city", city=one.city))
    assert officer.get(f"/cases/{one.number}/").status_code == 404
    for page in ("", "print/"):
        told = officer.get(f"/cases/{other.number}/{page}", follow=True)
        assert told.redirect_chain[-1][0] == "/cases/"
        assert f"Case {other.number} was merged into another one, which was not handed over." in told_on_top(told)


def test_the_case_that_stays_tells_that_the_other_was_taken_back(two: list[Case], web: Client) -> None:
    """Inside and to the city, whose list had both."""
    one, other = two
    town, _ = add_destination(one.city, "town-11", "https://city.example/hook", sandbox=False, allow_private=False)
    now = timezone.now()
    Case.objects.update(state=State.HANDED_OVER, shadow=False)
    for case in two:
        Handover.objects.create(case=case, destination=town, kind="case.confirmed", body={}, next_try_at=now, attempts=1, receipted_at=now, state="receipted")  # fmt: skip
    web.post(f"/cases/{other.number}/merge", {"into": one.number, "sure": one.number, "why": "one heap"})
    officer = Client(headers={"accept-language": "en"})
    officer.force_login(User.objects.create_user("officer", role="city", city=one.city))

    def told(client: Client) -> str:
        return " ".join(re.sub(r"<[^>]+>", " ", client.get(f"/cases/{one.number}/").content.decode()).split())

    line = f"Case {other.number} was taken back from the city (merged into this one)"
    listed = f"To town-11: the retraction of case {other.number}, merged into this one,"
    for client in (web, officer):
        assert f"{listed} to be sent" in told(client)
        assert line not in told(client)
    Handover.objects.filter(kind="case.retracted").update(receipted_at=timezone.now(), state="receipted")
    for client in (web, officer):
        assert f"{listed} received" in told(client)
        assert line in told(client)
    assert f"Case {other.number} was merged into case {one.number}." in told_on_top(officer.get(f"/cases/{other.number}/", follow=True))  # fmt: skip


@pytest.mark.parametrize(("into", "why", "words"), [("99", "x", "no case with this number"), ("x", "x", "no case with this number"), ("²", "x", "no case with this number"), ("", "x", "no case with this number"),
                                                    ("2", " ", "Write a reason"), ("1", "x", "one case already"), ("9" * 40, "x", "no case with this number")])  # fmt: skip
def test_a_merge_that_cannot_be_is_told_on_the_page(two: list[Case], web: Client, into: str, why: str, words: str) -> None:  # fmt: skip
    answer = web.post(f"/cases/{two[0].number}/merge", {"into": into, "why": why})
    assert answer.status_code == 409
    assert re.search(rf'role="alert">[^<]*{words}', answer.content.decode())
    assert not Case.objects.filter(state="merged").exists()


def test_a_split_on_the_page(two: list[Case], web: Client) -> None:
    one, other = two
    web.post(f"/cases/{other.number}/merge", {"into": one.number, "sure": one.number, "why": "one heap"})
    page = web.get(f"/cases/{one.number}/").content.decode()
    assert set(re.findall(r'name="sighting" value="([^"]+)"', page)) == {str(UUID(int=1)), str(UUID(int=2))}
    for chosen, words in (([], "Choose sightings"), (["nonsense"], "Choose sightings"), ([str(UUID(int=1)), str(UUID(int=2))], "Leave at least one")):  # fmt: skip
        answer = web.post(f"/cases/{one.number}/split", {"sighting": chosen, "why": "two things"})
        assert (answer.status_code, words in answer.content.decode()) == (409, True)
    answer = web.post(f"/cases/{one.number}/split", {"sighting": [str(UUID(int=2))], "why": "two things"})
    assert answer.headers["Location"] == f"/cases/{other.number}/"
    back = web.get(f"/cases/{other.number}/").content.decode()
    assert "Split off from case 1, under its old number again" in back
    assert "State: merged → to review" in back
    assert f"some sightings are case {other.number} now" in web.get("/cases/1/").content.decode()


def test_the_lines_of_a_split_can_be_told_apart(two: list[Case], web: Client) -> None:
    one, other = two
    web.post(f"/cases/{other.number}/merge", {"into": one.number, "sure": one.number, "why": "one heap"})
    Sighting.objects.filter(id=UUID(int=2)).update(category="waste_pile")
    page = web.get(f"/cases/{one.number}/").content.decode()
    lines = {}
    for line in re.findall(r'<label class="pick">(.*?)</label>', page, re.S):
        lines[re.search(r'value="([^"]+)"', line)[1]] = line  # type: ignore[index]
    for number, seen_as, where in ((1, "Bagged garbage left on the kerb", "in the middle of the case"), (2, "Accumulated waste, rubble or muck", "20 m east of the middle")):  # fmt: skip
        line = lines[str(UUID(int=number))]
        sha256 = Sighting.objects.get(id=UUID(int=number)).pictures.get().sha256
        assert f'<img src="/pictures/{sha256}.jpg"' in line
        assert '<rect class="inner"' in line
        assert re.search(r'title="2026-11-02 10:00:00 [A-Z+0-9]+">2026-11-02 10:00<', line)
        words = " ".join(re.sub(r"<[^>]+>", " ", line).split())
        assert words == f"{seen_as} · {where} 2026-11-02 10:00 · TY-01"
    Sighting.objects.get(id=UUID(int=2)).pictures.update(hidden_at=NOW)
    page = web.get(f"/cases/{one.number}/").content.decode()
    assert page.count('class="no-part') == 1


@pytest.mark.parametrize(("way", "words"), [((0, 0.2), "in the middle of the case"), ((0, 3), "3.0 m north of the middle"), ((3, 3), "4.2 m north-east of the middle"), ((-20, 1), "20 m west of the middle"),
                                            ((-5, -5), "7.1 m south-west of the middle"), ((1, -9), "9.1 m south of the middle")])  # fmt: skip
def test_a_way_is_told_by_metres_and_direction(way: tuple[float, float], words: str) -> None:
    with translation.override("en"):
        assert way_words(LAT, LON, *moved(LAT, LON, *way)) == words
    with translation.override("zh-hans"):
        assert "案件中心" in way_words(LAT, LON, *moved(LAT, LON, *way))


def test_where_the_city_was_told_another_place_the_page_says_so(two: list[Case], web: Client) -> None:
    """No message says that a case has moved: the contract knows a case and its retraction."""
    one = two[0]
    town = Destination.objects.create(city=one.city, name="town", url="http://town/", secret_file="s")
    Case.objects.filter(id=one.pk).update(state=State.HANDED_OVER)
    place = {"lat": one.lat_deg, "lon": one.lon_deg, "crs": "WGS-84"}
    Handover.objects.create(case=one, destination=town, kind="case.confirmed", body={"place": place}, next_try_at=NOW, state="receipted", receipted_at=NOW)  # fmt: skip
    address = f"/cases/{one.number}/"
    assert "told-elsewhere" not in web.get(address).content.decode()
    Case.objects.filter(id=one.pk).update(lon_deg=moved(one.lat_deg, one.lon_deg, 10.0, 0.0)[1])
    assert "Told as 10 m west of the middle" in web.get(address).content.decode()
    Handover.objects.update(ended_at=NOW)
    assert "told-elsewhere" not in web.get(address).content.decode()


def test_of_cases_that_lie_apart_both_are_shown_and_it_is_asked_once_more(two: list[Case], web: Client) -> None:
    one, other = two
    address = f"/cases/{other.number}/merge"
    asked = web.post(address, {"near": one.number, "into": "", "why": "one <heap>"})
    page = asked.content.decode()
    assert asked.status_code == 200
    assert "Case 2 and case 1 lie 20 m apart" in page
    assert page.count('<svg class="both"') == 2
    assert "one &lt;heap&gt;</textarea>" in page
    assert not Case.objects.filter(state="merged").exists()
    assert not Note.objects.exists()
    fields = dict(re.findall(r'<input type="hidden" name="(into|sure)" value="([^"]*)"', page))
    assert web.post(address, {**fields, "sure": "7", "why": "one heap"}).status_code == 200, "sure of another one"
    assert web.post(address, {**fields, "why": "one heap"}).headers["Location"] == "/cases/1/"


def test_cases_that_fit_are_merged_at_once(two: list[Case], web: Client) -> None:
    Case.objects.filter(id=two[1].pk).update(lat_deg=two[0].lat_deg, lon_deg=moved(LAT, LON, 4.0, 0.0)[1])
    assert web.post("/cases/2/merge", {"into": "1", "why": "one heap"}).headers["Location"] == "/cases/1/"


def test_the_form_lists_what_is_near_of_the_same_kind_with_picture_and_way(two: list[Case], web: Client, send: Any) -> None:  # fmt: skip
    send(id=UUID(int=7), east_m=300.0, outbox=UUID(int=7))
    send(id=UUID(int=8), east_m=5.0, outbox=UUID(int=8), category="waste_pile")
    page = web.get("/cases/1/").content.decode()
    form = page.split('action="/cases/1/merge"')[1].split("</form>")[0]
    assert re.findall(r'type="radio" name="near" value="(\d*)"', form) == ["2", ""]
    assert "20 m east of this one" in form
    assert form.count('<svg class="part"') == 1
    lonely = web.get("/cases/3/").content.decode().split('action="/cases/3/merge"')[1].split("</form>")[0]
    assert 'type="radio"' not in lonely
    assert re.search(r'<input name="into"[^>]* required>', lonely)


def test_what_is_near_costs_the_page_the_same_however_many_there_are(two: list[Case], web: Client, send: Any) -> None:
    def asked() -> int:
        with CaptureQueriesContext(connection) as seen:
            assert web.get("/cases/1/").status_code == 200
        return len(seen.captured_queries)

    one = asked()
    for number in range(3):
        send(id=UUID(int=20 + number), north_m=20.0 + 15 * number, outbox=UUID(int=20 + number), seed=20 + number)
    assert web.get("/cases/1/").content.decode().count('type="radio" name="near"') == 5
    assert asked() <= one


def test_one_chosen_and_another_written_is_no_choice(two: list[Case], web: Client) -> None:
    answer = web.post("/cases/1/merge", {"near": "2", "into": "3", "why": "x"})
    assert (answer.status_code, "leave only one of both" in answer.content.decode()) == (409, True)


def told_on_top(page: Any) -> str:
    found = re.search(r'<div class="told" role="status">(.*?)</div>', page.content.decode(), re.S)
    return found[1] if found else ""


def test_what_was_done_is_said_on_top_once(two: list[Case], web: Client, send: Any) -> None:
    one, other = two

    def done(deed: str, number: int = one.number, **form: Any) -> str:
        words = told_on_top(web.post(f"/cases/{number}/{deed}", {"why": "x", **form}, follow=True))
        assert told_on_top(web.get(f"/cases/{one.number}/")) == "", "once"
        return words

    assert "The note was added." in done("note", words="by the gate")
    assert "The note was struck out." in done("note", strike=Note.objects.get().pk)
    assert "Case 2 was merged into case 1." in done("merge", other.number, into=one.number, sure=one.number)
    assert "Case 2 was merged into case 1." in told_on_top(web.get(f"/cases/{other.number}/", follow=True))
    split = done("split", sighting=[str(UUID(int=2))])
    assert '<a href="/cases/1/">This case was split off; the rest stays in case 1.</a>' in split
    Case.objects.filter(id=one.pk).update(state=State.REJECTED)
    assert "The case waits to be reviewed again." in done("reopen")
    Case.objects.filter(id=one.pk).update(state=State.FIXED)
    assert "The city will be told that it is still there." in done("reopen")


def test_the_reason_of_a_split_stands_in_both_histories(two: list[Case], web: Client) -> None:
    web.post("/cases/2/merge", {"into": 1, "sure": 1, "why": "one heap"})
    web.post("/cases/1/split", {"sighting": [str(UUID(int=2))], "why": "two heaps after all"})
    for number in (1, 2):
        assert "Reason: two heaps after all" in web.get(f"/cases/{number}/").content.decode()


def test_the_way_back_to_the_list_keeps_what_it_was_asked_for(two: list[Case], web: Client) -> None:
    def back() -> str:
        return re.search(r'href="(/cases/\?[^"]*)">.{0,60}Back to the list', web.get("/cases/1/").content.decode())[1]  # type: ignore[index]

    assert back() == "/cases/?"
    web.get("/cases/?state=queued&category=bagged_garbage&before=9&nonsense=1")
    web.post("/cases/1/note", {"words": "a deed in between"})
    assert back() == "/cases/?state=queued&amp;category=bagged_garbage&amp;before=9"
    web.get("/cases/", {"q": "桃园 pothole"})
    assert back() == "/cases/?q=" + quote_plus("桃园 pothole"), "a search too"
    web.get("/cases/")
    assert back() == "/cases/?"


def test_where_a_case_lies_and_how_well_that_is_known_stand_apart(two: list[Case], web: Client) -> None:
    assert re.search(r'</span> <span class="small">· [^±·]*±', web.get("/cases/1/").content.decode())


def test_every_reopening_is_a_move_of_the_table() -> None:
    assert all(new in MOVES[old] for old, new in REOPENS.items())


@pytest.mark.parametrize("state", State)
def test_reopening_moves_what_it_may_and_refuses_the_rest(two: list[Case], web: Client, chief: User, state: State) -> None:  # fmt: skip
    case = two[0]
    Case.objects.filter(id=case.pk).update(state=state, merged_into=two[1] if state == State.MERGED else None)
    answer = web.post(f"/cases/{case.number}/reopen", {"why": "seen it myself"})
    case.refresh_from_db()
    if state in REOPENS:
        assert (answer.status_code, case.state) == (302, REOPENS[state])
        assert Note.objects.get().words == "seen it myself"
        assert AuditRow.objects.filter(verb="case_moved", actor=chief, object_id=str(case.pk)).count() == 1
    else:
        assert (answer.status_code, case.state) == (409, state)
        assert not Note.objects.exists()


def test_a_reopened_rejection_comes_to_the_queue_again(two: list[Case], web: Client, reviewer: User) -> None:
    from server.review.services import lease

    decide(reviewer, uuid4(), two[0].pk, "reject", timezone.now(), reason=1)
    li = User.objects.create_user("li", role="reviewer")
    assert two[0] not in lease(li, timezone.now())
    web.post(f"/cases/{two[0].number}/reopen", {"why": "it is there"})
    assert two[0] in lease(User.objects.create_user("sun", role="reviewer"), timezone.now())


def test_handing_over_again_reaches_what_lacks_the_case_and_hurries_what_waits(two: list[Case], web: Client, reviewer: User, settings: Any, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    settings.GRACE_S = 0
    case, up = two[0], {"a": True, "b": True}
    monkeypatch.setattr("server.city.services.send", lambda url, *_: Answer(True, "CG-1") if up[url[-1]] else Answer(False, error="503"))  # fmt: skip

    def is_offered() -> bool:
        return f'action="/cases/{case.number}/hand-over"' in web.get(f"/cases/{case.number}/").content.decode()

    add_destination(case.city, "one", "https://city.example/a", sandbox=True, allow_private=False)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    assert not is_offered(), "it leaves by itself"
    prepare_handovers(timezone.now())
    send_due(timezone.now())
    case.refresh_from_db()
    assert case.state == "handed_over"
    assert not is_offered(), "every destination has it"
    answer = web.post(f"/cases/{case.number}/hand-over", {"why": "again"})
    assert (answer.status_code, "nothing to hand over" in answer.content.decode()) == (409, True)
    assert not Note.objects.exists()
    # A second destination comes, and does not answer.
    second, _ = add_destination(case.city, "two", "https://city.example/b", sandbox=True, allow_private=False)
    up["b"] = False
    assert is_offered(), "one lacks it"
    assert web.post(f"/cases/{case.number}/hand-over", {"why": "new address"}).status_code == 302
    assert not is_offered(), "it is about to be sent"
    send_due(timezone.now() + timedelta(seconds=1))
    waiting = Handover.objects.get(destination=second)
    Handover.objects.filter(id=waiting.pk).update(next_try_at=timezone.now() + timedelta(hours=5))
    up["b"] = True
    assert is_offered(), "a try failed"
    assert web.post(f"/cases/{case.number}/hand-over", {"why": "it is up again"}).status_code == 302
    assert AuditRow.objects.get(verb="handover_hurried").actor is not None
    send_due(timezone.now() + timedelta(seconds=1))
    waiting.refresh_from_db()
    assert waiting.receipted_at
    assert Handover.objects.filter(case=case).count() == 2
    Destination.objects.update(enabled=False)
    assert not is_offered()
    assert web.post(f"/cases/{case.number}/hand-over", {"why": "x"}).status_code == 409


@pytest.mark.parametrize("role", ["reviewer", "city", "auditor", "admin", "fleet"])
def test_deeds_are_for_supervisors_and_others_have_no_form(two: list[Case], role: str) -> None:
    client = Client()
    client.force_login(User.objects.create_user("someone", role=role))
    for deed in ("merge", "split", "reopen", "hand-over"):
        assert client.post(f"/cases/{two[0].number}/{deed}", {"why": "x", "into": "2"}).status_code == 403
    page = client.get(f"/cases/{two[0].number}/").content.decode()
    assert 'id="deeds"' not in page
    assert Sighting.objects.filter(by_hand=True).count() == 0


def test_a_form_needs_its_token(two: list[Case], chief: User) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(chief)
    for deed in ("merge", "split", "reopen", "hand-over", "note"):
        assert client.post(f"/cases/{two[0].number}/{deed}", {"why": "x"}).status_code == 403


def test_who_may_be_given_a_decided_case_as_new_learns_nothing_of_it(two: list[Case], reviewer: User, settings: Any) -> None:  # fmt: skip
    """A second look is blind: also on the case's page, its sheet, and to who is not the first person."""
    from server.review.models import Look, Verdict
    from server.review.rules import LookKind

    case = two[0]
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), visible_ms=3000)
    Look.objects.all().delete()
    Look.objects.create(case=case, city=case.city, kind=LookKind.SECOND, about=Verdict.objects.get(), first_person=reviewer, made_at=timezone.now())  # fmt: skip
    li = User.objects.create_user("li", role="reviewer")
    client = Client(headers={"accept-language": "en"})
    for person, knows in ((li, False), (reviewer, True), (User.objects.create_user("zhao", role="supervisor"), True)):
        client.force_login(person)
        for page in ("", "print/"):
            text = " ".join(re.sub(r"<[^>]+>", " ", client.get(f"/cases/{case.number}/{page}").content.decode().split("<main")[1]).split())  # fmt: skip
            assert ("Verdict" in text or "to review → confirmed" in text) is knows, (person, page)
            assert ("confirmed" in text) is knows, (person, page)
