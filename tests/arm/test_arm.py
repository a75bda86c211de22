"""What the checks for 64-bit Arm say, without the emulator: which versions, what differs, and that nothing was run."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType
from uuid import UUID

import pytest


@pytest.fixture
def wheels(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(Path(__file__).parent))
    return importlib.import_module("wheels")


@pytest.fixture
def replay(wheels: ModuleType) -> ModuleType:
    return importlib.import_module("replay")


def test_each_python_gets_the_versions_that_the_lock_holds_for_it(wheels: ModuleType) -> None:
    locks = {python: {line.split("==")[0]: line for line in wheels.locked(python)} for python in ("3.11", "3.13")}
    for lock in locks.values():
        assert {"numpy", "onnxruntime", "opencv-python"} <= set(lock)
        assert all("==" in line and ";" not in line for line in lock.values())
        assert "colorama" not in lock, "that is for Windows"
    assert locks["3.11"]["numpy"] != locks["3.13"]["numpy"], "the newest for 3.13 has no wheel for 3.11"


def test_what_the_vehicle_needs_is_asked_for(wheels: ModuleType) -> None:
    names = " ".join(wheels.wanted())
    assert all(name in names for name in ("numpy", "onnxruntime", "cryptography"))


@pytest.mark.parametrize(
    ("box", "probability", "category", "says"),
    [
        ((0.0, 0.0, 100.0, 100.0), 0.909, "a", []),
        ((0.0, 0.0, 100.0, 100.0), 0.92, "a", ["probability by 0.0200"]),
        ((5.0, 0.0, 105.0, 100.0), 0.9, "a", ["IoU 0.9048"]),
        ((0.0, 0.0, 100.0, 100.0), 0.9, "b", ["differs"]),
    ],
)
def test_what_differs_is_told(replay: ModuleType, box: object, probability: float, category: str, says: list[str]) -> None:  # fmt: skip
    here = {UUID(int=1): replay.Told("a", (0.0, 0.0, 100.0, 100.0), 0.9)}
    found = replay.differences(here, {UUID(int=1): replay.Told(category, box, probability)})
    assert len(found) == len(says)
    assert all(word in line for word, line in zip(says, found, strict=True))


def test_what_only_one_of_them_tells_is_told(replay: ModuleType) -> None:
    one = {UUID(int=1): replay.Told("a", (0.0, 0.0, 1.0, 1.0), 0.9)}
    assert "here alone" in replay.differences(one, {})[0]
    assert "on Arm alone" in replay.differences({}, one)[0]


def test_without_an_emulator_it_says_loudly_that_nothing_was_run(
    replay: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert replay.main([]) == 2
    said = capsys.readouterr().err
    assert "NOT RUN" in said
    assert "apt-get install qemu-user-static mmdebstrap" in said
