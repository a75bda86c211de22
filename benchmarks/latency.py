"""What a pack costs against the COCO networks it may be held against, at the pack's own input: one thread, no spinning, in turn.

`.venv-training/bin/python benchmarks/latency.py --coco ../shared/weights/yolo26n-coco-rebuilt.pt ../shared/weights/yolo11n-coco-rebuilt.pt`
The COCO checkpoints are exported at run time, as a pack is, into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

import numpy as np

from models.packs import load_pack
from models.training.classes import NetworkClass
from models.training.examples import SAMPLE_RIDE, examples, seen
from models.training.export import Size, Source, run_onnx, to_onnx

sys.path.insert(0, str(Path(__file__).parent))
from turns import in_turn, ratio

LIMIT = 1.3
LOOKS, ROUNDS = 8, 25


def main() -> int:
    """Print the ratio of each; exit 1 if the first is over the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", nargs="?", default="street", help="a pack's name or folder (default: %(default)s)")
    parser.add_argument(
        "--coco", type=Path, nargs="+", required=True, help="checkpoints; the first is what the limit is against"
    )
    parser.add_argument("--limit", type=float, default=LIMIT, help="(default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    args = parser.parse_args()
    pack = load_pack(args.pack)
    size = Size(pack.width, pack.height, pack.sizes)
    with tempfile.TemporaryDirectory() as folder:
        models = {pack.name: pack.model}
        for checkpoint in args.coco:
            copy = Path(folder) / f"{checkpoint.stem}.pt"
            copy.write_bytes(checkpoint.read_bytes())
            models[checkpoint.stem] = to_onnx(Source(copy, None, (NetworkClass("COCO", "", "context"),)), size)
        inputs = [seen(look, size.shape_for(*look.shape[:2])) for look in examples(SAMPLE_RIDE, LOOKS)]
        runs = {name: run_onnx(model) for name, model in models.items()}
        taken = in_turn({name: [partial(run, each) for each in inputs] for name, run in runs.items()}, ROUNDS)
    rows = {}
    for name in list(models)[1:]:
        middle, low, high = ratio(taken[pack.name], taken[name])
        rows[name] = {
            "ratio": round(middle, 3),
            "quartiles": [round(low, 3), round(high, 3)],
            "ms": round(median(taken[name]), 1),
        }
        print(f"{pack.name} {median(taken[pack.name]):.1f} ms against {name} {median(taken[name]):.1f} ms at {inputs[0].shape[3]}x{inputs[0].shape[2]}: "
              f"{middle:.2f} (quartiles {low:.2f}–{high:.2f}, {len(taken[name])} calls)", flush=True)  # fmt: skip
    first = next(iter(rows.values()))["ratio"]
    if args.json:
        print(
            json.dumps(
                {
                    "pack": pack.name,
                    "ms": round(float(np.median(taken[pack.name])), 1),
                    "limit": args.limit,
                    "against": rows,
                }
            )
        )
    return int(float(str(first)) > args.limit)


if __name__ == "__main__":
    raise SystemExit(main())
