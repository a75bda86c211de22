"""A network for other runtimes than trikeye's: files of ncnn or OpenVINO, made of its ONNX, run by their own runtime and checked against the network.

These are no packs: who runs them reads boxes out of the raw head and applies the thresholds that `about.json` names.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from models.training.export import F32, Size, compare, described, open_source, to_onnx, written_aside


@dataclass(frozen=True)
class Format:
    """What PyPI calls the tools that it takes, how files are made of an ONNX in a folder, and how they are run on [1, 3, height, width]."""

    packages: tuple[str, ...]
    make: Callable[[Path, Path, Size], None]
    run: Callable[[Path], Callable[[F32], F32]]


def export_for(kind: str, source: str, out: Path, name: str, size: Size) -> dict[str, float]:
    """Write the files into `out`, whole or not at all, and return how far they and the network differ.

    Raises ValueError if the tool is not installed, fails, or makes something that differs too much.
    """
    wanted = FORMATS[kind]
    missing = [each for each in wanted.packages if find_spec(each) is None]
    if missing:
        raise ValueError(
            f"--format {kind} needs what is not installed: .venv-training/bin/pip install {' '.join(missing)}"
        )
    with written_aside(out) as part, tempfile.TemporaryDirectory(dir=out.parent, prefix=".export-") as folder:
        given = open_source(source, Path(folder))
        model = to_onnx(given, size)
        wanted.make(model, part, size)
        differences = compare(given.checkpoint, wanted.run(part), size)
        about = described(given, name, model, size)
        about["digest"] = ""
        (part / "about.json").write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    return differences


def _make_ncnn(model: Path, out: Path, size: Size) -> None:
    import pnnx

    shape = f"inputshape=[1,3,{size.height},{size.width}]"
    done = subprocess.run(
        [pnnx.EXEC_PATH, model.name, shape, "fp16=0"], cwd=model.parent, capture_output=True, text=True
    )
    made = [model.with_name(f"{model.stem}.ncnn.{suffix}") for suffix in ("param", "bin")]
    if done.returncode or not all(each.is_file() and each.stat().st_size for each in made):
        raise ValueError(f"pnnx failed ({done.returncode}): {(done.stderr or done.stdout).strip()[-300:]}")
    for each in made:
        each.replace(out / each.name)


def _run_ncnn(folder: Path) -> Callable[[F32], F32]:
    import ncnn

    net = ncnn.Net()
    # What is checked is the conversion; half precision is the choice of who runs it.
    net.opt.use_vulkan_compute = net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = (
        False
    )
    if net.load_param(str(folder / "model.ncnn.param")) or net.load_model(str(folder / "model.ncnn.bin")):
        raise ValueError("ncnn does not read what pnnx wrote; take versions of ncnn and pnnx of one time")

    def run(picture: F32) -> F32:
        extractor = net.create_extractor()
        extractor.input(net.input_names()[0], ncnn.Mat(picture[0]))
        return np.array(extractor.extract(net.output_names()[0])[1], np.float32)[None]

    return run


def _make_openvino(model: Path, out: Path, size: Size) -> None:
    import openvino

    openvino.save_model(openvino.convert_model(str(model)), str(out / "model.xml"), compress_to_fp16=False)


def _run_openvino(folder: Path) -> Callable[[F32], F32]:
    import openvino

    # What is checked is the conversion; half precision is the choice of who runs it.
    compiled = openvino.Core().compile_model(str(folder / "model.xml"), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return lambda picture: np.array(compiled(picture)[0], np.float32)


FORMATS = {
    "ncnn": Format(("pnnx", "ncnn"), _make_ncnn, _run_ncnn),
    "openvino": Format(("openvino",), _make_openvino, _run_openvino),
}
