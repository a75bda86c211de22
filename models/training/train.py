"""Training of a street network with ultralytics: one recipe file, resumed after any interruption."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any


def train(recipe: Path, data: Path, start: Path, work: Path) -> Path:
    """Train on `data` (a folder with data.yaml), keep everything in `work`, return the last checkpoint.

    `recipe` has the tables [train] (of ultralytics), [pictures] (models.training.augment.Strength), [small] for smaller pictures at first
    (models.training.sources.Small) and, where sets annotate different classes, [sources]. Runs on a GPU where torch sees one, else on all cores or as many as OMP_NUM_THREADS says. ultralytics keeps of `start` every layer, and of its class rows those
    whose names are ours. The last checkpoint is taken, not its "best": that is chosen by losses or by figures that count a class
    where nobody labelled it.
    """
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
    settings: dict[str, dict[str, Any]] = tomllib.loads(recipe.read_text())
    work = work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    cores = int(os.environ.get("OMP_NUM_THREADS") or os.cpu_count() or 1)
    _use_threads(cores)
    import torch
    from ultralytics import YOLO

    from models.training.augment import Strength
    from models.training.sources import Small, trainer_class

    small = Small(**settings.get("small", {}))
    trainer = trainer_class(Strength(**settings["pictures"]), small, **settings.get("sources", {}))
    last = work / "run" / "weights" / "last.pt"
    if last.exists() and _finished(last):
        pass
    elif last.exists():
        YOLO(str(last)).train(resume=True, trainer=trainer)
    else:
        where = {"data": str(data.resolve() / "data.yaml"), "project": str(work), "name": "run", "exist_ok": True}
        gpu = torch.cuda.is_available()
        machine = {
            "device": 0 if gpu else "cpu",
            "amp": "bf16" if gpu else False,
            "workers": max(1, cores // 2),
            "plots": False,
        }
        YOLO(str(start)).train(trainer=trainer, **where, **machine, **settings["train"])
    return last


def _finished(checkpoint: Path) -> bool:
    # ultralytics takes the optimizer out of the last checkpoint when it is done, and refuses to resume it.
    import torch

    return torch.load(checkpoint, map_location="cpu", weights_only=False).get("optimizer") is None


def _use_threads(threads: int) -> None:
    # ultralytics takes all cores but one, and again inside select_device: on a two-core machine a single one.
    import torch
    from ultralytics.utils import torch_utils

    torch_utils.NUM_THREADS = threads
    torch.set_num_threads(threads)
