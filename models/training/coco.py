"""Average precision as COCO defines it, by pycocotools, for one category in the pictures that may be judged for it."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Sequence

import numpy as np
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from models.training.looks import Look


def average_precision(looks: Sequence[Look], category: str) -> tuple[float, float]:
    """AP at IoU 0.5, and the mean over IoU 0.50 to 0.95; (0, 0) where nothing was found or nothing is there."""
    judged = [look for look in looks if look.sample.judges(category)]
    truth, found = [], []
    for number, look in enumerate(judged, start=1):
        truth += [
            _row(number, box) | {"id": 0, "area": (box[2] - box[0]) * (box[3] - box[1]), "iscrowd": 0}
            for box in look.truth(category)
        ]
        found += [_row(number, box) | {"score": score} for score, box in look.found.get(category, [])]
    if not truth or not found:
        return 0.0, 0.0
    for identity, row in enumerate(truth, start=1):
        row["id"] = identity
    with contextlib.redirect_stdout(io.StringIO()):
        there = COCO()
        images = [{"id": n, "width": look.width, "height": look.height} for n, look in enumerate(judged, start=1)]
        there.dataset = {
            "info": {},
            "images": images,
            "annotations": truth,
            "categories": [{"id": 1, "name": category}],
        }
        there.createIndex()
        run = COCOeval(there, there.loadRes(found), "bbox")
        run.evaluate()
        run.accumulate()
    precision = np.asarray(run.eval["precision"])[:, :, 0, 0, -1]
    return float(precision[0].mean()), float(precision.mean())


def _row(picture: int, box: tuple[float, float, float, float]) -> dict[str, object]:
    x1, y1, x2, y2 = box
    return {"image_id": picture, "category_id": 1, "bbox": [x1, y1, x2 - x1, y2 - y1]}
