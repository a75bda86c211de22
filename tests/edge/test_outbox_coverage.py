"""What was looked at, in the outbox's file: durable until answered, bounded, and never in a sighting's way."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from edge.outbox import Outbox, OutboxUnwritable
from edge.outbox_coverage import CoverageBox
from edge.outbox_file import MIGRATIONS
from models.contract import CellLook, Coverage, decode, encode, packed

SightingOf = Callable[..., Any]
START = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)


def coverage(number: int, cells: int = 20) -> Coverage:
    """A message of so many cells."""
    looks = [CellLook(0x8C3114D21A9C1FF + 512 * each, 2, 7) for each in range(cells)]
    return Coverage.model_validate({
        "id": UUID(int=number), "vehicle": "TY-01", "camera": "front", "origin": "demo", "from_utc": START, "to_utc": START + timedelta(minutes=1),
        "clock_source": "file", **packed(looks),
    })  # fmt: skip


def put(box: CoverageBox, *numbers: int) -> None:
    for number in numbers:
        box.put(coverage(number))


def test_it_waits_through_a_restart_until_the_server_has_answered(outbox: Outbox) -> None:
    put(CoverageBox(outbox), 1, 2)
    outbox.close()
    box = CoverageBox(Outbox(outbox.path))
    up = box.next_up()
    assert up is not None
    assert decode(Coverage, up.body) == coverage(2)
    assert box.settle([UUID(int=2), UUID(int=9)]) == 1
    assert box.counts() == {"waiting": 1, "bytes": len(encode(coverage(1))), "dropped": 0}


def test_the_newest_goes_first_and_what_is_on_its_way_is_passed_over(outbox: Outbox) -> None:
    box = CoverageBox(outbox)
    put(box, 1, 2, 3)
    away: list[UUID] = []
    while up := box.next_up(away):
        away.append(up.id)
    assert [each.int for each in away] == [3, 2, 1]


def test_a_message_that_comes_again_is_kept_once(outbox: Outbox) -> None:
    box = CoverageBox(outbox)
    put(box, 1, 1)
    assert box.counts() == {"waiting": 1, "bytes": len(encode(coverage(1))), "dropped": 0}


def test_the_cap_forces_out_the_oldest_and_counts_it(outbox: Outbox) -> None:
    box = CoverageBox(outbox, cap_bytes=3 * len(encode(coverage(1))))
    put(box, 1, 2, 3, 4, 5)
    counts = box.counts()
    assert (counts["waiting"], counts["dropped"]) == (3, 2)
    assert box.next_up([UUID(int=5), UUID(int=4)]) is not None
    assert box.settle([UUID(int=1), UUID(int=2)]) == 0


def test_sightings_know_nothing_of_it(outbox: Outbox, sighting_of: SightingOf) -> None:
    before = outbox.counts()
    put(CoverageBox(outbox), 1, 2)
    assert outbox.counts() == before
    assert not outbox.has_waiting()
    assert outbox.put(UUID(int=1), sighting_of(UUID(int=1))), "the same id in both is two things"
    assert outbox.last_sequence() == 1


def test_bytes_that_a_medium_changed_are_not_sent(outbox: Outbox) -> None:
    box = CoverageBox(outbox)
    put(box, 1, 2)
    with sqlite3.connect(outbox.path) as db:
        db.execute("UPDATE coverage SET body=CAST(x'00' || SUBSTR(body, 2) AS BLOB) WHERE id=?", (UUID(int=2).bytes,))
    assert box.next_up() is None
    up = box.next_up()
    assert up is not None
    assert up.id.int == 1
    assert box.counts()["dropped"] == 1


def test_a_damaged_file_gives_back_what_can_be_read_of_it(outbox: Outbox, sighting_of: SightingOf) -> None:
    box = CoverageBox(outbox)
    put(box, *range(1, 30))
    for number in range(1, 20):
        outbox.put(UUID(int=number), sighting_of(UUID(int=number), filling=9000))
    outbox.close()
    with sqlite3.connect(outbox.path) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        page = int(db.execute("SELECT rootpage FROM sqlite_master WHERE name='message'").fetchone()[0])
    with outbox.path.open("r+b") as file:
        file.seek((page - 1) * 4096)
        file.write(b"\xff" * 4096)
    saved = CoverageBox(Outbox(outbox.path))
    assert saved.counts() == {"waiting": 29, "bytes": 29 * len(encode(coverage(1))), "dropped": 0}


def test_a_file_of_version_3_gets_a_place_for_it_and_keeps_what_it_has(tmp_path: Path, sighting_of: SightingOf) -> None:  # fmt: skip
    path = tmp_path / "old.sqlite3"
    with sqlite3.connect(path) as db:
        db.executescript(";".join(MIGRATIONS[:3]))
        db.execute("INSERT INTO about VALUES ('outbox', '00000000-0000-0000-0000-000000000007')")
        db.execute("INSERT INTO message VALUES (1, x'0a', 'd', x'01', 0.5, 'road_collapse', 1.0, 2.0, '2026-05-01', NULL, 0, 0)")  # fmt: skip
        db.execute("PRAGMA user_version=3")
    outbox = Outbox(path)
    put(CoverageBox(outbox), 1)
    assert CoverageBox(outbox).counts()["waiting"] == 1
    assert outbox.counts()["waiting"] == 1
    assert outbox.next_up(urgent=False) == 1, "only files without lanes are sorted into them"


def test_a_file_that_takes_nothing_says_so_and_keeps_what_waits(outbox: Outbox) -> None:
    box = CoverageBox(outbox)
    put(box, 1)
    outbox._db.execute(f"PRAGMA max_page_count={outbox._db.execute('PRAGMA page_count').fetchone()[0]}")  # type: ignore[union-attr]
    with pytest.raises(OutboxUnwritable):
        box.put(coverage(2, cells=2000))
    assert box.counts()["waiting"] == 1
