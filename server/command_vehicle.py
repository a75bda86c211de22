"""`trikeye server vehicle`: credentials of a vehicle."""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import signal
import sys
import tomllib
from datetime import datetime
from pathlib import Path

from models.contract import VEHICLE_NAME
from server.start import start_over_data

CREDENTIALS = ("host", "port", "user", "password", "server_key", "tls", "ca_file")
NEW = """\
# docs/edge.toml.example explains every key; what is usually set on a vehicle stands here behind #.
origin = "{origin}"

[vehicle]
name = "{name}"
# data = "/var/lib/trikeye"     # folder of the outbox; without it: trikeye-data beside this file

[camera]
# source = "/dev/video0"        # without it: the first USB camera
# calibration = "camera.toml"   # beside this file; without it places are rough

[receiver]
# device = "/dev/ttyUSB0"       # the GNSS receiver; without it nothing has a place

[uplink]
"""


class NotItsFile(Exception):
    """An edge.toml that stands there cannot take the credentials; the text says why and what to do."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("add", "revoke", "list", "desire"))
    parser.add_argument("name", nargs="?", default="")
    parser.add_argument("--city", help="key of the city it drives in (default: where it is, a new one in taiyuan)")
    parser.add_argument("--fleet", help='name of its fleet (default: where it is, a new one in "fleet")')
    parser.add_argument(
        "--write-config",
        type=Path,
        metavar="FILE",
        help="write an edge.toml with the credentials, mode 0600; in one that is there, all else stays as it is",
    )
    parser.add_argument("--json", action="store_true", help="print the list as one object, for machines")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help="desire: a setting, such as gate.every_m=2; may be given again"
    )  # fmt: skip
    parser.add_argument("--unset", action="append", default=[], metavar="KEY", help="desire: back to the vehicle's own")
    parser.add_argument(
        "--send-again-since", metavar="TIME", help="desire: let it send again what was refused since, such as 2026-11-01T00:00+08:00"
    )  # fmt: skip
    parser.add_argument(
        "--zones", nargs=2, metavar=("URL", "SHA256"), help="desire: the zones it should drive by, and their digest"
    )
    parser.add_argument(
        "--origin",
        choices=("camera", "demo"),
        help="of a new edge.toml (default: camera); demo: its cases never leave for a real city",
    )


def run(args: argparse.Namespace) -> int:
    start_over_data()
    if args.action == "list":
        return _list(args)
    if args.action == "desire":
        return _desire(args)
    if not re.fullmatch(VEHICLE_NAME, args.name) or args.name == "intake":
        print(
            f"trikeye server vehicle: {args.name!r} is no vehicle's name; use letters, digits, - and _", file=sys.stderr
        )
        return 2
    from django.conf import settings

    from server.broker import why_not_open, write_files

    if wrong := why_not_open():
        print(f"trikeye server vehicle: {wrong}", file=sys.stderr)
        return 1
    done = _revoke(args) if args.action == "revoke" else _add(args)
    if done:
        return done
    write_files()
    if not tell_broker(settings.DATA / "broker.pid"):
        print("if a broker runs, start it again: only then does it know of this")
    return 0


def _list(args: argparse.Namespace) -> int:
    from django.utils import timezone

    from models.troubles import trouble_of
    from server.fleet.heartbeats import as_plain, overview
    from server.fleet.models import Vehicle

    rows = overview(Vehicle.objects.all(), timezone.now())
    if not args.json:
        for row in rows:
            heard = f"{row.heard_at:%Y-%m-%d %H:%M} UTC" if row.heard_at else "never heard"
            worst, *others = (trouble_of(key) for key in row.troubles)
            print(
                f"{row.vehicle.name:<16} {worst.en:<22} {heard:<22} {worst.do_en if worst.severity != 'well' else ''}"
            )
            if others:
                print(f"{'':<16} also: {', '.join(each.en for each in others)}")
    print(json.dumps({"vehicles": [as_plain(row) for row in rows]}) if args.json else f"{len(rows)} vehicles")
    return 0


def _desire(args: argparse.Namespace) -> int:
    from django.utils import timezone
    from pydantic import ValidationError

    from models.contract import ZonesLink
    from server.fleet.desires import BadDesire, desire

    try:
        put = {key: _number(value) for key, _, value in (each.partition("=") for each in args.set)}
        since = datetime.fromisoformat(args.send_again_since) if args.send_again_since else None
        if since is not None and since.tzinfo is None:
            raise ValueError(f"{args.send_again_since} has no time zone; write it as 2026-11-01T00:00+08:00")
        zones = ZonesLink(url=args.zones[0], digest=args.zones[1]).model_dump() if args.zones else None
        if not (put or args.unset or since or zones):
            raise ValueError("nothing is asked; for example --set gate.every_m=2")
    except (ValueError, ValidationError) as wrong:
        print(f"trikeye server vehicle: {wrong}", file=sys.stderr)
        return 2
    try:
        revision = desire(args.name, timezone.now(), put=put, drop=tuple(args.unset), send_again_since=since, zones=zones)  # fmt: skip
    except BadDesire as wrong:
        print(f"trikeye server vehicle: {wrong}", file=sys.stderr)
        return 1
    print(f"{args.name}: revision {revision}; intake sends it within seconds, trikeye server vehicle list shows when it is applied")  # fmt: skip
    return 0


def _number(text: str) -> float:
    try:
        return int(text)
    except ValueError:
        return float(text)


def _revoke(args: argparse.Namespace) -> int:
    from server.fleet.services import revoke_vehicle

    if not revoke_vehicle(args.name):
        print(f"trikeye server vehicle: there is no {args.name}", file=sys.stderr)
        return 1
    print(f"{args.name} is revoked")
    return 0


def _add(args: argparse.Namespace) -> int:
    from django.db import transaction

    from server.broker import write_own
    from server.fleet.desires import public_key
    from server.fleet.services import add_vehicle

    if not args.write_config:
        password = add_vehicle(args.name, args.city, args.fleet)
        print(f"{args.name}: password {password}   (shown this once; put it into edge.toml under [uplink])")
        print(f"server_key: {public_key()}   (there too; without it the vehicle takes no settings from afar)")
        return 0
    target: Path = args.write_config
    try:
        with transaction.atomic():  # a place that cannot be written must not cost the vehicle the password it has
            write_own(target, _edge_toml(args, add_vehicle(args.name, args.city, args.fleet), target))
    except (NotItsFile, UnicodeDecodeError) as wrong:
        print(f"trikeye server vehicle: {target} stays as it is, and so does the password: {wrong}", file=sys.stderr)
        return 1
    except OSError as wrong:
        what, folder = Path(str(wrong.filename)).resolve(), target.resolve().parent
        if what.parent == folder and what != target.resolve():  # a name that only this program knows
            what = folder
        print(f"trikeye server vehicle: {what}: {wrong.strerror}; see that it is there and may be used, nothing was changed", file=sys.stderr)  # fmt: skip
        return 1
    print(f"{args.name}: credentials in {target}")
    return 0


def _edge_toml(args: argparse.Namespace, password: str, target: Path) -> list[str]:
    """The vehicle's settings, with all that stands there; an authority of one's own is laid beside them as ca.pem. Raises NotItsFile, OSError."""
    from django.conf import settings

    from server.broker import address
    from server.fleet.desires import public_key

    host, port = address()
    lines = {"host": f'"{host}"', "port": f"{port}", "user": f'"{args.name}"', "password": f'"{password}"', "server_key": f'"{public_key()}"'}  # fmt: skip
    if settings.BROKER_CERT:
        lines["tls"] = "true"
        if settings.BROKER_CA:
            lines["ca_file"] = '"ca.pem"'
    before = target.read_text(encoding="utf-8") if target.exists() else ""
    written = with_credentials(before or NEW.format(origin=args.origin or "camera", name=args.name), args.name, args.origin, lines)  # fmt: skip
    if settings.BROKER_CERT and settings.BROKER_CA:
        shutil.copyfile(settings.BROKER_CA, target.parent / "ca.pem")
    return written


def with_credentials(text: str, name: str, origin: str | None, credentials: dict[str, str]) -> list[str]:
    """An edge.toml with these credentials (values as TOML) in [uplink], all else as it was, comments too. Raises NotItsFile if it is another vehicle's, or cannot be changed so."""
    try:
        before = tomllib.loads(text)
        whose, made_for = before.get("vehicle", {}).get("name"), before.get("origin", "camera")
        if whose != name:
            raise NotItsFile(f"it is the file of {whose or 'no vehicle'}; name another one")
        if origin not in (None, made_for):
            raise NotItsFile(f'it says origin = "{made_for}"; change that there, or name another file')
        lines = text.splitlines()
        if "uplink" not in before:
            lines += ["", "[uplink]"]
        head = next((n for n, line in enumerate(lines) if line.partition("#")[0].strip() == "[uplink]"), len(lines))
        end = next((n for n in range(head + 1, len(lines)) if lines[n].lstrip().startswith("[")), len(lines))
        kept = [line for line in lines[head + 1 : end] if line.partition("=")[0].strip() not in CREDENTIALS]
        lines[head + 1 : end] = [*(f"{key} = {value}" for key, value in credentials.items()), *kept]
        rest = {key: value for key, value in before.get("uplink", {}).items() if key not in CREDENTIALS}
        wanted = rest | {key: tomllib.loads(f"x = {value}")["x"] for key, value in credentials.items()}
        if tomllib.loads("\n".join(lines)) != before | {"uplink": wanted}:
            raise NotItsFile("its [uplink] is written in a way that cannot be changed here; name another file, and copy its [uplink]")  # fmt: skip
    except (tomllib.TOMLDecodeError, AttributeError) as wrong:
        raise NotItsFile(f"it is no edge.toml ({wrong}); mend it, or name another file") from None
    return lines


def tell_broker(pid_file: Path) -> bool:
    """Let Mosquitto read its files again. False if the file's process is none: a number outlives its process and may be somebody else's by now."""
    try:
        pid = int(pid_file.read_text())
        if Path(os.fsdecode(Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[0])).name != "mosquitto":
            return False
        os.kill(pid, signal.SIGHUP)
    except (OSError, ValueError):
        return False
    return True
