"""One run: commit, let things go wrong, put everything right again, wait until the vehicles are empty, judge."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from demo.chaos.plan import Fault
from demo.chaos.stage import ChaosFailed, Stage, kill
from demo.chaos.verdict import Verdict, judge, read_server, read_vehicle

TICK_S = 0.05
log = logging.getLogger("trikeye.chaos")


@dataclass
class Run:
    """A stage and what befalls it. `bitten` counts, for each kind, how often it really did something."""

    stage: Stage
    faults: Iterator[Fault]
    limit_s: float
    bitten: Counter[str] = field(default_factory=Counter)
    _lasting: list[tuple[float, Callable[[], int], str]] = field(default_factory=list)

    def go(self) -> Verdict:
        """The whole run. Raises ChaosFailed if the vehicles are not empty in time."""
        end_s = time.monotonic() + self.limit_s
        self.stage.set_up()
        self.stage.start()
        try:
            self._disturb(end_s)
            self._end_faults(float("inf"))
            self._drain(end_s)
        finally:
            self.stage.stop()
        return self.judge()

    def judge(self) -> Verdict:
        """What became of every id, read from the files."""
        vehicles = [read_vehicle(machine.name, machine.outbox, machine.ledger) for machine in self.stage.machines]
        return judge(vehicles, read_server(self.stage.server_data))

    def _disturb(self, end_s: float) -> None:
        """Faults as planned, until every sighting is committed and the plan is over, if it ends."""
        fault = next(self.faults, None)
        due_s = time.monotonic() + (fault.after_s if fault else 0)
        while fault or not self.stage.all_committed:
            if time.monotonic() > end_s:
                raise ChaosFailed(f"not everything was committed in {self.limit_s:.0f} s; logs: {self.stage.logs}")
            if fault and time.monotonic() >= due_s:
                self._begin(fault)
                fault = next(self.faults, None)
                due_s = time.monotonic() + (fault.after_s if fault else 0)
            self._end_faults(time.monotonic())
            self._tick("disturbed")

    def _drain(self, end_s: float) -> None:
        while self.stage.waiting() or not self.stage.all_committed:
            if time.monotonic() > end_s:
                return  # the verdict names who is left
            self._tick("draining")

    def _tick(self, what: str) -> None:
        self.stage.watch()
        time.sleep(TICK_S)

    def _begin(self, fault: Fault) -> None:
        end = ACTIONS[fault.kind](self, fault)
        self._lasting.append((time.monotonic() + fault.lasts_s, end, fault.kind))
        log.info("%s, vehicle %d, %.1f s", fault.kind, fault.vehicle, fault.lasts_s)

    def _end_faults(self, now_s: float) -> None:
        for each in [each for each in self._lasting if each[0] <= now_s]:
            self._lasting.remove(each)
            self.bitten[each[2]] += each[1]()


def _kill_of_server(name: str) -> Callable[[Run, Fault], Callable[[], int]]:
    def begin(run: Run, fault: Fault) -> Callable[[], int]:
        died = kill(run.stage.server[name])
        return lambda: int(died)

    return begin


def _kill_of_vehicle(index: int) -> Callable[[Run, Fault], Callable[[], int]]:
    def begin(run: Run, fault: Fault) -> Callable[[], int]:
        died = kill(run.stage.machines[fault.vehicle].processes[index])
        return lambda: int(died)

    return begin


ACTIONS: dict[str, Callable[[Run, Fault], Callable[[], int]]] = {
    "kill_producer": _kill_of_vehicle(0),
    "kill_uplink": _kill_of_vehicle(1),
    "kill_broker": _kill_of_server("broker"),
    "kill_intake": _kill_of_server("intake"),
    "kill_web": _kill_of_server("web"),
}
"""For each kind: begin it, and return what ends it and tells how often it bit."""


def some(faults: Iterator[Fault], rounds: int, kinds: int) -> Iterator[Fault]:
    """The first rounds of a plan without end."""
    return islice(faults, rounds * kinds)
