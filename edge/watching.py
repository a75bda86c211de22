"""How the watch is: once a second it looks at camera, receiver and clock, and tells the uplink and the doctor through one small file."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np

from calibration.camera import OtherShape
from calibration.files import MalformedCameraFile
from edge.capture import LiveCamera
from edge.clock import NOT_BEFORE, NTP_SIGMA_S, ClockWatch, is_synchronised, stamp
from edge.desired import KEPT, ZONES, zones_digest
from edge.health import battery_share, temperatures_c
from edge.outbox import OutboxError, OutboxFull
from edge.part import Picture, WatchPart, read_part, write_aside, write_part
from edge.pause import PAUSE, Now, here, is_paused
from edge.pause import end as resume
from edge.position import LiveReceiver
from edge.rate import Stretch, stretched
from edge.settings import BadSettings, Gate, Settings
from edge.turned import TurnWatch, scores
from edge.values import Frame, Image
from models.contract import FixHealth, PackName
from models.packs import PackError
from models.pixels import brightness_and_sharpness, encode_jpeg, fit_within
from models.redaction import RedactionUnavailable

if TYPE_CHECKING:
    from edge.pipeline import Vehicle

log = logging.getLogger("trikeye.edge")
UTC = timezone.utc  # noqa: UP017
LOOK_S, WRITE_S, RATE_S, TURN_S, REST_S = 1.0, 5.0, 60.0, 10.0, 0.2
GONE_S, FROZEN_S, NO_FIX_S, BACK_S, BLOCKED_S = 5.0, 10.0, 120.0, 3600.0, 30.0
LOOKS = 30
"""Pictures are called dark, white or blurred when so many looks in a row were."""
WHITE, TOO_WHITE_SHARE = 250, 0.5
STARTS_S, MANY_STARTS = 1800.0, 5
ENDS: tuple[tuple[type[Exception], str], ...] = (
    (RedactionUnavailable, "redaction_missing"), (PackError, "pack_broken"), (OutboxFull, "disk_full"), (OutboxError, "outbox_broken"),
    (BadSettings, "settings_bad"), (MalformedCameraFile, "settings_bad"), (OtherShape, "settings_bad"),
)  # fmt: skip
STILL, STILL_WANTED, STILL_PX = "still.jpg", "still.wanted", 960


@dataclass
class PictureWatch:
    """What consecutive looks at the newest picture tell. `faults` counts how often each trouble began."""

    gate: Gate
    faults: Counter[str] = field(default_factory=Counter)
    picture: Picture | None = None
    _sample: Image | None = None
    _number: int = -1
    _new_at_s: float | None = None
    _changed_at_s: float = 0.0
    _looks: deque[Picture] = field(default_factory=lambda: deque(maxlen=LOOKS))
    _had: frozenset[str] = frozenset()

    def see(self, frame: Frame | None, now_s: float) -> list[str]:
        """Look at the newest frame (None: there never was one); the troubles of the picture, worst first."""
        if frame is not None and frame.number != self._number:
            sample = frame.image[::8, ::8].copy()
            # A living sensor makes noise: two pictures that agree in every pixel are one picture.
            if self._sample is None or self._new_at_s is None or not np.array_equal(sample, self._sample):
                self._changed_at_s = now_s
            self._sample, self._number, self._new_at_s = sample, frame.number, now_s
            self.picture = picture_of(frame.image)
            self._looks.append(self.picture)
        found = self._troubles(now_s)
        for each in set(found) - self._had:
            self.faults[each] += 1
        self._had = frozenset(found)
        return found

    def _troubles(self, now_s: float) -> list[str]:
        if self._new_at_s is None or now_s - self._new_at_s > GONE_S:
            return ["camera_gone"]
        if now_s - self._changed_at_s > FROZEN_S:
            return ["camera_frozen"]
        if len(self._looks) < LOOKS:
            return []
        if all(look.brightness < self.gate.darkest for look in self._looks):
            return ["too_dark"]
        if all(look.white_share > TOO_WHITE_SHARE for look in self._looks):
            return ["too_bright"]
        return ["lens_blurred"] if all(look.sharpness < self.gate.sharpest_blur for look in self._looks) else []


def picture_of(image: Image) -> Picture:
    """How a picture looks."""
    brightness, sharpness = brightness_and_sharpness(image)
    white_share = float((image[::8, ::8].min(axis=2) >= WHITE).mean())
    return Picture(brightness=round(brightness, 1), sharpness=round(sharpness, 1), white_share=round(white_share, 3),
                   width_px=image.shape[1], height_px=image.shape[0])  # fmt: skip


@dataclass
class Blocked:
    """Whether for BLOCKED_S nothing was looked at because something is before the lens; its counter and that of looks, again and again."""

    _looks: int = -1
    _blocked: int = 0
    _since_s: float = 0.0

    def see(self, blocked: int, looks: int, now_s: float) -> bool:
        """Take both counters of now."""
        if looks != self._looks:
            self._looks, self._blocked, self._since_s = looks, blocked, now_s
        return blocked > self._blocked and now_s - self._since_s > BLOCKED_S


@dataclass
class Rates:
    """Counts per second over the last minute."""

    _seen: deque[tuple[float, dict[str, int]]] = field(default_factory=deque)

    def see(self, counts: dict[str, int], now_s: float) -> dict[str, float]:
        """Take the counts of now, give their rates."""
        self._seen.append((now_s, counts))
        while now_s - self._seen[0][0] > RATE_S:
            self._seen.popleft()
        began_s, before = self._seen[0]
        over_s = now_s - began_s
        return (
            {name: round(max(0, n - before.get(name, 0)) / over_s, 2) for name, n in counts.items()} if over_s else {}
        )


class Watching:
    """Looks and tells until the block ends. `vehicle` is set once it is ready; `wishes` is what of the server's was kept when `settings` were read,
    `noted` are troubles found on the way.

    Without a camera it is a pause, see `rest`. When the server's wishes have changed, or a pause begins or ends, the camera is stopped and `is_to_begin_again` says why: all settings are read once, at a start.
    """

    def __init__(self, settings: Settings, camera: LiveCamera | None, receiver: LiveReceiver, wishes: tuple[int, ...], noted: tuple[str, ...] = ()) -> None:  # fmt: skip
        self.vehicle: Vehicle | None = None
        self._settings, self._camera, self._receiver = settings, camera, receiver
        self._folder = settings.vehicle.data
        self._pictures, self._clock, self._rates = PictureWatch(settings.gate), ClockWatch(), Rates()
        self._began_s = time.monotonic()
        before = read_part(self._folder, WatchPart)
        self._starts_s = starts(before, self._began_s)
        self._stopped = threading.Event()
        self._still_wanted = False
        self._turn, self._turn_s, self._turn_faults = TurnWatch(), time.monotonic(), Counter[str]()
        self._wishes, self._noted = wishes, noted
        self._stretch, self._blocked = Stretch(), Blocked()
        self.is_to_begin_again = False
        # Started again and again, it still suffers from what it ended with, until it has come further than that.
        self._ended = before.ended if before is not None else None
        self._thread = threading.Thread(target=self._run, name="watching", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: object, wrong: BaseException | None, trace: object) -> None:
        self._stopped.set()
        self._thread.join(LOOK_S + 1)
        self._ended = trouble_for(wrong) if isinstance(wrong, Exception) else None
        if wrong is None:
            self._starts_s = self._starts_s[:-1]  # an end that was asked for is no sign of trouble
        self._tell(self._part(time.monotonic()))

    def stills(self, frames: Iterator[Frame]) -> Iterator[Frame]:
        """The same frames; whenever the doctor asks for a still, a redacted one is laid down for it on the way."""
        for frame in frames:
            if self._still_wanted and self.vehicle is not None:
                self._still_wanted = False
                image = fit_within(self.vehicle.redactor.redact(frame.image).image, STILL_PX)
                with suppress(OSError):
                    write_aside(self._folder / STILL, encode_jpeg(image), durable=False)
            self._see_whether_turned(frame)
            yield frame

    def rest(self, ended: threading.Event) -> None:
        """Wait until a pause is over, or until told to end."""
        while not self.is_to_begin_again and not ended.wait(REST_S):
            pass

    def _has_rested(self, now_s: float) -> bool:
        """Whether a pause is over. One that ended by itself leaves no file: at the next start no satellite may tell the time yet."""
        if self._camera is not None or is_paused(self._folder, self._settings.gate.paused, self._now(now_s)):
            return False
        with suppress(OSError):
            resume(self._folder)
        return True

    def _now(self, now_s: float) -> Now:
        fix = self._receiver.fix_now()
        by = stamp(datetime.now(UTC), fix.utc if fix is not None else None, is_synchronised())
        return here(now_s, by.utc, by.sigma_s <= NTP_SIGMA_S)

    def _see_whether_turned(self, frame: Frame) -> None:
        """Two looks of the network each TURN_S, until it is sure that the camera hangs the right way up."""
        now_s = time.monotonic()
        if self.vehicle is None or self._turn.is_upright or now_s - self._turn_s < TURN_S:
            return
        was_upside_down, self._turn_s = self._turn.is_upside_down, now_s
        self._turn.see(*scores(self.vehicle.detector, frame.image))
        self._turn_faults["upside_down"] += self._turn.is_upside_down and not was_upside_down

    def _run(self) -> None:
        told: tuple[str, ...] | None = None
        written_s = 0.0
        while not self._stopped.wait(LOOK_S):
            try:
                now_s = time.monotonic()
                part = self._part(now_s)
                wanted = self._folder / STILL_WANTED
                if wanted.exists():
                    wanted.unlink(missing_ok=True)
                    self._still_wanted = self._camera is not None
                if wishes_of(self._folder) != self._wishes or self._has_rested(now_s):
                    self.is_to_begin_again = True
                    if self._camera is not None:
                        self._camera.stop()
                if part.troubles != told or now_s - written_s >= WRITE_S:
                    told, written_s = part.troubles, now_s
                    self._tell(part)
            except Exception:  # a vehicle that cannot say how it is still sees
                log.exception("the watch cannot tell how it is")

    def _tell(self, part: WatchPart) -> None:
        with suppress(OSError):
            write_part(self._folder, part)

    def _part(self, now_s: float) -> WatchPart:
        now, vehicle = datetime.now(UTC), self.vehicle
        self._clock.see(now, now_s)
        fix_now = self._receiver.fix_now()
        clock = stamp(now, fix_now.utc if fix_now is not None else None, is_synchronised())
        camera = self._camera
        sight = ["paused"] if camera is None else self._pictures.see(camera.newest, now_s)
        troubles = [*self._noted, *sight, *self._receiver_troubles(now_s), *self._clock_troubles(clock.utc, now_s)]
        if self._turn.is_upside_down:
            troubles.append("upside_down")
        if vehicle is not None and self._blocked.see(
            vehicle.gate.reasons.get("blocked", 0), vehicle.counts.inferred, now_s
        ):
            troubles.append("lens_blocked")
        if vehicle is not None and vehicle.bracket.moved:
            troubles.append("not_straight")
        if len(self._starts_s) >= MANY_STARTS:
            troubles.append("restarting")
        faults = self._pictures.faults + self._clock.faults + self._receiver.faults + self._turn_faults
        if camera is not None:
            faults += camera.faults
        faults["bad_sentence"] = self._receiver.bad_sentences
        part = WatchPart(
            starts_s=self._starts_s, ended=self._ended if vehicle is None or self._stopped.is_set() else None, settings_revision=self._settings.revision, clock_source=clock.source,
            clock_sigma_s=clock.sigma_s, troubles=tuple(troubles), said=tuple(filter(None, (camera.trouble if camera else "", self._receiver.trouble))),
            zones=zones_digest(self._folder), faults={name: count for name, count in faults.items() if count}, fix=self._fix(), picture=self._pictures.picture,
        )  # fmt: skip
        if vehicle is None:
            return part
        self._stretch = stretched(self._stretch, max(temperatures_c().values(), default=None), battery_share(), self._settings.gate)  # fmt: skip
        vehicle.gate.stretch = self._stretch.factor
        counts = {
            "frames": vehicle.counts.frames,
            "inferred": vehicle.counts.inferred,
            "sightings": vehicle.counts.sightings,
        }
        return part.model_copy(update={
            "pack": PackName(name=vehicle.detector.pack.name, digest=vehicle.detector.pack.digest), "redaction": vehicle.redactor.digest,
            "calibration_digest": vehicle.calibration_digest, "gate": dict(vehicle.gate.reasons), "faults": part.faults | vehicle.not_covered | vehicle.bracket.faults, "calibration_alarm": vehicle.bracket.moved or None, "stretch": self._stretch.factor, "stretched_by": self._stretch.reason or None,
            "rates_per_s": self._rates.see(counts, now_s),
        })  # fmt: skip

    def _receiver_troubles(self, now_s: float) -> list[str]:
        if not self._settings.receiver.device:
            return ["receiver_none"]
        if self._receiver.trouble:
            return [self._receiver.kind]
        newest = self._receiver.newest()
        last_s = now_s - newest[1] if newest is not None else self._began_s
        return ["no_fix"] if now_s - last_s > NO_FIX_S else []

    def _clock_troubles(self, best: datetime, now_s: float) -> list[str]:
        back_at_s = self._clock.back_at_s
        return [
            *(["clock_unset"] if best < NOT_BEFORE else []),
            *(["clock_back"] if back_at_s is not None and now_s - back_at_s < BACK_S else []),
        ]

    def _fix(self) -> FixHealth | None:
        newest = self._receiver.newest()
        if newest is None:
            return None
        position, age_s = newest
        sigma_m = min(max(position.sigma_m, 0.0), 1e5)
        return FixHealth(quality=position.quality, age_s=round(age_s, 1), sigma_m=round(sigma_m, 1))


def wishes_of(folder: Path) -> tuple[int, ...]:
    """When what is wanted of the watch was last changed: settings, zones and pause; 0 for what there is none of."""
    return tuple(_changed_ns(folder / name) for name in (KEPT, ZONES, PAUSE))


def _changed_ns(path: Path) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def starts(before: WatchPart | None, now_s: float) -> tuple[float, ...]:
    """The starts of the last half hour whose end nobody asked for, this one too, as the last watch of this machine's start knew them."""
    known = before.starts_s if before is not None and before.age_s(now_s) is not None else ()
    return (*(each for each in known if 0 <= now_s - each < STARTS_S), now_s)[-MANY_STARTS * 4 :]


def tell_end(settings: Settings, wrong: Exception) -> None:
    """Tell what a watch ended with before it could look."""
    before = read_part(settings.vehicle.data, WatchPart)
    begun_s = starts(before, time.monotonic())
    with suppress(OSError):
        write_part(settings.vehicle.data, WatchPart(starts_s=begun_s, ended=trouble_for(wrong), settings_revision=settings.revision))  # fmt: skip


def trouble_for(wrong: Exception) -> str | None:
    """The trouble a watch ends with; None for what has no word, which the log then tells."""
    return next((key for kind, key in ENDS if isinstance(wrong, kind)), None)


def ask_for_still(folder: Path, seconds: float) -> bytes | None:
    """A redacted still of a watch that runs; None if it gives none in time."""
    still = folder / STILL
    before = still.stat().st_mtime_ns if still.exists() else 0
    (folder / STILL_WANTED).touch()
    end_s = time.monotonic() + seconds
    while time.monotonic() < end_s:
        with suppress(OSError):
            if still.stat().st_mtime_ns != before:
                return still.read_bytes()
        time.sleep(0.1)
    return None
