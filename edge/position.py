"""The receiver, on a serial port or behind gpsd: a thread that keeps the newest fix. No fix, or an old one, is None."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from datetime import timedelta
from math import hypot

from calibration import gpsd
from calibration.geodesy import east_north, moved
from calibration.gnss import UNKNOWN_MPS, Position, older_sigma_deg
from calibration.motion import Motion
from calibration.receiver import Listener
from edge.settings import Receiver
from edge.values import Fix

log = logging.getLogger("trikeye.edge")
PAUSE_S = 2.0
SILENT_S = 10.0
CONNECT_S = 5.0
REST_S = 1.0
"""What comes so soon after a sentence may be part of the next, which then broke off."""
UNREAD = "none of them NMEA or UBX: another baud rate or protocol"
AHEAD_SIGMA_SHARE = 0.5
"""Of the way driven since a fix was measured, how much may be wrong: the vehicle brakes, starts and turns."""
ARRIVALS, LATEST_S = 60, 2.0
"""The quickest of so many fixes tells how the receiver's clock runs to ours; one later than that shows that its clock was set."""


class LiveReceiver:
    """Reads NMEA, UBX or gpsd's reports until stopped; the port may vanish and come back, and say what it wants."""

    def __init__(self, settings: Receiver) -> None:
        self._settings, self._gpsd = settings, gpsd.address_of(settings.device)
        self._newest: tuple[float, Position] | None = None
        self._arrivals = Arrivals()
        self._stopped = threading.Event()
        self.trouble = self.kind = ""
        self._told = ""
        self.bad_sentences = self._unread_bytes = 0
        self.faults: Counter[str] = Counter()
        self.heard_at_s: float | None = None
        if settings.device:
            threading.Thread(target=self._read, name="receiver", daemon=True).start()

    def fix_now(self) -> Fix | None:
        """Where the vehicle was when the picture that arrives now was taken, by the newest fix, or None if there is none younger than `oldest_fix_s`."""
        newest = self._newest
        if newest is None:
            return None
        age_s = time.monotonic() - newest[0]
        known = age_s <= self._settings.oldest_fix_s
        return carried(newest[1], age_s - self._settings.camera_late_s) if known else None

    def newest(self) -> tuple[Position, float] | None:
        """The last position, however old, and its age in seconds."""
        newest = self._newest
        return (newest[1], time.monotonic() - newest[0]) if newest is not None else None

    @property
    def unread(self) -> str:
        """What to say of bytes that came since a sentence was last heard; empty if none did."""
        return f"{amount}{UNREAD}" if (amount := self._amount()) else ""

    def stop(self) -> None:
        """End the reading thread."""
        self._stopped.set()

    def _read(self) -> None:
        while not self._stopped.is_set():
            try:
                self._listen()
            except (
                Exception
            ) as wrong:  # whatever the port's driver raises, a vehicle without a receiver thread sees nothing
                remedy = "check that gpsd runs there" if self._gpsd else "check the cable"
                self._tell("receiver_gone", f"{wrong}; {remedy} and [receiver] in edge.toml")
            self._stopped.wait(PAUSE_S)

    def _listen(self) -> None:
        """Take in what the receiver says. A port that opened again may speak of another drive: motion and clock begin anew."""
        listener, motion = Listener(self._count_bad, is_gpsd=self._gpsd is not None), Motion()
        self._arrivals = Arrivals()
        heard_s, heard, self._unread_bytes = time.monotonic(), 0, 0
        for chunk in self._chunks():
            for position in listener.feed(chunk):
                measured_s = self._arrivals.measured_s(position.t_s, time.monotonic())
                self._newest = measured_s, motion.see(position)
            if listener.heard > heard:
                heard_s = self.heard_at_s = time.monotonic()
                heard, self._unread_bytes, self.trouble = listener.heard, 0, ""
                continue
            quiet_s = time.monotonic() - heard_s
            self._unread_bytes += len(chunk) if not heard or quiet_s > REST_S else 0
            if quiet_s > SILENT_S:
                self._tell("receiver_silent", self._silence(), self._amount())

    def _silence(self) -> str:
        if self._gpsd:
            return f"gpsd has told nothing for {SILENT_S:.0f} s; check that it was started with the receiver's port"
        if self._unread_bytes:
            return UNREAD
        return f"no sentence for {SILENT_S:.0f} s; check its power, its antenna and baud in edge.toml"

    def _amount(self) -> str:
        """How much came of which nothing could be read; gpsd talks also without a receiver."""
        return f"{self._unread_bytes} bytes, " if self._unread_bytes and not self._gpsd else ""

    def _chunks(self) -> Iterator[bytes]:
        """Bytes as they come; none at all after a second without."""
        yield from self._of_gpsd(self._gpsd) if self._gpsd else self._of_port()

    def _of_port(self) -> Iterator[bytes]:
        import serial

        with serial.Serial(self._settings.device, self._settings.baud, timeout=1.0) as port:
            while not self._stopped.is_set():
                yield port.read(max(1, port.in_waiting))

    def _of_gpsd(self, address: tuple[str, int]) -> Iterator[bytes]:
        with socket.create_connection(address, CONNECT_S) as link:
            link.sendall(gpsd.WATCH)
            link.settimeout(1.0)
            while not self._stopped.is_set():
                try:
                    chunk = link.recv(65536)
                except TimeoutError:
                    yield b""
                    continue
                if not chunk:
                    raise ConnectionError("gpsd closed the connection")
                yield chunk

    def _count_bad(self, _: str) -> None:
        self.bad_sentences += 1

    def _tell(self, kind: str, what: str, amount: str = "") -> None:
        """Tell what is wrong, once while it stays so, however the amount grows."""
        trouble = f"receiver {self._settings.device}: {amount}{what}; trying again"
        if what != self._told or not self.trouble:
            log.warning("%s", trouble)
            self.faults[kind] += 1
        self.trouble, self.kind, self._told = trouble, kind, what


class Arrivals:
    """When fixes were measured, by our clock: a sentence says its time and arrives some time later, now more, now less."""

    def __init__(self) -> None:
        self._apart_s: deque[float] = deque(maxlen=ARRIVALS)

    def measured_s(self, t_s: float, arrived_s: float) -> float:
        """The instant of a fix of `t_s` on the receiver's clock that arrived now, as late as the quickest of the last ones did."""
        apart_s = arrived_s - t_s
        if self._apart_s and apart_s - min(self._apart_s) > LATEST_S:
            self._apart_s.clear()
        self._apart_s.append(apart_s)
        return t_s + min(self._apart_s)


def carried(position: Position, age_s: float) -> Fix:
    """A position as it is so many seconds later (or was, earlier) if the vehicle drives on as it did, and less sure by what it may have done instead."""
    p, way_m, away_s = position, (position.speed_mps or 0.0) * age_s, abs(age_s)
    lat_deg, lon_deg = p.lat_deg, p.lon_deg
    if p.heading_deg is not None:
        lat_deg, lon_deg = moved(lat_deg, lon_deg, *east_north(p.heading_deg, way_m, 0.0))
    utc = p.utc + timedelta(seconds=age_s) if p.utc and p.utc_trusted else None
    unsure_m = AHEAD_SIGMA_SHARE * abs(way_m)
    if p.speed_mps is None or p.heading_deg is None:
        unsure_m = away_s * max(UNKNOWN_MPS if p.speed_mps is None else p.speed_mps, 0.0)
    return Fix(utc, lat_deg, lon_deg, hypot(p.sigma_m, unsure_m), p.heading_deg, p.speed_mps, p.quality,
               older_sigma_deg(p.heading_sigma_deg, away_s))  # fmt: skip
