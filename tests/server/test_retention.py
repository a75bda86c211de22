"""Pictures that were kept long enough go, with a row for each; what another case still needs stays."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW, jpeg

from server import pictures
from server.accounts.models import User
from server.audit.models import AuditRow
from server.cases.models import Case, Picture
from server.cases.rules import State
from server.keeping.hidden import Gone, gone_of, picture_numbers
from server.keeping.models import Erasure
from server.keeping.rules import Kept, Rule
from server.keeping.services import AGAIN, Eraser, due_pictures
from server.review.services import decide
from server.screening.services import screen_new
from trikeye import main

pytestmark = pytest.mark.django_db


def names(case: Case) -> set[str]:
    return set(Picture.objects.filter(sighting__case=case).values_list("sha256", flat=True))


def is_there(case: Case) -> bool:
    return all(pictures.path_of(name).exists() for name in names(case))


def put(case: Case, state: State, days_ago: float) -> Case:
    Case.objects.filter(pk=case.pk).update(state=state, state_at=timezone.now() - timedelta(days=days_ago))
    return Case.objects.get(pk=case.pk)


def run_through(eraser: Eraser, now: datetime) -> int:
    done = 0
    while step := eraser.erase_old(now):
        done += step
    return done


@pytest.fixture
def three(send: Any) -> list[Case]:
    """Three cases, each with a picture of its own."""
    for number in range(3):
        send(east_m=60.0 * number, seed=number, picture=jpeg(number))
    return list(Case.objects.order_by("id"))


def test_how_long_each_kind_is_kept() -> None:
    kept = Kept(30, 0, 7)
    assert kept.since(Rule.REJECTED, NOW) == NOW - timedelta(days=30)
    assert kept.since(Rule.CONFIRMED, NOW) is None
    assert kept.since(Rule.FACE, NOW) == NOW - timedelta(days=7)


@pytest.mark.parametrize("state", State)
def test_each_state_has_its_time_and_what_waits_for_somebody_stays(send: Any, state: State) -> None:
    send(picture=jpeg(1))
    case = Case.objects.get()
    long = {State.REJECTED: 30, State.SET_ASIDE: 30, State.CONFIRMED: 365, State.HANDED_OVER: 365, State.ACCEPTED: 365, State.FIXED: 365, State.VERIFIED: 365, State.RETRACTED: 365}  # fmt: skip
    put(case, state, long.get(state, 5000) - 0.5)
    run_through(Eraser(), timezone.now())
    assert is_there(case)
    put(case, state, long.get(state, 5000) + 0.5)
    run_through(Eraser(), timezone.now())
    assert is_there(case) == (state not in long)


def test_an_erased_picture_leaves_a_row_an_audit_row_and_words_in_its_place(three: list[Case], reviewer: Any) -> None:
    old, fresh, _ = three
    put(old, State.REJECTED, 31)
    put(fresh, State.REJECTED, 29)
    eraser, now = Eraser(), timezone.now()
    assert run_through(eraser, now) >= 1
    assert not is_there(old)
    assert is_there(fresh)
    row = Erasure.objects.get(case=old)
    assert ({row.sha256}, row.rule, row.at) == (names(old), "rejected", now)
    audit = AuditRow.objects.get(verb="pictures_erased")
    assert (audit.kind, audit.object_id, audit.detail) == ("case", str(old.pk), {"count": 1, "rule": "rejected"})
    web = Client(headers={"Accept-Language": "en"})
    web.force_login(reviewer)
    shown = web.get(f"/pictures/{row.sha256}.jpg")
    assert shown["Content-Type"] == "image/svg+xml"
    assert f"erased on {timezone.localtime(now):%Y-%m-%d}" in shown.content.decode()
    words = "1 of 1 pictures erased on"
    assert [words in web.get(f"/cases/{case.number}/").content.decode() for case in (old, fresh)] == [True, False]
    assert run_through(eraser, now + AGAIN) == run_through(Eraser(), now)
    assert Erasure.objects.count() == 1


def test_a_picture_that_another_case_needs_waits_for_that_case(send: Any) -> None:
    send()
    send(east_m=60.0)
    first, second = Case.objects.order_by("id")
    assert names(first) == names(second)
    put(first, State.REJECTED, 31)
    run_through(Eraser(), timezone.now())
    assert is_there(first)
    assert not Erasure.objects.exists()
    put(second, State.CONFIRMED, 366)
    run_through(Eraser(), timezone.now())
    assert not is_there(first)
    assert set(Erasure.objects.values_list("case", "rule")) == {(first.pk, "rejected"), (second.pk, "confirmed")}


def test_a_face_goes_after_its_time_or_by_the_auditors_hand(three: list[Case], reviewer: Any, settings: Any) -> None:
    screen_new(NOW)
    first, second, third = Case.objects.order_by("id")
    for case in (first, second):
        decide(reviewer, uuid4(), case.pk, "reject", timezone.now(), reason=8)
    run_through(Eraser(), timezone.now() + timedelta(days=29))
    assert is_there(first)
    auditor = User.objects.create_user("auditor", role="auditor")
    web = Client(headers={"Accept-Language": "en"})
    web.force_login(auditor)
    (name,) = names(first)
    assert name[:12] in web.get("/audit/").content.decode()
    assert web.post("/audit/erase", {"picture": next(iter(names(third)))}).status_code == 404
    asked = web.post("/audit/erase", {"picture": name, "back": "review_faces"})
    assert "Erase this picture for good?" in asked.content.decode()
    assert is_there(first), "one click erases nothing"
    word = {"picture": name, "back": "review_faces", "sure": "yes"}
    assert web.post("/audit/erase", word | {"why": " "}).status_code == 400
    assert is_there(first), "without a reason nothing is erased"
    done = web.post("/audit/erase", word | {"why": "her face is clear"}, follow=True)
    assert done.redirect_chain == [("/review/faces/", 302)]
    assert f"Erased for good: picture 1 of case {first.number}." in done.content.decode()
    assert (is_there(first), is_there(second), is_there(third)) == (False, True, True)
    row = AuditRow.objects.get(verb="pictures_erased")
    assert (row.actor, row.detail) == (
        auditor,
        {"count": 1, "rule": "face", "sha256": name, "why": "her face is clear"},
    )
    assert "1 of 1 pictures erased by the auditor on" in web.get(f"/cases/{first.number}/").content.decode()
    assert "by the auditor" in web.get(f"/pictures/{name}.jpg").content.decode()
    settings.KEEP_REJECTED_DAYS = 0
    run_through(Eraser(), timezone.now() + timedelta(days=31))
    assert (is_there(second), is_there(third)) == (False, True)
    assert "svg" in web.get(f"/pictures/{name}.jpg")["Content-Type"]


def test_a_case_tells_apart_what_the_auditor_erased_and_what_the_rules_did(three: list[Case]) -> None:
    case, now = three[0], timezone.now()
    sighting = case.sightings.get()
    for number in (1, 2):
        Picture.objects.create(sighting=sighting, sha256=str(number) * 64, role="near", width=8, height=8, jpeg_bytes=1)
    auditor = User.objects.create_user("auditor", role="auditor")
    Erasure.objects.create(sha256="1" * 64, case=case, at=now, rule="face", by=auditor)
    Erasure.objects.create(sha256="2" * 64, case=three[1], at=now, rule="rejected")  # before it was merged
    day = timezone.localdate(now)
    assert gone_of(case) == [Gone(1, 3, day, False), Gone(1, 3, day, True)]
    assert gone_of(three[2]) == []
    assert picture_numbers([case.pk])[case.pk, "2" * 64] == 3


def test_what_was_cut_short_is_done_again(three: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    put(three[0], State.REJECTED, 31)
    with monkeypatch.context() as broken:
        broken.setattr("server.keeping.services.record", lambda *_, **__: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            run_through(Eraser(), timezone.now())
    assert not is_there(three[0])
    assert not Erasure.objects.exists()
    run_through(Eraser(), timezone.now())
    assert Erasure.objects.count() == 1


def test_rules_that_are_switched_off_erase_nothing(three: list[Case], settings: Any) -> None:
    settings.KEEP_REJECTED_DAYS = settings.KEEP_CONFIRMED_DAYS = settings.KEEP_FACE_DAYS = 0
    put(three[0], State.REJECTED, 5000)
    put(three[1], State.VERIFIED, 5000)
    assert run_through(Eraser(), timezone.now()) == 0
    assert all(map(is_there, three))


def test_the_command_says_what_would_go_and_then_lets_it_go(three: list[Case], capsys: Any) -> None:
    put(three[0], State.REJECTED, 31)
    put(three[1], State.FIXED, 366)
    assert main(["server", "retention", "--dry-run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["pictures"] == {"rejected": 1, "confirmed": 1, "face": 0}
    assert told["bytes"] > 0
    assert all(map(is_there, three))
    assert main(["server", "retention"]) == 0
    assert [is_there(case) for case in three] == [False, False, True]
    assert main(["server", "retention", "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["pictures"] == {"rejected": 0, "confirmed": 0, "face": 0}  # fmt: skip


def test_each_look_is_along_an_index_and_by_lots(
    three: list[Case], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lots of one: the walk goes on where it stopped, also among rows of the same instant."""
    monkeypatch.setattr("server.keeping.services.CASES_AT_ONCE", 1)
    monkeypatch.setattr("server.keeping.services.PICTURES_AT_ONCE", 1)
    Case.objects.update(state="rejected", state_at=timezone.now() - timedelta(days=31))
    Picture.objects.update(hidden_at=timezone.now() - timedelta(days=31))
    with CaptureQueriesContext(connection) as queries:
        lots = list(due_pictures(timezone.now()))
    assert [(lot[0].rule, lot[0].case_id) for lot in lots] == [(rule, case.pk) for rule in ("face", "rejected") for case in three]  # fmt: skip
    looks = [each["sql"] for each in queries if each["sql"].endswith("LIMIT 1")]
    assert len(looks) > 6
    with connection.cursor() as cursor:
        for look in looks:
            plan = str(cursor.execute(f"EXPLAIN QUERY PLAN {look}").fetchall())
            assert "INDEX case_state (" in plan or "INDEX picture_hidden (" in plan
            assert "SCAN" not in plan
