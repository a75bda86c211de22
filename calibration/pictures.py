"""Pictures, films and cameras in, pictures with lines drawn into them out. A door to OpenCV."""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from calibration.words import of_file

Image = npt.NDArray[np.uint8]
Array = npt.NDArray[np.float64]
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"}
WINDOWS = 60
"""Of a film the sharpest frame of each of so many stretches is looked at."""
SHORTEST_FRAMES = 5

cv2.setNumThreads(1)
cv2.utils.logging.setLogLevel(0)  # what cannot be opened is told in our words


class Unreadable(Exception):
    """No picture comes from there; the text says why."""


def files_of(sources: Sequence[str]) -> list[Path]:
    """Pictures and films that names, folders and patterns with * stand for, each once. Raises Unreadable."""
    files: list[Path] = []
    for source in sources:
        path = Path(source)
        if path.is_dir():
            found = [each for each in sorted(path.iterdir()) if each.suffix.lower() in PICTURES]
        else:
            found = [path] if path.exists() else [Path(each) for each in sorted(glob.glob(source))]
        if not found:
            raise Unreadable(f"{source}: there {'are no pictures in it' if path.is_dir() else 'is no such file'}")
        files += [each for each in found if each not in files]
    return files


def read_grey(path: Path) -> Image:
    """A picture [height, width] in grey, turned as its EXIF says. Raises Unreadable."""
    return _read(path, cv2.IMREAD_GRAYSCALE)


def read_colour(path: Path) -> Image:
    """A picture [height, width, 3] in BGR, turned as its EXIF says; of a film its middle frame. Raises Unreadable."""
    if path.suffix.lower() in PICTURES:
        return _read(path, cv2.IMREAD_COLOR)
    film = _film(path)
    try:
        count = int(film.get(cv2.CAP_PROP_FRAME_COUNT))
        film.set(cv2.CAP_PROP_POS_FRAMES, max(0, count // 2))
        done, frame = film.read()
    finally:
        film.release()
    if not done:
        raise Unreadable(f"{path}: no frame of it can be decoded")
    return np.asarray(frame, np.uint8)


def _read(path: Path, how: int) -> Image:
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
        image = cv2.imdecode(data, how) if data.size else None
    except OSError as wrong:
        raise Unreadable(of_file(path, wrong)) from None
    except cv2.error:
        image = None
    if image is None:
        raise Unreadable(f"{path} is no picture, or is damaged")
    return np.asarray(image, np.uint8)


def sharp_frames(path: Path) -> Iterator[tuple[str, Image]]:
    """The sharpest frame of each stretch of a film, in grey, with a name that tells its number. Raises Unreadable."""
    film = _film(path)
    try:
        stretch = max(SHORTEST_FRAMES, int(film.get(cv2.CAP_PROP_FRAME_COUNT)) // WINDOWS)
        best, best_sharp, number = None, -1.0, 0
        while (read := film.read())[0]:
            grey = cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY)
            sharp = float(
                cv2.Laplacian(cv2.resize(grey, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), cv2.CV_32F).var()
            )
            number += 1
            if sharp > best_sharp:
                best, best_sharp = (f"{path.name} frame {number}", np.asarray(grey, np.uint8)), sharp
            if number % stretch == 0 and best is not None:
                yield best
                best, best_sharp = None, -1.0
        if best is not None:
            yield best
    finally:
        film.release()
    if not number:
        raise Unreadable(f"{path} is neither a picture nor a film that can be decoded")


def live_frames(source: str) -> Iterator[Image]:
    """What a camera shows, in grey, until it ends: a number, a device, an address or a film. Raises Unreadable."""
    camera = _opened(int(source) if source.isdigit() else source)
    try:
        while (read := camera.read())[0]:
            yield np.asarray(cv2.cvtColor(read[1], cv2.COLOR_BGR2GRAY), np.uint8)
    finally:
        camera.release()


def film_rate(path: Path) -> float:
    """Pictures a second of a film; 0 if it does not say. Raises Unreadable."""
    film = _film(path)
    rate = float(film.get(cv2.CAP_PROP_FPS))
    film.release()
    return rate if 0.1 < rate < 240 else 0.0


def _film(path: Path) -> cv2.VideoCapture:
    try:
        path.open("rb").close()
    except OSError as wrong:
        raise Unreadable(of_file(path, wrong)) from None
    film = cv2.VideoCapture(str(path))
    if not film.isOpened():
        raise Unreadable(f"{path} is neither a picture nor a film that can be decoded")
    return film


def _opened(source: str | int) -> cv2.VideoCapture:
    film = cv2.VideoCapture(source)
    if not film.isOpened():
        what = f"camera {source}" if isinstance(source, int) or source.startswith("/dev/") else source
        raise Unreadable(f"{what} cannot be opened; is it there, may you read it, and does nobody else hold it?")
    return film


def draw_lines(image: Image, lines: Sequence[tuple[Sequence[Array], str, tuple[int, int, int], int]]) -> Image:
    """A copy with lines drawn into it: each is its strokes [N, 2] in pixels, a label, BGR colour, and thickness.

    A label is put where its line begins in the picture, and left out if another is there.
    """
    out, scale = image.copy(), max(0.4, image.shape[1] / 1800)
    for strokes, _, colour, thick in lines:
        corners = [np.round(stroke * 16).astype(np.int32).reshape(-1, 1, 2) for stroke in strokes]
        cv2.polylines(out, corners, False, colour, thick, cv2.LINE_AA, shift=4)
    taken: list[tuple[int, int]] = []
    for strokes, words, colour, _ in lines:
        if not words:
            continue
        x, y = _begin(strokes, image.shape[1], image.shape[0])
        at = (
            round(min(max(2, x), image.shape[1] - 20 * scale * len(words))),
            round(min(max(25 * scale, y - 4), image.shape[0] - 4)),
        )
        if any(abs(at[0] - left) < 100 * scale and abs(at[1] - low) < 38 * scale for left, low in taken):
            continue
        taken.append(at)
        _write(out, words, at, scale, colour)
    return out


def _write(image: Image, words: str, at: tuple[int, int], scale: float, colour: tuple[int, int, int]) -> None:
    """A label on a dark ground of its own: lines behind it would strike it through."""
    (width, height), below = cv2.getTextSize(words, cv2.FONT_HERSHEY_SIMPLEX, scale, 1)
    x, y = at
    cv2.rectangle(image, (x - 2, y - height - 2), (x + width + 2, y + below), (0, 0, 0), cv2.FILLED)
    cv2.putText(image, words, at, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, 1, cv2.LINE_AA)


def _begin(strokes: Sequence[Array], width: int, height: int) -> tuple[float, float]:
    """The first point of a line that is in the picture, else its first one."""
    points = np.concatenate(strokes)
    inside = ((points >= 0) & (points < (width, height))).all(axis=1)
    x, y = points[int(np.argmax(inside))]
    return float(x), float(y)


def encoded(image: Image, suffix: str) -> bytes:
    """An image as a file's bytes, its kind by the suffix. Raises Unreadable."""
    try:
        done, data = cv2.imencode(suffix, image)
    except cv2.error:
        done = False
    if not done:
        raise Unreadable(f"'{suffix}' is no kind of picture that can be written; take .png or .jpg")
    return bytes(data.tobytes())
