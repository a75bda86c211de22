"""A float ONNX made into one of 8-bit integers: static, per channel, the head in floats. What each layer carries is measured on pictures."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from contextlib import redirect_stdout
from pathlib import Path

import numpy as np
import numpy.typing as npt

PICTURES = 48
PERCENTILE = 99.99
"""Range of a layer: all but a ten-thousandth of its values. Its few extremes would make the steps between all others coarse."""
F32 = npt.NDArray[np.float32]


def quantise(model: Path, out: Path, pictures: Sequence[F32]) -> None:
    """Write `out`: `model` with its weights and what its layers exchange as int8 pairs of QuantizeLinear and DequantizeLinear.

    `pictures` are inputs as the network gets them, [1, 3, height, width].
    """
    import onnx
    from onnxruntime.quantization import (
        CalibrationDataReader,
        CalibrationMethod,
        QuantFormat,
        QuantType,
        quantize_static,
    )
    from onnxruntime.quantization.shape_inference import quant_pre_process

    graph = onnx.load(str(model))
    name = graph.graph.input[0].name

    class Reader(CalibrationDataReader):  # type: ignore[misc]
        def __len__(self) -> int:
            return len(pictures)

        def set_range(self, start_index: int, end_index: int) -> None:
            self.left = iter(pictures[start_index:end_index])

        def get_next(self) -> dict[str, F32] | None:
            picture = next(self.left, None)
            return None if picture is None else {name: picture}

    # One picture at a time: else all that all layers give on all pictures is held in memory at once.
    ranges = {"CalibPercentile": PERCENTILE, "CalibStridedMinMax": 1}
    with tempfile.TemporaryDirectory(dir=out.parent) as folder, redirect_stdout(sys.stderr):
        ready = Path(folder) / "ready.onnx"
        quant_pre_process(str(model), str(ready), skip_symbolic_shape=True)
        quantize_static(
            str(ready), str(out), Reader(), quant_format=QuantFormat.QDQ, per_channel=True, activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8, calibrate_method=CalibrationMethod.Percentile, extra_options=ranges, nodes_to_exclude=head_of(ready),
        )  # fmt: skip
    made = onnx.load(str(out))
    del made.metadata_props[:]
    made.metadata_props.extend(graph.metadata_props)
    onnx.save(made, str(out))


def head_of(model: Path) -> list[str]:
    """Names of the nodes of the last module, which turns features into boxes and scores: in integers, nothing of a score is left."""
    import onnx

    names = [node.name for node in onnx.load(str(model)).graph.node]
    numbers = [int(name.split(".")[1].split("/")[0]) for name in names if name.startswith("/model.")]
    return [name for name in names if name.startswith(f"/model.{max(numbers)}/")]
