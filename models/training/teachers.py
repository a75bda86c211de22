"""Networks of others that label for ours: people and vehicles (COCO), faces (YuNet), plates. Boxes are x1, y1, x2, y2 in pixels with a score."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import onnxruntime

from models.boxes import keep_best
from models.pixels import Image, blob, letterbox

Found = list[tuple[tuple[float, float, float, float], float]]
PERSON, VEHICLES = 0, (2, 3, 5, 7)


class CocoTeacher:
    """Ultralytics weights trained on COCO."""

    def __init__(self, weights: Path, image_size: int = 960) -> None:
        from ultralytics import YOLO

        self._network: Any = YOLO(str(weights))
        self._size = image_size

    def people_and_vehicles(self, image: Image, least: float) -> tuple[Found, Found]:
        """Persons; cars, motorcycles, buses and trucks."""
        boxes = self._network.predict(image, imgsz=self._size, conf=least, verbose=False, classes=[PERSON, *VEHICLES])[
            0
        ].boxes
        rows = [
            (tuple(b), float(s), int(c))
            for b, s, c in zip(boxes.xyxy.tolist(), boxes.conf.tolist(), boxes.cls.tolist(), strict=True)
        ]
        return [(b, s) for b, s, c in rows if c == PERSON], [(b, s) for b, s, c in rows if c != PERSON]


class FaceTeacher:
    """YuNet."""

    def __init__(self, model: Path) -> None:
        self._network: Any = cv2.FaceDetectorYN.create(str(model), "", (320, 320), 0.6, 0.3, 5000)

    def faces(self, image: Image, least: float) -> Found:
        """Faces, found in the picture at twice its size: small ones are what matters here."""
        big = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_CUBIC)
        self._network.setInputSize((big.shape[1], big.shape[0]))
        rows = self._network.detect(big)[1]
        return (
            []
            if rows is None
            else [
                ((x / 2, y / 2, (x + w) / 2, (y + h) / 2), float(r[-1]))
                for r in rows
                if r[-1] >= least
                for x, y, w, h in [map(float, r[:4])]
            ]
        )


class PlateTeacher:
    """A plate detector with rows of centre, size, objectness, four corners, and two class scores."""

    def __init__(self, model: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._canvas = np.full((640, 640, 3), 114, np.uint8)

    def plates(self, image: Image, least: float) -> Found:
        """Plates of any kind."""
        self._canvas[:] = 114
        scale, left, top = letterbox(image, self._canvas)
        rows = self._session.run(None, {self._session.get_inputs()[0].name: blob(self._canvas, 1 / 255, True)})[0][0]
        scores = rows[:, 4] * rows[:, 13:15].max(axis=1)
        rows, scores = rows[scores >= least], scores[scores >= least]
        x, y, w, h = rows[:, :4].T
        boxes = (np.stack([x - w / 2, y - h / 2, x + w / 2, y + h / 2], axis=1) - (left, top, left, top)) / scale
        kept = keep_best(boxes.astype(np.float32), scores.astype(np.float32), np.zeros(len(rows), np.int64))
        return [
            ((float(b[0]), float(b[1]), float(b[2]), float(b[3])), float(s))
            for b, s in zip(boxes[kept], scores[kept], strict=True)
        ]
