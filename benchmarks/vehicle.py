"""What the vehicle costs, loses and wastes: every figure beside its aim. `make bench-vehicle`: on an idle machine, 20 minutes at most.

All are ratios of processor time, in turn with what they are held against, except memory, the age of a frame, disk and link. A missed aim is printed and
fails nothing; exit 1 means that a figure could not be measured. The last line is JSON. `--only pipeline disk` measures some parts.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from against_predict import against_predict
from aim_table import Aim, Figures, last_line, run_parts
from frame_age import frame_age
from leak import leak
from pipeline_cost import pipeline_cost, video_cost
from street_film import ROOT, NotReady, at_30_fps, draw_film, unit_pack

from edge.ride import open_ride
from models.packs import load_pack

HERE = Path(__file__).resolve().parent
AIMS = (
    Aim("pipeline_added", "a frame in memory: processor time around the network, in runs of the 416x256 network", 0.15),
    Aim("video_added", "the same from 1280x720 H.264, decoding included", 0.45),
    Aim("predict_ratio", "processor time of a frame against ultralytics' predict by its defaults", 0.65),
    Aim("predict_one_thread_ratio", "the same, its threads set to 1", 0.95),
    Aim("start_ratio", "processor time to the first result against predict's", 0.25),
    Aim("memory_ratio", "resident memory, every pack loaded and used, against predict's", 0.6),
    Aim("memory_mb", "the same in MB", 220),
    Aim("frame_age_ms", "age of a frame when its inference starts, median, 30 frames a second", 20),
    Aim("outbox_ratio", "times a file, its fsync and a row take longer than a put", 4, at_least=True),
    Aim("outbox_growth", "a put with 200,000 rows in the outbox against one with none", 1.2),
    Aim("first_fresh_s", "seconds to the answer for a fresh sighting, 10,000 in the backlog, 5 % loss", 5),
    Aim("link_ratio", "share of min(bandwidth, in flight / round trip) that is used, 400 kbit/s, 300 ms", 0.9, at_least=True),
    Aim("leak_mb", "MB grown over 6,000 inferred frames after 1,000", 5),
    Aim("idf1", "IDF1 of the tracker on the sample ride", 0.85, at_least=True),
)  # fmt: skip


def measured(folder: Path) -> dict[str, Callable[[], Figures]]:
    """The parts by name, in order. Raises NotReady."""
    film = draw_film(folder / "film")
    ride, unit = open_ride(film), unit_pack(folder / "unit")
    return {
        "pipeline": lambda: pipeline_cost(ride, unit, folder),
        "video": lambda: video_cost(ride, unit, folder),
        "predict": lambda: against_predict(film, load_pack("street"), folder),
        "age": lambda: frame_age(ride, at_30_fps(film / "video.mp4", folder / "fast.mp4"), folder),
        "disk": lambda: _script("outbox.py", "outbox_ratio", "outbox_growth"),
        "link": lambda: _script("link.py", "first_fresh_s", "link_ratio"),
        "leak": lambda: leak(ride, unit, folder),
        "track": lambda: _script("track.py", "idf1", arguments=("--json",)),
    }


def _script(name: str, *keys: str, arguments: tuple[str, ...] = ()) -> Figures:
    """Figures of the last line of another benchmark here; its exit code says only whether its own aims hold."""
    env = os.environ | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(HERE / name), *arguments]
    last, code = last_line(command, env)
    try:
        said = json.loads(last)
        return {key: float(said[key]) for key in keys}
    except (ValueError, KeyError):
        raise NotReady(f"benchmarks/{name} ended with {code} and gave no {' and '.join(keys)}") from None


def main() -> int:
    """Print every figure; exit 1 only if one could not be measured."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", metavar="PART", help="pipeline, video, predict, age, disk, link, leak, track")  # fmt: skip
    args = parser.parse_args()
    logging.disable(logging.WARNING)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="trikeye-bench-") as name:
        try:
            parts = measured(Path(name))
        except NotReady as wrong:
            print(f"benchmarks/vehicle.py: {wrong}", file=sys.stderr)
            return 1
        asked = {each: part for each, part in parts.items() if each in (args.only or parts)}
        return run_parts(AIMS, asked, began_s, (NotReady, OSError, subprocess.CalledProcessError))


if __name__ == "__main__":
    raise SystemExit(main())
