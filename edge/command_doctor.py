"""`trikeye edge doctor`: what is wrong with this vehicle, and what to do, in the language of the environment."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from unicodedata import east_asian_width

from edge.desired import with_desired
from edge.doctor import Bench, Check, examine, is_well
from edge.doctor_facts import in_chinese
from edge.doctor_page import NAMES, serve
from edge.settings import BadSettings, read_settings
from models.troubles import trouble_of

MARKS = {
    "en": {"stopped": "STOP", "worse": "BAD", "note": "note", "well": "ok"},
    "zh": {"stopped": "停摆", "worse": "受影响", "note": "提示", "well": "正常"},
}


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
            serve(bench, args.bind, args.port, lambda address: print(f"open {address}   (good for one browser; Ctrl-C ends)", flush=True))  # fmt: skip
            return 0
        return _tell(examine(bench), args.json)


def _tell(checks: list[Check], as_json: bool) -> int:
    language = language_of(os.environ)
    if as_json:
        rows = [{"check": c.name, "severity": c.severity, "trouble": "" if c.key == "well" else c.key, "facts": c.facts,
                 "do": "" if c.key == "well" else trouble_of(c.key).do_en} for c in checks]  # fmt: skip
        print(json.dumps({"well": is_well(checks), "checks": rows}, ensure_ascii=False))
    else:
        print("\n".join(line for check in checks for line in _lines(check, language)))
    if is_well(checks):
        return 0
    wrong = ", ".join(_name(check, language) for check in checks if check.severity in ("stopped", "worse"))
    print(f"trikeye edge doctor: {'有问题' if language == 'zh' else 'not well'}: {wrong}", file=sys.stderr)
    return 1


def language_of(environment: Mapping[str, str]) -> str:
    """`zh` or `en`: the first of the locale's variables that says anything decides, as everywhere."""
    said = next(filter(None, (environment.get(name) for name in ("LC_ALL", "LC_MESSAGES", "LANG"))), "")
    return "zh" if said.startswith("zh") else "en"


def _lines(check: Check, language: str) -> list[str]:
    trouble, facts = trouble_of(check.key), in_chinese(check.facts) if language == "zh" else check.facts
    begin = f"{_wide(MARKS[language][check.severity], 6)} {_wide(_name(check, language), 12)} "
    if check.key == "well":
        return [f"{begin}{facts}".rstrip()]
    return [f"{begin}{trouble.word(language)}  {facts}".rstrip(), f"{'':<20}{trouble.remedy(language)}"]


def _name(check: Check, language: str) -> str:
    return NAMES.get(check.name, check.name) if language == "zh" else check.name


def _wide(text: str, columns: int) -> str:
    """Filled up to so many columns of a terminal, where a Chinese character takes two."""
    return text + " " * (columns - sum(2 if east_asian_width(each) in "WF" else 1 for each in text))
