"""Hand-over: every answer a city can give, and every word it can send back."""

from __future__ import annotations

import json
import socket
import threading
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from uuid import UUID, uuid4

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone
from sightings import NOW, UTC
from standardwebhooks.webhooks import Webhook

from server import command_destination
from server.cases.models import Case, Picture, Sighting
from server.cases.rules import State
from server.cases.services import move
from server.city import reports, services, webhooks
from server.city.models import Destination, Handover, StatusReport
from server.city.services import add_destination, prepare_handovers, send_due
from server.city.webhooks import Answer
from server.city.webhooks import send as post
from server.review.cards import card_of
from server.review.models import Verdict
from server.review.services import decide, lease, undo
from server.screening.services import best_picture

pytestmark = pytest.mark.django_db(transaction=True)


class Town:
    """A real server on loopback that answers as told."""

    def __init__(self) -> None:
        self.code, self.bodies, self.ids, town = 200, [], [], self
        self.headers: dict[str, str] = {}

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                town.bodies.append((dict(self.headers.items()), body))
                town.ids.append(self.headers["webhook-id"])
                self.send_response(town.code)
                for name, value in town.headers.items():
                    self.send_header(name, value)
                if town.code == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(b'{"id": "CG-7"}')

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@pytest.fixture
def town() -> Iterator[Town]:
    town = Town()
    yield town
    town.server.shutdown()
    town.server.server_close()


@pytest.fixture
def confirmed(send: Any) -> Case:
    send()
    case = Case.objects.get()
    move(case.pk, State.NEW, State.QUEUED, NOW)
    move(case.pk, State.QUEUED, State.CONFIRMED, NOW)
    return case


def hand_over(case: Case, town: Town, **kind: Any) -> tuple[Any, str]:
    destination, secret = add_destination(
        case.city, "town", town.url, **({"sandbox": True, "allow_private": True} | kind)
    )
    prepare_handovers(timezone.now())
    send_due(timezone.now())
    case.refresh_from_db()
    return destination, secret


def test_the_city_is_shown_the_box_as_a_reviewer_put_it_right(confirmed: Case, town: Town, reviewer: Any) -> None:
    picture = best_picture(confirmed)
    assert picture is not None
    box = [0.1 * picture.width, 0.2 * picture.height, 0.5 * picture.width, 0.6 * picture.height]
    Verdict.objects.create(id=uuid4(), case=confirmed, person=reviewer, answer="confirm", box=box, box_sha256=picture.sha256)  # fmt: skip
    hand_over(confirmed, town)
    assert json.loads(town.bodies[0][1])["data"]["picture_box"] == pytest.approx([0.1, 0.2, 0.5, 0.6])


def test_a_confirmed_case_leaves_once_signed_and_small(confirmed: Case, town: Town) -> None:
    _, secret = hand_over(confirmed, town)
    headers, body = town.bodies[0]
    message = Webhook(secret).verify(body, {k.lower(): v for k, v in headers.items()})
    assert message["type"] == "case.confirmed"
    data = message["data"]
    assert (data["case_number"], data["category"], data["name_zh"]) == (confirmed.number, "bagged_garbage", "打包垃圾")
    assert data["place"]["crs"] == "WGS-84"
    assert len(data["matter"]) == 6
    picture = best_picture(confirmed)
    assert picture is not None
    sides = (picture.width, picture.height, picture.width, picture.height)
    in_pixels = [share * side for share, side in zip(data["picture_box"], sides, strict=True)]
    assert in_pixels == pytest.approx(picture.box, abs=0.2)
    assert {c["code"] for c in data["codes"]} == {"06010", "01-10"}
    assert len(body) < 20_000
    assert (confirmed.state, Handover.objects.get().state, Handover.objects.get().external_id) == (
        "handed_over",
        "receipted",
        "CG-7",
    )
    send_due(timezone.now() + timedelta(days=1))
    assert len(town.bodies) == 1


@pytest.mark.parametrize("code", [500, 302, 404, 429])
def test_a_failing_city_is_tried_again_with_the_same_id(confirmed: Case, town: Town, code: int) -> None:
    town.code = code
    hand_over(confirmed, town)
    assert (confirmed.state, Handover.objects.get().state) == ("confirmed", "waiting")
    assert str(code) in Handover.objects.get().last_error
    town.code = 200
    send_due(timezone.now() + timedelta(seconds=30))
    assert len(set(town.ids)) == 1
    confirmed.refresh_from_db()
    assert confirmed.state == "handed_over"


def test_gone_disables_the_destination(confirmed: Case, town: Town) -> None:
    town.code = 410
    destination, _ = hand_over(confirmed, town)
    destination.refresh_from_db()
    assert not destination.enabled


def test_a_city_that_never_answers_is_left_for_later(confirmed: Case) -> None:
    add_destination(confirmed.city, "nobody", "http://127.0.0.1:1/", sandbox=True, allow_private=True)
    prepare_handovers(timezone.now())
    send_due(timezone.now())
    assert "Connect" in Handover.objects.get().last_error


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/",
        "https://10.0.0.1/",
        "http://example.org/",
        "ftp://example.org/",
        "https://[::1]/",
        "https://169.254.1.1/",
    ],
)
def test_private_and_plain_addresses_are_refused_unless_allowed(url: str) -> None:
    assert "refused" in post(url, "whsec_" + "a" * 44, "m", {}, False, datetime.now(UTC)).error


def test_a_demo_case_never_leaves_for_a_real_city(confirmed: Case, town: Town) -> None:
    hand_over(confirmed, town, sandbox=False)
    assert not Handover.objects.exists()


def tell(destination: Any, secret: str, number: int, status: str, message_id: str = "m1", at: str = "") -> Any:
    said = {"case_number": number, "status": status, "at": at or NOW.isoformat(), "text": "not ours"}
    body = json.dumps({"type": "case.status", "data": said})
    now = datetime.now(UTC)
    headers = {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(secret).sign(message_id, now, body),
    }
    return Client().post(f"/city/status/{destination.pk}", body, content_type="application/json", headers=headers)


def test_the_citys_word_moves_the_case_and_never_backwards(confirmed: Case, town: Town) -> None:
    destination, secret = hand_over(confirmed, town)
    assert tell(destination, secret, confirmed.number, "fixed").status_code == 200
    assert tell(destination, secret, confirmed.number, "fixed").status_code == 200
    assert tell(destination, secret, confirmed.number, "accepted", "m2").status_code == 200
    confirmed.refresh_from_db()
    assert confirmed.state == "fixed"
    assert list(StatusReport.objects.order_by("id").values_list("status", "applied")) == [
        ("fixed", True),
        ("accepted", False),
    ]


def test_unsigned_and_unknown_words_change_nothing(confirmed: Case, town: Town) -> None:
    destination, secret = hand_over(confirmed, town)
    assert tell(destination, "whsec_" + "b" * 44, confirmed.number, "fixed").status_code == 401
    assert (
        Client()
        .post(
            f"/city/status/{destination.pk}",
            "{}",
            content_type="application/json",
            headers={"webhook-signature": "garbage"},
        )
        .status_code
        == 401
    )
    assert tell(destination, secret, 9999, "fixed").status_code == 422
    assert tell(destination, secret, confirmed.number, "exploded").status_code == 422
    confirmed.refresh_from_db()
    assert confirmed.state == "handed_over"


@pytest.mark.parametrize("left", [None, "", "\xff", "not one of ours"])
def test_without_its_secret_the_city_is_told_to_try_again_and_the_log_what_to_do(
    confirmed: Case, town: Town, settings: Any, caplog: pytest.LogCaptureFixture, left: str | None
) -> None:
    destination, secret = hand_over(confirmed, town)
    file = settings.SECRETS / destination.secret_file
    file.unlink() if left is None else file.write_bytes(left.encode("latin-1"))
    refused = tell(destination, secret, confirmed.number, "fixed")
    assert refused.status_code == 503
    assert "operator" in refused.json()["error"]
    assert str(settings.SECRETS) not in refused.json()["error"]
    assert "trikeye server destination add town" in caplog.text
    file.write_text(secret)
    assert tell(destination, secret, confirmed.number, "fixed").status_code == 200


@pytest.fixture
def taken(send: Any, reviewer: Any, settings: Any) -> Case:
    """A case that a reviewer has confirmed, and that may leave at once."""
    settings.GRACE_S = 0
    send()
    case = Case.objects.get()
    move(case.pk, State.NEW, State.QUEUED, timezone.now())
    decide(reviewer, uuid4(), case.pk, "confirm", timezone.now())
    return case


Post = Callable[[str, Any], Answer]


@pytest.fixture
def posts(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What was sent: (address, kind). Every city says yes."""
    sent: list[tuple[str, str]] = []
    answers_with(monkeypatch, sent, lambda url, body: Answer(True, "CG-1"))
    return sent


def answers_with(monkeypatch: pytest.MonkeyPatch, sent: list[tuple[str, str]], answer: Post) -> None:
    def deliver(url: str, secret: str, message_id: str, body: Any, allow_private: bool, now: datetime) -> Answer:
        sent.append((url[-2:], body["type"]))
        return answer(url, body)

    monkeypatch.setattr("server.city.services.send", deliver)


def a_city(case: Case, name: str) -> Any:
    return add_destination(case.city, name, f"http://127.0.0.1/{name}", sandbox=True, allow_private=True)[0]


def work(after_s: float = 0.0) -> None:
    now = timezone.now() + timedelta(seconds=after_s)
    prepare_handovers(now)
    send_due(now)


DOWN, WRONG = Answer(False, error="HTTP 503"), "the wrong place"


def test_a_rejected_case_is_never_handed_over_and_a_try_that_failed_counts_as_left(
    taken: Case, reviewer: Any, posts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_city(taken, "a")
    answers_with(monkeypatch, posts, lambda *_: DOWN)
    work()
    undo(reviewer, timezone.now(), WRONG)
    decide(reviewer, uuid4(), taken.pk, "reject", timezone.now(), reason=2)
    answers_with(monkeypatch, posts, lambda *_: Answer(True))
    for hour in range(1, 30):
        work(3600.0 * hour)
    assert posts == [("/a", "case.confirmed"), ("/a", "case.retracted")]


def test_an_undo_while_the_message_is_on_its_way_is_followed_by_a_retraction_and_a_new_handover(
    taken: Case, reviewer: Any, posts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_city(taken, "a")

    def undone_meanwhile(url: str, body: Any) -> Answer:
        undo(reviewer, timezone.now(), WRONG)
        return Answer(True, "CG-1")

    answers_with(monkeypatch, posts, undone_meanwhile)
    work()
    answers_with(monkeypatch, posts, lambda *_: Answer(True, "CG-2"))
    taken.refresh_from_db()
    assert taken.state == "queued"
    decide(reviewer, uuid4(), taken.pk, "confirm", timezone.now())
    for minute in (2, 4):
        work(60.0 * minute)
    taken.refresh_from_db()
    assert taken.state == "handed_over"
    assert [kind for _, kind in posts] == ["case.confirmed", "case.retracted", "case.confirmed"]


def test_a_worker_killed_after_the_post_leaves_a_case_that_undo_retracts(
    taken: Case, reviewer: Any, posts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_city(taken, "a")

    def killed(url: str, body: Any) -> Answer:
        raise SystemExit

    answers_with(monkeypatch, posts, killed)
    with pytest.raises(SystemExit):
        work()
    undo(reviewer, timezone.now(), WRONG)
    answers_with(monkeypatch, posts, lambda *_: Answer(True))
    for minute in (2, 4):
        work(60.0 * minute)
    assert posts == [("/a", "case.confirmed"), ("/a", "case.retracted")]


def test_who_takes_back_what_may_have_arrived_says_why_and_the_city_reads_it(
    taken: Case, reviewer: Any, posts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The city's answer was lost: nobody knows whether it has the case, so undo is not free any more."""
    a_city(taken, "a")
    told: list[Any] = []

    def lost(url: str, body: Any) -> Answer:
        told.append(body)
        return Answer(False, error="ReadTimeout") if len(told) == 1 else Answer(True)

    answers_with(monkeypatch, posts, lost)
    work()
    client = Client(headers={"accept-language": "en"})
    client.force_login(reviewer)
    asked = client.post("/review/undo")
    assert (asked.status_code, asked.json()["kind"]) == (409, "needs_reason")
    assert "the city may have it" in asked.json()["error"]
    taken.refresh_from_db()
    assert (taken.state, Handover.objects.count()) == ("confirmed", 1)
    done = client.post("/review/undo", {"why": WRONG})
    assert (done.status_code, done.headers["X-retracted"], f'data-case="{taken.pk}"' in done.content.decode()) == (200, "1", True)  # fmt: skip
    for minute in (10, 20):
        work(60.0 * minute)
    taken.refresh_from_db()
    assert taken.state == "queued"
    assert [each["type"] for each in told] == ["case.confirmed", "case.retracted"]
    assert told[1]["data"]["reason"] == WRONG


def test_a_retraction_never_overtakes_its_case(
    taken: Case, reviewer: Any, posts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_city(taken, "a")
    a_city(taken, "b")
    answers_with(monkeypatch, posts, lambda url, body: Answer(True) if url.endswith("a") else DOWN)
    work()
    a_city(taken, "c")
    undo(reviewer, timezone.now(), "the wrong place")
    answers_with(monkeypatch, posts, lambda *_: Answer(True))
    for hour in range(1, 30):
        work(3600.0 * hour)
    assert [kind for url, kind in posts if url == "/a"] == ["case.confirmed", "case.retracted"]
    assert [kind for url, kind in posts if url == "/b"] == ["case.confirmed", "case.retracted"]
    assert not [kind for url, kind in posts if url == "/c"]


def test_what_never_left_is_cancelled_without_a_word(taken: Case, reviewer: Any, posts: list[tuple[str, str]]) -> None:
    a_city(taken, "a")
    prepare_handovers(timezone.now())
    undo(reviewer, timezone.now())
    work(60.0)
    assert not posts
    assert Handover.objects.get().state == "cancelled"


def test_messages_of_one_case_reach_a_city_in_the_order_in_which_they_were_written(
    taken: Case, reviewer: Any, posts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_city(taken, "a")
    answers_with(monkeypatch, posts, lambda *_: DOWN)
    work()
    undo(reviewer, timezone.now(), WRONG)
    decide(reviewer, uuid4(), taken.pk, "confirm", timezone.now())
    work()
    assert len(posts) == 1
    assert Handover.objects.filter(state="waiting").count() == 2
    answers_with(monkeypatch, posts, lambda *_: Answer(True))
    for minute in (2, 4):
        work(60.0 * minute)
    assert [kind for _, kind in posts][1:] == ["case.retracted", "case.confirmed"]


def test_a_case_that_left_and_was_merged_is_taken_back(taken: Case, send: Any, posts: list[tuple[str, str]]) -> None:
    a_city(taken, "a")
    work()
    send(east_m=9.0, outbox=UUID(int=2))
    other = Case.objects.exclude(id=taken.pk).get()
    move(other.pk, State.NEW, State.QUEUED, NOW)
    move(other.pk, State.QUEUED, State.CONFIRMED, NOW)
    work()
    assert Handover.objects.filter(kind="case.confirmed", state="receipted").count() == 2
    move_together(other, taken)
    work()
    assert [kind for _, kind in posts] == ["case.confirmed", "case.confirmed", "case.retracted"]


def move_together(other: Case, case: Case) -> None:
    """What joining does once all sightings of one case turn out to be the other's."""
    from server.cases.services import _members, _settle

    _settle([_members(Sighting.objects.filter(case__in=(other, case)))], NOW)
    other.refresh_from_db()
    assert other.merged_into == case


def test_cases_that_can_never_leave_do_not_hold_up_the_others(
    taken: Case, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "BATCH", 1)
    send(east_m=60.0, outbox=UUID(int=2))
    Case.objects.exclude(id=taken.pk).update(state=State.CONFIRMED, origin="camera")
    add_destination(taken.city, "real", "https://city.example/a", sandbox=False, allow_private=True)
    assert (taken.origin, prepare_handovers(timezone.now()), prepare_handovers(timezone.now())) == ("demo", 1, 0)


def test_a_crash_between_two_destinations_loses_neither(
    taken: Case, posts: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    a_city(taken, "a")
    a_city(taken, "b")
    real, calls = services.record, []

    def crash_once(*args: Any, **kwargs: Any) -> None:
        calls.append(args)
        if len(calls) == 2:
            raise SystemExit
        real(*args, **kwargs)

    monkeypatch.setattr(services, "record", crash_once)
    with pytest.raises(SystemExit):
        prepare_handovers(timezone.now())
    work()
    work()
    assert sorted(posts) == [("/a", "case.confirmed"), ("/b", "case.confirmed")]


def test_a_returned_case_is_reviewed_again_and_handed_over_anew(
    taken: Case, town: Town, reviewer: Any, client: Client
) -> None:
    destination, secret = hand_over(taken, town)
    assert tell(destination, secret, taken.number, "returned").status_code == 200
    taken.refresh_from_db()
    assert taken.state == "queued"
    assert [card.pk for card in lease(reviewer, timezone.now())] == [taken.pk]
    client.force_login(reviewer)
    assert "not ours" in client.get(f"/cases/{taken.number}/").content.decode()
    decide(reviewer, uuid4(), taken.pk, "confirm", timezone.now())
    work()
    taken.refresh_from_db()
    assert (taken.state, len(set(town.ids)), len(town.ids)) == ("handed_over", 2, 2)


@pytest.mark.parametrize(
    ("seen", "source", "state"),
    [(11, "gnss", "reopened"), (9, "gnss", "fixed"), (-600, "gnss", "fixed"), (11, "none", "fixed")],
)
@pytest.mark.parametrize("report_first", [True, False])
def test_a_fixed_case_is_reopened_only_by_what_a_trusted_clock_saw_later(
    taken: Case, town: Town, send: Any, seen: int, source: str, state: str, report_first: bool
) -> None:
    destination, secret = hand_over(taken, town)

    def see() -> None:
        at = {"utc": NOW + timedelta(minutes=seen), "source": source, "sigma_s": 1.0}
        send(outbox=UUID(int=2), seen_at=at, vehicle="TY-02")

    steps = [lambda: tell(destination, secret, taken.number, "fixed"), see]
    for step in steps if report_first else reversed(steps):
        step()
    taken.refresh_from_db()
    assert (taken.state, taken.sightings_count) == (state, 2)
    work()
    taken.refresh_from_db()
    assert (taken.state, len(town.ids)) == (("handed_over", 2) if state == "reopened" else ("fixed", 1))


@pytest.mark.parametrize(
    "at",
    [
        "2026-02-30",
        "2026-02-30T10:00:00Z",
        "0001-01-01T00:00:00+14:00",
        "2026-11-02T03:00:00",
        "9999-12-31T23:59:59-12:00",
    ],
)
def test_a_time_that_never_was_is_no_reason_to_refuse_a_report(taken: Case, town: Town, at: str) -> None:
    destination, secret = hand_over(taken, town)
    assert tell(destination, secret, taken.number, "fixed", at=at).status_code == 200
    report = StatusReport.objects.get()
    assert report.applied
    assert report.reported_at <= timezone.now()


def test_a_report_on_a_merged_case_is_one_on_the_case_it_became(taken: Case, send: Any, town: Town) -> None:
    destination, secret = hand_over(taken, town)
    send(east_m=9.0, outbox=UUID(int=2))
    other = Case.objects.exclude(id=taken.pk).get()
    move_together(other, taken)
    assert tell(destination, secret, other.number, "fixed").status_code == 200
    taken.refresh_from_db()
    assert taken.state == "fixed"


def test_a_report_reads_its_case_inside_its_transaction(
    taken: Case, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    destination, _ = hand_over(taken, town)
    real = reports._case_of

    def watched(*args: Any) -> Any:
        assert connection.in_atomic_block
        return real(*args)

    monkeypatch.setattr(reports, "_case_of", watched)
    said = {"type": "case.status", "data": {"case_number": taken.number, "status": "accepted", "at": NOW.isoformat()}}
    assert reports.take_status(destination, "m1", said, timezone.now())


def test_only_a_city_that_has_the_case_moves_it(taken: Case, town: Town) -> None:
    hand_over(taken, town)
    stranger, secret = add_destination(taken.city, "other", town.url, sandbox=True, allow_private=True)
    assert tell(stranger, secret, taken.number, "fixed").status_code == 200
    assert (Case.objects.get().state, StatusReport.objects.get().applied) == ("handed_over", False)


@pytest.mark.parametrize("wait", ["1000000000000", "9" * 400, "²", "-5", "soon"])
def test_a_city_cannot_put_itself_off_for_longer_than_a_day(taken: Case, town: Town, wait: str) -> None:
    town.code, town.headers = 503, {"Retry-After": wait}
    hand_over(taken, town)
    row = Handover.objects.get()
    assert row.last_error == "HTTP 503"
    assert row.next_try_at < timezone.now() + timedelta(days=1, minutes=1)


def test_the_host_of_a_chinese_name_is_written_in_ascii(
    taken: Case, town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    asked: list[str] = []

    def resolve(name: Any, *args: Any, **kwargs: Any) -> Any:
        asked.append(name)
        return real("127.0.0.1", *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    town.url = town.url.replace("127.0.0.1", "城管.example")
    hand_over(taken, town)
    assert asked[0] == "xn--uisq74f.example"
    assert town.bodies[0][0]["host"] == town.url.replace("城管", "xn--uisq74f").split("/")[2]


def test_one_citys_trouble_never_stops_the_others(
    taken: Case, posts: list[tuple[str, str]], settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = [a_city(taken, name) for name in "xyz"]
    a_city(taken, "a")
    (settings.SECRETS / broken[0].secret_file).unlink()

    def moody(url: str, body: Any) -> Answer:
        if url.endswith("y"):
            raise OverflowError
        if url.endswith("z"):
            raise UnicodeEncodeError("ascii", "城", 0, 1, "not ascii")
        return Answer(True)

    answers_with(monkeypatch, posts, moody)
    work()
    errors = dict(Handover.objects.filter(state="waiting").values_list("destination__name", "last_error"))
    assert {name: error.split(":")[0] for name, error in errors.items()} == {
        "x": "SecretLost",
        "y": "OverflowError",
        "z": "UnicodeEncodeError",
    }
    assert Handover.objects.get(state="receipted").destination.name == "a"
    assert not Handover.objects.filter(state="waiting", next_try_at__lte=timezone.now()).exists()


def test_a_case_that_cannot_be_written_is_noted_and_the_others_leave(
    taken: Case, send: Any, posts: list[tuple[str, str]]
) -> None:
    send(east_m=60.0, outbox=UUID(int=2))
    Case.objects.exclude(id=taken.pk).update(state=State.CONFIRMED)
    Picture.objects.filter(sighting__case=taken).update(box=[1])
    a_city(taken, "a")
    work()
    work()
    assert "ValueError" in Handover.objects.get(case=taken).last_error
    assert Handover.objects.exclude(case=taken).get().state == "receipted"


def test_an_endless_or_dripping_answer_is_cut_off(taken: Case, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks, "DEADLINE_S", 1.0)
    monkeypatch.setattr(webhooks, "TIMEOUT_S", 2.0)
    for answer in (b"HTTP/1.1 200 OK\r\n\r\n", b"HTTP/1.1 200 OK\r\nx: "):
        began = time.monotonic()
        with dripping(answer) as url:
            post(url, "whsec_" + "a" * 44, "m", {}, True, timezone.now())
        assert time.monotonic() - began < 4
    with dripping(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 10_000_000) as url:
        assert post(url, "whsec_" + "a" * 44, "m", {}, True, timezone.now()).delivered


@contextmanager
def dripping(first: bytes) -> Iterator[str]:
    """A server that says `first` and then a byte every now and then, for ever."""
    listener = socket.create_server(("127.0.0.1", 0))
    over = threading.Event()

    def talk() -> None:
        try:
            there, _ = listener.accept()
            there.sendall(first)
            while not over.wait(0.2):
                there.sendall(b"x")
        except OSError:
            return

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
    over.set()
    thread.join()
    listener.close()


def test_a_slow_city_makes_no_other_signature_old_and_is_tried_once_a_round(
    taken: Case, send: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2, 5):
        send(east_m=60.0 * number, outbox=UUID(int=number))
    Case.objects.update(state=State.CONFIRMED)
    slow, quick = a_city(taken, "slow"), a_city(taken, "quick")
    clock, seen = [0.0], []

    def deliver(url: str, secret: str, message_id: str, body: Any, allow_private: bool, now: datetime) -> Answer:
        seen.append((url.split("/")[-1], round((now - start).total_seconds()) - clock[0]))
        clock[0] += 30.0 if url.endswith(slow.name) else 0.0
        return DOWN if url.endswith(slow.name) else Answer(True)

    monkeypatch.setattr(services, "send", deliver)
    monkeypatch.setattr(services, "monotonic", lambda: clock[0])
    start = timezone.now()
    prepare_handovers(start)
    send_due(start)
    assert sorted(seen) == [("quick", 0.0)] * 4 + [("slow", 0.0)]
    assert Handover.objects.filter(destination=quick, state="receipted").count() == 4


def test_a_place_uncertain_on_the_slant_is_said_to_be_as_uncertain_as_it_is(
    taken: Case, town: Town, reviewer: Any
) -> None:
    Case.objects.update(covariance_ee=5.0, covariance_en=4.9, covariance_nn=5.0)
    taken.refresh_from_db()
    hand_over(taken, town)
    assert json.loads(town.bodies[0][1])["data"]["place"]["error_m"] == 7.7
    assert json.loads(town.bodies[0][1])["data"]["place"]["placed_by"] == "vehicles"
    card = card_of(taken, {}, Case.objects.all())
    assert card.error_m == 7.7
    assert " 7.7 " in card.map_svg


def test_a_destination_added_twice_is_one_with_a_new_secret(
    taken: Case, town: Town, settings: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    old, _ = hand_over(taken, town)
    argv = Namespace(name="town", url=town.url, city=taken.city.key, sandbox=True, allow_private=True)
    assert command_destination.run(argv) == 0
    assert "its old secret no longer holds" in capsys.readouterr().out
    new = Destination.objects.get()
    assert (new.pk, new.secret_file != old.secret_file) == (old.pk, True)
    assert [path.name for path in settings.SECRETS.glob("webhook-*")] == [new.secret_file]
    work()
    assert len(town.ids) == 1


@pytest.mark.parametrize(
    "url",
    [
        "city.example",
        "ftp://city.example",
        "https://",
        "http://city.example",
        "https://a:b@city.example/",
        "https://[::1",
        "https://city.example:port/",
    ],
)
def test_an_address_nobody_can_be_reached_at_is_refused_with_a_sentence(
    taken: Case, url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    argv = Namespace(name="town", url=url, city=taken.city.key, sandbox=False, allow_private=False)
    assert command_destination.run(argv) == 2
    assert "address" in capsys.readouterr().err
    assert not Destination.objects.exists()
