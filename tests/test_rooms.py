"""The rooms keep their distance: what a fresh interpreter loads, and where every room lies."""

from __future__ import annotations

import importlib
import os
import re
import resource
import subprocess
import sys
from pathlib import Path

import pytest

import trikeye

ROOT = Path(__file__).resolve().parents[1]
FORBIDDEN = {
    "models.contract": ("django", "cv2", "onnxruntime", "torch", "ultralytics", "paho"),
    "models.runtime": ("django", "torch", "ultralytics", "paho"),
    "calibration.ground": ("django", "cv2", "onnxruntime", "torch", "paho"),
    "edge.command_watch": ("django", "torch", "ultralytics", "paho", "server", "cryptography", "ssl", "urllib.request"),
    "edge.pipeline": ("django", "torch", "ultralytics", "paho", "server"),
    "edge.uplink": ("django", "torch", "cv2", "onnxruntime", "server"),
    "trikeye": ("numpy", "django", "cv2", "pydantic"),
}


@pytest.mark.parametrize("module", FORBIDDEN)
def test_a_room_loads_nothing_it_must_not(module: str) -> None:
    code = f"import sys, {module}; print(*(m for m in {FORBIDDEN[module]!r} if m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True)
    assert done.stdout.strip() == ""


@pytest.mark.parametrize("room", ["models", "calibration", "edge", "server", "demo"])
def test_every_room_lies_in_the_project(room: str) -> None:
    file = importlib.import_module(room).__file__
    assert file is not None
    assert Path(file).resolve().is_relative_to(ROOT)


def test_every_verb_has_its_module() -> None:
    for verb in trikeye.VERBS:
        assert (ROOT / (verb.module.replace(".", "/") + ".py")).is_file(), verb.module


def test_help_answers_at_once() -> None:
    """In processor time: a busy machine is not slow help."""

    def spent_s() -> float:
        usage = resource.getrusage(resource.RUSAGE_CHILDREN)
        return usage.ru_utime + usage.ru_stime

    before = spent_s()
    subprocess.run([sys.executable, "-m", "trikeye", "--help"], capture_output=True, cwd=ROOT, check=True)
    assert spent_s() - before < 0.3


def test_every_verb_explains_itself_with_an_example_that_its_own_parser_takes() -> None:
    for verb in trikeye.VERBS:
        argv = verb.example.split()[1:]
        assert argv[:2] == [verb.room, verb.name]
        parsed = trikeye.parser_for(argv).parse_args(argv)
        assert parsed.module == verb.module


def test_every_variable_of_the_server_is_explained() -> None:
    text = (ROOT / "docs" / "server.md").read_text(encoding="utf-8")
    used = set(re.findall(r"TRIKEYE_[A-Z_]*[A-Z]", (ROOT / "server" / "settings.py").read_text()))
    assert used - {"TRIKEYE_BROKER_"} <= set(re.findall(r"TRIKEYE_[A-Z_]*[A-Z]", text))


def test_who_stops_reading_is_no_failure_that_needs_words() -> None:
    """As `| head` does."""
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run([sys.executable, "-m", "trikeye", "models", "list"], stdout=writer, stderr=subprocess.PIPE, text=True)  # fmt: skip
    os.close(writer)
    assert (done.returncode, done.stderr) == (141, "")
