"""What faults befall: vehicles with real outboxes and uplinks, Mosquitto, intake and pages, each a process that is started again when it dies."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from demo.chain import free_port
from demo.chaos.layer import Layer, build
from demo.chaos.proxy import Proxy
from demo.processes import Process, stop_all

RESEND_S = 4.0


class ChaosFailed(Exception):
    """The stage could not be set; the text says what was missing."""


@dataclass(frozen=True)
class Load:
    """How much is committed, how fast: at least `count` sightings of each vehicle, `rate_hz` of each."""

    seed: int
    vehicles: int
    count: int
    rate_hz: float
    full_size_every: int = 0
    unknown_share: float = 0.01
    is_long: bool = False
    cap_bytes: int = 4_000_000_000


@dataclass
class Machine:
    """A vehicle: its folder, its two programs, and a ledger that no fault reaches."""

    name: str
    folder: Path
    ledger: Path
    producer: Process
    uplink: Process
    layer: Layer
    link: Proxy

    @property
    def outbox(self) -> Path:
        """Its outbox file."""
        return self.folder / "outbox.sqlite3"

    @property
    def processes(self) -> list[Process]:
        """What dies with it."""
        return [self.producer, self.uplink]

    def committed(self) -> int:
        """How many lines its ledger has."""
        return self.ledger.read_bytes().count(b"\n") if self.ledger.exists() else 0

    def waiting(self) -> int:
        """How many messages the server has not answered yet; -1 if the outbox cannot be asked now."""
        try:
            with closing(sqlite3.connect(f"file:{self.outbox}?mode=ro", uri=True, timeout=2)) as db:
                return int(db.execute("SELECT COUNT(*) FROM message WHERE aside IS NULL").fetchone()[0])
        except sqlite3.Error:
            return -1


@dataclass
class Stage:
    """One run's folder and processes. `set_up`, `start`, `watch` now and then, `stop`."""

    data: Path
    load: Load
    machines: list[Machine] = field(default_factory=list)
    server: dict[str, Process] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server_data, self.logs, self.enough = self.data / "server", self.data / "logs", self.data / "enough"
        self.broker_port, self.web_port = free_port(), free_port()
        self.env = {"TRIKEYE_DATA": str(self.server_data), "TRIKEYE_BROKER": f"127.0.0.1:{self.broker_port}", "TRIKEYE_HTTP_PORT": str(self.web_port),
                    "TRIKEYE_URL": f"http://127.0.0.1:{self.web_port}", "DJANGO_SETTINGS_MODULE": "server.settings"}  # fmt: skip

    def set_up(self) -> None:
        """Database, vehicles and their settings. Raises ChaosFailed or NoCompiler."""
        self.server_data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._verb("server", "migrate", "--quiet")
        self.library = build(self.data)
        self.layer = Layer(self.library, self.data / "server.faults", self.server_data)
        self.link = self._link()
        for verb in ("broker", "intake", "web"):
            argv = {"broker": ["broker", "run"], "intake": ["intake", "--broker", f"127.0.0.1:{self.link.port}"], "web": ["web", "--port", str(self.web_port)]}[verb]  # fmt: skip
            self.server[verb] = self._process(verb, ["-m", "trikeye", "server", *argv], self.env | self.layer.env)
        self.machines = [self._machine(number) for number in range(self.load.vehicles)]

    def start(self) -> None:
        """Start every process."""
        for process in self.processes:
            process.start()

    def watch(self) -> None:
        """Start again what has died."""
        for process in self.processes:
            process.watch()

    def stop(self) -> None:
        """End every process."""
        stop_all(self.processes)
        for link in (self.link, *(machine.link for machine in self.machines)):
            link.close()

    @property
    def processes(self) -> list[Process]:
        """All, the server's first."""
        return [*self.server.values(), *(process for machine in self.machines for process in machine.processes)]

    def has_enough(self) -> bool:
        """Whether every vehicle has committed what was asked for."""
        return all(machine.committed() >= self.load.count for machine in self.machines)

    @property
    def is_over(self) -> bool:
        """Whether every producer has ended."""
        return all(machine.producer.done for machine in self.machines)

    def waiting(self) -> int:
        """How many messages are still on vehicles; an outbox that cannot be asked counts as one."""
        return sum(abs(machine.waiting()) for machine in self.machines)

    def _machine(self, number: int) -> Machine:
        name, load = f"CH-{number:02}", self.load
        folder, ledger = self.data / name, self.data / f"{name}.ledger"
        folder.mkdir(mode=0o700)
        config = folder / "edge.toml"
        self._verb("server", "vehicle", "add", name, "--origin", "demo", "--write-config", str(config))
        link = self._link()
        lines = config.read_text().replace(f"port = {self.broker_port}", f"port = {link.port}")
        config.write_text(lines + f"resend_s = {RESEND_S}\n")
        producer = ["-m", "demo.chaos.command_producer", "--outbox", str(folder / "outbox.sqlite3"), "--ledger", str(ledger), "--vehicle", name, "--seed", str(load.seed),
                    "--street", str(number), "--enough", str(self.enough), "--rate", str(load.rate_hz), "--unknown-share", str(load.unknown_share),
                    "--full-size-every", str(load.full_size_every), "--cap-bytes", str(load.cap_bytes)]  # fmt: skip
        uplink = ["-m", "trikeye", "edge", "uplink", "--config", str(config), "--data", str(folder)]
        layer = Layer(self.library, self.data / f"{name}.faults", folder)
        return Machine(
            name,
            folder,
            ledger,
            self._process(f"{name}-producer", producer, layer.env, once=True),
            self._process(f"{name}-uplink", uplink, layer.env),
            layer,
            link,
        )

    def _link(self) -> Proxy:
        return Proxy(("127.0.0.1", self.broker_port), self.load.seed)

    def _process(self, name: str, argv: list[str], env: dict[str, str], once: bool = False) -> Process:
        return Process(name, [sys.executable, *argv], env, self.logs / f"{name}.log", once)

    def _verb(self, *argv: str) -> None:
        done = subprocess.run([sys.executable, "-m", "trikeye", *argv], env={**os.environ, **self.env}, capture_output=True, text=True)  # fmt: skip
        if done.returncode:
            raise ChaosFailed(f"trikeye {' '.join(argv)}: {(done.stderr or done.stdout).strip()[-600:]}")


def kill(process: Process) -> bool:
    """End a process at once, with all its children, as a crash does. False if it was not running."""
    if process.popen is None or process.popen.poll() is not None:
        return False
    os.killpg(process.popen.pid, signal.SIGKILL)
    process.popen.wait()
    return True
