"""The one door to pixels: decode, resize, blur, encode. Sizes are checked before anything is unpacked.

Images are uint8 [height, width, 3] in BGR order.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import numpy.typing as npt

Image = npt.NDArray[np.uint8]
MAX_PIXELS = 40_000_000
MAX_JPEG_BYTES = 32 * 1024 * 1024
GLANCE_PX, CELL_PX, WHITE, BARE = 416, 32, 250, 3
"""Of a first sight: its width, its cells, from which grey a pixel is white, and under which mean step from pixel to pixel a cell shows nothing."""
_FRAME_MARKERS = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}

cv2.setNumThreads(1)


class BadPicture(Exception):
    """The bytes are no picture that may be opened; the text says why."""


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height out of a JPEG's header, without unpacking it. Raises BadPicture."""
    if len(data) > MAX_JPEG_BYTES:
        raise BadPicture(f"the picture has {len(data)} bytes, the limit is {MAX_JPEG_BYTES}")
    if data[:2] != b"\xff\xd8":
        raise BadPicture("the picture is no JPEG")
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            raise BadPicture("the JPEG is damaged")
        marker = data[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker in _FRAME_MARKERS:
            height, width = struct.unpack(">HH", data[at + 5 : at + 9])
            if width * height > MAX_PIXELS or width == 0 or height == 0:
                raise BadPicture(f"the picture is {width} x {height}, the limit is {MAX_PIXELS} pixels")
            return width, height
        length = struct.unpack(">H", data[at + 2 : at + 4])[0]
        if length < 2 or marker == 0xDA:
            break
        at += 2 + length
    raise BadPicture("the JPEG has no size")


def decode_jpeg(data: bytes) -> Image:
    """Unpack a JPEG after checking its size. Raises BadPicture."""
    size = jpeg_size(data)
    image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if image is None or image.shape[:2] not in (size[::-1], size):
        raise BadPicture("the JPEG is damaged")
    return np.asarray(image, np.uint8)


def read_picture(path: Path) -> Image:
    """A picture file of any usual kind, of one's own disk. Raises BadPicture, MemoryError."""
    try:
        data = path.read_bytes()
    except OSError as wrong:
        raise BadPicture(f"{path} cannot be read: {wrong.strerror}") from None
    if data.startswith(b"\xff\xd8") and data.rfind(b"\xff\xd9") < data.rfind(b"\xff\xda"):
        # OpenCV would paint the missing part grey, and whatever is measured on it would be wrong.
        raise BadPicture(f"{path} is cut off: its last part is missing; copy it again")
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    except cv2.error as wrong:
        if wrong.code == cv2.Error.StsNoMem:
            raise MemoryError(str(path)) from None
        raise BadPicture(f"{path} cannot be unpacked: {wrong.err}") from None
    if image is None:
        raise BadPicture(f"{path} is no picture, or is cut off")
    return np.asarray(image, np.uint8)


def encode_jpeg(image: Image, quality: int = 85) -> bytes:
    """A JPEG of an image, without metadata."""
    done, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise BadPicture("the picture could not be encoded")
    return data.tobytes()


def resize(image: Image, width: int, height: int) -> Image:
    """Shrink (by area) or enlarge (linear) to a size."""
    shrinking = width < image.shape[1]
    return np.asarray(
        cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR), np.uint8
    )


def fit_within(image: Image, longest_px: int) -> Image:
    """The image itself, or a smaller copy whose longer side is `longest_px`."""
    height, width = image.shape[:2]
    scale = longest_px / max(width, height)
    return image if scale >= 1 else resize(image, max(1, round(width * scale)), max(1, round(height * scale)))


def draw_box(image: Image, box: tuple[float, float, float, float]) -> Image:
    """A copy with a box drawn on it, white inside black, so that it is seen on any ground."""
    out = image.copy()
    corners = (round(box[0]), round(box[1])), (round(box[2]), round(box[3]))
    cv2.rectangle(out, *corners, (0, 0, 0), 3)
    cv2.rectangle(out, *corners, (255, 255, 255), 1)
    return out


def write_words(image: Image, words: str, at: tuple[float, float]) -> Image:
    """A copy with words in Latin letters above a point, or below it at the upper edge."""
    out = image.copy()
    origin = (max(2, round(at[0])), round(at[1]) - 4 if at[1] > 14 else round(at[1]) + 12)
    for colour, thick in (((0, 0, 0), 3), ((255, 255, 255), 1)):
        cv2.putText(out, words, origin, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, thick, cv2.LINE_AA)
    return out


def cut_out(image: Image, box: tuple[float, float, float, float], side_px: int) -> Image:
    """The part of an image inside a box, as a square; what lies outside of the image is grey."""
    x1, y1, x2, y2 = (round(edge) for edge in box)
    padded = cv2.copyMakeBorder(
        image[max(0, y1) : max(0, y2), max(0, x1) : max(0, x2)], max(0, -y1), max(0, y2 - image.shape[0]),
        max(0, -x1), max(0, x2 - image.shape[1]), cv2.BORDER_CONSTANT, value=(128, 128, 128),
    )  # fmt: skip
    return np.asarray(cv2.resize(padded, (side_px, side_px), interpolation=cv2.INTER_AREA), np.uint8)


def letterbox(image: Image, canvas: Image) -> tuple[float, float, float]:
    """Scale `image` into the middle of `canvas` (kept, its border already filled). Returns scale, left, top in pixels."""
    scale, left, top, width, height = _middle(image, canvas.shape[:2])
    inner = canvas[top : top + height, left : left + width]
    cv2.resize(image, (width, height), dst=inner, interpolation=cv2.INTER_LINEAR)
    return scale, left, top


def _middle(image: Image, shape: tuple[int, int]) -> tuple[float, int, int, int, int]:
    """How a picture lies in the middle of `shape` (height, width): scale, left, top, and its width and height there."""
    height, width = image.shape[:2]
    scale = min(shape[1] / width, shape[0] / height)
    inner_w, inner_h = round(width * scale), round(height * scale)
    return scale, (shape[1] - inner_w) // 2, (shape[0] - inner_h) // 2, inner_w, inner_h


def paste_warped(
    source: npt.NDArray[np.float32], matrix: npt.NDArray[np.float64], onto: npt.NDArray[np.float32]
) -> None:
    """Draw `source` into `onto` where the affine `matrix` [2, 3] takes its pixels; the rest of `onto` stays."""
    cv2.warpAffine(
        source, matrix, (onto.shape[1], onto.shape[0]), dst=onto, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_TRANSPARENT
    )  # fmt: skip


def blob(canvas: Image, scale: float, rgb: bool) -> npt.NDArray[np.float32]:
    """A canvas as a network's input: float32 [1, 3, height, width], values times `scale`."""
    planes = cv2.split(canvas)
    return np.stack(planes[::-1] if rgb else planes)[None] * np.float32(scale)


class NetworkInput:
    """The same for picture after picture and in one go: what `letterbox` and `blob` make, in memory that is kept."""

    def __init__(self, shape: tuple[int, int], pad: int, scale: float, rgb: bool) -> None:
        self._shape, self._pad, self._scale, self._rgb = shape, pad, np.float32(scale), rgb
        self._given = np.empty((1, 3, *shape), np.float32)
        self._inner: Image | None = None
        self._planes: Sequence[Image] = []

    def of(self, image: Image, half: Image | None = None) -> tuple[npt.NDArray[np.float32], float, int, int]:
        """The input, good until the next call, and scale, left and top in it. `half` is what a `Halver` made of the picture: it may have the size already."""
        scale, left, top, width, height = _middle(image, self._shape)
        if self._inner is None or self._inner.shape[:2] != (height, width):
            self._inner = np.empty((height, width, 3), np.uint8)
            self._planes = [np.empty((height, width), np.uint8) for _ in range(3)]
            self._given[:] = self._pad * self._scale
        if half is None or half.shape != self._inner.shape:
            half = np.asarray(cv2.resize(image, (width, height), dst=self._inner), np.uint8)
        planes = cv2.split(half, self._planes)
        for plane, out in zip(planes[::-1] if self._rgb else planes, self._given[0], strict=True):
            np.multiply(plane, self._scale, out=out[top : top + height, left : left + width])
        return self._given, scale, left, top


def suppressed(
    boxes: Sequence[Sequence[float]], scores: Sequence[float], classes: Sequence[int], overlap: float
) -> list[int]:
    """Which of many boxes (left, top, width, height) stay, best first: none that a better one of its class overlaps by more. A fifth of what numpy takes."""
    return list(map(int, cv2.dnn.NMSBoxesBatched(boxes, scores, classes, -1.0, overlap))) if len(boxes) else []


def make_unreadable(image: Image, boxes: Iterable[tuple[float, float, float, float]]) -> Image:
    """A copy in which each box is reduced to a few flat cells and smoothed: nothing fine is left to bring back."""
    out = image.copy()
    height, width = image.shape[:2]
    for x1, y1, x2, y2 in boxes:
        a, b = max(0, int(np.floor(x1))), max(0, int(np.floor(y1)))
        c, d = min(width, int(np.ceil(x2))), min(height, int(np.ceil(y2)))
        if c <= a or d <= b:
            continue
        cells = (max(1, min(4, (c - a) // 8)), max(1, min(4, (d - b) // 8)))
        small = cv2.resize(out[b:d, a:c], cells, interpolation=cv2.INTER_AREA)
        out[b:d, a:c] = cv2.GaussianBlur(cv2.resize(small, (c - a, d - b), interpolation=cv2.INTER_LINEAR), (5, 5), 0)
    return out


class Glance(NamedTuple):
    """How a picture looks at first sight: mean grey 0..255, sharpness, and cells [rows, 13] without structure, or for more than half white."""

    brightness: float
    sharpness: float
    bare: npt.NDArray[np.bool_]
    white: npt.NDArray[np.bool_]


class Halver:
    """Pictures at half their size, for `glance` and `NetworkInput` together, in memory that is kept; a picture whose half is too narrow for a glance stays as it is."""

    def __init__(self) -> None:
        self._kept: Image | None = None

    def of(self, image: Image) -> Image:
        """The picture's half, good until the next call, or the picture itself."""
        height, width = image.shape[:2]
        if width < 2 * GLANCE_PX:
            return image
        self._kept = np.asarray(cv2.resize(image, (width // 2, height // 2), dst=self._kept), np.uint8)
        return self._kept


def glance(image: Image) -> Glance:
    """All that a first sight tells, in one pass over a grey picture 416 wide; its cells are of 32 x 32, judged at a quarter of the size, where a sensor's noise is gone."""
    grey = _grey(image)
    rows = max(1, grey.shape[0] // CELL_PX)
    quarter = cv2.resize(grey[: rows * CELL_PX], (GLANCE_PX // 4, rows * CELL_PX // 4), interpolation=cv2.INTER_AREA)
    cells = (GLANCE_PX // CELL_PX, rows)
    structure = cv2.resize(np.abs(cv2.Laplacian(quarter, cv2.CV_16S)), cells, interpolation=cv2.INTER_AREA)
    is_white = cv2.threshold(quarter, WHITE - 1, 255, cv2.THRESH_BINARY)[1]
    white = cv2.resize(is_white, cells, interpolation=cv2.INTER_AREA)
    return Glance(cv2.mean(grey)[0], _sharpness(grey), structure < BARE, white > 127)


def brightness_and_sharpness(image: Image) -> tuple[float, float]:
    """Mean grey 0..255 and the variance of the Laplacian on a picture 416 wide: small when blurred or covered."""
    grey = _grey(image)
    return cv2.mean(grey)[0], _sharpness(grey)


def _grey(image: Image) -> npt.NDArray[np.uint8]:
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)  # one channel is shrunk at a third of the price of three
    return np.asarray(cv2.resize(grey, (GLANCE_PX, max(1, image.shape[0] * GLANCE_PX // image.shape[1]))), np.uint8)


def _sharpness(grey: npt.NDArray[np.uint8]) -> float:
    return float(cv2.meanStdDev(cv2.Laplacian(grey, cv2.CV_16S))[1][0, 0]) ** 2
