"""A checkpoint with other classes made one with ours, without any training: rows of classes that both know are kept, the others never fire.

`.venv-training/bin/python benchmarks/start_checkpoint.py CHECKPOINT OUT.pt`
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

NEVER = -9.0
"""Bias of a class that the checkpoint does not know: a probability of 1 in 8,000."""
ROOT = Path(__file__).resolve().parents[1]


def with_our_classes(checkpoint: Path, out: Path) -> int:
    """Write the checkpoint with the classes of models/training/classes.py; returns how many of them it knows."""
    import torch
    from ultralytics import YOLO

    from models.training.classes import NAMES

    network: Any = YOLO(str(checkpoint))
    model: Any = network.model
    known = {name: number for number, name in model.names.items()}
    head = model.model[-1]
    for branch in (getattr(head, name, None) for name in ("cv3", "one2one_cv3")):
        for block in branch or ():
            old = block[-1]
            new = torch.nn.Conv2d(old.in_channels, len(NAMES), 1)
            torch.nn.init.zeros_(new.weight)
            torch.nn.init.constant_(new.bias, NEVER)
            with torch.no_grad():
                for number, name in enumerate(NAMES):
                    if name in known:
                        new.weight[number], new.bias[number] = old.weight[known[name]], old.bias[known[name]]
            block[-1] = new
    head.nc, head.no = len(NAMES), len(NAMES) + head.reg_max * 4
    model.nc, model.yaml["nc"] = len(NAMES), len(NAMES)
    model.names = dict(enumerate(NAMES))
    out.parent.mkdir(parents=True, exist_ok=True)
    network.save(str(out))
    return len(known.keys() & set(NAMES))


def main() -> int:
    """Convert one checkpoint from the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("out", type=Path)
    args = parser.parse_args()
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
    sys.path.insert(0, str(ROOT))
    print(f"{args.out}: knows {with_our_classes(args.checkpoint, args.out)} of our classes")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
