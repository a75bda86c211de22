"""The reviewers' benchmark tells every figure that was promised, over rows as the product makes them, and knows every page."""

from __future__ import annotations

import importlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
from django.urls import get_resolver

ROOT = Path(__file__).parents[2]
BENCHMARKS = ROOT / "benchmarks"
PROMISED = (
    "next_card_p50_ms, next_card_p95_ms, decisions_per_minute, lease_p95_ms, double_leases, join_p95_ms, intake_ratio, list_p95_ms, axe_serious, "
    "first_load_kb"
)


@pytest.fixture
def review(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("review")


def test_the_figures_are_those_that_were_promised_and_each_is_of_one_part(review: ModuleType) -> None:
    assert ", ".join(aim.key for aim in review.AIMS) == PROMISED
    assert sorted(key for part in review.PARTS.values() for key in part.keys) == sorted(PROMISED.split(", "))


def test_a_figure_holds_falls_short_or_is_missing(review: ModuleType) -> None:
    aim_table = importlib.import_module("aim_table")
    lines = {line.split()[0]: line for line in aim_table.lines_of(review.AIMS, {"list_p95_ms": 200.0, "intake_ratio": 0.49, "double_leases": 0.0})}  # fmt: skip
    words = {name: line.split()[4] for name, line in lines.items()}
    assert (words["list_p95_ms"], words["intake_ratio"], words["double_leases"]) == ("holds", "SHORT", "holds")
    assert "not measured" in lines["axe_serious"]


def test_a_part_that_ends_badly_is_not_measured(
    review: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(review, "HERE", tmp_path)
    (tmp_path / "part.py").write_text("print('told'); print('{\"list_p95_ms\": 7}')")
    assert review.measured(review.Part("part.py", ("list_p95_ms",), 0), tmp_path, 1) == {"list_p95_ms": 7.0}
    assert "told" in capsys.readouterr().out
    (tmp_path / "part.py").write_text("raise SystemExit(3)")
    with pytest.raises(review.NotMeasured, match=r"part\.py ended with 3"):
        review.run("part.py", tmp_path)


def test_every_address_is_a_page_that_axe_looks_at_or_none(review: ModuleType) -> None:
    axe = importlib.import_module("review_axe")
    assert set(axe.names(get_resolver().url_patterns)) == axe.PAGES.keys() | axe.NO_PAGE


@pytest.mark.process
def test_what_is_filled_by_sql_is_as_the_product_keeps_it(tmp_path: Path) -> None:
    """Counts agree, no row hangs in the air, and every index is there again."""
    filled, fresh = tmp_path / "filled", tmp_path / "fresh"
    for data, argv in (
        (filled, [str(BENCHMARKS / "review_fill.py"), "--cases", "400"]),
        (fresh, ["-m", "trikeye", "server", "migrate", "--quiet"]),
    ):
        env = os.environ | {"TRIKEYE_DATA": str(data), "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, *argv], env=env, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    with sqlite3.connect(filled / "db.sqlite3") as db, sqlite3.connect(fresh / "db.sqlite3") as other:
        indexes = "SELECT name, sql FROM sqlite_master WHERE type = 'index' ORDER BY name"
        assert db.execute(indexes).fetchall() == other.execute(indexes).fetchall()
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
        counts = "SELECT COUNT(*), SUM(c.sightings_count = (SELECT COUNT(*) FROM cases_sighting s WHERE s.case_id = c.id)) FROM cases_case c"
        assert db.execute(counts).fetchone() == (440, 440)
        assert db.execute("SELECT last_case_number FROM fleet_city").fetchone() == (440,)
