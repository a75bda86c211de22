"""Runs a pack's network on pictures with ONNX Runtime: one thread unless told, no spinning."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import onnxruntime

from models.boxes import join_looks, keep_best
from models.packs import Label, MalformedPack, Pack
from models.pixels import Image, NetworkInput

OVERLAP = 0.5
FREE_SIDES = ("height", "width")
"""What the network of a pack for any aspect calls the sides of its input."""
LOOK_FLOOR = 0.01
"""What one of several looks must say of a box for it to count in their mean."""
F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Found:
    """One box in the full picture's pixels (x1, y1, x2, y2), its label, raw score and calibrated probability."""

    box_px: tuple[float, float, float, float]
    label: Label
    score: float
    probability: float


class Detector:
    """A pack made ready to look at pictures. Not for use by two threads at once: it keeps its input buffer.

    Who looks seldom says `keeps_memory=False` and calls `give_memory_back` after a look; to take it anew costs a fifth of a look.
    """

    def __init__(self, pack: Pack, threads: int = 1, *, keeps_memory: bool = True) -> None:
        self.pack = pack
        self._threads, self._keeps_memory = threads, keeps_memory
        self._session = self._load()
        self._input_name = self._session.get_inputs()[0].name
        self._inputs: dict[tuple[int, int], NetworkInput] = {}

    def detect(self, image: Image, floor: float | None = None, half: Image | None = None) -> list[Found]:
        """All boxes at or over their label's threshold, or over `floor` if that is given and lower. Best first. `half` is the picture halved, if it is at hand."""
        least, read = self._least(floor), _end_to_end if self.pack.end_to_end else _raw
        sides = self.pack.sides_px
        if not sides:
            return self._named(*self._boxes(image, self._shape(image), lambda output: read(output, least), half))
        low = np.minimum(least, LOOK_FLOOR)
        looks = [self._boxes(image, self._shape(image, side), lambda output: read(output, low)) for side in sides]
        found, said, named = (np.concatenate(part) for part in zip(*looks, strict=True))
        boxes, scores, classes = join_looks(found, said, named, len(sides))
        sure = scores >= least[classes]
        return self._named(boxes[sure], scores[sure], classes[sure])

    def suspects(self, image: Image, floors: Mapping[str, float], side_px: int | None = None) -> list[Found]:
        """Every box of these labels from its floor on that the network proposes, many of one thing: nothing hides behind a surer one.

        With `side_px` the picture is seen as if that were the pack's width and height.
        """
        least = np.array([floors.get(label.name, np.inf) for label in self.pack.labels], np.float32)
        read = _end_to_end if self.pack.end_to_end else _every
        return self._named(*self._boxes(image, self._shape(image, side_px), lambda output: read(output, least)))

    def _least(self, floor: float | None) -> F32:
        thresholds = [label.threshold for label in self.pack.labels]
        return np.array([each if floor is None else min(floor, each) for each in thresholds], np.float32)

    def _shape(self, image: Image, side: int | None = None) -> tuple[int, int]:
        return self.pack.shape_for(image.shape[0], image.shape[1], side)

    def _boxes(
        self,
        image: Image,
        shape: tuple[int, int],
        read: Callable[[F32], tuple[F32, F32, I64]],
        half: Image | None = None,
    ) -> tuple[F32, F32, I64]:
        """One look of the network at a picture, `shape` high and wide: boxes in the picture's pixels, scores, classes."""
        given, scale, left, top = self._input(shape).of(image, half)
        boxes, scores, classes = read(self._session.run(None, {self._input_name: given})[0][0])
        boxes = (boxes - np.array([left, top, left, top], np.float32)) / np.float32(scale)
        return np.clip(boxes, 0, np.array([image.shape[1], image.shape[0]] * 2, np.float32)), scores, classes

    def _named(self, boxes: F32, scores: F32, classes: I64) -> list[Found]:
        pack = self.pack
        return [
            Found((x1, y1, x2, y2), pack.labels[c], score, pack.probability(score, pack.labels[c]))
            for (x1, y1, x2, y2), score, c in zip(boxes.tolist(), scores.tolist(), classes.tolist(), strict=True)
            if x2 - x1 >= 1 and y2 - y1 >= 1
        ]

    def _input(self, shape: tuple[int, int]) -> NetworkInput:
        """The input of one shape; those of a look's few shapes are kept, by who keeps memory."""
        made = self._inputs.get(shape) or NetworkInput(shape, self.pack.pad, self.pack.scale, self.pack.rgb)
        if self._keeps_memory:
            if shape not in self._inputs and len(self._inputs) >= max(1, len(self.pack.sides_px)):
                del self._inputs[next(iter(self._inputs))]
            self._inputs[shape] = made
        return made

    def _load(self) -> onnxruntime.InferenceSession:
        """One session for every shape the network takes: one folded for each would be 1 % faster at most and hold its own copy of the weights."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = self._keeps_memory
        options.enable_mem_pattern = (
            False  # a planned block lies beside the arena: 20 MB more, and no run is quicker for it
        )
        try:
            session = onnxruntime.InferenceSession(str(self.pack.model), options, providers=["CPUExecutionProvider"])
        except Exception as wrong:  # onnxruntime's own exceptions share no base of use
            raise MalformedPack(f"{self.pack.model} cannot be loaded: {wrong}") from None
        self._check_shapes(session)
        return session

    def _check_shapes(self, session: onnxruntime.InferenceSession) -> None:
        pack = self.pack
        given, made = session.get_inputs()[0].shape, session.get_outputs()[0].shape
        sides = [pack.height, pack.width] if pack.sizes == "fixed" else list(FREE_SIDES)
        if list(given[1:]) != [3, *sides]:
            raise MalformedPack(f"{pack.model} takes {given}, its card says 3 x {sides[0]} x {sides[1]}")
        fits = made[2] == 6 if pack.end_to_end else made[1] == 4 + len(pack.labels)
        if len(made) != 3 or not fits:
            raise MalformedPack(f"{pack.model} gives {made}, which does not fit {len(pack.labels)} labels")


def give_memory_back() -> None:
    """Hand what was freed back to the system: after a look of 1280 px glibc would keep a hundred MB for the next."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)


def _raw(output: F32, least: F32) -> tuple[F32, F32, I64]:
    """Head [4 + classes, n] of centre x, centre y, width, height and scores: boxes after suppression."""
    scores = output[4:]
    survivors = np.nonzero(scores.max(axis=0) >= least.min())[0]
    classes = scores[:, survivors].argmax(axis=0)
    best = scores[classes, survivors]
    sure = best >= least[classes]
    survivors, classes, best = survivors[sure], classes[sure], best[sure]
    boxes = _corners(output[:4, survivors])
    kept = keep_best(boxes, best, classes, OVERLAP)
    return boxes[kept], best[kept], classes[kept]


def _every(output: F32, least: F32) -> tuple[F32, F32, I64]:
    """Of the same head every box of every class at or over `least`, best first: no class stands for another, no box for its neighbour."""
    scores = output[4:]
    classes, anchors = np.nonzero(scores >= least[:, None])
    order = np.argsort(-scores[classes, anchors], kind="stable")
    classes, anchors = classes[order], anchors[order]
    return _corners(output[:4, anchors]), scores[classes, anchors], classes


def _corners(middles: F32) -> F32:
    middle, half = middles[:2], middles[2:] / 2
    return np.asarray(np.concatenate((middle - half, middle + half)).T, np.float32)


def _end_to_end(output: F32, least: F32) -> tuple[F32, F32, I64]:
    """Rows [300, 6] of x1, y1, x2, y2, score, class, sorted by score."""
    classes = output[:, 5].astype(np.int64)
    sure = (classes >= 0) & (classes < len(least)) & (output[:, 4] >= least[np.clip(classes, 0, len(least) - 1)])
    return output[sure, :4], output[sure, 4], classes[sure]
