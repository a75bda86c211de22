"""One process that starts, looks at a film and says what it cost: the vehicle, or ultralytics' predict. `against_predict.py` runs both.

`python benchmarks/one_start.py trikeye RIDE PACK FRAMES OUTBOX` or `python benchmarks/one_start.py ultralytics VIDEO MODEL HEIGHT WIDTH FRAMES THREADS` (0: its default).
Ends with one line of JSON: `first_s` processor seconds to the first result, `frame_ms` of a frame after the tenth, `resident_mb` and `peak_mb` at the end.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterable
from itertools import islice
from pathlib import Path
from typing import Any

SETTLED = 10
"""Frames before the cost of one is counted: buffers grow, a film's decoder fills."""


def cost(results: Iterable[object], frames: int) -> dict[str, float]:
    """Of the processor's time, all threads and the start of the process included."""
    first_s = settled_s = 0.0
    for number, _ in enumerate(islice(results, frames)):
        if number == 0:
            first_s = time.process_time()
        if number == SETTLED - 1:
            settled_s = time.process_time()
    return {"first_s": first_s, "frame_ms": 1e3 * (time.process_time() - settled_s) / (frames - SETTLED)}


def memory_mb() -> dict[str, float]:
    """Of this process by the kernel. getrusage would say the parent's peak where that was larger."""
    lines = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return {name: int(lines[key].split()[0]) / 1024 for name, key in (("resident_mb", "VmRSS"), ("peak_mb", "VmHWM"))}


def trikeye(ride: str, pack: str, frames: str, outbox: str) -> dict[str, Any]:
    """The vehicle, imported as `trikeye edge watch` imports it, with every pack loaded and used: each frame looked at, then a picture redacted."""
    from trikeye import imported

    imported("edge.command_watch")
    from street_film import frames_from, vehicle_on

    from edge.ride import open_ride
    from models.packs import load_pack

    opened = open_ride(Path(ride))
    vehicle = vehicle_on(opened, load_pack(pack), Path(outbox))
    looks = frames_from(opened)
    told = cost((vehicle.see(frame) for frame in looks), int(frames))
    for frame in islice(looks, 3):
        vehicle.redactor.redact(frame.image)
        vehicle.see(frame)
    return told | memory_mb()


def ultralytics(video: str, model: str, height: str, width: str, frames: str, threads: str) -> dict[str, Any]:
    """predict as its documentation shows it, one result at a time; with its network's and torch's threads limited if told."""
    if int(threads):
        import onnxruntime
        import torch

        class Limited(onnxruntime.InferenceSession):  # type: ignore[misc]
            def __init__(self, path: str, options: Any = None, **kwargs: Any) -> None:
                options = options or onnxruntime.SessionOptions()
                options.intra_op_num_threads = int(threads)
                super().__init__(path, options, **kwargs)

        onnxruntime.InferenceSession = Limited
        torch.set_num_threads(int(threads))
    from ultralytics import YOLO

    results = YOLO(model, task="detect").predict(
        video, stream=True, imgsz=(int(height), int(width)), verbose=False, save=False
    )
    return cost(results, int(frames)) | memory_mb()


if __name__ == "__main__":
    runs: dict[str, Callable[..., dict[str, Any]]] = {"trikeye": trikeye, "ultralytics": ultralytics}
    print(json.dumps(runs[sys.argv[1]](*sys.argv[2:])))
