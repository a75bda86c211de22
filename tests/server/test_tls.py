"""A broker that strangers can reach: TLS from the vehicle to the server, and refusal to open it without."""

from __future__ import annotations

import argparse
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from brokers import free_port, started
from sightings import message

from edge.outbox import Outbox
from server import broker, command_broker, command_run, command_vehicle
from server.cases.models import Sighting
from server.intake.mqtt import Intake
from server.settings import secret

pytestmark = [pytest.mark.broker, pytest.mark.process, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def certificate(tmp_path: Path, settings: Any, monkeypatch: pytest.MonkeyPatch) -> int:
    """A certificate that signs itself, named in the settings; the port of the vehicles."""
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=broker",
         "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True,
    )  # fmt: skip
    port, own_port = free_port(), free_port()
    settings.BROKER, settings.BROKER_CERT, settings.BROKER_KEY, settings.BROKER_CA = (
        f"127.0.0.1:{port}",
        cert,
        key,
        cert,
    )
    monkeypatch.setattr(broker, "own_address", lambda: ("127.0.0.1", own_port))
    monkeypatch.setattr(broker, "FOLDER", tmp_path / "broker")
    return port


def verb(module: Any, *argv: str) -> int:
    """Run a verb here, over the test's database."""
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    return int(module.run(parser.parse_args(argv)))


@contextmanager
def intake() -> Iterator[None]:
    """Intake, in a thread."""
    taking = Intake(*broker.own_address(), "intake", secret("broker-intake"))
    thread = threading.Thread(target=taking.run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        taking.stop()
        thread.join(20)


def uplink(config: Path, seconds: float) -> str:
    """What the vehicle's uplink says until its outbox is empty, or so long."""
    argv = [sys.executable, "-m", "trikeye", "edge", "uplink", "--config", str(config), "--data", str(config.parent), "--until-empty"]  # fmt: skip
    process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        return process.communicate(timeout=seconds)[0]
    except subprocess.TimeoutExpired:
        process.terminate()
        return process.communicate(timeout=20)[0]


def test_a_sighting_travels_by_tls_and_to_no_broker_the_vehicle_cannot_trust(
    certificate: int, mosquitto: str, tmp_path: Path
) -> None:
    trusting, wary, plain = (tmp_path / f"{name}.toml" for name in ("edge", "wary", "plain"))
    assert verb(command_vehicle, "add", "TY-01", "--write-config", str(trusting)) == 0
    text, authority = trusting.read_text(), '\ntls = true\nca_file = "ca.pem"\n'
    assert authority in text
    wary.write_text(text.replace(authority, "\ntls = true\n"))
    plain.write_text(text.replace(authority, "\n"))
    outbox, sent = Outbox(tmp_path / "outbox.sqlite3"), message()
    assert outbox.put(sent.id, lambda uuid, number: sent.model_copy(update={"outbox": uuid, "sequence": number}))
    with started("mosquitto", certificate), intake():
        assert "certificate verify failed" in uplink(wary, 5)
        uplink(plain, 5)
        assert outbox.counts()["waiting"] == 1
        uplink(trusting, 40)
    assert outbox.counts()["settled"] == 1
    assert Sighting.objects.get().id == sent.id


@pytest.mark.parametrize(
    "argv", [(command_broker, "config"), (command_broker, "run"), (command_run,), (command_vehicle, "add", "TY-09")]
)
def test_no_broker_is_opened_to_strangers_without_a_certificate(
    argv: Any, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(broker, "FOLDER", tmp_path / "broker")
    settings.BROKER = "broker.example:1883"
    assert verb(*argv) == 1
    assert "set TRIKEYE_BROKER_CERT and TRIKEYE_BROKER_KEY" in capsys.readouterr().err
    assert not (tmp_path / "broker").exists()
    settings.BROKER_CERT = "cert.pem"
    assert "set both" in broker.why_not_open()


def test_the_broker_listens_to_vehicles_by_tls_and_to_intake_on_the_loopback(settings: Any, tmp_path: Path) -> None:
    settings.BROKER, settings.BROKER_CERT, settings.BROKER_KEY = "broker.example", "/etc/cert.pem", "/etc/key.pem"
    assert verb(command_broker, "config", "--out", str(tmp_path / "out")) == 0
    lines = (tmp_path / "out" / "mosquitto.conf").read_text().splitlines()
    assert lines[:3] == ["listener 8883", "certfile /etc/cert.pem", "keyfile /etc/key.pem"]
    assert [line for line in lines if line.startswith("listener")] == ["listener 8883", "listener 1883 127.0.0.1"]
    assert f"password_file {tmp_path / 'out' / 'passwd'}" in lines
    assert f"persistence_location {tmp_path / 'out' / 'store'}/" in lines
    assert lines.count("use_username_as_clientid true") == 2
