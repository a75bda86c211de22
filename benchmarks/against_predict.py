"""The vehicle against ultralytics' predict on the same network and film: processor time of a frame, of the first result, and memory. In turn, each a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from street_film import ROOT, TRAINING

from models.packs import Pack

ROUNDS, FRAMES = 5, 110
HERE = Path(__file__).resolve().parent


def against_predict(film: Path, pack: Pack, folder: Path, rounds: int = ROUNDS) -> dict[str, float]:
    """`predict_ratio` against its defaults, `predict_one_thread_ratio` against one thread; `start_ratio`, `memory_ratio` and `memory_mb`."""
    ran: dict[str, list[dict[str, float]]] = {"trikeye": [], "predict": [], "predict, one thread": []}
    height, width = pack.shape_for(720, 1280)
    for number in range(rounds):
        theirs = str(film / "video.mp4"), str(pack.model), str(height), str(width), str(FRAMES)
        commands: dict[str, list[str]] = {
            "trikeye": [sys.executable, "trikeye", str(film), str(pack.model.parent), str(FRAMES), str(folder / f"against{number}.sqlite3")],
            "predict": [str(TRAINING), "ultralytics", *theirs, "0"], "predict, one thread": [str(TRAINING), "ultralytics", *theirs, "1"],
        }  # fmt: skip
        names = list(commands)
        for name in names[number % 3 :] + names[: number % 3]:
            ran[name].append(_run(commands[name]))
    middle = {name: {key: median(each[key] for each in runs) for key in runs[0]} for name, runs in ran.items()}
    for name, found in middle.items():
        print(f"  {name}: {found['frame_ms']:.1f} ms a frame, first result after {found['first_s']:.2f} s, "
              f"{found['resident_mb']:.0f} MB resident at the end, {found['peak_mb']:.0f} MB for a moment ({rounds} runs of {FRAMES} frames)")  # fmt: skip
    ours, default, alone = middle.values()
    return {
        "predict_ratio": round(ours["frame_ms"] / default["frame_ms"], 3),
        "predict_one_thread_ratio": round(ours["frame_ms"] / alone["frame_ms"], 3),
        "start_ratio": round(ours["first_s"] / default["first_s"], 3),
        "memory_ratio": round(ours["resident_mb"] / default["resident_mb"], 3),
        "memory_mb": round(ours["resident_mb"], 1),
    }


def _run(command: list[str]) -> dict[str, float]:
    python, *rest = command
    env = os.environ | {"PYTHONPATH": str(ROOT), "YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false"}
    env.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled; ours would be compiled at each start
    done = subprocess.run([python, str(HERE / "one_start.py"), *rest], env=env, stdout=subprocess.PIPE, text=True, check=True)  # fmt: skip
    said: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return said
