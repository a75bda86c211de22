"""The receiver on a serial port: a thread that keeps the newest fix. No fix, or an old one, is None."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

from calibration.gnss import Position, read_nmea
from edge.settings import Receiver
from edge.values import Fix

log = logging.getLogger("trikeye.edge")
PAUSE_S = 2.0


class SerialReceiver:
    """Reads NMEA sentences until stopped; the port may vanish and come back."""

    def __init__(self, settings: Receiver) -> None:
        self._settings = settings
        self._newest: tuple[float, Position] | None = None
        self._stopped = threading.Event()
        self.trouble = ""
        if settings.device:
            threading.Thread(target=self._read, name="receiver", daemon=True).start()

    def fix_now(self) -> Fix | None:
        """The newest fix, or None if there is none younger than `oldest_fix_s`."""
        newest = self._newest
        if newest is None or time.monotonic() - newest[0] > self._settings.oldest_fix_s:
            return None
        p = newest[1]
        return Fix(p.utc or datetime.now(UTC), p.lat_deg, p.lon_deg, p.sigma_m, p.heading_deg, p.speed_mps, p.quality)

    def stop(self) -> None:
        """End the reading thread."""
        self._stopped.set()

    def _read(self) -> None:
        heading: float | None = None
        while not self._stopped.is_set():
            try:
                for position in read_nmea(self._lines()):
                    heading = position.heading_deg if position.heading_deg is not None else heading
                    self._newest = (time.monotonic(), Position(**{**position.__dict__, "heading_deg": heading}))
                    self.trouble = ""
            except OSError as wrong:
                trouble = f"receiver {self._settings.device}: {wrong}; check the cable and [receiver] in edge.toml; trying again"
                if trouble != self.trouble:
                    log.warning("%s", trouble)
                self.trouble = trouble
            self._stopped.wait(PAUSE_S)

    def _lines(self) -> Iterator[bytes]:
        import serial

        with serial.Serial(self._settings.device, self._settings.baud, timeout=1.0) as port:
            while not self._stopped.is_set():
                line = port.readline()
                if line:
                    yield line
