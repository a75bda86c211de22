"""What goes first, what goes last, what is forced out, and that neither depends on how much there is."""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from edge.outbox import URGENT, Evicted, Outbox, Settled
from models.contract import Sighting, decode

SightingOf = Callable[..., Any]


def ids(*numbers: int) -> list[UUID]:
    return [UUID(int=number) for number in numbers]


def fill(box: Outbox, sighting_of: SightingOf, numbers: range, **changed: object) -> None:
    for each in ids(*numbers):
        box.put(each, sighting_of(each, **changed))


def test_what_is_urgent_is_the_taxonomys_most_severe_unless_told_otherwise(
    tmp_path: Path, sighting_of: SightingOf
) -> None:
    assert {"road_collapse", "manhole_fault"} == URGENT
    box = Outbox(tmp_path / "o.sqlite3", urgent=["road_damage"])
    fill(box, sighting_of, range(1, 2))
    fill(box, sighting_of, range(2, 3), category="road_collapse")
    assert (box.next_up(urgent=True), box.next_up(urgent=False)) == (1, 2)


def test_of_a_lane_the_newest_goes_first_and_what_is_on_its_way_is_passed_over(
    outbox: Outbox, sighting_of: SightingOf
) -> None:
    fill(outbox, sighting_of, range(1, 6))
    assert outbox.next_up(urgent=False) == 5
    assert outbox.next_up(urgent=False, without={5, 4}) == 3
    assert outbox.next_up(urgent=False, up_to=3, without={3}) == 2
    assert outbox.next_up(urgent=False, above=5) is None
    assert outbox.next_up(urgent=True) is None


def test_the_refused_go_before_the_improbable_and_the_urgent_last(tmp_path: Path, sighting_of: SightingOf) -> None:
    box = Outbox(tmp_path / "o.sqlite3", cap_bytes=1)
    box.put(UUID(int=1), sighting_of(UUID(int=1), 0.1, category="road_collapse"))
    box.put(UUID(int=2), sighting_of(UUID(int=2), 0.2))
    box.put(UUID(int=3), sighting_of(UUID(int=3), 0.9))
    box.set_aside(UUID(int=3), "id_conflict")
    gone = []
    for number in range(4, 8):
        box.put(UUID(int=number), sighting_of(UUID(int=number), 0.5, filling=250_000))
        gone.append([each.sequence for each in box.evicted()])
    assert gone == [[], [2, 3, 4], [2, 3, 4, 5], [2, 3, 4, 5, 6]]
    assert [each.id for each in box.waiting(10)] == ids(1, 7)


def test_what_is_forced_out_is_told_and_named(
    tmp_path: Path, sighting_of: SightingOf, caplog: pytest.LogCaptureFixture
) -> None:
    box = Outbox(tmp_path / "o.sqlite3", cap_bytes=1)
    with caplog.at_level(logging.WARNING):
        fill(box, sighting_of, range(1, 4), filling=100_000)
    assert box.evicted() == [Evicted(1, UUID(int=1))]
    (told,) = [json.loads(line) for line in caplog.messages]
    assert (told["event"], told["id"], told["sequence"]) == ("sighting_evicted", str(UUID(int=1)), 1)


def test_what_arrived_although_it_was_forced_out_is_settled(tmp_path: Path, sighting_of: SightingOf) -> None:
    box = Outbox(tmp_path / "o.sqlite3", cap_bytes=1)
    fill(box, sighting_of, range(1, 4), filling=100_000)
    assert box.settle(UUID(int=1), "accepted", 1.0)
    assert not box.settle(UUID(int=1), "known", 1.0)
    assert box.evicted() == []
    assert sqlite3.connect(box.path).execute("SELECT value FROM about WHERE name='evicted'").fetchone() == ("0",)
    assert box.counts() == {"waiting": 2, "aside": 0, "settled": 1, "evicted": 0, "unreadable": 0, "committed": 3}
    assert not box.put(UUID(int=1), sighting_of(UUID(int=1)))


def test_answers_come_in_bundles_and_name_the_digest_the_server_has(outbox: Outbox, sighting_of: SightingOf) -> None:
    fill(outbox, sighting_of, range(1, 4))
    answers = [
        Settled(UUID(int=1), "accepted", "a" * 64),
        Settled(UUID(int=2), "refused", reason="id_conflict: x"),
        Settled(UUID(int=99), "accepted"),
    ]
    assert outbox.settle_all(answers, 5.0, spent_bytes=700, month="2026-11") == answers[:2]
    outbox.settle_all([], 5.0, spent_bytes=300, month="2026-11")
    assert (outbox.spent("2026-11"), outbox.spent("2026-12")) == (1000, 0)
    assert outbox.digests_sent(UUID(int=1)) == {"a" * 64}
    assert [each.id for each in outbox.waiting(10)] == ids(3)


def test_a_message_made_smaller_keeps_its_id_and_every_digest_it_had(outbox: Outbox, sighting_of: SightingOf) -> None:
    fill(outbox, sighting_of, range(1, 2), filling=50_000)
    before = outbox.read(1)
    assert before is not None
    smaller = decode(Sighting, before.body).model_copy(update={"pictures": ()})
    after = outbox.make_smaller(before, smaller, 3)
    assert after is not None
    assert outbox.read(1) == after
    assert (after.id, after.sequence, after.economy) == (before.id, before.sequence, 3)
    assert outbox.digests_sent(after.id) == {before.digest, after.digest}
    assert outbox._db.execute("SELECT value FROM about WHERE name='bytes'").fetchone() == (str(len(after.body)),)
    assert outbox.make_smaller(before, smaller, 3) is None, "a stale copy changes nothing"
    assert outbox.read(1) == after


QUERIES = (
    ("SELECT 1 FROM message WHERE id=? UNION ALL SELECT 1 FROM settled WHERE id=?", 2),
    ("SELECT sequence, id, LENGTH(body) FROM message ORDER BY aside IS NULL, urgent, probability, sequence LIMIT 1", 0),
    ("SELECT sequence FROM message WHERE aside IS NULL AND urgent=? AND sequence>? AND sequence<=? ORDER BY sequence DESC LIMIT ?", 4),
    ("SELECT sequence, id, digest, body FROM message WHERE aside IS NULL AND sequence>? ORDER BY sequence LIMIT ?", 2),
    ("SELECT category, lat_deg, lon_deg, seen_utc FROM message WHERE seen_utc>=?1 UNION ALL "
     "SELECT category, lat_deg, lon_deg, seen_utc FROM settled WHERE seen_utc>=?1", 1),
    ("SELECT value FROM about WHERE name=?", 1),
)  # fmt: skip


@pytest.mark.parametrize(("query", "values"), QUERIES)
def test_no_question_the_vehicle_asks_looks_at_every_row_or_sorts(outbox: Outbox, query: str, values: int) -> None:
    source = (Path(__file__).parents[2] / "edge" / "outbox.py").read_text().replace('"\n            "', "")
    assert query in source, "the query asked here is the one in use"
    plan = [row[3] for row in outbox._db.execute(f"EXPLAIN QUERY PLAN {query}", (0,) * values)]
    assert not [step for step in plan if "TEMP B-TREE" in step or (step.startswith("SCAN") and "INDEX" not in step)], (
        plan
    )


def test_the_sum_of_the_bodies_is_kept_not_counted_anew(tmp_path: Path, sighting_of: SightingOf) -> None:
    box = Outbox(tmp_path / "o.sqlite3", cap_bytes=1)
    fill(box, sighting_of, range(1, 9), filling=60_000)
    box.settle(UUID(int=8), "accepted", 1.0)
    box.set_aside(UUID(int=7), "x")
    kept, counted = box._db.execute(
        "SELECT (SELECT CAST(value AS INTEGER) FROM about WHERE name='bytes'), (SELECT SUM(LENGTH(body)) FROM message)"
    ).fetchone()
    assert kept == counted
