"""A checkpoint made out of a pack, so that a city can train on from what it runs: a pack holds no checkpoint.

An exporter merges each batch normalisation into the convolution before it. Here it is taken apart again by what the convolutions give on pictures:
the mean and variance of every channel become the layer's own, and its scale and shift undo them, so that the network says what the pack says.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.packs import Pack
from models.pixels import Image
from models.training.examples import seen

PICTURES = 64
"""With much fewer, the statistics of layers whose maps are small would be chance."""
NETWORKS = ("yolo26n", "yolo11n", "yolo26s", "yolo11s")
"""What is tried for a pack whose file does not say which network it is."""


def unpack(pack: Pack, pictures: Iterable[Image], out: Path) -> Path:
    """Write a checkpoint that ultralytics trains on from; `pictures` are BGR, some dozens like those it will see.

    A second, end-to-end branch of the head, which no raw pack holds, becomes a copy of the first. Raises ValueError if the pack's file
    is not the float ONNX of a network known here.
    """
    network = restored(pack)
    with torch.inference_mode():
        _normalise(network, (_input(pack, each) for each in pictures))
    return save(network, out)


def restored(pack: Pack) -> Any:
    """The pack's network before its batch normalisations were merged, these doing nothing yet: good to export, not to train."""
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false", YOLO_VERBOSE="false")
    given, said = read_weights(pack.model)
    network = _fitting(given, len(pack.labels), (said,) if said else NETWORKS)
    if network is None:
        raise ValueError(
            f"{pack.model} does not hold the weights of {said or ' or '.join(NETWORKS)} as floats, so no checkpoint can be made of it"
        )
    network.names = {number: label.name for number, label in enumerate(pack.labels)}
    network.task = "detect"
    return network


def save(network: nn.Module, out: Path) -> Path:
    """Write a network as ultralytics reads it, whole or not at all."""
    out.parent.mkdir(parents=True, exist_ok=True)
    part, kept = out.with_name(out.name + ".part"), io.BytesIO()  # torch tells of a full disk in riddles
    torch.save({"model": network, "ema": None, "epoch": -1, "optimizer": None, "train_args": {}}, kept)
    try:
        part.write_bytes(kept.getvalue())
        part.replace(out)
    finally:
        part.unlink(missing_ok=True)
    return out


def read_weights(model: Path) -> tuple[dict[str, Tensor], str]:
    """The parameters in an ONNX by their names, and the network it says it is, "" if it does not say."""
    import onnx

    graph = onnx.load(str(model))
    about = {prop.key: prop.value for prop in graph.metadata_props}
    arrays = {each.name: np.array(onnx.numpy_helper.to_array(each)) for each in graph.graph.initializer}
    return {name: torch.from_numpy(each) for name, each in arrays.items() if each.dtype == np.float32}, about.get(
        "network", ""
    )


def _fitting(given: dict[str, Tensor], classes: int, names: Iterable[str]) -> Any:
    """The first of these networks whose every parameter is given, filled with them; batch normalisations only pass on what they get."""
    for name in names:
        try:
            network = _empty(name, classes, given)
            network.load_state_dict(_unmerged(network, given))
        except (KeyError, RuntimeError, FileNotFoundError):
            continue
        return network
    return None


def _empty(name: str, classes: int, given: dict[str, Tensor]) -> Any:
    """A network whose branch for classes is as wide as the given one: ultralytics keeps the width a network was first trained with."""
    from ultralytics.nn.tasks import DetectionModel

    last = max(int(key.split(".")[1]) for key in given if key.startswith("model."))
    width = given[f"model.{last}.cv3.0.2.weight"].shape[1]
    network: Any = DetectionModel(f"{name}.yaml", nc=width, verbose=False)
    head = network.model[-1]
    for attribute in ("cv3", "one2one_cv3"):
        for branch in getattr(head, attribute, None) or ():
            branch[-1] = nn.Conv2d(width, classes, 1)
    head.nc, head.no = classes, classes + 4 * head.reg_max
    network.nc = network.yaml["nc"] = classes
    return network


def _unmerged(network: nn.Module, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """State of a network with batch normalisations that change nothing but by the bias they add. KeyError if a parameter is not given."""
    state = {}
    passing = (1 + next(each.eps for each in network.modules() if isinstance(each, nn.BatchNorm2d))) ** 0.5
    for name, value in network.state_dict().items():
        source = name.replace(".one2one_", ".")
        before, _, kind = source.rpartition(".bn.")
        if not before:
            state[name] = given.get(source, value) if ".dfl." in source else given[source]
        elif kind == "bias":
            state[name] = given[f"{before}.conv.bias"]
        else:
            state[name] = torch.full_like(value, {"weight": passing, "running_var": 1}.get(kind, 0))
    return state


def _normalise(network: nn.Module, pictures: Iterable[Tensor]) -> None:
    """Give every batch normalisation the statistics of these inputs without changing what the network gives."""
    norms = [each for each in network.modules() if isinstance(each, nn.BatchNorm2d)]
    given = {
        norm: (0, torch.zeros(norm.num_features).double(), torch.zeros(norm.num_features).double()) for norm in norms
    }

    def add(norm: Any, inputs: tuple[Tensor, ...]) -> None:
        variance, mean = torch.var_mean(inputs[0], (0, 2, 3), correction=0)
        count, (was, total, squares) = inputs[0][:, 0].numel(), given[norm]
        given[norm] = (
            was + count,
            total + count * mean.double(),
            squares + count * (variance.double() + mean.double() ** 2),
        )

    hooks = [norm.register_forward_pre_hook(add) for norm in norms]
    for picture in pictures:
        network.eval()(picture)
    for hook in hooks:
        hook.remove()
    for norm, (count, total, squares) in given.items():
        if not count:
            raise ValueError("no pictures to take statistics from")
        mean = total / count
        variance = (squares / count - mean**2).clamp(min=0)
        norm.running_mean, norm.running_var = mean.float(), variance.float()
        norm.weight.data = (variance + norm.eps).sqrt().float()
        norm.bias.data += mean.float()


def _input(pack: Pack, image: Image) -> Tensor:
    shape = pack.shape_for(image.shape[0], image.shape[1])
    return torch.from_numpy(seen(image, shape, pack.pad, pack.scale, pack.rgb))
