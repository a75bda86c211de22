"""Who may write and read what, asked of both brokers themselves."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from models.contract import topic
from server import broker
from server.settings import secret

pytestmark = [pytest.mark.broker, pytest.mark.django_db(transaction=True)]


class Client:
    """A login that notes what it hears."""

    def __init__(self, port: int, name: str, password: str) -> None:
        self.heard: list[str] = []
        self.refused: list[str] = []
        self.connected: bool | None = None
        self.mqtt = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=f"test-{name}", protocol=mqtt.MQTTv311, reconnect_on_failure=False
        )
        self.mqtt.username_pw_set(name, password)
        self.mqtt.on_connect = lambda _c, _u, _f, reason, _p: setattr(self, "connected", not reason.is_failure)
        self.mqtt.on_message = lambda _c, _u, message: self.heard.append(message.topic)
        self.mqtt.connect("127.0.0.1", port)
        self.mqtt.loop_start()
        wait_for(lambda: self.connected is not None)

    def close(self) -> None:
        self.mqtt.disconnect()
        self.mqtt.loop_stop()


def wait_for(condition: Any, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(params=["mosquitto", "amqtt"])
def running(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mosquitto: str
) -> Iterator[tuple[int, dict[str, str]]]:
    """A broker on loopback with two vehicles; its port and the passwords."""
    from server.fleet.services import add_vehicle

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setattr(broker, "FOLDER", tmp_path / "broker")
    passwords = {name: add_vehicle(name, "taiyuan", "fleet") for name in ("TY-01", "TY-02")} | {
        "intake": secret("broker-intake")
    }
    broker.write_files("127.0.0.1", port)
    process = subprocess.Popen(broker.command(request.param), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def is_up() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    assert wait_for(is_up, 20), f"{request.param} did not start"
    yield port, passwords
    process.terminate()
    process.wait(10)


def test_every_pair_of_login_and_topic_is_as_the_table_says(running: tuple[int, dict[str, str]]) -> None:
    port, passwords = running
    clients = {name: Client(port, name, password) for name, password in passwords.items()}
    topics = [topic(vehicle, kind) for vehicle in ("TY-01", "TY-02") for kind in (*broker.UP, *broker.DOWN)]
    for client in clients.values():
        assert client.connected
        client.mqtt.subscribe([(each, 1) for each in topics])
    time.sleep(0.7)
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
