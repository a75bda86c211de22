"""`trikeye models show`: what a pack can see, how well, and which of its categories are measured well enough to be live."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from models.packs import Pack, PackError, load_pack


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "pack", nargs="?", default="street", help="a shipped pack's name, or a folder (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="one line of JSON")


def run(args: argparse.Namespace) -> int:
    try:
        pack = load_pack(args.pack)
    except PackError as wrong:
        print(f"trikeye models show: {wrong}", file=sys.stderr)
        return 1
    shown = card_of(pack)
    print(json.dumps(shown, ensure_ascii=False) if args.json else "\n".join(_lines(shown)))
    return 0


def card_of(pack: Pack) -> dict[str, Any]:
    """The card with every problem category's standing: live, or in shadow."""
    path = pack.model.with_name("measured.json")
    measured = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {"categories": {}}
    live = set(pack.card.get("live", []))
    rows = {}
    for category in sorted({label.category for label in pack.labels if label.role == "problem" and label.category}):
        figures = measured["categories"].get(category, {})
        rows[category] = {"standing": "live" if category in live else "shadow", **figures}
    return {
        "name": pack.name, "digest": pack.digest, "input": [pack.width, pack.height], "bytes": pack.model.stat().st_size,
        "licence": pack.licence.get("name", ""), "live": len(live), "shadow": len(rows) - len(live), "map50": measured.get("map50"),
        "categories": rows, "card": {key: value for key, value in pack.card.items() if key not in ("live", "map50")},
    }  # fmt: skip


def _lines(shown: dict[str, Any]) -> list[str]:
    lines = [
        f"{shown['name']}  sha256 {shown['digest'][:16]}…  {shown['input'][0]}x{shown['input'][1]}  {shown['bytes'] / 1e6:.1f} MB  {shown['licence']}",
        f"{shown['live']} categories live (30 boxes or more in 10 pictures, precision surely over 0.70), {shown['shadow']} in shadow: not yet shown to be that good",
        f"{'category':22} {'standing':9} {'boxes':>5}  {'AP50':>7}  {'precision':>9}  {'recall':>6}  threshold",
    ]
    for category, row in shown["categories"].items():
        figures = [row.get(key) for key in ("ap50", "precision", "recall")]
        words = [
            f"{'too few' if row.get('ap50') is None else '-'}" if each is None else f"{each:.2f}" for each in figures
        ]
        lines.append(
            f"{category:22} {row['standing']:9} {row.get('boxes', 0):5}  {words[0]:>7}  {words[1]:>9}  {words[2]:>6}  {row.get('threshold', 0):.2f}"
        )
    for key, value in shown["card"].items():
        lines += [f"{key}:", *(f"  - {each}" for each in (value if isinstance(value, list) else [value]))]
    return lines
