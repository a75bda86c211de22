"""The text of a pack's pack.toml: made here, read by models.packs."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from models import packs
from models.training.classes import CLASSES, NetworkClass

MAX_PACK_BYTES = 12 * 1024 * 1024
DEFAULT_THRESHOLD = 0.35
LICENCE = {
    "name": "AGPL-3.0-or-later",
    "reason": "trained with ultralytics (AGPL-3.0) from weights under the same licence",
}
MEASURED = ("live", "map50", "measured_on")
"""What a card says of one file of weights at one input, and of no other."""
Pack = dict[str, Any]


def new_pack(
    name: str, model: Path, width: int, height: int, sizes: str = "fixed", classes: Sequence[NetworkClass] = CLASSES
) -> Pack:
    """What is known of a pack before anything was measured. Raises ValueError if too large to ship."""
    data = model.read_bytes()
    if len(data) > MAX_PACK_BYTES:
        raise ValueError(f"{model} has {len(data)} bytes; a shipped pack may have {MAX_PACK_BYTES}")
    return {
        "version": 1,
        "name": name,
        "digest": f"sha256:{hashlib.sha256(data).hexdigest()}",
        "input": {
            "width": width,
            "height": height,
            "sizes": sizes,
            "layout": "nchw",
            "colour": "rgb",
            "scale": 1 / 255,
            "pad": 114,
        },
        "output": {"layout": "raw"},
        "labels": [
            {
                "name": each.name,
                "category": each.category,
                "role": each.role,
                "threshold": DEFAULT_THRESHOLD,
                "detail": "",
            }
            for each in classes
        ],
        "calibration": {"kind": "platt", "a": 1.0, "b": 0.0},
        "licence": dict(LICENCE),
        "card": {"trained_on": [], "measured_on": "", "notes": []},
    }


def pack_like(pack: packs.Pack, name: str, model: Path, width: int, height: int, sizes: str) -> Pack:
    """The same labels, thresholds, probabilities and licence for another file of the same network; of its card, what was not measured."""
    labels = [each.model_dump(exclude_none=True) for each in pack.labels]
    card = {key: value for key, value in pack.card.items() if key not in MEASURED}
    return new_pack(name, model, width, height, sizes) | {
        "labels": [each | ({"platt": list(each["platt"])} if "platt" in each else {}) for each in labels],
        "calibration": {"kind": "platt", "a": pack.platt[0], "b": pack.platt[1]},
        "licence": dict(pack.licence),
        "card": card | {"measured_on": "", "exported_from": f"{pack.name} sha256:{pack.digest}"},
    }


def read_pack(folder: Path) -> Pack:
    """pack.toml as plain values."""
    return tomllib.loads((folder / "pack.toml").read_text(encoding="utf-8"))


def write_pack(folder: Path, pack: Pack) -> None:
    """Write pack.toml whole or not at all."""
    write_aside(folder / "pack.toml", pack_text(pack))


def write_aside(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    part = path.with_name(f"{path.name}.part")
    part.write_text(text, encoding="utf-8")
    part.replace(path)


def pack_text(pack: Pack) -> str:
    """TOML of a pack: plain values first, then a table for each mapping, one table per label."""
    lines = [f"{key} = {_value(value)}" for key, value in pack.items() if not _is_table(value)]
    for key, value in pack.items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]", *_rows(value)]
        elif _is_table(value):
            for item in value:
                lines += ["", f"[[{key}]]", *_rows(item)]
    return "\n".join(lines) + "\n"


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))


def _rows(table: dict[str, Any]) -> list[str]:
    return [f"{key} = {_value(value)}" for key, value in table.items()]


def _value(value: object) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_value(item) for item in value) + "]"
    if isinstance(value, str | bool | int):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, float):
        return repr(value)
    raise TypeError(f"{type(value).__name__} has no place in pack.toml")
