"""What the doctor saw is said in Chinese too: whatever it finds itself, and what files, receivers and brokers are told by."""

from __future__ import annotations

import re
import socket
import time
from pathlib import Path

import pytest
from receiver import Port, until

from calibration.camera import Camera, OtherShape
from calibration.files import MalformedCameraFile, read_camera, write_camera
from calibration.mount import Mount
from edge.bracket import BracketPart
from edge.capture import _gone
from edge.desired import ZONES
from edge.doctor import Bench, examine
from edge.doctor_facts import in_chinese
from edge.part import Picture, UplinkPart, WatchPart, write_part
from edge.position import UNREAD, LiveReceiver
from edge.settings import BadSettings, Receiver, Settings, read_settings
from models.contract import FixHealth

KEPT = re.compile(r"\[\w+\]|'[^']*'|[\w/.:-]*[/.:_][\w/.:*-]*|\b(UTC|TOML|JSON|UTF-8|TLS|CONNACK|MQTT|GB|IO|uplink|gpsd|size_px|distortion|checksum|baud|a-z|A-Z|street|redaction|inf|[0-9a-f]{8})\b|第 \d+ 行（.*?）")  # fmt: skip
"""What stays as it is in Chinese: names of files, keys, sections, packs, digests and protocols."""


def english_in(facts: str) -> list[str]:
    return re.findall(r"[A-Za-z]{2,}", KEPT.sub(" ", in_chinese(facts)))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A vehicle without a camera, and a broker that nobody runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    camera = tmp_path / "camera.toml"
    write_camera(camera, Camera((1280, 720), (900.0, 900.0), (639.5, 359.5)), Mount(1.4, 2.0))
    return Settings.model_validate({
        "vehicle": {"data": tmp_path / "data"}, "camera": {"source": str(tmp_path / "no.avi"), "calibration": camera},
        "receiver": {"device": str(tmp_path / "no-port")}, "uplink": {"port": port},
    })  # fmt: skip


def facts_of(settings: Settings) -> str:
    with Bench(settings) as bench:
        return "\n".join(check.facts for check in examine(bench, 0.5))


def test_all_that_the_doctor_finds_itself_has_no_english_left(settings: Settings) -> None:
    assert english_in(facts_of(settings)) == []


def test_what_a_running_watch_and_uplink_say_has_no_english_left(settings: Settings) -> None:
    data = settings.vehicle.data
    picture = Picture(brightness=110, sharpness=400, white_share=0.01, width_px=1280, height_px=720)
    fix = FixHealth(quality="gnss", age_s=0.5, sigma_m=1.5)
    part = WatchPart(picture=picture, fix=fix, clock_source="gnss", rates_per_s={"inferred": 2.0})
    write_part(data, part)
    write_part(data, UplinkPart(connected=True))
    *_, digest = read_camera(settings.camera.calibration or Path())
    blocks = tuple((6.9, -1.0, number // 2, 10.0) for number in range(8))
    write_part(data, BracketPart(calibration=digest, home=(2.0, 0.0), blocks=blocks, moved="looks_lower"))
    ring = "[[112.0, 37.0], [112.1, 37.0], [112.1, 37.1]]"
    features = ",".join(f'{{"type": "Feature", "geometry": {{"type": "Polygon", "coordinates": [{ring}]}}, "properties": {{"kind": "{kind}"}}}}' for kind in ("service_area", "depot", "no_parking", "parking", "no_vending", "permitted"))  # fmt: skip
    (data / ZONES).write_text(f'{{"type": "FeatureCollection", "features": [{features}]}}')
    facts = facts_of(settings)
    assert english_in(facts) == []
    told = in_chinese(facts)
    for words in ("每秒 2.0 次", "卫星 ± 1.5 m，", "车场 1", "未注明类别的允许区 1", "行驶推算 6.9°", "镜头比原来偏低", "由上传进程连接"):  # fmt: skip
        assert words in told, told
    write_part(data, part.model_copy(update={"troubles": ("restarting",), "starts_s": (time.monotonic() - 30,) * 6}))
    assert "1 分钟内启动 6 次" in in_chinese(facts_of(settings))
    write_part(data, part.model_copy(update={"troubles": ("camera_gone",), "said": tuple(map(_gone, ("0", "rtsp://10.0.0.2/live", "clip.avi")))}))  # fmt: skip
    for said in ("the broker does not answer", "the broker at 10.0.0.2:1883 cannot be reached ([Errno 111] Connection refused); check the network and [uplink] in edge.toml"):  # fmt: skip
        write_part(data, UplinkPart(said=said, troubles=("broker_unreachable",)))
        assert english_in(facts_of(settings)) == []


def test_what_is_said_of_a_receiver_has_no_english_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edge.position.SILENT_S", 0.2)
    for device in (str(tmp_path / "none"), str(Port(tmp_path / "gnss").path), "gpsd://127.0.0.1:1"):
        receiver = LiveReceiver(Receiver(device=device))
        said = until(lambda receiver=receiver: receiver.trouble)  # type: ignore[misc]
        receiver.stop()
        assert english_in(said) == []
    assert in_chinese(f"9 bytes, {UNREAD}") == "收到 9 字节，但都不是 NMEA 或 UBX：波特率或协议不同"


@pytest.mark.parametrize(
    "line",
    ["[gate]\nevery_m = -1", "[gate]\nevery_m = 'x'", "[gate]\npause = 1", "[uplink]\nport = 70000", '[vehicle]\nname = "../x"', '[uplink]\nserver_key = "x"', "gate = 3",
     "no toml [", "revision = 1\nrevision = 1", "[camera]\nsource = 0", '[outbox]\nurgent_from = "no"', '[vehicle]\ntime_zone = "x"', '[uplink]\ncert_file = "a"', '[receiver]\ndevice = "gpsd://"'],
)  # fmt: skip
def test_what_is_said_of_settings_has_no_english_left(tmp_path: Path, line: str) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(line)
    with pytest.raises(BadSettings) as told:
        read_settings(path)
    assert english_in(str(told.value)) == []


@pytest.mark.parametrize(
    "edited",
    [("version = 1", "version = 2"), ('"pinhole"', '"other"'), ("[1280, 720]", "[1280]"), ("[900.0, 900.0]", "[900.0, 901.0]"), ("pitch_deg = 2.0", "pitch_deg = 99.0"),
     ("pitch_deg", "pich_deg"), ("[900.0, 900.0]", "[inf, 1.0]"), ("[900.0, 900.0]", "3")],
)  # fmt: skip
def test_what_is_said_of_a_camera_file_has_no_english_left(settings: Settings, edited: tuple[str, str]) -> None:
    path = settings.camera.calibration or Path()
    path.write_text(path.read_text().replace(*edited, 1))
    with pytest.raises(MalformedCameraFile) as told:
        read_camera(path)
    assert english_in(str(told.value)) == []


def test_what_is_said_of_a_missing_camera_file_and_of_another_shape_has_no_english_left(tmp_path: Path) -> None:
    with pytest.raises(MalformedCameraFile) as gone:
        read_camera(tmp_path / "none.toml")
    with pytest.raises(OtherShape) as shape:
        Camera((1280, 720), (900.0, 900.0), (639.5, 359.5)).fitted_to(640, 480)
    assert english_in(f"{gone.value}\n{shape.value}") == []
    assert "640x480" in in_chinese(str(shape.value))


def test_what_no_phrase_stands_for_stays_as_it_is() -> None:
    assert in_chinese("/data/gate: the drive lost its mind, 7") == "/data/gate: the drive lost its mind, 7"
