"""A receiver's bytes in, its positions out, in whichever language it speaks."""

from __future__ import annotations

from collections.abc import Iterator

from calibration import gpsd, nmea, ubx
from calibration.epochs import Epochs
from calibration.gnss import Position
from calibration.motion import smoothed
from calibration.reports import Report
from calibration.sentences import CountBad, Cutter, Lines, Sentences


class Listener:
    """Bytes of a serial receiver (NMEA and UBX, mixed) or of gpsd. No byte makes it raise; what is broken is told to `count_bad`.

    `heard` counts what a receiver said that was sound, its having no fix too; gpsd itself talks also without a receiver, that does not count.
    The positions are as they were said, without motion.
    """

    def __init__(self, count_bad: CountBad = lambda _: None, *, is_gpsd: bool = False) -> None:
        self.heard = 0
        self._count_bad, self._is_gpsd = count_bad, is_gpsd
        self._cutter: Cutter = Lines(count_bad, gpsd.LONGEST_LINE) if is_gpsd else Sentences(count_bad)
        self._read = gpsd.report_of if is_gpsd else report_of
        self._epochs = Epochs(count_bad)

    def feed(self, data: bytes, *, is_all: bool = False) -> Iterator[Position]:
        """The positions that these bytes complete; with `is_all` nothing more comes."""
        for sentence in self._cutter.feed(data, is_all=is_all):
            try:
                report = self._read(sentence)
            except Exception as wrong:  # pynmeagps and pyubx2 raise whatever a broken sentence leads them to
                self._count_bad(f"{sentence[:40]!r}: {wrong}")
                continue
            self.heard += report is not None or not self._is_gpsd
            if report is not None:
                yield from self._epochs.take(report)
        if is_all:
            yield from self._epochs.flush()


def report_of(sentence: bytes) -> Report | None:
    """The report of a whole sentence of NMEA or frame of UBX."""
    return nmea.report_of(sentence) if sentence.startswith(b"$") else ubx.report_of(sentence)


def read_log(data: bytes, count_bad: CountBad = lambda _: None) -> list[Position]:
    """The positions of a recorded log of NMEA and UBX, with heading and speed out of the whole way."""
    return smoothed(list(Listener(count_bad).feed(data, is_all=True)))
