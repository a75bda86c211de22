"""`trikeye models preview`: a picture, a folder of pictures or a film with what a pack sees drawn into it."""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from models.packs import PackError, load_pack

if TYPE_CHECKING:
    from models.pixels import Image
    from models.runtime import Detector

PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help="a picture, a folder of pictures, or a film")
    parser.add_argument("--pack", default="street", help="a shipped pack's name, or a folder (default: %(default)s)")
    parser.add_argument("--out", type=Path, help="file or folder to write (default: preview-NAME beside the source)")
    parser.add_argument("--floor", type=float, help="show also what is below the pack's thresholds, down to this score")


def run(args: argparse.Namespace) -> int:
    from models.pixels import BadPicture
    from models.runtime import Detector

    try:
        if not args.source.exists():
            raise BadPicture(f"{args.source} does not exist; name a picture, a folder of pictures, or a film")
        detector = Detector(load_pack(args.pack))
        out, seen = preview(args.source, args.out, detector, args.floor)
    except (PackError, BadPicture, OSError) as wrong:
        print(f"trikeye models preview: {wrong}", file=sys.stderr)
        return 1
    print(f"{out}: " + (", ".join(f"{count} {name}" for name, count in seen.most_common()) or "nothing seen"))
    return 0


def preview(source: Path, out: Path | None, detector: Detector, floor: float | None) -> tuple[Path, Counter[str]]:
    """Write the preview and return where it is and what was seen. Raises BadPicture."""
    from models.films import FilmWriter, frames
    from models.pixels import BadPicture, encode_jpeg, read_picture

    seen: Counter[str] = Counter()
    if source.is_dir():
        pictures = sorted(path for path in source.iterdir() if path.suffix.lower() in PICTURES)
        if not pictures:
            raise BadPicture(f"{source} holds no pictures")
        out = out or source.with_name(f"preview-{source.name}")
        out.mkdir(parents=True, exist_ok=True)
        for path in pictures:
            (out / f"{path.stem}.jpg").write_bytes(encode_jpeg(draw(detector, read_picture(path), floor, seen), 90))
    elif source.suffix.lower() in PICTURES:
        out = out or source.with_name(f"preview-{source.stem}.jpg")
        out.write_bytes(encode_jpeg(draw(detector, read_picture(source), floor, seen), 90))
    else:
        out = out or source.with_name(f"preview-{source.stem}.mp4")
        film = FilmWriter(out)
        for number, image in enumerate(frames(source)):
            film.add(draw(detector, image, floor, seen))
            if sys.stderr.isatty() and number % 10 == 0:
                print(f"\rframe {number}", end="", file=sys.stderr, flush=True)
        film.close()
    return out, seen


def draw(detector: Detector, image: Image, floor: float | None, seen: Counter[str]) -> Image:
    """The image with every box and its name and score; what was seen is counted."""
    from models.pixels import draw_box, write_words

    for found in sorted(detector.detect(image, floor), key=lambda each: each.score):
        image = write_words(draw_box(image, found.box_px), f"{found.label.name} {found.score:.2f}", found.box_px[:2])
        seen[found.label.name] += 1
    return image
