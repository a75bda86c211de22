"""What decided cases teach, written into a folder: the format is models/verdicts.py. Reads rows in batches, so that any number fits into memory.

A picture that is there already stays, so an export that was broken off goes on; the lines are written aside and take their name last, and pictures that no line
names any more (hidden since, or decided anew) are taken away then.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timezone
from itertools import groupby, islice
from pathlib import Path

from django.db.models import Exists, OuterRef, Prefetch, QuerySet

from models.verdicts import LINES, Judged, Shown
from server import pictures
from server.cases.models import Picture, Sighting
from server.cases.rules import State
from server.review.boxes import with_boxes
from server.review.models import Dispute, Verdict

BATCH = 200
SHA256 = re.compile(r"^[0-9a-f]{64}$")
OPEN_AGAIN = (State.NEW, State.SET_ASIDE, State.QUEUED, State.RETURNED, State.MERGED)
"""States in which nobody's last answer holds. Nor does it while a supervisor has to decide between two."""
WORDS = {"confirm": "confirmed", "reject": "rejected", "unsure": "unsure"}


@dataclass
class Exported:
    """What was written, and what was left out and why."""

    cases: int = 0
    sightings: int = 0
    pictures: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    left_out: Counter[str] = field(default_factory=Counter)


def export_verdicts(out: Path, since: datetime | None, progress: Callable[[int], None]) -> Exported:
    """Write everything decided at or after `since` into `out`. Raises OSError if there is no room."""
    done, named = Exported(), set[bytes]()
    out.mkdir(parents=True, exist_ok=True)
    part = out / f"{LINES}.part"
    with part.open("w", encoding="utf-8") as file:
        for verdict, sightings in _decided(since):
            lines = [line for row in sightings if (line := _line(verdict, row, out, done)) is not None]
            file.writelines(f"{line.model_dump_json(exclude_none=True)}\n" for line in lines)
            named.update(bytes.fromhex(shown.sha256) for line in lines for shown in line.pictures)
            done.cases += bool(lines)
            done.sightings += len(lines)
            done.verdicts[WORDS[verdict.answer]] += bool(lines)
            progress(done.cases)
        file.flush()
        os.fsync(file.fileno())
    part.replace(out / LINES)
    for path in (out / "pictures").rglob("*.jpg*"):
        if path.suffix != ".jpg" or bytes.fromhex(path.stem) not in named:
            path.unlink()
    done.pictures = len(named)
    return done


def _decided(since: datetime | None) -> Iterator[tuple[Verdict, Iterable[Sighting]]]:
    """The answer that holds of every decided case, and the sightings it was given upon, by case."""
    answers = _last_answers()
    while verdicts := list(islice(answers, BATCH)):
        chosen = {verdict.case_id: verdict for verdict in verdicts if since is None or verdict.at >= since}
        rows = Sighting.objects.filter(case_id__in=chosen).select_related("vehicle").order_by("case_id", "id")
        shown = with_boxes(Picture.objects.filter(hidden_at=None)).order_by("id")
        for case_id, sightings in groupby(
            rows.prefetch_related(Prefetch("pictures", shown)), key=lambda row: row.case_id
        ):
            assert case_id is not None
            yield chosen[case_id], sightings


def _last_answers() -> Iterator[Verdict]:
    answers: QuerySet[Verdict] = Verdict.objects.filter(counted=True, undone_at=None, answer__in=WORDS)
    between = Dispute.objects.filter(case=OuterRef("case"), settled_at=None)
    answers = (
        answers.exclude(Exists(between))
        .exclude(case__state__in=OPEN_AGAIN)
        .select_related("case")
        .order_by("case_id", "at")
    )
    for _, same in groupby(answers.iterator(chunk_size=BATCH), key=lambda verdict: verdict.case_id):
        yield list(same)[-1]


def _line(verdict: Verdict, row: Sighting, out: Path, done: Exported) -> Judged | None:
    """One sighting as a line, its pictures copied; None, counted with its reason, where it was not judged or may not be shown."""
    if row.received_at > verdict.at:
        done.left_out["seen after the verdict"] += 1
        return None
    if not SHA256.match(row.redaction_digest):
        done.left_out["no redaction recorded"] += 1
        return None
    shown = tuple(each for picture in row.pictures.all() if (each := _shown(picture)) and _copied(each, out))
    if not shown:
        done.left_out["no picture that may be shown"] += 1
        return None
    decided = (verdict.category or verdict.case.category) if verdict.answer == "confirm" else ""
    return Judged.model_validate({
        "case": verdict.case_id, "sighting": str(row.id), "proposed": row.category, "label": row.detail, "verdict": WORDS[verdict.answer],
        "decided": decided, "reason": verdict.reason if verdict.answer == "reject" else None, "score": row.score, "probability": row.probability,
        "pack": row.pack_name, "pack_digest": row.pack_digest, "redaction": row.redaction_digest, "vehicle": row.vehicle.name,
        "pass_id": str(row.pass_id), "day": row.seen_at.astimezone(timezone.utc).date(),  # noqa: UP017
        "lat_deg": verdict.case.lat_deg, "lon_deg": verdict.case.lon_deg, "pictures": shown,
    })  # fmt: skip


def _shown(picture: Picture) -> Shown | None:
    """A picture with its box as people put it right, else the network's."""
    sides = (picture.width, picture.height) * 2
    drawn = picture.box_now
    box = drawn and [min(1.0, max(0.0, edge / side)) for edge, side in zip(drawn, sides, strict=True)]
    if box and not (box[0] < box[2] and box[1] < box[3]):
        box = None
    return Shown.model_validate({"role": picture.role, "sha256": picture.sha256, "box": box})


def _copied(shown: Shown, out: Path) -> bool:
    """Copy a picture into the export, whole or not at all; False where the back office has lost it."""
    target = out / shown.file
    if target.exists():
        return True
    try:
        data = pictures.path_of(shown.sha256).read_bytes()
    except FileNotFoundError:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_suffix(".jpg.part")
    part.write_bytes(data)
    part.replace(target)
    return True
