"""`trikeye server restore`: a backup back into an empty data folder."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from server.audit.rules import Verb
from server.start import data_folder


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, help="a backup's folder (its newest copy is taken), or one copy in it")
    parser.add_argument("--json", action="store_true", help="end with one line of JSON")


def run(args: argparse.Namespace) -> int:
    from server.command_backup import put_on_record, say
    from server.keeping.backup import NotCopied
    from server.keeping.restore import restore

    data = data_folder()
    try:
        done = restore(args.folder, data, say)
    except NotCopied as wrong:
        print(f"trikeye server restore: {wrong}", file=sys.stderr)
        return 1
    manifest = done.manifest
    untold = put_on_record(Verb.RESTORED, done.copy, copied_at=manifest.at, version=manifest.version, pictures=done.pictures, lost=len(done.lost))  # fmt: skip
    if args.json:
        print(json.dumps({"copy": str(done.copy), "at": manifest.at, "pictures": done.pictures, "lost": done.lost, "missing": manifest.missing, "secrets": sorted(manifest.secrets), "heads": manifest.heads}))  # fmt: skip
    else:
        print(f"{data}: as of {manifest.at}, {done.pictures} pictures, {len(manifest.secrets) or 'no'} secrets")
        print("next: trikeye server migrate; trikeye server broker config; trikeye server audit verify" + "".join(f" --head {head}" for head in manifest.heads.values()))  # fmt: skip
        if not manifest.secrets:
            print("without secrets: trikeye server user second-factor NAME --reset for each person, vehicle add for each vehicle, destination add for each city")  # fmt: skip
    if done.lost:
        print(f"trikeye server restore: {len(done.lost)} pictures are gone or damaged in the backup: {', '.join(done.lost[:3])} …; all else is there", file=sys.stderr)  # fmt: skip
        return 1
    if untold:
        print(f"trikeye server restore: all is there, but the audit has no row of it: {untold}", file=sys.stderr)
    return 1 if untold else 0
