"""A ride out of photographs that have nothing to do with each other: one scene a frame, so far apart that no thing is taken for another's."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from calibration.camera import camera_of_field_of_view
from calibration.files import DEFAULT_FIELD_OF_VIEW_DEG, DEFAULT_MOUNT
from calibration.geodesy import east_north, moved
from calibration.ground import NoGround, ground_from_pixel
from demo.ride.drive import ORIGIN_DEG, STREET_HEADING_DEG
from models.packs import load_pack

WIDTH, HEIGHT, GREY = 960, 720, 114
APART_M, APART_S = 16.0, 4.0
RAISED_RANGE_M = 10.0
KINDS = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def ride_from_photos(photos: Path, out: Path, labels: Path | None, limit: int | None) -> int:
    """Write the ride and return how many photographs it has. Truth is made of `labels` (YOLO text by the picture's name), if given.

    Raises FileNotFoundError if there is no photograph or one is broken, ValueError for labels that are none.
    """
    found = sorted(path for path in photos.iterdir() if path.suffix.lower() in KINDS)[:limit]
    if not found:
        raise FileNotFoundError(f"{photos} holds no pictures ({', '.join(sorted(KINDS))})")
    out.mkdir(parents=True, exist_ok=True)
    classes = load_pack("street").labels
    camera, mount = camera_of_field_of_view(WIDTH, HEIGHT, DEFAULT_FIELD_OF_VIEW_DEG), DEFAULT_MOUNT
    rows: list[tuple[str, ...]] = []
    problems: list[dict[str, Any]] = []
    for number, path in enumerate(found):
        lat, lon = moved(*ORIGIN_DEG, *east_north(STREET_HEADING_DEG, number * APART_M, 0.0))
        rows.append((f"{number * APART_S:.1f}", f"{lat:.8f}", f"{lon:.8f}", f"{STREET_HEADING_DEG}", "1.0"))
        scale, left, top = _write_frame(path, out / f"{number:04d}.jpg")
        for class_number, box in _boxes(labels / f"{path.stem}.txt" if labels else None):
            if not 0 <= class_number < len(classes):
                raise ValueError(
                    f"the labels of {path.name} name class {class_number}; the street pack has 0 to {len(classes) - 1}"
                )
            label = classes[class_number]
            if label.role != "problem":
                continue
            x1, y1, x2, y2 = (
                box[0] * scale[0] + left,
                box[1] * scale[1] + top,
                box[2] * scale[0] + left,
                box[3] * scale[1] + top,
            )
            try:
                ground = ground_from_pixel(((x1 + x2) / 2, y2), camera, mount)
                forward_m, left_m = ground.forward_m, ground.left_m
            except NoGround:
                forward_m, left_m = RAISED_RANGE_M, 0.0
            foot = moved(lat, lon, *east_north(STREET_HEADING_DEG, forward_m, left_m))
            view = [
                number,
                round(x1),
                round(y1),
                round(x2),
                round(y2),
                1.0,
                round(float(np.hypot(forward_m, left_m)), 1),
            ]
            problems.append(
                {
                    "id": len(problems) + 1,
                    "category": label.category,
                    "class": label.name,
                    "lat": foot[0],
                    "lon": foot[1],
                    "size_m": [],
                    "views": [view],
                }
            )
    _write(
        out,
        rows,
        {
            "version": 1,
            "photos": True,
            "frames": len(found),
            "fps": 1 / APART_S,
            "problems": problems,
            "others": [],
            "poses": [],
        },
    )
    return len(found)


def _write_frame(source: Path, target: Path) -> tuple[tuple[float, float], float, float]:
    """The photograph in the middle of a grey frame of one size. Returns the frame's pixels per share of width and height, and the offset."""
    image = cv2.imread(str(source), cv2.IMREAD_COLOR)
    if image is None:
        raise FileNotFoundError(f"{source} is no picture")
    scale = min(WIDTH / image.shape[1], HEIGHT / image.shape[0])
    inner = (round(image.shape[1] * scale), round(image.shape[0] * scale))
    left, top = (WIDTH - inner[0]) // 2, (HEIGHT - inner[1]) // 2
    frame = np.full((HEIGHT, WIDTH, 3), GREY, np.uint8)
    frame[top : top + inner[1], left : left + inner[0]] = cv2.resize(image, inner)
    cv2.imwrite(str(target), frame, [cv2.IMWRITE_JPEG_QUALITY, 92])
    return inner, left, top


def _boxes(path: Path | None) -> list[tuple[int, tuple[float, float, float, float]]]:
    """Class number and corners, as shares of the photograph."""
    if path is None or not path.exists():
        return []
    boxes = []
    for line in path.read_text().splitlines():
        try:
            number, x, y, w, h = (float(part) for part in line.split()[:5])
        except ValueError:
            raise ValueError(f"{path}: expected 'class x y width height', found {line[:80]!r}") from None
        boxes.append((int(number), (x - w / 2, y - h / 2, x + w / 2, y + h / 2)))
    return boxes


def _write(out: Path, rows: list[tuple[str, ...]], truth: dict[str, Any]) -> None:
    with (out / "track.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(("t_s", "lat", "lon", "heading_deg_cw_from_north", "pos_accuracy_m"))
        table.writerows(rows)
    (out / "ride.toml").write_text(f'vehicle = "TY-01"\nstart = "2026-11-02T01:30:00+00:00"\nfps = {1 / APART_S}\n')
    (out / "truth.json").write_text(json.dumps(truth))
