"""`trikeye edge watch` with a video file as camera and a pseudo terminal as receiver: it ends as sightings, and in words if it fails."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import cv2
import numpy as np
import pytest
from receiver import START_DEG, Port, until
from signing import PUBLIC, signed

import trikeye
from calibration.geodesy import offset_m
from edge.desired import KEPT, ZONES
from edge.outbox import Outbox
from edge.part import WatchPart, read_part, write_aside
from edge.pause import PAUSE, begin, here
from models.contract import Sighting, decode

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "demo" / "ride" / "sample"
SHOWN_FRAME = 112
"""A crack and an overflowing bin, near."""
SAID_UTC = datetime(2026, 5, 1, 2, 30, tzinfo=UTC)
"""What the receiver of these tests says first: long ago, so that no clock of this machine is taken for it."""
A = UUID(int=10)
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def port(tmp_path: Path) -> Port:
    """A receiver that is plugged in."""
    return Port(tmp_path / "gnss")


@pytest.fixture
def config(tmp_path: Path, port: Port) -> Path:
    """Settings of a vehicle whose camera is a video of one picture of the sample ride, standing still for three seconds."""
    sample = cv2.VideoCapture(str(SAMPLE / "video.mp4"))
    for _ in range(SHOWN_FRAME + 1):
        _, picture = sample.read()
    _film(tmp_path / "clip.avi", picture)
    shutil.copy(SAMPLE / "camera.toml", tmp_path)
    path = tmp_path / "edge.toml"
    path.write_text(
        f'[vehicle]\nname = "TY-09"\ndata = "{tmp_path / "data"}"\n'
        f'[camera]\nsource = "{tmp_path / "clip.avi"}"\nwidth_px = 960\nheight_px = 540\ncalibration = "{tmp_path / "camera.toml"}"\n'
        f'[receiver]\ndevice = "{port.path}"\n[decide]\nleast_views = 1\ncool_down_h = 0\n'
    )
    return path


def _film(path: Path, picture: np.ndarray) -> None:
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 20.0, (picture.shape[1], picture.shape[0]))
    for _ in range(60):
        film.write(picture)
    film.release()


@pytest.fixture
def start(config: Path) -> Iterator[Start]:
    """Starts the verb as a process of its own, and leaves none behind."""
    started: list[subprocess.Popen[str]] = []

    def start(*more: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "trikeye", "edge", "watch", "--config", str(config), *more]
        started.append(subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
        return started[-1]

    yield start
    for each in started:
        each.kill()
        each.communicate()


def outbox_of(config: Path) -> Path:
    """Where these settings keep the outbox."""
    return config.parent / "data" / "outbox.sqlite3"


@pytest.mark.process
def test_what_camera_and_receiver_tell_ends_as_sightings_in_the_outbox(config: Path, port: Port, start: Start) -> None:
    with port.driving():
        out, err = start("--frames", "25").communicate(timeout=60)
    done = json.loads(out.splitlines()[-1])
    assert done["frames"] == 25
    assert done["inferred"] > 1
    kept = [decode(Sighting, each.body) for each in Outbox(outbox_of(config)).waiting(100)]
    assert len(kept) == done["sightings"] > 0
    assert err.count("sighting_kept") == len(kept)
    for sighting in kept:
        assert (sighting.vehicle, sighting.origin, sighting.seen_at.source) == ("TY-09", "camera", "gnss")
        assert timedelta(0) <= sighting.seen_at.utc - SAID_UTC < timedelta(minutes=30)
        east_m, north_m = offset_m(*START_DEG, sighting.fix.lat_deg, sighting.fix.lon_deg)
        assert east_m > 0
        assert north_m == pytest.approx(0, abs=0.1)
        assert sighting.fix.heading_deg == pytest.approx(90)
        assert sighting.pictures


@pytest.mark.process
def test_told_to_end_it_ends_well_with_what_was_in_view(config: Path, port: Port, start: Start) -> None:
    watching = start()
    with port.driving():
        data = config.parent / "data"
        until(lambda: (part := read_part(data, WatchPart)) and part.rates_per_s.get("frames"), within_s=60)
        with pytest.raises(subprocess.TimeoutExpired):
            watching.communicate(timeout=0.5)
        watching.send_signal(signal.SIGTERM)
        out, err = watching.communicate(timeout=20)
    assert watching.returncode == 0, err
    done = json.loads(out.splitlines()[-1])
    assert done["frames"] > 0
    assert Outbox(outbox_of(config)).counts()["waiting"] == done["sightings"]


def test_a_full_disk_is_told_once_and_counted_and_watching_goes_on_until_there_is_room(
    config: Path, port: Port, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture,
    sighting_of: Callable[..., Any],
) -> None:  # fmt: skip
    earlier = Outbox(outbox_of(config))
    earlier.put(A, sighting_of(A))
    earlier.close()
    real, refused = Outbox.put, iter(range(1))

    def full(box: Outbox, *args: Any) -> bool:
        pages = "PRAGMA page_count" if next(refused, None) is not None else "SELECT 1000000"
        assert box._db is not None
        box._db.execute(f"PRAGMA max_page_count={box._db.execute(pages).fetchone()[0]}")
        return real(box, *args)

    monkeypatch.setattr(Outbox, "put", full)
    monkeypatch.setattr("edge.command_watch.signal.signal", lambda *_: None)
    with port.driving():
        assert trikeye.main(["edge", "watch", "--config", str(config), "--frames", "25"]) == 0
    done = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert done["not_kept"] == 1
    assert done["sightings"] > 0
    assert caplog.text.count("free some disk space") == 1
    again = Outbox(outbox_of(config))
    assert again.counts()["committed"] == 1 + done["sightings"]
    assert again.waiting(1)[0].id == A


def test_a_camera_that_gives_another_shape_is_refused_with_both_sizes(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _film(config.parent / "clip.avi", np.full((480, 640, 3), 90, np.uint8))
    monkeypatch.setattr("edge.command_watch.signal.signal", lambda *_: None)
    assert trikeye.main(["edge", "watch", "--config", str(config)]) == 1
    said = capsys.readouterr().err.splitlines()[-1]
    for words in ("640x480", "960x540", "edge.toml"):
        assert words in said
    part = read_part(config.parent / "data", WatchPart)
    assert part is not None
    assert part.ended == "settings_bad"


def _trial(config: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("edge.command_watch.signal.signal", lambda *_: None)
    return trikeye.main(["edge", "watch", "--config", str(config), "--frames", "10"])


def test_a_trial_without_a_receiver_says_that_nothing_could_be_looked_at(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "trikeye.edge")
    monkeypatch.setattr("edge.command_watch.TOLD_S", 0.0)
    config.write_text(re.sub(r'device = ".*"', 'device = ""', config.read_text()))
    assert _trial(config, monkeypatch) == 1
    out, err = capsys.readouterr()
    assert json.loads(out.splitlines()[-1])["no_fix"] == 10
    assert "none had a position: no receiver is set: [receiver] device" in err.splitlines()[-1]
    assert caplog.text.count("waiting_for_position") == 1


def test_a_trial_without_a_camera_ends_and_says_what_was_waited_for(
    config: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("edge.command_watch.TRIAL_S", 1.0)
    config.write_text(config.read_text().replace("clip.avi", "none.avi"))
    assert _trial(config, monkeypatch) == 1
    last = capsys.readouterr().err.splitlines()[-1]
    assert re.fullmatch(r"trikeye edge watch: no picture came in 1 s: film .*none\.avi gives no pictures: see that the file is there and whole", last)  # fmt: skip
    assert caplog.text.count("gives no pictures") == 1


def test_a_trial_that_the_gate_let_nothing_through_of_says_why(
    config: Path, port: Port, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _film(config.parent / "clip.avi", np.zeros((540, 960, 3), np.uint8))
    with port.driving():
        assert _trial(config, monkeypatch) == 1
    assert re.search(r"10 pictures came, but none was worth a look \(.*dark \d", capsys.readouterr().err)


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
def test_a_number_of_frames_that_is_none_is_wrong_usage(config: Path, number: str) -> None:
    with pytest.raises(SystemExit, match="2"):
        trikeye.main(["edge", "watch", "--config", str(config), f"--frames={number}"])


def _busy(config: Path) -> None:
    """Pictures so large that the camera's thread is nearly always inside OpenCV."""
    _film(config.parent / "clip.avi", np.random.default_rng(0).integers(0, 255, (1080, 1920, 3), dtype=np.uint8))


@pytest.mark.process
@pytest.mark.parametrize(
    ("data", "words"),
    [(None, "does not exist"), (b"version = [", "cannot be read"), (b"version = 1", "focal_px"), (b"\xff\xfe", "cannot be read")],
)  # fmt: skip
def test_a_camera_file_that_is_missing_or_broken_ends_it_in_words_and_is_told(
    config: Path, start: Start, data: bytes | None, words: str
) -> None:
    _busy(config)
    file = config.parent / "camera.toml"
    file.unlink() if data is None else file.write_bytes(data)
    watching = start()
    _, err = watching.communicate(timeout=60)
    assert watching.returncode == 1, err
    said = err.splitlines()[-1]
    for each in ("trikeye edge watch: ", str(file), words, "trikeye calibrate camera", "edge.toml"):
        assert each in said
    assert "Traceback" not in err
    part = read_part(config.parent / "data", WatchPart)
    assert part is not None
    assert (part.ended, len(part.starts_s)) == ("settings_bad", 1)


@pytest.mark.process
def test_ending_for_another_reason_while_pictures_come_it_ends_in_words_too(config: Path, start: Start) -> None:
    _busy(config)
    config.write_text(config.read_text() + f'[redact]\npack = "{config.parent / "none"}"\n')
    watching = start()
    _, err = watching.communicate(timeout=60)
    assert watching.returncode == 1, err
    assert "trikeye edge watch: " in err.splitlines()[-1]


def test_a_network_of_redaction_that_cannot_be_loaded_ends_it_with_the_first_look(
    config: Path, port: Port, unloadable: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    _film(config.parent / "clip.avi", np.full((540, 960, 3), 90, np.uint8))  # nothing to find, so nothing to redact
    config.write_text(config.read_text() + f'[redact]\npack = "{unloadable}"\n')
    monkeypatch.setattr("edge.command_watch.signal.signal", lambda *_: None)
    with port.driving():
        assert trikeye.main(["edge", "watch", "--config", str(config), "--frames", "1"]) == 1
    assert f"{unloadable / 'model.onnx'} cannot be loaded" in capsys.readouterr().err
    part = read_part(config.parent / "data", WatchPart)
    assert part is not None
    assert part.ended == "pack_broken"


@pytest.mark.process
def test_while_it_runs_it_tells_how_it_is_and_gives_a_redacted_still(config: Path, port: Port, start: Start) -> None:
    data = config.parent / "data"
    start()
    with port.driving():
        until(lambda: (part := read_part(data, WatchPart)) and part.pack and part.fix, within_s=60)
        (data / "still.wanted").touch()
        until(lambda: (data / "still.jpg").exists(), within_s=30)
        until(lambda: (part := read_part(data, WatchPart)) and part.rates_per_s.get("frames"), within_s=30)
        part = read_part(data, WatchPart)
    assert part is not None
    assert part.picture is not None
    assert part.redaction
    assert part.rates_per_s["frames"] > 0
    assert (part.clock_source, part.ended) == ("gnss", None)
    assert not re.search(r"37\.8|112\.5|lat|lon", (data / "watch.json").read_text())
    with pytest.raises(AssertionError):
        until(lambda: (data / "still.wanted").exists(), within_s=0.2)


@pytest.mark.process
def test_what_the_server_wants_is_applied_while_it_runs_and_it_still_ends_when_told(
    config: Path, port: Port, start: Start
) -> None:
    config.write_text(config.read_text() + f'[uplink]\nserver_key = "{PUBLIC}"\n')
    data = config.parent / "data"
    watching = start()
    with port.driving():
        until(lambda: (part := read_part(data, WatchPart)) and part.pack, within_s=60)
        write_aside(data / KEPT, signed(vehicle="TY-09", revision=7, settings={"gate.every_m": 4.0}), durable=False)
        until(lambda: (part := read_part(data, WatchPart)) and part.settings_revision == 7 and part.pack, within_s=60)
        until(lambda: Outbox(outbox_of(config)).waiting(99)[-1:], within_s=60)
        until(lambda: decode(Sighting, Outbox(outbox_of(config)).waiting(99)[-1].body).settings_revision == 7, within_s=60)  # fmt: skip
    watching.send_signal(signal.SIGTERM)
    _, err = watching.communicate(timeout=20)
    assert watching.returncode == 0, err
    assert "settings_changed" in err


@pytest.mark.process
def test_zones_count_as_soon_as_they_come_and_broken_ones_are_told(config: Path, port: Port, start: Start) -> None:
    data = config.parent / "data"
    lat, lon = START_DEG
    ring = [[lon - 1, lat - 1], [lon + 1, lat - 1], [lon + 1, lat + 1], [lon - 1, lat + 1]]
    depot = {"type": "Feature", "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": {"kind": "depot"}}
    start()

    with port.driving():
        until(lambda: (part := read_part(data, WatchPart)) and part.pack, within_s=150)
        write_aside(data / ZONES, json.dumps({"type": "FeatureCollection", "features": [depot]}).encode(), durable=False)  # fmt: skip
        until(lambda: (part := read_part(data, WatchPart)) and part.gate.get("depot"), within_s=150)
        write_aside(data / ZONES, b"{}", durable=False)
        until(lambda: (part := read_part(data, WatchPart)) and "zones_bad" in part.troubles and part.pack, within_s=150)
        assert (part := read_part(data, WatchPart)) is not None
        assert "depot" not in part.gate


def is_open(path: Path) -> bool:
    """Whether any process has a file open, as a camera's device is: nobody else may then have a lease to write it alone."""
    with path.open("rb+") as file:
        try:
            fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except BlockingIOError:
            return True
        fcntl.fcntl(file, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        return False


@pytest.mark.process
def test_in_a_pause_the_camera_is_not_even_open_and_afterwards_it_looks_again(
    config: Path, port: Port, start: Start, capsys: pytest.CaptureFixture[str]
) -> None:
    data, clip = config.parent / "data", config.parent / "clip.avi"
    pause = ["edge", "pause", "--config", str(config), "--json"]
    assert trikeye.main([*pause, "--for", "1d"]) == 0
    watching = start()
    with port.driving():
        until(lambda: (part := read_part(data, WatchPart)) and "paused" in part.troubles, within_s=150)
        assert not is_open(clip)
        assert trikeye.main([*pause, "--resume"]) == 0
        until(lambda: (part := read_part(data, WatchPart)) and part.rates_per_s.get("frames"), within_s=150)
        assert is_open(clip)
        assert trikeye.main(pause) == 0
        until(lambda: (part := read_part(data, WatchPart)) and "paused" in part.troubles, within_s=150)
        until(lambda: not is_open(clip), within_s=30)
        begin(data, 4.0, here(time.monotonic(), datetime.now(UTC), is_trusted=True))
        until(lambda: (part := read_part(data, WatchPart)) and "paused" not in part.troubles, within_s=150)
        assert not (data / PAUSE).exists()
        begin(
            data, 0.01, here(time.monotonic(), datetime.now(UTC), is_trusted=True)
        )  # over before the watch comes to it
        until(lambda: not (data / PAUSE).exists(), within_s=150)
        assert trikeye.main(pause) == 0
        until(lambda: (part := read_part(data, WatchPart)) and "paused" in part.troubles, within_s=150)
        watching.send_signal(signal.SIGTERM)
        out, err = watching.communicate(timeout=60)
    assert watching.returncode == 0, err
    assert json.loads(out.splitlines()[-1])["frames"] > 0, "what came before the pause counts"
    told = re.findall(r'"event": "pause_(\w+)"', err)
    assert told == ["began", "ended", "began", "ended", "began"], (
        "once each, also where a longer pause takes a shorter's place"
    )
    assert json.loads(capsys.readouterr().out.splitlines()[-1]) == {"paused": True, "by_settings": False, "left_s": None}  # fmt: skip
