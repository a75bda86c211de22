"""Hand-over: every answer a city can give, and every word it can send back."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from sightings import NOW, UTC
from standardwebhooks.webhooks import Webhook

from server.cases.models import Case
from server.cases.rules import State
from server.cases.services import move
from server.city.models import Handover, StatusReport
from server.city.services import add_destination, prepare_handovers, send_due
from server.city.webhooks import send as post

pytestmark = pytest.mark.django_db(transaction=True)


class Town:
    """A real server on loopback that answers as told."""

    def __init__(self) -> None:
        self.code, self.bodies, self.ids, town = 200, [], [], self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                town.bodies.append((dict(self.headers.items()), body))
                town.ids.append(self.headers["webhook-id"])
                self.send_response(town.code)
                if town.code == 302:
                    self.send_header("Location", "http://127.0.0.1:1/elsewhere")
                self.end_headers()
                self.wfile.write(b'{"id": "CG-7"}')

            def log_message(self, format: str, *args: object) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
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


def test_a_confirmed_case_leaves_once_signed_and_small(confirmed: Case, town: Town) -> None:
    _, secret = hand_over(confirmed, town)
    headers, body = town.bodies[0]
    message = Webhook(secret).verify(body, {k.lower(): v for k, v in headers.items()})
    assert message["type"] == "case.confirmed"
    data = message["data"]
    assert (data["case_number"], data["category"], data["name_zh"]) == (confirmed.number, "bagged_garbage", "打包垃圾")
    assert data["place"]["crs"] == "WGS-84"
    assert len(data["matter"]) == 6
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


def tell(destination: Any, secret: str, number: int, status: str, message_id: str = "m1") -> Any:
    body = json.dumps({"type": "case.status", "data": {"case_number": number, "status": status, "at": NOW.isoformat()}})
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
