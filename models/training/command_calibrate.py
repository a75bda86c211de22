"""`trikeye models calibrate`: a pack's probabilities fitted again to what reviewers decided, written as an overlay. Needs neither torch nor the back office."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.packs import OVERLAY, SHIPPED, PackError, load_pack, read_overlay

if TYPE_CHECKING:
    from models.packs import Pack
    from models.training.calibrate import Calibration


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pack", help="a shipped pack's name, or the folder of a pack or of an earlier overlay")
    parser.add_argument(
        "--verdicts", type=Path, required=True, metavar="DIR",
        help="folder written by: trikeye server export verdicts --out DIR",
    )  # fmt: skip
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="folder for overlay.toml; use it as a pack"
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    from models.training.calibrate import calibrate
    from models.verdicts import BadExport, read_export

    try:
        if (args.out / "pack.toml").exists():
            raise BadExport(f"{args.out} is a pack itself; name a folder of its own")
        pack = load_pack(args.pack)
        made = calibrate(pack, read_export(args.verdicts))
        write_overlay(args.out, overlay_of(args.pack, args.out, pack, made))
    except (PackError, BadExport) as wrong:
        print(f"trikeye models calibrate: {wrong}", file=sys.stderr)
        return 1
    result = result_of(load_pack(args.out).name, args.out, made)
    print(json.dumps(result, ensure_ascii=False) if args.json else "\n".join(table(result)))
    return 0


def overlay_of(named: str, out: Path, pack: Pack, made: Calibration) -> dict[str, Any]:
    """overlay.toml as plain values. Of an earlier overlay its base and its thresholds go on."""
    folder = SHIPPED / named if (SHIPPED / named / "pack.toml").is_file() else Path(named)
    base: str | Path = named if folder.parent == SHIPPED else folder
    if (folder / OVERLAY).is_file():
        base = read_overlay(folder)[1]
    before = {label.name: label for label in load_pack(base).labels}
    labels: list[dict[str, Any]] = []
    for label in pack.labels:
        platt = made.platt_of(label) or label.platt
        changes: dict[str, Any] = (
            {} if label.threshold == before[label.name].threshold else {"threshold": label.threshold}
        )
        changes |= {} if platt == before[label.name].platt or platt is None else {"platt": list(platt)}
        labels += [{"name": label.name, **changes}] if changes else []
    return {
        "version": 1,
        "base": base if isinstance(base, str) else os.path.relpath(base.resolve(), out.resolve()),
        "digest": f"sha256:{pack.digest}",
        "fitted_on": {
            "days": [day.isoformat() for day in made.days or ()],
            "verdicts": {category: fit.verdicts for category, fit in made.fits.items()},
            "own_fit": [category for category, fit in made.fits.items() if fit.source == "own"],
        },
        "labels": labels,
    }


def write_overlay(out: Path, overlay: dict[str, Any]) -> None:
    """Write overlay.toml whole or not at all."""
    from models.training.packfile import pack_text

    out.mkdir(parents=True, exist_ok=True)
    part = out / f"{OVERLAY}.part"
    part.write_text(pack_text(overlay), encoding="utf-8")
    part.replace(out / OVERLAY)


def result_of(name: str, out: Path, made: Calibration) -> dict[str, Any]:
    """What `--json` prints."""
    rows = {
        category: {
            "verdicts": fit.verdicts, "sightings": fit.sightings, "right": round(fit.right, 4), "fit": fit.source, "platt": fit.platt,
            "ece_before": None if fit.before is None else round(fit.before, 4), "ece_after": None if fit.after is None else round(fit.after, 4),
        }
        for category, fit in made.fits.items()
    }  # fmt: skip
    return {"pack": name, "out": str(out), "shared": made.shared, "categories": rows, "left_out": dict(made.left_out)}


def table(result: dict[str, Any]) -> list[str]:
    """The same as a person reads it."""
    lines = [
        f"{result['out']}: {result['pack']}; calibration error (ECE) of each sighting by a fit that did not see its scene",
        f"{'category':24} {'verdicts':>8} {'sightings':>9} {'right':>6}  {'fit':10} {'ECE before':>10} {'after':>8}",
    ]
    for category, row in result["categories"].items():
        errors = ["too few" if row[key] is None else f"{row[key]:.3f}" for key in ("ece_before", "ece_after")]
        lines.append(
            f"{category:24} {row['verdicts']:8} {row['sightings']:9} {row['right']:6.2f}  {row['fit']:10} {errors[0]:>10} {errors[1]:>8}"
        )
    if result["shared"] is None:
        lines.append("too few verdicts for any fit: every probability stays as the pack has it")
    return [*lines, *(f"left out: {count} sightings, {why}" for why, count in result["left_out"].items())]
