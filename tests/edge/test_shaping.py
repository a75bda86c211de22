"""The shaped link keeps its own promises: its rate, its delay, its stalls, and that it loses no byte until it is cut."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import pytest
from shaping import Link, proxy


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """Sends back whatever it gets."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                end, _ = listener.accept()
                threading.Thread(target=answer, args=(end,), daemon=True).start()

    def answer(end: socket.socket) -> None:
        with suppress(OSError):
            while data := end.recv(65536):
                end.sendall(data)

    threading.Thread(target=serve, daemon=True).start()
    yield listener.getsockname()
    listener.close()


def there_and_back(link: Link, data: bytes) -> float:
    """Seconds for the round trip of these bytes; AssertionError if one is lost or changed."""
    with socket.create_connection(("127.0.0.1", link.port)) as end:
        end.settimeout(30)
        began_s, got = time.monotonic(), b""
        threading.Thread(target=end.sendall, args=(data,), daemon=True).start()
        while len(got) < len(data):
            got += end.recv(65536)
        assert got == data
        return time.monotonic() - began_s


def test_a_link_takes_its_time_for_every_byte_and_its_delay_each_way(echo: tuple[str, int]) -> None:
    with proxy(0, echo, kbit_s=400) as link:
        assert there_and_back(link, bytes(20_000)) >= 20_000 * 8 / 400_000
    with proxy(0, echo, delay_ms=100) as link:
        assert 0.2 <= there_and_back(link, b"x") < 1.0


def test_what_is_lost_comes_late_and_whole(echo: tuple[str, int]) -> None:
    with proxy(0, echo, loss=0.3) as link:
        taken_s = there_and_back(link, bytes(range(256)) * 30)
        assert link.stalls > 0
        assert taken_s >= 0.2


def test_a_link_that_is_cut_breaks_and_is_there_again_when_mended(echo: tuple[str, int]) -> None:
    with proxy(0, echo) as link:
        with socket.create_connection(("127.0.0.1", link.port)) as end:
            end.sendall(b"x")
            assert end.recv(1) == b"x"
            link.cut()
            end.settimeout(5)
            with suppress(OSError):
                assert end.recv(1) == b""
        link.mend()
        assert there_and_back(link, b"again") < 5
