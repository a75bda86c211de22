"""`trikeye models show`: what a pack can see, how well, and which of its categories are measured well enough to be live."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from models.packs import Pack, PackError, load_pack
from models.published import heading, parts, published_of, table

NOTHING = {"boxes": 0, "pictures": 0, "ap50": None}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pack", nargs="?", default="street", help="a shipped pack's name, or a folder (default: %(default)s)"
    )
    parser.add_argument("--by", action="store_true", help="also the figures by source, size of the box, and light")
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def run(args: argparse.Namespace) -> int:
    try:
        pack = load_pack(args.pack)
    except PackError as wrong:
        print(f"trikeye models show: {wrong}", file=sys.stderr)
        return 1
    shown = card_of(pack)
    print(json.dumps(shown, ensure_ascii=False) if args.json else "\n".join(_lines(shown, args.by)))
    return 0


def card_of(pack: Pack) -> dict[str, Any]:
    """The card with every problem category's standing (live, or in shadow) and its published figures."""
    published = published_of(pack)
    live = set(pack.card.get("live", []))
    rows = {}
    for category in sorted({label.category for label in pack.labels if label.role == "problem" and label.category}):
        figures = published["categories"].get(category, NOTHING)
        rows[category] = {**figures, "standing": "live" if category in live else "shadow"}
    return {
        **published, "name": pack.name, "digest": pack.digest, "input": [pack.width, pack.height], "sides_px": list(pack.sides_px), "bytes": pack.model.stat().st_size,
        "licence": pack.licence.get("name", ""), "live": len(live), "shadow": len(rows) - len(live),
        "categories": rows,
        "card": {key: value for key, value in pack.card.items() if key not in ("live", "map50")},
    }  # fmt: skip


def standings(shown: dict[str, Any]) -> list[str]:
    """Two lines: how many categories are live and in shadow, and which."""
    names: dict[str, list[str]] = {"live": [], "shadow": []}
    for category, row in shown["categories"].items():
        names[row["standing"]].append(category)
    return [
        f"{words} ({len(names[key])}): {', '.join(names[key])}"
        for key, words in (("live", "live"), ("shadow", "in shadow"))
    ]


def _lines(shown: dict[str, Any], by: bool) -> list[str]:
    size = f"{shown['input'][0]}x{shown['input'][1]}"
    if shown["sides_px"]:
        size = f"{len(shown['sides_px'])} looks: {', '.join(map(str, shown['sides_px']))} px"
    lines = [
        f"{shown['name']}  sha256 {shown['digest'][:16]}…  {size}  {shown['bytes'] / 1e6:.1f} MB  {shown['licence']}",
    ]
    if shown["categories"]:
        lines += [
            *standings(shown),
            "live: 30 boxes or more in 10 pictures, lower bound of precision 0.70 or more; a new server hands these over, and no other",
        ]
    if "images" in shown:
        lines += [heading(shown), *table(shown), *(parts(shown, frozenset(shown["categories"])) if by else [])]
    for key, value in shown["card"].items():
        if not value:
            continue
        lines += [f"{key}:", *(f"  - {_words(each)}" for each in (value if isinstance(value, list) else [value]))]
    return lines


def _words(value: Any) -> str:
    if isinstance(value, dict) and "terms" in value:
        return f"{value['set']:12} {value['terms']:14} {value['pictures']:5} pictures, {value['pictures_share']:.1%} of them and {value['boxes_share']:.1%} of the boxes"
    return str(value)
