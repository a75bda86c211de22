"""Training that knows where a picture is from: what its set does not annotate hardly counts as background.

ultralytics takes every unboxed place for background of all classes. Here the class loss of a class that the picture's
set does not annotate is weighted down (boxes that are there always count in full), a mosaic mixes pictures of one set
only, and an epoch may take a random share of the photographs beside all drawn frames.
"""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from ultralytics.data import augment
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.loss import E2ELoss, v8DetectionLoss

from models.training.classes import NAMES
from models.training.sets import set_of, trained

PlainMosaic: Any = augment.Mosaic


class SourceLoss(v8DetectionLoss):  # type: ignore[misc]
    """The detection loss with `unlabelled_weight` on classes that a picture's set does not annotate."""

    def __init__(self, model: torch.nn.Module, *assigning: int, unlabelled_weight: float, **more: int) -> None:
        super().__init__(model, *assigning, **more)
        self.unlabelled_weight = unlabelled_weight
        self.plain_bce: Any = torch.nn.BCEWithLogitsLoss(reduction="none")
        self.bce = self._weighted
        self.weights = torch.ones(0)

    def loss(self, preds: dict[str, torch.Tensor], batch: dict[str, Any]) -> Any:
        """Remember the weights of this batch's pictures, then the loss as it always is."""
        rows = [class_weights(Path(name).stem, self.unlabelled_weight) for name in batch["im_file"]]
        self.weights = torch.tensor(rows, device=self.device)[:, None, :]
        return super().loss(preds, batch)

    def _weighted(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.plain_bce(scores, targets)
        return loss * torch.where(targets > 0, 1.0, self.weights)


@cache
def class_weights(stem: str, unlabelled_weight: float) -> list[float]:
    """One weight per network class for the background of a picture."""
    known = trained(stem)
    return [1.0 if name in known else unlabelled_weight for name in NAMES]


class SameSetMosaic(PlainMosaic):  # type: ignore[misc]
    """A mosaic of pictures of one set, so that one row of weights fits all four."""

    def __init__(self, dataset: Any, imgsz: int = 640, p: float = 1.0, n: int = 4) -> None:
        super().__init__(dataset, imgsz, p, n)
        self.members: dict[str, list[int]] = defaultdict(list)
        for index, name in enumerate(dataset.im_files):
            self.members[set_of(Path(name).stem)].append(index)
        self.wanted = ""

    def get_params(self, labels: dict[str, Any]) -> Any:
        """Note which set the first picture is from; the others are chosen from it."""
        self.wanted = set_of(Path(labels["im_file"]).stem)
        return super().get_params(labels)

    def get_indexes(self) -> list[int]:
        """Three (or eight) further pictures of the same set."""
        return random.choices(self.members[self.wanted], k=self.n - 1)


def source_criterion(model: torch.nn.Module, unlabelled_weight: float) -> Any:
    """The loss for a head of either kind: one-to-many (yolo11), or one-to-many beside one-to-one (yolo26)."""
    loss = partial(SourceLoss, unlabelled_weight=unlabelled_weight)
    head: Any = list(model.children())[-1][-1]
    two_heads = getattr(head, "one2one_cv2", None) is not None
    return E2ELoss(model, loss) if two_heads else loss(model)


def trainer_class(unlabelled_weight: float) -> type[DetectionTrainer]:
    """A trainer of ultralytics with the above put in."""

    class SourceTrainer(DetectionTrainer):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.add_callback("on_train_start", _use_source_loss)

        def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
            augment.Mosaic = SameSetMosaic
            return super().build_dataset(img_path, mode, batch)

    def _use_source_loss(trainer: DetectionTrainer) -> None:
        criterion = source_criterion(trainer.model, unlabelled_weight)
        if hasattr(criterion, "update") and trainer.start_epoch:
            criterion.updates = trainer.start_epoch - 1
            criterion.update()
        trainer.model.criterion = criterion

    return SourceTrainer
