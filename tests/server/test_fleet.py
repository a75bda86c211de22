"""Vehicles and their credentials."""

from __future__ import annotations

import argparse
import stat
import subprocess
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from edge.settings import read_settings
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


@pytest.fixture
def add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """`trikeye server vehicle add JN-1 --write-config FILE`."""
    monkeypatch.setattr(broker, "FOLDER", tmp_path / "broker")
    parser = argparse.ArgumentParser()
    command_vehicle.add_arguments(parser)
    return lambda file, *more: command_vehicle.run(parser.parse_args(["add", "JN-1", "--write-config", str(file), *more]))  # fmt: skip


def password_hash() -> str:
    return str(Vehicle.objects.values_list("broker_hash", flat=True).get(name="JN-1"))


def test_a_config_that_cannot_be_written_leaves_the_vehicle_its_password_and_its_folder_is_named(
    tmp_path: Path, add: Callable[..., int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    add_vehicle("JN-1", "jinan", "post")
    before = password_hash()
    monkeypatch.chdir(tmp_path)
    for missing in (tmp_path / "missing", Path("missing")):
        assert add(missing / "e.toml") == 1
        assert f" {tmp_path / 'missing'}: No such file" in capsys.readouterr().err
    assert password_hash() == before
    config = tmp_path / "e.toml"
    config.write_text("")
    config.chmod(0o644)
    assert add(config) == 0
    assert stat.S_IMODE(config.stat().st_mode) == 0o600
    assert 'user = "JN-1"' in config.read_text()


def test_new_credentials_change_nothing_else_of_a_file_that_is_there(tmp_path: Path, add: Callable[..., int]) -> None:
    config = tmp_path / "e.toml"
    assert add(config, "--origin", "demo") == 0
    first = config.read_text()
    config.write_text(
        first.replace("# device", "device") + "resend_s = 5.0  # mine\ntls = true\n\n[decide]\nleast_views = 1\n"
    )
    assert add(config) == 0
    text = config.read_text()
    read, was = tomllib.loads(text), tomllib.loads(first)
    assert read.pop("uplink") | {"password": ""} == was["uplink"] | {"password": "", "resend_s": 5.0}
    assert read == {"origin": "demo", "vehicle": {"name": "JN-1"}, "camera": {}, "receiver": {"device": "/dev/ttyUSB0"}, "decide": {"least_views": 1}}  # fmt: skip
    assert was["uplink"]["password"] not in text
    assert "resend_s = 5.0  # mine\n" in text
    assert "# docs/edge.toml.example explains" in text


@pytest.mark.parametrize(
    ("text", "more", "said"),
    [
        ('[vehicle]\nname = "JN-2"\n', (), "the file of JN-2"),
        ("[gate]\nevery_m = 2\n", (), "the file of no vehicle"),
        ('[vehicle]\nname = "JN-1"\n', ("--origin", "demo"), 'it says origin = "camera"'),
        ('uplink = {port = 1}\n[vehicle]\nname = "JN-1"\n', (), "copy its [uplink]"),
        ('uplink.port = 1\n[vehicle]\nname = "JN-1"\n', (), "copy its [uplink]"),
        ("no toml [", (), "no edge.toml"),
    ],
)
def test_a_file_that_cannot_take_the_credentials_stays_and_the_password_too(
    tmp_path: Path, add: Callable[..., int], text: str, more: tuple[str, ...], said: str, capsys: pytest.CaptureFixture[str]
) -> None:  # fmt: skip
    add_vehicle("JN-1")
    before, config = password_hash(), tmp_path / "e.toml"
    config.write_text(text)
    assert add(config, *more) == 1
    assert said in capsys.readouterr().err
    assert (config.read_text(), password_hash()) == (text, before)


def test_a_new_file_shows_what_to_set_and_the_vehicle_reads_it_before_and_after(
    tmp_path: Path, add: Callable[..., int]
) -> None:
    config = tmp_path / "e.toml"
    assert add(config) == 0
    text = config.read_text()
    assert read_settings(config).vehicle.data == tmp_path / "trikeye-data"
    for key in ("data", "source", "calibration", "device"):
        text = text.replace(f"# {key} = ", f"{key} = ")
    config.write_text(text)
    settings = read_settings(config)
    assert (settings.vehicle.data, settings.receiver.device) == (Path("/var/lib/trikeye"), "/dev/ttyUSB0")
    assert (settings.camera.source, settings.camera.calibration) == ("/dev/video0", tmp_path / "camera.toml")


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
