"""The receiver in all its languages: UBX alone, gpsd; what it is called when it is gone or silent, and how old a fix is that came late."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from math import hypot
from pathlib import Path

import pytest
from receiver import START_DEG, Gpsd, Port, nmea, pvt, until

from calibration.gnss import Position
from edge.position import Arrivals, LiveReceiver, carried
from edge.settings import BadSettings, Receiver, read_settings

Listen = Callable[[str], LiveReceiver]
NOON = "2026-05-01T12:00:0{}.000Z"


@pytest.fixture
def listen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Listen]:
    """Opens receivers and ends them; what is lost is tried again at once."""
    monkeypatch.setattr("edge.position.PAUSE_S", 0.02)
    opened: list[LiveReceiver] = []

    def listen(device: str) -> LiveReceiver:
        opened.append(LiveReceiver(Receiver(device=device)))
        return opened[-1]

    yield listen
    for each in opened:
        each.stop()


@pytest.fixture
def gpsd() -> Iterator[Gpsd]:
    """One that runs."""
    with_port = Gpsd()
    yield with_port
    with_port.close()


def tpv(second: int, lat_deg: float = START_DEG[0], mode: int = 3) -> dict[str, object]:
    return {"class": "TPV", "mode": mode, "time": NOON.format(second), "lat": lat_deg, "lon": START_DEG[1],
            "eph": 4.9, "speed": 5.0, "track": 90.0, "eps": 0.3}  # fmt: skip


def test_a_receiver_that_speaks_only_ubx_is_heard_and_believed(tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("edge.position.SILENT_S", 0.3)
    port = Port(tmp_path / "gnss")
    receiver = listen(str(port.path))

    def answers() -> bool:
        port.say(pvt(*START_DEG, 36000 + time.monotonic() % 1000))
        return receiver.fix_now() is not None

    until(answers)
    fix = receiver.fix_now()
    assert fix is not None
    assert (fix.lat_deg, fix.heading_deg) == (pytest.approx(START_DEG[0], abs=1e-6), pytest.approx(90, abs=1))
    assert fix.heading_sigma_deg is not None
    for _ in range(10):
        port.say(pvt(*START_DEG, 36000, fix_type=0, flags=0))
        time.sleep(0.05)
    assert receiver.trouble == "", "no fix is not silence"
    until(lambda: receiver.kind == "receiver_silent")


def test_a_port_at_the_wrong_baud_is_silent_whatever_it_says(tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("edge.position.SILENT_S", 0.3)
    port = Port(tmp_path / "gnss")
    receiver = listen(str(port.path))

    def is_told() -> bool:
        port.say(b"$\xf8\x80$GP\xe6\x98\xfe\xb5\x00\x1e$$*")
        return "another baud rate or protocol" in receiver.trouble

    until(is_told)
    first = receiver.trouble
    assert re.search(r": \d+ bytes, none of them NMEA or UBX", first)
    until(lambda: is_told() and receiver.trouble != first)
    assert receiver.heard_at_s is None
    assert receiver.faults == {"receiver_silent": 1}, "told once, though the bytes grow"


def test_a_receiver_that_breaks_off_within_a_sentence_is_silent_and_its_language_not_doubted(tmp_path: Path, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("edge.position.SILENT_S", 0.3)
    port = Port(tmp_path / "gnss")
    receiver = listen(str(port.path))

    def is_heard() -> bool:
        port.say(pvt(*START_DEG, 36000 + time.monotonic() % 1000))
        return receiver.heard_at_s is not None

    until(is_heard)
    port.say(b"$GPRMC,0230")
    until(lambda: "no sentence" in receiver.trouble)
    assert receiver.unread == ""


def test_gpsd_is_asked_and_its_word_taken(gpsd: Gpsd, listen: Listen) -> None:
    receiver = listen(gpsd.device)
    gpsd.accept()
    assert gpsd.asked == b'?WATCH={"enable":true,"json":true};\n'
    gpsd.say(**{"class": "VERSION", "release": "3.25"})
    gpsd.say(**tpv(0))
    until(lambda: receiver.fix_now() is not None)
    fix = receiver.fix_now()
    assert fix is not None
    assert fix.lat_deg == pytest.approx(START_DEG[0], abs=1e-5)
    assert (fix.sigma_m, fix.speed_mps) == (pytest.approx(2.0, abs=0.5), 5.0)
    assert fix.utc is not None
    assert fix.utc.replace(microsecond=0) == datetime(2026, 5, 1, 12, tzinfo=UTC)
    gpsd.say(**tpv(1, mode=1, lat_deg=40.0))
    gpsd.say(**tpv(2, START_DEG[0] + 0.0001))
    until(lambda: (newest := receiver.newest()) is not None and newest[0].lat_deg > START_DEG[0] + 5e-5)
    newest = receiver.newest()
    assert newest is not None
    assert newest[0].lat_deg < 38, "the one without fix was no position"


def test_a_gpsd_that_starts_again_is_found_again_and_one_that_is_gone_is_told(gpsd: Gpsd, listen: Listen) -> None:
    receiver = listen(gpsd.device)
    gpsd.accept()
    gpsd.say(**tpv(0))
    until(lambda: receiver.newest() is not None)
    gpsd.drop()
    until(lambda: "closed the connection" in receiver.trouble)
    assert receiver.kind == "receiver_gone"
    gpsd.accept()
    gpsd.say(**tpv(3, 37.9))
    until(lambda: (newest := receiver.newest()) is not None and newest[0].lat_deg == 37.9)
    assert receiver.trouble == ""
    gpsd.close()
    gpsd.drop()
    until(lambda: "refused" in receiver.trouble)
    for words in (gpsd.device, "check that gpsd runs", "edge.toml"):
        assert words in receiver.trouble


def test_a_gpsd_without_a_receiver_is_silent_and_nonsense_is_counted(gpsd: Gpsd, listen: Listen, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr("edge.position.SILENT_S", 0.3)
    receiver = listen(gpsd.device)
    gpsd.accept()
    gpsd.say(**{"class": "VERSION", "release": "3.25"})
    until(lambda: receiver.kind == "receiver_silent")
    assert "receiver's port" in receiver.trouble
    assert receiver.heard_at_s is None
    assert gpsd._client is not None
    gpsd._client.sendall(b"[1]\nnull\n{broken\n\xff\xfe\n")
    gpsd.say(**tpv(0))
    until(lambda: receiver.newest() is not None)
    assert receiver.bad_sentences == 4
    assert receiver.trouble == ""


@pytest.mark.parametrize(
    "device", ["gpsd://", "gpsd://host:port", "gpsd://host:99999", "gpsd://host/dev/ttyUSB0", "gpsd://[::1"]
)
def test_an_address_of_gpsd_that_cannot_be_is_refused_with_its_key(tmp_path: Path, device: str) -> None:
    path = tmp_path / "edge.toml"
    path.write_text(f'[receiver]\ndevice = "{device}"\n')
    with pytest.raises(BadSettings, match=r"receiver\.device.*looks like gpsd://127.0.0.1:2947"):
        read_settings(path)


def test_a_fix_that_came_late_is_as_old_as_it_is() -> None:
    arrivals = Arrivals()
    late_s = [0.1, 0.25, 0.05, 0.4, 0.05]
    measured = [arrivals.measured_s(float(t), 1000.0 + t + late) for t, late in enumerate(late_s)]
    assert measured == pytest.approx([1000.1, 1001.1, 1002.05, 1003.05, 1004.05])


def test_a_receiver_whose_clock_was_set_is_believed_at_once() -> None:
    arrivals = Arrivals()
    for t in range(10):
        arrivals.measured_s(float(t), 1000.0 + t)
    assert arrivals.measured_s(10.0, 1070.0) == pytest.approx(1070.0), "it stood still for a minute"
    assert arrivals.measured_s(500.0, 1071.0) == pytest.approx(1071.0), "and its clock went ahead"


def test_a_late_sentence_is_timed_by_its_own_time(tmp_path: Path, listen: Listen) -> None:
    port = Port(tmp_path / "gnss")
    receiver = listen(str(port.path))
    began_s = time.monotonic()

    def say(t_s: float) -> bool:
        port.say(pvt(*START_DEG, 36000 + t_s))
        return receiver.newest() is not None

    until(lambda: say(time.monotonic() - began_s))
    time.sleep(0.3)
    say(time.monotonic() - began_s - 0.25)
    until(lambda: (newest := receiver.newest()) is not None and 0.2 < newest[1] < 0.35)


def test_what_is_not_known_of_the_motion_widens_a_fix_that_is_carried_on() -> None:
    known = Position(0.0, *START_DEG, 2.0, 90.0, 4.0, heading_sigma_deg=3.0)
    still = Position(0.0, *START_DEG, 2.0, 90.0, 0.0)
    unknown = Position(0.0, *START_DEG, 2.0)
    aimless = Position(0.0, *START_DEG, 2.0, None, 4.0)
    assert [carried(each, 2.0).sigma_m for each in (known, still, unknown, aimless)] == pytest.approx([hypot(2, 4), 2.0, hypot(2, 6), hypot(2, 8)])  # fmt: skip
    assert carried(known, 4.0).heading_sigma_deg == pytest.approx(hypot(3, 12))


def test_a_date_that_is_distrusted_is_no_time() -> None:
    old = Position(0.0, *START_DEG, utc=datetime(1999, 8, 22, tzinfo=UTC), utc_trusted=False)
    assert carried(old, 0.0).utc is None


def test_a_receiver_that_tells_a_place_and_no_fix_is_no_fix(tmp_path: Path, listen: Listen) -> None:
    port = Port(tmp_path / "gnss")
    receiver = listen(str(port.path))

    def is_heard() -> bool:
        port.say(nmea("GPGGA,100000.00,3752.2,N,11233.0,E,0,00,99.9,,,,,,"))
        return receiver.heard_at_s is not None

    until(is_heard)
    assert receiver.newest() is None
