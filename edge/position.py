"""The receiver on a serial port: a thread that keeps the newest fix. No fix, or an old one, is None."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from math import hypot

from calibration.geodesy import east_north, moved
from calibration.gnss import Position, read_nmea
from edge.settings import Receiver
from edge.values import Fix

log = logging.getLogger("trikeye.edge")
PAUSE_S = 2.0
SILENT_S = 10.0
LONGEST_SENTENCE = 256
AHEAD_SIGMA_SHARE = 0.5
"""Of the way driven since a fix was measured, how much may be wrong: the vehicle brakes, starts and turns."""


class SerialReceiver:
    """Reads NMEA sentences until stopped; the port may vanish and come back, and say what it wants."""

    def __init__(self, settings: Receiver) -> None:
        self._settings = settings
        self._newest: tuple[float, Position] | None = None
        self._heading_deg: float | None = None
        self._stopped = threading.Event()
        self.trouble = self.kind = ""
        self.bad_sentences = 0
        self.faults: Counter[str] = Counter()
        self.heard_at_s: float | None = None
        if settings.device:
            threading.Thread(target=self._read, name="receiver", daemon=True).start()

    def fix_now(self) -> Fix | None:
        """Where the vehicle is now by the newest fix, or None if there is none younger than `oldest_fix_s`."""
        newest = self._newest
        if newest is None:
            return None
        age_s = time.monotonic() - newest[0]
        return carried(newest[1], age_s) if age_s <= self._settings.oldest_fix_s else None

    def newest(self) -> tuple[Position, float] | None:
        """The last position, however old, and its age in seconds."""
        newest = self._newest
        return (newest[1], time.monotonic() - newest[0]) if newest is not None else None

    def stop(self) -> None:
        """End the reading thread."""
        self._stopped.set()

    def _read(self) -> None:
        while not self._stopped.is_set():
            try:
                for position in read_nmea(self._lines(), self._count_bad):
                    self._keep(position)
            except (
                Exception
            ) as wrong:  # whatever the port's driver raises, a vehicle without a receiver thread sees nothing
                self._tell("receiver_gone", f"{wrong}; check the cable and [receiver] in edge.toml")
            self._stopped.wait(PAUSE_S)

    def _keep(self, position: Position) -> None:
        if position.heading_deg is not None:
            self._heading_deg = position.heading_deg
        self._newest = time.monotonic(), replace(position, heading_deg=self._heading_deg)

    def _count_bad(self, _: str) -> None:
        self.bad_sentences += 1

    def _tell(self, kind: str, what: str) -> None:
        trouble = f"receiver {self._settings.device}: {what}; trying again"
        if trouble != self.trouble:
            log.warning("%s", trouble)
            self.faults[kind] += 1
        self.trouble, self.kind = trouble, kind

    def _lines(self) -> Iterator[bytes]:
        import serial

        with serial.Serial(self._settings.device, self._settings.baud, timeout=1.0) as port:
            heard_s = time.monotonic()
            while not self._stopped.is_set():
                line = port.readline(LONGEST_SENTENCE)
                if line.startswith(b"$"):
                    heard_s = self.heard_at_s = time.monotonic()
                    self.trouble = ""
                    yield line
                elif time.monotonic() - heard_s > SILENT_S:
                    self._tell(
                        "receiver_silent",
                        f"no sentence for {SILENT_S:.0f} s; check its power, its antenna and baud in edge.toml",
                    )


def carried(position: Position, age_s: float) -> Fix:
    """A position as it is so many seconds later if the vehicle drove on as it did, and less sure by what it may have done instead."""
    p, way_m = position, (position.speed_mps or 0.0) * max(0.0, age_s)
    lat_deg, lon_deg = p.lat_deg, p.lon_deg
    if p.heading_deg is not None:
        lat_deg, lon_deg = moved(lat_deg, lon_deg, *east_north(p.heading_deg, way_m, 0.0))
    utc = p.utc + timedelta(seconds=age_s) if p.utc else None
    sigma_m = hypot(p.sigma_m, AHEAD_SIGMA_SHARE * way_m)
    return Fix(utc, lat_deg, lon_deg, sigma_m, p.heading_deg, p.speed_mps, p.quality)
