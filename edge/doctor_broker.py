"""One visit to the broker, as the doctor pays it: log in and leave, or look at the certificates alone."""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from datetime import datetime

from cryptography import x509

from edge.settings import Uplink

NETWORK_S = 8.0


def log_in(name: str, uplink: Uplink) -> tuple[str, str]:
    """Log in over MQTT 3.1.1 and leave at once; the trouble and what was said."""
    try:
        with _connected(uplink) as line:
            line.sendall(connect_packet(name, uplink.user, uplink.password))
            answer = line.recv(4)
            with suppress(OSError):
                line.sendall(b"\xe0\x00")
    except ssl.SSLError as wrong:
        return "certificate_bad", str(wrong)
    except OSError as wrong:
        return "broker_unreachable", wrong.strerror or str(wrong)
    if answer[:1] != b"\x20" or len(answer) < 4:
        return "broker_unreachable", "no MQTT broker answers there"
    return ("well", "") if answer[3] == 0 else ("broker_refuses", f"CONNACK {answer[3]}")


def connect_packet(client_id: str, user: str, password: str) -> bytes:
    """MQTT 3.1.1, 3.1: CONNECT with a clean session."""
    flags = 0x02 | (0xC0 if user else 0)
    strings = [client_id, *([user, password] if user else [])]
    payload = b"".join(len(data).to_bytes(2, "big") + data for data in (text.encode() for text in strings))
    body = b"\x00\x04MQTT\x04" + bytes([flags]) + (10).to_bytes(2, "big") + payload
    length, rest = bytearray(), len(body)
    while True:
        rest, digit = rest // 128, rest % 128
        length.append(digit | (0x80 if rest else 0))
        if not rest:
            return b"\x10" + bytes(length) + body


def certificates_end(uplink: Uplink) -> datetime:
    """When the first of the broker's certificate and the vehicle's own ends. Raises OSError (SSLError where one is not trusted), ValueError."""
    with _connected(uplink) as line:
        assert isinstance(line, ssl.SSLSocket)
        der = line.getpeercert(binary_form=True)
    ends = [x509.load_der_x509_certificate(der).not_valid_after_utc] if der else []
    if uplink.cert_file is not None:
        ends.append(x509.load_pem_x509_certificate(uplink.cert_file.read_bytes()).not_valid_after_utc)
    return min(ends)


def _connected(uplink: Uplink) -> socket.socket:
    line = socket.create_connection((uplink.host, uplink.port), NETWORK_S)
    if not uplink.tls:
        return line
    context = ssl.create_default_context(cafile=str(uplink.ca_file) if uplink.ca_file else None)
    if uplink.cert_file is not None:
        context.load_cert_chain(uplink.cert_file, uplink.key_file)
    try:
        return context.wrap_socket(line, server_hostname=uplink.host)
    except BaseException:
        line.close()
        raise
