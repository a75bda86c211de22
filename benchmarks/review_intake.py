"""Intake as shipped against the least that would be durable: the same messages by the same broker to `trikeye server intake`, and to a loop that writes and syncs a file, commits a row (FULL) and answers.

Mosquitto, the publisher and the receiver share the machine. Blocks of both in turn; each sends as much as the broker lets wait and ends with the last
answer. Half of the sightings open a case, half join one.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from uuid import UUID

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from review_parts import NotMeasured, running

from demo.chain import free_port
from demo.made import STREET_PLACES, Maker
from models.contract import Ack, decode, encode, topic
from server.start import start

ROUNDS, VEHICLES, MESSAGE_BYTES, IN_FLIGHT = 3, 8, 60_000, 100
BARE, ANSWER = "bare/sighting", "bare/ack"
LISTENS_S, PATIENCE_S = 2.0, 120.0
Message = tuple[str, bytes]


def messages(block: int, count: int) -> list[Message]:
    """A block's sightings: each vehicle passes new places of its street, then the same ones again."""
    makers = [Maker(1, f"TY-{number:02}", street=number, sizes_bytes=(MESSAGE_BYTES, MESSAGE_BYTES)) for number in range(VEHICLES)]  # fmt: skip
    half, made = max(1, count // VEHICLES // 2), []
    for number in range(count):
        maker, turn = makers[number % VEHICLES], number // VEHICLES
        pass_, place = 2 * block + turn // half, block * half + turn % half
        sighting = maker.make(pass_ * STREET_PLACES + place, UUID(int=number % VEHICLES + 1), block * count + turn + 1)
        made.append((topic(maker.vehicle, "sighting"), encode(sighting)))
    return made


class Publisher:
    """Sends a block and waits for its answers."""

    def __init__(self, port: int) -> None:
        self.answered, self.done, self.wanted = 0, threading.Event(), 0
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="publisher")
        self.client.max_inflight_messages_set(IN_FLIGHT)
        self.client.on_message = lambda _c, _u, message: self._hear(message.topic, bytes(message.payload))
        self.client.connect("127.0.0.1", port)
        self.client.subscribe([(topic("+", "ack"), 1), (ANSWER, 1)])
        self.client.loop_start()

    def until_answered(self, some: Sequence[Message], as_topic: str) -> None:
        """Come back when a receiver answers; what was sent before it listened is lost. Raises NotMeasured."""
        for each in some:
            self.wanted = self.answered + 1
            self.done.clear()
            self.client.publish(as_topic or each[0], each[1], qos=1)
            if self.done.wait(LISTENS_S):
                time.sleep(LISTENS_S)
                return
        raise NotMeasured("a receiver does not answer")

    def rate(self, block: Sequence[Message], as_topic: str = "") -> float:
        """Messages answered per second. Raises NotMeasured."""
        self.answered, self.wanted = 0, len(block)
        self.done.clear()
        began = time.perf_counter()
        for where, body in block:
            self.client.publish(as_topic or where, body, qos=1)
        if not self.done.wait(PATIENCE_S):
            raise NotMeasured(f"{self.answered} of {len(block)} messages were answered in {PATIENCE_S:.0f} s")
        return len(block) / (time.perf_counter() - began)

    def _hear(self, where: str, body: bytes) -> None:
        if where == ANSWER:
            self.answered += 1
        else:
            items = decode(Ack, body).items
            if any(item.outcome != "accepted" for item in items):
                print(f"refused: {items}", file=sys.stderr)
            self.answered += sum(item.outcome == "accepted" for item in items)
        if self.answered >= self.wanted:
            self.done.set()


def bare(port: int, folder: Path) -> None:
    """The least: each message a synced file and a row, then its answer."""
    folder.mkdir()
    db = sqlite3.connect(folder / "rows.sqlite3", isolation_level=None, check_same_thread=False)
    db.execute("PRAGMA journal_mode=WAL")
    db.execute("PRAGMA synchronous=FULL")
    db.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, path TEXT)")

    def take(client: mqtt.Client, _: object, message: mqtt.MQTTMessage) -> None:
        path = folder / f"{time.monotonic_ns()}.jpg"
        with path.open("wb") as file:
            file.write(message.payload)
            file.flush()
            os.fsync(file.fileno())
        db.execute("INSERT INTO message (path) VALUES (?)", (path.name,))
        client.publish(ANSWER, b"1", qos=1)
        client.ack(message.mid, message.qos)

    client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id="bare", manual_ack=True)
    client.max_inflight_messages_set(IN_FLIGHT)
    client.on_message = take
    client.connect("127.0.0.1", port)
    client.subscribe(BARE, 1)
    client.loop_forever()


def measure(port: int, folder: Path, count: int) -> tuple[list[float], list[float]]:
    """Rates of intake and of the least, a block each in turn."""
    blocks = [messages(number, count) for number in range(ROUNDS)]
    log = folder / "receivers.log"
    with log.open("wb") as words:
        receivers = [
            subprocess.Popen([sys.executable, *argv], stderr=words)
            for argv in (["-m", "trikeye", "server", "intake", "--broker", f"127.0.0.1:{port}"], [__file__, "--bare", str(port), str(folder / "bare")])
        ]  # fmt: skip
    try:
        publisher = Publisher(port)
        warm = Maker(2, "TY-00", street=VEHICLES + 1)
        first = [
            (topic("TY-00", "sighting"), encode(warm.make(number, UUID(int=99), number + 1))) for number in range(30)
        ]
        publisher.until_answered(first, "")
        publisher.until_answered(first, BARE)
        rates: tuple[list[float], list[float]] = ([], [])
        for block in blocks:
            rates[0].append(publisher.rate(block))
            rates[1].append(publisher.rate(block, BARE))
        return rates
    except NotMeasured as wrong:
        raise NotMeasured(f"{wrong}: {log.read_text()[-500:]}") from None
    finally:
        for each in receivers:
            each.terminate()
            each.wait(20)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=400, help="messages of a block (default: %(default)s)")
    parser.add_argument("--bare", nargs=2, metavar=("PORT", "FOLDER"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.bare:
        bare(int(args.bare[0]), Path(args.bare[1]))
        return
    start()
    from django.core.management import call_command

    from server.broker import LARGEST_PACKET_BYTES, found_mosquitto
    from server.fleet.services import add_vehicle

    broker, port = found_mosquitto(), free_port()
    if broker is None:
        raise NotMeasured("mosquitto is missing; sudo apt-get install mosquitto")
    call_command("migrate", verbosity=0)
    for name in ("TY-00", *(f"TY-{number:02}" for number in range(1, VEHICLES))):
        add_vehicle(name, "taiyuan", "fleet")
    with tempfile.TemporaryDirectory(prefix="trikeye-bare-", dir=os.environ["TRIKEYE_DATA"]) as name:
        folder = Path(name)
        (folder / "broker.conf").write_text(
            f"listener {port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 100000\nmax_queued_bytes 2000000000\n"
            f"max_inflight_messages {IN_FLIGHT}\nmax_packet_size {LARGEST_PACKET_BYTES}\nlog_type error\n"
        )
        with running([broker, "-c", str(folder / "broker.conf")], port):
            own, least = measure(port, folder, args.count)
    print(
        f"a second: intake {' '.join(f'{each:.0f}' for each in own)}; the least {' '.join(f'{each:.0f}' for each in least)}"
    )
    print(json.dumps({"intake_ratio": round(median(own) / median(least), 2)}))


if __name__ == "__main__":
    main()
