"""The uplink against a real Mosquitto: only the server's own acknowledgement empties a row."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from wire import Broker, Running, Server, accept, counts, silent, until

from edge.outbox import Outbox
from edge.settings import Settings
from edge.uplink import Uplink
from models.contract import AckItem, Sighting, topic

pytestmark = [pytest.mark.broker, pytest.mark.process]
SightingOf = Callable[..., Any]


@pytest.fixture
def broker(mosquitto: str, tmp_path: Path) -> Iterator[Broker]:
    made = Broker(mosquitto, tmp_path)
    yield made
    made.kill()


@pytest.fixture
def filled(outbox: Outbox, sighting_of: SightingOf) -> Path:
    for number in range(1, 13):
        outbox.put(UUID(int=number), sighting_of(UUID(int=number)))
    outbox.close()
    return outbox.path


@pytest.mark.parametrize("outcome", ["accepted", "known"])
def test_it_ends_when_the_server_has_everything(broker: Broker, filled: Path, outcome: Any) -> None:
    broker.start()
    server = Server(
        broker.port, lambda s, b: [AckItem(id=s.id, digest="f" * 64, outcome=outcome)]
    )  # any digest will do
    assert Running(filled, broker.port).ends()
    assert counts(filled)["settled"] == 12
    assert until(lambda: server.status[-2:] == [True, False])
    server.stop()


def test_a_puback_settles_nothing_and_the_resend_is_byte_identical(broker: Broker, filled: Path) -> None:
    broker.start()
    server = Server(broker.port, silent)
    running = Running(filled, broker.port)
    assert until(lambda: len(server.bodies) > 16)
    assert counts(filled) == {"waiting": 12, "aside": 0, "settled": 0, "evicted": 0, "unreadable": 0, "committed": 12}
    assert len(set(server.bodies)) == 8  # the window: what is not acknowledged holds back the rest
    running.stop()
    server.stop()


def test_acknowledgements_that_come_twice_or_for_strange_ids_harm_nothing(broker: Broker, filled: Path) -> None:
    broker.start()
    server = Server(
        broker.port, lambda s, b: accept(s, b) * 3 + [AckItem(id=UUID(int=999), digest="0" * 64, outcome="accepted")]
    )
    assert Running(filled, broker.port).ends()
    assert counts(filled)["settled"] == 12
    server.stop()


def test_what_is_refused_is_set_aside_and_shown(broker: Broker, filled: Path, caplog: pytest.LogCaptureFixture) -> None:
    broker.start()
    refuse = [AckItem(id=UUID(int=3), digest="0" * 64, outcome="refused", reason='id "conflict"')]
    server = Server(broker.port, lambda s, b: refuse if s.id == UUID(int=3) else accept(s, b))
    with caplog.at_level(logging.INFO):
        running = Running(filled, broker.port)
        assert running.ends()
    held = counts(filled)
    assert (held["aside"], held["settled"]) == (1, 11)
    assert running.uplink is not None
    assert running.uplink.counts["refused"] == 1
    assert any('"reason": "id \\"conflict\\""' in line for line in caplog.messages)
    server.stop()


def test_an_acknowledgement_that_cannot_be_read_is_counted_and_passed_over(broker: Broker, filled: Path) -> None:
    broker.start()

    def answer(sighting: Sighting, body: bytes) -> list[AckItem]:
        for rubbish in (b"", b"\xff" * 40, b"\x81" * 5000, b"{}"):
            server.client.publish(topic("TY-01", "ack"), rubbish, qos=1)
        return accept(sighting, body)

    server = Server(broker.port, answer)
    running = Running(filled, broker.port)
    assert running.ends()
    assert counts(filled)["settled"] == 12
    assert running.uplink is not None
    assert running.uplink.counts["bad_ack"] > 0
    server.stop()


def test_a_broker_that_is_down_at_the_start_is_waited_for(
    broker: Broker, filled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        running = Running(filled, broker.port)
        assert until(
            lambda: any(
                "cannot be reached" in line and "nothing is lost (12 waiting)" in line for line in caplog.messages
            )
        )
    broker.start()
    server = Server(broker.port, accept)
    assert running.ends()
    assert counts(filled)["settled"] == 12
    server.stop()


def test_a_broker_killed_in_between_loses_nothing(broker: Broker, filled: Path) -> None:
    broker.start()
    server = Server(broker.port, silent)
    running = Running(filled, broker.port)
    assert until(lambda: len(server.bodies) >= 8)
    server.stop()
    broker.kill()
    broker.start()
    server = Server(broker.port, accept)
    assert running.ends()
    assert counts(filled)["settled"] == 12
    server.stop()


def test_a_wrong_password_is_told_with_what_to_do_and_tried_again(
    broker: Broker, filled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    broker.start()
    with caplog.at_level(logging.WARNING):
        running = Running(filled, broker.port, password="wrong")
        assert until(lambda: any("trikeye server vehicle add TY-01" in line for line in caplog.messages))
    assert not any("wrong" in line for line in caplog.messages), "a password is no word for a log"
    assert running.thread.is_alive()
    running.stop()
    assert counts(filled)["waiting"] == 12


def test_a_missing_certificate_is_told_and_loses_nothing(
    broker: Broker, filled: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        running = Running(filled, broker.port, tls=True, ca_file="/nowhere/ca.pem")
        assert until(lambda: any("[uplink] in edge.toml" in line for line in caplog.messages))
    running.stop()
    assert counts(filled)["waiting"] == 12


def test_an_uplink_that_stops_says_offline(broker: Broker, filled: Path) -> None:
    broker.start()
    server = Server(broker.port, silent)
    running = Running(filled, broker.port, until_empty=False)
    assert until(lambda: server.status[-1:] == [True])
    running.stop()
    assert until(lambda: server.status[-1:] == [False])
    server.stop()


def test_pauses_between_tries_grow_with_jitter_up_to_a_minute(
    outbox: Outbox, sighting_of: SightingOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox.put(UUID(int=1), sighting_of(UUID(int=1)))
    settings = Settings.model_validate({"vehicle": {"name": "TY-01"}, "uplink": {"port": 1}})
    uplink, pauses = Uplink(settings, outbox), list[float]()

    def wait(seconds: float) -> None:
        pauses.append(seconds)
        uplink._stop = len(pauses) == 12

    monkeypatch.setattr(uplink, "_wait", wait)
    uplink.run()
    for pause, even in zip(pauses, [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60, 60, 60], strict=True):
        assert 0.7 * even <= pause <= 1.3 * even
    assert len({round(pause / 60, 6) for pause in pauses[7:]}) == 5, "not all vehicles of a fleet at once"
