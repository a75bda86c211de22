"""The judge of the chaos suite notices what it must: a judge that never finds anything proves nothing."""

from __future__ import annotations

from collections.abc import Callable
from uuid import UUID

import pytest

from demo.chaos.verdict import Row, Server, Vehicle, judge

OUTBOX, COUNT = "0f" * 16, 6


def books() -> tuple[Vehicle, Server]:
    """Six ids: four delivered, the fifth refused and kept, the sixth evicted."""
    ids = [UUID(int=n) for n in range(1, COUNT + 1)]
    vehicle = Vehicle("TY-01", OUTBOX, COUNT, {id_: {f"d{id_.int}"} for id_ in ids}, dict(enumerate(ids, 1)))
    vehicle.aside, vehicle.evicted = {ids[4]}, {ids[5]}
    return vehicle, Server([Row(id_, f"d{id_.int}", OUTBOX, n, True) for n, id_ in enumerate(ids[:4], 1)], {ids[4]})


def test_every_id_in_its_place_is_clean() -> None:
    verdict = judge([books()[0]], books()[1])
    assert verdict.is_clean
    assert (verdict.committed, verdict.delivered, verdict.set_aside, verdict.evicted) == (6, 4, 1, 1)


def row(**changes: object) -> Row:
    values: dict[str, object] = {"id": UUID(int=1), "digest": "d1", "outbox": OUTBOX, "sequence": 1, "is_whole": True}
    return Row(**(values | changes))  # type: ignore[arg-type]


LOSSES: dict[str, Callable[[Vehicle, Server], object]] = {
    "the server's row is gone": lambda v, s: s.rows.pop(0),
    "the server's digest is one the vehicle never sent": lambda v, s: s.rows.__setitem__(0, row(digest="x")),
    "a picture is not what its name says": lambda v, s: s.rows.__setitem__(0, row(is_whole=False)),
    "refused, and the vehicle did not keep it": lambda v, s: v.aside.clear(),
    "kept aside, and the server never refused it": lambda v, s: s.refused.clear(),
    "evicted without a count": lambda v, s: v.evicted.clear(),
    "a sequence nobody can explain": lambda v, s: setattr(v, "committed", COUNT + 1),
}
DOUBLES: dict[str, Callable[[Vehicle, Server], object]] = {
    "twice on the server": lambda v, s: s.rows.append(row(sequence=9)),
    "on the server and kept aside": lambda v, s: v.aside.add(UUID(int=1)),
    "two ids in one place of an outbox": lambda v, s: s.rows.append(row(id=UUID(int=99))),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_loss_is_noticed(name: str) -> None:
    vehicle, server = books()
    LOSSES[name](vehicle, server)
    verdict = judge([vehicle], server)
    assert verdict.lost == 1, verdict.words
    assert not verdict.is_clean


@pytest.mark.parametrize("name", DOUBLES)
def test_a_double_is_noticed(name: str) -> None:
    vehicle, server = books()
    DOUBLES[name](vehicle, server)
    assert judge([vehicle], server).doubled == 1


def test_what_is_still_on_the_vehicle_is_no_loss_and_not_clean() -> None:
    vehicle, server = books()
    server.rows.pop(0)
    vehicle.waiting.add(UUID(int=1))
    verdict = judge([vehicle], server)
    assert (verdict.waiting, verdict.lost, verdict.is_clean) == (1, 0, False)


def test_a_case_that_counts_its_sightings_wrongly_is_a_double() -> None:
    vehicle, server = books()
    assert judge([vehicle], Server(server.rows, server.refused, miscounted_cases=2)).doubled == 2
