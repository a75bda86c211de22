"""Whether the drawn street looks like a street: how many of the sample ride's cars and people a network trained on COCO finds.

`.venv-training/bin/python benchmarks/coco_sees.py WEIGHTS.pt` (every tenth frame, things taller than 60 px and at least half visible, IoU over 0.4)
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import cv2

from models.training.measure import overlap

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "ride" / "sample"
COCO = {"person": {0}, "car": {2, 5, 7}}
TALLER_PX, VISIBLE, EVERY, OVERLAP = 60, 0.5, 10, 0.4


def main() -> int:
    """Print found of there, by kind."""
    from ultralytics import YOLO

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("--imgsz", type=int, default=960)
    args = parser.parse_args()
    truth = json.loads((SAMPLE / "truth.json").read_text())
    network, video = YOLO(str(args.weights)), cv2.VideoCapture(str(SAMPLE / "video.mp4"))
    there, found = Counter[str](), Counter[str]()
    for number in range(truth["frames"]):
        image = video.read()[1]
        if number % EVERY:
            continue
        boxes = network.predict(image, imgsz=args.imgsz, conf=0.25, verbose=False)[0].boxes
        for other in truth["others"]:
            wanted = COCO.get(other["class"])
            for frame, x1, y1, x2, y2, share, _ in other["views"]:
                if wanted and frame == number and y2 - y1 > TALLER_PX and share >= VISIBLE:
                    there[other["class"]] += 1
                    found[other["class"]] += any(
                        int(c) in wanted and overlap((x1, y1, x2, y2), tuple(box)) > OVERLAP
                        for c, box in zip(boxes.cls.tolist(), boxes.xyxy.tolist(), strict=True)
                    )
    for kind, count in there.items():
        print(f"{kind}: {found[kind]} of {count} ({found[kind] / count:.0%})")
    print(f"all: {found.total()} of {there.total()} ({found.total() / there.total():.0%})")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
