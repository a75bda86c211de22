"""Frames of a drawn ride as a YOLO set: its truth says what stands in each."""

from __future__ import annotations

import json
from pathlib import Path

import cv2

from demo.ride.training import NAMES
from demo.ride.truth import LABELLED_SHARE, LABELLED_SHORT_PX


def label_ride(ride: Path, out: Path, every: int) -> int:
    """Write every so-manieth frame with its boxes into `out` (images/val, labels/val, data.yaml); returns how many boxes.

    Raises FileNotFoundError if the ride has no truth or no video.
    """
    truth = json.loads((ride / "truth.json").read_text(encoding="utf-8"))
    video = cv2.VideoCapture(str(ride / "video.mp4"))
    if not video.isOpened():
        raise FileNotFoundError(f"{ride / 'video.mp4'} cannot be opened")
    for kind in ("images", "labels"):
        (out / kind / "val").mkdir(parents=True, exist_ok=True)
    boxes, number = 0, 0
    while (frame := video.read()[1]) is not None:
        if number % every == 0:
            name = f"drawn_{truth['seed']}_{number:04d}"
            height, width = frame.shape[:2]
            rows = _rows(truth, number, width, height)
            cv2.imwrite(str(out / "images" / "val" / f"{name}.jpg"), frame, [cv2.IMWRITE_JPEG_QUALITY, 92])
            (out / "labels" / "val" / f"{name}.txt").write_text("".join(rows))
            boxes += len(rows)
        number += 1
    names = "".join(f"  {n}: {name}\n" for n, name in enumerate(NAMES))
    (out / "data.yaml").write_text(f"train: images/val\nval: images/val\nnames:\n{names}")
    return boxes


def _rows(truth: dict[str, list[dict[str, object]]], number: int, width: int, height: int) -> list[str]:
    """One line of YOLO text for each thing that is large and whole enough to be asked for."""
    rows = []
    for thing in [*truth["problems"], *truth["others"]]:
        views: list[list[float]] = thing["views"]  # type: ignore[assignment]
        for frame, x1, y1, x2, y2, share, _ in views:
            if frame == number and share >= LABELLED_SHARE and min(x2 - x1, y2 - y1) >= LABELLED_SHORT_PX:
                box = ((x1 + x2) / 2 / width, (y1 + y2) / 2 / height, (x2 - x1) / width, (y2 - y1) / height)
                rows.append(f"{NAMES.index(str(thing['class']))} " + " ".join(f"{edge:.5f}" for edge in box) + "\n")
    return rows
