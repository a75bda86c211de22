"""A starting checkpoint with our classes, out of one trained on fewer: every layer kept, the class rows grafted."""

from __future__ import annotations

from pathlib import Path

from models.training.classes import NAMES


def graft(start: Path, out: Path) -> int:
    """Write a checkpoint of the same network with our classes; rows of classes that `start` knows by name are kept.

    Returns how many were kept. Works only where the class branch has the same width (ultralytics: max(64, classes)).
    """
    import torch
    from ultralytics import YOLO
    from ultralytics.nn.tasks import DetectionModel

    old = YOLO(str(start)).model.float()
    old_names = list(old.names.values())
    shared = [name for name in NAMES if name in old_names]
    new = DetectionModel({**old.yaml, "nc": len(NAMES)}, nc=len(NAMES), verbose=False)
    before, after = old.state_dict(), new.state_dict()
    for key, value in after.items():
        if key in before and before[key].shape == value.shape:
            after[key] = before[key]
        elif key in before and before[key].shape[1:] == value.shape[1:] and before[key].shape[0] == len(old_names):
            for name in shared:
                value[NAMES.index(name)] = before[key][old_names.index(name)]
    new.load_state_dict(after)
    new.names = dict(enumerate(NAMES))
    new.args = old.args
    torch.save({"model": new, "epoch": -1, "train_args": {}}, out)
    return len(shared)
