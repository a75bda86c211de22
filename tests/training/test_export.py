"""Packs made of checkpoints, and checkpoints of packs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest
import torch

from models.packs import load_pack
from models.training.examples import SAMPLE_RIDE, examples
from models.training.unpack import unpack

SHAPES = [(384, 640), (640, 384), (96, 224)]


@pytest.fixture(scope="module")
def unpacked(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint made of the shipped pack with the statistics of a few frames of the sample ride."""
    torch.set_num_threads(1)
    return unpack(load_pack("street"), examples(SAMPLE_RIDE, 4), tmp_path_factory.mktemp("unpacked") / "street.pt")


def network_of(checkpoint: Path) -> torch.nn.Module:
    from ultralytics import YOLO

    network: torch.nn.Module = YOLO(str(checkpoint)).model.float()
    return network


def blocks(shape: tuple[int, int], count: int = 1) -> torch.Tensor:
    """Pictures of coarse random blocks: something with edges, unlike noise."""
    coarse = torch.rand((count, 3, shape[0] // 32, shape[1] // 32), generator=torch.Generator().manual_seed(shape[0]))
    return coarse.repeat_interleave(32, 2).repeat_interleave(32, 3)


def test_the_checkpoint_of_a_pack_says_what_the_pack_says(unpacked: Path) -> None:
    """With its batch normalisations and with them merged again, by either of its branches."""
    network, session = network_of(unpacked).eval(), onnxruntime.InferenceSession(str(load_pack("street").model))
    picture = blocks(SHAPES[0])
    (expected,) = session.run(None, {"images": picture.numpy()})
    with torch.inference_mode():
        got, raw = network(picture)
        fused = network_of(unpacked).fuse(verbose=False).eval()(picture)[0]
    for each in (got, fused):
        np.testing.assert_allclose(each[:, 4:], expected[:, 4:], atol=1e-3)
        np.testing.assert_allclose(each[:, :4], expected[:, :4], atol=0.1)
    for kind in ("boxes", "scores"):
        torch.testing.assert_close(raw["one2one"][kind], raw["one2many"][kind])


def test_it_trains_on_the_statistics_it_was_given(unpacked: Path) -> None:
    """What a layer expects of a channel is what it gets: as a batch, the same frames give what they give one by one."""
    from models.training.unpack import _seen

    frames = torch.cat([_seen(load_pack("street"), each) for each in examples(SAMPLE_RIDE, 4)])
    network = network_of(unpacked)
    with torch.no_grad():
        expected = network.eval()(frames)[1]["one2many"]["scores"]
        got = network.train()(frames)["one2many"]["scores"]
    torch.testing.assert_close(got, expected, atol=0.05, rtol=0.01)
