"""The uplink on links as they are: slow, lossy, silent, metered, guarded by certificates; and next to a second one."""

from __future__ import annotations

import logging
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from unittest.mock import MagicMock
from uuid import UUID

import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode
from shaping import proxy
from sightings import jpeg, message
from wire import Broker, Running, Server, accept, counts, silent, until

from edge.outbox import Outbox
from edge.settings import Settings
from edge.uplink import Uplink
from models.contract import AckItem, Sighting, digest_of

pytestmark = [pytest.mark.broker, pytest.mark.process]
SightingOf = Callable[..., Any]


@pytest.fixture
def broker(mosquitto: str, tmp_path: Path) -> Iterator[Broker]:
    made = Broker(mosquitto, tmp_path)
    yield made
    made.kill()


def put(path: Path, sighting_of: SightingOf, numbers: range, **changed: object) -> None:
    box = Outbox(path)
    for number in numbers:
        box.put(UUID(int=number), sighting_of(UUID(int=number), **changed))
    box.close()


def sequence_of(server: Server) -> list[int]:
    """Ids in the order in which the server first saw them."""
    from models.contract import decode

    return list(dict.fromkeys(decode(Sighting, body).id.int for body in server.bodies))


def test_urgent_first_then_what_came_since_with_the_backlog_trickling(
    broker: Broker, outbox: Outbox, sighting_of: SightingOf
) -> None:
    put(outbox.path, sighting_of, range(1, 101), filling=3000)
    put(outbox.path, sighting_of, range(200, 203), category="road_collapse", filling=3000)
    broker.start()
    server = Server(broker.port, accept)
    with proxy(0, ("127.0.0.1", broker.port), kbit_s=400, delay_ms=50) as link:
        running = Running(outbox.path, link.port, resend_s=20.0)
        assert until(lambda: len(server.bodies) >= 15)
        seen = len(server.bodies)
        put(outbox.path, sighting_of, range(300, 340), filling=3000)
        put(outbox.path, sighting_of, range(400, 401), category="manhole_fault", filling=3000)
        assert running.ends(60)
    order = sequence_of(server)
    server.stop()
    assert set(order[:3]) == {200, 201, 202}
    assert order[3:8] == [100, 99, 98, 97, 96], "the newest of the backlog first"
    before = order[: seen + 20]
    assert 400 in before, "urgent overtakes what is fresh"
    fresh = [n for n in order if 300 <= n < 340]
    span = order[order.index(fresh[0]) : order.index(fresh[-1])]
    of_backlog = [n for n in span if n <= 100]
    assert 4 <= len(of_backlog) <= 20, "the backlog trickles behind what is fresh, and does not stop"
    assert counts(outbox.path)["settled"] == 144


def test_a_fresh_sighting_does_not_wait_for_ten_thousand(
    broker: Broker, outbox: Outbox, sighting_of: SightingOf
) -> None:
    fill_fast(outbox, sighting_of, 10_000)
    broker.start()
    server = Server(broker.port, accept)
    with proxy(0, ("127.0.0.1", broker.port), kbit_s=400, delay_ms=150, loss=0.05) as link:
        running = Running(outbox.path, link.port, until_empty=False, resend_s=20.0)
        assert until(lambda: len(server.bodies) > 0)
        put(outbox.path, sighting_of, range(20_000, 20_001), filling=8000)
        began_s = time.monotonic()
        asked = sqlite3.connect(outbox.path)
        acknowledged = "SELECT 1 FROM settled WHERE id=?"
        assert until(lambda: asked.execute(acknowledged, (UUID(int=20_000).bytes,)).fetchone() is not None)
        taken_s = time.monotonic() - began_s
        running.stop()
    server.stop()
    assert taken_s < 5
    assert counts(outbox.path)["waiting"] > 9000


def fill_fast(outbox: Outbox, sighting_of: SightingOf, count: int) -> None:
    """So many messages in one commit."""
    outbox.put(UUID(int=1), sighting_of(UUID(int=1), filling=8000))
    db = outbox._db
    assert db is not None
    rest = "digest, body, probability, category, lat_deg, lon_deg, seen_utc, aside, urgent, economy"
    db.execute("BEGIN")
    db.executemany(f"INSERT INTO message (sequence, id, {rest}) SELECT ?, ?, {rest} FROM message WHERE sequence=1",
                   [(n, UUID(int=n).bytes) for n in range(2, count + 1)])  # fmt: skip
    db.execute("UPDATE about SET value=? WHERE name='sequence'", (str(count),))
    db.execute("COMMIT")


def test_a_lossy_link_loses_nothing(broker: Broker, outbox: Outbox, sighting_of: SightingOf) -> None:
    put(outbox.path, sighting_of, range(1, 61), filling=3000)
    put(outbox.path, sighting_of, range(100, 103), category="road_collapse", filling=3000)
    broker.start()
    server = Server(broker.port, accept)
    with proxy(0, ("127.0.0.1", broker.port), kbit_s=400, delay_ms=150, loss=0.05) as link:
        assert Running(outbox.path, link.port, resend_s=20.0).ends(90)
        assert link.stalls > 0
    order = sequence_of(server)
    server.stop()
    assert sorted(order) == [*range(1, 61), *range(100, 103)]
    assert set(order[:3]) == {100, 101, 102}
    assert len(server.bodies) <= len(order) + 5, "a slow link is no reason to send twice"


def test_a_link_that_breaks_again_and_again_loses_nothing(
    broker: Broker, outbox: Outbox, sighting_of: SightingOf
) -> None:
    put(outbox.path, sighting_of, range(1, 41), filling=20_000)
    broker.start()
    server = Server(broker.port, accept)
    with proxy(0, ("127.0.0.1", broker.port), kbit_s=2000, delay_ms=20) as link:
        running = Running(outbox.path, link.port)
        for enough in (5, 15, 25):
            assert until(lambda enough=enough: len(set(server.bodies)) >= enough)
            link.cut()
            time.sleep(0.1)
            link.mend()
        assert running.ends(60)
    assert sorted(sequence_of(server)) == list(range(1, 41))
    assert counts(outbox.path)["settled"] == 40
    server.stop()


def test_a_second_uplink_refuses_and_names_the_first(
    broker: Broker, outbox: Outbox, sighting_of: SightingOf, tmp_path: Path
) -> None:
    put(outbox.path, sighting_of, range(1, 4))
    broker.start()
    server = Server(broker.port, silent)
    first = Running(outbox.path, broker.port, until_empty=False)
    assert until(lambda: len(server.bodies) >= 3)
    second = Running(outbox.path, broker.port)
    assert second.ends()
    assert "another uplink (process " in second.trouble
    assert "end it first" in second.trouble
    first.stop()
    third = Running(outbox.path, broker.port, until_empty=False)
    assert until(lambda: third.uplink is not None and third.uplink._connected), "a lock ends with who held it"
    third.stop()
    server.stop()


# --- the month ----------------------------------------------------------------------------------------------------


def with_pictures(path: Path, count: int, category: str = "bagged_garbage") -> None:
    """Sightings with a picture of some 60 KB."""
    box, picture = Outbox(path), jpeg(4, 1280, 720)
    for number in range(1, count + 1):
        sighting = message(category=category, id=UUID(int=number), pictures=[_described(picture)])
        box.put(sighting.id, lambda o, n, s=sighting: s.model_copy(update={"outbox": o, "sequence": n}))
    box.close()


def _described(picture: bytes) -> dict[str, Any]:
    import hashlib

    return {"role": "best", "sha256": hashlib.sha256(picture).hexdigest(), "width": 1280, "height": 720, "box": (600.0, 300.0, 700.0, 400.0), "bytes": picture}  # fmt: skip


def test_as_the_month_runs_out_pictures_shrink_then_go_and_every_digest_is_remembered(
    broker: Broker, outbox: Outbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from models.contract import decode

    monkeypatch.setattr("edge.uplink.ECONOMY_S", 0.0)
    with_pictures(outbox.path, 70)
    full = len(outbox.waiting(1)[0].body)
    broker.start()
    server = Server(broker.port, accept)
    monkeypatch.setattr("edge.uplink.economy", lambda spent, limit, now: _at_the_first(spent, limit))
    with caplog.at_level(logging.WARNING):
        running = Running(outbox.path, broker.port, month_bytes=4 * full, in_flight=1)
        assert running.ends(60)
    sizes = [len(body) for body in server.bodies]
    shown = [len(decode(Sighting, body).pictures) for body in server.bodies]
    server.stop()
    assert len(set(sequence_of(server))) == len(sizes) == 70
    assert sizes[0] >= full
    assert sizes[-1] < 1500
    assert shown[-1] == 0
    assert sum(sizes) <= 4 * full
    assert running.uplink is not None
    assert running.uplink.counts["smaller"] >= 15
    assert [line for line in caplog.messages if "economy_changed" in line]
    box = Outbox(outbox.path)
    for body in server.bodies:
        assert digest_of(body) in box.digests_sent(decode(Sighting, body).id)
    assert box.counts()["settled"] == 70


def _at_the_first(spent: int, limit: int) -> Any:
    from datetime import UTC, datetime

    from edge.economy import economy

    return economy(spent, limit, datetime(2026, 11, 1, tzinfo=UTC))


def test_when_the_month_is_used_up_only_what_is_urgent_leaves_and_the_rest_waits(
    broker: Broker, outbox: Outbox, sighting_of: SightingOf
) -> None:
    from datetime import UTC, datetime

    put(outbox.path, sighting_of, range(1, 4))
    put(outbox.path, sighting_of, range(10, 12), category="road_collapse")
    outbox.settle_all([], 0.0, spent_bytes=1_000_000, month=f"{datetime.now(UTC):%Y-%m}")
    broker.start()
    server = Server(broker.port, accept)
    assert Running(outbox.path, broker.port, month_bytes=1_000_000).ends()
    assert set(sequence_of(server)) == {10, 11}
    assert counts(outbox.path)["waiting"] == 3
    server.stop()


def test_what_was_spent_is_counted_whatever_the_plan(broker: Broker, outbox: Outbox, sighting_of: SightingOf) -> None:
    from datetime import UTC, datetime

    put(outbox.path, sighting_of, range(1, 4), filling=10_000)
    broker.start()
    server = Server(broker.port, accept)
    assert Running(outbox.path, broker.port).ends()
    spent = Outbox(outbox.path).spent(f"{datetime.now(UTC):%Y-%m}")
    assert 30_000 < spent < 40_000
    server.stop()


def test_what_is_too_large_for_the_broker_is_made_smaller_rather_than_sent_for_ever(
    mosquitto: str, tmp_path: Path, outbox: Outbox
) -> None:
    with_pictures(outbox.path, 2)
    broker = Broker(mosquitto, tmp_path, "max_packet_size 20000\n")
    broker.start()
    server = Server(broker.port, accept)
    try:
        assert Running(outbox.path, broker.port).ends()
        assert counts(outbox.path)["settled"] == 2
        assert all(len(body) < 20_000 for body in server.bodies)
    finally:
        server.stop()
        broker.kill()


def test_what_fits_in_no_way_is_set_aside_and_the_rest_is_sent(mosquitto: str, tmp_path: Path, outbox: Outbox) -> None:
    with_pictures(outbox.path, 2)
    broker = Broker(mosquitto, tmp_path, "max_packet_size 600\n")
    broker.start()
    try:
        assert Running(outbox.path, broker.port).ends()
        assert counts(outbox.path)["aside"] == 2
        reasons = sqlite3.connect(outbox.path).execute("SELECT DISTINCT aside FROM message").fetchall()
        assert len(reasons) == 1
        assert reasons[0][0].startswith("too_large")
    finally:
        broker.kill()


def test_a_broker_that_gives_too_few_rights_is_told_with_what_to_do(
    mosquitto: str, tmp_path: Path, outbox: Outbox, sighting_of: SightingOf, caplog: pytest.LogCaptureFixture
) -> None:
    put(outbox.path, sighting_of, range(1, 3))
    acl = tmp_path / "acl"
    acl.write_text("user TY-01\ntopic read trikeye/v1/TY-01/#\n")
    broker = Broker(mosquitto, tmp_path, f"acl_file {acl}\n")
    broker.start()
    try:
        with caplog.at_level(logging.WARNING):
            running = Running(outbox.path, broker.port)
            assert until(lambda: "refuses what 'TY-01' sends (Not authorized)" in caplog.text)
        assert "trikeye server vehicle add TY-01" in caplog.text
        running.stop()
        assert counts(outbox.path)["waiting"] == 2
    finally:
        broker.kill()


def test_a_broker_that_lets_a_vehicle_hear_no_answers_is_left_and_told(outbox: Outbox) -> None:
    uplink = Uplink(Settings.model_validate({"uplink": {"user": "TY-01"}}), outbox)
    granted, refused = (ReasonCode(PacketTypes.SUBACK, identifier=code) for code in (1, 0x80))
    uplink._on_subscribe(MagicMock(), None, 1, [granted, granted], None)
    assert uplink._failed == ""
    uplink._on_subscribe(MagicMock(), None, 1, [granted, refused], None)
    assert "hear no answers" in uplink._failed


# --- brokers and disks that misbehave -----------------------------------------------------------------------------


def test_a_broker_that_answers_version_5_with_silence_is_spoken_to_in_3(
    broker: Broker, outbox: Outbox, sighting_of: SightingOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edge.uplink.CONNECT_S", 0.5)
    put(outbox.path, sighting_of, range(1, 4))
    broker.start()
    server = Server(broker.port, accept)
    listener = socket.create_server(("127.0.0.1", 0))
    threading.Thread(target=_silent_for_version_5, args=(listener, broker.port), daemon=True).start()
    assert Running(outbox.path, int(listener.getsockname()[1])).ends()
    assert counts(outbox.path)["settled"] == 3
    listener.close()
    server.stop()


def _silent_for_version_5(listener: socket.socket, port: int) -> None:
    """Passes 3.1.1 on to a broker; whoever greets with 5 is left waiting."""
    with suppress(OSError):
        while True:
            near, _ = listener.accept()
            hello = near.recv(4096)
            if hello[hello.index(b"MQTT") + 4] == 5:
                continue
            far = socket.create_connection(("127.0.0.1", port))
            far.sendall(hello)
            for source, sink in ((near, far), (far, near)):
                threading.Thread(target=_pass_on, args=(source, sink), daemon=True).start()


def _pass_on(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)


def test_a_disk_that_does_not_take_the_answers_delays_them_and_loses_none(
    broker: Broker, outbox: Outbox, sighting_of: SightingOf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:  # fmt: skip
    from edge.outbox import OutboxFull

    put(outbox.path, sighting_of, range(1, 6))
    real, refusals = Outbox.settle_all, iter(range(3))

    def full(box: Outbox, *args: Any, **more: Any) -> Any:
        if next(refusals, None) is not None:
            raise OutboxFull("no room left for it: free some disk space")
        return real(box, *args, **more)

    monkeypatch.setattr(Outbox, "settle_all", full)
    broker.start()
    server = Server(broker.port, accept)
    with caplog.at_level(logging.WARNING):
        running = Running(outbox.path, broker.port)
        assert running.ends()
    assert counts(outbox.path)["settled"] == 5
    assert caplog.text.count("free some disk space") == 1
    assert running.uplink is not None
    assert running.uplink.counts["accepted"] == 5
    server.stop()


def test_an_answer_with_another_digest_is_written_down_as_the_server_has_it(
    broker: Broker, outbox: Outbox, sighting_of: SightingOf
) -> None:
    put(outbox.path, sighting_of, range(1, 2))
    broker.start()
    server = Server(broker.port, lambda s, b: [AckItem(id=s.id, digest="f" * 64, outcome="known")])
    assert Running(outbox.path, broker.port).ends()
    assert "f" * 64 in Outbox(outbox.path).digests_sent(UUID(int=1))
    server.stop()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """An authority, and a broker's and a vehicle's certificate signed by it."""

    def openssl(*words: str) -> None:
        subprocess.run(["openssl", *words], cwd=tmp_path, check=True, capture_output=True)

    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *key, "-days", "2", "-subj", "/CN=authority", "-keyout", "ca.key", "-out", "ca.pem")
    for name in ("broker", "vehicle"):
        openssl("req", *key, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        (tmp_path / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
                "-extfile", "ext", "-out", f"{name}.pem")  # fmt: skip
    return tmp_path


def test_a_broker_that_asks_for_a_certificate_gets_the_vehicles(
    mosquitto: str, certificates: Path, outbox: Outbox, sighting_of: SightingOf, caplog: pytest.LogCaptureFixture
) -> None:
    put(outbox.path, sighting_of, range(1, 4))
    at = certificates
    plain = _free_port()
    broker = Broker(mosquitto, at, f"cafile {at / 'ca.pem'}\ncertfile {at / 'broker.pem'}\nkeyfile {at / 'broker.key'}\nrequire_certificate true\n"
                                   f"listener {plain} 127.0.0.1\n")  # fmt: skip
    broker.start()
    assert until(lambda: _listens(plain))
    server = Server(plain, accept)
    try:
        with caplog.at_level(logging.WARNING):
            without = Running(outbox.path, broker.port, tls=True, ca_file=at / "ca.pem")
            assert until(lambda: "nothing is lost (3 waiting)" in caplog.text)
            without.stop()
        files = {"cert_file": at / "vehicle.pem", "key_file": at / "vehicle.key"}
        assert Running(outbox.path, broker.port, tls=True, ca_file=at / "ca.pem", **files).ends()
        assert counts(outbox.path)["settled"] == 3
    finally:
        server.stop()
        broker.kill()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
