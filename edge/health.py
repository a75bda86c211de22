"""The heartbeat: what watch, outbox and machine tell, put together into one message under 4 KiB, and when it is due."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from uuid import UUID, uuid5

from pydantic import ValidationError

from edge.clock import is_synchronised, seen_at, stamp
from edge.outbox import Evicted, Outbox
from edge.outbox_coverage import CoverageBox
from edge.part import WatchPart, boot, read_part
from edge.settings import Settings
from models.contract import MAX_HEALTH_BYTES, Health, OutboxHealth, RefusedMessage, SeenAt, encode
from models.troubles import rank

log = logging.getLogger("trikeye.uplink")
UTC = timezone.utc  # noqa: UP017
SILENT_S, OLD_S, EVICTED_S = 30.0, 3600.0, 3600.0
HOT_C, LEAST_FREE_BYTES = 80.0, 200_000_000
LOOK_S, CHANGED_S = 5.0, 15.0
RUNS_NAMED = 64
SENT = ("sent", "resent", "accepted", "known", "refused", "coverage_sent", "coverage_accepted", "coverage_refused")
THERMAL, POWER = Path("/sys/class/thermal"), Path("/sys/class/power_supply")
BOOTS = UUID("0b9f3c1e-6d1b-5a53-9a0e-6f0d5c1e7a11")
"""Names the start of a machine whose kernel tells no UUID."""


@dataclass(frozen=True)
class Machine:
    """What the machine itself says at an instant: its clock, its monotonic clock, heat and disk."""

    at: SeenAt
    boot_id: UUID
    monotonic_s: float
    temperatures_c: dict[str, float]
    battery_share: float | None
    disk_free_bytes: int
    disk_bytes: int


@dataclass
class Reporter:
    """Makes the heartbeats of one vehicle. The uplink asks it at each turn; it looks every few seconds and answers when one is due."""

    settings: Settings
    outbox: Outbox
    newest: Health | None = None
    refused: str = ""
    zones: str | None = None
    _looked_s: float = -1e9
    _sent_s: float = -1e9
    _told: tuple[str, ...] = ()
    _evicted: int | None = None
    _evicted_at_s: float = -1e9

    def look(self, sent: dict[str, int], now_s: float) -> bool:
        """Bring `newest` up to date if it is LOOK_S old; whether it was. Raises OutboxError."""
        if now_s - self._looked_s < LOOK_S:
            return False
        self._looked_s = now_s
        try:
            self.newest = self._health(sent, machine_now(self.outbox.path.parent, now_s))
        except (OSError, ValidationError) as wrong:  # a vehicle that cannot say how it is still sends what it has
            log.warning("the heartbeat cannot be made: %s", wrong)
        return True

    def due(self, now_s: float) -> bytes | None:
        """The heartbeat's bytes if it is time for one; call `was_sent` once it is on its way."""
        newest = self.newest
        if newest is None:
            return None
        # A word that comes and goes must not eat a SIM card's month.
        wait_s = self.settings.health.every_s if newest.troubles == self._told else CHANGED_S
        if now_s - self._sent_s < wait_s:
            return None
        return encode_health(newest)

    def was_sent(self, now_s: float) -> None:
        """The heartbeat that was due is on its way."""
        self._sent_s = now_s
        self._told = self.newest.troubles if self.newest is not None else ()

    def begin_again(self) -> None:
        """A new connection: the broker may have forgotten everything, so the next heartbeat is due at once."""
        self._sent_s = self._looked_s = -1e9

    def _health(self, sent: dict[str, int], here: Machine) -> Health:
        watch = read_part(self.outbox.path.parent, WatchPart)
        age_s = watch.age_s(here.monotonic_s) if watch is not None else None
        counts = self.outbox.counts()
        outbox = outbox_health(self.outbox, counts, _oldest_s(self.outbox, here.at.utc))
        if self._evicted is not None and counts["evicted"] > self._evicted:
            self._evicted_at_s = here.monotonic_s
        self._evicted = counts["evicted"]
        return compose(
            self.settings, watch if age_s is not None else None, age_s, outbox, here, sent,
            evicting=here.monotonic_s - self._evicted_at_s < EVICTED_S, refused=self.refused, zones=self.zones,
        )  # fmt: skip


def compose(
    settings: Settings, watch: WatchPart | None, age_s: float | None, outbox: OutboxHealth, here: Machine, sent: dict[str, int],
    *, evicting: bool = False, refused: str = "", zones: str | None = None,
) -> Health:  # fmt: skip
    """One heartbeat. A watch that was not heard for SILENT_S tells nothing of now: its counters stay, its troubles go."""
    is_live = watch is not None and age_s is not None and age_s < SILENT_S and watch.ended is None
    faults = {name: count for name, count in (*(watch.faults if watch else {}).items(), *_faults(sent)) if count}
    return Health(
        vehicle=settings.vehicle.name, at=here.at, boot_id=here.boot_id, monotonic_s=round(here.monotonic_s, 3), software=software(),
        pack=watch.pack if watch else None, redaction=watch.redaction if watch else None,
        calibration_digest=watch.calibration_digest if watch else None, calibration_alarm=watch.calibration_alarm if watch and is_live else None,
        settings_revision=min(settings.revision, watch.settings_revision) if watch and is_live else settings.revision,
        desired_refused=refused[:200], zones=zones, watch_age_s=round(age_s, 1) if age_s is not None else None,
        troubles=tuple(sorted(troubles_of(watch, is_live, settings.origin == "camera", outbox, here, evicting, refused), key=rank)),
        rates_per_s=watch.rates_per_s if watch and is_live else {}, gate=watch.gate if watch else {}, faults=faults,
        sent={name: sent.get(name, 0) for name in SENT if sent.get(name)},
        temperatures_c=here.temperatures_c, battery_share=here.battery_share,
        look_stretch=round(watch.stretch, 2) if watch and is_live else None, look_stretched_by=watch.stretched_by if watch and is_live else None,
        disk_free_bytes=here.disk_free_bytes, disk_bytes=here.disk_bytes, outbox=outbox,
        fix=watch.fix if watch and is_live else None,
    )  # fmt: skip


def troubles_of(
    watch: WatchPart | None,
    is_live: bool,
    is_real: bool,
    outbox: OutboxHealth,
    here: Machine,
    evicting: bool,
    refused: str,
) -> set[str]:
    """Every trouble there is, by its key in models/troubles.toml."""
    found = set(watch.troubles) if watch and is_live else {watch.ended if watch and watch.ended else "watch_silent"}
    if watch is None and not is_real:
        found = set()  # what replays a ride has no watch
    found |= {"disk_full"} if here.disk_free_bytes < LEAST_FREE_BYTES else set()
    found |= {"hot"} if max(here.temperatures_c.values(), default=0.0) >= HOT_C else set()
    found |= {"backlog"} if (outbox.oldest_s or 0.0) > OLD_S else set()
    found |= {"refused"} if outbox.aside else set()
    found |= {"evicting"} if evicting else set()
    found |= {"card_failing"} if outbox.unreadable_count else set()
    return found | ({"desired_refused"} if refused else set())


def outbox_health(outbox: Outbox, counts: dict[str, int], oldest_s: float | None) -> OutboxHealth:
    """How the outbox stands, and which sequences the server will never see."""
    coverage = CoverageBox(outbox).counts()
    return OutboxHealth(
        id=outbox.uuid, committed=counts["committed"], waiting=counts["waiting"], aside=counts["aside"], oldest_s=oldest_s,
        evicted_count=counts["evicted"], evicted=runs_of(outbox.evicted()), unreadable_count=counts["unreadable"], unreadable=runs_of(outbox.unreadable()),
        coverage_waiting=coverage["waiting"], coverage_dropped=coverage["dropped"],
    )  # fmt: skip


def runs_of(gone: Sequence[Evicted]) -> tuple[tuple[int, int], ...]:
    """Sequences in ascending order as first and last of each run, the newest RUNS_NAMED of them, newest first."""
    runs: list[tuple[int, int]] = []
    for each in reversed(gone):
        if runs and runs[-1][0] == each.sequence + 1:
            runs[-1] = each.sequence, runs[-1][1]
        elif len(runs) == RUNS_NAMED:
            break
        else:
            runs.append((each.sequence, each.sequence))
    return tuple(runs)


def encode_health(health: Health) -> bytes:
    """The message's bytes, never more than MAX_HEALTH_BYTES: what explains gaps goes first, then counters. Raises RefusedMessage if even that is too much."""
    while len(data := encode(health)) > MAX_HEALTH_BYTES:
        outbox = health.outbox
        if outbox is not None and (outbox.evicted or outbox.unreadable):
            evicted, unreadable = outbox.evicted, outbox.unreadable
            less = {"evicted": evicted[: len(evicted) // 2], "unreadable": unreadable[: len(unreadable) // 2]}
            fewer = outbox.model_copy(update=less)
            health = health.model_copy(update={"outbox": fewer})
        elif health.gate or health.faults:
            health = health.model_copy(update={"gate": {}, "faults": {}})
        else:
            raise RefusedMessage("too_large", f"the heartbeat has {len(data)} bytes, the limit is {MAX_HEALTH_BYTES}")
    return data


def machine_now(folder: Path, now_s: float) -> Machine:
    """What this machine says now."""
    at = stamp(datetime.now(UTC), None, is_synchronised())
    disk = shutil.disk_usage(folder)
    return Machine(seen_at(*at), _boot_id(), now_s, temperatures_c(), battery_share(), disk.free, disk.total)


def temperatures_c(thermal: Path = THERMAL) -> dict[str, float]:
    """What the kernel's thermal zones say, by their kind."""
    found: dict[str, float] = {}
    for zone in sorted(thermal.glob("thermal_zone*"))[:16]:
        try:
            kind = "".join(c if c.isalnum() else "_" for c in (zone / "type").read_text().strip().lower())[:48]
            celsius = int((zone / "temp").read_text()) / 1000
        except (OSError, ValueError):
            continue
        if kind.isascii() and kind and -100 <= celsius <= 300:
            found[kind] = round(celsius, 1)
    return found


def battery_share(power: Path = POWER) -> float | None:
    """How full the emptiest battery is that feeds this machine and is not being charged; None without one."""
    found = []
    for supply in sorted(power.glob("*"))[:16]:
        try:
            kind, status = ((supply / name).read_text().strip() for name in ("type", "status"))
            share = int((supply / "capacity").read_text()) / 100
            feeds = not (supply / "scope").exists() or (supply / "scope").read_text().strip() != "Device"
        except (OSError, ValueError):
            continue
        if kind == "Battery" and feeds and status not in ("Charging", "Full") and 0 <= share <= 1:
            found.append(share)
    return min(found, default=None)


def software() -> str:
    """The version of trikeye that runs."""
    try:
        return version("trikeye")[:32]
    except PackageNotFoundError:
        return "unknown"


def _faults(sent: dict[str, int]) -> list[tuple[str, int]]:
    return [(name, sent.get(name, 0)) for name in ("bad_ack", "desired_refused", "desired_ignored", "disconnected")]


def _oldest_s(outbox: Outbox, now: datetime) -> float | None:
    """Age of the oldest that waits, by the time in its id: a UUIDv7's first 48 bits are milliseconds."""
    oldest = outbox.waiting(1)
    if not oldest:
        return None
    return round(max(0.0, now.timestamp() - int.from_bytes(oldest[0].id.bytes[:6], "big") / 1000), 0)


def _boot_id() -> UUID:
    told = boot()
    try:
        return UUID(told)
    except ValueError:
        return uuid5(BOOTS, told)
