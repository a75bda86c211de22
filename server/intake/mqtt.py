"""The intake process: one subscriber with a fixed client id; a message is acknowledged to the broker only after its transaction."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Sequence
from contextlib import suppress

import paho.mqtt.client as mqtt
from django.db import DatabaseError, close_old_connections
from django.utils import timezone
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from models.contract import Ack, AckItem, RefusedMessage, encode, topic, vehicle_of
from server.alive import beat
from server.broker import UP
from server.counters import MESSAGES
from server.coverage.services import take_coverage
from server.fleet.desires import Publisher
from server.fleet.heartbeats import take_health
from server.intake.services import cases_of, take_sightings, take_status
from server.log import tell, warn

log = logging.getLogger("trikeye.intake")
WAITING_AT_MOST, TOGETHER = 100, 50
TOGETHER_TAKEN = {"sighting": take_sightings, "coverage": take_coverage}
"""Kinds of messages that are stored together and answered one by one."""
LOOK_S = 2.0


class Intake:
    """Runs until `stop`; a broker that is down is waited for."""

    def __init__(self, host: str, port: int, user: str, password: str) -> None:
        self._address, self._login = (host, port), (user, password)
        self._inbox: queue.Queue[mqtt.MQTTMessage] = queue.Queue(WAITING_AT_MOST)
        self._stopped = threading.Event()
        self._failed = ""
        self._wishes = Publisher()
        self._wishes_s = 0.0

    def stop(self) -> None:
        """End `run` after the message in hand."""
        self._stopped.set()

    def run(self) -> None:
        """Connect, take, answer; begin again whenever the connection ends."""
        pause_s, told = 0.5, ""
        while not self._stopped.is_set():
            client = self._client()
            self._failed = ""
            try:
                client.connect(*self._address, keepalive=30)
                client.loop_start()
                if self._serve(client):
                    pause_s, told = 0.5, ""
                client.disconnect()
            except OSError as wrong:
                self._failed = f"the broker at {self._address[0]}:{self._address[1]} cannot be reached ({wrong}); start it, or set TRIKEYE_BROKER"
            finally:
                client.loop_stop()
            if self._failed and self._failed != told:
                told = self._failed
                log.warning("%s; trying again", told)
            self._stopped.wait(pause_s)
            pause_s = min(pause_s * 2, 10.0)

    def _serve(self, client: mqtt.Client) -> bool:
        was_busy = False
        while not self._stopped.is_set() and not self._failed:
            if client.is_connected():
                beat("intake")
            self._publish_wishes(client)
            messages = self._next_messages()
            was_busy = was_busy or bool(messages)
            by_kind: dict[str, list[mqtt.MQTTMessage]] = {}
            for each in messages:
                by_kind.setdefault(each.topic.rpartition("/")[2], []).append(each)
            for kind, alike in by_kind.items():
                if kind in TOGETHER_TAKEN:
                    self._take(client, kind, alike)
                    continue
                for each in alike:
                    self._handle(client, each)
        return was_busy

    def _next_messages(self) -> list[mqtt.MQTTMessage]:
        """What has come, as soon as there is anything; none after a moment without."""
        messages: list[mqtt.MQTTMessage] = []
        with suppress(queue.Empty):
            messages.append(self._inbox.get(timeout=0.5))
            while len(messages) < TOGETHER:
                messages.append(self._inbox.get_nowait())
        return messages

    def _take(self, client: mqtt.Client, kind: str, messages: list[mqtt.MQTTMessage]) -> None:
        """Store messages of one kind together; answer each vehicle, then tell the broker, for all that were stored."""
        close_old_connections()
        answers = TOGETHER_TAKEN[kind]([(each.topic, bytes(each.payload)) for each in messages], timezone.now())
        for_vehicle: dict[str, list[AckItem]] = {}
        for message, item in zip(messages, answers, strict=True):
            if item is None:
                continue
            for_vehicle.setdefault(message.topic.split("/")[2], []).append(item)
        for vehicle, items in for_vehicle.items():
            client.publish(topic(vehicle, "ack"), encode(Ack(items=tuple(items))), qos=1)
        for message, item in zip(messages, answers, strict=True):
            if item is not None:
                client.ack(message.mid, message.qos)
        _tell(kind, messages, answers)
        if None in answers:
            # Not acknowledged: the broker or the vehicle sends them again when there is room and a database.
            time.sleep(1.0)
            self._failed = "some messages could not be stored"

    def _publish_wishes(self, client: mqtt.Client) -> None:
        """What vehicles should be like, as soon as somebody changed it, and again when a vehicle or the broker comes back."""
        if not client.is_connected() or time.monotonic() - self._wishes_s < LOOK_S:
            return
        self._wishes_s = time.monotonic()
        try:
            for vehicle, revision, where, body in self._wishes.due():
                if client.publish(where, body, qos=1, retain=True).rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
                    self._wishes.was_published(vehicle, revision)
        except DatabaseError as wrong:
            log.warning("what vehicles should be like cannot be read (%s); trying again", wrong)

    def _handle(self, client: mqtt.Client, message: mqtt.MQTTMessage) -> None:
        close_old_connections()
        try:
            vehicle, kind = vehicle_of(message.topic)
            if kind == "health":
                take_health(message.topic, bytes(message.payload), timezone.now(), message.retain)
            elif kind == "status" and take_status(
                message.topic, bytes(message.payload), timezone.now(), message.retain
            ):
                self._wishes.forget(vehicle)
            MESSAGES.labels(kind, "accepted").inc()
        except RefusedMessage as wrong:
            warn(log, "message_refused", topic=message.topic, reason=wrong.reason)
            MESSAGES.labels(message.topic.rpartition("/")[2], "refused").inc()
        except (DatabaseError, OSError) as wrong:
            # Not acknowledged: the broker or the vehicle sends it again when there is room and a database.
            log.error("a message could not be stored (%s); it will come again", wrong)
            time.sleep(1.0)
            self._failed = f"storage: {wrong}"
            return
        except Exception:
            log.exception("a message on %s is passed over", message.topic)
        client.ack(message.mid, message.qos)

    def _client(self) -> mqtt.Client:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id="intake",
            protocol=MQTTProtocolVersion.MQTTv311,
            clean_session=False,
            manual_ack=True,
            reconnect_on_failure=False,
        )
        client.username_pw_set(*self._login)
        client.max_inflight_messages_set(WAITING_AT_MOST)
        client.on_connect, client.on_disconnect, client.on_message = (
            self._on_connect,
            self._on_disconnect,
            self._on_message,
        )
        self._inbox = queue.Queue(WAITING_AT_MOST)
        return client

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._failed = f"the broker refuses user {self._login[0]!r} ({reason}); write its files again: trikeye server broker config"
            return
        self._wishes.forget_all()
        client.subscribe([(topic("+", kind), 1) for kind in UP])
        tell(log, "intake_connected")

    def _on_disconnect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._failed = self._failed or f"the broker has gone ({reason})"

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            self._inbox.put(message, timeout=20)
        except queue.Full:
            self._failed = "the database is slower than the broker; starting over"


def _tell(kind: str, messages: Sequence[mqtt.MQTTMessage], answers: Sequence[AckItem | None]) -> None:
    """Count what came, and tell of each sighting what became of it and which case has it."""
    for item in answers:
        MESSAGES.labels(kind, item.outcome if item else "again").inc()
    if kind != "sighting":
        return
    cases = cases_of([item.id for item in answers if item is not None and item.outcome != "refused"])
    for message, item in zip(messages, answers, strict=True):
        if item is not None:
            vehicle = message.topic.split("/")[2]
            tell(log, f"sighting_{item.outcome}", sighting=item.id, case=cases.get(item.id), vehicle=vehicle, reason=item.reason)  # fmt: skip
