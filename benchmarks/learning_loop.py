"""Whether what reviewers decide on one ride makes a pack better on another: the whole loop, end to end, on drawn rides.

A pack that was trained on photographs alone drives ride A in shadow, at low thresholds; its sightings go through broker, intake and queue; a scripted reviewer
looks at the boxes and sets right what they are taken for; what was decided is exported, made into a training set, trained on and exported as a new pack, which drives ride A again the next
day. Every pack is measured on frames of ride B, a street that nobody reviewed: mean AP50 over the problem categories with at least 30 boxes.

`python benchmarks/learning_loop.py --start CHECKPOINT.pt` (about forty minutes on two cores, twenty of it for drawing; every step that is done in --work is not done
again). CHECKPOINT may have other classes than models/training/classes.py; `.venv-training` trains (make setup-training).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from demo.chain import Chain, ChainFailed
from demo.looking import LookingReviewer
from demo.people import People
from demo.ride.labelled import label_ride
from models.packs import load_pack
from models.training.command_calibrate import write_overlay
from models.training.figures import PROBLEMS
from models.verdicts import read_export

ROOT = Path(__file__).resolve().parents[1]
AIM = 0.10
EVERY = 2
"""Of ride B every so-manieth frame is measured on: under a metre of way."""
SHADOW = 0.005
"""Threshold of every problem class while the first pack is in shadow."""
RECIPE = """
[train]
epochs = {epochs}
imgsz = 416
freeze = 10             # the backbone, which a few dozen boxes would only spoil
batch = 16
nbs = 16
optimizer = "AdamW"
lr0 = 0.001
lrf = 0.05
cos_lr = true
warmup_epochs = 1
warmup_bias_lr = 0.0
weight_decay = 0.0005
seed = 1
cache = "ram"
close_mosaic = 1
val = false
[sources]
unlabelled_weight = 0.02
[pictures]
mosaic = 0.5
scale = 0.4
turn_deg = 2.0
brightness = 0.3
"""


class Loop:
    """The steps, each with a folder of its own below `work`; `times` says how long each took now."""

    def __init__(self, work: Path, training_python: Path, epochs: int) -> None:
        self.work, self.python, self.epochs = work.resolve(), training_python, epochs
        self.times: dict[str, float] = {}

    def ride(self, seed: int) -> Path:
        """A drawn ride."""
        folder = self.work / f"ride{seed}"
        return self._once(
            folder, "ride.toml", lambda: self._trikeye("demo", "ride", "--seed", str(seed), "--out", str(folder))
        )

    def start(self, checkpoint: Path) -> tuple[Path, Path]:
        """The first checkpoint with our classes, and its pack."""
        start, pack = self.work / "start.pt", self.work / "start"
        self._once(start, "", lambda: self._train("benchmarks/start_checkpoint.py", str(checkpoint), str(start)))
        return start, self._once(pack, "pack.toml", lambda: self._pack(start, pack, "photographs"))

    def verdicts(self, day: int, ride: Path, pack: Path) -> Path:
        """Drive the ride through the whole chain with a pack in shadow, let the reviewer decide, export what was decided."""
        chain, out, shadow = (self.work / f"{what}{day}" for what in ("chain", "verdicts", "shadow"))
        low = [{"name": label.name, "threshold": SHADOW} for label in load_pack(pack).labels if label.role == "problem"]
        write_overlay(
            shadow,
            {"version": 1, "base": f"../{pack.name}", "digest": f"sha256:{load_pack(pack).digest}", "labels": low},
        )

        def decide() -> None:
            drive(chain, ride, shadow)
            self._trikeye("server", "export", "verdicts", "--out", str(out), TRIKEYE_DATA=str(chain / "server"))

        return self._once(out, "verdicts.jsonl", decide)

    def learn(self, day: int, start: Path, verdicts: list[Path]) -> Path:
        """A new pack out of the first checkpoint and all verdicts so far."""
        data, pack, recipe = self.work / f"set{day}", self.work / f"learnt{day}", self.work / "recipe.toml"
        self._once(
            data,
            "data.yaml",
            lambda: self._trikeye(
                "models",
                "dataset",
                "from-verdicts",
                *map(str, verdicts),
                "--out",
                str(data),
                "--teacher",
                str(self.work / "start"),
            ),
        )
        recipe.write_text(RECIPE.format(epochs=self.epochs))

        def train() -> None:
            run = ("--data", str(data), "--weights", str(start), "--work", str(self.work), "--run", f"training{day}")
            self._train("-m", "trikeye", "models", "train", "--config", str(recipe), *run)
            self._pack(self.work / f"training{day}" / "run" / "weights" / "last.pt", pack, f"learnt-{day}")

        return self._once(pack, "pack.toml", train)

    def measure(self, pack: Path, ride: Path) -> dict[str, Any]:
        """What `trikeye models evaluate` says of a pack on frames of a ride."""
        data = self.work / f"frames-{ride.name}"
        self._once(data, "data.yaml", lambda: label_ride(ride, data, EVERY))
        said = self._trikeye("models", "evaluate", str(pack), "--data", str(data / "data.yaml"), "--json")
        return dict(json.loads(said.strip().splitlines()[-1]))

    def _pack(self, checkpoint: Path, out: Path, name: str) -> None:
        self._train("-m", "trikeye", "models", "export", str(checkpoint), "--out", str(out), "--name", name)

    def _once(self, made: Path, proof: str, make: Callable[[], object]) -> Path:
        if not (made / proof).exists():
            began = time.monotonic()
            make()
            self.times[made.name] = round(time.monotonic() - began)
            print(f"{made.name}: {self.times[made.name]} s", file=sys.stderr, flush=True)
        return made

    def _trikeye(self, *argv: str, **environment: str) -> str:
        return _run([sys.executable, "-m", "trikeye", *argv], environment)

    def _train(self, *argv: str) -> str:
        return _run([str(self.python), *argv], {})


def drive(data: Path, ride: Path, pack: Path, limit_s: float = 900) -> None:
    """The whole chain over a ride, to its end, with a reviewer who looks at the pictures. Raises ChainFailed."""
    chain = Chain(data, ride, headless=True, pack=str(pack))
    try:
        chain.start()
        people, began = People(chain, LookingReviewer(chain.web_url, chain.login, ride)), time.monotonic()
        while not chain.is_done(chain.progress()):
            if time.monotonic() - began > limit_s:
                raise ChainFailed(f"not done after {limit_s:.0f} s: {chain.progress()}; logs: {chain.data}/logs")
            chain.watch()
            people.act()
            time.sleep(0.3)
    finally:
        chain.stop()


def confirmations(export: Path) -> str:
    """How many cases were confirmed, and how many of them as another category than the pack's."""
    changed = {line.case: line.decided != line.proposed for line in read_export(export) if line.verdict == "confirmed"}
    return f"{len(changed)} cases confirmed, {sum(changed.values())} of them as another category than proposed"


def _run(command: list[str], environment: dict[str, str]) -> str:
    """Run one step of this checkout and return what it printed; its progress goes to the screen."""
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True, env={**os.environ, **environment}).stdout  # fmt: skip


def main() -> int:
    """Go through the loop, then print what it brought."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--start", type=Path, required=True, help="checkpoint trained on photographs alone")
    parser.add_argument(
        "--seeds", type=int, nargs=2, default=[21, 22], metavar=("A", "B"), help="streets (default: 21 22)"
    )
    parser.add_argument(
        "--days",
        type=int,
        default=1,
        help="how often ride A is driven, each day with the last day's pack (default: %(default)s)",
    )
    parser.add_argument("--epochs", type=int, default=15, help="(default: %(default)s)")
    parser.add_argument(
        "--work", type=Path, default=Path(".cache/loop"), help="folder of all steps (default: %(default)s)"
    )
    parser.add_argument("--training-python", type=Path, default=ROOT / ".venv-training" / "bin" / "python")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    args = parser.parse_args()
    loop = Loop(args.work, args.training_python, args.epochs)
    ride_a, ride_b = (loop.ride(seed) for seed in args.seeds)
    start, pack = loop.start(args.start.resolve())
    measured, verdicts = [loop.measure(pack, ride_b)], list[Path]()
    for day in range(1, args.days + 1):
        verdicts.append(loop.verdicts(day, ride_a, pack))
        print(f"day {day}: {confirmations(verdicts[-1])}", flush=True)
        pack = loop.learn(day, start, verdicts)
        measured.append(loop.measure(pack, ride_b))
    return report(measured, loop.times, args.json)


def report(measured: list[dict[str, Any]], times: dict[str, float], as_json: bool) -> int:
    """AP50 on ride B by category, from the pack of photographs to that of the last day; 0 if the aim was reached."""
    print(
        f"{'AP50 on ride B':24} {'boxes':>5}  photographs  "
        + "  ".join(f"day {day}" for day in range(1, len(measured)))
    )
    for category in sorted(PROBLEMS):
        rows = [each["categories"][category] for each in measured]
        if rows[0]["ap50"] is not None:
            print(
                f"{category:24} {rows[0]['boxes']:5}  {rows[0]['ap50']:11.3f}  "
                + "  ".join(f"{row['ap50']:.3f}" for row in rows[1:])
            )
    means = [each["map50"] for each in measured]
    gain = round(means[-1] - means[0], 4)
    print(
        f"{'mean of ' + str(measured[0]['counted']) + ' categories':30}  {means[0]:11.3f}  "
        + "  ".join(f"{mean:.3f}" for mean in means[1:])
    )
    print(f"{gain:+.3f} (aim: {AIM:+.2f}); seconds of the steps done now: {times}")
    if as_json:
        print(json.dumps({"ap50": means, "gain": gain, "reached": gain >= AIM}))
    return 0 if gain >= AIM else 1


if __name__ == "__main__":
    raise SystemExit(main())
