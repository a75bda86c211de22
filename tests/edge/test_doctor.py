"""The doctor finds each fault, says what to do, takes nothing from a watch that runs, and shows its page to one reader, redacted or not at all."""

from __future__ import annotations

import http.client
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from receiver import Port, nmea

import trikeye
from calibration.camera import camera_of_field_of_view
from calibration.files import read_camera, write_camera
from calibration.mount import Mount
from edge import doctor, doctor_page
from edge.bracket import BracketPart
from edge.command_doctor import language_of
from edge.desired import ZONES
from edge.doctor import Bench, Check, examine, is_well
from edge.doctor_page import Doctor, DoctorServer, Door, address_of, page, server_for
from edge.outbox import Outbox
from edge.part import Picture, UplinkPart, WatchPart, write_part
from edge.pause import begin, here
from edge.settings import Settings
from models.contract import FixHealth
from models.packs import PackMissing
from models.pixels import jpeg_size
from models.redaction import RedactionUnavailable
from models.troubles import TROUBLES

GOOD = Picture(brightness=110, sharpness=400, white_share=0.01, width_px=1280, height_px=720)
FIX = FixHealth(quality="gnss", age_s=0.5, sigma_m=1.5)
LIVE = WatchPart(picture=GOOD, fix=FIX, clock_source="gnss", rates_per_s={"inferred": 2.0})


def film(path: Path, picture: Callable[[int], np.ndarray]) -> Path:
    """Forty pictures, as a camera."""
    made = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (320, 180))
    for number in range(40):
        made.write(picture(number))
    made.release()
    return path


def noise(number: int) -> np.ndarray:
    return np.random.default_rng(number).integers(0, 255, (180, 320, 3), dtype=np.uint8)


@pytest.fixture(autouse=True)
def english(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever runs this may read another language."""
    monkeypatch.setenv("LC_ALL", "C")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """A vehicle whose camera is a film and whose broker nobody runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    source = {"source": str(film(tmp_path / "clip.avi", noise)), "width_px": 320, "height_px": 180}
    return Settings.model_validate({"vehicle": {"name": "TY-01", "data": tmp_path / "data"}, "camera": source, "uplink": {"port": port}})  # fmt: skip


def found(settings: Settings, patience_s: float = 2.0) -> dict[str, str]:
    """What each check found."""
    with Bench(settings) as bench:
        return {check.name: check.key for check in examine(bench, patience_s)}


def changed(settings: Settings, **sections: dict[str, Any]) -> Settings:
    values = settings.model_dump()
    for name, section in sections.items():
        values[name] |= section
    return Settings.model_validate(values)


def test_without_a_watch_it_looks_itself(settings: Settings, tmp_path: Path) -> None:
    port = Port(tmp_path / "gnss")
    with port.driving():
        seen = found(changed(settings, receiver={"device": str(port.path)}), 5.0)
    assert [seen[name] for name in ("camera", "focus", "exposure", "position", "pack", "redaction", "disk", "outbox", "heat")] == ["well"] * 9  # fmt: skip
    assert seen["broker"] == "broker_unreachable"
    assert seen["server key"] == "key_missing"
    assert set(seen.values()) <= set(TROUBLES)


@pytest.mark.parametrize(
    ("name", "word", "picture"),
    [
        ("focus", "lens_blurred", lambda n: np.full((180, 320, 3), 100 + n, np.uint8)),
        ("exposure", "too_dark", lambda n: np.full((180, 320, 3), n % 3, np.uint8)),
        ("exposure", "too_bright", lambda n: np.full((180, 320, 3), 255 - n % 3, np.uint8)),
        ("camera", "camera_frozen", lambda n: np.full((180, 320, 3), 100, np.uint8)),
    ],
)
def test_each_fault_of_a_picture_is_found(settings: Settings, tmp_path: Path, name: str, word: str, picture: Callable[[int], np.ndarray]) -> None:  # fmt: skip
    assert found(changed(settings, camera={"source": str(film(tmp_path / "bad.avi", picture))}))[name] == word


def test_a_network_of_redaction_that_cannot_be_loaded_is_found(settings: Settings, unloadable: Path) -> None:
    assert found(changed(settings, redact={"pack": str(unloadable)}))["redaction"] == "redaction_missing"


def test_what_is_missing_is_found(settings: Settings, tmp_path: Path) -> None:
    gone = changed(settings, camera={"source": str(tmp_path / "none.avi")}, detect={"pack": str(tmp_path / "no-pack")}, redact={"pack": str(tmp_path / "no-pack")})  # fmt: skip
    seen = found(changed(gone, receiver={"device": str(tmp_path / "no-port")}), 0.5)
    assert (seen["camera"], seen["pack"], seen["redaction"]) == ("camera_gone", "pack_broken", "redaction_missing")
    assert seen["position"] == "receiver_gone"
    assert found(settings, 0.5)["position"] == "receiver_none"


def test_a_receiver_that_knows_no_place_and_one_that_says_nothing_are_told_apart(settings: Settings, tmp_path: Path) -> None:  # fmt: skip
    port = Port(tmp_path / "gnss")
    with Bench(changed(settings, receiver={"device": str(port.path)})) as bench:
        bench.watch()
        assert doctor._of_receiver(bench, 0.5) == Check("position", "receiver_silent")
        port.say(b"\xf8\x80\xe6" * 4)
        told = doctor._of_receiver(bench, 0.5)
        assert told == Check(
            "position", "receiver_silent", "12 bytes, none of them NMEA or UBX: another baud rate or protocol"
        )
        assert "says nothing." not in TROUBLES[told.key].do_en
        port.say(nmea("GPRMC,023000.00,V,,,,,,,010526,,,N"))
        assert doctor._of_receiver(bench, 1.0).key == "no_fix"


def test_a_broken_outbox_a_refused_sighting_and_a_full_disk_are_found(
    settings: Settings, outbox: Outbox, sighting_of: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = changed(settings, vehicle={"data": outbox.path.parent})
    assert doctor._outbox(here).key == "well"
    outbox.put(UUID(int=1), sighting_of(UUID(int=1)))
    assert doctor._outbox(here).key == "backlog", "its id says 1970"
    outbox.set_aside(UUID(int=1), "unknown_category")
    assert doctor._outbox(here).key == "refused"
    outbox.close()
    monkeypatch.setattr("edge.doctor.LEAST_FREE_BYTES", 2**62)
    assert doctor._disk(here).key == "disk_full"
    (outbox.path.parent / "plain").write_text("")
    told = doctor._disk(changed(settings, vehicle={"data": outbox.path.parent / "plain" / "x"}))
    assert (told.key, told.facts) == ("outbox_broken", f"{outbox.path.parent / 'plain' / 'x'}: Not a directory")


# The camera's file


def with_file(settings: Settings, width_px: int = 320, height_px: int = 180) -> Settings:
    """The same vehicle with a camera file beside its film, known at this size."""
    path = settings.vehicle.data.parent / "camera.toml"
    write_camera(path, camera_of_field_of_view(width_px, height_px, 60.0), Mount(height_m=1.4, pitch_deg=2.0))
    return changed(settings, camera={"calibration": path})


def file_check(settings: Settings) -> Check:
    with Bench(settings) as bench:
        return next(check for check in examine(bench, 2.0) if check.name == "camera file")


def test_without_a_camera_file_it_says_what_is_assumed_and_how_to_make_one(settings: Settings) -> None:
    told = file_check(settings)
    assert (told.key, told.severity) == ("camera_file_none", "note")
    for language in ("en", "zh"):
        assert "60°" in TROUBLES[told.key].remedy(language)
        assert "trikeye calibrate camera" in TROUBLES[told.key].remedy(language)


def test_a_good_camera_file_is_told_with_its_pitch(settings: Settings) -> None:
    assert file_check(with_file(settings)) == Check("camera file", facts="pitch 2.0° by the file")
    assert file_check(with_file(settings, 1280, 720)).key == "well", "the same shape"


@pytest.mark.parametrize(
    ("data", "words"), [(None, "does not exist"), (b"version = [", "cannot be read"), (b"version = 1", "focal_px")]
)
def test_a_camera_file_that_is_missing_or_broken_is_found(settings: Settings, data: bytes | None, words: str) -> None:
    here = with_file(settings)
    path = here.camera.calibration
    assert path is not None
    path.unlink() if data is None else path.write_bytes(data)
    told = file_check(here)
    assert (told.key, told.severity) == ("camera_file_bad", "stopped")
    assert str(path) in told.facts
    assert words in told.facts


def test_a_camera_file_of_another_shape_than_the_pictures_is_found(settings: Settings) -> None:
    told = file_check(with_file(settings, 640, 480))
    assert told.key == "camera_file_bad"
    assert "320x180" in told.facts
    assert "640x480" in told.facts


def test_beside_a_watch_the_shape_of_its_pictures_counts(settings: Settings, nothing_opened: None) -> None:
    write_part(settings.vehicle.data, LIVE)
    write_part(settings.vehicle.data, UplinkPart(connected=True))
    assert "1280x720" in file_check(with_file(settings, 640, 480)).facts


def test_what_driving_told_of_the_bracket_is_told_for_this_file_alone(settings: Settings) -> None:
    here = with_file(settings)
    assert here.camera.calibration is not None
    *_, digest = read_camera(here.camera.calibration)
    blocks = tuple((6.9, -1.0, number // 2, 10.0) for number in range(8))
    driven = "pitch 2.0° by the file, 6.9° by driving; yaw 0.0° by the file, -1.0° by driving"
    write_part(here.vehicle.data, BracketPart(calibration=digest, blocks=blocks))
    assert file_check(here) == Check("camera file", facts=driven)
    write_part(here.vehicle.data, BracketPart(calibration=digest, home=(2.0, 0.0), blocks=blocks, moved="looks_lower"))
    assert file_check(here) == Check("camera file", "not_straight", f"{driven}; looks lower")
    write_part(here.vehicle.data, BracketPart(calibration="another", blocks=blocks, moved="looks_lower"))
    assert file_check(here) == Check("camera file", facts="pitch 2.0° by the file")


def test_the_verb_names_the_camera_file_in_both_languages_and_for_machines(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    config, source = tmp_path / "edge.toml", settings.camera.source
    config.write_text(f'[vehicle]\nname = "TY-01"\ndata = "data"\n[camera]\nsource = "{source}"\ncalibration = "camera.toml"\n')  # fmt: skip
    assert trikeye.main(["edge", "doctor", "--config", str(config), "--json"]) == 1
    row = next(each for each in json.loads(capsys.readouterr().out)["checks"] if each["check"] == "camera file")
    assert (row["severity"], row["trouble"]) == ("stopped", "camera_file_bad")
    assert str(tmp_path / "camera.toml") in row["facts"]
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert trikeye.main(["edge", "doctor", "--config", str(config)]) == 1
    assert "相机标定文件不可用" in capsys.readouterr().out


# Beside a watch and an uplink that run


@pytest.fixture
def nothing_opened(monkeypatch: pytest.MonkeyPatch) -> None:
    """Camera, port and login belong to others."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("this is in use")

    for name in ("LiveCamera", "LiveReceiver", "log_in"):
        monkeypatch.setattr(f"edge.doctor.{name}", refuse)


def test_beside_a_running_watch_and_uplink_it_opens_nothing_and_asks_them(settings: Settings, nothing_opened: None) -> None:  # fmt: skip
    write_part(settings.vehicle.data, LIVE)
    write_part(settings.vehicle.data, UplinkPart(connected=True))
    seen = found(changed(with_file(settings), uplink={"server_key": "a" * 64}))
    assert set(seen.values()) == {"well"}
    troubles = ("camera_gone", "no_fix", "clock_back", "restarting")
    write_part(settings.vehicle.data, LIVE.model_copy(update={"troubles": troubles, "said": ("camera 0 is gone",)}))
    write_part(settings.vehicle.data, UplinkPart(said="the broker refuses", troubles=("broker_refuses",)))
    seen = found(settings)
    silent = {"troubles": ("receiver_silent",), "said": ("camera 0 is gone", "receiver /dev/ttyS0: 9 bytes")}
    assert doctor._position(silent["troubles"], None, silent["said"]).facts == "receiver /dev/ttyS0: 9 bytes"
    assert [seen[name] for name in ("camera", "position", "clock", "watch", "broker")] == [*troubles, "broker_refuses"]
    for word, name in (
        ("lens_blurred", "focus"),
        ("too_bright", "exposure"),
        ("not_straight", "camera"),
        ("swap_open", "memory"),
        ("lens_blocked", "focus"),
    ):
        write_part(settings.vehicle.data, LIVE.model_copy(update={"troubles": (word,)}))
        assert found(settings)[name] == word


def test_zones_that_cannot_be_used_are_found_and_good_ones_counted(settings: Settings) -> None:
    def of_zones() -> Check:
        with Bench(settings) as bench:
            return next(check for check in examine(bench, 0.5) if check.name == "zones")

    assert of_zones() == Check("zones", facts="0")
    path = settings.vehicle.data / ZONES
    ring = [[112.0, 37.0], [112.1, 37.0], [112.1, 37.1]]
    depot = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"kind": "depot"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [depot, depot]}))
    assert of_zones() == Check("zones", facts="depot 2")
    silent = depot | {"properties": {"kind": "permitted"}}
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [depot, silent]}))
    told = of_zones()
    assert (told.key, told.severity) == ("zones_silencing", "note")
    assert "permitted without a category 1" in told.facts
    path.write_text("{")
    assert of_zones().key == "zones_bad"
    assert "zones.geojson" in of_zones().facts


def test_in_a_pause_it_says_so_opens_no_camera_and_all_is_well(settings: Settings) -> None:
    begin(settings.vehicle.data, None, here(0.0, datetime.now(UTC), True))
    with Bench(settings) as bench:
        with pytest.raises(TimeoutError):
            bench.still()
        assert bench._camera is None
    seen = found(settings)
    assert seen["camera"] == "paused"
    assert {"focus", "exposure"}.isdisjoint(seen)


def test_beside_a_watch_in_a_pause_it_says_so(settings: Settings, nothing_opened: None) -> None:
    write_part(settings.vehicle.data, WatchPart(troubles=("paused",), fix=FIX, clock_source="gnss"))
    write_part(settings.vehicle.data, UplinkPart(connected=True))
    seen = found(changed(with_file(settings), uplink={"server_key": "a" * 64}))
    assert seen.pop("camera") == "paused"
    assert set(seen.values()) == {"well"}


def test_a_watch_that_ended_is_told_by_what_it_ended_with(settings: Settings) -> None:
    assert found(settings, 0.2)["watch"] == "not_started"
    write_part(settings.vehicle.data, WatchPart(ended="redaction_missing"))
    assert found(settings, 0.2)["watch"] == "redaction_missing"


def test_settings_that_an_earlier_watch_could_not_use_are_not_told_again_once_they_are_read_well(
    settings: Settings,
) -> None:
    write_part(settings.vehicle.data, WatchPart(ended="settings_bad"))
    assert doctor._watch(settings, None).key == "watch_silent"
    assert not any("edge doctor" in TROUBLES["settings_bad"].remedy(language) for language in ("en", "zh"))


def doctored(path: Path, **values: Any) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | values))


def test_what_a_killed_process_said_last_is_not_taken_for_how_it_is(settings: Settings) -> None:
    write_part(settings.vehicle.data, LIVE.model_copy(update={"troubles": ("no_fix",)}))
    write_part(settings.vehicle.data, UplinkPart(connected=True))
    with subprocess.Popen(["true"]) as gone:
        gone.wait()
    for name in ("watch", "uplink"):
        doctored(settings.vehicle.data / f"{name}.json", pid=gone.pid)
    seen = found(settings, 0.5)
    assert (seen["watch"], seen["position"], seen["broker"]) == ("watch_silent", "receiver_none", "broker_unreachable")


def test_a_watch_without_a_picture_is_not_well_and_what_is_old_is_told_with_its_age(settings: Settings, nothing_opened: None) -> None:  # fmt: skip
    def of_watch() -> Check:
        with Bench(settings) as bench:
            return doctor._watch(settings, bench.watch())

    write_part(settings.vehicle.data, LIVE)
    assert of_watch() == Check("watch", facts="2.0 looks/s")
    doctored(settings.vehicle.data / "watch.json", monotonic_s=time.monotonic() - 13)
    assert of_watch() == Check("watch", facts="2.0 looks/s, 13 s ago")
    began_s = time.monotonic() - 570
    write_part(settings.vehicle.data, LIVE.model_copy(update={"troubles": ("restarting",), "starts_s": (began_s,) * 6}))
    assert of_watch() == Check("watch", "restarting", "6 starts in 10 min")
    for part, key in (
        (LIVE.model_copy(update={"picture": None}), "camera_gone"),
        (LIVE.model_copy(update={"troubles": ("camera_frozen",)}), "camera_frozen"),
        (WatchPart(troubles=("paused",)), "well"),
    ):
        write_part(settings.vehicle.data, part)
        assert of_watch().key == key


# The verb


@pytest.mark.parametrize(
    ("environment", "language"),
    [({"LANG": "zh_CN.UTF-8"}, "zh"), ({"LANG": "en_GB.UTF-8"}, "en"), ({}, "en"), ({"LANG": "zh_CN.UTF-8", "LC_ALL": "C"}, "en"),
     ({"LANG": "C", "LC_MESSAGES": "zh_SG"}, "zh"), ({"LC_ALL": "", "LANG": "zh"}, "zh")],
)  # fmt: skip
def test_the_environment_says_in_which_language_the_verb_speaks(environment: dict[str, str], language: str) -> None:
    assert language_of(environment) == language


def test_in_a_chinese_environment_the_verb_speaks_chinese_in_columns(
    settings: Settings, tmp_path: Path, nothing_opened: None, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    config = tmp_path / "edge.toml"
    config.write_text(f'[vehicle]\nname = "TY-01"\ndata = "{settings.vehicle.data}"\n')
    write_part(settings.vehicle.data, LIVE.model_copy(update={"troubles": ("camera_gone",)}))
    write_part(settings.vehicle.data, UplinkPart(connected=True))
    monkeypatch.setenv("LC_ALL", "zh_CN.UTF-8")
    assert trikeye.main(["edge", "doctor", "--config", str(config)]) == 1
    out, err = capsys.readouterr()
    first, remedy, *_ = out.splitlines()
    assert (first.split()[:3], remedy.strip()) == (["停摆", "相机", "相机断开"], TROUBLES["camera_gone"].do_zh)
    assert err.strip().endswith("有问题: 相机, 采集")
    for key in ("camera_gone", "camera_file_none"):
        out = out.replace(TROUBLES[key].do_zh, "")
    assert not re.search("camera|position|clock|STOP", out)
    assert "\n正常   定位         卫星" in out, "two columns a character"


def test_the_verb_exits_by_what_it_found_and_prints_one_object(
    settings: Settings, tmp_path: Path, nothing_opened: None, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tmp_path / "edge.toml"
    config.write_text(f'[vehicle]\nname = "TY-01"\ndata = "{settings.vehicle.data}"\n')
    write_part(settings.vehicle.data, LIVE)
    write_part(settings.vehicle.data, UplinkPart(connected=True))
    assert trikeye.main(["edge", "doctor", "--config", str(config), "--json"]) == 0
    said = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert said["well"]
    assert [row["check"] for row in said["checks"]][:5] == ["camera", "focus", "exposure", "camera file", "position"]
    write_part(settings.vehicle.data, LIVE.model_copy(update={"troubles": ("camera_gone",)}))
    assert trikeye.main(["edge", "doctor", "--config", str(config)]) == 1
    out, err = capsys.readouterr()
    assert TROUBLES["camera_gone"].do_en in out
    assert "not well: camera" in err
    config.write_text("[vehicle]\nname = 5\n")
    assert trikeye.main(["edge", "doctor", "--config", str(config), "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["checks"][0]["trouble"] == "settings_bad"


def test_no_check_says_where_the_vehicle_is(settings: Settings, tmp_path: Path) -> None:
    port = Port(tmp_path / "gnss")
    with port.driving(), Bench(changed(settings, receiver={"device": str(port.path)})) as bench:
        facts = " ".join(check.facts for check in examine(bench, 3.0))
    assert "gnss" in facts
    assert "37.8" not in facts
    assert "112.5" not in facts


# The page


@pytest.fixture
def served(settings: Settings) -> Iterator[DoctorServer]:
    """The page, on the loopback."""
    with Bench(settings) as bench:
        server = server_for(Doctor(bench), Door(), "127.0.0.1", 0)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()
        server.server_close()


def get(server: DoctorServer, path: str, cookie: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
    line = http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=60)
    line.request("GET", path, headers={**({"Cookie": cookie} if cookie else {}), **headers})
    answer = line.getresponse()
    told = answer.status, dict(answer.getheaders()), answer.read()
    line.close()
    return told


def enter(server: DoctorServer) -> str:
    status, headers, _ = get(server, f"/?code={server.door.code}")
    assert status == 303
    assert "HttpOnly" in headers["Set-Cookie"]
    return headers["Set-Cookie"].split(";")[0]


def test_the_code_lets_one_reader_in_and_nobody_else_sees_anything(served: DoctorServer) -> None:
    for path in ("/", "/still.jpg", "/?code=", "/?code=wrong", f"/still.jpg?code={served.door.code[:-1]}"):
        assert get(served, path)[0] == 403
    assert get(served, "/", "doctor=")[0] == 403
    cookie = enter(served)
    assert get(served, f"/?code={served.door.code}")[0] == 403, "it is good once"
    assert get(served, "/still.jpg", "doctor=guessed")[0] == 403
    status, headers, body = get(served, "/", cookie)
    assert status == 200
    assert "unsafe-inline" not in headers["Content-Security-Policy"].split("style-src")[0]
    assert headers["Cache-Control"] == "no-store"
    assert TROUBLES["broker_unreachable"].do_zh in body.decode()
    assert TROUBLES["broker_unreachable"].do_en in get(served, "/?lang=en", cookie)[2].decode()
    assert get(served, "/other", cookie)[0] == 404


def test_the_still_is_redacted_or_there_is_none(served: DoctorServer, monkeypatch: pytest.MonkeyPatch) -> None:
    cookie = enter(served)
    redacted: list[tuple[int, ...]] = []
    real = doctor.Redactor.redact

    def redact(self: Any, image: np.ndarray) -> Any:
        redacted.append(image.shape)
        return real(self, image)

    monkeypatch.setattr(doctor.Redactor, "redact", redact)
    get(served, "/", cookie)
    status, _, still = get(served, "/still.jpg", cookie)
    assert status == 200
    assert jpeg_size(still) == (320, 180)
    assert redacted == [(180, 320, 3)]
    for wrong in (RedactionUnavailable("none"), PackMissing("none")):

        def fail(self: Any, wrong: Exception = wrong) -> Any:
            raise wrong

        monkeypatch.setattr(Bench, "redactor", fail)
        assert get(served, "/still.jpg", cookie)[0] == 503
        assert b"\xff\xd8" not in get(served, "/still.jpg", cookie)[2]


def test_what_a_check_says_cannot_become_a_part_of_the_page() -> None:
    html = page([Check("camera", "camera_gone", "<script>alert(1)</script>")], "zh")
    assert "<script>" not in html
    assert TROUBLES["camera_gone"].zh in html
    assert is_well([Check("clock", "clock_unchecked")])
    assert not is_well([Check("clock", "clock_back")])


def test_every_check_has_a_chinese_name(settings: Settings) -> None:
    names = set(found(settings, 0.2)) | {"settings", "focus", "exposure"}
    assert names == set(doctor_page.NAMES)


def test_it_is_open_to_this_machine_alone_unless_told(served: DoctorServer) -> None:
    parser = trikeye.parser_for(["edge", "doctor"])
    assert parser.parse_args(["edge", "doctor", "--config", "x"]).bind == "127.0.0.1"
    assert address_of(served, "127.0.0.1").startswith("http://127.0.0.1:")
    assert "0.0.0.0" not in address_of(served, "0.0.0.0")
