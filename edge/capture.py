"""Pixels, from a live camera (the newest frame wins) or from files (every picture)."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timezone
from math import inf
from pathlib import Path

import cv2
import numpy as np

from edge.clock import is_synchronised, stamp
from edge.values import Fix, Frame, Image

cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)  # it says in ten lines what one sentence of ours says
log = logging.getLogger("trikeye.edge")
UTC = timezone.utc  # noqa: UP017
FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 30.0
CLOSE_S = 3.0


class NoPictures(Exception):
    """The source gives no pictures; the text says what was looked for."""


def pictures(
    video: Path | None, stills: Sequence[Path], count_bad: Callable[[str], None]
) -> Iterator[tuple[int, Image]]:
    """Every picture of a video, or else of stills, with its number. One that cannot be read is counted and passed over."""
    if video is None:
        for number, path in enumerate(stills):
            image = cv2.imread(str(path), cv2.IMREAD_COLOR)
            if image is None:
                count_bad("unreadable")
            else:
                yield number, np.asarray(image, np.uint8)
        return
    film = film_of(str(video))
    number = 0
    while True:
        done, image = film.read()
        if not done:
            break
        yield number, np.asarray(image, np.uint8)
        number += 1
    film.release()
    if number == 0:
        raise NoPictures(f"{video} cannot be decoded")


def film_of(source: str) -> cv2.VideoCapture:
    """A video file or stream, decoded on one thread: more of them hold pictures of their own each, and each holds the newest one back."""
    return cv2.VideoCapture(source, cv2.CAP_ANY, [cv2.CAP_PROP_N_THREADS, 1])


def _opened(source: str) -> cv2.VideoCapture:
    """A camera by its number or device, which has no decoder's threads to speak of, or else a film."""
    if source.isdigit():
        return cv2.VideoCapture(int(source))
    return cv2.VideoCapture(source) if source.startswith("/dev/") else film_of(source)


def _gone(source: str) -> str:
    """What is said of a camera, or what stands in for one, that gives no pictures."""
    if source.isdigit() or source.startswith("/dev/"):
        return f"camera {source} gives no pictures: check its cable and /dev/video*; trying again"
    if "://" in source:
        return f"camera {source} gives no pictures: see that it is on and its address is right; trying again"
    return f"film {source} gives no pictures: see that the file is there and whole; trying again"


def film_fps(path: Path) -> float:
    """Pictures a second of a video file, 0 if it does not say."""
    film = film_of(str(path))
    fps = float(film.get(cv2.CAP_PROP_FPS))
    film.release()
    return fps if 0.1 < fps < 240 else 0.0


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in pixels of a still, or of a video's first picture. Raises NoPictures."""
    image = cv2.imread(str(path)) if path.suffix == ".jpg" else film_of(str(path)).read()[1]
    if image is None:
        raise NoPictures(f"{path} cannot be decoded")
    return image.shape[1], image.shape[0]


class LiveCamera:
    """A mailbox of one: a thread reads the camera, the newest frame wins, instant and fix are stamped when it is read.

    `source` is a camera's number or device, or a video file, which is then read at its own pace.
    """

    def __init__(
        self, source: str, width_px: int, height_px: int, camera_name: str, fix_now: Callable[[], Fix | None]
    ) -> None:
        self._source, self._size, self._name, self._fix_now = source, (width_px, height_px), camera_name, fix_now
        self._newest: Frame | None = None
        self._changed = threading.Condition()
        self._stopped = threading.Event()
        self.trouble = ""
        self.faults: Counter[str] = Counter()
        self._thread = threading.Thread(target=self._read, name="camera", daemon=True)
        self._thread.start()

    def frames(self, patience_s: float = inf) -> Iterator[Frame]:
        """Newest frames, each once, until `stop`, or until none has come for so long."""
        seen, came_s = -1, time.monotonic()
        while not self._stopped.is_set() and time.monotonic() - came_s < patience_s:
            frame = self._newer_than(seen)
            if frame is not None:
                seen = frame.number
                yield frame
                came_s = time.monotonic()

    @property
    def newest(self) -> Frame | None:
        """The newest frame, whoever has seen it."""
        return self._newest

    def stop(self) -> None:
        """End `frames` and the reading thread."""
        self._stopped.set()

    def close(self) -> None:
        """Stop, and wait CLOSE_S for the reading thread: where Python ends while OpenCV decodes, the process aborts."""
        self.stop()
        self._thread.join(CLOSE_S)

    def _newer_than(self, seen: int) -> Frame | None:
        def newer() -> Frame | None:
            return self._newest if self._newest is not None and self._newest.number > seen else None

        with self._changed:
            return self._changed.wait_for(newer, timeout=0.5)

    def _read(self) -> None:
        number, pause_s = 0, FIRST_PAUSE_S
        while not self._stopped.is_set():
            camera = _opened(self._source)
            camera.set(cv2.CAP_PROP_FRAME_WIDTH, self._size[0])
            camera.set(cv2.CAP_PROP_FRAME_HEIGHT, self._size[1])
            apart_s = 1 / (film_fps(Path(self._source)) or 25.0) if Path(self._source).is_file() else 0.0
            due_s, before = time.monotonic(), number
            while not self._stopped.is_set():
                if not camera.grab():
                    break
                done, image = camera.retrieve()
                if not done:
                    self.faults["unreadable_frame"] += 1
                    continue
                self.trouble, pause_s = "", FIRST_PAUSE_S
                self._put(number, np.asarray(image, np.uint8))
                number += 1
                due_s += apart_s
                if apart_s:
                    self._stopped.wait(max(0.0, due_s - time.monotonic()))
            camera.release()
            is_film_that_ended = apart_s and number > before
            if not (is_film_that_ended or self.trouble or self._stopped.is_set()):
                self.trouble = _gone(self._source)
                log.warning("%s", self.trouble)
                self.faults["camera_gone"] += not apart_s
            self._stopped.wait(pause_s)
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _put(self, number: int, image: Image) -> None:
        now, ticks, fix = datetime.now(UTC), time.monotonic_ns(), self._fix_now()
        by = stamp(now, fix.utc if fix is not None else None, is_synchronised())
        with self._changed:
            self._newest = Frame(number, self._name, image, *by, ticks, fix)
            self._changed.notify()
