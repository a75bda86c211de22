"""Which export of a network ships: square or 16:9, each picture's own aspect, floats or int8, by latency and AP50 on the street photographs of val.

`.venv-training/bin/python benchmarks/export_choice.py` (about ten minutes; the photographs are found by TRIKEYE_SHARED). An int8 or 16:9 pack ships only
if its AP50 drops by less than 0.01 and it is faster: 16:9 and free aspect are held against the square in floats, int8 against the same input in floats.
Latency is of one thread on frames of the sample ride, from pixels to boxes, as on the vehicle.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path
from statistics import median

from models.packs import load_pack
from models.runtime import Detector
from models.training.command_evaluate import measure
from models.training.data import street_folder
from models.training.examples import SAMPLE_RIDE, examples
from models.training.export import Size, export
from models.training.quantise import PICTURES

sys.path.insert(0, str(Path(__file__).parent))
from turns import in_turn, ratio

MAX_DROP = 0.01
CHOICES = {
    "float 640x640": ("640x640", False, ""),
    "float 640x384": ("640x384", False, "float 640x640"),
    "float wide": ("wide", False, "float 640x640"),
    "float aspect": ("aspect", False, "float 640x640"),
    "int8 640x384": ("640x384", True, "float 640x384"),
    "int8 aspect": ("aspect", True, "float aspect"),
}
"""Size, whether int8, and what it is held against."""
LOOKS, ROUNDS = 8, 12


def main() -> int:
    """Export, time, measure, and say what ships."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("pack", nargs="?", default="street", help="a pack or a checkpoint (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    args = parser.parse_args()
    data, looks = street_folder() / "data.yaml", examples(SAMPLE_RIDE, LOOKS)
    with tempfile.TemporaryDirectory() as folder:
        packs = {}
        for name, (size, int8, _) in CHOICES.items():
            out = Path(folder) / name.replace(" ", "-")
            export(args.pack, out, name, Size.parse(size), examples(None, PICTURES) if int8 else ())
            packs[name] = load_pack(out)
        detectors = {name: Detector(pack) for name, pack in packs.items()}
        taken = in_turn(
            {name: [partial(each.detect, look) for look in looks] for name, each in detectors.items()}, ROUNDS
        )
        figures = {name: measure(pack, data, "val").result for name, pack in packs.items()}
    rows = {}
    for name, (_, _, other) in CHOICES.items():
        against, low, high = ratio(taken[name], taken[other or name])
        drop = figures[other or name]["map50"] - figures[name]["map50"]
        ships = not other or (drop < MAX_DROP and against < 1)
        rows[name] = {"ms": round(median(taken[name]), 1), "against": other, "ratio": round(against, 3), "quartiles": [round(low, 3), round(high, 3)],
                      "map50": figures[name]["map50"], "map": figures[name]["map"], "drop": round(drop, 4), "may_ship": ships}  # fmt: skip
        held = (
            f"{against:.2f} ({low:.2f}–{high:.2f}) of {other}, AP50 {-drop:+.4f}: {'may ship' if ships else 'does not ship'}"
            if other
            else "may ship"
        )
        print(
            f"{name:14} {median(taken[name]):6.1f} ms  AP50 {figures[name]['map50']:.4f}  AP {figures[name]['map']:.4f}  {held}",
            flush=True,
        )
    chosen = min((name for name in rows if _may(name, rows)), key=lambda name: median(taken[name]))
    print(f"ships: {chosen}, the fastest of those that may")
    if args.json:
        print(json.dumps({"pack": args.pack, "ships": chosen, "choices": rows}))
    return 0


def _may(name: str, rows: dict[str, dict[str, object]]) -> bool:
    """Whether it may ship, and what it is held against may too."""
    return bool(rows[name]["may_ship"]) and (not rows[name]["against"] or _may(str(rows[name]["against"]), rows))


if __name__ == "__main__":
    raise SystemExit(main())
