"""Camera and receiver live: the newest wins, what is old is none, what vanishes is told and tried again."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import islice
from math import hypot
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from receiver import START_DEG, Port, rmc, until

from calibration.geodesy import offset_m
from edge.capture import LiveCamera, film_of, pictures
from edge.position import LiveReceiver
from edge.settings import Receiver
from edge.values import Fix

SIZE = (160, 120)
Listen = Callable[..., LiveReceiver]
Open = Callable[..., LiveCamera]


@pytest.fixture
def port(tmp_path: Path) -> Port:
    """A receiver that is plugged in."""
    return Port(tmp_path / "gnss")


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    """Opens receivers and ends them; a lost port is tried again at once."""
    monkeypatch.setattr("edge.position.PAUSE_S", 0.02)
    opened: list[LiveReceiver] = []

    def listen(port: Port, oldest_fix_s: float = 5.0) -> LiveReceiver:
        opened.append(LiveReceiver(Receiver(device=str(port.path), oldest_fix_s=oldest_fix_s)))
        return opened[-1]

    yield listen
    for each in opened:
        each.stop()


def is_at(receiver: LiveReceiver, lat_deg: float) -> bool:
    """Whether the newest fix is there."""
    fix = receiver.fix_now()
    return fix is not None and abs(fix.lat_deg - lat_deg) < 1e-6


def hear(port: Port, receiver: LiveReceiver, lat_deg: float) -> Fix:
    """Say a latitude until the port is open, then once more a little to the north, so that nothing said before is still on its way."""

    def answers() -> bool:
        port.say(rmc(lat_deg, START_DEG[1]))
        return is_at(receiver, lat_deg)

    until(answers)
    port.say(rmc(lat_deg + 0.001, START_DEG[1]))
    until(lambda: is_at(receiver, lat_deg + 0.001))
    fix = receiver.fix_now()
    assert fix is not None
    return fix


def test_a_fix_arrives_and_is_none_once_it_is_old(port: Port, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = SimpleNamespace(now_s=100.0, monotonic=lambda: clock.now_s)
    monkeypatch.setattr("edge.position.time", clock)
    receiver = listen(port)
    assert receiver.fix_now() is None
    fix = hear(port, receiver, 37.0)
    assert (fix.lat_deg, fix.lon_deg) == pytest.approx((37.001, START_DEG[1]), abs=1e-6)
    assert (fix.heading_deg, fix.speed_mps) == pytest.approx((90.0, 5.14), abs=0.01)
    clock.now_s += 4.9
    assert receiver.fix_now() is not None
    clock.now_s += 0.2
    assert receiver.fix_now() is None
    assert hear(port, receiver, 38.0)


def test_a_sentence_without_a_position_or_without_sense_is_no_fix(port: Port, listen: Listen) -> None:
    receiver = listen(port)
    hear(port, receiver, 37.0)
    port.say(rmc(38.0, START_DEG[1], status="V"))
    port.say(b"$GPRMC,garbage*00\r\n\xff\xfe\r\n")
    time.sleep(0.2)
    assert is_at(receiver, 37.001)
    assert hear(port, receiver, 39.0)


def test_no_sentence_ends_the_receivers_thread(port: Port, listen: Listen) -> None:
    receiver = listen(port)
    hear(port, receiver, 37.0)
    port.say(b"$PUBX*1F\r\n$*00\r\n$GPRMC*4B\r\n$PUBX,00*33\r\n")
    assert hear(port, receiver, 38.0)
    assert receiver.bad_sentences >= 1


def test_whatever_the_port_raises_is_told_and_tried_again(
    port: Port, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    import serial

    opened, real = [], serial.Serial

    def broken_at_first(*args: object, **more: object) -> object:
        opened.append(1)
        if len(opened) < 3:
            raise RuntimeError("the driver lost its mind")
        return real(*args, **more)

    monkeypatch.setattr(serial, "Serial", broken_at_first)
    receiver = listen(port)
    until(lambda: "lost its mind" in receiver.trouble)
    assert hear(port, receiver, 37.0)
    assert receiver.trouble == ""


def test_a_receiver_that_says_nothing_is_told_in_words(
    port: Port, listen: Listen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.position.SILENT_S", 0.5)
    receiver = listen(port)
    until(lambda: "no sentence" in receiver.trouble)
    for words in (str(port.path), "baud", "edge.toml"):
        assert words in receiver.trouble
    hear(port, receiver, 37.0)
    assert receiver.trouble == ""


@pytest.mark.parametrize("age_s", [0.0, 0.2, 1.0, 4.9])
def test_a_fix_is_carried_on_to_the_instant_of_the_picture(
    port: Port, listen: Listen, monkeypatch: pytest.MonkeyPatch, age_s: float
) -> None:
    clock = SimpleNamespace(now_s=100.0, monotonic=lambda: clock.now_s)
    monkeypatch.setattr("edge.position.time", clock)
    receiver = listen(port)
    measured = hear(port, receiver, 37.0)
    clock.now_s += age_s
    fix = receiver.fix_now()
    assert fix is not None
    assert measured.utc is not None
    way_m = 10 * 0.514444 * age_s
    moved_m = offset_m(measured.lat_deg, measured.lon_deg, fix.lat_deg, fix.lon_deg)
    assert moved_m == pytest.approx((way_m, 0.0), abs=0.01)
    assert fix.sigma_m == pytest.approx(hypot(measured.sigma_m, 0.5 * way_m))
    assert fix.utc == measured.utc + timedelta(seconds=age_s)


def test_a_port_that_vanishes_is_told_once_and_found_again(
    port: Port, listen: Listen, caplog: pytest.LogCaptureFixture
) -> None:
    receiver = listen(port)
    hear(port, receiver, 37.0)
    assert receiver.trouble == ""
    port.pull_out()
    until(lambda: "No such file" in receiver.trouble)
    for words in (str(port.path), "check the cable", "trying again"):
        assert words in receiver.trouble
    time.sleep(0.1)
    assert sum("No such file" in record.message for record in caplog.records) == 1
    port.plug_in()
    hear(port, receiver, 38.0)
    assert receiver.trouble == ""


def test_stopping_ends_the_receivers_thread(port: Port, listen: Listen) -> None:
    before = set(threading.enumerate())
    receiver = listen(port)
    (thread,) = set(threading.enumerate()) - before
    receiver.stop()
    until(lambda: not thread.is_alive())


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """Twenty pictures at 50 a second; number n is grey 10 n."""
    path = tmp_path / "clip.avi"
    film = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 50.0, SIZE)
    for number in range(20):
        film.write(np.full((SIZE[1], SIZE[0], 3), 10 * number, np.uint8))
    film.release()
    return path


@pytest.fixture
def open_camera(monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """Opens live cameras and ends them; one that ends is tried again at once."""
    monkeypatch.setattr("edge.capture.FIRST_PAUSE_S", 0.02)
    monkeypatch.setattr("edge.capture.LONGEST_PAUSE_S", 0.02)
    opened: list[LiveCamera] = []

    def open_camera(source: Path | str, fix_now: Callable[[], Fix | None] = lambda: None) -> LiveCamera:
        opened.append(LiveCamera(str(source), *SIZE, "front", fix_now))
        return opened[-1]

    yield open_camera
    for each in opened:
        each.stop()


def test_a_slow_consumer_gets_the_newest_frame_and_each_once(clip: Path, open_camera: Open) -> None:
    numbers = []
    for frame in islice(open_camera(clip).frames(), 3):
        assert frame.image.mean() == pytest.approx(10 * (frame.number % 20), abs=6)
        numbers.append(frame.number)
        time.sleep(0.2)
    assert numbers[1] - numbers[0] > 2
    assert numbers[2] - numbers[1] > 2


def test_a_frame_that_came_while_the_consumer_was_busy_is_there_at_once(clip: Path, open_camera: Open) -> None:
    camera = open_camera(clip)
    frames = camera.frames()
    first = next(frames)
    camera.stop()
    until(lambda: not any(each.name == "camera" for each in threading.enumerate()))
    assert camera._newer_than(first.number - 1) is not None
    assert list(frames) == []


def test_instant_and_fix_are_those_of_the_capture(clip: Path, open_camera: Open) -> None:
    places = iter(range(1, 1000))
    camera = open_camera(clip, lambda: Fix(None, float(next(places)), 0.0, 1.0, None, None, "gnss"))
    for frame in islice(camera.frames(), 3):
        assert frame.fix is not None
        assert frame.fix.lat_deg == frame.number + 1
        time.sleep(0.05)


def test_a_video_file_runs_at_its_own_pace(clip: Path, open_camera: Open) -> None:
    frames = list(islice(open_camera(clip).frames(), 10))
    took_s = (frames[-1].monotonic_ns - frames[0].monotonic_ns) / 1e9
    assert took_s > 0.8 * (frames[-1].number - frames[0].number) / 50


def test_a_film_is_decoded_on_one_thread_and_whole(clip: Path) -> None:
    assert film_of(str(clip)).get(cv2.CAP_PROP_N_THREADS) == 1
    greys = [round(float(image.mean()), -1) for _, image in pictures(clip, [], lambda reason: None)]
    assert greys == [10 * number for number in range(20)]


def test_a_film_that_ends_and_vanishes_is_told_and_tried_again(
    clip: Path, open_camera: Open, caplog: pytest.LogCaptureFixture
) -> None:
    away = clip.with_name("away.avi")
    camera = open_camera(clip)
    frames = camera.frames()
    until(lambda: next(frames).number > 45)
    assert (camera.trouble, caplog.text) == ("", ""), "a film that begins again is no trouble"
    shutil.move(clip, away)
    until(lambda: "gives no pictures" in camera.trouble)
    time.sleep(0.2)
    for words in (str(clip), "see that the file is there", "trying again"):
        assert words in camera.trouble
    told = sum("gives no pictures" in record.message for record in caplog.records)
    time.sleep(0.2)
    assert sum("gives no pictures" in record.message for record in caplog.records) == told, "once, not at every try"
    last = camera._newest
    assert last is not None
    shutil.move(away, clip)
    until(lambda: next(frames).number > last.number)


@pytest.mark.parametrize(
    ("source", "words"), [("/dev/no-camera", "check its cable"), ("rtsp://127.0.0.1:1/live", "its address is right")]
)
def test_a_camera_is_told_by_what_there_is_to_check(open_camera: Open, source: str, words: str) -> None:
    camera = open_camera(source)
    until(lambda: words in camera.trouble, within_s=30)
    assert f"camera {source} gives no pictures" in camera.trouble


def test_frames_end_where_none_comes_for_as_long_as_anyone_waits(clip: Path, open_camera: Open) -> None:
    assert list(open_camera(clip.with_name("none.avi")).frames(patience_s=0.1)) == []
    assert len(list(islice(open_camera(clip).frames(patience_s=5.0), 5))) == 5


def test_stopping_ends_the_frames_and_the_cameras_thread(clip: Path, open_camera: Open) -> None:
    before = set(threading.enumerate())
    camera = open_camera(clip)
    (thread,) = set(threading.enumerate()) - before
    for frame in camera.frames():
        assert frame.image.shape == (SIZE[1], SIZE[0], 3)
        camera.stop()
    until(lambda: not thread.is_alive())
