"""The names and the password of a simulated fleet, and a server of its own to send to."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from demo.chain import ChainFailed, free_port
from demo.processes import Process, stop_all
from demo.simulate_light import Broker


class BadFleet(Exception):
    """The fleet's file or the broker's address cannot be used; the text says what to do."""


@dataclass(frozen=True)
class Credentials:
    """Who may log in. All simulated vehicles share a password: making a thousand of them would take minutes."""

    password: str = field(repr=False)
    names: tuple[str, ...]


def name_of(number: int) -> str:
    """The name of vehicle `number` of a simulated fleet."""
    return f"SIM-{number + 1:04}"


def add_fleet(count: int, out: Path) -> None:
    """Add vehicles SIM-0001 … to the server of this machine (TRIKEYE_DATA) and write their credentials, mode 0600."""
    from server.start import start

    start()
    from django.conf import settings
    from django.db import transaction

    from server.broker import embedded_hash, mosquitto_hash, new_password, write_files, write_own
    from server.command_vehicle import tell_broker
    from server.fleet.models import Fleet, Vehicle
    from server.fleet.services import FIRST_CITY, city_by_key

    password, names = new_password(), [name_of(number) for number in range(count)]
    hashes = {"broker_hash": mosquitto_hash(password), "embedded_hash": embedded_hash(password)}
    with transaction.atomic():
        city, (fleet, _) = city_by_key(FIRST_CITY), Fleet.objects.get_or_create(name="simulated")
        Vehicle.objects.bulk_create((Vehicle(name=name, city=city, fleet=fleet, **hashes) for name in names), update_conflicts=True,
                                    unique_fields=["name"], update_fields=["broker_hash", "embedded_hash"])  # fmt: skip
        write_own(out, [json.dumps({"password": password, "names": names})])
    write_files()
    tell_broker(settings.DATA / "broker.pid")


def read_fleet(path: Path, count: int) -> Credentials:
    """The first vehicles of a fleet's file. Raises BadFleet."""
    try:
        said = json.loads(path.read_text())
        names = tuple(said["names"][:count])
        fleet = Credentials(said["password"], names)
    except (OSError, ValueError, KeyError, TypeError) as wrong:
        raise BadFleet(f"{path} is no file of a fleet ({wrong}); make one at the server: trikeye demo simulate --vehicles {count} --write-fleet {path.name}") from None  # fmt: skip
    if len(names) < count:
        raise BadFleet(f"{path} has {len(names)} vehicles, not {count}; make it again at the server with --vehicles {count} --write-fleet")  # fmt: skip
    return fleet


def broker_at(url: str, ca_file: Path | None) -> Broker:
    """A broker's address: mqtt://host:port, mqtts://host:port, or host:port. Raises BadFleet."""
    parts = urlsplit(url if "://" in url else f"mqtt://{url}")
    try:
        port = parts.port or {"mqtt": 1883, "mqtts": 8883}[parts.scheme]
    except (KeyError, ValueError):
        raise BadFleet(f"{url!r} is no broker; write mqtt://HOST:PORT or mqtts://HOST:PORT") from None
    return Broker(parts.hostname or "127.0.0.1", port, parts.scheme == "mqtts", ca_file)


@dataclass
class OwnServer:
    """Broker, intake and pages over one folder, for a simulated fleet alone."""

    data: Path
    vehicles: int
    processes: list[Process] = field(default_factory=list)

    def start(self) -> tuple[Broker, Credentials]:
        """Where to call and as whom. Raises ChainFailed."""
        port, web = free_port(), free_port()
        self.url = f"http://127.0.0.1:{web}"
        self.env = {"TRIKEYE_DATA": str(self.data / "server"), "TRIKEYE_BROKER": f"127.0.0.1:{port}", "TRIKEYE_HTTP_PORT": str(web),
                    "TRIKEYE_URL": self.url, "DJANGO_SETTINGS_MODULE": "server.settings"}  # fmt: skip
        fleet = self.data / "fleet.json"
        self.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._verb("server", "migrate", "--quiet")
        self._verb("demo", "simulate", "--vehicles", str(self.vehicles), "--write-fleet", str(fleet))
        verbs = {"broker": ["broker", "run"], "intake": ["intake"], "web": ["web", "--port", str(web)]}
        self.processes = [Process(name, [sys.executable, "-m", "trikeye", "server", *argv], self.env, self.data / "logs" / f"{name}.log")
                          for name, argv in verbs.items()]  # fmt: skip
        for process in self.processes:
            process.start()
        self._wait_for(port)
        return Broker("127.0.0.1", port), read_fleet(fleet, self.vehicles)

    def watch(self) -> None:
        """Start again what has died."""
        for process in self.processes:
            process.watch()

    def stop(self) -> None:
        """End every process."""
        stop_all(self.processes)

    def _wait_for(self, port: int) -> None:
        end_s = time.monotonic() + 60
        while time.monotonic() < end_s:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            self.watch()
            time.sleep(0.1)
        raise ChainFailed(f"the broker does not answer; {self.data}/logs/broker.log ends:\n{self.processes[0].last_words()}")  # fmt: skip

    def _verb(self, *argv: str) -> None:
        done = subprocess.run([sys.executable, "-m", "trikeye", *argv], env={**os.environ, **self.env}, capture_output=True, text=True)  # fmt: skip
        if done.returncode:
            raise ChainFailed(f"trikeye {' '.join(argv)}: {(done.stderr or done.stdout).strip()[-600:]}")
