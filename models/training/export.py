"""A checkpoint, or the network of a pack, made into a pack: ONNX for ONNX Runtime, checked against the network it came from."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from models.films import frames
from models.packs import Pack, load_pack, shipped_packs
from models.pixels import Image
from models.runtime import FREE_SIDES
from models.shapes import STRIDE_PX, Sizes, input_shape
from models.training.classes import CLASSES, NetworkClass
from models.training.examples import SAMPLE_RIDE, seen
from models.training.packfile import LICENCE, new_pack, pack_like, write_pack

OPSET = 17
MAX_SCORE_DIFFERENCE = 1e-3
MAX_BOX_DIFFERENCE_PX = 0.5
SURE, MIN_AGREEMENT = 0.25, 0.6
"""Of the float network's scores over the first, this share must be kept by an int8 one; below that it is broken, not coarse."""
REDACTION = tuple(NetworkClass(name, "", "context") for name in ("head", "plate", "person", "vehicle"))
Shape = tuple[int, int]
F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Size:
    """The network's input in pixels, and what a picture's shape makes of it (models/shapes.py)."""

    width: int = 640
    height: int = 384
    sizes: Sizes = "fixed"

    @classmethod
    def parse(cls, text: str) -> Size:
        """ "640x384"; "aspect:640x640", "wide:640x640" or one of the words alone for 640x640. Raises ValueError."""
        parts = re.fullmatch(r"(?:(aspect|wide)(?::|$))?(?:(\d+)x(\d+))?", text)
        sides = [int(each or 640) for each in parts.groups()[1:]] if parts and text else []
        if parts is None or not sides or any(side % STRIDE_PX or not 32 <= side <= 4096 for side in sides):
            raise ValueError(
                f"{text!r} is no input: WIDTHxHEIGHT, each a multiple of 32 from 32 to 4096, or aspect, or wide"
            )
        sizes: Sizes = "aspect" if parts[1] == "aspect" else "wide" if parts[1] else "fixed"
        return cls(sides[0], sides[1], sizes)

    def shape_for(self, height: int, width: int) -> Shape:
        """Height and width of the input for a picture of this size."""
        return input_shape(self.sizes, height, width, self.height, self.width)

    def shapes(self) -> list[Shape]:
        """Inputs to check: all there is, or lying, upright, square and tiny."""
        given = [(self.height, self.width), (9, 16), (16, 9), (1, 1), (1, 9)]
        return list(dict.fromkeys(self.shape_for(*each) for each in given))


@dataclass(frozen=True)
class Source:
    """Where a network comes from: its checkpoint, and the pack it was in or the classes it knows."""

    checkpoint: Path
    pack: Pack | None
    classes: Sequence[NetworkClass] = CLASSES


def export(
    source: str, out: Path, name: str, size: Size, examples: Sequence[Image] = (), card: Mapping[str, Any] | None = None
) -> dict[str, float]:
    """Write model.onnx and pack.toml into `out`, whole or not at all, and return how far the ONNX and its network differ.

    `card` is added to what the card says. With `examples` it is quantised to int8 by what these give. Raises ValueError if the difference is too large or the source unfit.
    """
    with written_aside(out) as part, tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        given = open_source(source, Path(folder))
        made = to_onnx(given, size)
        differences = compare(given.checkpoint, run_onnx(made), size)
        if examples:
            from models.training.quantise import quantise

            whole, made = made, made.with_name("int8.onnx")
            quantise(whole, made, [seen(each, size.shape_for(*each.shape[:2])) for each in examples])
            differences = {"agreement": agreement(run_onnx(whole), run_onnx(made), examples[:16], size)}
        shutil.copy(made, part / "model.onnx")
        about = described(given, name, part / "model.onnx", size)
        write_pack(part, about | {"card": about["card"] | (card or {})})
    return differences


def described(source: Source, name: str, model: Path, size: Size) -> dict[str, Any]:
    """What pack.toml says of a network made of `source`."""
    about = name, model, size.width, size.height, size.sizes
    return pack_like(source.pack, *about) if source.pack else new_pack(*about, source.classes)


@contextmanager
def written_aside(out: Path) -> Iterator[Path]:
    """A folder that takes the place of `out` when all went well. ValueError if `out` holds what is no export."""
    own = {"model.onnx", "pack.toml", "measured.json", "crossvalidated.json", "about.json"}
    others = (
        sorted(path.name for path in out.iterdir() if path.name not in own and not path.name.startswith("model."))
        if out.exists()
        else []
    )
    if others:
        raise ValueError(f"{out} holds {others[0]}; name a new folder for the export")
    out.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
    try:
        yield part
        part.chmod(0o755)
        if out.exists():
            shutil.rmtree(out)
        part.replace(out)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def open_source(source: str, folder: Path) -> Source:
    """The network of a checkpoint, or of a pack by its name or folder, as a checkpoint in `folder`. Raises ValueError or PackError."""
    checkpoint = folder / "model.pt"
    if source in shipped_packs() or Path(source).is_dir():
        from models.training.unpack import restored, save

        pack = load_pack(source)
        return Source(save(restored(pack), checkpoint), pack)
    shutil.copy(source, checkpoint)
    names = tuple(_network(checkpoint, source).names.values())
    for classes in (CLASSES, REDACTION):
        if names == tuple(each.name for each in classes):
            return Source(checkpoint, None, classes)
    raise ValueError(
        f"{source} has other classes ({len(names)}, from {names[0]} to {names[-1]}) than a street pack ({len(CLASSES)}, models/training/classes.py) or a redaction pack"
    )


def _network(checkpoint: Path, source: str = "") -> Any:
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
    from ultralytics import YOLO

    try:
        return YOLO(str(checkpoint), task="detect")
    except Exception as wrong:  # pickle, torch and ultralytics raise what they like on a file that is none of theirs
        raise ValueError(f"{source or checkpoint} is no checkpoint that ultralytics reads: {wrong}") from None


def to_onnx(source: Source, size: Size) -> Path:
    """The ONNX of a network, beside its checkpoint: batch of one, raw head, names and licence in it and nothing of this machine."""
    network = _network(source.checkpoint)
    made = Path(
        network.export(
            format="onnx",
            imgsz=(size.height, size.width),
            opset=OPSET,
            simplify=True,
            dynamic=size.sizes != "fixed",
            device="cpu",
        )
    )
    names = source.pack.labels if source.pack else source.classes
    about = {
        "license": str((source.pack.licence if source.pack else LICENCE).get("name", "")),
        "classes": " ".join(each.name for each in names),
        "network": Path(network.model.yaml["yaml_file"]).stem,
    }
    _strip(made, about, size.sizes != "fixed")
    return made


def _strip(model: Path, about: dict[str, str], free: bool) -> None:
    """Leave nothing that the exporter says of this machine; with free sides, only height and width stay free."""
    import onnx
    import onnxslim

    graph = onnx.load(str(model))
    if free:
        for value in (graph.graph.input[0], graph.graph.output[0]):
            value.type.tensor_type.shape.dim[0].dim_value = 1
        graph = onnxslim.slim(graph)
        sides = [dim.dim_param for dim in graph.graph.input[0].type.tensor_type.shape.dim[2:]]
        if sides != list(FREE_SIDES):
            raise ValueError(f"the exporter calls the input's sides {sides}, the runtime {list(FREE_SIDES)}")
    del graph.metadata_props[:]
    for key, value in about.items():
        graph.metadata_props.add(key=key, value=value)
    graph.doc_string = ""
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.checker.check_model(graph)
    onnx.save(graph, str(model))


def run_onnx(model: Path) -> Callable[[F32], F32]:
    """Run an ONNX on inputs of any shape it takes, as the vehicle does: folded for each."""
    import onnxruntime

    sessions: dict[Shape, onnxruntime.InferenceSession] = {}

    def run(picture: F32) -> F32:
        shape = (picture.shape[2], picture.shape[3])
        if shape not in sessions:
            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3
            options.intra_op_num_threads = options.inter_op_num_threads = 1
            options.add_session_config_entry("session.intra_op.allow_spinning", "0")
            for side, length in zip(FREE_SIDES, shape, strict=True):
                options.add_free_dimension_override_by_name(side, length)
            sessions[shape] = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        given = {sessions[shape].get_inputs()[0].name: picture}
        return np.asarray(sessions[shape].run(None, given)[0], np.float32)

    return run


def compare(checkpoint: Path, run: Callable[[F32], F32], size: Size) -> dict[str, float]:
    """Largest differences of scores and of boxes (px) between a network and what was made of it, on looks of the sample ride in every shape.

    Raises ValueError if they are too large.
    """
    import torch

    network = _network(checkpoint).model.float().fuse(verbose=False).eval()
    score = box = 0.0
    looks = list(islice(frames(SAMPLE_RIDE), 100, 301, 100))
    for shape, look in product(size.shapes(), looks):
        picture = seen(look, shape)
        with torch.inference_mode():
            expected = network(torch.from_numpy(picture))[0].numpy()
        got = run(picture)
        if got.shape != expected.shape:
            raise ValueError(f"the export gives {got.shape}, the network {expected.shape}")
        score = max(score, float(np.abs(got[:, 4:] - expected[:, 4:]).max()))
        box = max(box, float(np.abs(got[:, :4] - expected[:, :4]).max()))
    if not (score <= MAX_SCORE_DIFFERENCE and box <= MAX_BOX_DIFFERENCE_PX):
        raise ValueError(f"the export and the network differ by {score:.2g} in score and {box:.2g} px")
    return {"score": score, "box_px": box}


def agreement(
    whole: Callable[[F32], F32], coarse: Callable[[F32], F32], pictures: Sequence[Image], size: Size
) -> float:
    """Share of the scores of which the first network is sure that the second gives at least half. Raises ValueError if too few, or none to judge by."""
    sure = kept = 0
    for image in pictures:
        given = seen(image, size.shape_for(*image.shape[:2]))
        first, second = whole(given)[0, 4:], coarse(given)[0, 4:]
        certain = first >= SURE
        sure += int(certain.sum())
        kept += int((second[certain] >= first[certain] / 2).sum())
    if not sure:
        raise ValueError(
            "the network is sure of nothing in these pictures, so int8 cannot be judged; name others with --calibration"
        )
    if kept < MIN_AGREEMENT * sure:
        raise ValueError(
            f"of what the network is sure of, the quantised one keeps {kept / sure:.0%}; name other pictures with --calibration, or take floats"
        )
    return kept / sure
