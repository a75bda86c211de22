"""Films, frame by frame: in and out. The second door to OpenCV in this room."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from models.pixels import BadPicture, Image


def frames(path: Path) -> Iterator[Image]:
    """Every frame of a film. Raises BadPicture if there is none."""
    film = cv2.VideoCapture(str(path))
    number = 0
    try:
        while (read := film.read())[0]:
            number += 1
            yield np.asarray(read[1], np.uint8)
    finally:
        film.release()
    if not number:
        raise BadPicture(f"{path} is neither a picture nor a film that can be decoded")


def length(path: Path) -> int:
    """How many frames a film says it has; 0 if it does not say."""
    film = cv2.VideoCapture(str(path))
    try:
        return max(0, int(film.get(cv2.CAP_PROP_FRAME_COUNT)))
    finally:
        film.release()


class FilmWriter:
    """Writes an MP4 of frames of one size; the file appears with the first frame."""

    def __init__(self, path: Path, fps: float = 10.0) -> None:
        self._path, self._fps = path, fps
        self._writer: cv2.VideoWriter | None = None

    def add(self, image: Image) -> None:
        """One more frame."""
        if self._writer is None:
            size = (image.shape[1], image.shape[0])
            self._writer = cv2.VideoWriter(str(self._path), cv2.VideoWriter.fourcc(*"mp4v"), self._fps, size)
            if not self._writer.isOpened():
                raise BadPicture(f"{self._path} cannot be written")
        self._writer.write(image)

    def close(self) -> None:
        """End the film."""
        if self._writer is not None:
            self._writer.release()
