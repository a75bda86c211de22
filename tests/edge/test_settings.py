"""edge.toml: every key explained, every error told."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from edge.settings import BadSettings, Settings, read_settings
from models.taxonomy import CATEGORIES

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "edge.toml.example"


def keys_of(model: type[BaseModel]) -> set[str]:
    """Every key of a settings model, with its section."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found |= {f"{name}.{key}" for key in keys_of(kind)}
        else:
            found.add(name)
    return found


def test_the_example_shows_every_key_with_its_default() -> None:
    lines = [
        line.removeprefix("# ") if line.startswith("# ") and " = " in line else line
        for line in EXAMPLE.read_text("utf-8").splitlines()
    ]
    shown = tomllib.loads("\n".join(lines))
    assert set(shown["least_probability"]) <= CATEGORIES.keys()
    shown["least_probability"] = 0.0  # its keys are categories, any of them
    flat = {
        key if not isinstance(value, dict) else f"{key}.{inner}"
        for key, value in shown.items()
        for inner in (value if isinstance(value, dict) else [""])
    }
    assert flat == keys_of(Settings)
    beside = EXAMPLE.parent / Settings().vehicle.data
    assert read_settings(EXAMPLE) == Settings.model_validate({"vehicle": {"data": beside}})


@pytest.mark.parametrize("name", ["", "Asia/Nowhere", "/etc/passwd", "../x", "Asia/Shanghai\\u0000"])
def test_a_time_zone_that_is_none_is_told(tmp_path: Path, name: str) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(f'[vehicle]\ntime_zone = "{name}"\n')
    with pytest.raises(BadSettings, match=r"vehicle\.time_zone: .*no such time zone"):
        read_settings(path)


def test_all_errors_are_told_at_once_with_file_and_key(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(
        'colour = "red"\n[gate]\nevery_m = -1\n[uplink]\nport = 70000\nhots = "a"\n[vehicle]\nname = "../x"\n'
    )
    with pytest.raises(BadSettings) as told:
        read_settings(path)
    for word in (str(path), "colour", "gate.every_m", "uplink.port", "uplink.hots", "vehicle.name"):
        assert word in str(told.value)


@pytest.mark.parametrize("content", [b"no toml [", b"\xff\xfe\x00", b"gate = 3"])
def test_a_file_that_is_no_settings_is_told(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "edge.toml"
    path.write_bytes(content)
    with pytest.raises(BadSettings, match=r"edge\.toml"):
        read_settings(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [("no toml [", "line 1 (no toml [) is no TOML"), ("gate = 3", "gate: must be a section of keys: [gate]"), ("[gate]\nevery_m = -1", "gate.every_m: must be above 0, not -1"),
     ("[uplink]\nport = \"x\"", "uplink.port: must be a whole number, not 'x'"), ('[vehicle]\nname = "../x"', "vehicle.name: must be 1 to 32 of A-Z, a-z, 0-9, - and _, not '../x'"),
     ('[uplink]\nserver_key = "x"', "uplink.server_key: must be 64 of 0-9 and a-f, or empty"), ('[vehicle]\ntime_zone = "x"', "vehicle.time_zone: no such time zone: x"),
     ("[gate]\npause = true", "gate.pause: is no key that is known here"), ("[camera]\nsource = 0", "camera.source: must be text in quotes, not 0")],
)  # fmt: skip
def test_each_fault_is_told_in_plain_words(tmp_path: Path, content: str, says: str) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(content)
    with pytest.raises(BadSettings) as told:
        read_settings(path)
    assert says in str(told.value)


def test_a_folder_instead_of_a_file_is_told_as_that_and_a_bom_does_no_harm(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"is a folder, not a file$"):
        read_settings(tmp_path)
    path = tmp_path / "edge.toml"
    path.write_bytes(b"\xef\xbb\xbf[gate]\nevery_m = 2.0\n")
    assert read_settings(path).gate.every_m == 2.0


def test_a_missing_file_says_where_the_keys_are_explained(tmp_path: Path) -> None:
    with pytest.raises(BadSettings, match=r"docs/edge\.toml\.example"):
        read_settings(tmp_path / "edge.toml")


def test_the_password_is_not_in_the_text_of_the_settings(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('[uplink]\npassword = "geheim"\nport = "x"\n')
    with pytest.raises(BadSettings) as told:
        read_settings(path)
    settings: Any = Settings.model_validate({"uplink": {"password": "geheim"}})
    assert "geheim" not in str(told.value) + repr(settings)


def test_what_is_urgent_follows_severity_and_names(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('[outbox]\nurgent_from = "high"\nurgent_too = ["bagged_garbage"]\n')
    urgent = read_settings(path).outbox.urgent
    assert {"road_collapse", "bagged_garbage"} <= urgent
    assert "exposed_garbage" not in urgent
    path.write_text('[outbox]\nurgent_too = ["bagged_garbige"]\n')
    with pytest.raises(BadSettings, match="no such category: bagged_garbige"):
        read_settings(path)


def test_certificate_and_key_go_together_and_lie_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "edge.toml"
    path.write_text('[uplink]\ncert_file = "me.pem"\nkey_file = "me.key"\n')
    assert read_settings(path).uplink.key_file == tmp_path / "me.key"
    path.write_text('[uplink]\ncert_file = "me.pem"\n')
    with pytest.raises(BadSettings, match="give both, or neither"):
        read_settings(path)


def test_relative_paths_are_those_beside_the_file_from_whatever_folder_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "veh").mkdir()
    monkeypatch.chdir(tmp_path)
    path = Path("veh/../veh/edge.toml")
    path.write_text('[camera]\nsource = "clip.avi"\ncalibration = "camera.toml"\n[detect]\npack = "mine"\n')
    beside = read_settings(path)
    veh = tmp_path / "veh"
    assert beside.vehicle.data == veh / "trikeye-data"
    assert (beside.camera.source, beside.camera.calibration) == (str(veh / "clip.avi"), veh / "camera.toml")
    assert (beside.detect.pack, beside.redact.pack) == (str(veh / "mine"), "redaction")


@pytest.mark.parametrize("source", ["0", "/dev/video2", "rtsp://10.0.0.2/live"])
def test_a_camera_that_is_no_file_beside_it_stays_as_it_is_and_so_does_an_absolute_folder(tmp_path: Path, source: str) -> None:  # fmt: skip
    path = tmp_path / "edge.toml"
    path.write_text(f'[vehicle]\ndata = "/var/lib/trikeye"\n[camera]\nsource = "{source}"\n')
    settings = read_settings(path)
    assert (settings.camera.source, settings.vehicle.data) == (source, Path("/var/lib/trikeye"))
