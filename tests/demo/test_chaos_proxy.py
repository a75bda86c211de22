"""The link that knows packets does to them what it says, and lets everything else through as it came."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest
from receiver import until

from demo.chaos.proxy import Proxy, frames, packet_id


def publish(number: int, body: bytes = b"x" * 300) -> bytes:
    """A PUBLISH of QoS 1 to topic `t`."""
    rest = b"\x00\x01t" + number.to_bytes(2, "big") + body
    length = len(rest)
    return bytes((0x32, length & 0x7F | 0x80, length >> 7)) + rest


PING = b"\xc0\x00"


class Broker:
    """Notes what it gets."""

    def __init__(self) -> None:
        self.got = bytearray()
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
                while data := near.recv(65536):
                    self.got += data
            except OSError:
                return

    def packets(self) -> list[bytes]:
        return list(frames(bytearray(self.got)))


@pytest.fixture
def broker() -> Iterator[Broker]:
    here = Broker()
    yield here
    here.listener.close()


@pytest.fixture
def link(broker: Broker) -> Iterator[Proxy]:
    here = Proxy(broker.listener.getsockname())
    yield here
    here.close()


def send(link: Proxy, *packets: bytes) -> socket.socket:
    client = socket.create_connection(("127.0.0.1", link.port), timeout=5)
    client.sendall(b"".join(packets))
    return client


def test_packets_are_told_apart_wherever_the_stream_is_cut() -> None:
    stream, buffer, out = publish(1) + PING + publish(2, b""), bytearray(), []
    for each in stream:
        buffer.append(each)
        out += list(frames(buffer))
    assert out == [publish(1), PING, publish(2, b"")]
    assert [packet_id(each) for each in out] == [b"\x00\x01", None, b"\x00\x02"]


def test_nothing_is_changed_without_trouble(link: Proxy, broker: Broker) -> None:
    send(link, PING, publish(1), publish(2))
    until(lambda: broker.packets() == [PING, publish(1), publish(2)], 5)
    assert not link.counts


def test_doubled(link: Proxy, broker: Broker) -> None:
    link.chance["doubled"] = 1.0
    send(link, PING, publish(1))
    until(lambda: broker.packets() == [PING, publish(1), publish(1)], 5)
    assert link.counts["doubled"] == 1


def test_reordered_and_let_go_when_nothing_follows(link: Proxy, broker: Broker) -> None:
    link.chance["reordered"] = 1.0
    client = send(link, publish(1), PING)
    until(lambda: broker.packets() == [PING, publish(1)], 5)
    client.sendall(publish(2))
    until(lambda: broker.packets()[2:] == [publish(2)], 5)
    assert link.counts["reordered"] == 2


def test_forgotten_and_acknowledged_all_the_same(link: Proxy, broker: Broker) -> None:
    link.chance["forgotten"] = 1.0
    client = send(link, publish(7), PING)
    assert client.recv(100) == b"\x40\x02\x00\x07"
    until(lambda: broker.packets() == [PING], 5)


def test_cut_in_the_middle_ends_the_connection(link: Proxy, broker: Broker) -> None:
    link.chance["cut"] = 1.0
    client = send(link, publish(1))
    assert client.recv(100) == b""
    assert until(lambda: bytes(broker.got), 5) == publish(1)[: len(publish(1)) // 2]


def test_down_breaks_what_is_open_and_lets_nobody_in(link: Proxy, broker: Broker) -> None:
    client = send(link, PING)
    until(lambda: broker.packets() == [PING], 5)
    link.go_down()
    assert client.recv(100) == b""
    assert send(link).recv(100) == b""
    assert link.counts["down"] == 1
    link.is_down = False
    send(link, PING)
    until(lambda: broker.packets() == [PING, PING], 5)
