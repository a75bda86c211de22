"""A receiver's bytes cut into whole sentences: NMEA, UBX and gpsd's lines, whatever lies between them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Protocol

NMEA = re.compile(rb"\$([\x20-\x23\x25-\x7e]{1,250}?)\*([0-9A-Fa-f]{2})")
NMEA_BEGUN = re.compile(rb"\$[\x20-\x23\x25-\x7e]{0,252}")
START = re.compile(rb"\$|\xb5(?:\x62|\Z)")
UBX_FRAME, LONGEST_UBX = 8, 4096
CountBad = Callable[[str], None]


class Cutter(Protocol):
    """Takes bytes as they come and gives each whole, sound sentence once."""

    def feed(self, data: bytes, *, is_all: bool = False) -> Iterator[bytes]:
        """The sentences that these bytes complete; with `is_all` nothing more comes, and what is incomplete never will be."""


class Sentences:
    """NMEA sentences and UBX frames with a right checksum. All else is passed over byte by byte: comments, RTCM, what a cable made of it.

    What looks like a sentence and has a wrong checksum is told to `count_bad`.
    """

    def __init__(self, count_bad: CountBad) -> None:
        self._bytes, self._count_bad = bytearray(), count_bad

    def feed(self, data: bytes, *, is_all: bool = False) -> Iterator[bytes]:
        """See Cutter."""
        self._bytes += data
        while start := START.search(self._bytes):
            del self._bytes[: start.start()]
            is_ubx = self._bytes[0] != ord("$")
            length = self._ubx_length() if is_ubx else self._nmea_length()
            if length is None and not is_all:
                return
            if not length:
                del self._bytes[:1]
                continue
            sentence = bytes(self._bytes[:length])
            if (is_ubx_sound if is_ubx else is_nmea_sound)(sentence):
                del self._bytes[:length]
                yield sentence
            else:
                self._count_bad(f"wrong checksum: {sentence[:40]!r}")
                del self._bytes[:1]
        self._bytes.clear()

    def _nmea_length(self) -> int | None:
        """Bytes of the sentence that begins here; None if it may still become one, 0 if not."""
        if whole := NMEA.match(self._bytes):
            return whole.end()
        begun = NMEA_BEGUN.match(self._bytes)
        return None if begun is not None and begun.end() == len(self._bytes) else 0

    def _ubx_length(self) -> int | None:
        if len(self._bytes) < UBX_FRAME:
            return None
        length = UBX_FRAME + int.from_bytes(self._bytes[4:6], "little")
        if length > LONGEST_UBX:
            return 0
        return length if len(self._bytes) >= length else None


class Lines:
    """Lines of text, as gpsd's."""

    def __init__(self, count_bad: CountBad, longest: int) -> None:
        self._bytes, self._count_bad, self._longest = bytearray(), count_bad, longest

    def feed(self, data: bytes, *, is_all: bool = False) -> Iterator[bytes]:
        """See Cutter."""
        self._bytes += data
        *lines, rest = bytes(self._bytes).split(b"\n")
        if len(rest) > self._longest:
            self._count_bad(f"a line without an end: {rest[:40]!r}")
            rest = b""
        self._bytes[:] = b"" if is_all else rest
        yield from filter(None, map(bytes.strip, [*lines, rest] if is_all else lines))


def is_nmea_sound(sentence: bytes) -> bool:
    """Whether the checksum of `$…*HH` is that of its text: the exclusive or of all bytes between."""
    total = 0
    for byte in sentence[1:-3]:
        total ^= byte
    return total == int(sentence[-2:], 16)


def is_ubx_sound(frame: bytes) -> bool:
    """Whether the last two bytes are the 8-bit Fletcher sum of all but the first two."""
    a = b = 0
    for byte in frame[2:-2]:
        a = (a + byte) & 0xFF
        b = (b + a) & 0xFF
    return frame[-2:] == bytes((a, b))
