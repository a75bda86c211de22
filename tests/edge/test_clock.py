"""A wrong clock neither ends the vehicle's work nor lies."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from calibration.mount import Mount
from edge import clock
from edge.clock import is_synchronised, seen_at, stamp
from edge.decide import Decider, Finding
from edge.identity import Ids
from edge.outbox import Outbox, Told
from edge.pipeline import Vehicle
from edge.settings import Decide, Settings
from edge.values import Detection, Track, TrackView
from models.contract import Sighting
from models.packs import load_pack
from models.redaction import Redactor
from models.runtime import Detector

NOW = datetime(2026, 5, 1, 2, 0, tzinfo=UTC)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
FAR = datetime(2201, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(("now", "gnss", "synchronised", "stamped"), [
    (EPOCH, NOW, False, (NOW, "gnss", 0.5)),
    (NOW, datetime(2006, 9, 15, tzinfo=UTC), True, (NOW, "ntp", 1.0)),  # a receiver that counts its weeks from too early
    (NOW, None, False, (NOW, "system", 86400.0)),
    (EPOCH, None, True, (EPOCH, "none", 86400.0)),
    (FAR, None, False, (FAR, "none", 86400.0)),
])  # fmt: skip
def test_the_satellites_clock_goes_before_the_vehicles_own(
    now: datetime, gnss: datetime | None, synchronised: bool, stamped: tuple[datetime, str, float]
) -> None:
    assert stamp(now, gnss, synchronised) == stamped


@pytest.mark.parametrize("utc", [EPOCH, FAR, datetime.max.replace(tzinfo=UTC), datetime.min.replace(tzinfo=UTC)])
def test_an_instant_that_cannot_travel_is_brought_within_reach_and_trusted_by_nobody(utc: datetime) -> None:
    seen = seen_at(utc, "file", 1.0)
    assert (seen.source, seen.sigma_s) == ("none", 86400.0)
    assert seen_at(NOW, "file", 1.0).source == "file"


def test_whether_the_clock_follows_a_server_is_asked_of_the_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert is_synchronised() in (True, False)
    monkeypatch.setattr(clock, "SYNCHRONISED", tmp_path)
    assert is_synchronised()


@pytest.fixture
def track(frame_at: Callable[..., Any]) -> Track:
    """A crack seen twice."""
    seen = Detection((400.0, 300.0, 480.0, 330.0), "pothole", "road_damage", 0.8, 0.7)
    return Track(0, UUID(int=1), tuple(TrackView(frame_at(number, number * 1.5), seen) for number in range(2)))


def decided(track: Track, camera: Any, mount: Mount, told: list[Told]) -> list[Finding]:
    """What a vehicle makes of a track that was told so much before."""
    from edge.locate import Locator

    decider = Decider(Decide(), Locator(camera, mount), Ids("TY-01", "front", None))
    decider.remember(told)
    return decider.decide([track])


def test_what_a_clock_that_ran_ahead_told_blocks_nothing(track: Track, camera: Any, mount: Mount) -> None:
    (found,) = decided(track, camera, mount, [])
    last = track.views[-1].frame.utc
    for ahead, findings in ((timedelta(days=900), 1), (timedelta(seconds=30), 0), (-timedelta(hours=1), 0)):
        told = Told("road_damage", found.place.lat_deg, found.place.lon_deg, last + ahead)
        assert len(decided(track, camera, mount, [told])) == findings


@pytest.mark.parametrize("utc", [EPOCH, FAR])
def test_a_find_by_a_wrong_clock_is_kept_all_the_same(
    track: Track, camera: Any, mount: Mount, outbox: Outbox, utc: datetime
) -> None:
    detector = Detector(load_pack("street"))
    told: list[Sighting] = []
    vehicle = Vehicle(Settings(), detector, Redactor(load_pack("redaction")), outbox, Ids("TY-01", "front", None), camera, mount, "0" * 64,
                      UUID(int=2), told.append)  # fmt: skip
    views = tuple(replace(v, frame=replace(v.frame, utc=utc, clock_source="system")) for v in track.views)
    (finding,) = vehicle.decider.decide([replace(track, views=views)])
    vehicle.keep(finding)
    assert [each.seen_at.source for each in told] == ["none"]
