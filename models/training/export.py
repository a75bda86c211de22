"""A checkpoint made into a pack: ONNX with a fixed input, checked against the network it came from.

`python -m models.training.export CHECKPOINT`
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path

from models.training.classes import NAMES
from models.training.packfile import LICENCE, new_pack, write_pack

WIDTH, HEIGHT = 640, 384
SHIPPED = Path(__file__).resolve().parents[1] / "shipped"
MAX_SCORE_DIFFERENCE = 1e-3
MAX_BOX_DIFFERENCE_PX = 0.5


def export(checkpoint: Path, out: Path, name: str) -> dict[str, float]:
    """Write model.onnx and pack.toml into `out` and return how far ONNX and PyTorch differ; ValueError if too far."""
    os.environ.update(YOLO_OFFLINE="true", YOLO_AUTOINSTALL="false")
    from ultralytics import YOLO

    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "model.pt"
        shutil.copy(checkpoint, copy)
        network = YOLO(str(copy))
        if tuple(network.names.values()) != NAMES:
            raise ValueError(f"{checkpoint} has other classes than models/training/classes.py")
        made = Path(
            network.export(format="onnx", imgsz=(HEIGHT, WIDTH), opset=17, simplify=True, dynamic=False, device="cpu")
        )
        _strip(made)
        differences = compare(copy, made)
        shutil.copy(made, out / "model.onnx")
    write_pack(out, new_pack(name, out / "model.onnx", WIDTH, HEIGHT))
    return differences


def compare(checkpoint: Path, model: Path, pictures: int = 3) -> dict[str, float]:
    """Largest differences of scores and of box corners between the network and its ONNX on the same random pictures."""
    import numpy as np
    import onnxruntime
    import torch
    from ultralytics import YOLO

    network = YOLO(str(checkpoint)).model.float().fuse().eval()
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    score = box = 0.0
    for seed in range(pictures):
        # Coarse random blocks: something with edges, unlike plain noise.
        blocks = np.random.default_rng(seed).random((1, 3, HEIGHT // 32, WIDTH // 32), dtype=np.float32)
        picture = blocks.repeat(32, axis=2).repeat(32, axis=3)
        with torch.inference_mode():
            expected = network(torch.from_numpy(picture))[0].numpy()
        (got,) = session.run(None, {session.get_inputs()[0].name: picture})
        if got.shape != expected.shape or got.shape[1] != 4 + len(NAMES):
            raise ValueError(f"the ONNX gives {got.shape}, the network {expected.shape}")
        score = max(score, float(np.abs(got[:, 4:] - expected[:, 4:]).max()))
        box = max(box, float(np.abs(got[:, :4] - expected[:, :4]).max()))
    if score > MAX_SCORE_DIFFERENCE or box > MAX_BOX_DIFFERENCE_PX:
        raise ValueError(f"ONNX and PyTorch differ by {score:.2g} in score and {box:.2g} px")
    return {"score": score, "box_px": box}


def _strip(model: Path) -> None:
    # The exporter writes folder names of this machine into the file.
    import onnx

    graph = onnx.load(str(model))
    del graph.metadata_props[:]
    for key, value in (("license", LICENCE["name"]), ("classes", " ".join(NAMES))):
        graph.metadata_props.add(key=key, value=value)
    graph.doc_string = ""
    for node in graph.graph.node:
        node.doc_string = ""
        del node.metadata_props[:]
    onnx.checker.check_model(graph)
    onnx.save(graph, str(model))


def main() -> int:
    """Export one checkpoint from the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.export", description=__doc__)
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("--out", type=Path, default=SHIPPED / "street", help="the pack's folder (default: %(default)s)")
    parser.add_argument("--name", default="street-2026.11", help="the pack's name (default: %(default)s)")
    args = parser.parse_args()
    try:
        differences = export(args.checkpoint, args.out, args.name)
    except (OSError, ValueError) as wrong:
        sys.stderr.write(f"export: {wrong}\n")
        return 1
    sys.stdout.write(
        f"{args.out}: off the checkpoint by {differences['score']:.2g} in score, {differences['box_px']:.2g} px\n"
        f"Now measure it: python -m models.training.fit {args.out}\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
