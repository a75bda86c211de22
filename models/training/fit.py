"""Sets a pack's thresholds and probabilities from what it sees on labelled photographs, and fills its card.

`python -m models.training.fit PACK` (see --help). The pack is measured as the vehicle runs it; what is written is what `trikeye models evaluate PACK` prints.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from models.packs import load_pack
from models.runtime import Detector
from models.training.classes import CLASSES
from models.training.command_evaluate import progress, result_of, table
from models.training.data import street_folder
from models.training.dataset import MEASURED_AS, Sample, read_set
from models.training.figures import PROBLEMS, figures_of
from models.training.looks import Look, look_at, outcome
from models.training.measure import Scored, fit_platt, quiet_threshold, threshold_for
from models.training.packfile import DEFAULT_THRESHOLD, Pack, read_pack, write_pack
from models.training.sets import SOURCES

WANTED_PRECISION = 0.75
ALARMS_PER_PICTURE = 0.01
"""Where the wanted precision is never reached, or boxes are too few to tell: at most this many false alarms."""
LEAST_THRESHOLD, HIGHEST_THRESHOLD = 0.25, 0.5
LEAST_SCORE = 0.1
"""Probabilities are fitted to detections at or above this."""


def thresholds(photos: Sequence[Look], drawn: Sequence[Look]) -> dict[str, float]:
    """Per category: the wanted precision on photographs, else few false alarms; drawn frames may raise it."""
    chosen = {}
    for category in dict.fromkeys(MEASURED_AS.values()):
        wanted = [
            _threshold(looks, category)
            for looks in (photos, drawn)
            if any(each.sample.judges(category) for each in looks)
        ]
        chosen[category] = round(min(HIGHEST_THRESHOLD, max(wanted, default=DEFAULT_THRESHOLD)), 3)
    return chosen


def _threshold(looks: Sequence[Look], category: str) -> float:
    seen = outcome(looks, category)
    precise = threshold_for(seen.judged, WANTED_PRECISION)
    quiet = quiet_threshold(seen.judged, round(seen.pictures * ALARMS_PER_PICTURE))
    return max(LEAST_THRESHOLD, quiet if precise is None else min(precise, quiet))


def apply(pack: Pack, chosen: dict[str, float], photos: Sequence[Look]) -> None:
    """Write thresholds and the fit of probabilities into the pack."""
    for label in pack["labels"]:
        label["threshold"] = chosen[MEASURED_AS[label["name"]]]
    judged: list[Scored] = [each for category in sorted(PROBLEMS) for each in outcome(photos, category).judged]
    a, b = fit_platt([each for each in judged if each.score >= LEAST_SCORE])
    pack["calibration"] = {"kind": "platt", "a": round(a, 4), "b": round(b, 4)}


def main() -> int:
    """Fit one pack from the command line."""
    parser = argparse.ArgumentParser(prog="python -m models.training.fit", description=__doc__)
    parser.add_argument("pack", type=Path)
    parser.add_argument("--drawn", type=Path, help="folder of drawn frames not trained on: thresholds only, no figure")
    parser.add_argument("--card", type=Path, help="JSON whose keys go into the card (trained_on, notes)")
    args = parser.parse_args()
    data = street_folder() / "data.yaml"
    detector = Detector(load_pack(args.pack))
    photos = look_at(detector, read_set(data, "val"), progress)
    silent = [
        each for each in read_set(data, "train") if each.set in SOURCES and SOURCES[each.set].terms == "noncommercial"
    ]
    drawn = look_at(detector, _drawn(args.drawn), progress) if args.drawn else []
    pack = read_pack(args.pack)
    apply(pack, thresholds([*photos, *look_at(detector, silent, progress)], drawn), photos)
    write_pack(args.pack, pack)
    fitted = load_pack(args.pack)
    figures = figures_of(photos, fitted)
    result = result_of(fitted, "data/street", "val", photos, figures)
    pack["card"] |= json.loads(args.card.read_text(encoding="utf-8")) if args.card else {}
    pack["card"]["measured_on"] = (
        f"data/street val: {len(photos)} photographs of scenes never trained on; drawn frames never count; precision and recall are at the "
        "pack's thresholds, which were set on the same photographs and so flatter; measured.json holds every figure"
    )
    pack["card"]["live"] = [category for category, each in figures.items() if category in PROBLEMS and each.live]
    pack["card"]["map50"] = result["map50"] if result["map50"] is not None else "too few"
    write_pack(args.pack, pack)
    (args.pack / "measured.json").write_text(json.dumps(result, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(table(result, figures)) + "\n")
    return 0


def _drawn(folder: Path) -> list[Sample]:
    names = "".join(f"  {number}: {each.name}\n" for number, each in enumerate(CLASSES))
    (folder / "data.yaml").write_text(f"path: .\ntrain: images\nnames:\n{names}")
    return read_set(folder / "data.yaml", "train")


if __name__ == "__main__":
    raise SystemExit(main())
