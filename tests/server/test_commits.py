"""What is answered is on the disk, though nobody else waited for it."""

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

from demo.chaos.layer import Layer, build

pytestmark = pytest.mark.process

WRITER = """
import sqlite3, sys
from pathlib import Path
from server.commits import sync_log
path = Path(sys.argv[1])
db = sqlite3.connect(path, isolation_level=None)
db.execute("PRAGMA journal_mode=WAL")
db.execute("PRAGMA synchronous=NORMAL")
db.execute("CREATE TABLE IF NOT EXISTS t (n INTEGER PRIMARY KEY, body BLOB)")
for _ in range(100):
    number = db.execute("INSERT INTO t (body) VALUES (randomblob(6000)) RETURNING n").fetchone()[0]
    if sys.argv[2] == "synced":
        sync_log(path)
    print(number, flush=True)
"""


@pytest.fixture
def layer(tmp_path: Path) -> Layer:
    need(shutil.which("gcc"), "gcc", "sudo apt-get install gcc libc6-dev")
    (tmp_path / "machine").mkdir()
    return Layer(build(tmp_path), tmp_path / "faults", tmp_path / "machine")


def promised_and_lost(layer: Layer, how: str) -> int:
    """Rows that were told and are gone, over a dozen power cuts at random steps."""
    chance, path, told = random.Random(1), layer.root / "t.sqlite3", set[int]()
    for _ in range(12):
        layer.switch("die_in", chance.randrange(8, 80))
        done = subprocess.run([sys.executable, "-c", WRITER, str(path), how], env={**os.environ, **layer.env}, capture_output=True, text=True, timeout=60)  # fmt: skip
        assert done.returncode < 0, done.stderr
        told |= {int(line) for line in done.stdout.split()}
        layer.cut_power(chance)
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
        return len(told - {n for (n,) in db.execute("SELECT n FROM t")})


def test_a_log_synced_after_the_lock_was_let_go_survives_every_power_cut(layer: Layer) -> None:
    assert promised_and_lost(layer, "synced") == 0


def test_without_that_a_power_cut_takes_rows_and_harms_no_file(layer: Layer) -> None:
    """Leases are such: what is lost is the newest, never the database."""
    assert promised_and_lost(layer, "hasty") > 0
