"""The vehicle places things by the mount that driving tells, remembers it, and says so when the bracket has moved."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from calibration.camera import camera_of_field_of_view
from calibration.mount import Mount
from calibration.travel import Travel
from edge.bracket import Bracket, BracketPart
from edge.gate import Gate
from edge.health import Machine, compose
from edge.locate import Locator
from edge.part import WatchPart, read_part, write_part
from edge.pipeline import Counts, Vehicle
from edge.settings import Gate as GateSettings
from edge.settings import Settings
from edge.values import Fix, Frame
from edge.zones import Zones
from models.contract import OutboxHealth, SeenAt
from models.troubles import trouble_of

CAMERA = camera_of_field_of_view(64, 48, 75.0)
GUESS = Mount(1.4, 5.0, pitch_sigma_deg=1.5)
APART_S = 0.1
IMAGE = np.zeros((48, 64, 3), np.uint8)


class Road:
    """Frames of a vehicle that drives straight at 4 m/s and turns the corner each half minute; its pictures travel as the true mount lets them."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mount, self.number, self.rng = Mount(1.4, 7.0, 0.0, 1.0), 0, np.random.default_rng(1)
        monkeypatch.setattr("calibration.drift.seen_travel", lambda *_: self.travel())

    def travel(self) -> Travel:
        pitch, yaw = self.rng.normal((self.mount.pitch_deg, self.mount.yaw_deg), 0.5)
        ahead = replace(self.mount, pitch_deg=pitch, yaw_deg=yaw).road_from_camera()[0]
        return Travel(ahead, np.zeros(3), 0.005, np.ones(100, bool))

    def drive(self, bracket: Bracket, minutes: float) -> list[Mount]:
        """The mounts that driving changed it to."""
        mounts = []
        for _ in range(int(minutes * 60 / APART_S)):
            self.number += 1
            t_s = self.number * APART_S
            fix = Fix(None, 37.8, 112.5, 2.0, 90.0 * (int(t_s / 30) % 4), 4.0, "gnss")
            now = datetime(2026, 5, 1, tzinfo=UTC)
            if bracket.see(Frame(self.number, "front", IMAGE, now, "gnss", 0.1, int(t_s * 1e9), fix)):
                mounts.append(bracket.mount)
        return mounts


@pytest.fixture
def road(monkeypatch: pytest.MonkeyPatch) -> Road:
    return Road(monkeypatch)


def test_a_guessed_mount_is_replaced_by_what_driving_tells(road: Road) -> None:
    bracket = Bracket(CAMERA, GUESS, "a" * 64, None)
    assert bracket.mount == GUESS
    told = road.drive(bracket, 9.0)
    assert told[-1] == bracket.mount
    assert (bracket.mount.pitch_deg, bracket.mount.yaw_deg) == pytest.approx((7.0, 1.0), abs=0.15)
    assert bracket.mount.pitch_sigma_deg == pytest.approx(0.3)
    assert bracket.mount.height_m == GUESS.height_m


def test_a_restart_goes_on_with_the_same_mount_and_another_calibration_begins_anew(road: Road, tmp_path: Path) -> None:
    before = Bracket(CAMERA, GUESS, "a" * 64, tmp_path)
    road.drive(before, 9.0)
    assert Bracket(CAMERA, GUESS, "a" * 64, tmp_path).mount == before.mount
    assert Bracket(CAMERA, GUESS, "b" * 64, tmp_path).mount == GUESS
    assert Bracket(CAMERA, GUESS, "a" * 64, None).mount == GUESS, "a replay remembers nothing"
    (tmp_path / "bracket.json").write_text('{"blocks": [[1, 2')
    assert Bracket(CAMERA, GUESS, "a" * 64, tmp_path).mount == GUESS, "a damaged file is none"


def test_a_card_that_takes_nothing_stops_no_watch(road: Road, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    bracket = Bracket(CAMERA, GUESS, "a" * 64, tmp_path / "data")
    assert road.drive(bracket, 9.0)


def test_a_bracket_that_moved_is_told_counted_and_remembered_until_it_is_put_back(road: Road, tmp_path: Path) -> None:
    bracket = Bracket(CAMERA, GUESS, "a" * 64, tmp_path)
    road.drive(bracket, 9.0)
    assert bracket.moved == ""
    straight, road.mount = road.mount, replace(road.mount, pitch_deg=road.mount.pitch_deg + 2.0)
    quarters = 0
    while not bracket.moved and quarters < 20:
        road.drive(bracket, 0.25)
        quarters += 1
    assert bracket.moved == "looks_lower"
    assert 4 <= quarters <= 12, "it has to last for a minute, and is told soon after"
    assert bracket.mount.pitch_deg == pytest.approx(9.0, abs=0.5), (
        "from then on things are placed by where it looks now"
    )
    road.drive(bracket, 5.0)
    assert bracket.mount.pitch_deg == pytest.approx(9.0, abs=0.2)
    again = Bracket(CAMERA, GUESS, "a" * 64, tmp_path)
    assert (again.moved, again.mount) == ("looks_lower", bracket.mount)
    road.mount = straight
    road.drive(again, 5.0)
    assert again.moved == ""
    assert (bracket.faults["not_straight"], again.faults["not_straight"]) == (1, 0)


def test_without_positions_or_way_nothing_is_told(road: Road) -> None:
    bracket = Bracket(CAMERA, GUESS, "a" * 64, None)
    now = datetime(2026, 5, 1, tzinfo=UTC)
    for number, fix in enumerate((None, Fix(None, 37.8, 112.5, 2.0, None, None, "gnss"), Fix(None, 37.8, 112.5, 2.0, 0.0, 1.0, "gnss"))):  # fmt: skip
        assert not bracket.see(Frame(number, "front", IMAGE, now, "gnss", 0.1, number * 10**8, fix))
    assert bracket.mount == GUESS


def test_the_heartbeat_says_where_the_camera_looks_now_and_what_to_do(tmp_path: Path) -> None:
    write_part(tmp_path, WatchPart(troubles=("not_straight",), calibration_alarm="looks_lower", faults={"not_straight": 1}))  # fmt: skip
    watch = read_part(tmp_path, WatchPart)
    box = OutboxHealth.model_validate({"id": "00000000-0000-4000-8000-000000000001", "committed": 0, "waiting": 0, "aside": 0, "evicted_count": 0})  # fmt: skip
    at = SeenAt.model_validate({"utc": datetime(2026, 5, 1, tzinfo=UTC), "source": "gnss", "sigma_s": 0.1})
    here = Machine(at, box.id, 5.0, {}, None, 10**10, 10**11)
    live = compose(Settings(), watch, 1.0, box, here, {})
    assert (live.calibration_alarm, "not_straight" in live.troubles, live.faults["not_straight"]) == ("looks_lower", True, 1)  # fmt: skip
    silent = compose(Settings(), watch, 1e4, box, here, {})
    assert silent.calibration_alarm is None
    remedy = trouble_of("not_straight").remedy("en")
    assert "bracket has moved" in remedy
    assert "trikeye calibrate mount" in remedy
    assert "trikeye calibrate mount" in trouble_of("not_straight").remedy("zh-hans")


def test_what_remembers_the_mount_says_nothing_of_where_the_vehicle_was() -> None:
    assert set(BracketPart.model_fields) == {"boot", "monotonic_s", "pid", "calibration", "home", "blocks", "moved"}


@pytest.mark.parametrize(("kind", "sees"), [("depot", 0), ("service_area", 5)])
def test_in_a_depot_not_even_the_way_is_followed(kind: str, sees: int, frame_at: Callable[..., Frame]) -> None:
    gate, followed = Gate(GateSettings(), everywhere(kind)), []
    vehicle = SimpleNamespace(
        gate=gate, locator=Locator(CAMERA, GUESS), counts=Counts(),
        bracket=SimpleNamespace(see=lambda frame: followed.append(frame.number)),
    )  # fmt: skip
    gate.opens = lambda _: False  # type: ignore[method-assign]
    for number in range(5):
        image = np.zeros((CAMERA.size_px[1], CAMERA.size_px[0], 3), np.uint8)
        Vehicle.see(vehicle, frame_at(number, number * 2.0, image=image))  # type: ignore[arg-type]
    assert len(followed) == sees


def everywhere(kind: str) -> Zones:
    shape = {"type": "Polygon", "coordinates": [[[112, 37], [113, 37], [113, 38], [112, 38]]]}
    feature = {"type": "Feature", "geometry": shape, "properties": {"kind": kind}}
    return Zones.of(json.dumps({"type": "FeatureCollection", "features": [feature]}).encode(), "zones")
