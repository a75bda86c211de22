"""Training that knows where a picture is from: what its set does not annotate hardly counts as background.

ultralytics takes every unboxed place for background of all classes. Here the class loss of a class that the picture's
set does not annotate is weighted down (boxes that are there always count in full), a mosaic mixes pictures of one set
only, and an epoch may take a random share of the photographs beside all drawn frames.
"""

from __future__ import annotations

import random
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any

import torch
from ultralytics.data import augment
from ultralytics.data.dataset import YOLODataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.loss import v8DetectionLoss

from models.training.classes import NAMES
from models.training.sets import set_of, trained

PlainMosaic: Any = augment.Mosaic


class SourceLoss(v8DetectionLoss):  # type: ignore[misc]
    """The detection loss with `unlabelled_weight` on classes that a picture's set does not annotate."""

    def __init__(self, model: torch.nn.Module, unlabelled_weight: float) -> None:
        super().__init__(model)
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


class SharedEpoch(YOLODataset):  # type: ignore[misc]
    """All drawn frames and a random share of the photographs in each epoch; over the epochs every photograph comes."""

    photo_share = 1.0

    def __len__(self) -> int:
        if not hasattr(self, "drawn"):
            self.drawn = [i for i, name in enumerate(self.im_files) if not set_of(Path(name).stem)]
            drawn = set(self.drawn)
            self.photos = [i for i in range(len(self.im_files)) if i not in drawn]
        return len(self.drawn) + round(len(self.photos) * self.photo_share)

    def __getitem__(self, index: int) -> Any:
        if self.photo_share < 1:
            index = self.drawn[index] if index < len(self.drawn) else random.choice(self.photos)
        return super().__getitem__(index)


def trainer_class(unlabelled_weight: float, photo_share: float) -> type[DetectionTrainer]:
    """A trainer of ultralytics with the above put in."""

    class SourceTrainer(DetectionTrainer):  # type: ignore[misc]
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.add_callback("on_train_start", _use_source_loss)

        def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
            augment.Mosaic = SameSetMosaic
            dataset = super().build_dataset(img_path, mode, batch)
            if mode == "train":
                dataset.__class__ = SharedEpoch
                dataset.photo_share = photo_share
            return dataset

    def _use_source_loss(trainer: DetectionTrainer) -> None:
        trainer.model.criterion = SourceLoss(trainer.model, unlabelled_weight)

    return SourceTrainer
