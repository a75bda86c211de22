"""Hands the outbox to the server over MQTT. A broker's PUBACK settles nothing: only the server's own acknowledgement empties a row.

Works on MQTT 3.1.1; MQTT 5 is tried first. At most `in_flight` messages are on the way; what is not acknowledged in time is sent again, byte-identical.
"""

from __future__ import annotations

import json
import logging
import queue
import random
import ssl
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from uuid import UUID

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.health import Reporter
from edge.outbox import Outbox
from edge.part import UplinkPart, write_part
from edge.settings import Settings
from models.contract import Ack, AckItem, RefusedMessage, Status, decode, encode, topic

log = logging.getLogger("trikeye.uplink")
LONGEST_PAUSE_S = 60.0
CONNECT_S = 8.0
LASTED_S = 5.0
BAD_LOGIN = {"Bad user name or password", "Not authorized"}
OTHER_PROTOCOL = {
    MQTTProtocolVersion.MQTTv5: MQTTProtocolVersion.MQTTv311,
    MQTTProtocolVersion.MQTTv311: MQTTProtocolVersion.MQTTv5,
}


@dataclass
class Uplink:
    """One vehicle's connection. `run` returns when told to stop, or when the outbox is empty and `until_empty` is set."""

    settings: Settings
    outbox: Outbox
    counts: Counter[str] = field(default_factory=Counter)
    trouble: str = ""
    _acks: queue.SimpleQueue[AckItem] = field(default_factory=queue.SimpleQueue)
    _sent_s: dict[UUID, float] = field(default_factory=dict)
    _connected: bool = False
    _reached: bool = False
    _failed: str = ""
    _protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5
    _stop: bool = False

    def __post_init__(self) -> None:
        self.reporter = Reporter(self.settings, self.outbox)

    def stop(self) -> None:
        """Let `run` end after its present step."""
        self._stop = True

    def run(self, until_empty: bool = False) -> None:
        """Connect, send, settle, and begin again whenever the connection ends; pauses grow with jitter."""
        pause_s = 0.5
        while not self._stop and not (until_empty and self._is_empty()):
            self._connected, self._reached, self._failed = False, False, ""
            answered = False
            client = self._client()
            try:
                self._secure(client)
                client.connect(self.settings.uplink.host, self.settings.uplink.port, keepalive=30)
                client.loop_start()
                began_s, self._reached = time.monotonic(), True
                answered = self._serve(client, until_empty)
                # A connection that ends at once (two senders under one name, a poisoned broker) must not storm.
                if answered and time.monotonic() - began_s > LASTED_S:
                    pause_s = 0.5
                self._say_goodbye(client)
            except OSError as wrong:
                self._failed = f"the broker at {self.settings.uplink.host}:{self.settings.uplink.port} cannot be reached ({wrong}); check the network and [uplink] in edge.toml"
            finally:
                client.loop_stop()
            if not answered and self._reached and self._failed not in BAD_LOGIN:
                # Refused MQTT 5 comes as a reason code, as a closed connection, or (amqtt, with a will) as silence.
                self._protocol = OTHER_PROTOCOL[self._protocol]
                if self._protocol == MQTTProtocolVersion.MQTTv311:
                    continue
            if self._stop or (until_empty and self._is_empty()):
                return
            self._complain()
            self._wait(pause_s * random.uniform(0.7, 1.3))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _serve(self, client: mqtt.Client, until_empty: bool) -> bool:
        """Send and settle while connected; True if it ever was."""
        was_connected, deadline = False, time.monotonic() + CONNECT_S
        while not self._stop:
            if self._failed or (not self._connected and time.monotonic() > deadline):
                break
            if self._connected:
                was_connected, self.trouble = True, ""
                self._send_due(client, time.monotonic())
                self._report(client, time.monotonic())
            self._settle_all(0.2)
            if until_empty and self._is_empty():
                break
        return was_connected

    def _send_due(self, client: mqtt.Client, now_s: float) -> None:
        window = self.settings.uplink.in_flight
        for message in self.outbox.waiting(window):
            if now_s - self._sent_s.get(message.id, -1e9) < self.settings.uplink.resend_s:
                continue
            info = client.publish(topic(self.settings.vehicle.name, "sighting"), message.body, qos=1)
            if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            self.counts["resent" if message.id in self._sent_s else "sent"] += 1
            self._sent_s[message.id] = now_s

    def _report(self, client: mqtt.Client, now_s: float) -> None:
        self._look(now_s)
        body = self.reporter.due(now_s)
        if body is None:
            return
        info = client.publish(topic(self.settings.vehicle.name, "health"), body, qos=1, retain=True)
        if info.rc == MQTTErrorCode.MQTT_ERR_SUCCESS:
            self.reporter.was_sent(now_s)

    def _look(self, now_s: float) -> None:
        """Bring the heartbeat up to date, and tell the doctor how the connection is."""
        if self.reporter.look(dict(self.counts), now_s):
            failed = "" if self._connected else self.trouble
            part = UplinkPart(connected=self._connected, said=failed, troubles=(_trouble_of(failed),) if failed else ())
            with suppress(OSError):
                write_part(self.outbox.path.parent, part)

    def _settle_all(self, wait_s: float) -> None:
        try:
            item = self._acks.get(timeout=wait_s)
            while True:
                self._settle(item)
                item = self._acks.get_nowait()
        except queue.Empty:
            return

    def _settle(self, item: AckItem) -> None:
        self._sent_s.pop(item.id, None)
        if item.outcome in ("accepted", "known"):
            if self.outbox.settle(item.id, item.outcome, time.time()):
                self.counts[item.outcome] += 1
                self._log(logging.INFO, event="sighting_acknowledged", id=str(item.id), outcome=item.outcome)
        elif self.outbox.set_aside(item.id, item.reason):
            self.counts["refused"] += 1
            self._log(logging.WARNING, event="sighting_refused", id=str(item.id), reason=item.reason)

    def _log(self, level: int, **fields: str) -> None:
        log.log(level, "%s", json.dumps({"vehicle": self.settings.vehicle.name, **fields}, ensure_ascii=False))

    def _is_empty(self) -> bool:
        return not self.outbox.waiting(1)

    def _client(self) -> mqtt.Client:
        settings, name = self.settings.uplink, self.settings.vehicle.name
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=self._protocol,
                             clean_session=True if self._protocol == MQTTProtocolVersion.MQTTv311 else None, reconnect_on_failure=False)  # fmt: skip
        client.max_queued_messages_set(settings.in_flight)
        client.max_inflight_messages_set(settings.in_flight)
        if settings.user:
            client.username_pw_set(settings.user, settings.password)
        client.will_set(topic(name, "status"), encode(Status(vehicle=name, online=False)), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        return client

    def _secure(self, client: mqtt.Client) -> None:
        settings = self.settings.uplink
        if settings.tls:
            client.tls_set(ca_certs=str(settings.ca_file) if settings.ca_file else None, cert_reqs=ssl.CERT_REQUIRED)

    def _on_connect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._failed = str(reason)
            return
        name = self.settings.vehicle.name
        client.subscribe(topic(name, "ack"), qos=1)
        now = datetime.now(timezone.utc)  # noqa: UP017
        client.publish(topic(name, "status"), encode(Status(vehicle=name, online=True, at=now)), qos=1, retain=True)
        self._sent_s.clear()
        self.reporter.begin_again()
        self._connected = True
        self._log(logging.INFO, event="uplink_connected")

    def _on_disconnect(
        self,
        client: mqtt.Client,
        userdata: object,
        flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._connected = False
        self._failed = self._failed or str(reason)

    def _on_message(self, client: mqtt.Client, userdata: object, message: mqtt.MQTTMessage) -> None:
        try:
            for item in decode(Ack, bytes(message.payload)).items:
                self._acks.put(item)
        except RefusedMessage as wrong:
            self.counts["bad_ack"] += 1
            self._log(logging.WARNING, event="ack_unreadable", reason=wrong.reason)

    def _say_goodbye(self, client: mqtt.Client) -> None:
        if self._connected:
            name = self.settings.vehicle.name
            said = client.publish(topic(name, "status"), encode(Status(vehicle=name, online=False)), qos=1, retain=True)
            # The connection may end between these lines; the broker then says offline by the will.
            with suppress(RuntimeError, ValueError):
                said.wait_for_publish(2)
            client.disconnect()

    def _complain(self) -> None:
        failed = self._failed or "the broker does not answer"
        self.counts["disconnected"] += 1
        if failed in BAD_LOGIN:
            failed = f"the broker refuses user {self.settings.uplink.user!r}: ask the server for new credentials (trikeye server vehicle add {self.settings.vehicle.name})"
        if failed != self.trouble:
            self.trouble = failed
            log.warning("%s; trying again, nothing is lost (%d waiting)", failed, self.outbox.counts()["waiting"])

    def _wait(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while not self._stop and time.monotonic() < end:
            self._look(time.monotonic())
            time.sleep(min(0.2, max(0.0, end - time.monotonic())))


def _trouble_of(failed: str) -> str:
    """The key in models/troubles.toml of what was complained of."""
    if "the broker refuses user" in failed:
        return "broker_refuses"
    return "certificate_bad" if "certificate" in failed.lower() else "broker_unreachable"
