"""How well the four rules of place (models/rules.py) tell what stands where it may not, on streets drawn for them: precision and recall of each
category by what the pack sees, and by the true boxes, which leave the rules alone to blame.

`python benchmarks/rules.py` (draws a ride a seed, some minutes each, into --rides, where it is kept)
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rides import trikeye
from track import PASS, looks_of

from demo.ride.truth import LABELLED_SHARE, LABELLED_SHORT_PX
from demo.score import Spot, problems_of, score
from edge.context import Context
from edge.decide import Decider, Finding
from edge.identity import Ids
from edge.locate import Locator
from edge.ride import Ride, open_ride
from edge.settings import Decide, Settings
from edge.values import Detection, Frame, Track
from models.packs import load_pack
from models.rules import RULES
from models.runtime import Detector

FPS = 3
"""One frame a look: the vehicle drives 3 to 6 m/s and looks every 1.5 m."""
CATEGORIES = sorted(rule.category for rule in RULES)
Look = tuple[Frame, list[Detection]]


@dataclass
class Tally:
    """Over all rides, by category: problems asked for, those found, cases told, those told of nothing or twice; milliseconds of each look."""

    asked: Counter[str] = field(default_factory=Counter)
    found: Counter[str] = field(default_factory=Counter)
    told: Counter[str] = field(default_factory=Counter)
    wrong: Counter[str] = field(default_factory=Counter)
    ms: list[float] = field(default_factory=list)

    def figures(self, categories: Sequence[str]) -> dict[str, Any]:
        """Precision and recall of some categories together; None where there is nothing to divide by."""
        asked, found, told, wrong = (
            sum(counts[each] for each in categories) for counts in (self.asked, self.found, self.told, self.wrong)
        )
        return {
            "asked": asked, "found": found, "told": told, "precision": round(1 - wrong / told, 3) if told else None,
            "recall": round(found / asked, 3) if asked else None,
        }  # fmt: skip


def standing_ride(seed: int, rides: Path) -> Path:
    """The ride of a seed, drawn if it is not there yet."""
    folder = rides / f"standing{seed}"
    if not (folder / "ride.toml").exists():
        trikeye("demo", "ride", "--standing", "--seed", str(seed), "--fps", str(FPS), "--out", str(folder))
    return folder


def true_boxes(looks: Sequence[Look], truth: dict[str, Any]) -> list[Look]:
    """The same frames, with a true box of everything that is large and whole enough for a label."""
    boxes: dict[int, list[Detection]] = {}
    for thing in [*truth["problems"], *truth["others"]]:
        for number, x1, y1, x2, y2, share, _ in thing["views"]:
            if share >= LABELLED_SHARE and min(x2 - x1, y2 - y1) >= LABELLED_SHORT_PX:
                boxes.setdefault(number, []).append(Detection((x1, y1, x2, y2), thing["class"], "", 0.9, 0.9))
    return [(frame, boxes.get(frame.number, [])) for frame, _ in looks]


def judge(ride: Ride, looks: Sequence[Look], settings: Settings, tally: Tally) -> list[Finding]:
    """What the rules tell of a ride."""
    locator, zone = Locator(ride.camera, ride.mount), ZoneInfo(settings.vehicle.time_zone)
    context, broken = Context(locator, ride.zones, zone), list[Track]()
    for frame, seen in looks:
        began_s = time.thread_time()
        broken += context.see(frame, seen, PASS)
        tally.ms.append(1e3 * (time.thread_time() - began_s))
    decider = Decider(settings.decide, locator, Ids("TY-01", "front", ride.digest), ride.zones, zone)
    return decider.decide(broken + context.flush())


def count(findings: Sequence[Finding], truth: dict[str, Any], tally: Tally) -> None:
    """Match what was told to what stands there, and add it up."""
    problems, counted = problems_of(truth)
    cases = [Spot(n, f.track.best.category, f.place.lat_deg, f.place.lon_deg) for n, f in enumerate(findings)]
    matched = score(problems, counted, cases).matched
    tally.asked.update(each.category for each in problems if each.key in counted)
    tally.found.update(each.category for each in problems if each.key in counted and each.key in matched.values())
    tally.told.update(case.category for case in cases)
    tally.wrong.update(case.category for case in cases if case.key not in matched)


def main() -> int:
    """Print a row a category for each input."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="+", default=[21, 22, 23, 24, 25], help="streets to draw (default: 21 to 25)")  # fmt: skip
    parser.add_argument("--rides", type=Path, default=Path(".cache/rides"), help="where drawn rides are kept (default: %(default)s)")  # fmt: skip
    parser.add_argument("--pack", default="street", help="a shipped pack's name, or a folder (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    args = parser.parse_args()
    detector, settings = Detector(load_pack(args.pack)), Settings(decide=Decide(cool_down_h=0.0))
    tallies = {"pack": Tally(), "truth": Tally()}
    for seed in args.seeds:
        folder = standing_ride(seed, args.rides)
        ride, truth = open_ride(folder), json.loads((folder / "truth.json").read_text(encoding="utf-8"))
        looks = [(frame, seen.context) for frame, seen in looks_of(ride, detector, settings)]
        for name, given in (("pack", looks), ("truth", true_boxes(looks, truth))):
            count(judge(ride, given, settings, tallies[name]), truth, tallies[name])
    report = {name: {row: tally.figures(CATEGORIES if row == "all" else [row]) for row in ("all", *CATEGORIES)} for name, tally in tallies.items()}  # fmt: skip
    for name, rows in report.items():
        print(f"by {name:22} asked  found  told  precision  recall")
        for row, f in rows.items():
            print(
                f"   {row:22} {f['asked']:5}  {f['found']:5}  {f['told']:4}  {f['precision']!s:>9}  {f['recall']!s:>6}"
            )
    ms = sorted(tallies["pack"].ms)[len(tallies["pack"].ms) // 2]
    print(f"rules and their tracks: {ms:.2f} ms of one thread a look, median")
    print("aims: precision >= 0.80, recall >= 0.60")
    if args.json:
        print(json.dumps({"rides": len(args.seeds), "ms_a_look": round(ms, 3), **report}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
