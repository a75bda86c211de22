"""Licence plates drawn onto vehicles of real photographs: blue, green, yellow, white and black ones, one row or two, sharp or blurred, by day or night.

`python -m demo.ride.plates --pictures DIR --vehicles LABELS --out DIR`: windows around vehicles with a plate each, and the plates' boxes as YOLO text.
Every number is made up: the letters O and I, which no plate bears, are in each.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from demo.ride.textures import FONTS

Pixels = npt.NDArray[np.uint8]
Box = tuple[float, float, float, float]
VEHICLES = {27, 28, 29, 26}  # car, bus, truck, motorcycle of the street network
WINDOW_PX = (640, 480)
LEAST_VEHICLE_PX = 48
PROVINCES = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新"
LETTERS, SIGNS = "ABCDEFGHJKLMNPQRSTUVWXYZ", "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"


@dataclass(frozen=True)
class Kind:
    """A kind of plate: its size in millimetres, ground, ink, rows, and how many signs follow province and letter."""

    size_mm: tuple[int, int]
    ground: tuple[int, int, int]
    ink: tuple[int, int, int]
    rows: int
    signs: int
    share: float


KINDS = (
    Kind((440, 140), (28, 66, 160), (245, 245, 245), 1, 5, 0.46),
    Kind((480, 140), (120, 190, 120), (20, 24, 20), 1, 6, 0.22),
    Kind((440, 140), (232, 170, 30), (24, 22, 18), 1, 5, 0.10),
    Kind((440, 220), (232, 170, 30), (24, 22, 18), 2, 5, 0.12),
    Kind((440, 140), (238, 238, 236), (24, 22, 20), 1, 5, 0.04),
    Kind((440, 140), (22, 22, 24), (240, 240, 240), 1, 5, 0.03),
    Kind((220, 140), (232, 170, 30), (24, 22, 18), 2, 4, 0.03),
)


def draw_plate(rng: np.random.Generator) -> Pixels:
    """One plate, BGR, about 500 px wide."""
    kind = KINDS[int(rng.choice(len(KINDS), p=[each.share for each in KINDS]))]
    width, height = kind.size_mm[0] * 500 // 440, kind.size_mm[1] * 500 // 440
    sheet = Image.new("RGB", (width, height), kind.ground)
    pen = ImageDraw.Draw(sheet)
    pen.rounded_rectangle((6, 6, width - 7, height - 7), 12, outline=kind.ink, width=5)
    head = rng.choice(list(PROVINCES)) + rng.choice(list(LETTERS))
    tail = "".join(rng.choice(list(SIGNS), kind.signs - 2)) + "OI"
    rows = [f"{head}·{tail}"] if kind.rows == 1 else [f"{head[0]}·{head[1]}", tail]
    for number, row in enumerate(rows):
        high = height / len(rows)
        font = _font(int(min(high * 0.72, 1.5 * width / (len(row) + 1))))
        pen.text((width / 2, high * (number + 0.5)), row, font=font, fill=kind.ink, anchor="mm")
    plate = np.asarray(sheet, np.uint8)[:, :, ::-1]
    dirt = cv2.resize(rng.uniform(0.75, 1.05, (3, 9)).astype(np.float32), (width, height))[..., None]
    return np.asarray(np.clip(plate * dirt, 0, 255), np.uint8)


def paste(picture: Pixels, vehicle: Box, rng: np.random.Generator) -> tuple[Pixels, Box]:
    """The picture with a plate on the lower part of a vehicle, and the plate's box. It takes the light and the blur of the place."""
    plate = draw_plate(rng)
    x1, y1, x2, y2 = vehicle
    wide = (x2 - x1) * float(rng.uniform(0.17, 0.32))
    high = wide * plate.shape[0] / plate.shape[1] * float(rng.uniform(0.8, 1.15))
    middle = np.array([x1 + (x2 - x1) * rng.uniform(0.3, 0.7), y1 + (y2 - y1) * rng.uniform(0.6, 0.9)])
    lean = rng.uniform(-0.12, 0.12, 2) * (high, wide)
    half = np.array([[-wide, -high], [wide, -high], [wide, high], [-wide, high]]) / 2
    narrow = 1 - abs(float(rng.normal(0, 0.18)))
    corners = middle + half * (max(narrow, 0.45), 1) + np.array([[0, -1], [0, 1], [0, 1], [0, -1]]) * lean[1] * 0.5
    source = np.array([[0, 0], [plate.shape[1], 0], [plate.shape[1], plate.shape[0]], [0, plate.shape[0]]], np.float32)
    warp = cv2.getPerspectiveTransform(source, corners.astype(np.float32))
    size = picture.shape[1], picture.shape[0]
    layer = cv2.warpPerspective(plate, warp, size, flags=cv2.INTER_AREA).astype(np.float32)
    cover = (
        cv2.warpPerspective(np.full(plate.shape[:2], 255, np.uint8), warp, size, flags=cv2.INTER_AREA)[..., None]
        / 255.0
    )
    around = picture[int(max(0, y1)) : int(y2) + 1, int(max(0, x1)) : int(x2) + 1]
    light = np.clip(float(around.mean()) / 110 * rng.uniform(0.7, 1.25), 0.25, 1.3)
    blurred = _blur(layer * light, rng)
    out = picture * (1 - cover) + blurred * cover
    out += rng.normal(0, rng.uniform(0, 5), picture.shape) * cover
    low, top = corners.min(axis=0), corners.max(axis=0)
    return np.asarray(np.clip(out, 0, 255), np.uint8), (float(low[0]), float(low[1]), float(top[0]), float(top[1]))


def windows(pictures: Path, vehicles: Path, out: Path, seed: int) -> int:
    """One window for each vehicle that is large enough; every vehicle in it that is bears a plate. Returns how many were written."""
    for part in ("images", "labels"):
        (out / part).mkdir(parents=True, exist_ok=True)
    written = 0
    for path in sorted(pictures.iterdir()):
        picture = cv2.imread(str(path))
        labels = vehicles / f"{path.stem}.txt"
        if picture is None or not labels.exists():
            continue
        rng = np.random.default_rng([seed, *path.stem.encode()])
        boxes = _boxes(labels, picture.shape[1], picture.shape[0])
        for number, box in enumerate(boxes):
            if box[2] - box[0] < LEAST_VEHICLE_PX:
                continue
            window, inside = _window(np.asarray(picture, np.uint8), box, boxes, rng)
            rows = []
            for each in inside:
                if each[2] - each[0] >= LEAST_VEHICLE_PX * 2:
                    window, plate = paste(window, each, rng)
                    rows.append(_row(plate))
            name = f"{path.stem}__{number}"
            cv2.imwrite(
                str(out / "images" / f"{name}.jpg"), window, [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 95))]
            )
            (out / "labels" / f"{name}.txt").write_text("".join(rows))
            written += 1
    return written


def _window(picture: Pixels, box: Box, boxes: list[Box], rng: np.random.Generator) -> tuple[Pixels, list[Box]]:
    wanted = float(rng.uniform(150, 520))
    scale = wanted / (box[2] - box[0])
    big = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA)
    w, h = WINDOW_PX
    middle = (
        (box[0] + box[2]) / 2 * scale + rng.uniform(-60, 60),
        (box[1] + box[3]) / 2 * scale + rng.uniform(-40, 40),
    )
    left = int(np.clip(middle[0] - w / 2, 0, max(0, big.shape[1] - w)))
    top = int(np.clip(middle[1] - h / 2, 0, max(0, big.shape[0] - h)))
    window = big[top : top + h, left : left + w]
    moved = [(b[0] * scale - left, b[1] * scale - top, b[2] * scale - left, b[3] * scale - top) for b in boxes]
    padded = cv2.copyMakeBorder(
        window, 0, h - window.shape[0], 0, w - window.shape[1], cv2.BORDER_CONSTANT, value=(114, 114, 114)
    )
    room = window.shape[1], window.shape[0]
    return np.asarray(padded, np.uint8), [
        b for b in moved if b[0] > -20 and b[1] > -60 and b[2] < room[0] + 20 and b[3] < room[1] + 20
    ]


def _boxes(labels: Path, width: int, height: int) -> list[Box]:
    boxes = []
    for line in labels.read_text().split("\n"):
        words = line.split()
        if words and int(words[0]) in VEHICLES:
            x, y, w, h = (float(word) for word in words[1:5])
            boxes.append(((x - w / 2) * width, (y - h / 2) * height, (x + w / 2) * width, (y + h / 2) * height))
    return boxes


def _row(plate: Box) -> str:
    x1, y1, x2, y2 = (edge / side for edge, side in zip(plate, WINDOW_PX * 2, strict=True))
    return f"0 {(x1 + x2) / 2:.5f} {(y1 + y2) / 2:.5f} {x2 - x1:.5f} {y2 - y1:.5f}\n"


def _blur(layer: npt.NDArray[np.float32], rng: np.random.Generator) -> npt.NDArray[np.float32]:
    length = int(rng.choice([1, 1, 3, 5, 7]))
    kernel = (length, 1) if rng.random() < 0.7 else (1, length)
    return np.asarray(cv2.GaussianBlur(cv2.blur(layer, kernel), (0, 0), float(rng.uniform(0.3, 1.4))), np.float32)


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    path = next((each for each in FONTS if each.exists()), None)
    return (
        ImageFont.truetype(str(path), size, index=2 if path.suffix == ".ttc" else 0)
        if path
        else ImageFont.load_default(size)
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=Path, required=True)
    parser.add_argument(
        "--vehicles", type=Path, required=True, help="YOLO labels with the street network's class numbers"
    )
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    print(f"{windows(args.pictures, args.vehicles, args.out, args.seed)} windows in {args.out}")  # noqa: T201


if __name__ == "__main__":
    main()
