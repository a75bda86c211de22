"""An image of a database and its log holds what SQLite itself reads from both; a lost frame costs its own page, a torn end costs nothing committed."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from edge.outbox_image import FRAME_HEADER_BYTES, LOG_HEADER_BYTES, PAGE_BYTES, committed, frames, write_image

ROWS = 60


@pytest.fixture
def pair(tmp_path: Path) -> tuple[Path, Path]:
    """A file and its log, as a killed process leaves them: rows in both, one updated in the log."""
    live = tmp_path / "live"
    with closing(sqlite3.connect(live, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("CREATE TABLE t (n INTEGER PRIMARY KEY, body BLOB)")
        for n in range(ROWS):
            db.execute("INSERT INTO t VALUES (?, randomblob(3000))", (n,))
            if n == ROWS // 2:
                db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        db.execute("UPDATE t SET body='new' WHERE n=0")
        shutil.copy(live, tmp_path / "file")
        shutil.copy(tmp_path / "live-wal", tmp_path / "log")
    return tmp_path / "file", tmp_path / "log"


def rows(path: Path) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(f"file:{path}?immutable=1", uri=True)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return db.execute("SELECT n, body FROM t ORDER BY n").fetchall()


def image(pair: tuple[Path, Path]) -> Path:
    write_image(*pair, pair[0].with_name("image"))
    return pair[0].with_name("image")


def test_an_image_holds_what_file_and_log_hold_together(pair: tuple[Path, Path]) -> None:
    seen = rows(image(pair))
    assert len(seen) == ROWS
    assert seen[0] == (0, "new")
    with closing(sqlite3.connect(pair[0].with_name("live"))) as db:
        assert seen == db.execute("SELECT n, body FROM t ORDER BY n").fetchall()


def test_without_a_log_it_is_the_file(pair: tuple[Path, Path]) -> None:
    pair[1].unlink()
    assert image(pair).read_bytes() == pair[0].read_bytes()


@pytest.mark.parametrize("tail", [b"\0" * 9000, b"\xff" * 9000, None])
def test_what_was_being_written_when_the_power_went_is_left_out(pair: tuple[Path, Path], tail: bytes | None) -> None:
    """None: a frame that looks right but for its bytes, after the last commit."""
    log = pair[1].read_bytes()
    frame = log[-FRAME_HEADER_BYTES - PAGE_BYTES :]
    pair[1].write_bytes(log + (frame[:-1] + b"?" if tail is None else tail))
    assert len(rows(image(pair))) == ROWS


def test_a_transaction_that_was_not_committed_is_left_out(pair: tuple[Path, Path]) -> None:
    found = [each for each in frames(pair[1]) if each is not None]
    whole, _ = committed(list(found))
    last = next(at for at in reversed(range(len(found) - 1)) if found[at].size)
    cut, _ = committed([*found[: last + 1], *(replace(each, size=0) for each in found[last + 1 :])])
    assert cut == committed(list(found[: last + 1]))[0] != whole


@pytest.mark.parametrize("lost", ["all of the frame", "its page"])
def test_a_lost_frame_costs_its_own_page_alone(pair: tuple[Path, Path], lost: str) -> None:
    found = list(frames(pair[1]))
    whole, size = committed(list(found))
    middle = found[len(found) // 2]
    assert middle is not None
    found[len(found) // 2] = None if lost == "all of the frame" else replace(middle, data=None)
    left, size_left = committed(found)
    assert size_left == size
    assert {page for page in whole if left.get(page) != whole[page]} <= {middle.page}


def test_the_log_has_a_frame_for_each_page_written(pair: tuple[Path, Path]) -> None:
    assert len(list(frames(pair[1]))) == (pair[1].stat().st_size - LOG_HEADER_BYTES) // (FRAME_HEADER_BYTES + PAGE_BYTES)  # fmt: skip
