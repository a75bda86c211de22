"""Pictures like those a network will see, for what is measured on pictures rather than learnt from them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt

from models.films import frames
from models.pixels import BadPicture, Image, blob, letterbox, read_picture
from models.training.data import street_folder
from models.training.dataset import PICTURES, read_set

SAMPLE_RIDE = Path(__file__).resolve().parents[2] / "demo" / "ride" / "sample" / "video.mp4"


def examples(source: Path | None, count: int) -> list[Image]:
    """`count` pictures (fewer if there are not so many) spread evenly over a folder, a YOLO set's train split (its data.yaml) or a film.

    Without a source they are the street photographs of train where there are any, else frames of the sample ride. Raises BadSet, BadPicture.
    """
    if source is None:
        try:
            source = street_folder() / "data.yaml"
        except FileNotFoundError:
            source = SAMPLE_RIDE
    if source.is_dir():
        paths = sorted(path for path in source.rglob("*") if path.suffix.lower() in PICTURES)
    elif source.suffix in (".yaml", ".yml"):
        paths = [sample.picture for sample in read_set(source, "train")]
    else:
        wanted = set(_spread(sum(1 for _ in frames(source)), count))
        return [image for number, image in enumerate(frames(source)) if number in wanted]
    if not paths:
        raise BadPicture(f"no pictures in {source}")
    return [read_picture(paths[number]) for number in _spread(len(paths), count)]


def seen(
    image: Image, shape: tuple[int, int], pad: int = 114, scale: float = 1 / 255, rgb: bool = True
) -> npt.NDArray[np.float32]:
    """A picture as a network of this input (height, width) gets it: float32 [1, 3, height, width]."""
    canvas = np.full((*shape, 3), pad, np.uint8)
    letterbox(image, canvas)
    return blob(canvas, scale, rgb)


def _spread(of: int, count: int) -> list[int]:
    """At most `count` of the numbers below `of`, evenly."""
    return [number * of // count for number in range(count)] if of > count else list(range(of))
