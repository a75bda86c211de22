"""`trikeye demo code`: what the authenticator app of one of the demo's people shows now."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from demo.changed import what_changed
from demo.login import PERIOD_S, read_logins
from demo.typed import typed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", nargs="?", default="reviewer", help="who signs in (default: %(default)s)")
    parser.add_argument("--data", type=Path, default=Path(".demo"), help="folder of the demo (default: %(default)s)")


def run(args: argparse.Namespace) -> int:
    logins = read_logins(args.data / "login.txt")
    login = logins.get(args.name)
    if login is None and logins:
        print(f"trikeye demo code: nobody in {args.data}/login.txt is called {args.name}; there are {', '.join(logins)}", file=sys.stderr)  # fmt: skip
        return 1
    if login is None or not login.secret:
        print(
            f"trikeye demo code: {args.data}/login.txt has no key of {args.name}; start the demo first: {typed('demo', 'run', '--data', str(args.data))}",
            file=sys.stderr,
        )
        return 1
    changed = what_changed(login, args.data.resolve() / "server")
    for sentence in changed.values():
        print(f"trikeye demo code: {sentence}", file=sys.stderr)
    if "second factor" in changed:
        return 1
    now_s = time.time()
    print(f"{login.code(now_s)}   ({PERIOD_S - int(now_s) % PERIOD_S} s left; each code lets in once)")
    return 0
