"""A positioning receiver on a pseudo terminal, which can be pulled out and plugged in again, and what it takes to wait for others."""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
import time
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce
from itertools import count
from pathlib import Path
from typing import TypeVar

from calibration.geodesy import moved

T = TypeVar("T")
START_DEG = (37.87, 112.55)
NOW_S = (1800 + step * 0.05 for step in count())
"""Every sentence has a time of its own, from half past two on."""


def until(what: Callable[[], T], within_s: float = 20.0) -> T:
    """The first true answer of `what`. Raises AssertionError if there is none in time."""
    end_s = time.monotonic() + within_s
    while time.monotonic() < end_s:
        if answer := what():
            return answer
        time.sleep(0.01)
    raise AssertionError(f"not within {within_s} s")


def nmea(body: str) -> bytes:
    """A whole sentence of NMEA with its checksum."""
    return f"${body}*{reduce(lambda a, b: a ^ b, body.encode()):02X}\r\n".encode()


def degrees_of(lat_deg: float, lon_deg: float) -> str:
    """A place as sentences tell it. North and east only."""
    return f"{int(lat_deg):02}{lat_deg % 1 * 60:08.5f},N,{int(lon_deg):03}{lon_deg % 1 * 60:08.5f},E"


def rmc(lat_deg: float, lon_deg: float, status: str = "A") -> bytes:
    """A sentence that says: here, eastwards, at ten knots."""
    now_s = next(NOW_S)
    clock = f"02{int(now_s // 60 % 60):02}{now_s % 60:05.2f}"
    return nmea(f"GPRMC,{clock},{status},{degrees_of(lat_deg, lon_deg)},10.0,90.0,010526,,,A")


def pvt(lat_deg: float, lon_deg: float, second: float, *, fix_type: int = 3, flags: int = 1, satellites: int = 12, h_acc_m: float = 1.5,
        speed_mps: float = 5.0, course_deg: float = 90.0, day: tuple[int, int, int] = (2026, 5, 1)) -> bytes:  # fmt: skip
    """UBX-NAV-PVT as a u-blox says it (its interface description, 92 bytes), at a second of the day."""
    whole, mm = int(second), 1000
    body = struct.pack(
        "<IHBBBBBBIiBBBBiiiiIIiiiiiIIHHIIihH", whole * 1000, *day, whole // 3600, whole // 60 % 60, whole % 60, 7, 50, round((second - whole) * 1e9),
        fix_type, flags, 0, satellites, round(lon_deg * 1e7), round(lat_deg * 1e7), 800 * mm, 800 * mm, round(h_acc_m * mm), 3 * mm,
        0, 0, 0, round(speed_mps * mm), round(course_deg * 1e5), 100, 100000, 150, 0, 0, 0, 0, 0, 0,
    )  # fmt: skip
    return ubx(1, 7, body)


def ubx(kind: int, number: int, body: bytes) -> bytes:
    """A frame of UBX with its checksum."""
    inner, a, b = bytes((kind, number)) + len(body).to_bytes(2, "little") + body, 0, 0
    for byte in inner:
        a = (a + byte) % 256
        b = (b + a) % 256
    return b"\xb5\x62" + inner + bytes((a, b))


class Gpsd:
    """A gpsd on loopback that one client at a time may ask; what it tells comes from the test."""

    def __init__(self) -> None:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.device = f"gpsd://127.0.0.1:{self._server.getsockname()[1]}"
        self.asked = b""
        self._client: socket.socket | None = None

    def accept(self) -> None:
        """Wait for a client and take in what it asks for."""
        self._server.settimeout(20)
        self._client, _ = self._server.accept()
        self._client.settimeout(20)
        self.asked = self._client.recv(1000)

    def say(self, **said: object) -> None:
        """One line to the client."""
        assert self._client is not None
        self._client.sendall(json.dumps(said).encode() + b"\r\n")

    def drop(self) -> None:
        """End the connection, as a gpsd that is started again."""
        assert self._client is not None
        self._client.close()

    def close(self) -> None:
        """Nobody answers any more."""
        self._server.close()


class Port:
    """The port is `path`, a link to whichever terminal is plugged in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plug_in()

    def plug_in(self) -> None:
        """A new terminal under the old name."""
        self._ends = os.openpty()
        tty.setraw(self._ends[1])
        self.path.symlink_to(os.ttyname(self._ends[1]))

    def pull_out(self) -> None:
        """Gone, as when a cable is pulled."""
        self.path.unlink()
        for end in self._ends:
            os.close(end)

    def say(self, sentence: bytes) -> None:
        """One sentence to whoever listens."""
        os.write(self._ends[0], sentence)

    @contextmanager
    def driving(self) -> Iterator[None]:
        """Say twenty times a second that the vehicle is half a metre further east."""
        arrived = threading.Event()

        def drive() -> None:
            step = 0
            while not arrived.wait(0.05):
                step += 1
                self.say(rmc(*moved(*START_DEG, step * 0.5, 0.0)))

        thread = threading.Thread(target=drive, daemon=True)
        thread.start()
        try:
            yield
        finally:
            arrived.set()
            thread.join(5)
