"""The vehicle's benchmark tells every figure that was promised, and says which are short and which are missing."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
PROMISED = (
    "pipeline_added, video_added, predict_ratio, predict_one_thread_ratio, start_ratio, memory_ratio, memory_mb, frame_age_ms, outbox_ratio, outbox_growth, "
    "first_fresh_s, link_ratio, leak_mb, idf1"
)


@pytest.fixture
def vehicle(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("vehicle")


def test_the_figures_are_those_that_were_promised(vehicle: ModuleType) -> None:
    assert ", ".join(aim.key for aim in vehicle.AIMS) == PROMISED


def test_a_figure_holds_falls_short_or_is_missing(vehicle: ModuleType) -> None:
    aim_table = importlib.import_module("aim_table")
    lines = {line.split()[0]: line for line in aim_table.lines_of(vehicle.AIMS, {"memory_mb": 220.0, "leak_mb": 5.1, "idf1": 0.85, "outbox_ratio": 3.9})}  # fmt: skip
    assert "≤ 220" in lines["memory_mb"]
    words = {name: line.split()[4] for name, line in lines.items()}
    assert (words["memory_mb"], words["idf1"], words["leak_mb"], words["outbox_ratio"]) == ("holds", "holds", "SHORT", "SHORT")  # fmt: skip
    assert "not measured" in lines["video_added"]


def test_what_another_benchmark_says_last_counts_whatever_its_own_aims(
    vehicle: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(vehicle, "HERE", tmp_path)
    (tmp_path / "other.py").write_text("print('told'); print('{\"idf1\": 0.5}'); raise SystemExit(1)")
    assert vehicle._script("other.py", "idf1") == {"idf1": 0.5}
    assert "told" in capsys.readouterr().out
    (tmp_path / "other.py").write_text("raise SystemExit(1)")
    with pytest.raises(vehicle.NotReady, match=r"other\.py ended with 1"):
        vehicle._script("other.py", "idf1")


def test_a_session_with_a_stopwatch_is_one_that_the_detector_takes(vehicle: ModuleType) -> None:
    from models.packs import load_pack
    from models.runtime import Detector

    timer = sys.modules["run_timer"]
    with timer.timed_sessions() as sessions:
        Detector(load_pack("street"))
    assert len(sessions) == 1
    assert sessions[0].taken_ms == 0.0


def test_growth_is_a_trend_and_no_single_reading(vehicle: ModuleType) -> None:
    """What leaks is seen through swings three times as large; what only swings is none."""
    growth, chance = importlib.import_module("leak").growth, np.random.default_rng(1)
    swings = 270 + chance.uniform(-15, 15, 3000)
    swings[0] -= 30
    assert abs(growth(swings.tolist())) < 2
    assert growth((swings + np.linspace(0, 6, 3000)).tolist()) == pytest.approx(6, abs=2)
