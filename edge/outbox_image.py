"""One file out of a damaged database and its log: every page that a failing medium still gives, the newest of each. For saving what can be read.

SQLite gives up a whole log at its first page that cannot be read, and with it the file. Formats: https://www.sqlite.org/fileformat2.html, section 4.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

PAGE_BYTES = 4096
LOG_HEADER_BYTES, FRAME_HEADER_BYTES = 32, 24


@dataclass(frozen=True)
class Frame:
    """A page in the log; `data` is None where the medium does not give it. `size` > 0 ends a transaction: the file's pages after it."""

    page: int
    size: int
    salt: bytes
    checksum: tuple[int, int]
    head: bytes
    data: bytes | None


def write_image(path: Path, log: Path, out: Path) -> None:
    """Write what can be read of a database and its log into one new file; pages nobody can read are zeros, or as the file had them before.

    Nobody may have the database open. Raises OSError if there is no room.
    """
    newest, pages = committed(list(frames(log))) if log.exists() else ({}, 0)
    with path.open("rb", buffering=0) as source, out.open("wb") as image:
        length = os.fstat(source.fileno()).st_size
        for number in range(1, max(length // PAGE_BYTES, pages) + 1):
            at = (number - 1) * PAGE_BYTES
            image.write(newest.get(number) or read(source.fileno(), at, PAGE_BYTES).ljust(PAGE_BYTES, b"\0"))


def committed(found: list[Frame | None]) -> tuple[dict[int, bytes], int]:
    """The newest readable bytes of each page up to the last whole transaction, and the file's length in pages then (0: none)."""
    pages: dict[int, bytes] = {}
    waiting: dict[int, bytes] = {}
    size, salt = 0, b""
    before: Frame | None = None
    for each in found:
        if each is not None:
            salt = salt or each.salt
            if each.salt != salt or not _fits(each, before):
                break  # what an earlier use of the log left behind, or what was being written when the power went
            if each.data is not None:
                waiting[each.page] = each.data
            if each.size:
                pages |= waiting
                waiting, size = {}, each.size
        before = each
    return pages, size


def frames(log: Path) -> Iterator[Frame | None]:
    """The log's frames in order; None where not even the head of one can be read."""
    with log.open("rb", buffering=0) as source:
        length = os.fstat(source.fileno()).st_size
        for at in range(
            LOG_HEADER_BYTES, length - FRAME_HEADER_BYTES - PAGE_BYTES + 1, FRAME_HEADER_BYTES + PAGE_BYTES
        ):
            head = read(source.fileno(), at, FRAME_HEADER_BYTES)
            if len(head) < FRAME_HEADER_BYTES:
                yield None
                continue
            page, size, salt, first, second = struct.unpack(">II8sII", head)
            data = read(source.fileno(), at + FRAME_HEADER_BYTES, PAGE_BYTES)
            yield Frame(page, size, salt, (first, second), head[:8], data if len(data) == PAGE_BYTES else None)


def read(file: int, offset: int, count: int) -> bytes:
    """Bytes of a file; nothing if the medium does not give them."""
    try:
        return os.pread(file, count, offset)
    except OSError:
        return b""


def _fits(frame: Frame, before: Frame | None) -> bool:
    """Whether a frame's checksum follows from the frame before it. Where one of the two is lost, or the log begins, nobody can tell: taken as it is."""
    if before is None or frame.data is None:
        return True
    return frame.checksum in (checksum(before.checksum, frame.head + frame.data, order) for order in ("<", ">"))


def checksum(start: tuple[int, int], data: bytes, order: str) -> tuple[int, int]:
    """SQLite's checksum of a log, over 32-bit words of a byte order, from where the frame before left it."""
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for at in range(0, len(words), 2):
        first = (first + words[at] + second) & 0xFFFFFFFF
        second = (second + words[at + 1] + first) & 0xFFFFFFFF
    return first, second
