"""`trikeye models preview`: a picture, a folder of pictures or a film with what a pack sees drawn into it."""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from models.packs import PackError, load_pack

if TYPE_CHECKING:
    from models.packs import Label
    from models.pixels import Image
    from models.runtime import Detector

T = TypeVar("T")
PICTURES = {".jpg", ".jpeg", ".png", ".webp", ".bmp"}
SAID_EVERY_S = 10.0
"""How often progress is told where there is no terminal."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", type=Path, help="a picture, a folder of pictures, or a film")
    parser.add_argument("--pack", default="street", help="a shipped pack's name, or a folder (default: %(default)s)")
    parser.add_argument(
        "--out", type=Path, help="file or folder to write (default: preview-NAME in the present folder)"
    )
    parser.add_argument(
        "--floor",
        type=score,
        metavar="0..1",
        help="show also what is below the pack's thresholds, down to this score",
    )


def run(args: argparse.Namespace) -> int:
    from models.pixels import BadPicture
    from models.runtime import Detector

    try:
        if not args.source.exists():
            raise BadPicture(f"{args.source} does not exist; name a picture, a folder of pictures, or a film")
        pack = load_pack(args.pack)
        detector = Detector(pack)
        out, seen = preview(args.source, args.out, detector, args.floor)
    except (PackError, BadPicture) as wrong:
        print(f"trikeye models preview: {wrong}", file=sys.stderr)
        return 1
    except OSError as wrong:
        print(f"trikeye models preview: {wrong.filename} cannot be written or read: {wrong.strerror}; --out names another place", file=sys.stderr)  # fmt: skip
        return 1
    live = set(pack.card.get("live", []))
    print(f"{out}: " + (", ".join(f"{n} {name_of(label, live)}" for label, n in seen.most_common()) or "nothing seen"))
    return 0


def name_of(label: Label, live: set[str]) -> str:
    """A label as the network calls it, and the category that it stands for, if it is a problem; marked where that is in shadow."""
    if label.role != "problem":
        return f"{label.name} (no problem)"
    return f"{label.name} ({label.category}{'' if label.category in live else ', in shadow'})"


def score(words: str) -> float:
    """An argument that is a score. Raises what argparse tells."""
    value = float(words)
    if not 0 <= value <= 1:
        raise argparse.ArgumentTypeError(f"{words} is no score between 0 and 1")
    return value


def preview(source: Path, out: Path | None, detector: Detector, floor: float | None) -> tuple[Path, Counter[Label]]:
    """Write the preview and return where it is and what was seen. Raises BadPicture."""
    from models.films import FilmWriter, frames, length
    from models.pixels import BadPicture, encode_jpeg, read_picture

    seen: Counter[Label] = Counter()
    if source.is_dir():
        pictures = sorted(path for path in source.iterdir() if path.suffix.lower() in PICTURES)
        if not pictures:
            raise BadPicture(f"{source} holds no pictures")
        out = out or Path(f"preview-{source.resolve().name}")
        out.mkdir(parents=True, exist_ok=True)
        for path in _with_progress(pictures, "picture", len(pictures)):
            (out / f"{path.stem}.jpg").write_bytes(encode_jpeg(draw(detector, read_picture(path), floor, seen), 90))
    elif source.suffix.lower() in PICTURES:
        out = out or Path(f"preview-{source.stem}.jpg")
        out.write_bytes(encode_jpeg(draw(detector, read_picture(source), floor, seen), 90))
    else:
        out = out or Path(f"preview-{source.stem}.mp4")
        film = FilmWriter(out)
        for image in _with_progress(frames(source), "frame", length(source)):
            film.add(draw(detector, image, floor, seen))
        film.close()
    return out, seen


def _with_progress(images: Iterable[T], what: str, of: int) -> Iterator[T]:
    """What is drawn into next, on a terminal in one line that is kept up to date, elsewhere now and then."""
    terminal, said_s = sys.stderr.isatty(), 0.0
    for number, image in enumerate(images, start=1):
        if time.monotonic() - said_s > (0.2 if terminal else SAID_EVERY_S):
            said_s = time.monotonic()
            line = f"{what} {number}{f' of {of}' if of else ''}"
            print(f"\r{line}" if terminal else line, end="" if terminal else "\n", file=sys.stderr, flush=True)
        yield image
    if terminal:
        print(file=sys.stderr)


def draw(detector: Detector, image: Image, floor: float | None, seen: Counter[Label]) -> Image:
    """The image with every box and its name and score; what was seen is counted."""
    from models.pixels import draw_box, write_words

    for found in sorted(detector.detect(image, floor), key=lambda each: each.score):
        image = write_words(draw_box(image, found.box_px), f"{found.label.name} {found.score:.2f}", found.box_px[:2])
        seen[found.label] += 1
    return image
