"""One page of a vehicle's card that can never be read again, wherever it lies: what can be read is saved, the rest is named, and nobody is needed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from needs import need

from demo.chaos.layer import Layer, build

pytestmark = pytest.mark.process
COUNT, PAGE_BYTES = 16, 4096
MAKE = """
import os, signal, sys
from pathlib import Path
from demo.made import Maker
from edge.outbox import Outbox
maker, outbox, count = Maker(1, "TY-01"), Outbox(Path(sys.argv[1])), int(sys.argv[2])
import sqlite3
for n in range(count):
    outbox.put(maker.id_of(n), lambda uuid, sequence: maker.make(n, uuid, sequence))
    if n % 3 == 0:
        outbox.settle(maker.id_of(n), "accepted", 0.0)
    if n == count - 5:
        sqlite3.connect(sys.argv[1]).execute("PRAGMA wal_checkpoint(TRUNCATE)")
os.kill(os.getpid(), signal.SIGKILL)
"""
READ = """
import json, sys
from pathlib import Path
from edge.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
read = [outbox.read(each.sequence) for each in outbox.waiting(1000)]
lost = [each.sequence for each in outbox.unreadable()]
print(json.dumps({"read": sum(each is not None for each in read), "lost": lost, **outbox.counts()}))
"""


@pytest.fixture(scope="session")
def card(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The layer, and the folder of a vehicle that was killed: twelve sightings in the file, four in its log alone."""
    need(shutil.which("gcc"), "gcc", "sudo apt-get install gcc libc6-dev")
    folder = tmp_path_factory.mktemp("card")
    (folder / "machine").mkdir()
    subprocess.run([sys.executable, "-c", MAKE, str(folder / "machine" / "outbox.sqlite3"), str(COUNT)], timeout=60)
    (folder / "machine" / "outbox.sqlite3-shm").unlink()
    return build(folder), folder / "machine"


def opened(card: tuple[Path, Path], tmp_path: Path, file: str, page: int) -> dict[str, Any]:
    """What the vehicle makes of the card with one bad page; page -1 is the last."""
    library, machine = card
    root = tmp_path / f"machine-{page}"
    shutil.copytree(machine, root)
    layer = Layer(library, tmp_path / f"faults-{page}", root)
    pages = (root / file).stat().st_size // PAGE_BYTES
    layer.spoil(root / file, page % pages * PAGE_BYTES, PAGE_BYTES)
    done = subprocess.run([sys.executable, "-c", READ, str(root / "outbox.sqlite3")], env={**os.environ, **layer.env}, capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.returncode == 0, done.stderr[-600:]
    return {**json.loads(done.stdout), "hits": layer.hits("medium")}


def accounted(found: dict[str, Any]) -> None:
    """Every sighting that was promised is waiting, settled, or named."""
    assert found["committed"] == COUNT, found
    assert found["waiting"] + found["settled"] + found["unreadable"] == COUNT, found
    assert found["read"] == found["waiting"]
    assert found["unreadable"] <= 2


def test_any_page_of_the_file_but_the_first(card: tuple[Path, Path], tmp_path: Path) -> None:
    pages = (card[1] / "outbox.sqlite3").stat().st_size // PAGE_BYTES
    found = [opened(card, tmp_path, "outbox.sqlite3", page) for page in range(1, pages, 4)]
    for each in found:
        accounted(each)
    assert sum(each["hits"] > 0 for each in found) > 3
    assert any(each["lost"] for each in found)


def test_the_first_page_of_the_file(card: tuple[Path, Path], tmp_path: Path) -> None:
    found = opened(card, tmp_path, "outbox.sqlite3", 0)
    assert found["hits"] > 0
    accounted(found)


@pytest.mark.parametrize("page", [0, 5, -2])
def test_a_page_of_the_log(card: tuple[Path, Path], tmp_path: Path, page: int) -> None:
    """What lies in the log alone may be lost, and is then named; what the file holds must not go with it."""
    found = opened(card, tmp_path, "outbox.sqlite3-wal", page)
    assert found["hits"] > 0
    assert found["committed"] == COUNT
    assert found["waiting"] + found["settled"] + found["unreadable"] == COUNT, found
