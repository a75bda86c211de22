"""What a vehicle installs: a wheel of this checkout with the edge extra alone, in an environment of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from needs import need

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "demo" / "ride" / "sample"
NOT_ON_A_VEHICLE = ("django", "torch", "ultralytics", "moderngl", "httpx")
pytestmark = pytest.mark.process


@pytest.fixture(scope="module")
def vehicle_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with `trikeye[edge]` and nothing else."""
    folder = tmp_path_factory.mktemp("vehicle")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    python = folder / "venv" / "bin" / "python"
    install = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-compile",
        "-c",
        ROOT / "requirements.lock",
        f"{ROOT}[edge]",
    ]
    done = subprocess.run(install, capture_output=True, text=True, cwd=folder)
    lines = done.stderr.strip().splitlines()
    need("" if done.returncode else "installed", f"an installation of the edge extra ({lines[-1] if lines else ''})",
         "connect to a package index")  # fmt: skip
    return python


def run(python: Path, folder: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "DJANGO_SETTINGS_MODULE")}
    return subprocess.run([python, *argv], capture_output=True, text=True, cwd=folder, env=clean)


def test_the_edge_extra_alone_replays_a_ride(vehicle_python: Path, tmp_path: Path) -> None:
    asked = f"import importlib.util as u, trikeye; print(trikeye.__file__, *(m for m in {NOT_ON_A_VEHICLE} if u.find_spec(m)))"
    (file, *unwanted) = run(vehicle_python, tmp_path, "-c", asked).stdout.split()
    assert Path(file).is_relative_to(vehicle_python.parents[1])
    assert unwanted == []
    done = run(
        vehicle_python,
        tmp_path,
        "-m",
        "trikeye",
        "edge",
        "replay",
        str(SAMPLE),
        "--json",
        "--data",
        str(tmp_path / "data"),
    )
    assert done.returncode == 0, done.stderr[-2000:]
    last = json.loads(done.stdout.strip().splitlines()[-1])
    assert last["frames"] == last["inferred"] + sum(last["gate_reasons"].values())
    assert last["sightings"] >= 20


def test_the_packs_travel_in_the_wheel(vehicle_python: Path, tmp_path: Path) -> None:
    done = run(vehicle_python, tmp_path, "-m", "trikeye", "models", "verify", "street")
    assert done.returncode == 0, done.stdout + done.stderr


def test_another_rooms_verb_says_what_to_install(vehicle_python: Path, tmp_path: Path) -> None:
    done = run(vehicle_python, tmp_path, "-m", "trikeye", "server", "web")
    assert done.returncode == 1
    assert "pip install" in done.stderr
    assert "Traceback" not in done.stderr
