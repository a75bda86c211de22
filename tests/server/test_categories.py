"""Live and in shadow: what a city must never get, and what lets a category leave."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from argparse import Namespace
from collections.abc import Callable
from datetime import datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.apps import apps
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from sightings import NOW, message

from models.contract import encode, topic
from models.taxonomy import CATEGORIES
from server import command_category
from server.accounts.models import User
from server.accounts.services import cases_for
from server.audit.models import AuditRow
from server.cases.models import Case
from server.cases.rules import State
from server.categories import services
from server.categories.models import CategoryStanding
from server.categories.rules import Proof, Standing, wilson
from server.categories.services import (
    NotAllowed,
    adopt,
    begin,
    make_live,
    make_shadow,
    make_trial,
    measured,
    proofs,
    put_back,
)
from server.city.models import Handover
from server.city.services import _prepare, add_destination, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.dashboard.services import at_risk, overdue
from server.fleet.models import City
from server.fleet.services import city_by_key
from server.intake.services import take_sighting
from server.review.counts import Counts, queue_counts
from server.review.models import Verdict
from server.review.services import decide, lease, undo
from server.screening.services import screen_new

pytestmark = pytest.mark.django_db(transaction=True)

SHADOWED, OTHER = "facade_dirty", "waste_pile"


@pytest.fixture
def chief(db: None) -> User:
    """A supervisor."""
    return User.objects.create_user("zhao", password="a long password", role="supervisor")


@pytest.fixture
def city(db: None) -> City:
    """A new city: it begins as the shipped pack was measured."""
    return city_by_key("taiyuan")


@pytest.fixture
def send(vehicle: Any) -> Callable[..., Any]:
    """Hand one message to intake, now: here it matters what came before what."""

    def deliver(**changes: Any) -> Any:
        sighting = message(**changes)
        return take_sighting(topic(sighting.vehicle, "sighting"), encode(sighting), timezone.now())

    return deliver


class Post:
    """Every city says what `answer` is; what arrived is kept: (address, kind, case, standing of its category at that instant)."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, int, str]] = []
        self.answer = Answer(True, "CG-1")
        self.meanwhile: Any = None

    def __call__(self, url: str, secret: str, message_id: str, body: Any, allow_private: bool, now: datetime) -> Answer:
        case = Case.objects.get(number=body["data"]["case_number"])
        row = CategoryStanding.objects.filter(city=case.city, category=case.category).first()
        self.sent.append((url.rsplit("/", 1)[1], body["type"], case.pk, row.standing if row else "shadow"))
        if self.meanwhile:
            self.meanwhile()
        return self.answer

    def kinds(self, town: str = "town") -> list[str]:
        return [kind for name, kind, *_ in self.sent if name == town]


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Post:
    settings.GRACE_S = 0
    post = Post()
    monkeypatch.setattr("server.city.services.send", post)
    return post


def towns(city: City) -> None:
    """A real city and a sandbox."""
    add_destination(city, "town", "http://127.0.0.1:9/town", sandbox=False, allow_private=True)
    add_destination(city, "box", "http://127.0.0.1:9/box", sandbox=True, allow_private=True)


def work(after_s: float = 0.0) -> None:
    now = timezone.now() + timedelta(seconds=after_s)
    prepare_handovers(now)
    send_due(now)


def a_case(send: Any, category: str = SHADOWED, number: int = 1, origin: str = "camera") -> Case:
    send(category=category, origin=origin, outbox=UUID(int=number), east_m=60.0 * number)
    screen_new(timezone.now())
    return Case.objects.order_by("-id")[0]


def proven(monkeypatch: pytest.MonkeyPatch, *categories: str) -> None:
    """Reviewers have shown these categories to be good."""
    monkeypatch.setattr(services, "proofs", lambda city, among: dict.fromkeys(categories, Proof(95, 5)))


def put_by_hand(city: City, category: str, standing: Standing, person: User) -> None:
    {Standing.LIVE: make_live, Standing.SHADOW: make_shadow}[standing](city, category, person, timezone.now())


# What a city must never get


class Street:
    """Things that happen to two categories of a city, drawn by lot; what each case was last confirmed as is kept."""

    ACTS = ("see", "see again", "confirm", "confirm", "confirm", "undo", "live", "live", "shadow", "back", "trial", "work", "work", "down", "up", "on its way")  # fmt: skip

    def __init__(self, seed: int, city: City, send: Any, post: Post, reviewer: User, chief: User) -> None:
        self.draw, self.city, self.send, self.post, self.reviewer, self.chief = (
            random.Random(seed),
            city,
            send,
            post,
            reviewer,
            chief,
        )
        self.confirmed_as: dict[int, str] = {}
        self.seen: list[str] = []

    def act(self) -> None:
        act, category = self.draw.choice(self.ACTS), self.draw.choice([SHADOWED, OTHER])
        if act == "see":
            self.seen.append(category)
            a_case(self.send, category, len(self.seen))
        elif act == "see again" and self.seen:
            number = self.draw.randrange(len(self.seen))
            a_case(self.send, self.seen[number], number + 1)
        elif act == "confirm":
            self.confirm()
        elif act == "undo":
            undo(self.reviewer, timezone.now(), "the wrong place")
        elif act in ("live", "shadow"):
            put_by_hand(self.city, category, Standing(act), self.chief)
        elif act == "back":
            if (
                CategoryStanding.objects.filter(city=self.city, category=category, standing="shadow")
                .exclude(before="")
                .exists()
            ):
                put_back(self.city, category, self.chief, timezone.now(), "as it was")
        elif act == "trial":
            CategoryStanding.objects.filter(city=self.city, category=category).update(person=None)
            make_trial(self.city, [category], timezone.now())
        elif act == "work":
            work(self.draw.choice([0, 90_000]))
        elif act in ("down", "up"):
            self.post.answer = Answer(False, error="HTTP 503") if act == "down" else Answer(True, "CG-1")
        elif act == "on its way":
            self.post.meanwhile = lambda: make_shadow(self.city, category, self.chief, timezone.now())
            work()
            self.post.meanwhile = None

    def confirm(self) -> None:
        for shadow in (False, True):
            for card in lease(self.reviewer, timezone.now(), 2, shadow=shadow):
                answer = self.draw.choice(["confirm", "confirm", "confirm", "reject"])
                if decide(self.reviewer, uuid4(), card.pk, answer, timezone.now(), reason=4).result == "counted":
                    row = CategoryStanding.objects.get(city=self.city, category=card.category)
                    self.confirmed_as[card.pk] = row.standing if answer == "confirm" else "rejected"


@pytest.mark.parametrize("seed", range(10))
def test_whatever_happens_in_whatever_order_nothing_in_shadow_is_handed_over(
    seed: int, send: Any, post: Post, reviewer: User, chief: User, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each message is judged at the instant it leaves: by how its category stands then, and stood when the case was last confirmed."""
    towns(city)
    proven(monkeypatch, SHADOWED, OTHER)
    street = Street(seed, city, send, post, reviewer, chief)
    out = ("live", "trial")
    allowed = {"town": {("live", "live")}, "box": {(now, then) for now in out for then in out}}
    judged = 0

    def judge() -> None:
        nonlocal judged
        for town, kind, case, standing in post.sent[judged:]:
            if kind == "case.confirmed":
                assert (standing, street.confirmed_as[case]) in allowed[town]
        judged = len(post.sent)

    for _ in range(60):
        street.act()
        judge()
    post.answer = Answer(True)
    for day in range(1, 5):
        work(86_400.0 * day)
        judge()
    for case in Case.objects.filter(shadow=True, state=State.CONFIRMED):
        left = [kind for town, kind, pk, _ in post.sent if pk == case.pk and town == "town"]
        assert left.count("case.retracted") >= 1 or not left


def test_a_case_confirmed_in_shadow_stays_when_its_category_goes_live_and_comes_back_when_seen_again(
    send: Any, post: Post, reviewer: User, chief: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_case(send)
    towns(case.city)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    work()
    proven(monkeypatch, SHADOWED)
    put_by_hand(case.city, SHADOWED, Standing.LIVE, chief)
    work(60.0)
    case.refresh_from_db()
    assert (post.sent, case.state, case.shadow) == ([], "confirmed", True)
    send(category=SHADOWED, origin="camera", outbox=UUID(int=99), east_m=60.0)
    case.refresh_from_db()
    assert (case.state, case.shadow, case.sightings_count) == ("queued", False, 2)
    assert [each.pk for each in lease(reviewer, timezone.now())] == [case.pk]
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    work(60.0)
    assert post.kinds() == ["case.confirmed"]


def test_undecided_cases_go_with_their_category(
    send: Any, reviewer: User, chief: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_case(send)
    assert (case.shadow, lease(reviewer, NOW)) == (True, [])
    proven(monkeypatch, SHADOWED)
    put_by_hand(case.city, SHADOWED, Standing.LIVE, chief)
    assert [each.pk for each in lease(reviewer, timezone.now())] == [case.pk]
    put_by_hand(case.city, SHADOWED, Standing.SHADOW, chief)
    assert queue_counts(reviewer, timezone.now()) == Counts(waiting=0, in_shadow=1, with_others=0, mine_today=0)


def test_what_waits_to_leave_is_held_back_and_what_was_tried_is_retracted(
    send: Any, post: Post, reviewer: User, chief: User
) -> None:
    cases = [a_case(send, "bagged_garbage", number) for number in (1, 2)]
    towns(cases[0].city)
    decide(reviewer, uuid4(), cases[0].pk, "confirm", timezone.now())
    post.answer = Answer(False, error="HTTP 503")
    work()
    decide(reviewer, uuid4(), cases[1].pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    put_by_hand(cases[0].city, "bagged_garbage", Standing.SHADOW, chief)
    post.answer = Answer(True)
    before = len(post.sent)
    for day in range(1, 4):
        work(86_400.0 * day)
    assert {(case, kind) for _, kind, case, _ in post.sent[before:]} == {(cases[0].pk, "case.retracted")}
    assert set(Case.objects.values_list("state", "shadow")) == {("confirmed", False)}
    # Set back, what was confirmed while it might leave leaves after all.
    put_back(cases[0].city, "bagged_garbage", chief, timezone.now(), "it was a mistake")
    before = len(post.sent)
    work(86_400.0 * 4)
    assert {(town, case, kind) for town, kind, case, _ in post.sent[before:]} == {(town, case.pk, "case.confirmed") for town in ("town", "box") for case in cases}  # fmt: skip


def test_a_message_on_its_way_while_its_category_goes_into_shadow_is_retracted(
    send: Any, post: Post, reviewer: User, chief: User
) -> None:
    case = a_case(send, "bagged_garbage")
    add_destination(case.city, "town", "http://127.0.0.1:9/town", sandbox=False, allow_private=True)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    post.meanwhile = lambda: put_by_hand(case.city, "bagged_garbage", Standing.SHADOW, chief)
    work()
    post.meanwhile = None
    work(300.0)
    case.refresh_from_db()
    assert (post.kinds(), case.state, case.shadow) == (["case.confirmed", "case.retracted"], "confirmed", False)


def test_a_handover_written_as_its_category_leaves_is_not_sent(send: Any, post: Post, reviewer: User) -> None:
    """As if another process had committed the row after everything waiting was held back."""
    case = a_case(send, "bagged_garbage")
    towns(case.city)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    CategoryStanding.objects.filter(category="bagged_garbage").update(standing="shadow")
    send_due(timezone.now())
    assert post.sent == []
    CategoryStanding.objects.filter(category="bagged_garbage").update(standing="trial")
    send_due(timezone.now())
    assert [town for town, *_ in post.sent] == ["box"]


def test_a_case_that_left_while_live_can_still_be_taken_back(
    send: Any, post: Post, reviewer: User, chief: User
) -> None:
    case = a_case(send, "bagged_garbage")
    towns(case.city)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    work()
    put_by_hand(case.city, "bagged_garbage", Standing.SHADOW, chief)
    undo(reviewer, timezone.now(), "the wrong place")
    work(1.0)
    case.refresh_from_db()
    assert (case.state, post.kinds()) == ("retracted", ["case.confirmed", "case.retracted"])


def test_an_undo_in_shadow_says_nothing_to_the_city(send: Any, post: Post, reviewer: User) -> None:
    case = a_case(send)
    towns(case.city)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    work()
    undo(reviewer, timezone.now())
    work(60.0)
    case.refresh_from_db()
    assert (case.state, case.shadow, post.sent, Handover.objects.count()) == ("queued", True, [], 0)


def test_a_trial_reaches_sandboxes_alone_and_its_cases_stay_there_when_it_ends(
    send: Any, post: Post, reviewer: User, chief: User, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    towns(city)
    assert make_trial(city, [SHADOWED, "bagged_garbage"], timezone.now()) == [SHADOWED]
    first, second = a_case(send, number=1), a_case(send, number=2)
    decide(reviewer, uuid4(), first.pk, "confirm", timezone.now())
    work()
    decide(reviewer, uuid4(), second.pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    assert {each.destination.name for each in Handover.objects.all()} == {"box"}
    proven(monkeypatch, SHADOWED)
    put_by_hand(city, SHADOWED, Standing.LIVE, chief)
    # The sandbox calls the first one fixed, and it is seen again.
    Handover.objects.filter(case=first).update(ended_at=timezone.now())
    Case.objects.filter(id=first.pk, state=State.HANDED_OVER).update(state=State.REOPENED)
    for day in range(3):
        work(86_400.0 * day)
    assert {(town, kind) for town, kind, *_ in post.sent} == {("box", "case.confirmed")}
    assert {case for _, _, case, _ in post.sent} == {first.pk, second.pk}


@pytest.mark.parametrize("standing", ["trial", "live"])
def test_what_a_city_has_stays_in_its_sight_when_the_category_goes_into_shadow_and_back(
    standing: str, send: Any, post: Post, reviewer: User, chief: User, city: City
) -> None:
    towns(city)
    make_trial(city, [SHADOWED], timezone.now())
    category = SHADOWED if standing == "trial" else "bagged_garbage"
    had, waits = a_case(send, category, 1), a_case(send, category, 2)
    decide(reviewer, uuid4(), had.pk, "confirm", timezone.now())
    work()
    Case.objects.filter(id=had.pk).update(deadline_at=timezone.now() + timedelta(hours=1))
    officer = User.objects.create_user("sun", role="city", city=city)
    for put, stands in ((make_shadow, "shadow"), (put_back, standing)):
        put(city, category, chief, timezone.now(), "to see")
        assert CategoryStanding.objects.get(category=category).standing == stands
        assert list(cases_for(officer)) == [had]
        assert [each.case for each in at_risk(officer, timezone.now())] == [had]
        assert overdue(chief, timezone.now()) == (0, 1)
        assert dict(Case.objects.values_list("id", "shadow")) == {had.pk: False, waits.pk: stands == "shadow"}
    row = CategoryStanding.objects.get(category=category)
    assert (row.person, row.before, bool(row.pack)) == (None, "", standing == "live")


def test_what_was_confirmed_on_trial_is_no_citys_ever_after(
    send: Any, post: Post, reviewer: User, chief: User, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    towns(city)
    make_trial(city, [SHADOWED], timezone.now())
    case = a_case(send)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    put_by_hand(city, SHADOWED, Standing.SHADOW, chief)
    proven(monkeypatch, SHADOWED)
    put_by_hand(city, SHADOWED, Standing.LIVE, chief)
    for day in range(3):
        work(86_400.0 * day)
    assert {(town, kind) for town, kind, *_ in post.sent} == {("box", "case.confirmed")}
    new = a_case(send, number=2)
    decide(reviewer, uuid4(), new.pk, "confirm", timezone.now())
    work(1.0)
    assert [case for town, _, case, _ in post.sent if town == "town"] == [new.pk]


def test_only_what_a_supervisor_hid_goes_back_to_what_it_was(city: City, chief: User) -> None:
    with pytest.raises(NotAllowed, match="nothing to go back to"):
        put_back(city, SHADOWED, chief, NOW, "I want it")
    make_shadow(city, "bagged_garbage", chief, NOW, "too many are wrong")
    make_shadow(city, "bagged_garbage", chief, NOW, "again")
    with pytest.raises(NotAllowed, match="category back bagged_garbage"):
        make_live(city, "bagged_garbage", chief, NOW)
    assert put_back(city, "bagged_garbage", chief, NOW, "they were right") == Standing.LIVE
    rows = AuditRow.objects.filter(verb="category_put", object_id="bagged_garbage", actor=chief).order_by("id")
    assert [(row.detail["old"], row.detail["new"], row.detail["why"]) for row in rows] == [
        ("live", "shadow", "too many are wrong"), ("shadow", "shadow", "again"), ("shadow", "live", "they were right"),
    ]  # fmt: skip
    with pytest.raises(NotAllowed, match="it is live"):
        put_back(city, "bagged_garbage", chief, NOW, "twice")


def test_the_page_asks_once_more_with_what_follows_and_the_row_stays_where_it_was(send: Any, reviewer: User, city: City, chief: User) -> None:  # fmt: skip
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(chief)
    for number in range(3):
        case = a_case(send, "bagged_garbage", number + 1)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())

    def order(page: Any) -> list[str]:
        return [each["row"].category for each in page.context["tables"][0][2]]

    before = order(client.get("/categories/"))
    asked = client.get("/categories/", {"ask": "shadow", "city": "taiyuan", "category": "bagged_garbage"})
    words = " ".join(asked.content.decode().split())
    for line in ("Not decided yet: 2.", "Confirmed and about to leave: 1.", "With the city: 0.", 'name="why"'):
        assert line in words, line
    form = {"city": "taiyuan", "category": "bagged_garbage", "standing": "shadow"}
    unsaid = client.post("/categories/", {**form, "why": "  "})
    assert (unsaid.status_code, "Write a reason" in unsaid.content.decode()) == (400, True)
    assert 'name="why"' in unsaid.content.decode()
    done = client.post("/categories/", {**form, "why": "too many are wrong"})
    address, row = done.headers["Location"].split("#")
    page = client.get(address)
    assert (order(page), f'id="{row}"' in page.content.decode()) == (before, True)
    for told in (page, client.get("/categories/")):
        cell = told.content.decode().split(f'id="{row}"')[1].split("</tr>")[0]
        assert "Back to “live” …" in cell
        assert "going back needs no verdicts" in cell
        assert "more verdicts needed" not in cell, "it would read as if it could not go back"
    assert client.post("/categories/", {**form, "why": "too late"}).status_code == 302
    assert client.post("/categories/", {**form, "standing": "back", "why": "they were right"}).status_code == 302
    assert CategoryStanding.objects.get(category="bagged_garbage").standing == "live"
    assert client.post("/categories/", {**form, "standing": "back", "why": "twice"}).status_code == 409


def test_what_somebody_put_elsewhere_today_stands_above_until_tomorrow(city: City, chief: User) -> None:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(chief)

    def place_of(address: str) -> int:
        return [each["row"].category for each in client.get(address).context["tables"][0][2]].index("small_ads")

    was = place_of("/categories/")
    assert was > 0
    put = client.post("/categories/", {"city": "taiyuan", "category": "small_ads", "standing": "shadow", "why": "x"})
    assert place_of(put.headers["Location"]) == was
    assert place_of("/categories/") == 0
    back = client.post(
        "/categories/", {"city": "taiyuan", "category": "small_ads", "standing": "shadow", "why": "again"}
    )
    assert place_of(back.headers["Location"]) == 0, "where it was"
    CategoryStanding.objects.filter(category="small_ads").update(since=timezone.now() - timedelta(days=2))
    assert place_of("/categories/") > was


def test_the_page_asks_the_database_as_much_for_many_as_for_few(
    send: Any, city: City, chief: User, django_assert_max_num_queries: Any
) -> None:
    client = Client()
    client.force_login(chief)
    a_case(send, "bagged_garbage")
    with django_assert_max_num_queries(40):
        client.get("/categories/", {"ask": "shadow", "city": "taiyuan", "category": "bagged_garbage"})


def test_what_may_not_leave_never_stands_before_what_may(
    send: Any, post: Post, reviewer: User, chief: User, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next cases are looked at some at a time: what is refused each time must not be among them."""
    monkeypatch.setattr("server.city.services.BATCH", 1)
    towns(city)
    proven(monkeypatch, SHADOWED, OTHER)
    put_by_hand(city, OTHER, Standing.LIVE, chief)
    again, in_shadow, good = a_case(send, OTHER, 1), a_case(send, SHADOWED, 2), a_case(send, "bagged_garbage", 3)
    for case in (again, in_shadow, good):
        decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    Case.objects.filter(id=again.pk).update(state=State.REOPENED)
    put_by_hand(city, OTHER, Standing.SHADOW, chief)
    put_by_hand(city, SHADOWED, Standing.LIVE, chief)
    assert prepare_handovers(timezone.now()) == 2
    assert {each.case_id for each in Handover.objects.all()} == {good.pk}
    # Between the look and the lock a category may go into shadow and come back.
    assert _prepare(in_shadow.pk, timezone.now()) == 0
    # What the city has had already goes on when its category is live again.
    put_by_hand(city, OTHER, Standing.LIVE, chief)
    work()
    assert {case for _, _, case, _ in post.sent} == {good.pk, again.pk}


def test_a_category_nobody_spoke_of_is_in_shadow(send: Any, post: Post, reviewer: User) -> None:
    case = a_case(send, "banner")
    towns(case.city)
    assert not CategoryStanding.objects.filter(category="banner").exists()
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    work()
    assert (case.shadow, post.sent) == (True, [])


# What lets a category leave


def test_wilson_is_the_published_interval() -> None:
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)  # Newcombe 1998, table I, method 3
    assert wilson(0, 20) == pytest.approx((0.0, 0.1611), abs=5e-5)


@pytest.mark.parametrize(
    ("confirmed", "rejected", "enough"),
    [(99, 0, False), (100, 0, True), (78, 22, False), (79, 21, True), (700, 300, False)],
)
def test_a_category_needs_its_verdicts(confirmed: int, rejected: int, enough: bool) -> None:
    assert Proof(confirmed, rejected).is_enough is enough


def verdicts(case: Case, person: User, count: int, answer: str, reason: int | None = None, **of_case: Any) -> None:
    """So many further cases like this one, each with one verdict."""
    for _ in range(count):
        case.pk, case.number = None, Case.objects.count() + 1
        for name, value in of_case.items():
            setattr(case, name, value)
        case.save(force_insert=True)
        said(case, person, answer, reason=reason)


def said(case: Case, person: User, answer: str, **more: Any) -> Verdict:
    return Verdict.objects.create(id=uuid4(), case=case, city=case.city, proposed=case.category, person=person, answer=answer, **more)  # fmt: skip


def test_only_what_cameras_found_and_the_detector_is_to_blame_for_counts(send: Any, reviewer: User) -> None:
    case = a_case(send)
    city = case.city
    verdicts(case, reviewer, 3, "confirm")
    verdicts(case, reviewer, 1, "reject", 1)
    verdicts(case, reviewer, 1, "reject", 2)
    for reason in (3, 4, 5, 6, 7, 8, 9):
        verdicts(case, reviewer, 1, "reject", reason)
    verdicts(case, reviewer, 1, "unsure")
    said(case, reviewer, "confirm", counted=False)
    said(case, reviewer, "confirm", undone_at=NOW)
    verdicts(case, reviewer, 5, "confirm", state="merged")
    verdicts(case, reviewer, 5, "confirm", state="confirmed", origin="demo")
    verdicts(case, reviewer, 1, "confirm", origin="camera", category=OTHER)
    assert proofs(city) == {SHADOWED: Proof(3, 2), OTHER: Proof(1, 0)}
    # One case, judged again after the city returned it, is one verdict: the last.
    said(case, reviewer, "reject", reason=1)
    assert proofs(city)[OTHER] == Proof(0, 1)
    assert proofs(city, [SHADOWED]) == {SHADOWED: Proof(3, 2)}
    assert proofs(city, []) == {}


def test_the_newest_answers_alone_are_counted_however_many_there_are(send: Any, reviewer: User, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    """A network that has learned is judged by what it finds now, and a million verdicts are never walked through."""
    case = a_case(send)
    verdicts(case, reviewer, 4, "reject", 1)
    verdicts(case, reviewer, 3, "confirm")
    monkeypatch.setattr(services, "LAST", 5)
    with CaptureQueriesContext(connection) as queries:
        assert proofs(case.city) == {SHADOWED: Proof(3, 2)}
    with connection.cursor() as cursor:
        plan = [row[3] for row in cursor.execute(f"EXPLAIN QUERY PLAN {queries[-1]['sql']}").fetchall()]
    assert sum("verdict_of_category" in line for line in plan) == len(CATEGORIES)
    assert not [line for line in plan if line.startswith(("SCAN review_verdict", "SCAN cases_"))]


def test_a_case_confirmed_as_another_category_counts_against_the_one_proposed(send: Any, reviewer: User) -> None:
    case = a_case(send)
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now(), category=OTHER)
    assert proofs(case.city) == {SHADOWED: Proof(0, 1)}


def test_a_supervisors_word_needs_the_figures_and_writes_them_down(send: Any, reviewer: User, chief: User) -> None:
    case = a_case(send)
    city = case.city
    verdicts(case, reviewer, 99, "confirm")
    with pytest.raises(NotAllowed, match="99 verdicts"):
        make_live(city, SHADOWED, chief, NOW)
    assert CategoryStanding.objects.get(category=SHADOWED).standing == "shadow"
    verdicts(case, reviewer, 21, "reject", 1)
    make_live(city, SHADOWED, chief, NOW)
    make_shadow(city, SHADOWED, chief, NOW)
    rows = list(AuditRow.objects.filter(verb="category_put", object_id=SHADOWED).exclude(actor=None).order_by("id"))
    assert [(row.actor_id, row.city_id, row.detail["old"], row.detail["new"]) for row in rows] == [
        (chief.pk, city.pk, "shadow", "live"), (chief.pk, city.pk, "live", "shadow"),
    ]  # fmt: skip
    low, high = wilson(99, 120)
    figures = {"verdicts": 120, "confirmed": 99, "precision": 0.825, "low": round(low, 4), "high": round(high, 4)}
    assert all(row.detail.items() >= figures.items() for row in rows)


@pytest.mark.parametrize("role", ["reviewer", "fleet", "city", "auditor", "admin"])
def test_nobody_but_a_supervisor_puts_a_category_elsewhere(
    role: str, city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    proven(monkeypatch, SHADOWED)
    person = User.objects.create_user("li", password="a long password", role=role)
    for put in (make_live, make_shadow):
        with pytest.raises(NotAllowed, match="no supervisor"):
            put(city, SHADOWED, person, NOW)
    client = Client()
    client.force_login(person)
    form = {"city": "taiyuan", "category": SHADOWED, "standing": "live"}
    refused = client.get("/categories/", headers={"Accept-Language": "en"})
    assert "This is for: Supervisor." in refused.content.decode()
    assert [refused.status_code, client.post("/categories/", form).status_code] == [403, 403]
    assert CategoryStanding.objects.get(category=SHADOWED).standing == "shadow"


def test_a_supervisor_of_another_city_has_no_say(city: City, chief: User, monkeypatch: pytest.MonkeyPatch) -> None:
    proven(monkeypatch, SHADOWED)
    chief.city = city_by_key("jinan")
    chief.save()
    with pytest.raises(NotAllowed, match="another city"):
        make_live(city, SHADOWED, chief, NOW)
    client = Client()
    client.force_login(chief)
    assert client.post("/categories/", {"city": "taiyuan", "category": SHADOWED, "standing": "live"}).status_code == 404


def test_the_page_takes_no_hostile_form(city: City, chief: User, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    client.force_login(chief)
    good = {"city": "taiyuan", "category": SHADOWED, "standing": "live"}
    before = list(CategoryStanding.objects.values_list("category", "standing"))
    hostile = ("", "x" * 5000, "'; DROP TABLE cases_case; --", "<script>alert(1)</script>", "trial", "\x00", "影")
    for field in good:
        for value in hostile:
            answer = client.post("/categories/", {**good, field: value})
            assert answer.status_code in (400, 404), (field, value)
            assert b"<script>alert" not in answer.content
    assert client.post("/categories/", {}).status_code == 404
    assert client.post("/categories/", good).status_code == 409
    assert client.put("/categories/").status_code == 405
    assert list(CategoryStanding.objects.values_list("category", "standing")) == before
    proven(monkeypatch, SHADOWED)
    assert client.post("/categories/", good).status_code == 302
    assert CategoryStanding.objects.get(category=SHADOWED).standing == "live"
    assert Client(enforce_csrf_checks=True).post("/categories/", good).status_code in (302, 403)


def test_the_page_has_live_categories_first_then_those_with_most_cases_then_by_the_readers_language(send: Any, city: City, chief: User) -> None:  # fmt: skip
    client = Client()
    client.force_login(chief)
    for number in range(3):
        a_case(send, OTHER, number + 1)
    live = sorted(CategoryStanding.objects.filter(standing="live").values_list("category", flat=True))
    orders = {}
    for language in ("en", "zh-Hans"):
        page = client.get("/categories/", headers={"Accept-Language": language})
        orders[language] = [each["row"].category for each in page.context["tables"][0][2]]
        assert sorted(orders[language][: len(live)]) == live
        assert orders[language][len(live)] == OTHER
    rest = {language: order[len(live) + 1 :] for language, order in orders.items()}
    assert rest["en"] == sorted(rest["en"], key=lambda key: CATEGORIES[key].name_en.casefold())
    assert rest["zh-Hans"] == sorted(rest["zh-Hans"], key=lambda key: CATEGORIES[key].pinyin_initials)
    assert rest["en"] != rest["zh-Hans"]


@pytest.mark.parametrize("words", ["Muck", " jcl ", "\u6e23\u571f", "waste pile"])
def test_the_page_is_narrowed_by_a_name_in_either_language_and_stays_so(city: City, chief: User, words: str) -> None:
    client = Client(headers={"Accept-Language": "en"})
    client.force_login(chief)
    page = client.get("/categories/", {"q": words})
    assert "waste_pile" in {each["row"].category for each in page.context["tables"][0][2]}
    assert len(page.context["tables"][0][2]) < 4
    assert "No category has this in its name" in client.get("/categories/", {"q": "<nothing>"}).content.decode()
    put = client.post(
        "/categories/?q=muck", {"city": "taiyuan", "category": "small_ads", "standing": "shadow", "why": "x"}
    )
    assert put.headers["Location"].startswith("/categories/?q=muck&")


def test_the_filter_of_the_queue_takes_any_word(send: Any, reviewer: User) -> None:
    a_case(send)
    client = Client()
    client.force_login(reviewer)
    for word in ("", "live", "SHADOW", "shadow'--", "x" * 3000, "\x00"):
        page = client.get("/review/", {"filter": word})
        cards = client.post(f"/review/lease?filter={word}" if word.isalnum() else "/review/lease")
        assert (page.status_code, cards.status_code) == (200, 200)
        assert b"data-case=" not in cards.content
        assert (cards["X-waiting"], cards["X-in-shadow"]) == ("0", "1")
    assert b"data-case=" in client.post("/review/lease?filter=shadow").content


def test_city_officers_do_not_see_what_is_in_shadow(send: Any, reviewer: User) -> None:
    send(category=SHADOWED, origin="camera")
    case = Case.objects.get()
    for role, sees in (("city", False), ("auditor", True), ("reviewer", True)):
        User.objects.filter(id=reviewer.pk).update(role=role)
        person = User.objects.get(id=reviewer.pk)
        assert cases_for(person).filter(id=case.pk).exists() is sees
        client = Client()
        client.force_login(person)
        listed = f'href="/cases/{case.number}/"'.encode()
        assert listed not in client.get("/cases/").content
        assert (listed in client.get("/cases/?filter=shadow").content) is sees
        assert client.get(f"/cases/{case.number}/").status_code == (200 if sees else 404)


# Where it starts


def test_a_new_city_starts_as_the_shipped_pack_was_measured(city: City) -> None:
    name, starts = measured("street")
    rows = {row.category: (row.standing, row.pack) for row in CategoryStanding.objects.filter(city=city)}
    assert rows == {category: (standing, name) for category, standing in starts.items()}
    assert {"live", "shadow"} == {standing for standing, _ in rows.values()}


def test_an_older_database_gets_its_standings_and_holds_back_what_waits(
    send: Any, post: Post, reviewer: User, city: City
) -> None:
    """Before, everything was handed over: rows without a standing, cases out of shadow."""
    towns(city)
    make_trial(city, [SHADOWED, OTHER], NOW)
    cases = [
        a_case(send, category, number)
        for number, category in enumerate((SHADOWED, SHADOWED, OTHER, "bagged_garbage"), 1)
    ]
    decide(reviewer, uuid4(), cases[1].pk, "confirm", timezone.now())
    decide(reviewer, uuid4(), cases[3].pk, "confirm", timezone.now())
    prepare_handovers(timezone.now())
    CategoryStanding.objects.all().delete()
    begin(city, timezone.now())
    begin(city, timezone.now())
    assert list(Case.objects.order_by("id").values_list("shadow", flat=True)) == [True, True, True, False]
    send_due(timezone.now())
    assert {case for _, _, case, _ in post.sent} == {cases[3].pk}


def test_the_migration_goes_there_and_back_with_rows(send: Any) -> None:
    a_case(send)
    there = MigrationExecutor(connection).loader.graph.leaf_nodes()
    try:
        MigrationExecutor(connection).migrate([("cases", "0003_find_sightings_by_fix_and_arrival")])
    finally:
        MigrationExecutor(connection).migrate(there)
    assert Case.objects.get().shadow is False
    assert import_module("server.categories.migrations.0001_standing")
    assert apps.get_model("categories", "CategoryStanding") is CategoryStanding


def test_another_packs_figures_are_taken_over_but_no_supervisors_word(
    send: Any, city: City, chief: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = a_case(send, "bagged_garbage")
    put_by_hand(city, "small_ads", Standing.SHADOW, chief)
    new = {SHADOWED: Standing.LIVE, "small_ads": Standing.LIVE, "bagged_garbage": Standing.SHADOW}
    monkeypatch.setattr(services, "measured", lambda pack: ("street-9", new))
    assert services.newer_pack(city)
    live = {category for category, standing in measured("street")[1].items() if standing == Standing.LIVE}
    assert set(adopt(city, timezone.now())) == {SHADOWED, *live} - {"small_ads"}
    assert not services.newer_pack(city)
    assert dict(CategoryStanding.objects.filter(standing="live").values_list("category", "pack")) == {
        SHADOWED: "street-9"
    }
    case.refresh_from_db()
    assert case.shadow
    assert make_trial(city, ["small_ads"], NOW) == []


# The command


def arguments(action: str, *names: str, **changes: Any) -> Namespace:
    return Namespace(
        **{
            "action": action,
            "names": list(names),
            "city": "taiyuan",
            "by": None,
            "sandbox": False,
            "all": False,
            "json": False,
            "why": "a reason" if action in ("shadow", "back") else "",
        }
        | changes
    )


def test_the_command_lists_and_puts(
    send: Any, reviewer: User, chief: User, city: City, capsys: pytest.CaptureFixture[str]
) -> None:
    verdicts(a_case(send), reviewer, 100, "confirm")
    assert command_category.run(arguments("live", SHADOWED, by="zhao")) == 0
    assert command_category.run(arguments("live", OTHER, by="zhao")) == 1
    assert "waste_pile may not go live: 0 verdicts (100 are needed)" in capsys.readouterr().err
    assert command_category.run(arguments("list", json=True)) == 0
    told = json.loads(capsys.readouterr().out)["categories"]
    assert (told[SHADOWED]["standing"], told[SHADOWED]["source"], told[SHADOWED]["person"]) == (
        "live",
        "person",
        "zhao",
    )
    assert (told[SHADOWED]["cases"], told[SHADOWED]["verdicts"], told[SHADOWED]["may_go_live"]) == (101, 100, True)
    assert told[OTHER]["precision"] is None
    assert command_category.run(arguments("list")) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any("1.00 [0.96-1.00]" in line for line in lines)
    assert {line.split()[0]: line.endswith("is live") for line in lines[1:]} == {
        category: row["standing"] == "live" for category, row in told.items()
    }


def test_of_several_names_all_or_none_are_put(city: City, chief: User, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_category.run(arguments("shadow", "bagged_garbage", OTHER, by="li")) == 1
    assert command_category.run(arguments("live", "bagged_garbage", OTHER, by="zhao")) == 1
    assert capsys.readouterr().out == ""
    assert CategoryStanding.objects.get(category="bagged_garbage").standing == "live"


def test_a_command_that_does_nothing_says_why_and_fails(
    city: City, chief: User, capsys: pytest.CaptureFixture[str]
) -> None:
    put_by_hand(city, "small_ads", Standing.SHADOW, chief)
    assert command_category.run(arguments("live", "small_ads", "bagged_garbage", sandbox=True)) == 1
    said = capsys.readouterr().err
    assert "bagged_garbage is live already" in said
    assert "small_ads was put in shadow by zhao" in said
    assert "category back small_ads" in said
    assert command_category.run(arguments("back", "small_ads", by="zhao")) == 0
    assert capsys.readouterr().out == "taiyuan: small_ads is live again, as it was before\n"
    assert command_category.run(arguments("back", "small_ads", by="zhao")) == 1
    assert "nothing to go back to" in capsys.readouterr().err
    assert command_category.run(arguments("live", SHADOWED, "bagged_garbage", sandbox=True)) == 0
    assert "bagged_garbage is live already" in capsys.readouterr().err
    assert command_category.run(arguments("live", all=True, sandbox=True)) == 0
    assert command_category.run(arguments("live", all=True, sandbox=True)) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        arguments("live"), arguments("live", SHADOWED), arguments("live", "dragons", by="zhao"), arguments("live", SHADOWED, all=True, sandbox=True),
        arguments("shadow", SHADOWED, sandbox=True), arguments("live", all=True), arguments("list", SHADOWED), arguments("adopt", "a", "b"), arguments("shadow", SHADOWED, by="zhao", why=" "), arguments("back", SHADOWED, sandbox=True),
    ],
)  # fmt: skip
def test_wrong_words_are_told(wrong: Namespace, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_category.run(wrong) == 2
    assert capsys.readouterr().err.startswith("trikeye server category: ")


def test_a_city_or_pack_that_is_not_there_is_told(city: City, capsys: pytest.CaptureFixture[str]) -> None:
    assert command_category.run(arguments("list", city="atlantis")) == 1
    assert command_category.run(arguments("adopt", "nowhere")) == 1
    said = capsys.readouterr().err
    assert "there is no city atlantis; there is: taiyuan" in said
    assert "no pack at nowhere" in said


@pytest.mark.process
def test_the_verb_puts_the_demos_categories_for_sandboxes_alone(tmp_path: Path) -> None:
    env = {**os.environ, "TRIKEYE_DATA": str(tmp_path / "server")}

    def trikeye(*argv: str) -> str:
        line = [sys.executable, "-m", "trikeye", "server", *argv]
        return subprocess.run(line, env=env, capture_output=True, text=True, check=True, timeout=60).stdout

    trikeye("migrate", "--quiet")
    trikeye("vehicle", "add", "TY-01")
    assert "sandboxes alone" in trikeye("category", "live", "--all", "--sandbox")
    told = json.loads(trikeye("category", "list", "--json"))["categories"]
    assert {row["standing"] for row in told.values()} == {"trial", "live"}
    assert len(told) >= 73
