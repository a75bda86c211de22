"""`trikeye server backup`: a copy of database and pictures, made while everything runs."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import Any

from server.audit.rules import Verb
from server.start import data_folder, start_over_data


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="where the copies lie, on another disk; pictures lie there once for all of them")  # fmt: skip
    parser.add_argument("--keep", type=int, default=7, metavar="K", help="drop all but the newest K copies (default: %(default)s; 0 drops none)")  # fmt: skip
    parser.add_argument("--with-secrets", action="store_true", help="keys too: without them people set their second factor up anew, and vehicles and cities need new credentials")  # fmt: skip
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    from server.keeping.backup import NotCopied, alone, back_up, keep_newest

    if args.keep < 0:
        print("trikeye server backup: --keep takes a number of copies, 0 for all", file=sys.stderr)
        return 2
    now, pictures, copies = datetime.now(timezone.utc), 0, 0  # noqa: UP017
    try:
        with alone(args.folder):
            into, manifest = back_up(data_folder(), args.folder, now, version("trikeye"), with_secrets=args.with_secrets, say=say)  # fmt: skip
            if args.keep:
                copies, pictures = keep_newest(args.folder, args.keep)
    except NotCopied as wrong:
        print(f"trikeye server backup: {wrong}", file=sys.stderr)
        return 1
    untold = put_on_record(Verb.BACKED_UP, into, bytes=manifest.database_bytes, pictures=manifest.pictures, secrets=bool(manifest.secrets), missing=len(manifest.missing), folder=args.folder.resolve().name)  # fmt: skip
    if args.json:
        print(json.dumps({"copy": str(into), "dropped_copies": copies, "dropped_pictures": pictures, **asdict(manifest)}))  # fmt: skip
    else:
        print(f"{into}: database {manifest.database_bytes / 1e6:.1f} MB, {manifest.pictures} pictures ({manifest.new_pictures} new)"
              f"{', secrets' if manifest.secrets else ', no secrets (--with-secrets)'}; dropped {copies} older copies")  # fmt: skip
    if manifest.missing:
        print(f"trikeye server backup: {len(manifest.missing)} pictures that rows name are gone or damaged in the data folder; the manifest names them, an older copy may have them", file=sys.stderr)  # fmt: skip
        return 1
    if untold:
        print(f"trikeye server backup: the copy is whole, but the audit has no row of it: {untold}", file=sys.stderr)
    return 1 if untold else 0


def put_on_record(verb: Verb, copy: Path, **detail: Any) -> str:
    """A row of the audit: the software itself, told to by whoever may run commands here. What kept it from being written, empty if nothing did."""
    start_over_data()
    from django.db import DatabaseError, transaction

    from server.audit.services import record

    try:
        with transaction.atomic():
            record(verb, "backup", copy.name, **detail)
    except DatabaseError as wrong:
        return str(wrong)
    return ""


def say(words: str) -> None:
    """Progress, on a terminal alone."""
    if sys.stderr.isatty():
        print(f"\r{words}   ", end="", file=sys.stderr, flush=True)
