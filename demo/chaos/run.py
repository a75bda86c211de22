"""One run: commit, let things go wrong, put everything right again, wait until the vehicles are empty, judge."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from demo.chaos.actions import ACTIONS, Begun
from demo.chaos.plan import ALONE, Fault
from demo.chaos.stage import ChaosFailed, Stage
from demo.chaos.verdict import Verdict, judge, read_server, read_vehicle

TICK_S, PATIENCE_S, RETRY_S, SAID_EVERY_S = 0.05, 20.0, 1.0, 10.0
log = logging.getLogger("trikeye.chaos")


@dataclass
class _Going:
    """A fault that has begun and is not over."""

    fault: Fault
    begun: Begun
    end_s: float
    give_up_s: float


@dataclass
class Run:
    """A stage and what befalls it. `bitten` counts, for each kind, how often it really did something."""

    stage: Stage
    faults: Iterator[Fault]
    limit_s: float
    bitten: Counter[str] = field(default_factory=Counter)
    _going: list[_Going] = field(default_factory=list)
    _said_s: float = 0.0

    def go(self) -> Verdict:
        """The whole run. Raises ChaosFailed if not everything was committed in time."""
        end_s = time.monotonic() + self.limit_s
        self.stage.set_up()
        self.stage.start()
        try:
            self._disturb(end_s)
            self._drain(end_s)
        finally:
            self.stage.stop()
        return self.judge()

    def judge(self) -> Verdict:
        """What became of every id, read from the files."""
        vehicles = [read_vehicle(machine.name, machine.outbox, machine.ledger) for machine in self.stage.machines]
        return judge(vehicles, read_server(self.stage.server_data))

    def _disturb(self, end_s: float) -> None:
        """Faults as planned, until the plan is over or, if it has no end, enough is committed. Then the producers may end."""
        began_s, fault = time.monotonic(), next(self.faults, None)
        while fault or self._going or not self.stage.has_enough():
            now_s = time.monotonic()
            if now_s > end_s:
                raise ChaosFailed(f"the faults were not over in {self.limit_s:.0f} s; logs: {self.stage.logs}")
            if fault and now_s >= began_s + fault.after_s and not self._must_wait(fault):
                self._begin(fault)
                is_enough = self.stage.load.is_long and self.stage.has_enough()
                began_s, fault = now_s, None if is_enough else next(self.faults, None)
            self._end_what_is_over(now_s)
            self._tick()
        self.stage.enough.touch()

    def _drain(self, end_s: float) -> None:
        while self.stage.waiting() or not self.stage.is_over:
            if time.monotonic() > end_s:
                return  # the verdict names who is left
            self._tick()

    def _tick(self) -> None:
        self.stage.watch()
        if time.monotonic() - self._said_s > SAID_EVERY_S:
            self._said_s = time.monotonic()
            log.info("committed %d, waiting %d", sum(each.committed() for each in self.stage.machines), self.stage.waiting())  # fmt: skip
        time.sleep(TICK_S)

    def _must_wait(self, fault: Fault) -> bool:
        """Two faults that would hide each other do not befall one machine at once."""
        return any(fault.kind in group and going.fault.kind in group and (going.fault.vehicle == fault.vehicle or "database_locked" in group)
                   for group in ALONE for going in self._going)  # fmt: skip

    def _begin(self, fault: Fault) -> None:
        log.info("%s, vehicle %d, %.1f s", fault.kind, fault.vehicle, fault.lasts_s)
        end_s = time.monotonic() + fault.lasts_s
        self._going.append(_Going(fault, ACTIONS[fault.kind](self.stage, fault), end_s, end_s + PATIENCE_S))

    def _end_what_is_over(self, now_s: float) -> None:
        """End what has lasted. What has not bitten yet gets some seconds more, or another try if it is a matter of an instant."""
        for going in [going for going in self._going if going.end_s <= now_s]:
            bites = going.begun.bites()
            if bites or now_s > going.give_up_s:
                going.begun.end()
                self._going.remove(going)
                self.bitten[going.fault.kind] += bites
            elif not going.fault.lasts_s:
                going.end_s = now_s + RETRY_S
                going.begun = ACTIONS[going.fault.kind](self.stage, going.fault)
