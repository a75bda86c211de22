"""Each fault as a function that begins it; what comes back ends it, and tells how often it has really done something."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from demo.chaos.layer import Layer
from demo.chaos.plan import Fault
from demo.chaos.stage import Stage, kill
from demo.processes import Process

HOUR_NS = 3600 * 10**9
LATEST_WRITE_S, LATEST_CUT_S, MOST_STEPS, PAGE_BYTES = 20.0, 3.0, 40, 4096
PACKET_CHANCE = {"doubled": 0.5, "reordered": 0.5, "delayed": 0.3, "cut": 0.3, "forgotten": 1.0}


def _nothing() -> None:
    pass


@dataclass(frozen=True)
class Begun:
    """A fault that goes on until `end`. A fault that never bites proves nothing."""

    bites: Callable[[], int]
    end: Callable[[], None] = _nothing


Action = Callable[[Stage, Fault], Begun]


def _kill_of_server(name: str) -> Action:
    def begin(stage: Stage, fault: Fault) -> Begun:
        died = kill(stage.server[name])
        return Begun(lambda: int(died))

    return begin


def _kill_of_vehicle(index: int) -> Action:
    def begin(stage: Stage, fault: Fault) -> Begun:
        died = kill(stage.machines[fault.vehicle].processes[index])
        return Begun(lambda: int(died))

    return begin


def _power_cut(stage: Stage, fault: Fault) -> Begun:
    machine = stage.machines[fault.vehicle]
    return _cut(stage, machine.layer, machine.processes, fault)


def _power_cut_of_server(stage: Stage, fault: Fault) -> Begun:
    return _cut(stage, stage.layer, list(stage.server.values()), fault)


def _cut(stage: Stage, layer: Layer, processes: Iterable[Process], fault: Fault) -> Begun:
    """The power goes at some step of a write, if there is one soon; then all processes are dead and what was not synced is lost or torn."""
    chance = random.Random(fault.seed)
    before, end_s = layer.hits("writes"), time.monotonic() + LATEST_WRITE_S
    while layer.hits("writes") == before and time.monotonic() < end_s:  # who was killed lately starts first
        stage.watch()
        time.sleep(0.02)
    layer.switch("die_in", chance.randrange(1, MOST_STEPS))
    end_s = time.monotonic() + LATEST_CUT_S
    running = [each.popen for each in processes if each.popen and each.popen.poll() is None]
    while time.monotonic() < end_s and all(each.poll() is None for each in running):
        time.sleep(0.01)
    layer.switch("die_in", 0)
    for process in processes:
        kill(process)
    suffered = layer.cut_power(chance)
    return Begun(lambda: suffered)


def _switch(name: str, hits: str, value: Callable[[Fault], int] = lambda _: 1) -> Action:
    def begin(stage: Stage, fault: Fault) -> Begun:
        layer = stage.machines[fault.vehicle].layer
        before = layer.hits(hits)
        layer.switch(name, value(fault))
        return Begun(lambda: layer.hits(hits) - before, lambda: layer.switch(name, 0))

    return begin


def _disk_full(stage: Stage, fault: Fault) -> Begun:
    """Nothing more fits; where only old places are written over all the while, a file system that needs room for that too."""
    layer = stage.machines[fault.vehicle].layer
    before = layer.hits("full")
    layer.switch("disk_full", 1)

    def bites() -> int:
        if layer.hits("full") == before:
            layer.switch("disk_full", 2)
        return layer.hits("full") - before

    return Begun(bites, lambda: layer.switch("disk_full", 0))


def _hours(sign: int) -> Callable[[Fault], int]:
    return lambda fault: sign * random.Random(fault.seed).randrange(1, 30) * HOUR_NS


def _locked(path: Callable[[Stage, Fault], Path]) -> Action:
    def begin(stage: Stage, fault: Fault) -> Begun:
        holder = sqlite3.connect(path(stage, fault), timeout=10, isolation_level=None)
        holder.execute("BEGIN IMMEDIATE")

        def shut_out() -> int:
            other = sqlite3.connect(path(stage, fault), timeout=0, isolation_level=None)
            try:
                other.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return 1
            finally:
                other.close()
            return 0

        return Begun(shut_out, holder.close)

    return begin


def _packets(trouble: str) -> Action:
    """On a vehicle's link, or (one time in three) on the link of intake, where the answers pass too."""

    def begin(stage: Stage, fault: Fault) -> Begun:
        proxy = stage.link if fault.seed % 3 == 0 and trouble != "forgotten" else stage.machines[fault.vehicle].link
        before = proxy.counts[trouble]
        proxy.chance[trouble] = PACKET_CHANCE[trouble]

        def end() -> None:
            proxy.chance[trouble] = 0.0

        return Begun(lambda: proxy.counts[trouble] - before, end)

    return begin


def _bad_page(stage: Stage, fault: Fault) -> Begun:
    """A page of the outbox, or of its log, can never be read again."""
    machine, chance = stage.machines[fault.vehicle], random.Random(fault.seed)
    sizes = {path: path.stat().st_size for path in machine.folder.glob(f"{machine.outbox.name}*") if path.suffix in (".sqlite3", ".sqlite3-wal")}  # fmt: skip
    path = chance.choices(list(sizes), list(sizes.values()))[0]
    before = machine.layer.hits("medium")
    machine.layer.spoil(path, chance.randrange(0, max(1, sizes[path] // PAGE_BYTES)) * PAGE_BYTES, PAGE_BYTES)
    return Begun(lambda: machine.layer.hits("medium") - before)


def _offline(stage: Stage, fault: Fault) -> Begun:
    """Out of coverage; when the vehicle comes back, its clock has gone a day further."""
    machine = stage.machines[fault.vehicle]
    before = machine.link.counts["down"]
    machine.link.go_down()
    machine.layer.switch("clock_ns", 24 * HOUR_NS)

    def end() -> None:
        machine.link.is_down = False
        machine.layer.switch("clock_ns", 0)

    return Begun(lambda: machine.link.counts["down"] - before, end)


def _two_uplinks(stage: Stage, fault: Fault) -> Begun:
    """A second uplink over the same outbox: it says that one is enough, or it takes part."""
    first = stage.machines[fault.vehicle].uplink
    return _second_uplink(f"{first.name}-2", first.argv, first)


def _cloned_card(stage: Stage, fault: Fault) -> Begun:
    """A copy of the vehicle's card runs elsewhere: the same name, outbox and messages twice."""
    machine = stage.machines[fault.vehicle]
    clone = machine.folder.with_name(f"{machine.name}-clone-{fault.seed}")
    clone.mkdir(mode=0o700)
    with closing(sqlite3.connect(machine.outbox, timeout=20)) as own, closing(sqlite3.connect(clone / machine.outbox.name)) as copy:  # fmt: skip
        own.backup(copy)
    first = machine.uplink
    argv = [str(clone) if word == str(machine.folder) else word for word in first.argv]
    return _second_uplink(f"{first.name}-clone", argv, first)


def _second_uplink(name: str, argv: list[str], first: Process) -> Begun:
    second = Process(name, argv, first.env, first.log.with_name(f"{name}.log"))
    before = _signs_of_life(second.log)
    second.start()

    def end() -> None:
        kill(second)

    return Begun(lambda: _signs_of_life(second.log) - before, end)


def _signs_of_life(log: Path) -> int:
    said = log.read_text() if log.exists() else ""
    return said.count("uplink_connected") + said.count("another uplink")


ACTIONS: dict[str, Action] = {
    "kill_producer": _kill_of_vehicle(0),
    "kill_uplink": _kill_of_vehicle(1),
    "kill_broker": _kill_of_server("broker"),
    "kill_intake": _kill_of_server("intake"),
    "kill_web": _kill_of_server("web"),
    "power_cut": _power_cut,
    "power_cut_of_server": _power_cut_of_server,
    "disk_full": _disk_full,
    "disk_read_only": _switch("read_only", "read_only"),
    "clock_forward": _switch("clock_ns", "clock", _hours(1)),
    "clock_back": _switch("clock_ns", "clock", _hours(-1)),
    "outbox_locked": _locked(lambda stage, fault: stage.machines[fault.vehicle].outbox),
    "database_locked": _locked(lambda stage, fault: stage.server_data / "db.sqlite3"),
    "two_uplinks": _two_uplinks,
    "cloned_card": _cloned_card,
    "packets_doubled": _packets("doubled"),
    "packets_reordered": _packets("reordered"),
    "packets_delayed": _packets("delayed"),
    "packets_cut": _packets("cut"),
    "broker_forgets": _packets("forgotten"),
    "offline": _offline,
    "bad_page": _bad_page,
}
