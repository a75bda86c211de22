"""`trikeye edge pause`: the camera off, and on again; a watch that runs obeys within a second or two."""

from __future__ import annotations

import argparse
import json
import re
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from edge.clock import is_synchronised
from edge.desired import with_desired
from edge.pause import LONGEST_S, SHORTEST_S, asked, begin, end, here, left_s
from edge.settings import BadSettings, read_settings

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def duration_s(text: str) -> float:
    """`90s`, `30m`, `2h` or `1d` in seconds. Raises ArgumentTypeError."""
    match = re.fullmatch(r"(\d{1,7})([smhd])", text.strip())
    found = int(match[1]) * SECONDS[match[2]] if match else 0
    if not SHORTEST_S <= found <= LONGEST_S:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time such as 30m, 2h or 1d, of a minute at least (a shorter pause nobody would see) and 30 days at most"
        )
    return float(found)


def _until(left_s: float, time_zone: str) -> str:
    """`until 14:30 (Asia/Shanghai), 1 h 30 min more`, with the date if that is another day."""
    now = datetime.now(ZoneInfo(time_zone))
    end = now + timedelta(seconds=left_s)
    minutes = max(1, round(left_s / 60))
    spans = ((minutes // 1440, "d"), (minutes // 60 % 24, "h"), (minutes % 60, "min"))
    more = " ".join(f"{number} {unit}" for number, unit in spans if number)
    return f"until {end:{'%H:%M' if end.date() == now.date() else '%Y-%m-%d %H:%M'}} ({time_zone}), {more} more"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--for", dest="for_s", type=duration_s, metavar="TIME", help="end by itself after 30m, 2h, 1d … (default: until --resume)")  # fmt: skip
    what.add_argument("--resume", action="store_true", help="look again")
    what.add_argument("--status", action="store_true", help="only say how it is")
    parser.add_argument("--config", type=Path, required=True, help="edge.toml of the vehicle")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    now = here(time.monotonic(), datetime.now(UTC), is_synchronised())
    try:
        settings = with_desired(read_settings(args.config))
        folder = settings.vehicle.data
        if args.resume:
            end(folder)
        elif not args.status:
            begin(folder, args.for_s, now)
    except BadSettings as trouble:
        print(f"trikeye edge pause: {trouble}", file=sys.stderr)
        return 1
    except OSError as wrong:
        print(f"trikeye edge pause: {wrong.filename}: {wrong.strerror}; run it as the user that watches, and see that the folder may be written", file=sys.stderr)  # fmt: skip
        return 1
    pause, name = asked(folder), settings.vehicle.name
    left = left_s(pause, now) if pause is not None else 0.0
    is_paused = settings.gate.paused or left != 0.0
    if settings.gate.paused:
        print(f"paused by [gate] paused, in edge.toml or from the server: trikeye server vehicle desire {name} --unset gate.paused")  # fmt: skip
    elif is_paused:
        print(
            f"paused; the camera stays off {'until --resume' if left is None else _until(left, settings.vehicle.time_zone)}"
        )
    else:
        print("not paused; a watch that runs looks again")
    print(f"data: {folder}   (a watch obeys if its edge.toml means this folder)")
    if args.json:
        print(json.dumps({"paused": is_paused, "by_settings": settings.gate.paused, "left_s": left if is_paused else None}))  # fmt: skip
    # Whoever resumes is not to believe that it looks when it does not.
    return 1 if args.resume and is_paused else 0
