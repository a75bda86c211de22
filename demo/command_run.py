"""`trikeye demo run`: the whole chain, with a person or without."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from demo.changed import what_changed
from demo.typed import typed

if TYPE_CHECKING:
    from demo.chain import Chain

SAID_EVERY_S = 10.0
TRIES = {
    "reviewer": "decides cards", "supervisor": "disputes, categories, thresholds, all figures", "officer": "what was handed over, as the city reads it",
    "auditor": "who did what; reads everything", "fleet": "vehicles, no case", "administrator": "people",
}  # fmt: skip
"""What each of the demo's people has to look at."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--headless",
        action="store_true",
        help="no person: a scripted reviewer signs in and answers from the ride's truth",
    )
    parser.add_argument(
        "--until-done",
        action="store_true",
        help="end when everything is decided, handed over, and one case is reported fixed",
    )
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")
    parser.add_argument(
        "--data", type=Path, help="folder that is kept (default: .demo, or a new empty one with --headless)"
    )
    parser.add_argument("--ride", type=Path, help="folder of a ride (default: the sample ride)")
    parser.add_argument(
        "--pack", default="", help="a shipped pack's name or a folder (default: the shipped street pack)"
    )
    parser.add_argument("--port", type=int, help="port of the pages at the first start (default: a free one)")
    parser.add_argument(
        "--broker", choices=("auto", "amqtt"), default="auto", help="auto: Mosquitto if it is installed"
    )
    parser.add_argument(
        "--limit",
        type=float,
        default=900,
        metavar="SECONDS",
        help="with --until-done, give up after this (default: %(default)s)",
    )


def run(args: argparse.Namespace) -> int:
    missing = what_is_missing()
    if missing:
        print("\n".join(f"trikeye demo run: {line}" for line in missing), file=sys.stderr)
        return 1
    from demo.chain import SAMPLE, Chain, ChainFailed, temporary_data

    temporary = args.headless and args.data is None
    data = args.data or (temporary_data() if temporary else Path(".demo"))
    chain = Chain(
        data, (args.ride or SAMPLE).resolve(), args.headless, args.port, args.broker == "amqtt", args.pack, say
    )
    signal.signal(signal.SIGTERM, lambda *_: (_ for _ in ()).throw(KeyboardInterrupt()))
    began = time.monotonic()
    say(
        f"a demo in {chain.data}: {'half a minute' if chain.login_file.exists() else 'about a minute, this first time'} until the pages open"
    )
    try:
        chain.start()
        print(greeting(chain), file=sys.stderr, flush=True)
        if args.headless and not chain.has_truth:
            print("no truth.json in the ride: every card is confirmed, and nothing can be judged", file=sys.stderr)
        code = _follow(chain, args, began)
        if temporary and code == 0:
            chain.stop()
            shutil.rmtree(data, ignore_errors=True)
        return code
    except ChainFailed as trouble:
        print(f"trikeye demo run: {trouble}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nstopping …", file=sys.stderr)
        return 0
    finally:
        chain.stop()


def greeting(chain: Chain) -> str:
    """Where to look, who signs in, and in what a demo differs from a city."""
    at = [] if chain.data == Path(".demo").resolve() else ["--data", str(chain.data)]
    changed = {each.name: what_changed(each, chain.server_data) for each in chain.logins.values()}
    lines = [
        f"review queue   {chain.web_url}/review/",
        f"sandbox city   {chain.city_url}/",
        *(
            f"{'' if number else 'sign in as':14} {each.name} / {'(changed, see below)' if 'password' in changed[each.name] else each.password}   {TRIES.get(each.name, '')}".rstrip()
            for number, each in enumerate(chain.logins.values())
        ),
        *(f"{'changed':14} {sentence}" for each in changed.values() for sentence in each.values()),
        f"code           {typed('demo', 'code', chain.login.name, *at)}   (or another of these names; asked for after the password)",
        f"server verbs   TRIKEYE_DATA={shlex.quote(_short(chain.server_data))} {typed('server', 'user', 'add', 'NAME')}, and any other, reach this demo",
        f"data, logs     {chain.data}",
        "in shadow      nothing here: a demo opens every category to the sandbox city; a real server hands over those shown to be right alone",
    ]
    if not chain.headless:
        lines += [
            f"A confirmed card leaves for the city after {chain.grace_s} s; until then A takes it back for nothing.",
            "Ctrl-C stops everything; a second start goes on with the same data, without this folder it begins anew.",
            driving(chain),
        ]
    return "\n".join(lines)


def driving(chain: Chain) -> str:
    """What comes of the ride now: nothing new where it was driven to its end before."""
    if chain.has_been_driven:
        return f"The ride was driven to its end at an earlier start: it is driven again, and what it finds is known, so no card is added. To see cards come: {typed('demo', 'run', '--data', 'FOLDER')} with a new folder."
    return "Now the sample ride is driven, 80 s of it; each find is a card in the queue a second or two later."


def say(words: str) -> None:
    """A line before something takes its time."""
    print(words, file=sys.stderr, flush=True)


def _short(path: Path) -> str:
    """From here where it lies below, else the whole path."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _follow(chain: Chain, args: argparse.Namespace, began: float) -> int:
    from demo.people import People

    people, progress = People(chain) if args.headless else None, Progress()
    while True:
        chain.watch()
        if people:
            people.act()
        now = chain.progress()
        progress.show(now, chain.ride_over)
        if args.until_done and chain.is_done(now):
            break
        if args.until_done and time.monotonic() - began > args.limit:
            print(
                f"\ntrikeye demo run: not done after {args.limit:.0f} s: {now}; logs: {chain.data}/logs",
                file=sys.stderr,
            )
            return 1
        time.sleep(0.5)
    result = chain.result(time.monotonic() - began)
    print(file=sys.stderr)
    print(
        json.dumps(result)
        if args.json
        else "\n".join(f"{key:18} {'-' if value is None else value}" for key, value in result.items())
    )
    return 0


class Progress:
    """One line that is kept up to date on a terminal, and one now and then, when something changed, elsewhere."""

    def __init__(self) -> None:
        self._said, self._said_s = "", 0.0

    def show(self, now: dict[str, int], ride_over: bool) -> None:
        """Say where things stand."""
        line = (
            f"sightings {now['committed']} · on the server {now['sightings']} · cases {now['cases']} · to review {now['undecided']}"
            f" · handed over {now['handovers']} · fixed {now['fixed']}{' · the ride is over' if ride_over else ''}"
        )
        if sys.stderr.isatty():
            print(f"\r{line}   ", end="", file=sys.stderr, flush=True)
        elif line != self._said and time.monotonic() - self._said_s > SAID_EVERY_S:
            self._said, self._said_s = line, time.monotonic()
            print(line, file=sys.stderr, flush=True)


def what_is_missing() -> list[str]:
    """What this machine lacks, each with the line that helps."""
    lines = []
    try:
        import cv2  # noqa: F401
    except ImportError as wrong:
        lines.append(f"OpenCV cannot be loaded ({wrong}); on Debian: sudo apt-get install libgl1 libglib2.0-0")
    for module in ("django", "onnxruntime", "paho.mqtt.client", "httpx"):
        try:
            __import__(module)
        except ImportError:
            lines.append(f"{module} is not installed; run: make setup")
    return lines
