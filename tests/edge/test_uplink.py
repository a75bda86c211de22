"""The uplink against a real Mosquitto: only the server's own acknowledgement empties a row."""

from __future__ import annotations

import contextlib
import logging
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from edge.outbox import Outbox
from edge.settings import Settings
from edge.uplink import Uplink
from models.contract import Ack, AckItem, Sighting, Status, decode, digest_of, encode, topic

pytestmark = [pytest.mark.broker, pytest.mark.process]
SightingOf = Callable[..., Any]


class Broker:
    """A Mosquitto on loopback with one vehicle and one server, that can be stopped and started."""

    def __init__(self, program: str, folder: Path, extra: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        passwd = program.replace("mosquitto", "mosquitto_passwd").replace("/sbin/", "/bin/")
        for number, user in enumerate(("TY-01", "intake")):
            subprocess.run(
                [passwd, *(["-c"] if number == 0 else []), "-b", str(folder / "passwd"), user, "right"], check=True
            )
        (folder / "passwd").chmod(0o644)
        folder.chmod(0o755)
        self._file = folder / "mosquitto.conf"
        self._file.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {folder / 'passwd'}\nuser root\n{extra}"
        )
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert until(lambda: self._listens()), "mosquitto does not listen"

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
            return True
        return False


class Server:
    """Answers as `answer` says; keeps what it was sent."""

    def __init__(self, port: int, answer: Callable[[Sighting, bytes], list[AckItem]]) -> None:
        self.bodies: list[bytes] = []
        self.status: list[bool] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="intake")
        self.client.username_pw_set("intake", "right")
        self.ready = threading.Event()

        def connected(client: mqtt.Client, *_: object) -> None:
            client.subscribe([(topic("TY-01", "sighting"), 1), (topic("TY-01", "status"), 1)])

        def came(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
            body = bytes(message.payload)
            if message.topic.endswith("status"):
                self.status.append(decode(Status, body).online)
                return
            self.bodies.append(body)
            if items := answer(decode(Sighting, body), body):
                client.publish(topic("TY-01", "ack"), encode(Ack(items=tuple(items))), qos=1)

        self.client.on_connect, self.client.on_message = connected, came
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.ready.wait(10)

    def stop(self) -> None:
        """Leave the broker."""
        self.client.disconnect()
        self.client.loop_stop()


def until(true: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + within_s
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def accept(sighting: Sighting, body: bytes) -> list[AckItem]:
    """What a server says once its database has it."""
    return [AckItem(id=sighting.id, digest=digest_of(body), outcome="accepted")]


def silent(sighting: Sighting, body: bytes) -> list[AckItem]:
    """A server that is there but says nothing."""
    return []


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


class Running:
    """An uplink in a thread of its own, with its own connection to the outbox."""

    def __init__(
        self, path: Path, port: int, password: str = "right", until_empty: bool = True, **uplink: object
    ) -> None:
        self.settings = Settings.model_validate({
            "vehicle": {"name": "TY-01"},
            "uplink": {"host": "127.0.0.1", "port": port, "user": "TY-01", "password": password, "resend_s": 0.5, **uplink},
        })  # fmt: skip
        self.path, self.uplink, self.ready = path, None, threading.Event()
        self.thread = threading.Thread(target=self._run, args=(until_empty,), daemon=True)
        self.thread.start()
        assert self.ready.wait(5)

    def _run(self, until_empty: bool) -> None:
        self.uplink = Uplink(self.settings, Outbox(self.path))
        self.ready.set()
        self.uplink.run(until_empty)

    def ends(self, within_s: float = 25.0) -> bool:
        """Whether it ended of itself."""
        self.thread.join(within_s)
        return not self.thread.is_alive()

    def stop(self) -> None:
        """Stop it and wait."""
        assert self.uplink is not None
        self.uplink.stop()
        assert self.ends()


def counts(path: Path) -> dict[str, int]:
    """What the outbox holds, read by another connection."""
    box = Outbox(path)
    held = box.counts()
    box.close()
    return held


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
