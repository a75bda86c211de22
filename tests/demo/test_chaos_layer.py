"""The failing disk, clock and medium do what they say: to SQLite as the vehicle uses it, and to nothing else."""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from needs import need

from demo.chaos.layer import Layer, Record, build, cut

WRITER = """
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute(f"PRAGMA synchronous={sys.argv[2]}")
db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, body BLOB)")
for _ in range(int(sys.argv[3])):
    number = db.execute("INSERT INTO t (body) VALUES (randomblob(6000)) RETURNING n").fetchone()[0]
    print(number, flush=True)
if len(sys.argv) > 4:
    import os, signal
    os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    need(shutil.which("gcc"), "gcc", "sudo apt-get install gcc libc6-dev")
    return build(tmp_path_factory.mktemp("layer"))


@pytest.fixture
def layer(library: Path, tmp_path: Path) -> Layer:
    root = tmp_path / "machine"
    root.mkdir()
    return Layer(library, tmp_path / "faults", root)


def ran(layer: Layer, code: str, *argv: str) -> subprocess.CompletedProcess[str]:
    """A process on the machine."""
    return subprocess.run([sys.executable, "-c", code, *argv], env={**os.environ, **layer.env}, capture_output=True, text=True, timeout=60)  # fmt: skip


def write(layer: Layer, count: int, synchronous: str = "FULL", *more: str) -> subprocess.CompletedProcess[str]:
    return ran(layer, WRITER, str(layer.root / "t.sqlite3"), synchronous, str(count), *more)


def rows(layer: Layer) -> set[int]:
    with closing(sqlite3.connect(layer.root / "t.sqlite3")) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return {n for (n,) in db.execute("SELECT n FROM t")}


def cut_again_and_again(layer: Layer, synchronous: str) -> int:
    """Rows promised and gone, over a dozen power cuts at random steps; each cut harms some write."""
    chance, promised = random.Random(1), {int(write(layer, 1, synchronous).stdout)}
    for _ in range(12):
        layer.switch("die_in", chance.randrange(1, 60))
        done = write(layer, 300, synchronous)
        promised |= {int(line) for line in done.stdout.split()}
        if "DatabaseError" in done.stderr:
            return len(promised)
        assert done.returncode < 0, done.stderr
        assert layer.cut_power(chance) > 0
    try:
        return len(promised - rows(layer))
    except (sqlite3.DatabaseError, AssertionError):
        return len(promised)


def test_a_synced_row_survives_every_power_cut(layer: Layer) -> None:
    assert cut_again_and_again(layer, "FULL") == 0


def test_a_row_that_was_not_synced_does_not(layer: Layer) -> None:
    """The layer has teeth: without syncs a power cut costs rows or the whole file."""
    assert cut_again_and_again(layer, "OFF") > 0


def test_a_disk_that_lies_about_its_syncs_loses_rows(layer: Layer) -> None:
    layer.switch("lies", 1)
    assert cut_again_and_again(layer, "FULL") > 0


def test_a_kill_without_a_power_cut_loses_nothing(layer: Layer) -> None:
    done = write(layer, 20, "OFF", "die")
    assert done.returncode < 0
    assert len(rows(layer)) == 20


@pytest.mark.parametrize(
    ("switch", "hits", "words"),
    [("disk_full", "full", "database or disk is full|disk I/O error"), ("read_only", "read_only", "readonly|read-only|disk I/O error|unable to open")],
)  # fmt: skip
def test_a_disk_refuses_and_takes_again(layer: Layer, switch: str, hits: str, words: str) -> None:
    write(layer, 5)
    layer.switch(switch, 1)
    done = write(layer, 300)
    assert done.returncode == 1
    assert any(word in done.stderr for word in words.split("|")), done.stderr
    assert layer.hits(hits) > 0
    kept = rows(layer)
    layer.switch(switch, 0)
    assert write(layer, 5).returncode == 0
    assert len(rows(layer)) == len(kept) + 5


def test_one_page_that_cannot_be_read_is_an_error_and_heals(layer: Layer) -> None:
    write(layer, 40)
    read = (
        "import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute('SELECT COUNT(hex(body)) FROM t').fetchone())"
    )
    path = layer.root / "t.sqlite3"
    layer.spoil(path, path.stat().st_size // 2 // 4096 * 4096, 4096)
    done = ran(layer, read, str(path))
    assert "malformed" in done.stderr  # SQLite takes a medium that cannot be read for a damaged file
    assert layer.hits("medium") > 0
    assert ran(layer, "open(__import__('sys').argv[1], 'rb').read()", str(path)).returncode == 1
    layer.spoil(path, 0, 0)
    assert ran(layer, read, str(path)).stdout.strip() == "(40,)"


@pytest.mark.parametrize("hours", [-30, 30])
def test_the_clock_jumps_and_time_passed_does_not(layer: Layer, hours: int) -> None:
    code = "import time, datetime; print(time.time(), datetime.datetime.now().timestamp(), time.monotonic())"
    before = [float(each) for each in ran(layer, code).stdout.split()]
    layer.switch("clock_ns", hours * 3600 * 10**9)
    after = [float(each) for each in ran(layer, code).stdout.split()]
    assert after[0] - before[0] == pytest.approx(hours * 3600, abs=30)
    assert after[1] - before[1] == pytest.approx(hours * 3600, abs=30)
    assert 0 <= after[2] - before[2] < 30


def test_files_elsewhere_are_left_alone(layer: Layer, tmp_path: Path) -> None:
    layer.switch("read_only", 1)
    done = ran(layer, WRITER, str(tmp_path / "t.sqlite3"), "FULL", "3")
    assert done.returncode == 0
    assert layer.hits("read_only") == 0


def test_a_cut_leaves_the_bytes_before_or_after_each_write_and_nothing_else() -> None:
    """Two writes of one file: whatever their fates, every sector is one of what it has been."""
    first, second = b"a" * 2048, b"b" * 1024
    now = second + first[1024:] + b"c" * 512
    records = [Record(0, b"", 2048, 0), Record(0, first[:1024], 1024, 2048), Record(2048, b"", 512, 2048)]
    seen = set()
    for seed in range(200):
        after, suffered = cut(now, records, random.Random(seed))
        assert (after == now) == (suffered == 0) or suffered > 0
        for at in range(0, len(after), 512):
            sector = after[at : at + 512]
            assert len(set(sector)) == 1
            seen.add((at, sector[:1]))
    assert {(0, b"a"), (0, b"b"), (0, b"\0"), (1536, b"a"), (2048, b"c")} <= seen


@pytest.mark.parametrize("synced", [True, False])
def test_a_picture_is_whole_only_if_it_was_synced_before_it_got_its_name(layer: Layer, synced: bool) -> None:
    code = f"""
import os, sys
with open(sys.argv[1] + ".part", "wb") as file:
    file.write(b"p" * 9000)
    file.flush()
    {"os.fsync(file.fileno())" if synced else ""}
os.replace(sys.argv[1] + ".part", sys.argv[1])
"""
    path = layer.root / "picture.jpg"
    assert ran(layer, code, str(path)).returncode == 0
    suffered = layer.cut_power(random.Random(1))
    assert (path.read_bytes() == b"p" * 9000) == (suffered == 0) == synced


def test_a_bad_page_that_is_written_over_can_be_read_again(layer: Layer) -> None:
    path = layer.root / "plain.sqlite3"
    path.write_bytes(b"a" * 16384)
    layer.spoil(path, 4096, 4096)
    mend = "import os, sys; fd = os.open(sys.argv[1], os.O_RDWR); os.pwrite(fd, b'b' * 4096, 4096); print(os.pread(fd, 16384, 0)[4096:4100])"
    assert ran(layer, mend, str(path)).stdout.strip() == "b'bbbb'"


@pytest.mark.parametrize(("full", "fails"), [(1, False), (2, True)])
def test_a_full_disk_takes_what_needs_no_room_where_the_file_system_does(layer: Layer, full: int, fails: bool) -> None:
    path = layer.root / "plain.sqlite3"
    path.write_bytes(b"a" * 8192)
    layer.switch("disk_full", full)
    over = "import os, sys; fd = os.open(sys.argv[1], os.O_RDWR); os.pwrite(fd, b'b' * 4096, 4096)"
    done = ran(layer, over, str(path))
    assert ("No space left" in done.stderr) == fails == (layer.hits("full") > 0)
