"""A row holds, is short, or says that it could not be measured; none of the three looks like another."""

from __future__ import annotations

import importlib.util
import json
import sys
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from models.packs import load_pack
from models.published import CROSS_VALIDATED


@pytest.fixture
def aims() -> ModuleType:
    path = Path(__file__).resolve().parents[2] / "benchmarks" / "aims.py"
    spec = importlib.util.spec_from_file_location("aims", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["aims"] = module
    spec.loader.exec_module(module)
    return module


def row(precision: float, recall: float, error: float | None, standing: str = "live") -> dict[str, Any]:
    return {"precision": precision, "recall": recall, "calibration_error": error, "standing": standing, "ap50": 0.5}


def test_rows_hold_or_are_short_by_the_published_figures(aims: ModuleType, tmp_path: Path) -> None:
    categories = {
        "road_damage": row(0.80, 0.40, 0.05),
        "small_ads": row(0.79, 0.60, 0.051),
        "waste_pile": row(0.90, 0.39, None),
        "exposed_garbage": row(0.1, 0.1, None, "shadow"),
    }
    (tmp_path / CROSS_VALIDATED).write_text(json.dumps({"categories": categories}))
    pack = replace(load_pack("street"), model=tmp_path / "model.onnx")
    assert [each.holds for each in aims.recall(pack)] == [True, False, False]
    assert [each.holds for each in aims.calibration(pack)] == [True, False]
    (live,) = aims.live(pack)
    assert (live.figure, live.holds) == ("3: road_damage, small_ads, waste_pile", False)


def test_what_was_not_cross_validated_is_not_measured_and_holds_nothing(aims: ModuleType, tmp_path: Path) -> None:
    pack = replace(load_pack("street"), model=tmp_path / "model.onnx")
    for rows in (aims.live(pack), aims.recall(pack), aims.calibration(pack)):
        assert [each.holds for each in rows] == [None]
        assert "not measured" in rows[0].figure
