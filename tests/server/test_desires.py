"""What a server wants of its vehicles: asked by a verb, signed by intake, applied by the vehicle, and told back in its heartbeat."""

from __future__ import annotations

import stat
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from brokers import free_port, started, wait_for
from heartbeats import body
from sightings import NOW

import trikeye
from edge.desired import RefusedDesired, checked
from edge.outbox import Outbox
from edge.part import UplinkPart, WatchPart, read_part, write_part
from edge.settings import Settings, read_settings
from edge.uplink import Uplink
from models.contract import Desired, decode, topic
from server import broker
from server.audit.models import AuditRow
from server.fleet.desires import BadDesire, Publisher, desire, public_key, signed
from server.fleet.heartbeats import take_health
from server.fleet.models import Desire, Heartbeat, Vehicle
from server.fleet.services import add_vehicle
from server.intake.mqtt import Intake
from server.settings import secret

pytestmark = pytest.mark.django_db(transaction=True)


def vehicle_settings(name: str = "TY-01") -> Settings:
    return Settings.model_validate({"vehicle": {"name": name}, "uplink": {"server_key": public_key()}})


def test_each_change_is_a_new_revision_that_the_vehicle_can_check(vehicle: Any) -> None:
    assert desire("TY-01", NOW, put={"gate.every_m": 2.5}) == 1
    assert desire("TY-01", NOW, put={"decide.least_views": 3}, send_again_since=NOW) == 2
    wanted = checked(signed(Desire.objects.get()), vehicle_settings())
    assert wanted.settings == {"gate.every_m": 2.5, "decide.least_views": 3}
    assert wanted.send_again_since == NOW
    assert desire("TY-01", NOW, drop=("gate.every_m",)) == 3
    last = decode(Desired, signed(Desire.objects.get()))
    assert (last.settings, last.send_again_since) == ({"decide.least_views": 3}, None)
    with pytest.raises(RefusedDesired, match="TY-01"):
        checked(signed(Desire.objects.get()), vehicle_settings("TY-02"))
    assert AuditRow.objects.filter(verb="vehicle_desired").count() == 3


def test_a_database_from_a_backup_asks_with_a_revision_that_is_news(vehicle: Any) -> None:
    take_health(topic("TY-01", "health"), body(settings_revision=41), NOW, False)
    assert desire("TY-01", NOW, put={"gate.every_m": 2.5}) == 42


@pytest.mark.parametrize(
    ("name", "asked", "words"),
    [
        ("TY-01", {"put": {"uplink.host": 1.0}}, "cannot be set from afar"),
        ("TY-01", {"put": {"gate.every_m": 1e9}}, "from 0.2 to 50"),
        ("TY-01", {"put": {"decide.least_views": 2.5}}, "whole number"),
        ("TY-01", {"drop": ("gate.every_m",)}, "not set from afar"),
        ("TY-77", {"put": {"gate.every_m": 2.0}}, "there is no TY-77"),
    ],
)
def test_what_cannot_be_is_told_and_changes_nothing(vehicle: Any, name: str, asked: dict[str, Any], words: str) -> None:
    with pytest.raises(BadDesire, match=words):
        desire(name, NOW, **asked)
    assert not Desire.objects.exists()


def test_the_secret_key_is_for_its_owner_alone(vehicle: Any, settings: Any) -> None:
    first = public_key()
    assert public_key() == first
    assert len(bytes.fromhex(first)) == 32
    (path,) = settings.SECRETS.glob("desired-key.pub")
    assert not stat.S_IMODE(path.stat().st_mode) & 0o077


def test_each_revision_is_due_once_and_again_when_a_vehicle_or_the_broker_comes_back(vehicle: Any) -> None:
    desire("TY-01", NOW, put={"gate.every_m": 2.5})
    publisher = Publisher()
    ((name, revision, where, _),) = publisher.due()
    assert (name, revision, where) == ("TY-01", 1, topic("TY-01", "desired"))
    publisher.was_published(name, revision)
    assert not publisher.due()
    desire("TY-01", NOW, put={"gate.every_m": 3.0})
    assert [each[1] for each in publisher.due()] == [2]
    publisher.was_published("TY-01", 2)
    publisher.forget("TY-01")
    assert len(publisher.due()) == 1
    publisher.was_published("TY-01", 2)
    publisher.forget_all()
    assert len(publisher.due()) == 1
    Vehicle.objects.filter(name="TY-01").update(revoked_at=NOW)
    assert not publisher.due()


@pytest.mark.parametrize(
    ("argv", "code"),
    [
        (["--set", "gate.every_m=2"], 0),
        (["--send-again-since", "2026-11-01T00:00+08:00"], 0),
        (["--send-again-since", "2026-11-01T00:00"], 2),
        (["--send-again-since", "yesterday"], 2),
        (["--set", "gate.every_m=fast"], 2),
        (["--zones", "ftp://x", "0" * 64], 2),
        ([], 2),
        (["--set", "gate.every_m=1000"], 1),
    ],
)
def test_the_verb_says_what_it_did_or_what_is_wrong(vehicle: Any, argv: list[str], code: int, capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    assert trikeye.main(["server", "vehicle", "desire", "TY-01", *argv]) == code
    said = capsys.readouterr()
    assert ("revision 1" in said.out) is (code == 0)
    assert bool(said.err) is (code != 0)


@pytest.fixture(params=["mosquitto", "amqtt"])
def port(request: pytest.FixtureRequest, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:  # fmt: skip
    """A broker of each kind with one vehicle; intake runs beside it."""
    if request.param == "mosquitto":
        request.getfixturevalue("mosquitto")
    port = free_port()
    settings.BROKER = f"127.0.0.1:{port}"
    monkeypatch.setattr(broker, "FOLDER", tmp_path / "broker")
    (tmp_path / "password").write_text(add_vehicle("TY-01"))
    broker.write_files()
    with started(request.param, port):
        taking = Intake("127.0.0.1", port, "intake", secret("broker-intake"))
        thread = threading.Thread(target=taking.run, daemon=True)
        thread.start()
        yield port
        taking.stop()
        thread.join(20)


@pytest.mark.broker
@pytest.mark.process
def test_what_is_wanted_arrives_is_applied_and_told_back(port: int, tmp_path: Path) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(
        f'[vehicle]\nname = "TY-01"\ndata = "{tmp_path / "data"}"\n[uplink]\nport = {port}\nuser = "TY-01"\n'
        f'password = "{(tmp_path / "password").read_text()}"\nserver_key = "{public_key()}"\n'
    )
    write_part(tmp_path / "data", WatchPart(settings_revision=9, troubles=("no_fix",)))
    made: list[Uplink] = []

    def run() -> None:
        made.append(Uplink(read_settings(config), Outbox(tmp_path / "data" / "outbox.sqlite3")))
        made[0].run()

    thread = threading.Thread(target=run, daemon=True)
    desire("TY-01", datetime.now(UTC), put={"health.every_s": 10, "uplink.in_flight": 3})
    thread.start()
    assert wait_for(lambda: made)
    uplink = made[0]
    try:
        assert wait_for(lambda: uplink.settings.revision == 1, 40)
        assert (uplink.settings.uplink.in_flight, uplink.settings.health.every_s) == (3, 10.0)
        assert wait_for(lambda: Heartbeat.objects.filter(body__settings_revision=1).exists(), 40)
        desire("TY-01", datetime.now(UTC), put={"uplink.in_flight": 4})
        assert wait_for(lambda: uplink.settings.uplink.in_flight == 4, 40), "while it is connected"
    finally:
        uplink.stop()
        thread.join(20)
    assert Heartbeat.objects.get().body["troubles"] == ["no_fix"]
    part = read_part(tmp_path / "data", UplinkPart)
    assert part is not None
    assert part.connected
    assert uplink.counts["desired_refused"] == uplink.counts["desired_ignored"] == 0
