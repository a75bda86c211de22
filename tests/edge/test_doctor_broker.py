"""The doctor's visit to the broker tells a refused login, an untrusted certificate and one that soon ends."""

from __future__ import annotations

import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from brokers import free_port

from edge import doctor
from edge.doctor_broker import connect_packet, log_in
from edge.settings import Settings, Uplink


def test_a_connect_packet_is_what_the_standard_says() -> None:
    packet = connect_packet("TY-01", "u", "p")
    assert packet == b"\x10\x17\x00\x04MQTT\x04\xc2\x00\x0a\x00\x05TY-01\x00\x01u\x00\x01p"
    long = connect_packet("TY-01", "u", "p" * 300)
    assert long[1:3] == bytes([(len(long) - 3) % 128 | 0x80, (len(long) - 3) // 128])


@pytest.mark.broker
@pytest.mark.process
def test_a_login_is_tried_and_a_refused_one_told(mosquitto: str, tmp_path: Path) -> None:
    tmp_path.chmod(0o755)
    passwords, port = tmp_path / "passwd", free_port()
    program = mosquitto.replace("mosquitto", "mosquitto_passwd").replace("/sbin/", "/bin/")
    subprocess.run([program, "-c", "-b", str(passwords), "TY-01", "right"], check=True)
    passwords.chmod(0o644)
    (tmp_path / "m.conf").write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\npassword_file {passwords}\nuser root\n")  # fmt: skip
    broker = subprocess.Popen([mosquitto, "-c", str(tmp_path / "m.conf")], stderr=subprocess.DEVNULL)
    try:
        right = Uplink(port=port, user="TY-01", password="right")
        for _ in range(100):
            if log_in("TY-01", right)[0] == "well":
                break
            broker.poll()
            threading.Event().wait(0.05)
        assert log_in("TY-01", right) == ("well", "")
        assert log_in("TY-01", right.model_copy(update={"password": "wrong"}))[0] == "broker_refuses"
    finally:
        broker.kill()
        broker.wait()


@pytest.fixture
def tls(tmp_path: Path) -> Iterator[Callable[[int], Uplink]]:
    """Starts a listener that speaks TLS with a certificate good for so many days, and gives what trusts it."""
    listeners: list[socket.socket] = []

    def listen(days: int) -> Uplink:
        key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", str(days), "-subj", "/CN=b",
             "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)], check=True, capture_output=True,
        )  # fmt: skip
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                    with context.wrap_socket(line, server_side=True) as secure:
                        secure.recv(1)
                except ssl.SSLError:
                    continue
                except OSError:
                    return

        threading.Thread(target=serve, daemon=True).start()
        return Uplink(port=listener.getsockname()[1], tls=True, ca_file=cert)

    yield listen
    for each in listeners:
        each.close()


def certificate(uplink: Uplink, **other: Any) -> str:
    """What the doctor's check of the certificates finds."""
    settings = Settings.model_validate({"vehicle": {"name": "TY-01"}, "uplink": uplink.model_dump() | other})
    return doctor._certificate(settings).key


def test_certificates_that_end_soon_or_are_not_trusted_are_told(tls: Callable[[int], Uplink], tmp_path: Path) -> None:
    assert certificate(tls(60)) == "well"
    soon = tls(5)
    assert certificate(soon) == "certificate_ends"
    assert certificate(soon, ca_file=None) == "certificate_bad"
    assert certificate(soon, ca_file=tmp_path / "none.pem") == "certificate_bad"
    assert log_in("TY-01", soon.model_copy(update={"ca_file": None}))[0] == "certificate_bad"
