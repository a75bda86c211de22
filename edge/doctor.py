"""Looks at everything a vehicle needs and says what to do: camera and its file, focus, exposure, position, clock, heat, disk, outbox, pack, redaction, broker, certificates.

It takes nothing away from a watch or an uplink that runs: what these hold (the camera, the port, the login), they are asked for.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from math import ceil
from typing import Self

import numpy as np

from edge.camera_file import look_at
from edge.capture import LiveCamera
from edge.clock import NOT_BEFORE, is_synchronised, stamp
from edge.desired import ZONES
from edge.doctor_broker import certificates_end, log_in
from edge.health import HOT_C, LEAST_FREE_BYTES, OLD_S, SILENT_S, machine_now, temperatures_c
from edge.outbox import Outbox, OutboxError
from edge.part import Picture, UplinkPart, WatchPart, read_part
from edge.pause import here, is_paused
from edge.position import LiveReceiver
from edge.settings import Settings
from edge.values import Frame, Image
from edge.watching import STILL_PX, TOO_WHITE_SHARE, ask_for_still, picture_of
from edge.zones import BadZones, zones_beside
from models.contract import FixHealth
from models.packs import Pack, PackError, load_pack
from models.pixels import encode_jpeg, fit_within
from models.redaction import RedactionUnavailable, Redactor
from models.runtime import Detector
from models.troubles import Severity, trouble_of

UTC = timezone.utc  # noqa: UP017
PATIENCE_S, STILL_S = 10.0, 5.0
LATE_S = 8.0
"""A watch tells every five seconds how it is; what is older is told with its age."""
PICTURES = 5
UPLINK_OLD_S = 20.0
SOON = timedelta(days=14)


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: `key` is the trouble found (models/troubles.toml), `well` without any, `facts` what was seen."""

    name: str
    key: str = "well"
    facts: str = ""

    @property
    def severity(self) -> Severity:
        return trouble_of(self.key).severity


@dataclass
class Bench:
    """Camera and receiver for the doctor: those of a running watch, else its own, opened at need. A redacted still of either."""

    settings: Settings
    _camera: LiveCamera | None = None
    _receiver: LiveReceiver | None = None
    _redactor: Redactor | None = None
    _sample: Image | None = field(default=None, repr=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def watch(self) -> WatchPart | None:
        """What a running watch says; None if none runs, and then camera and receiver are this bench's own."""
        part = read_part(self.settings.vehicle.data, WatchPart)
        age_s = part.age_s(time.monotonic()) if part is not None else None
        if part is None or age_s is None or age_s > SILENT_S or part.ended is not None or not part.is_of_the_living():
            self._open()
            return None
        self._close()
        return part

    def pictures(self, number: int, patience_s: float) -> list[Frame]:
        """So many newest frames of the own camera, fewer if they do not come in time."""
        frames: list[Frame] = []
        end_s = time.monotonic() + patience_s
        while self._camera is not None and len(frames) < number and time.monotonic() < end_s:
            newest = self._camera.newest
            if newest is not None and (not frames or newest.number != frames[-1].number):
                frames.append(newest)
            time.sleep(0.02)
        return frames

    def receiver(self, patience_s: float) -> LiveReceiver | None:
        """The own receiver, after it has had time to find a position."""
        end_s = time.monotonic() + patience_s
        while self._receiver is not None and time.monotonic() < end_s and self._receiver.fix_now() is None:
            time.sleep(0.1)
        return self._receiver

    @property
    def is_paused(self) -> bool:
        """Whether nobody is to look, the doctor neither."""
        now = here(time.monotonic(), datetime.now(UTC), is_synchronised())
        return is_paused(self.settings.vehicle.data, self.settings.gate.paused, now)

    def still(self) -> bytes:
        """A JPEG of what the camera sees, redacted. Raises RedactionUnavailable without redaction, TimeoutError without a picture."""
        if self.watch() is not None:
            still = ask_for_still(self.settings.vehicle.data, STILL_S)
        else:
            redactor = self.redactor()
            frames = self.pictures(1, STILL_S)
            still = encode_jpeg(fit_within(redactor.redact(frames[0].image).image, STILL_PX)) if frames else None
        if still is None:
            raise TimeoutError("the camera gives no picture")
        return still

    def redactor(self) -> Redactor:
        """The redaction that the watch would use. Raises RedactionUnavailable, PackError."""
        if self._redactor is None:
            self._redactor = Redactor(load_pack(self.settings.redact.pack), self.settings.detect.threads)
        return self._redactor

    def _open(self) -> None:
        source = self.settings.camera
        if self._receiver is None:
            self._receiver = LiveReceiver(self.settings.receiver)
        if self.is_paused and self._camera is not None:
            self._camera.close()
            self._camera = None
        elif self._camera is None and not self.is_paused:
            fix_now = self._receiver.fix_now
            self._camera = LiveCamera(
                source.source, source.width_px, source.height_px, self.settings.vehicle.camera, fix_now
            )

    def _close(self) -> None:
        if self._camera is not None:
            self._camera.close()
        if self._receiver is not None:
            self._receiver.stop()
        self._camera = self._receiver = None


def examine(bench: Bench, patience_s: float = PATIENCE_S) -> list[Check]:
    """Every check, in the order in which somebody would put them right."""
    settings, watch = bench.settings, bench.watch()
    sight = _of_watch(watch) if watch else _of_camera(bench, patience_s)
    place = [_position(watch.troubles, watch.fix, watch.said)] if watch else [_of_receiver(bench, patience_s)]
    checks: list[Callable[[], Check]] = [
        lambda: _watch(settings, watch), lambda: _clock(watch, bench), _heat, lambda: _memory(watch), lambda: _disk(settings), lambda: _outbox(settings), lambda: _zones(settings),
        lambda: _pack(settings), lambda: _redaction(bench), lambda: _broker(settings), lambda: _certificate(settings), lambda: _key(settings),
    ]  # fmt: skip
    return [*sight, _camera_file(bench, watch), *place, *(check() for check in checks)]


def is_well(checks: list[Check]) -> bool:
    """Whether nothing is wrong that costs sightings."""
    return all(check.severity in ("note", "well") for check in checks)


# Camera, focus, exposure


def _of_watch(watch: WatchPart) -> list[Check]:
    if "paused" in watch.troubles:
        return [Check("camera", "paused")]
    if gone := _sightless(watch):
        return [Check("camera", gone, "; ".join(watch.said))]
    assert watch.picture is not None
    told = [key for key in ("upside_down", "not_straight") if key in watch.troubles]
    dirty, light = (next((key for key in keys if key in watch.troubles), "well") for keys in (("lens_blurred", "lens_blocked"), ("too_dark", "too_bright")))  # fmt: skip
    return [Check("camera", told[0] if told else "well", _size(watch.picture)), Check("focus", dirty, _sharp(watch.picture)), Check("exposure", light, _light(watch.picture))]  # fmt: skip


def _sightless(watch: WatchPart) -> str:
    """Why a watch that should see has no picture; empty if it has."""
    gone = next((key for key in ("camera_gone", "camera_frozen") if key in watch.troubles), "")
    return gone or ("camera_gone" if watch.picture is None and "paused" not in watch.troubles else "")


def _of_camera(bench: Bench, patience_s: float) -> list[Check]:
    if bench.is_paused:
        return [Check("camera", "paused")]
    frames = bench.pictures(PICTURES, patience_s)
    if not frames:
        return [Check("camera", "camera_gone", f"source {bench.settings.camera.source}")]
    samples = [frame.image[::8, ::8] for frame in frames]
    if len(frames) > 1 and all(np.array_equal(samples[0], each) for each in samples[1:]):
        return [Check("camera", "camera_frozen", f"{len(frames)} pictures alike")]
    looks = [picture_of(frame.image) for frame in frames]
    gate, sharpest = bench.settings.gate, max(looks, key=lambda look: look.sharpness)
    light = "too_dark" if sharpest.brightness < gate.darkest else "too_bright" if sharpest.white_share > TOO_WHITE_SHARE else "well"  # fmt: skip
    blurred = sharpest.sharpness < gate.sharpest_blur and light == "well"
    return [Check("camera", facts=_size(sharpest)), Check("focus", "lens_blurred" if blurred else "well", _sharp(sharpest)), Check("exposure", light, _light(sharpest))]  # fmt: skip


def _size(picture: Picture) -> str:
    return f"{picture.width_px} x {picture.height_px}"


def _sharp(picture: Picture) -> str:
    return f"{picture.sharpness:.0f}"


def _light(picture: Picture) -> str:
    return f"{picture.brightness:.0f} / 255, {picture.white_share:.0%}"


def _camera_file(bench: Bench, watch: WatchPart | None) -> Check:
    """What the watch would make of the camera's file, for pictures as they come now."""
    seen = [watch.picture] if watch and watch.picture else [picture_of(each.image) for each in bench.pictures(1, 0.1)]
    size_px = (seen[0].width_px, seen[0].height_px) if seen else None
    return Check("camera file", *look_at(bench.settings.camera, bench.settings.vehicle.data, size_px))


# Position, clock, machine


def _of_receiver(bench: Bench, patience_s: float) -> Check:
    if not bench.settings.receiver.device:
        return Check("position", "receiver_none")
    receiver = bench.receiver(patience_s)
    if receiver is None or receiver.trouble:
        return Check("position", receiver.kind if receiver else "receiver_gone", receiver.trouble if receiver else "")
    newest = receiver.newest()
    if newest is None:
        silent = receiver.heard_at_s is None
        return Check("position", "receiver_silent" if silent else "no_fix", receiver.unread if silent else "")
    position, age_s = newest
    return _position((), FixHealth(quality=position.quality, age_s=age_s, sigma_m=min(position.sigma_m, 1e5)))


def _position(troubles: tuple[str, ...], fix: FixHealth | None, said: tuple[str, ...] = ()) -> Check:
    """The quality of the position, never the position; of a receiver in trouble what was said of it."""
    for key in ("receiver_none", "receiver_gone", "receiver_silent", "no_fix"):
        if key in troubles:
            return Check("position", key, next((each for each in said if each.startswith("receiver ")), ""))
    return Check("position", facts=f"{fix.quality} ± {fix.sigma_m:.1f} m, {fix.age_s:.0f} s") if fix else Check("position", "no_fix")  # fmt: skip


def _clock(watch: WatchPart | None, bench: Bench) -> Check:
    now, receiver = datetime.now(UTC), bench.receiver(0.0)
    fix = receiver.fix_now() if receiver is not None else None
    by = stamp(now, fix.utc if fix else None, is_synchronised())
    source = watch.clock_source if watch else by.source
    facts = f"{now:%Y-%m-%d %H:%M:%S} UTC, {source}"
    if watch and "clock_back" in watch.troubles:
        return Check("clock", "clock_back", facts)
    if source == "none" or (source != "gnss" and now < NOT_BEFORE):
        return Check("clock", "clock_unset", facts)
    return Check("clock", "clock_unchecked" if source == "system" else "well", facts)


def _heat() -> Check:
    celsius = max(temperatures_c().values(), default=None)
    if celsius is None:
        return Check("heat")
    return Check("heat", "hot" if celsius >= HOT_C else "well", f"{celsius:.0f} °C")


def _watch(settings: Settings, watch: WatchPart | None) -> Check:
    if watch is not None:
        now_s = time.monotonic()
        age_s = watch.age_s(now_s) or 0.0
        late = f", {age_s:.0f} s ago" if age_s > LATE_S else ""
        if "restarting" in watch.troubles:
            over_min = ceil((now_s - min(watch.starts_s, default=now_s)) / 60)
            return Check("watch", "restarting", f"{len(watch.starts_s)} starts in {over_min} min{late}")
        facts = f"{watch.rates_per_s.get('inferred', 0.0):.1f} looks/s{late}"
        return Check("watch", _sightless(watch) or "well", facts)
    before = read_part(settings.vehicle.data, WatchPart)
    # At settings the doctor has looked itself, as they are by now.
    if before is not None and before.ended and before.ended != "settings_bad":
        return Check("watch", before.ended)
    return Check("watch", "watch_silent" if before is not None else "not_started")


def _memory(watch: WatchPart | None) -> Check:
    """Whether pictures before redaction stay in the watch's memory."""
    return Check("memory", "swap_open" if watch and "swap_open" in watch.troubles else "well")


def _disk(settings: Settings) -> Check:
    folder = settings.vehicle.data
    try:
        folder.mkdir(parents=True, exist_ok=True)
        here = machine_now(folder, time.monotonic())
    except OSError as wrong:
        return Check("disk", "outbox_broken", f"{wrong.filename}: {wrong.strerror}")
    return Check("disk", "disk_full" if here.disk_free_bytes < LEAST_FREE_BYTES else "well", f"{here.disk_free_bytes / 1e9:.1f} GB")  # fmt: skip


def _outbox(settings: Settings) -> Check:
    path = settings.vehicle.data / "outbox.sqlite3"
    if not path.exists():
        return Check("outbox", facts="0")
    try:
        with closing(Outbox(path, settings.outbox.cap_bytes)) as outbox:
            counts, waiting = outbox.counts(), outbox.waiting(1)
    except OutboxError as wrong:
        return Check("outbox", "outbox_broken", str(wrong))
    facts = ", ".join(f"{name} {counts[name]}" for name in ("waiting", "aside", "evicted", "unreadable"))
    if counts["unreadable"]:
        return Check("outbox", "card_failing", facts)
    if counts["aside"]:
        return Check("outbox", "refused", facts)
    seen_s = int.from_bytes(waiting[0].id.bytes[:6], "big") / 1000 if waiting else time.time()
    return Check("outbox", "backlog" if time.time() - seen_s > OLD_S else "well", facts)


def _zones(settings: Settings) -> Check:
    """Whether the file of zones can be used, and what is in it; a vehicle without one drives everywhere."""
    try:
        zones = zones_beside(settings.vehicle.data / ZONES)
    except BadZones as wrong:
        return Check("zones", "zones_bad", str(wrong))
    facts = ", ".join(f"{kind} {number}" for kind, number in zones.polygons.items()) or "0"
    if zones.silencing:
        return Check("zones", "zones_silencing", f"{facts}; permitted without a category {zones.silencing}")
    return Check("zones", facts=facts)


# Pack and redaction


def _pack(settings: Settings) -> Check:
    try:
        pack: Pack = load_pack(settings.detect.pack)
        Detector(pack, settings.detect.threads)
    except (PackError, OSError) as wrong:
        return Check("pack", "pack_broken", str(wrong))
    return Check("pack", facts=f"{pack.name} {pack.digest[:8]}")


def _redaction(bench: Bench) -> Check:
    try:
        return Check("redaction", facts=bench.redactor().ready().digest[:8])
    except (RedactionUnavailable, PackError, OSError) as wrong:
        return Check("redaction", "redaction_missing", str(wrong))


# Broker and certificates


def _broker(settings: Settings) -> Check:
    """Whether the vehicle may log in. A running uplink is asked: a second login under its name would end it."""
    part = read_part(settings.vehicle.data, UplinkPart)
    age_s = part.age_s(time.monotonic()) if part is not None else None
    where = f"{settings.uplink.host}:{settings.uplink.port}"
    if part is not None and age_s is not None and age_s < UPLINK_OLD_S and part.is_of_the_living():
        return Check("broker", part.troubles[0] if part.troubles else "well", part.said or f"{where}, uplink")
    key, facts = log_in(settings.vehicle.name, settings.uplink)
    return Check("broker", key, facts or where)


def _certificate(settings: Settings) -> Check:
    """How long the broker's certificate, and the vehicle's own, still hold."""
    if not settings.uplink.tls:
        return Check("certificate", facts="no TLS")
    try:
        end = certificates_end(settings.uplink)
    except (ssl.SSLError, FileNotFoundError, ValueError) as wrong:
        return Check("certificate", "certificate_bad", str(wrong))
    except OSError as wrong:
        return Check("certificate", "broker_unreachable", wrong.strerror or str(wrong))
    return Check("certificate", "certificate_ends" if end - datetime.now(UTC) < SOON else "well", f"{end:%Y-%m-%d}")


def _key(settings: Settings) -> Check:
    key = settings.uplink.server_key
    return Check("server key", "well" if key else "key_missing", key[:8])
