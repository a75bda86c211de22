"""The command line on one page: every verb and the room it lives in. A room is imported only when it is called."""

from __future__ import annotations

import argparse
import errno
import gc
import importlib
import os
import select
import sqlite3
import sys
from dataclasses import dataclass
from types import ModuleType

ABOUT = "Couriers' tricycles see what is wrong with a street; a person confirms it; the city gets a case with place and picture."
EXIT_CODES = "exit codes: 0 done, 1 failed (the last line says why and what to do), 2 wrong usage, 130 interrupted"
EXTRA = {"models": "evaluation", "calibrate": "calibration"}
"""The extra that brings what a room needs, where it has another name than the room."""


@dataclass(frozen=True)
class Verb:
    """One subcommand: `module` has `add_arguments(parser)` and `run(args) -> int`."""

    room: str
    name: str
    module: str
    summary: str
    example: str


VERBS = (
    Verb("edge", "watch", "edge.command_watch", "watch a camera and keep what it sees in the outbox",
         "trikeye edge watch --config edge.toml"),
    Verb("edge", "replay", "edge.command_replay", "run the vehicle over a recorded ride",
         "trikeye edge replay RIDE --json"),
    Verb("edge", "uplink", "edge.command_uplink", "send the outbox to the server until stopped",
         "trikeye edge uplink --config edge.toml"),
    Verb("edge", "outbox", "edge.command_outbox", "look at what waits, what was set aside and what was forced out",
         "trikeye edge outbox list --config edge.toml"),
    Verb("edge", "pause", "edge.command_pause", "switch the camera off for a while, and on again",
         "trikeye edge pause --for 2h --config edge.toml"),
    Verb("edge", "doctor", "edge.command_doctor", "say what is wrong with this vehicle and what to do; beside a running watch, too",
         "trikeye edge doctor --config edge.toml"),
    Verb("models", "list", "models.command_list", "list the shipped packs", "trikeye models list --json"),
    Verb("models", "show", "models.command_show", "show a pack's card: what is live, what in shadow, how well it sees",
         "trikeye models show street --json"),
    Verb("models", "verify", "models.command_verify", "check a pack's digest and layout", "trikeye models verify street"),
    Verb("models", "schema", "models.command_schema", "write the messages as JSON Schema", "trikeye models schema --out DIR"),
    Verb("models", "preview", "models.command_preview", "draw what a pack sees into a picture, a folder or a film",
         "trikeye models preview demo/ride/sample/video.mp4 --out /tmp/seen.mp4"),
    Verb("models", "evaluate", "models.training.command_evaluate", "measure a pack on labelled pictures",
         "trikeye models evaluate street --data DATA.yaml --json"),
    Verb("models", "compare", "models.training.command_compare", "whether one pack is better than another beyond noise",
         "trikeye models compare street NEW-PACK --data DATA.yaml"),
    Verb("models", "dataset", "models.training.command_dataset", "check a labelled set before training or measuring on it",
         "trikeye models dataset check DATA.yaml"),
    Verb("models", "calibrate", "models.training.command_calibrate", "fit a pack's probabilities to what reviewers decided",
         "trikeye models calibrate street --verdicts verdicts --out street-here"),
    Verb("models", "train", "models.training.command", "train a street pack (needs .venv-training)",
         "trikeye models train --weights yolo26n.pt --teacher yolo26n.pt --drawn FRAMES"),
    Verb("models", "export", "models.training.command_export", "make a pack of a checkpoint, or other files (needs .venv-training)",
         "trikeye models export last.pt --out PACK --name street-2027.1"),
    Verb("calibrate", "board", "calibration.command_board", "make a board to print, true to scale",
         "trikeye calibrate board --squares 9x6 --square-mm 25 --charuco --out board.pdf"),
    Verb("calibrate", "camera", "calibration.command_camera", "make a camera file of pictures of a board, or of known values",
         "trikeye calibrate camera PICTURES --squares 9x6 --report report --output camera.toml"),
    Verb("calibrate", "mount", "calibration.command_mount", "find how a camera is mounted, by marks on the ground or a minute of driving",
         "trikeye calibrate mount --camera camera.toml --drive RIDE --height 1.4"),
    Verb("calibrate", "clock", "calibration.command_clock", "tell how late pictures are against positions, out of a drive that turns",
         "trikeye calibrate clock RIDE"),
    Verb("calibrate", "show", "calibration.command_show", "say in words what a camera file says", "trikeye calibrate show camera.toml"),
    Verb("calibrate", "check", "calibration.command_check", "draw metres on the road of a picture, to see whether a camera file is right",
         "trikeye calibrate check street.jpg --camera camera.toml --out grid.png"),
    Verb("calibrate", "locate", "calibration.command_locate", "tell where things stand whose boxes are seen, and how sure that is",
         "trikeye calibrate locate camera.toml boxes.csv --depth-offset car=1.91 --json"),
    Verb("server", "run", "server.command_run", "start broker, web, intake and work on this machine",
         "trikeye server run --data ./data"),
    Verb("server", "web", "server.command_web", "serve the pages", "trikeye server web --port 8000"),
    Verb("server", "intake", "server.command_intake", "take sightings from the broker", "trikeye server intake"),
    Verb("server", "work", "server.command_work", "screen cases and hand them over", "trikeye server work"),
    Verb("server", "migrate", "server.command_migrate", "create or update the database", "trikeye server migrate"),
    Verb("server", "user", "server.command_user", "add a person or set a new password",
         "trikeye server user add wang --role reviewer"),
    Verb("server", "vehicle", "server.command_vehicle", "list vehicles worst first, add one, revoke its credentials, or change its settings",
         "trikeye server vehicle desire TY-01 --set gate.every_m=2"),
    Verb("server", "destination", "server.command_destination", "add a place where a city takes its cases",
         "trikeye server destination add sandbox http://127.0.0.1:8100/webhook --sandbox --allow-private"),
    Verb("server", "export", "server.command_export", "write what reviewers decided into a folder, for training",
         "trikeye server export verdicts --out verdicts --json"),
    Verb("server", "figures", "server.command_figures", "sum all verdicts by day anew, for the pages of quality",
         "trikeye server figures"),
    Verb("server", "category", "server.command_category", "list what is live and what in shadow, or put a category elsewhere",
         "trikeye server category shadow waste_pile --by li"),
    Verb("server", "import-places", "server.command_places", "take a city's roads, landmarks, unit grids or districts from GeoJSON, to name places by",
         "trikeye server import-places roads.geojson --city taiyuan --kind road"),
    Verb("server", "token", "server.command_token", "let another program read, by a token that is shown once",
         "trikeye server token add grafana --role admin"),
    Verb("server", "trace", "server.command_trace", "tell the whole story of one sighting or case", "trikeye server trace 123 --json"),
    Verb("server", "openapi", "server.command_openapi", "write what other programs may ask, as OpenAPI", "trikeye server openapi --out openapi.json"),
    Verb("server", "audit", "server.command_audit", "see whether the audit is as it was sealed, or print its heads to keep elsewhere",
         "trikeye server audit verify --json"),
    Verb("server", "backup", "server.command_backup", "copy database and pictures while everything runs",
         "trikeye server backup /mnt/backup --keep 7"),
    Verb("server", "restore", "server.command_restore", "bring a backup back into an empty data folder",
         "trikeye server restore /mnt/backup"),
    Verb("server", "retention", "server.command_retention", "erase pictures that were kept long enough, or say which would be",
         "trikeye server retention --dry-run --json"),
    Verb("server", "broker", "server.command_broker", "write the broker's files, or run the embedded one",
         "trikeye server broker config --out /etc/mosquitto/trikeye"),
    Verb("demo", "run", "demo.command_run", "the whole chain on this machine", "trikeye demo run --headless --until-done --json"),
    Verb("demo", "code", "demo.command_code", "show the code that signs one of the demo's people in", "trikeye demo code supervisor"),
    Verb("demo", "ride", "demo.ride.command", "draw a sample ride, or make one of photographs",
         "trikeye demo ride --seed 7 --out ride7"),
    Verb("demo", "simulate", "demo.command_simulate", "drive a fleet of 1 to 1,000 vehicles against a server, and measure its answers",
         "trikeye demo simulate --vehicles 100 --minutes 5 --json"),
    Verb("demo", "city", "demo.command_city", "run the sandbox city", "trikeye demo city --data ./city --secret-file city-secret --status-url http://127.0.0.1:8000/city/status/1"),
)  # fmt: skip


REMEDIES = {
    errno.ENOENT: "see that the place exists", errno.ENOTDIR: "see that the place exists", errno.EISDIR: "name a file, not a folder", errno.EEXIST: "a folder is needed there, or another name",
    errno.EACCES: "see that this user may read and write there", errno.EPERM: "see that this user may read and write there", errno.EROFS: "name a place that can be written",
    errno.ENOSPC: "free some room there", errno.EADDRINUSE: "name another port, or end what holds this one",
}  # fmt: skip
"""What to do about what the system has against it; nothing where only it knows."""


def imported(name: str) -> ModuleType:
    """A verb's module and all it needs. None of that is ever garbage, but looking for some in it would slow each start."""
    gc.disable()
    try:
        return importlib.import_module(name)
    finally:
        gc.freeze()
        gc.enable()


def parser_for(argv: list[str]) -> argparse.ArgumentParser:
    """The parser, with arguments added only for the verb that argv names: no other room is imported."""
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(
        prog="trikeye", description=ABOUT, epilog=f"example:\n  trikeye demo run\n\n{EXIT_CODES}", formatter_class=raw
    )
    rooms = parser.add_subparsers(dest="room", metavar="ROOM", required=True)
    for room in dict.fromkeys(verb.room for verb in VERBS):
        own = [verb for verb in VERBS if verb.room == room]
        names = ", ".join(verb.name for verb in own)
        room_parser = rooms.add_parser(room, help=names, epilog=EXIT_CODES, formatter_class=raw)
        verbs = room_parser.add_subparsers(dest="verb", metavar="VERB", required=True)
        for verb in own:
            verb_parser = verbs.add_parser(
                verb.name, help=verb.summary, description=verb.summary[0].upper() + verb.summary[1:] + ".",
                epilog=f"example:\n  {verb.example}\n\n{EXIT_CODES}", formatter_class=raw,
            )  # fmt: skip
            if argv[:2] == [room, verb.name]:
                imported(verb.module).add_arguments(verb_parser)
                verb_parser.set_defaults(module=verb.module)
    return parser


def main(argv: list[str] | None = None) -> int:
    """Run one verb and return its exit code."""
    argv = sys.argv[1:] if argv is None else argv
    if "models" not in argv[:1]:
        # Packs and schemas are for others; outbox, database, pictures and secrets are for their owner alone.
        os.umask(0o077)
    try:
        parser = parser_for(argv)
        args = parser.parse_args(argv)
        code = int(importlib.import_module(args.module).run(args))
        sys.stdout.flush()
        return code
    except ModuleNotFoundError as missing:
        room = argv[0] if argv else "edge"
        print(f"trikeye: the Python package '{missing.name}' is not installed; "
              f"in the project's folder: pip install '.[{EXTRA.get(room, room)}]'", file=sys.stderr)  # fmt: skip
        return 1
    except KeyboardInterrupt:
        return 130
    except Exception as wrong:
        if isinstance(wrong, BrokenPipeError) and _nobody_reads():
            return 141
        sentence = _in_words(wrong)
        if not sentence:
            raise
        print(f"trikeye: {sentence}", file=sys.stderr)
        return 1


def _nobody_reads() -> bool:
    """Whether the reader of the output (`| head`) has gone; what is still to be written then goes nowhere, without a word."""
    poll = select.poll()
    poll.register(sys.stdout.fileno(), 0)
    gone = any(event & select.POLLERR for _, event in poll.poll(0))
    if gone:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return gone


def _in_words(wrong: Exception) -> str:
    """What a disk or a database has against it, and what to do; empty for what is a fault of ours."""
    cause = wrong.__cause__ or wrong  # Django raises its own from the database's
    if isinstance(cause, sqlite3.OperationalError):
        is_old = any(words in str(cause) for words in ("no such table", "no such column", "unable to open"))
        return f"the database: {cause}; " + (
            "create or update it: trikeye server migrate (TRIKEYE_DATA names its folder)"
            if is_old
            else "see who else holds it, and how full the disk is"
        )
    if isinstance(cause, MemoryError):
        return "out of memory; give this process more, or let it do less at once"
    if isinstance(cause, OSError):
        place = f"{cause.filename2 or cause.filename}: " if cause.filename is not None else ""
        remedy = REMEDIES.get(cause.errno or 0)
        return f"{place}{cause.strerror or cause}{f'; {remedy}' if remedy else ''}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
