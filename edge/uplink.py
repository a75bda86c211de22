"""Hands the outbox to the server over MQTT. A broker's PUBACK settles nothing: only the server's own acknowledgement empties a row.

Works on MQTT 3.1.1; MQTT 5 is tried first. What is urgent leaves first, then what is fresh, with the backlog trickling behind (edge/pace.py); what is not
acknowledged in time is sent again, byte-identical; as a month's bytes run short, pictures become smaller before they leave (edge/economy.py).
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import queue
import random
import ssl
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from uuid import UUID

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from edge.desired import Orders, with_desired, zones_digest
from edge.economy import PER_MESSAGE_BYTES, Economy, economy, month_of
from edge.health import Reporter
from edge.outbox import Outbox, OutboxError, OutboxUnwritable, Settled, Waiting
from edge.outbox_coverage import CoverageBox
from edge.pace import BEYOND_WINDOW, Lane, Pace
from edge.part import UplinkPart, write_part
from edge.settings import Settings
from edge.uplink_coverage import AWAY_AT_MOST, CoverageLane
from models.contract import MAX_MESSAGE_BYTES, Ack, AckItem, RefusedMessage, Sighting, Status, decode, encode, topic

log = logging.getLogger("trikeye.uplink")
LONGEST_PAUSE_S = 60.0
CONNECT_S = 8.0
LASTED_S = 5.0
DEAD_AFTER = 6
"""A connection on which the broker takes nothing for so many times `resend_s` is begun anew."""
TRICKLE = 5
FOREVER = 2**62
ECONOMY_S, SPENT_BYTES = 10.0, 1_000_000
HEADER_BYTES = 32
BAD_LOGIN = {"Bad user name or password", "Not authorized"}
OTHER_PROTOCOL = {
    MQTTProtocolVersion.MQTTv5: MQTTProtocolVersion.MQTTv311,
    MQTTProtocolVersion.MQTTv311: MQTTProtocolVersion.MQTTv5,
}


class UplinkBusy(OutboxError):
    """Another process sends this outbox."""


@dataclass
class Uplink:
    """One vehicle's connection. `run` returns when told to stop, or when the outbox is empty and `until_empty` is set."""

    settings: Settings
    outbox: Outbox
    counts: Counter[str] = field(default_factory=Counter)
    trouble: str = ""
    _acks: queue.SimpleQueue[AckItem] = field(default_factory=queue.SimpleQueue)
    _wanted: queue.SimpleQueue[bytes] = field(default_factory=queue.SimpleQueue)
    _answers: list[Settled] = field(default_factory=list)
    _pace: Pace = field(default_factory=lambda: Pace(1))
    _published: dict[UUID, mqtt.MQTTMessageInfo] = field(default_factory=dict)
    _mark: int = 0
    _ordinary: int = 0
    _largest: int = MAX_MESSAGE_BYTES
    _spent_bytes: int = 0
    _step: Economy = Economy.WHOLE
    _economy_until_s: float = 0.0
    _disk_trouble: str = ""
    _connected: bool = False
    _greeted: bool = False
    _reached: bool = False
    _failed: str = ""
    _protocol: MQTTProtocolVersion = MQTTProtocolVersion.MQTTv5
    _stop: bool = False

    def __post_init__(self) -> None:
        folder = self.outbox.path.parent
        self.orders = Orders(self.settings, folder, self.outbox, self.counts)
        self.settings = with_desired(self.settings, folder)
        self.coverage = CoverageLane(CoverageBox(self.outbox))
        self.reporter = Reporter(self.settings, self.outbox)

    def stop(self) -> None:
        """Let `run` end after its present step."""
        self._stop = True

    def run(self, until_empty: bool = False) -> None:
        """Connect, send, settle, and begin again whenever the connection ends; pauses grow with jitter.

        Raises UplinkBusy if another one sends this outbox already.
        """
        with _alone_with(self.outbox.path):
            try:
                self._run(until_empty)
            finally:
                self._settle()

    def _run(self, until_empty: bool) -> None:
        pause_s = 0.5
        while not self._stop and not (until_empty and self._is_done()):
            self._connected, self._greeted, self._reached, self._failed = False, False, False, ""
            self._pace, self._published, self._largest = Pace(self.settings.uplink.in_flight), {}, MAX_MESSAGE_BYTES
            self.coverage.begin_again()
            client = self._client()
            try:
                self._secure(client)
                client.connect(self.settings.uplink.host, self.settings.uplink.port, keepalive=30)
                client.loop_start()
                began_s, self._reached = time.monotonic(), True
                self._serve(client, until_empty)
                # A connection that ends at once (two senders under one name, a poisoned broker) must not storm.
                if self._greeted and time.monotonic() - began_s > LASTED_S:
                    pause_s = 0.5
                self._say_goodbye(client)
            except (OSError, ValueError) as wrong:
                self._failed = self._why_not(wrong)
            finally:
                client.loop_stop()
            if not self._greeted and self._reached and self._failed not in BAD_LOGIN:
                # Refused MQTT 5 comes as a reason code, as a closed connection, or (amqtt, with a will) as silence.
                self._protocol = OTHER_PROTOCOL[self._protocol]
                if self._protocol == MQTTProtocolVersion.MQTTv311:
                    continue
            if self._stop or (until_empty and self._is_done()):
                return
            self._complain()
            self._wait(pause_s * random.uniform(0.7, 1.3))
            pause_s = min(pause_s * 2, LONGEST_PAUSE_S)

    def _serve(self, client: mqtt.Client, until_empty: bool) -> None:
        """Send and settle while connected."""
        was_connected, deadline = False, time.monotonic() + CONNECT_S
        while not self._stop:
            if self._failed or (not self._connected and time.monotonic() > deadline):
                break
            if self._connected:
                if not was_connected:
                    self._mark, was_connected = self.outbox.last_sequence(), True
                self.trouble = ""
                self._send_due(client, time.monotonic())
                self._obey(time.monotonic())
                self._report(client, time.monotonic())
            self._take_answers(0.2)
            self._settle()
            if until_empty and self._is_done():
                break

    def _send_due(self, client: mqtt.Client, now_s: float) -> None:
        try:
            for message_id, flight in self._pace.overdue(self.settings.uplink.resend_s, now_s):
                if not self._published[message_id].is_published():
                    # The broker does not have it yet: a second one would only queue behind the first.
                    if now_s - flight.sent_s > DEAD_AFTER * self.settings.uplink.resend_s:
                        self._failed = "the broker takes nothing any more"
                elif (message := self.outbox.read(flight.sequence)) is None:
                    self._pace.forget(message_id)
                elif not self._publish(client, message, flight.lane, now_s):
                    return
            while (up := self._next_up()) is not None:
                message = self._fitting(up[1])
                if message is not None and not self._publish(client, message, up[0], now_s):
                    return
            self._send_coverage(client, now_s)
        except OutboxUnwritable as wrong:
            self._complain_of_disk(wrong)

    def _send_coverage(self, client: mqtt.Client, now_s: float) -> None:
        """What was looked at goes where nothing else does: none while a sighting waits or is on its way, none when the month runs short."""
        if self._pace.flights or self.outbox.has_waiting() or self._economy() != Economy.WHOLE:
            return
        where = topic(self.settings.vehicle.name, "coverage")
        while (message := self.coverage.next_up(self.settings.uplink.resend_s, now_s)) is not None:
            if client.publish(where, message.body, qos=1).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return
            self.coverage.left(message, now_s)
            self.counts["coverage_sent"] += 1
            self._spent_bytes += len(message.body) + PER_MESSAGE_BYTES

    def _obey(self, now_s: float) -> None:
        """Take what the server wants: settings at once, zones as soon as they are fetched, which holds nothing up."""
        with suppress(queue.Empty, OutboxUnwritable):
            settings = self.orders.take(self._wanted.get_nowait())
            if settings is not None:
                self.settings = self.reporter.settings = settings
        if zones := self.orders.zones_due(now_s):
            threading.Thread(target=self.orders.fetch_zones, args=(zones,), name="zones", daemon=True).start()
        self.reporter.refused, self.reporter.zones = self.orders.refused, zones_digest(self.outbox.path.parent)

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

    def _next_up(self) -> tuple[Lane, int] | None:
        """The next message that may leave: urgent, fresh, backlog, but of what is not urgent one in TRICKLE is of the backlog."""
        away = self._pace.sequences()
        if self._pace.has_room(Lane.URGENT) and (found := self.outbox.next_up(True, without=away)):
            return Lane.URGENT, found
        if self._economy() == Economy.NOTHING:
            return None
        lanes = [(Lane.FRESH, self._mark, FOREVER), (Lane.BACKLOG, 0, self._mark)]
        for lane, above, up_to in lanes[:: -1 if self._ordinary % TRICKLE == TRICKLE - 1 else 1]:
            if self._pace.has_room(lane) and (found := self.outbox.next_up(False, above, up_to, away)):
                self._ordinary += 1
                return lane, found
        return None

    def _fitting(self, sequence: int) -> Waiting | None:
        """The message, no larger than the month and the broker allow; None if it is gone, or set aside because it cannot be made to fit."""
        message = self.outbox.read(sequence)
        wanted = min(self._economy(), Economy.TEXT)
        while message is not None and (message.economy < wanted or len(message.body) > self._largest):
            step = max(wanted, message.economy + (len(message.body) > self._largest))
            if step > Economy.TEXT:
                reason = f"too_large: the broker takes {self._largest} bytes"
                self._answers.append(Settled(message.id, "refused", reason=reason))
                self._settle()
                return None
            message = self._smaller(message, Economy(step))
        return message

    def _smaller(self, message: Waiting, step: Economy) -> Waiting | None:
        # Pixels cost 40 MB of memory, and most vehicles never come here.
        from edge.smaller import BadPicture, smaller

        sighting = decode(Sighting, message.body)
        try:
            sighting = smaller(sighting, step)
        except BadPicture as wrong:
            self._log(logging.WARNING, event="picture_not_smaller", id=str(message.id), reason=str(wrong))
        self.counts["smaller"] += 1
        return self.outbox.make_smaller(message, sighting, step)

    def _publish(self, client: mqtt.Client, message: Waiting, lane: Lane, now_s: float) -> bool:
        info = client.publish(topic(self.settings.vehicle.name, "sighting"), message.body, qos=1)
        if info.rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
            return False
        self.counts["resent" if message.id in self._pace.flights else "sent"] += 1
        self._published[message.id] = info
        self._pace.left(message.id, message.sequence, len(message.body), lane, now_s)
        self._spent_bytes += len(message.body) + PER_MESSAGE_BYTES
        return True

    def _economy(self) -> Economy:
        """What this month still allows; asked of the outbox now and then."""
        limit, now_s = self.settings.uplink.month_bytes, time.monotonic()
        if limit and now_s > self._economy_until_s:
            now = datetime.now(timezone.utc)  # noqa: UP017
            step = economy(self.outbox.spent(month_of(now)) + self._spent_bytes, limit, now)
            if step != self._step:
                self._log(logging.WARNING, event="economy_changed", economy=step.name.lower())
            self._step, self._economy_until_s = step, now_s + ECONOMY_S
        return self._step

    def _take_answers(self, wait_s: float) -> None:
        try:
            item = self._acks.get(timeout=wait_s)
            while True:
                self._take(item)
                item = self._acks.get_nowait()
        except queue.Empty:
            return

    def _take(self, item: AckItem) -> None:
        if self.coverage.answered(item.id):
            self.counts[f"coverage_{item.outcome}"] += 1
            if item.outcome == "refused":
                self._log(logging.WARNING, event="coverage_refused", id=str(item.id), reason=item.reason)
            return
        self._pace.answered(item.id, time.monotonic())
        self._published.pop(item.id, None)
        self._answers.append(Settled(item.id, item.outcome, item.digest, item.reason))

    def _settle(self) -> None:
        """Write down what the server answered and what was spent. What the disk does not take is kept and tried again: it is only sent twice."""
        try:
            self.coverage.settle()
            if not self._answers and self._spent_bytes < SPENT_BYTES:
                return
            month = month_of(datetime.now(timezone.utc))  # noqa: UP017
            changed = self.outbox.settle_all(self._answers, time.time(), self._spent_bytes, month)
        except OutboxUnwritable as wrong:
            self._complain_of_disk(wrong)
            return
        self._answers, self._spent_bytes, self._disk_trouble = [], 0, ""
        for each in changed:
            self.counts[each.outcome] += 1
            if each.outcome == "refused":
                self._log(logging.WARNING, event="sighting_refused", id=str(each.id), reason=each.reason)
            else:
                self._log(logging.INFO, event="sighting_acknowledged", id=str(each.id), outcome=each.outcome)

    def _log(self, level: int, **fields: str) -> None:
        log.log(level, "%s", json.dumps({"vehicle": self.settings.vehicle.name, **fields}, ensure_ascii=False))

    def _is_done(self) -> bool:
        if self.outbox.has_waiting():
            return self._economy() == Economy.NOTHING and not self.outbox.next_up(True)
        return self._economy() != Economy.WHOLE or self.coverage.is_done()

    def _client(self) -> mqtt.Client:
        settings, name = self.settings.uplink, self.settings.vehicle.name
        client = mqtt.Client(CallbackAPIVersion.VERSION2, client_id=name, protocol=self._protocol,
                             clean_session=True if self._protocol == MQTTProtocolVersion.MQTTv311 else None, reconnect_on_failure=False)  # fmt: skip
        room = settings.in_flight + BEYOND_WINDOW + AWAY_AT_MOST
        client.max_queued_messages_set(room)
        client.max_inflight_messages_set(room)
        if settings.user:
            client.username_pw_set(settings.user, settings.password)
        client.will_set(topic(name, "status"), encode(Status(vehicle=name, online=False)), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        client.on_subscribe = self._on_subscribe
        return client

    def _secure(self, client: mqtt.Client) -> None:
        settings = self.settings.uplink
        if settings.tls:
            ca, cert, key = (
                str(each) if each else None for each in (settings.ca_file, settings.cert_file, settings.key_file)
            )
            client.tls_set(ca_certs=ca, certfile=cert, keyfile=key, cert_reqs=ssl.CERT_REQUIRED)

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
        client.subscribe([(topic(name, "ack"), 1), (topic(name, "desired"), 1)])
        now = datetime.now(timezone.utc)  # noqa: UP017
        client.publish(topic(name, "status"), encode(Status(vehicle=name, online=True, at=now)), qos=1, retain=True)
        self.reporter.begin_again()
        # The broker may take less than the wire allows; only MQTT 5 says so.
        if said := getattr(properties, "MaximumPacketSize", None):
            self._largest = min(MAX_MESSAGE_BYTES, said - len(topic(name, "sighting")) - HEADER_BYTES)
        self._connected = self._greeted = True
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
        if message.topic == topic(self.settings.vehicle.name, "desired"):
            if message.payload:
                self._wanted.put(bytes(message.payload))
            return
        try:
            for item in decode(Ack, bytes(message.payload)).items:
                self._acks.put(item)
        except Exception as wrong:  # one that escapes ends the network thread, and nobody is told
            self.counts["bad_ack"] += 1
            reason = wrong.reason if isinstance(wrong, RefusedMessage) else repr(wrong)
            self._log(logging.WARNING, event="ack_unreadable", reason=reason)

    def _on_publish(
        self, client: mqtt.Client, userdata: object, mid: int, reason: ReasonCode, properties: Properties | None
    ) -> None:
        """Only MQTT 5 says it: a broker that does not take a message will not take it the next time either."""
        if reason.is_failure:
            self.counts["broker_refused"] += 1
            self._failed = (
                self._failed
                or f"the broker refuses what {self.settings.uplink.user!r} sends ({reason}): {self._rights()}"
            )

    def _on_subscribe(
        self, client: mqtt.Client, userdata: object, mid: int, reasons: list[ReasonCode], properties: Properties | None
    ) -> None:
        if any(each.is_failure for each in reasons):
            self._failed = (
                self._failed or f"the broker lets {self.settings.uplink.user!r} hear no answers: {self._rights()}"
            )

    def _rights(self) -> str:
        name = self.settings.vehicle.name
        return f"[vehicle] name {name} must be the one the server gave these credentials to (trikeye server vehicle add {name})"

    def _say_goodbye(self, client: mqtt.Client) -> None:
        if self._connected:
            name = self.settings.vehicle.name
            said = client.publish(topic(name, "status"), encode(Status(vehicle=name, online=False)), qos=1, retain=True)
            # The connection may end between these lines; the broker then says offline by the will.
            with suppress(RuntimeError, ValueError):
                said.wait_for_publish(2)
            client.disconnect()

    def _why_not(self, wrong: Exception) -> str:
        settings, text = self.settings.uplink, str(wrong)
        if "not yet valid" in text or "expired" in text:
            return f"the broker's certificate is not valid at {datetime.now(timezone.utc):%Y-%m-%d %H:%M} UTC ({text}); set this machine's clock, or renew the certificate"  # noqa: UP017
        return f"the broker at {settings.host}:{settings.port} cannot be reached ({text}); check the network and [uplink] in edge.toml"

    def _complain_of_disk(self, wrong: OutboxUnwritable) -> None:
        self.counts["disk_refused"] += 1
        if str(wrong) != self._disk_trouble:
            self._disk_trouble = str(wrong)
            log.warning("%s", wrong)

    def _complain(self) -> None:
        failed = self._failed or "the broker does not answer"
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


@contextmanager
def _alone_with(outbox: Path) -> Iterator[None]:
    """Two senders of one outbox would send everything twice."""
    fd = os.open(outbox.with_name(outbox.name + ".uplink"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            other = os.pread(fd, 20, 0).decode(errors="replace").strip()
            raise UplinkBusy(f"another uplink (process {other}) sends {outbox} already; one is enough: leave it, or end it first (kill {other})") from None  # fmt: skip
        os.ftruncate(fd, 0)
        os.pwrite(fd, str(os.getpid()).encode(), 0)
        yield
    finally:
        os.close(fd)
