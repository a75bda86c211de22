"""Exports of verdicts for tests."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

from sightings import jpeg

from models.verdicts import LINES, Judged

BOX = (0.1, 0.2, 0.3, 0.6)


def line(number: int = 1, **changes: Any) -> Judged:
    """A confirmed sighting of a place of its own, 60 m from the last."""
    data = jpeg(changes.pop("seed", number))
    shown = {"role": "best", "sha256": hashlib.sha256(data).hexdigest(), "box": changes.pop("box", BOX)}
    values: dict[str, Any] = {
        "case": number, "sighting": str(UUID(int=number)), "proposed": "road_damage", "label": "crack", "verdict": "confirmed", "decided": "road_damage",
        "score": 0.6, "probability": 0.7, "pack": "street", "pack_digest": "b" * 64, "redaction": "c" * 64, "vehicle": "TY-01", "pass_id": str(UUID(int=9)),
        "day": date(2026, 11, 2), "lat_deg": 37.87 + number * 60 / 111_195, "lon_deg": 112.55, "pictures": (shown,),
    }  # fmt: skip
    if changes.get("verdict", "confirmed") != "confirmed":
        values["decided"] = ""
    return Judged.model_validate(values | changes)


def rejected(number: int = 1, reason: int = 2, **changes: Any) -> Judged:
    return line(number, verdict="rejected", reason=reason, **changes)


def export(out: Path, *lines: Judged, seeds: int = 40) -> Path:
    """An export of these lines with their pictures."""
    pictures = {hashlib.sha256(data).hexdigest(): data for data in map(jpeg, range(seeds))}
    for shown in (shown for each in lines for shown in each.pictures):
        path = out / shown.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures[shown.sha256])
    out.mkdir(exist_ok=True)
    (out / LINES).write_text("".join(f"{each.model_dump_json(exclude_none=True)}\n" for each in lines))
    return out
