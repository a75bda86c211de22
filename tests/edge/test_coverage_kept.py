"""The loop and coverage: what a vehicle looked at is in its outbox's file; what the gate kept it from looking at is not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any
from uuid import UUID

import numpy as np
import pytest

from edge.identity import Ids
from edge.outbox import Outbox
from edge.outbox_coverage import CoverageBox
from edge.pipeline import Vehicle
from edge.settings import Settings
from edge.values import Frame
from models.contract import Coverage, decode
from models.packs import load_pack
from models.redaction import Redactor
from models.runtime import Detector

FrameAt = Callable[..., Frame]


@pytest.fixture(scope="module")
def networks() -> tuple[Detector, Redactor]:
    return Detector(load_pack("street")), Redactor(load_pack("redaction"))


@pytest.fixture
def vehicle(networks: tuple[Detector, Redactor], outbox: Outbox, camera: Any, mount: Any) -> Vehicle:
    """A vehicle that replays."""
    settings = Settings.model_validate({"origin": "replay", "vehicle": {"name": "TY-01"}})
    return Vehicle(settings, *networks, outbox, Ids("TY-01", "front", "a ride"), camera, mount, "0" * 64, UUID(int=2), lambda _: None)  # fmt: skip


def kept(vehicle: Vehicle) -> list[Coverage]:
    """What waits."""
    box, away, found = CoverageBox(vehicle.outbox), set[UUID](), []
    while (up := box.next_up(away)) is not None:
        away.add(up.id)
        found.append(decode(Coverage, up.body))
    return found


def test_a_ride_leaves_its_cells_in_the_outbox_and_driven_again_the_same(vehicle: Vehicle, frame_at: FrameAt) -> None:
    vehicle.drive(frame_at(n, 2.0 * n) for n in range(15))
    (message,) = kept(vehicle)
    assert (message.vehicle, message.origin, message.clock_source) == ("TY-01", "replay", "file")
    assert len(message.looks) >= 3
    vehicle.__post_init__()
    vehicle.drive(frame_at(n, 2.0 * n) for n in range(15))
    assert kept(vehicle) == [message]


def test_what_the_gate_refuses_was_not_looked_at(vehicle: Vehicle, frame_at: FrameAt) -> None:
    night = np.zeros((540, 960, 3), np.uint8)
    vehicle.drive(frame_at(n, 2.0 * n, image=night) for n in range(15))
    assert vehicle.counts.inferred == 0
    assert kept(vehicle) == []


def test_looks_that_tell_no_direction_are_counted(vehicle: Vehicle, frame_at: FrameAt) -> None:
    vehicle.drive(frame_at(n, 2.0 * n, heading_deg=None) for n in range(5))
    assert vehicle.not_covered == {"coverage_no_heading": 5}
    assert kept(vehicle) == []


def test_a_disk_that_takes_nothing_costs_coverage_and_is_counted(vehicle: Vehicle, frame_at: FrameAt) -> None:
    db = vehicle.outbox._db
    assert db is not None
    db.execute("PRAGMA query_only=ON")
    vehicle.drive(frame_at(n, 2.0 * n) for n in range(15))
    db.execute("PRAGMA query_only=OFF")
    assert vehicle.not_covered == {"coverage_not_kept": 1}
    assert kept(vehicle) == []


def test_a_mount_that_driving_tells_is_used_for_places_and_for_coverage(vehicle: Vehicle, frame_at: FrameAt, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    told = replace(vehicle.mount, pitch_deg=vehicle.mount.pitch_deg + 8.0)

    def tell(frame: Frame) -> bool:
        vehicle.bracket.mount = told
        return frame.number == 8

    monkeypatch.setattr(vehicle.bracket, "see", tell)
    for number in range(16):
        vehicle.see(frame_at(number, 2.0 * number))
        assert (vehicle.locator.mount == told, vehicle.coverer.mount == told) == (number >= 8, number >= 8)
        assert vehicle.tracker.locator.mount is vehicle.locator.mount
    assert {where[2] for where in vehicle.coverer._footprints} == {told}, "what is seen of the road is worked out anew"
