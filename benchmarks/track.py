"""How well things are followed on drawn rides: IDF1 (benchmarks/identity.py), things told twice in a pass, things seen in three looks and never told,
and what a look costs; the tracker of edge/track.py against one that knows no ego motion. Two inputs: what the pack sees, and the true boxes, which
leave the tracker alone to blame.

`python benchmarks/track.py` (the sample ride; `--seeds 11 12` draws others, some minutes each, kept in --rides)
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from math import hypot
from pathlib import Path
from statistics import mean
from typing import Any, Protocol
from uuid import UUID

from identity import SAME_BOX, Box, idf1
from rides import ride

from calibration.geodesy import offset_m
from demo.ride.truth import LABELLED_SHARE, LABELLED_SHORT_PX
from demo.ride.write import TRUTH_WITHIN_M
from demo.score import COUNTED_RANGE_M, COUNTED_SHARE, COUNTED_SHORT_PX
from edge.decide import Decider
from edge.detect import Seen, detect
from edge.gate import Gate
from edge.identity import Ids
from edge.locate import Locator
from edge.ride import Ride, frames_of, open_ride
from edge.settings import Decide, Settings
from edge.track import Tracker
from edge.values import Detection, Frame, Track, TrackView
from models.boxes import iou_of
from models.packs import load_pack
from models.runtime import Detector

SAMPLE = Path(__file__).resolve().parents[1] / "demo" / "ride" / "sample"
SEEN_LOOKS = 3
PASS = UUID(int=1)
Look = tuple[Frame, list[Detection]]


class Follows(Protocol):
    """What a tracker does."""

    def see(self, frame: Frame, detections: list[Detection], pass_id: UUID) -> list[Track]: ...
    def flush(self) -> list[Track]: ...


@dataclass(frozen=True)
class Thing:
    """A problem of the truth: its boxes by frame, and the frames in which it is large, whole and near enough to be asked for."""

    category: str
    label: str
    lat_deg: float
    lon_deg: float
    boxes: dict[int, Box]
    labelled: frozenset[int]
    asked: frozenset[int]


@dataclass
class ByOverlap:
    """The alternative: a box is the same thing as the last one it overlaps most, moved on as fast as it moved before; no ground, no ego motion.
    As SORT (Bewley et al. 2016) with a greedy choice and without the filter."""

    least: float = 0.1
    longest_gap: int = 3
    _open: list[tuple[int, list[TrackView], int]] = field(default_factory=list)

    def see(self, frame: Frame, detections: list[Detection], pass_id: UUID) -> list[Track]:
        """Continue, begin and end tracks."""
        pairs = sorted(
            ((iou_of(_expected(views), seen.box_px), a, b) for a, (_, views, _) in enumerate(self._open)
             for b, seen in enumerate(detections) if views[-1].detection.category == seen.category), reverse=True)  # fmt: skip
        told: dict[int, int] = {}
        for shared, a, b in pairs:
            if shared >= self.least and a not in told and b not in told.values():
                told[a] = b
        after, ended = [], []
        for a, (ordinal, views, gap) in enumerate(self._open):
            if a in told:
                after.append((ordinal, [*views, TrackView(frame, detections[told[a]])], 0))
            elif gap < self.longest_gap:
                after.append((ordinal, views, gap + 1))
            else:
                ended.append(Track(ordinal, pass_id, tuple(views)))
        begun = [TrackView(frame, seen) for b, seen in enumerate(detections) if b not in told.values()]
        self._open = after + [(ordinal, [view], 0) for ordinal, view in enumerate(begun)]
        return ended

    def flush(self) -> list[Track]:
        """End everything."""
        ended, self._open = [Track(ordinal, PASS, tuple(views)) for ordinal, views, _ in self._open], []
        return ended


def _expected(views: list[TrackView]) -> Box:
    last = views[-1].detection.box_px
    if len(views) < 2:
        return last
    before = views[-2].detection.box_px
    x1, y1, x2, y2 = (2 * b - a for a, b in zip(before, last, strict=True))
    return x1, y1, x2, y2


def things_of(truth: dict[str, Any]) -> list[Thing]:
    """The problems of a truth file."""
    things = []
    for row in truth["problems"]:
        views = [(int(n), (x1, y1, x2, y2), share, away) for n, x1, y1, x2, y2, share, away in row["views"]]
        short = {n: min(box[2] - box[0], box[3] - box[1]) for n, box, _, _ in views}
        labelled = frozenset(n for n, _, share, _ in views if short[n] >= LABELLED_SHORT_PX and share >= LABELLED_SHARE)
        asked = frozenset(
            n
            for n, _, share, away in views
            if short[n] >= COUNTED_SHORT_PX and share >= COUNTED_SHARE and away <= COUNTED_RANGE_M
        )
        boxes = {n: box for n, box, _, _ in views}
        things.append(Thing(row["category"], row["class"], row["lat"], row["lon"], boxes, labelled, asked))  # fmt: skip
    return things


def looks_of(ride: Ride, detector: Detector, settings: Settings) -> list[tuple[Frame, Seen]]:
    """What the pack sees in the frames the vehicle looks at."""
    gate, fix_s = Gate(settings.gate), settings.receiver.oldest_fix_s
    return [
        (frame.without_pixels(), detect(detector, frame.image))
        for frame in frames_of(ride, settings.vehicle.camera, fix_s, lambda _: None)
        if gate.opens(frame)
    ]


def perfect(looks: Sequence[Look], things: Sequence[Thing]) -> list[Look]:
    """The same frames, with a true box for every thing that is large and whole enough for a label."""
    return [
        (frame, [Detection(each.boxes[frame.number], each.label, each.category, 0.9, 0.9) for each in things if frame.number in each.labelled])
        for frame, _ in looks
    ]  # fmt: skip


def owner_of(track: Track, things: Sequence[Thing]) -> int | None:
    """The thing that most boxes of a track show."""
    shows = Counter(
        n for view in track.views for n, thing in enumerate(things)
        if thing.category == track.best.category and view.frame.number in thing.boxes
        and iou_of(thing.boxes[view.frame.number], view.detection.box_px) >= SAME_BOX
    )  # fmt: skip
    return shows.most_common(1)[0][0] if shows else None


def path_of(track: Track, things: Sequence[Thing], poses: list[list[float]]) -> dict[int, Box]:
    """A track's boxes by frame, without those nobody asked for: of a thing too small, too hidden, or farther off than the truth tells."""
    owner = owner_of(track, things)
    path = {}
    for view in track.views:
        n, box = view.frame.number, view.detection.box_px
        same = [each for each in things if each.category == track.best.category]
        unasked = any(
            n in each.boxes and n not in each.asked and iou_of(each.boxes[n], box) >= SAME_BOX for each in same
        )
        if owner is not None and n not in things[owner].boxes:
            away = offset_m(poses[n][1], poses[n][2], things[owner].lat_deg, things[owner].lon_deg)
            unasked |= hypot(*away) > TRUTH_WITHIN_M
        if not unasked:
            path[n] = box
    return path


def measure(follows: Follows, looks: Sequence[Look], truth: dict[str, Any], locator: Locator, settings: Settings) -> dict[str, Any]:  # fmt: skip
    """The figures of one tracker over one ride. Milliseconds are the processor's."""
    things, tracks, began_s = things_of(truth), list[Track](), time.thread_time()
    for frame, detections in looks:
        tracks += follows.see(frame, detections, PASS)
    tracks += follows.flush()
    spent_s = time.thread_time() - began_s
    decider = Decider(settings.decide, locator, Ids("TY-01", "front", "0"))
    told = Counter(owner_of(finding.track, things) for finding in decider.decide(tracks))
    looked = {frame.number: detections for frame, detections in looks}
    seen = {
        n for n, thing in enumerate(things)
        if sum(any(d.category == thing.category and iou_of(d.box_px, box) >= SAME_BOX for d in looked[at])
                             for at, box in thing.boxes.items() if at in looked) >= SEEN_LOOKS
    }  # fmt: skip
    paths = [(t.category, {n: t.boxes[n] for n in t.asked if n in looked}) for t in things]
    followed = [(t.best.category, path_of(t, things, truth["poses"])) for t in tracks if len(t.views) >= settings.decide.least_views]  # fmt: skip
    found = [number for owner, number in told.items() if owner is not None]
    return {
        "idf1": round(idf1(paths, followed), 3),
        "things_told": len(found),
        "twice": sum(number > 1 for number in found) / max(len(found), 1),
        "things_seen": len(seen),
        "never_told": len(seen - told.keys()) / max(len(seen), 1),
        "told_of_nothing": told[None],
        "ms_a_look": round(1e3 * spent_s / max(len(looks), 1), 3),
    }


TRACKERS: dict[str, Callable[[Locator], Follows]] = {"ours": Tracker, "overlap": lambda _: ByOverlap()}


def ride_figures(folder: Path, detector: Detector) -> dict[str, dict[str, Any]]:
    """All trackers on what the pack sees and on true boxes."""
    settings = Settings(decide=Decide(cool_down_h=0.0))
    ride, truth = open_ride(folder), json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    looks = [(frame, seen.problems) for frame, seen in looks_of(ride, detector, settings)]
    locator = Locator(ride.camera, ride.mount)
    inputs = {"pack": looks, "truth": perfect(looks, things_of(truth))}
    return {
        f"{tracker}, {seen}": measure(make(locator), given, truth, locator, settings)
        for seen, given in inputs.items()
        for tracker, make in TRACKERS.items()
    }


def main() -> int:
    """Print one row for each tracker and input: the means over the rides."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, nargs="*", default=[], help="streets to draw (default: the sample ride)")
    parser.add_argument("--rides", type=Path, default=Path(".cache/rides"), help="where drawn rides are kept (default: %(default)s)")  # fmt: skip
    parser.add_argument("--pack", default="street", help="a shipped pack's name, or a folder (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    args = parser.parse_args()
    detector = Detector(load_pack(args.pack))
    folders = [ride(seed, args.rides) for seed in args.seeds] or [SAMPLE]
    figures = [ride_figures(folder, detector) for folder in folders]
    means = {
        name: {key: round(mean(each[name][key] for each in figures), 3) for key in row}
        for name, row in figures[0].items()
    }
    print("tracker, input     " + "  ".join(figures[0]["ours, pack"]))
    for name, row in means.items():
        print(f"{name:17}  " + "  ".join(f"{value:>{len(key)}}" for key, value in row.items()))
    print("aims: idf1 >= 0.85, twice <= 0.03, never_told <= 0.10")
    if args.json:
        print(json.dumps({"rides": len(folders), **means["ours, pack"], "trackers": means}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
