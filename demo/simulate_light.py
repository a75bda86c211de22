"""Many vehicles in one thread: real MQTT sessions and real messages, but no outbox: what they have not been answered stays in memory."""

from __future__ import annotations

import heapq
import random
import selectors
import socket
import ssl
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain, count, islice
from pathlib import Path
from uuid import UUID, uuid4

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from demo.simulate import FLOOD, Habits, Tally
from demo.simulate_coverage import Looks
from models.contract import Ack, RefusedMessage, Status, decode, encode, topic

WINDOW, RESEND_S, LOOK_S, RECONNECT_S, STARTED_OVER_S = 8, 20.0, 0.5, (1.0, 8.0), 5.0


@dataclass(frozen=True)
class Broker:
    """Where the fleet calls. `ca_file` None with `tls` means the system's authorities."""

    host: str
    port: int
    tls: bool = False
    ca_file: Path | None = None


@dataclass
class Pending:
    """A message that was made and not answered yet; `sent_s` None means that it has not left."""

    kind: str
    body: bytes
    made_s: float
    sent_s: float | None = None


@dataclass
class Light:
    """One vehicle. The fleet calls it from its loop; nothing in it waits but the TCP connect."""

    habits: Habits
    password: str
    broker: Broker
    tally: Tally
    outbox: UUID = field(default_factory=uuid4)
    pending: dict[UUID, Pending] = field(default_factory=dict)
    looked_at: dict[UUID, Pending] = field(default_factory=dict)
    client: mqtt.Client | None = None
    is_connected: bool = False
    is_out: bool = False
    _made: int = 0

    def __post_init__(self) -> None:
        self._chance = random.Random(self.habits.name)
        self._looks = Looks(self.habits.maker, self.habits.clock_error_s)

    def see(self, times: int = 1) -> None:
        """Make messages."""
        for _ in range(times):
            sighting = self.habits.maker.make(self._made, self.outbox, self._made + 1, self.habits.clock_error_s)
            self.pending[sighting.id] = Pending("sighting", encode(sighting), time.monotonic())
            self._made += 1
            self.tally.sent += 1

    def drive(self, passed_s: float, *, is_end: bool) -> None:
        """Go on along the street, and tell of the ground that was looked at."""
        for coverage in self._looks.until(passed_s, is_end=is_end):
            self.looked_at[coverage.id] = Pending("coverage", encode(coverage), time.monotonic())
            self.tally.coverage["made"] += 1

    @property
    def unanswered(self) -> int:
        """Messages made and not answered yet."""
        return len(self.pending) + len(self.looked_at)

    def send_due(self, now_s: float) -> None:
        """Publish what is new or was not answered in time, at most WINDOW on the way; coverage last; now and then twice, or out of order."""
        if not self.is_connected or self.client is None:
            return
        head = islice(chain(self.pending.values(), self.looked_at.values()), WINDOW)
        due = [each for each in head if each.sent_s is None or now_s - each.sent_s > RESEND_S]
        if len(due) > 1 and self._chance.random() < self.habits.reorder_share:
            self._chance.shuffle(due)
            self.tally.happened["reordered"] += 1
        for each in due:
            twice = self._chance.random() < self.habits.twice_share
            self.tally.happened["doubled"] += twice
            self.tally.happened["resent"] += each.sent_s is not None
            for _ in range(1 + twice):
                if self.client.publish(topic(self.habits.name, each.kind), each.body, qos=1).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:  # fmt: skip
                    return
                self.tally.published += 1
                self.tally.sent_bytes += len(each.body)
            each.sent_s = now_s

    def connect(self) -> socket.socket | None:
        """A new session; the socket to watch, None if the broker cannot be reached."""
        name = self.habits.name
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=MQTTProtocolVersion.MQTTv311, reconnect_on_failure=False)  # fmt: skip
        client.username_pw_set(name, self.password)
        if self.broker.tls:
            client.tls_set(str(self.broker.ca_file) if self.broker.ca_file else None, cert_reqs=ssl.CERT_REQUIRED)
        client.will_set(topic(name, "status"), encode(Status(vehicle=name, online=False)), qos=1, retain=True)
        client.on_connect, client.on_disconnect, client.on_message = self._on_connect, self._on_disconnect, self._on_message  # fmt: skip
        self.client = client
        try:
            client.connect(self.broker.host, self.broker.port, keepalive=60)
        except OSError:
            self.tally.happened["unreachable"] += 1
            self.client = None
            return None
        there = client.socket()
        return there if isinstance(there, socket.socket) else None

    def vanish(self) -> None:
        """Out of coverage: the connection breaks without a word."""
        self.is_connected = False
        if self.client is not None and (there := self.client.socket()) is not None:
            there.close()
        self.client = None

    def _on_connect(self, client: mqtt.Client, userdata: object, flags: mqtt.ConnectFlags, reason: ReasonCode, properties: Properties | None) -> None:  # fmt: skip
        if reason.is_failure:
            self.tally.happened[f"connect refused: {reason}"] += 1
            return
        client.subscribe(topic(self.habits.name, "ack"), qos=1)
        client.publish(topic(self.habits.name, "status"), encode(Status(vehicle=self.habits.name, online=True)), qos=1, retain=True)  # fmt: skip
        for each in chain(self.pending.values(), self.looked_at.values()):
            each.sent_s = None
        self.is_connected = True
        self.tally.happened["connected"] += 1

    def _on_disconnect(self, client: mqtt.Client, userdata: object, flags: mqtt.DisconnectFlags, reason: ReasonCode, properties: Properties | None) -> None:  # fmt: skip
        self.is_connected = False

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            items = decode(Ack, bytes(message.payload)).items
        except RefusedMessage:
            self.tally.happened["unreadable answer"] += 1
            return
        for item in items:
            if (answered := self.pending.pop(item.id, None)) is not None:
                self.tally.answer(item.outcome, item.reason, time.monotonic() - answered.made_s)
            elif self.looked_at.pop(item.id, None) is not None:
                self.tally.coverage[item.outcome] += 1


class FleetLoop:
    """Runs light vehicles by their events, until stopped; `step` does what is due and comes back."""

    def __init__(self, vehicles: Sequence[Light], seed: int) -> None:
        self.vehicles, self._chance, self._order = vehicles, random.Random(seed), count()
        self._selector = selectors.DefaultSelector()
        self._watched: dict[int, int] = {}
        self._due: list[tuple[float, int, int, str]] = []
        self._began_s = time.monotonic()
        for index, vehicle in enumerate(vehicles):
            self._at(self._began_s + self._chance.uniform(0, STARTED_OVER_S), index, "connect")
            self._at(self._began_s + STARTED_OVER_S, index, "look")
            for event in vehicle.habits.events:
                self._at(self._began_s + event.at_s, index, event.what)

    @property
    def unanswered(self) -> int:
        """Messages made and not answered yet."""
        return sum(vehicle.unanswered for vehicle in self.vehicles)

    def step(self, wait_s: float = 0.05) -> None:
        """What is due, then what the sockets have to say."""
        now_s = time.monotonic()
        while self._due and self._due[0][0] <= now_s:
            _, _, index, what = heapq.heappop(self._due)
            self._happen(index, what, now_s)
        for key, mask in self._selector.select(wait_s):
            self._serve(key, mask)

    def close(self) -> None:
        """Say goodbye and close."""
        for index, vehicle in enumerate(self.vehicles):
            self._unwatch(index)
            if vehicle.client is not None and vehicle.is_connected:
                vehicle.client.publish(topic(vehicle.habits.name, "status"), encode(Status(vehicle=vehicle.habits.name, online=False)), qos=1, retain=True)  # fmt: skip
                vehicle.client.disconnect()
        self._selector.close()

    def _happen(self, index: int, what: str, now_s: float) -> None:
        vehicle = self.vehicles[index]
        if what == "see":
            vehicle.see()
        elif what == "flood":
            vehicle.see(FLOOD)
            vehicle.tally.happened["flood"] += 1
        elif what in ("drive", "arrive"):
            vehicle.drive(now_s - self._began_s, is_end=what == "arrive")
        elif what == "outage":
            vehicle.is_out = True
            vehicle.tally.happened["outage"] += 1
            self._unwatch(index)
            vehicle.vanish()
        elif what == "back":
            vehicle.is_out = False
            self._at(now_s, index, "connect")
        elif what == "connect" and not vehicle.is_out and vehicle.client is None:
            self._connect(index, now_s)
        elif what == "look":
            self._look(index, now_s)
            self._at(now_s + LOOK_S, index, "look")
        if what in ("see", "flood"):
            self._look(index, now_s)

    def _connect(self, index: int, now_s: float) -> None:
        there = self.vehicles[index].connect()
        if there is None:
            self._at(now_s + self._chance.uniform(*RECONNECT_S), index, "connect")
            return
        self._watched[index] = there.fileno()
        self._selector.register(there.fileno(), selectors.EVENT_READ, index)

    def _look(self, index: int, now_s: float) -> None:
        """Send, keep alive, watch for room to write, and notice a connection that has ended."""
        vehicle = self.vehicles[index]
        if vehicle.client is None:
            return
        vehicle.send_due(now_s)
        if vehicle.client.loop_misc() != MQTTErrorCode.MQTT_ERR_SUCCESS or vehicle.client.socket() is None:
            self._lose(index, now_s)
        elif index in self._watched:
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if vehicle.client.want_write() else 0)
            self._selector.modify(self._watched[index], wanted, index)

    def _serve(self, key: selectors.SelectorKey, mask: int) -> None:
        vehicle, now_s = self.vehicles[key.data], time.monotonic()
        if vehicle.client is None:
            return
        failed = MQTTErrorCode.MQTT_ERR_SUCCESS
        if mask & selectors.EVENT_READ:
            failed = vehicle.client.loop_read()
        if mask & selectors.EVENT_WRITE and not failed:
            failed = vehicle.client.loop_write()
        if failed:
            self._lose(key.data, now_s)
        else:
            self._look(key.data, now_s)

    def _lose(self, index: int, now_s: float) -> None:
        self._unwatch(index)
        self.vehicles[index].vanish()
        self.vehicles[index].tally.happened["connection lost"] += 1
        self._at(now_s + self._chance.uniform(*RECONNECT_S), index, "connect")

    def _unwatch(self, index: int) -> None:
        if (number := self._watched.pop(index, None)) is not None:
            self._selector.unregister(number)

    def _at(self, when_s: float, index: int, what: str) -> None:
        heapq.heappush(self._due, (when_s, next(self._order), index, what))
