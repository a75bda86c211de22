"""`trikeye edge doctor`: what is wrong with this vehicle, and what to do."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from edge.desired import with_desired
from edge.doctor import Bench, Check, examine, is_well
from edge.settings import BadSettings, read_settings
from models.troubles import trouble_of

MARKS = {"stopped": "STOP", "worse": "BAD", "note": "note", "well": "ok"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--config", type=Path, required=True, help="edge.toml of this vehicle")
    parser.add_argument("--json", action="store_true", help="print one object, for machines")
    parser.add_argument(
        "--serve", action="store_true", help="show the same on one page with a redacted still, until Ctrl-C; for one browser, by a code in the address"
    )  # fmt: skip
    parser.add_argument("--bind", default="127.0.0.1", metavar="ADDRESS", help="with --serve: 0.0.0.0 opens it to the local network (default: this machine alone)")  # fmt: skip
    parser.add_argument("--port", type=int, default=8088, help="with --serve (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    try:
        settings = with_desired(read_settings(args.config))
    except BadSettings as wrong:
        return _tell([Check("settings", "settings_bad", str(wrong))], args.json)
    with Bench(settings) as bench:
        if args.serve:
            from edge.doctor_page import serve

            serve(bench, args.bind, args.port, lambda address: print(f"open {address}   (good for one browser; Ctrl-C ends)", flush=True))  # fmt: skip
            return 0
        return _tell(examine(bench), args.json)


def _tell(checks: list[Check], as_json: bool) -> int:
    if as_json:
        rows = [{"check": c.name, "severity": c.severity, "trouble": "" if c.key == "well" else c.key, "facts": c.facts,
                 "do": "" if c.key == "well" else trouble_of(c.key).do_en} for c in checks]  # fmt: skip
        print(json.dumps({"well": is_well(checks), "checks": rows}, ensure_ascii=False))
    else:
        for check in checks:
            trouble = trouble_of(check.key)
            is_fine = check.key == "well"
            print(
                f"{MARKS[check.severity]:<5} {check.name:<12} {'' if is_fine else trouble.en + '  '}{check.facts}".rstrip()
            )
            if not is_fine:
                print(f"{'':<18} {trouble.do_en}")
    if is_well(checks):
        return 0
    wrong = ", ".join(check.name for check in checks if check.severity in ("stopped", "worse"))
    print(f"trikeye edge doctor: not well: {wrong}", file=sys.stderr)
    return 1
