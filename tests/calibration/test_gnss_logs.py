"""Recorded logs of real receivers, read as the vehicle reads them, and the benchmark that compares them with gpsd's word."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import pytest

from calibration.receiver import read_log

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("place_gnss")


def test_without_the_data_of_others_nothing_is_called_good(bench: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "DRIVES", 2)
    rows = bench.figures(None)
    assert [row.holds is None for row in rows] == [True, True, True, False, False, True]


@pytest.mark.shared
def test_every_figure_of_the_logs_holds(bench: ModuleType, shared: Path) -> None:
    rows = bench._of_logs(shared)
    assert [row.holds for row in rows] == [True, True, True], rows


@pytest.mark.shared
def test_the_offset_of_a_recorded_drive_whose_clocks_are_one_is_small(bench: ModuleType, shared: Path) -> None:
    row = bench._recorded_offset(shared)
    assert row.holds, row


@pytest.mark.shared
@pytest.mark.parametrize(
    ("name", "positions"),
    [("ublox-8", 72), ("ublox-zed-f9p-hp", 29), ("ublox-neo-m8n", 24), ("telit-he910", 187), ("haicom-305N", 68), ("beidou-bd", 5), ("ublox-lea-5q", 0),
     ("ublox-8-time", 0), ("greis-test", 0), ("pyubx2-pygpsdata-MIXED", 39), ("tcp-torture", 1), ("april6_2019", 2)],
)  # fmt: skip
def test_a_log_gives_as_many_positions_as_it_has_instants_with_a_fix(shared: Path, name: str, positions: int) -> None:
    assert len(read_log((shared / "data" / "gnss" / f"{name}.log").read_bytes())) == positions


@pytest.mark.shared
def test_who_stands_still_has_no_heading_and_no_speed(shared: Path) -> None:
    told = read_log((shared / "data" / "gnss" / "telit-he910.log").read_bytes())
    assert sum(each.heading_deg is not None for each in told) < 0.05 * len(told)
    assert all(each.speed_mps is not None and each.speed_mps < 0.7 for each in told)
