"""The failing disk and clock of one machine, from the suite's side: builds faults.c, sets its switches, and does what a power cut does to files."""

from __future__ import annotations

import mmap
import random
import shutil
import struct
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

SOURCE = Path(__file__).with_name("faults.c")
SECTOR_BYTES = 512
SWITCHES = ("clock_ns", "disk_full", "read_only", "lies", "die_in", "bad_inode", "bad_from", "bad_bytes")
HITS = ("full", "read_only", "medium", "writes", "syncs", "clock")
_RECORD = struct.Struct("<4q")


class NoCompiler(Exception):
    """faults.c cannot be built here; the text says what is missing."""


class Record(NamedTuple):
    """A write that was not synced: what stood at `offset` before, how long the write was (-1: a cut to `offset`), the file's size before."""

    offset: int
    before: bytes
    written: int
    size: int


def build(folder: Path) -> Path:
    """The layer as a shared object. Raises NoCompiler."""
    out = folder / "faults.so"
    if not shutil.which("gcc"):
        raise NoCompiler("gcc is missing; on Debian: sudo apt-get install gcc libc6-dev")
    line = ["gcc", "-shared", "-fPIC", "-O2", "-Wall", "-Wno-unused-parameter", "-o", str(out), str(SOURCE), "-ldl", "-lpthread"]  # fmt: skip
    done = subprocess.run(line, capture_output=True, text=True)
    if done.returncode:
        raise NoCompiler(f"{SOURCE} cannot be built: {done.stderr.strip()[-400:]}")
    return out


@dataclass
class Layer:
    """One machine: `root` is its folder."""

    library: Path
    control: Path
    root: Path
    _map: mmap.mmap = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self.control.write_bytes(bytes(8 * (len(SWITCHES) + len(HITS))))
        self._undo.mkdir()
        with self.control.open("r+b") as file:
            self._map = mmap.mmap(file.fileno(), 0)

    @property
    def env(self) -> dict[str, str]:
        """What a process of this machine is started with."""
        return {"LD_PRELOAD": str(self.library), "FAULTS_CONTROL": str(self.control), "FAULTS_ROOT": str(self.root)}

    def switch(self, name: str, value: int) -> None:
        """Set one of SWITCHES for every process of the machine, at once."""
        struct.pack_into("<q", self._map, 8 * SWITCHES.index(name), value)

    def spoil(self, path: Path, offset: int, length: int) -> None:
        """Reads of these bytes of a file fail from now on, whatever its name, until somebody writes all of them; a length of 0 heals it."""
        for name, value in (("bad_bytes", 0), ("bad_inode", path.stat().st_ino), ("bad_from", offset), ("bad_bytes", length)):  # fmt: skip
            self.switch(name, value)

    def hits(self, name: str) -> int:
        """How often something of HITS has happened."""
        return int(struct.unpack_from("<q", self._map, 8 * (len(SWITCHES) + HITS.index(name)))[0])

    def cut_power(self, chance: random.Random) -> int:
        """Let each write that was never synced be there, gone or torn; of each file at least one suffers. Every process of the machine must be dead.

        Returns how many writes suffered.
        """
        suffered = 0
        paths = {path.stat().st_ino: path for path in self.root.rglob("*") if path.is_file()}
        for log in self._undo.iterdir():
            records, path = list(read_records(log.read_bytes())), paths.get(int(log.name))
            if records and path is not None:
                now = path.read_bytes()
                after, harmed = next((each for each in (cut(now, records, chance) for _ in range(100)) if each[1]), (now, 0))  # fmt: skip
                path.write_bytes(after)
                suffered += harmed
            log.write_bytes(b"")
        return suffered

    @property
    def _undo(self) -> Path:
        return self.control.with_name(self.control.name + ".undo")


def read_records(log: bytes) -> list[Record]:
    """The records of an undo log; a last one that was killed half way counts for nothing, its write never began."""
    out, at = [], 0
    while at + _RECORD.size <= len(log):
        offset, kept, written, size = _RECORD.unpack_from(log, at)
        before = log[at + _RECORD.size : at + _RECORD.size + kept]
        if len(before) < kept:
            break
        out.append(Record(offset, before, written, size))
        at += _RECORD.size + kept
    return out


def cut(now: bytes, records: list[Record], chance: random.Random) -> tuple[bytes, int]:
    """A file as it may be after a power cut: its bytes before all these writes, then each of them whole, lost, or some of its sectors.

    Where a lost write had made the file longer, it may be longer all the same, with zeros. Returns the bytes and how many writes suffered.
    """
    image, writes = bytearray(now), []
    for record in reversed(records):
        new = bytes(image[record.offset : record.offset + record.written]) if record.written >= 0 else b""
        writes.append((record, new))
        image[record.offset : record.offset + len(record.before)] = record.before
        image = image[: record.size].ljust(record.size, b"\0")
    suffered = 0
    for record, new in reversed(writes):
        fate = chance.choice(("whole", "lost", "torn"))
        suffered += fate != "whole"
        if record.written < 0:
            if fate == "whole":
                image = image[: record.offset]
            continue
        for start in range(0, len(new), SECTOR_BYTES):
            if fate == "whole" or (fate == "torn" and chance.random() < 0.5):
                _write(image, record.offset + start, new[start : start + SECTOR_BYTES])
        if fate == "lost" and chance.random() < 0.3:
            _write(image, record.offset + len(new), b"")
    return bytes(image), suffered


def _write(image: bytearray, offset: int, data: bytes) -> None:
    if len(image) < offset:
        image.extend(bytes(offset - len(image)))
    image[offset : offset + len(data)] = data
