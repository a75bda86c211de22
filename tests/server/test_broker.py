"""Who may write and read what, asked of both brokers themselves."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from brokers import free_port, started, wait_for
from paho.mqtt.enums import CallbackAPIVersion

from models.contract import MAX_MESSAGE_BYTES, topic
from server import broker
from server.command_vehicle import tell_broker
from server.fleet.services import add_vehicle
from server.settings import secret

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


class Client:
    """A login that notes what it hears."""

    def __init__(self, port: int, name: str, password: str, client_id: str = "") -> None:
        self.heard: list[str] = []
        self.refused: list[str] = []
        self.connected: bool | None = None
        self.mqtt = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id or f"test-{name}",
            protocol=mqtt.MQTTv311,
            reconnect_on_failure=False,
        )
        self.mqtt.username_pw_set(name, password)
        self.mqtt.on_connect = lambda _c, _u, _f, reason, _p: setattr(self, "connected", not reason.is_failure)
        self.mqtt.on_disconnect = lambda *_: setattr(self, "connected", False)
        self.mqtt.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        wait_for(lambda: self.connected is not None)

    def listen(self, *topics: str) -> None:
        """Subscribe, and come back when the broker has said that it is so."""
        answered: list[int] = []
        self.mqtt.on_subscribe = lambda *_: answered.append(1)
        self.mqtt.subscribe([(each, 1) for each in topics])
        assert wait_for(lambda: bool(answered))

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


@pytest.fixture(params=["mosquitto", "amqtt"])
def running(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mosquitto: str, settings: Any
) -> Iterator[tuple[int, dict[str, str]]]:
    """A broker on loopback with two vehicles; its port and the passwords."""
    port = free_port()
    settings.BROKER = f"127.0.0.1:{port}"
    passwords = prepared(tmp_path, monkeypatch)
    with started(request.param, port):
        yield port, passwords


def prepared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """The broker's files for two vehicles; the passwords."""
    monkeypatch.setattr(broker, "FOLDER", tmp_path / "broker")
    passwords = {name: add_vehicle(name) for name in ("TY-01", "TY-02")}
    broker.write_files()
    return passwords | {"intake": secret("broker-intake")}


def test_every_pair_of_login_and_topic_is_as_the_table_says(running: tuple[int, dict[str, str]]) -> None:
    port, passwords = running
    clients = {name: Client(port, name, password) for name, password in passwords.items()}
    topics = [topic(vehicle, kind) for vehicle in ("TY-01", "TY-02") for kind in (*broker.UP, *broker.DOWN)]
    for client in clients.values():
        assert client.connected
        client.listen(*topics)
    for name, client in clients.items():
        for each in topics:
            client.mqtt.publish(each, f"from {name}", qos=1)
        time.sleep(0.7)
        may_write = [t for t in topics if any(mqtt.topic_matches_sub(rule, t) for rule in broker.rights()[name][0])]
        for reader, other in clients.items():
            may_read = [
                t for t in topics if any(mqtt.topic_matches_sub(rule, t) for rule in broker.rights()[reader][1])
            ]
            expected = sorted(set(may_write) & set(may_read))
            wait_for(lambda other=other, expected=expected: sorted(other.heard) == expected, 5)
            assert sorted(other.heard) == expected, f"{name} writes, {reader} reads"
            other.heard.clear()
    for client in clients.values():
        client.close()


@pytest.mark.parametrize(("name", "password"), [("TY-01", "wrong"), ("nobody", "x"), ("", "")])
def test_nobody_comes_in_without_a_password(running: tuple[int, dict[str, str]], name: str, password: str) -> None:
    client = Client(running[0], name, password)
    assert not client.connected
    client.close()


@pytest.mark.parametrize("running", ["mosquitto"], indirect=True)
def test_no_vehicle_takes_intakes_place_at_the_broker(running: tuple[int, dict[str, str]]) -> None:
    """A broker ends the older of two sessions of one client id."""
    port, passwords = running
    intake = Client(port, "intake", passwords["intake"], client_id="intake")
    intake.listen(topic("+", "sighting"))
    thief = Client(port, "TY-01", passwords["TY-01"], client_id="intake")
    thief.mqtt.publish(topic("TY-01", "sighting"), b"still there?", qos=1)
    assert wait_for(lambda: intake.heard == [topic("TY-01", "sighting")])
    assert thief.connected
    assert intake.connected
    thief.close()
    intake.close()


@pytest.mark.parametrize("running", ["mosquitto"], indirect=True)
def test_a_message_no_vehicle_makes_ends_its_senders_connection(running: tuple[int, dict[str, str]]) -> None:
    port, passwords = running
    intake, sender = (Client(port, name, passwords[name]) for name in ("intake", "TY-01"))
    intake.listen(topic("+", "sighting"))
    sender.mqtt.publish(topic("TY-01", "sighting"), b"x" * MAX_MESSAGE_BYTES, qos=1)
    assert wait_for(lambda: len(intake.heard) == 1)
    sender.mqtt.publish(topic("TY-01", "sighting"), b"x" * 1_100_000, qos=1)
    assert wait_for(lambda: not sender.connected)
    assert intake.connected
    assert len(intake.heard) == 1
    intake.close()
    sender.close()


def test_a_running_mosquitto_is_told_of_a_new_vehicle(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mosquitto: str, settings: Any
) -> None:
    port = free_port()
    settings.BROKER = f"127.0.0.1:{port}"
    prepared(tmp_path, monkeypatch)
    with started("mosquitto", port) as process:
        (tmp_path / "broker.pid").write_text(str(process.pid))
        password = add_vehicle("TY-03")
        broker.write_files()
        assert tell_broker(tmp_path / "broker.pid")

        def may_enter() -> bool:
            client = Client(port, "TY-03", password)
            entered = bool(client.connected)
            client.close()
            return entered

        assert wait_for(may_enter)
