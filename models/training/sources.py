"""Training that knows where a picture is from: what its set does not annotate hardly counts as background.

ultralytics takes every unboxed place for background of all classes. Here the class loss of a class that the picture's set does not annotate
is weighted down (boxes that are there always count in full), and a mosaic mixes only pictures of which the same is known, so that one row of weights fits all of it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any

import torch
from torch.nn.functional import interpolate
from ultralytics.data.augment import Compose, Format, LetterBox
from ultralytics.data.dataset import YOLODataset
from ultralytics.models.yolo.detect import DetectionTrainer
from ultralytics.utils.loss import E2ELoss, v8DetectionLoss
from ultralytics.utils.ops import xywh2xyxy, xyxy2xywh
from ultralytics.utils.torch_utils import strip_optimizer

from models.training.augment import Strength, augment
from models.training.classes import NAMES
from models.training.sets import trained


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
        rows = [class_weights(trained(Path(name)), self.unlabelled_weight) for name in batch["im_file"]]
        self.weights = torch.tensor(rows, device=self.device)[:, None, :]
        return super().loss(preds, batch)

    def _weighted(self, scores: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        loss: torch.Tensor = self.plain_bce(scores, targets)
        return loss * torch.where(targets > 0, 1.0, self.weights)


@cache
def class_weights(known: frozenset[str], unlabelled_weight: float) -> list[float]:
    """One weight per network class for the background of a picture of which these classes are known."""
    return [1.0 if name in known else unlabelled_weight for name in NAMES]


class PlainDataset(YOLODataset):  # type: ignore[misc]
    """Pictures as they are, in the upper left of a square: varying them is the device's work."""

    def build_transforms(self, hyp: Any) -> Compose:
        """Letterbox, then tensors."""
        return Compose(
            [LetterBox(new_shape=(self.imgsz, self.imgsz), scaleup=False, center=False), Format(normalize=True)]
        )


def source_criterion(model: torch.nn.Module, unlabelled_weight: float) -> Any:
    """The loss for a head of either kind: one-to-many (yolo11), or one-to-many beside one-to-one (yolo26)."""
    loss = partial(SourceLoss, unlabelled_weight=unlabelled_weight)
    head: Any = list(model.children())[-1][-1]
    two_heads = getattr(head, "one2one_cv2", None) is not None
    return E2ELoss(model, loss) if two_heads else loss(model)


@dataclass(frozen=True)
class Small:
    """The first `epochs` are trained on pictures of `share` of the side: most is learnt there, for less (Tan and Le 2021, EfficientNetV2)."""

    epochs: int = 0
    share: float = 1.0


def trainer_class(
    strength: Strength, small: Small | None = None, unlabelled_weight: float | None = None
) -> type[DetectionTrainer]:
    """A trainer of ultralytics with the above put in; without `unlabelled_weight`, every set annotates every class."""
    begin = small or Small()

    class SourceTrainer(DetectionTrainer):  # type: ignore[misc]
        last: Path

        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.add_callback("on_train_start", _use_matrix_units)
            if unlabelled_weight is not None:
                self.add_callback("on_train_start", _use_source_loss)

        def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
            dataset = super().build_dataset(img_path, mode, batch)
            if mode == "train":
                dataset.__class__ = PlainDataset
                dataset.transforms = dataset.build_transforms(self.args)
            return dataset

        def validate(self) -> tuple[dict[str, float], float]:
            """Nothing: models.training.fit measures, and as the vehicle runs it. ultralytics would, after the last epoch, whatever `val` says."""
            return {}, 0.0

        def final_eval(self) -> None:
            """Only take the optimizer out."""
            strip_optimizer(self.last)

        def save_model(self) -> bool:
            # Written aside and renamed: a training killed while it writes must find a whole checkpoint to go on from.
            whole, self.last = self.last, self.last.with_suffix(".part")
            try:
                saved = bool(super().save_model())
                if self.last.exists():
                    self.last.replace(whole)
            finally:
                self.last = whole
            return saved

        def preprocess_batch(self, batch: dict[str, Any]) -> dict[str, Any]:
            loaded: dict[str, Any] = super().preprocess_batch(batch)
            closing = self.epoch >= self.epochs - self.args.close_mosaic
            with torch.no_grad():
                varied = vary(loaded, replace(strength, mosaic=0.0) if closing else strength)
                if self.epoch < begin.epochs:
                    varied["img"] = interpolate(varied["img"], scale_factor=begin.share, mode="area")
                return varied

    def _use_source_loss(trainer: DetectionTrainer) -> None:
        assert unlabelled_weight is not None
        criterion = source_criterion(trainer.model, unlabelled_weight)
        if hasattr(criterion, "update") and trainer.start_epoch:
            criterion.updates = trainer.start_epoch - 1
            criterion.update()
        trainer.model.criterion = criterion

    return SourceTrainer


def _use_matrix_units(trainer: DetectionTrainer) -> None:
    """On a processor that multiplies in bfloat16, compute the network in it: half the time with AMX, three quarters with AVX-512. ultralytics does so on GPUs only."""
    able = torch.cpu.get_capabilities()
    if trainer.device.type != "cpu" or not (able.get("amx_bf16") or able.get("avx512_bf16")):
        return
    model = trainer.model.to(memory_format=torch.channels_last)
    exact = model.predict

    def predict(pictures: torch.Tensor, *args: Any, **kwargs: Any) -> Any:
        with torch.autocast("cpu", torch.bfloat16):
            return _float(exact(pictures.contiguous(memory_format=torch.channels_last), *args, **kwargs))

    model.predict = predict


def _float(outputs: Any) -> Any:
    if isinstance(outputs, dict):
        return {key: _float(value) for key, value in outputs.items()}
    if isinstance(outputs, list | tuple):
        return type(outputs)(_float(value) for value in outputs)
    return outputs.float() if isinstance(outputs, torch.Tensor) and outputs.is_floating_point() else outputs


def vary(batch: dict[str, Any], strength: Strength) -> dict[str, Any]:
    """A batch of ultralytics with its pictures augmented and its boxes moved along."""
    pictures, side = batch["img"], batch["img"].shape[-1]
    device = pictures.device
    long = [side / max(shape) for shape in batch["ori_shape"]]
    sizes = torch.tensor(
        [(w * r, h * r) for (h, w), r in zip(batch["ori_shape"], long, strict=True)], device=device
    ).round()
    known = [trained(Path(name)) for name in batch["im_file"]]
    groups = torch.tensor([known.index(each) for each in known], device=device)
    of = batch["batch_idx"].long()
    varied, boxes, inside, made_of = augment(pictures, sizes, xywh2xyxy(batch["bboxes"]) * side, of, groups, strength)
    classes = batch["cls"][made_of]
    return {
        **batch,
        "img": varied,
        "bboxes": xyxy2xywh(boxes) / side,
        "cls": classes,
        "batch_idx": inside.to(batch["batch_idx"].dtype),
    }
