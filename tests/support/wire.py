"""A real broker, a scripted server and a running uplink, for tests and benchmarks of what is between them."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from edge.outbox import Outbox, OutboxError
from edge.settings import Settings
from edge.uplink import Uplink
from models.contract import Ack, AckItem, Coverage, Sighting, Status, decode, digest_of, encode, topic


def found_mosquitto() -> str | None:
    """Mosquitto's path, also where Debian puts it outside of a user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


class Broker:
    """A Mosquitto on loopback with one vehicle and one server, that can be stopped and started."""

    def __init__(self, program: str, folder: Path, extra: str = "") -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = int(probe.getsockname()[1])
        passwd = program.replace("mosquitto", "mosquitto_passwd").replace("/sbin/", "/bin/")
        for number, user in enumerate(("TY-01", "intake")):
            subprocess.run(
                [passwd, *(["-c"] if number == 0 else []), "-b", str(folder / "passwd"), user, "right"], check=True
            )
        (folder / "passwd").chmod(0o644)
        folder.chmod(0o755)
        self._file = folder / "mosquitto.conf"
        self._file.write_text(
            f"listener {self.port} 127.0.0.1\nallow_anonymous false\npassword_file {folder / 'passwd'}\nuser root\n{extra}"
        )
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait until it listens."""
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        assert until(lambda: self._listens()), "mosquitto does not listen"

    def kill(self) -> None:
        """End it as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 0.5):
            return True
        return False


class Server:
    """Answers as `answer` says; keeps what it was sent."""

    def __init__(
        self, port: int, answer: Callable[[Sighting, bytes], list[AckItem]], takes_coverage: bool = True
    ) -> None:
        self.bodies: list[bytes] = []
        self.coverage: list[bytes] = []
        self.order: list[str] = []
        self.takes_coverage = takes_coverage
        self.status: list[bool] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="intake")
        self.client.username_pw_set("intake", "right")
        self.ready = threading.Event()

        def connected(client: mqtt.Client, *_: object) -> None:
            client.subscribe([(topic("TY-01", kind), 1) for kind in ("sighting", "coverage", "status")])

        def came(client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
            body = bytes(message.payload)
            if message.topic.endswith("status"):
                self.status.append(decode(Status, body).online)
                return
            self.order.append(message.topic.rpartition("/")[2])
            if message.topic.endswith("coverage"):
                self.coverage.append(body)
                if self.takes_coverage:
                    item = AckItem(id=decode(Coverage, body).id, digest=digest_of(body), outcome="accepted")
                    client.publish(topic("TY-01", "ack"), encode(Ack(items=(item,))), qos=1)
                return
            self.bodies.append(body)
            if items := answer(decode(Sighting, body), body):
                client.publish(topic("TY-01", "ack"), encode(Ack(items=tuple(items))), qos=1)

        self.client.on_connect, self.client.on_message = connected, came
        self.client.on_subscribe = lambda *_: self.ready.set()
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        assert self.ready.wait(10)

    def stop(self) -> None:
        """Leave the broker."""
        self.client.disconnect()
        self.client.loop_stop()


def until(true: Callable[[], bool], within_s: float = 20.0) -> bool:
    """Whether it became true in time."""
    end = time.monotonic() + within_s
    while not true() and time.monotonic() < end:
        time.sleep(0.02)
    return true()


def accept(sighting: Sighting, body: bytes) -> list[AckItem]:
    """What a server says once its database has it."""
    return [AckItem(id=sighting.id, digest=digest_of(body), outcome="accepted")]


def silent(sighting: Sighting, body: bytes) -> list[AckItem]:
    """A server that is there but says nothing."""
    return []


class Running:
    """An uplink in a thread of its own, with its own connection to the outbox."""

    def __init__(
        self, path: Path, port: int, password: str = "right", until_empty: bool = True, **uplink: object
    ) -> None:
        self.settings = Settings.model_validate({
            "vehicle": {"name": "TY-01"}, "outbox": uplink.pop("outbox", {}),
            "uplink": {"host": "127.0.0.1", "port": port, "user": "TY-01", "password": password, "resend_s": 0.5, **uplink},
        })  # fmt: skip
        self.path, self.ready = path, threading.Event()
        self.uplink: Uplink | None = None
        self.trouble = ""
        self.thread = threading.Thread(target=self._run, args=(until_empty,), daemon=True)
        self.thread.start()
        assert self.ready.wait(5)

    def _run(self, until_empty: bool) -> None:
        self.uplink = Uplink(self.settings, Outbox(self.path, urgent=self.settings.outbox.urgent))
        self.ready.set()
        try:
            self.uplink.run(until_empty)
        except OutboxError as trouble:
            self.trouble = str(trouble)

    def ends(self, within_s: float = 25.0) -> bool:
        """Whether it ended of itself."""
        self.thread.join(within_s)
        return not self.thread.is_alive()

    def stop(self) -> None:
        """Stop it and wait."""
        assert self.uplink is not None
        self.uplink.stop()
        assert self.ends()


def counts(path: Path) -> dict[str, int]:
    """What the outbox holds, read by another connection."""
    box = Outbox(path)
    held = box.counts()
    box.close()
    return held
