"""Looks move apart with heat, an empty battery and a slow machine, and come together again without going to and fro."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from calibration.camera import Camera
from calibration.mount import Mount
from edge.gate import Gate
from edge.health import battery_share
from edge.identity import Ids
from edge.outbox import Outbox
from edge.pipeline import Vehicle
from edge.rate import MOST, Stretch, cost_s, least_apart_s, stretched
from edge.settings import Gate as GateSettings
from edge.settings import Settings
from models.packs import load_pack
from models.redaction import Redactor
from models.runtime import Detector

SETTINGS = GateSettings()  # warm from 70 °C, low from 30 %


def after(*hottest_c: float | None, battery: float | None = None) -> Stretch:
    found = Stretch()
    for each in hottest_c:
        found = stretched(found, each, battery, SETTINGS)
    return found


@pytest.mark.parametrize(("way_c", "factor"), [
    ((20.0,), 1.0), ((70.0,), 1.0), ((75.0,), 2.0), ((80.0,), MOST), ((105.0,), MOST), ((None,), 1.0),
    ((75.0, 73.0), 2.0), ((75.0, 72.0), 2.0), ((75.0, 71.0), 1.8), ((75.0, 60.0), 1.0), ((80.0, 79.0, 80.0, 79.0), MOST),
    ((75.0, None), 1.0),
])  # fmt: skip
def test_heat_stretches_at_once_and_lets_go_three_degrees_later(way_c: tuple[float | None, ...], factor: float) -> None:
    assert after(*way_c).factor == pytest.approx(factor)


def test_a_temperature_that_trembles_by_a_degree_changes_nothing() -> None:
    found, seen = after(76.0), set()
    for number in range(100):
        found = stretched(found, 75.0 + number % 2, None, SETTINGS)
        seen.add(found.factor)
    assert len(seen) == 1


def test_the_battery_stretches_too_and_the_worse_of_both_counts_and_is_named() -> None:
    assert after(20.0, battery=0.31) == Stretch(1.0, 1.0)
    assert after(20.0, battery=0.2).factor == pytest.approx(2.0)
    assert after(20.0, battery=0.0).factor == MOST
    assert (after(20.0, battery=0.2).reason, after(80.0, battery=0.2).reason, after(20.0).reason) == ("battery", "heat", "")  # fmt: skip
    charged = stretched(after(20.0, battery=0.2), 20.0, 0.23, SETTINGS)
    assert charged.factor == pytest.approx(2.0), "a little more is not enough"
    assert stretched(charged, 20.0, 0.5, SETTINGS).factor == 1.0
    never = SETTINGS.model_copy(update={"battery_low": 0.0})
    assert stretched(Stretch(), 20.0, 0.01, never).factor == 1.0


def test_a_stretched_gate_looks_so_much_less_often(frame_at: Callable[..., Any]) -> None:
    looks = {}
    for factor in (1.0, 2.0, 3.0):
        gate = Gate(SETTINGS)
        gate.stretch = factor
        looks[factor] = sum(gate.opens(frame_at(n, n * 0.51)) for n in range(37))
    assert looks == {1.0: 13, 2.0: 7, 3.0: 5}


def test_a_slow_machine_looks_no_oftener_than_its_share_allows(frame_at: Callable[..., Any]) -> None:
    gate = Gate(SETTINGS)
    gate.least_apart_s = least_apart_s(0.9, SETTINGS.model_copy(update={"busy_share": 0.5}))
    assert gate.least_apart_s == pytest.approx(1.8)
    frames = [replace(frame_at(n % 3, n * 2.0), number=n, monotonic_ns=round(n * 0.5e9)) for n in range(13)]
    assert [each.number for each in frames if gate.opens(each)] == [0, 4, 8, 12]
    assert gate.reasons == {"over_budget": 9}


def test_one_slow_look_is_no_slow_machine() -> None:
    cost = cost_s(0.0, 0.1)
    assert cost == 0.1
    assert cost_s(cost, 2.1) == pytest.approx(0.3)
    for _ in range(60):
        cost = cost_s(cost, 2.1)
    assert cost == pytest.approx(2.1, rel=0.01)


def test_the_emptiest_battery_that_feeds_the_machine_counts_and_odd_ones_are_passed_over(tmp_path: Path) -> None:
    def supply(name: str, kind: str, status: str, capacity: str, scope: str = "") -> None:
        (tmp_path / name).mkdir()
        for file, text in (("type", kind), ("status", status), ("capacity", capacity), ("scope", scope)):
            if text:
                (tmp_path / name / file).write_text(text + "\n")

    assert battery_share(tmp_path) is None
    supply("AC", "Mains", "Discharging", "3")
    supply("hid-mouse", "Battery", "Discharging", "4", "Device")
    supply("charging", "Battery", "Charging", "5")
    supply("odd", "Battery", "Discharging", "n/a")
    supply("odder", "Battery", "Discharging", "700")
    assert battery_share(tmp_path) is None
    supply("BAT0", "Battery", "Discharging", "62")
    supply("BAT1", "Battery", "Not charging", "41", "System")
    assert battery_share(tmp_path) == 0.41


@pytest.mark.parametrize(("took_s", "looks"), [(0.1, 13), (1.2, 4)])
def test_a_live_vehicle_whose_looks_take_longer_looks_less_often_and_a_replay_never_does(
    frame_at: Callable[..., Any], camera: Camera, mount: Mount, outbox: Outbox, took_s: float, looks: int
) -> None:
    """Frames half a second and two metres apart, by a clock on which every look takes `took_s`."""
    detector, redactor = Detector(load_pack("street")), Redactor(load_pack("redaction"))

    def drive(clock_s: Callable[[], float] | None) -> int:
        vehicle = Vehicle(Settings(), detector, redactor, outbox, Ids("TY-01", "front", None), camera, mount, "0" * 64, UUID(int=2),
                          lambda _: None, clock_s=clock_s)  # fmt: skip
        vehicle.drive(frame_at(n, n * 2.0, t_s=n / 2) for n in range(13))
        return vehicle.counts.inferred

    ticks = count()
    assert drive(lambda: next(ticks) * took_s) == looks
    assert drive(None) == 13
