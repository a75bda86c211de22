"""What was looked at on its way to the server: after everything else, kept until it is answered, and no hindrance to anything."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from wire import Broker, Running, Server, accept, silent, until

from edge.outbox import Outbox
from edge.outbox_coverage import CoverageBox
from edge.uplink_coverage import AWAY_AT_MOST, UNANSWERED_AT_MOST, CoverageLane
from models.contract import CellLook, Coverage, decode, packed

SightingOf = Callable[..., Any]
START = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)


def coverage(number: int) -> Coverage:
    return Coverage.model_validate({
        "id": UUID(int=number), "vehicle": "TY-01", "camera": "front", "origin": "demo", "from_utc": START, "to_utc": START + timedelta(minutes=1),
        "clock_source": "file", **packed([CellLook(0x8C3114D21A9C1FF, 2, 7)]),
    })  # fmt: skip


@pytest.fixture
def box(outbox: Outbox) -> CoverageBox:
    """Four messages wait."""
    box = CoverageBox(outbox)
    for number in range(1, 5):
        box.put(coverage(number))
    return box


@pytest.fixture
def broker(mosquitto: str, tmp_path: Path) -> Iterator[Broker]:
    made = Broker(mosquitto, tmp_path)
    made.start()
    yield made
    made.kill()


def numbers(lane: CoverageLane, resend_s: float, now_s: float) -> list[int]:
    """Let leave what may."""
    left = []
    while (up := lane.next_up(resend_s, now_s)) is not None:
        lane.left(up, now_s)
        left.append(up.id.int)
    return left


def test_few_are_on_their_way_and_an_answer_makes_room_for_the_next(box: CoverageBox) -> None:
    lane = CoverageLane(box)
    assert numbers(lane, 20.0, 0.0) == [4, 3]
    assert len(lane.away) == AWAY_AT_MOST
    assert lane.answered(UUID(int=4))
    assert numbers(lane, 20.0, 1.0) == [2]
    lane.settle()
    assert box.counts()["waiting"] == 3


def test_what_goes_unanswered_leaves_again_and_a_late_answer_counts(box: CoverageBox) -> None:
    lane = CoverageLane(box)
    assert numbers(lane, 20.0, 0.0) == [4, 3]
    assert numbers(lane, 20.0, 19.0) == []
    assert lane.next_up(20.0, 20.0) is not None
    assert lane.away == {}
    assert lane.answered(UUID(int=3))
    assert numbers(lane, 20.0, 21.0) == [4, 2]


def test_an_answer_for_something_else_is_left_to_others(box: CoverageBox) -> None:
    assert not CoverageLane(box).answered(UUID(int=4)), "it was never sent in this connection"


def test_a_server_without_a_word_is_offered_no_more_until_the_next_connection(box: CoverageBox) -> None:
    lane = CoverageLane(box)
    sent = [number for turn in range(10) for number in numbers(lane, 1.0, float(turn))]
    assert len(sent) == UNANSWERED_AT_MOST
    assert lane.is_done()
    lane.begin_again()
    assert not lane.is_done()
    assert numbers(lane, 1.0, 20.0) == [4, 3]


@pytest.mark.broker
@pytest.mark.process
def test_it_arrives_after_every_sighting_and_leaves_the_file(
    broker: Broker, box: CoverageBox, sighting_of: SightingOf
) -> None:
    for number in range(1, 9):
        box.outbox.put(UUID(int=number), sighting_of(UUID(int=number)))
    server = Server(broker.port, accept)
    assert Running(box.outbox.path, broker.port).ends()
    assert server.order == ["sighting"] * 8 + ["coverage"] * 4
    assert sorted(decode(Coverage, each).id.int for each in server.coverage) == [1, 2, 3, 4]
    assert box.counts()["waiting"] == 0
    assert box.outbox.counts()["settled"] == 8
    server.stop()


@pytest.mark.broker
@pytest.mark.process
def test_nothing_of_it_leaves_while_a_sighting_is_unanswered(
    broker: Broker, box: CoverageBox, sighting_of: SightingOf
) -> None:
    box.outbox.put(UUID(int=1), sighting_of(UUID(int=1)))
    server = Server(broker.port, silent)
    running = Running(box.outbox.path, broker.port, until_empty=False)
    assert until(lambda: len(server.bodies) >= 3)
    running.stop()
    assert server.coverage == []
    assert box.counts()["waiting"] == 4
    server.stop()


@pytest.mark.broker
@pytest.mark.process
def test_a_server_that_knows_no_coverage_holds_nothing_up(
    broker: Broker, box: CoverageBox, sighting_of: SightingOf
) -> None:
    box.outbox.put(UUID(int=1), sighting_of(UUID(int=1)))
    old = Server(broker.port, accept, takes_coverage=False)
    assert Running(box.outbox.path, broker.port, resend_s=0.3).ends()
    assert (box.outbox.counts()["settled"], box.counts()["waiting"]) == (1, 4)
    old.stop()
    new = Server(broker.port, accept)
    assert Running(box.outbox.path, broker.port).ends()
    assert box.counts()["waiting"] == 0
    new.stop()


@pytest.mark.broker
@pytest.mark.process
def test_a_broker_that_takes_it_and_dies_costs_nothing(broker: Broker, box: CoverageBox) -> None:
    """A PUBACK settles nothing here either."""
    deaf = Server(broker.port, accept, takes_coverage=False)
    running = Running(box.outbox.path, broker.port, resend_s=5.0)
    assert until(lambda: len(deaf.coverage) == 2)
    deaf.stop()
    broker.kill()
    broker.start()
    server = Server(broker.port, accept)
    assert running.ends()
    assert sorted(decode(Coverage, each).id.int for each in server.coverage) == [1, 2, 3, 4]
    server.stop()
