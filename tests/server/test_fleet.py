"""Vehicles and their credentials."""

from __future__ import annotations

import argparse
import stat
import subprocess
from pathlib import Path

import pytest

from server import broker, command_vehicle
from server.fleet.models import Vehicle
from server.fleet.services import add_vehicle

pytestmark = pytest.mark.django_db(transaction=True)


def whereabouts() -> tuple[str, str]:
    vehicle = Vehicle.objects.select_related("city", "fleet").get(name="JN-1")
    return vehicle.city.key, vehicle.fleet.name


def test_new_credentials_move_no_vehicle_to_another_city() -> None:
    first = add_vehicle("JN-1", "jinan", "post")
    hashes = Vehicle.objects.values_list("broker_hash", flat=True).get(name="JN-1")
    assert add_vehicle("JN-1") != first
    assert Vehicle.objects.values_list("broker_hash", flat=True).get(name="JN-1") != hashes
    assert whereabouts() == ("jinan", "post")
    add_vehicle("JN-1", fleet_name="other")
    assert whereabouts() == ("jinan", "other")
    add_vehicle("JN-1", "taiyuan")
    assert whereabouts() == ("taiyuan", "other")


def test_a_config_that_cannot_be_written_leaves_the_vehicle_its_password(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker, "FOLDER", tmp_path / "broker")
    add_vehicle("JN-1", "jinan", "post")
    before = Vehicle.objects.values_list("broker_hash", flat=True).get(name="JN-1")
    parser = argparse.ArgumentParser()
    command_vehicle.add_arguments(parser)
    with pytest.raises(FileNotFoundError):
        command_vehicle.run(parser.parse_args(["add", "JN-1", "--write-config", str(tmp_path / "missing" / "e.toml")]))
    assert Vehicle.objects.values_list("broker_hash", flat=True).get(name="JN-1") == before
    config = tmp_path / "e.toml"
    config.write_text("")
    config.chmod(0o644)
    assert command_vehicle.run(parser.parse_args(["add", "JN-1", "--write-config", str(config)])) == 0
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert 'user = "JN-1"' in config.read_text()


def test_a_number_left_by_a_broker_that_is_gone_ends_no_innocent_process(tmp_path: Path) -> None:
    pid_file = tmp_path / "broker.pid"
    with subprocess.Popen(["sleep", "60"]) as innocent:
        pid_file.write_text(str(innocent.pid))
        assert not command_vehicle.tell_broker(pid_file)
        with pytest.raises(subprocess.TimeoutExpired):
            innocent.wait(0.3)
        innocent.kill()
    assert not command_vehicle.tell_broker(pid_file)
    assert not command_vehicle.tell_broker(tmp_path / "none")
