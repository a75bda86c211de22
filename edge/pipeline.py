"""The vehicle on one page: frames in, sightings into the outbox. Everything else in this room is one of these stages."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from calibration.camera import Camera
from calibration.mount import Mount
from edge.bracket import Bracket
from edge.clock import seen_at
from edge.context import Context
from edge.coverage import HIDING, Coverer, network_scale
from edge.decide import Decider, Finding, Passes
from edge.detect import detect
from edge.evidence import Evidence, gather
from edge.gate import Gate
from edge.identity import Ids
from edge.locate import Locator
from edge.outbox import Outbox, OutboxUnwritable
from edge.outbox_coverage import CoverageBox
from edge.rate import cost_s, least_apart_s
from edge.settings import Settings
from edge.track import Tracker
from edge.values import Box, Fix, Frame
from edge.views import shown
from edge.zones import Zones
from models.contract import Coverage, PackName, RedactionNote, Sighting, VehicleFix
from models.redaction import Redactor
from models.runtime import Detector

log = logging.getLogger("trikeye.edge")


@dataclass
class Counts:
    """What a run did, for its last line."""

    frames: int = 0
    inferred: int = 0
    sightings: int = 0
    known: int = 0
    per_category: Counter[str] = field(default_factory=Counter)
    no_fix: int = 0
    not_kept: int = 0
    coverage_not_kept: int = 0


@dataclass
class Vehicle:
    """All stages of one vehicle, put together once. With a clock it is live: a street cannot be driven again, and looks cost time."""

    settings: Settings
    detector: Detector
    redactor: Redactor
    outbox: Outbox
    ids: Ids
    camera: Camera
    mount: Mount
    calibration_digest: str
    boot_id: UUID
    on_sighting: Callable[[Sighting], None]
    clock_s: Callable[[], float] | None = None
    zones: Zones = field(default_factory=Zones.none)
    counts: Counts = field(default_factory=Counts)

    def __post_init__(self) -> None:
        self.gate = Gate(self.settings.gate, self.zones, ZoneInfo(self.settings.vehicle.time_zone))
        kept = self.settings.vehicle.data if self.clock_s else None  # a replay is the same each time
        self.bracket = Bracket(self.camera, self.mount, self.calibration_digest, kept)
        self.locator = Locator(self.camera, self.bracket.mount)
        self.tracker = Tracker(self.locator)
        self.passes = Passes(self.settings.decide, self.ids)
        city = self.zones, ZoneInfo(self.settings.vehicle.time_zone)
        self.context = Context(self.locator, *city)
        self.decider = Decider(self.settings.decide, self.locator, self.ids, *city, self.settings.least_probability)
        self.coverer = Coverer(self.settings.vehicle.name, self.settings.origin, self.bracket.mount, self.ids)
        self.coverage = CoverageBox(self.outbox)
        self._disk_trouble, self._look_s = "", 0.0

    def drive(self, frames: Iterable[Frame]) -> None:
        """The loop. It ends when the source ends; what is still in view is then decided too."""
        for frame in frames:
            began_s = self.clock_s() if self.clock_s else 0.0
            before = self.counts.inferred
            self._keep_all(self.see(frame))
            if self.clock_s and self.counts.inferred > before:
                self._look_s = cost_s(self._look_s, self.clock_s() - began_s)
                self.gate.least_apart_s = least_apart_s(self._look_s, self.settings.gate)
            # The first look waits for its own network alone; a broken one of redaction still ends it here, long before a find.
            self.redactor.ready()
        self._keep_all(self._in_view())
        self._keep_coverage(self.coverer.flush())

    def see(self, frame: Frame) -> list[Finding]:
        """Gate, detect, track, locate, decide: the findings that this frame completed. Raises OtherShape."""
        # A picture that cannot be placed is refused at the first frame, not at the first find.
        self.locator.camera_of(frame)
        self.counts.frames += 1
        self.counts.no_fix += frame.fix is None
        if frame.fix is not None and not self.gate.out_of_bounds(frame, frame.fix) and self.bracket.see(frame):
            self.locator.mount = self.coverer.mount = self.bracket.mount
        if not self.gate.opens(frame):
            return []
        self.counts.inferred += 1
        pass_id = self.passes.of(frame)
        seen = detect(self.detector, frame.image, self.gate.half)
        self._cover(frame, [each.box_px for each in seen.context if each.label in HIDING])
        tracks = self.tracker.see(frame, seen.problems, pass_id) + self.context.see(frame, seen.context, pass_id)
        return self.decider.decide(tracks)

    @property
    def not_covered(self) -> dict[str, int]:
        """Why looks or messages of coverage count for nothing, and how often."""
        reasons = self.coverer.reasons + Counter({"not_kept": self.counts.coverage_not_kept})
        return {f"coverage_{reason}": count for reason, count in reasons.items()}

    def _cover(self, frame: Frame, hiding_px: list[Box]) -> None:
        scale = network_scale(self.detector.pack, frame.image)
        self._keep_coverage(self.coverer.see(frame, self.locator.camera_of(frame), scale, hiding_px, self.gate.is_poor))

    def _keep_coverage(self, coverage: Coverage | None) -> None:
        """What was looked at is worth no alarm: a disk that does not take it, takes no finds either, and those tell."""
        if coverage is not None:
            try:
                self.coverage.put(coverage)
            except OutboxUnwritable:
                self.counts.coverage_not_kept += 1

    def _in_view(self) -> list[Finding]:
        """What is still in view when a ride ends."""
        return self.decider.decide(self.tracker.flush() + self.context.flush())

    def _keep_all(self, findings: list[Finding]) -> None:
        """A ride can be run again, so a disk that takes nothing ends it; a street cannot: the watch goes on, and counts what it could not keep."""
        for kept, finding in enumerate(findings):
            try:
                self.keep(finding)
            except OutboxUnwritable as wrong:
                if self.clock_s is None:
                    lost = len(findings) - kept + len(self._in_view())
                    raise type(wrong)(f"{wrong}; finds that were not kept: {lost}") from None
                self.decider.forget(finding)
                if not self._disk_trouble:
                    log.error("%s; watching goes on, finds that cannot be kept are counted", wrong)
                self._disk_trouble = str(wrong)
                self.counts.not_kept += 1

    def keep(self, finding: Finding) -> None:
        """Redact, encode, and only then make it durable. Raises OutboxUnwritable."""
        views = shown(finding.track.views, finding.shown, self.locator.is_cut)
        evidence = gather(views, self.redactor, self.settings.evidence.picture_bytes)
        made: list[Sighting] = []

        def make(outbox: UUID, sequence: int) -> Sighting:
            made.append(self._sighting(finding, evidence, outbox, sequence))
            return made[-1]

        if not self.outbox.put(finding.id, make):
            self.counts.known += 1
            return
        if self._disk_trouble:
            self._disk_trouble = ""
            log.warning("finds are kept again; %d could not be", self.counts.not_kept)
        self.counts.sightings += 1
        self.counts.per_category[made[-1].category] += 1
        self.on_sighting(made[-1])

    def _sighting(self, finding: Finding, evidence: Evidence, outbox: UUID, sequence: int) -> Sighting:
        frame, best = finding.shown.frame, finding.track.best
        assert frame.fix is not None, "a finding has a place, so its frames have a fix"
        pack, seen = self.detector.pack, seen_at(frame.utc, frame.clock_source, frame.clock_sigma_s)
        return Sighting(
            id=finding.id, outbox=outbox, sequence=sequence, vehicle=self.settings.vehicle.name, camera=self.settings.vehicle.camera,
            pass_id=finding.track.pass_id, origin=self.settings.origin,
            seen_at=seen,
            boot_id=self.boot_id, monotonic_ns=frame.monotonic_ns, category=best.category, detail=best.label,
            score=best.score, probability=best.probability, place=finding.place, fix=_wire_fix(frame.fix, seen.utc),
            calibration_digest=self.calibration_digest, settings_revision=self.settings.revision,
            pack=PackName(name=pack.name, digest=pack.digest), redaction=RedactionNote(digest=self.redactor.digest, regions=evidence.regions),
            pictures=evidence.pictures,
        )  # fmt: skip


def _wire_fix(fix: Fix, utc: datetime) -> VehicleFix:
    return VehicleFix(utc=utc, lat_deg=fix.lat_deg, lon_deg=fix.lon_deg, sigma_m=fix.sigma_m, heading_deg=fix.heading_deg,
                      speed_mps=fix.speed_mps, quality=fix.quality)  # fmt: skip
