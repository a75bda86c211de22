"""`trikeye edge watch`: the vehicle at work, camera and receiver live."""

from __future__ import annotations

import argparse
import json
import logging
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import islice
from math import inf
from pathlib import Path

from calibration.camera import OtherShape
from calibration.files import MalformedCameraFile
from edge.camera_file import Known, camera_of
from edge.capture import LiveCamera
from edge.clock import is_synchronised
from edge.desired import ZONES, with_desired
from edge.identity import Ids
from edge.memory import seal
from edge.outbox import Outbox, OutboxError
from edge.pause import Now, forget_spent, here, is_paused
from edge.pipeline import Counts, Vehicle
from edge.position import LiveReceiver
from edge.settings import BadSettings, Settings, read_settings
from edge.values import Frame
from edge.watching import Watching, tell_end, wishes_of
from edge.zones import BadZones, Zones, zones_beside
from models.contract import Sighting
from models.packs import PackError, load_pack
from models.redaction import RedactionUnavailable, Redactor
from models.runtime import Detector

log = logging.getLogger("trikeye.edge")
TOLD_S, TRIAL_S = 5.0, 20.0
"""After so long without a position that is told; after so long without a picture a trial is over."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--config", type=Path, required=True, help="edge.toml; docs/edge.toml.example explains every key"
    )
    parser.add_argument(
        "--frames", type=_frames, help="end after so many frames (a trial); 1 if none could be looked at"
    )


def _frames(words: str) -> int:
    """An argument of a number of frames. Raises what argparse tells."""
    if not words.isascii() or not words.isdigit() or int(words) < 1:
        raise argparse.ArgumentTypeError(f"'{words}' is no number of frames, as 100")
    return int(words)


@dataclass
class Done:
    """What was done since the start, however often everything began again, and why nothing comes or can be placed now."""

    counts: Counts = field(default_factory=Counts)
    gate: Counter[str] = field(default_factory=Counter)
    trouble: str = ""


def run(args: argparse.Namespace) -> int:
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(message)s")
    done = Done()
    try:
        ended, resting, noted = threading.Event(), threading.Event(), () if seal() else ("swap_open",)
        while not _watch(args, ended, resting, noted, done) and not ended.is_set():
            log.info(json.dumps({"event": "settings_changed"}))
    except (BadSettings, MalformedCameraFile, OtherShape, PackError, RedactionUnavailable, OutboxError) as trouble:
        print(f"trikeye edge watch: {trouble}", file=sys.stderr)
        return 1
    counts = done.counts
    print(json.dumps({"frames": counts.frames, "inferred": counts.inferred, "sightings": counts.sightings, "not_kept": counts.not_kept,
                      "gate_reasons": dict(done.gate), "no_fix": counts.no_fix}))  # fmt: skip
    if args.frames and not counts.inferred and not ended.is_set():
        print(f"trikeye edge watch: {_why_nothing(done)}", file=sys.stderr)
        return 1
    return 0


def _why_nothing(done: Done) -> str:
    """Why a trial looked at nothing, and what to do."""
    counts, doctor = done.counts, "trikeye edge doctor says what to do"
    if not counts.frames:
        return f"no picture came in {TRIAL_S:.0f} s: {done.trouble or doctor}"
    if counts.no_fix == counts.frames:
        return f"{counts.frames} pictures came, but nothing was looked at, since none had a position: {done.trouble or doctor}"
    reasons = ", ".join(f"{reason.replace('_', ' ')} {count}" for reason, count in done.gate.most_common(3))
    return f"{counts.frames} pictures came, but none was worth a look ({reasons}): more frames may help; {doctor}"


def _watch(args: argparse.Namespace, ended: threading.Event, resting: threading.Event, noted: tuple[str, ...], done: Done) -> bool:  # fmt: skip
    """Watch, or rest in a pause, until told to end; False after a pause, or if something else is wanted, for which everything begins again."""
    with ExitStack() as at_end:
        settings = read_settings(args.config)
        with suppress(OSError):
            forget_spent(settings.vehicle.data, _now())
        wishes = wishes_of(settings.vehicle.data)
        settings = with_desired(settings)
        zones = _zones(settings)
        known = None if _is_paused(settings) else _known(settings)
        receiver = LiveReceiver(settings.receiver)
        at_end.callback(receiver.stop)
        camera = None if known is None else _camera(settings, receiver)
        _say_pause(settings, resting, is_paused=camera is None)

        def end(*_: object) -> None:
            ended.set()
            if camera is not None:
                camera.stop()

        if camera is not None:
            at_end.callback(camera.close)
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end)
        if ended.is_set():
            end()
        watching = at_end.enter_context(
            Watching(settings, camera, receiver, wishes, noted if zones else (*noted, "zones_bad"))
        )
        if camera is None or known is None:
            watching.rest(ended)
            return False
        watching.vehicle = vehicle = _vehicle(settings, known, zones or Zones.none(), done.counts)
        at_end.callback(vehicle.outbox.close)
        left = args.frames - done.counts.frames if args.frames else None
        frames = camera.frames(TRIAL_S if args.frames else inf)
        vehicle.drive(watching.stills(islice(_told(frames, receiver, settings), left)))
        done.gate += vehicle.gate.reasons
        done.trouble = (camera.trouble or receiver.trouble or _no_receiver(settings)).removesuffix("; trying again")
    return not watching.is_to_begin_again or ended.is_set()


def _told(frames: Iterator[Frame], receiver: LiveReceiver, settings: Settings) -> Iterator[Frame]:
    """The same frames; where none has a position for some seconds, one line says what is waited for."""
    began_s: float | None = None
    is_over = False
    for frame in frames:
        began_s = time.monotonic() if began_s is None else began_s
        is_over = is_over or frame.fix is not None
        if not is_over and time.monotonic() - began_s > TOLD_S:
            is_over = True
            why = receiver.trouble or _no_receiver(settings) or "the receiver has none yet"
            log.info(json.dumps({"event": "waiting_for_position", "vehicle": settings.vehicle.name, "why": why}))
        yield frame


def _no_receiver(settings: Settings) -> str:
    return "" if settings.receiver.device else "no receiver is set: [receiver] device in edge.toml names it"


def _is_paused(settings: Settings) -> bool:
    return is_paused(settings.vehicle.data, settings.gate.paused, _now())


def _say_pause(settings: Settings, resting: threading.Event, *, is_paused: bool) -> None:
    """One line when a pause begins, and one when it ends, however often everything begins again meanwhile."""
    if is_paused != resting.is_set():
        event = "pause_began" if is_paused else "pause_ended"
        log.info(json.dumps({"event": event, "vehicle": settings.vehicle.name, "data": str(settings.vehicle.data)}))
        (resting.set if is_paused else resting.clear)()


def _now() -> Now:
    return here(time.monotonic(), datetime.now(UTC), is_synchronised())


def _known(settings: Settings) -> Known:
    """Camera and mount. Raises MalformedCameraFile, after it has been told to doctor and uplink."""
    try:
        return camera_of(settings.camera)
    except MalformedCameraFile as wrong:
        tell_end(settings, wrong)
        raise MalformedCameraFile(f"{wrong} (mend it or make one: trikeye calibrate camera; [camera] calibration in edge.toml names it)") from None  # fmt: skip


def _camera(settings: Settings, receiver: LiveReceiver) -> LiveCamera:
    source = settings.camera
    return LiveCamera(source.source, source.width_px, source.height_px, settings.vehicle.camera, receiver.fix_now)


def _zones(settings: Settings) -> Zones | None:
    """The zones that the server sent; None if they are broken: they may not stop the vehicle, the uplink fetches them again."""
    try:
        return zones_beside(settings.vehicle.data / ZONES)
    except BadZones as wrong:
        log.error("%s; watching goes on without zones", wrong)
        return None


def _vehicle(settings: Settings, known: Known, zones: Zones, counts: Counts) -> Vehicle:
    detector = Detector(load_pack(settings.detect.pack), settings.detect.threads)
    ids = Ids(settings.vehicle.name, settings.vehicle.camera, None)
    outbox = Outbox(settings.vehicle.data / "outbox.sqlite3", settings.outbox.cap_bytes, settings.outbox.urgent)
    now = datetime.now(UTC)
    redactor = Redactor(load_pack(settings.redact.pack), settings.detect.threads)
    vehicle = Vehicle(
        settings,
        detector,
        redactor,
        outbox,
        ids,
        *known,
        ids.boot(now),
        _tell,
        clock_s=time.monotonic,
        zones=zones,
        counts=counts,
    )
    vehicle.decider.remember(outbox.told_since(now - timedelta(hours=settings.decide.cool_down_h)))
    return vehicle


def _tell(sighting: Sighting) -> None:
    log.info(
        json.dumps(
            {
                "event": "sighting_kept",
                "vehicle": sighting.vehicle,
                "id": str(sighting.id),
                "category": sighting.category,
            }
        )
    )
