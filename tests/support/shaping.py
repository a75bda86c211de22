"""A TCP proxy that behaves like a SIM card's link: so many kbit/s, so much delay, packets that are lost and come late.

`with proxy(port, ("127.0.0.1", 1883), kbit_s=400, delay_ms=150, loss=0.05) as link: ...`; every option of `link` may be changed while it runs.
A lost packet is a stall, as TCP makes of it: 200 ms, doubling while the same packet is lost again, drawn with probability `loss` per 1,460 bytes.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

PACKET_BYTES = 1460
STALL_S, LONGEST_STALL_S = 0.2, 6.4
BUFFER_BYTES = 64 * 1024
"""What waits in the link at most, each way: beyond it the sender is held back, as by a modem."""


@dataclass
class Link:
    """One shaped link. `delay_ms` is one way; 0 kbit/s means without a limit; `cut` closes what is open and accepts nothing until `mend`."""

    port: int
    target: tuple[str, int]
    kbit_s: float = 0.0
    delay_ms: float = 0.0
    loss: float = 0.0
    random: random.Random = field(default_factory=lambda: random.Random(1))
    up_bytes: int = 0
    down_bytes: int = 0
    stalls: int = 0
    is_cut: bool = False
    _closed: threading.Event = field(default_factory=threading.Event)
    _pairs: list[tuple[socket.socket, socket.socket]] = field(default_factory=list)

    def cut(self) -> None:
        """Out of coverage: what is open breaks, with what is in it, and nothing new is let in."""
        self.is_cut = True
        for pair in self._pairs:
            _close(*pair)

    def mend(self) -> None:
        """Back in coverage."""
        self.is_cut = False

    def serve(self, listener: socket.socket) -> None:
        """Accept until closed."""
        while not self._closed.is_set():
            try:
                near, _ = listener.accept()
            except TimeoutError:
                continue
            except OSError:
                return
            try:
                if self.is_cut:
                    raise ConnectionError
                far = socket.create_connection(self.target, 5)
            except OSError:
                _close(near)
                continue
            for end in (near, far):
                end.settimeout(None)
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                end.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
            self._pairs.append((near, far))
            _Way(self, near, far, True).start()
            _Way(self, far, near, False).start()

    def close(self) -> None:
        """End it."""
        self._closed.set()
        self.cut()


class _Way:
    """One direction of one connection: a reader that pays the bandwidth, a writer that waits for the delay."""

    def __init__(self, link: Link, source: socket.socket, sink: socket.socket, up: bool) -> None:
        self.link, self.source, self.sink, self.up = link, source, sink, up
        self.queue: deque[tuple[float, bytes]] = deque()
        self.changed = threading.Condition()
        self.ended = False

    def start(self) -> None:
        for work in (self._read, self._write):
            threading.Thread(target=work, daemon=True).start()

    def _read(self) -> None:
        free_s = time.monotonic()
        with suppress(OSError):
            while data := self.source.recv(PACKET_BYTES):
                # The link is a pipe with one end: the next packet enters when this one has left, late by every time it was lost.
                free_s = max(free_s, time.monotonic()) + self._takes_s(len(data))
                with self.changed:
                    self.queue.append((free_s + self.link.delay_ms / 1000, data))
                    self.changed.notify()
                time.sleep(max(0.0, free_s - time.monotonic()))
                self._count(len(data))
        with self.changed:
            self.ended = True
            self.changed.notify()

    def _write(self) -> None:
        with suppress(OSError):
            while True:
                with self.changed:
                    self.changed.wait_for(lambda: self.queue or self.ended)
                    if not self.queue:
                        break
                    at_s, data = self.queue.popleft()
                time.sleep(max(0.0, at_s - time.monotonic()))
                self.sink.sendall(data)
        _close(self.source, self.sink)

    def _takes_s(self, size: int) -> float:
        takes_s = size * 8 / (self.link.kbit_s * 1000) if self.link.kbit_s else 0.0
        stall_s = STALL_S
        while self.link.random.random() < self.link.loss * size / PACKET_BYTES:
            takes_s += stall_s
            stall_s = min(stall_s * 2, LONGEST_STALL_S)
            self.link.stalls += 1
        return takes_s

    def _count(self, size: int) -> None:
        if self.up:
            self.link.up_bytes += size
        else:
            self.link.down_bytes += size


@contextmanager
def proxy(
    listen_port: int, target: tuple[str, int], kbit_s: float = 0.0, delay_ms: float = 0.0, loss: float = 0.0
) -> Iterator[Link]:
    """A link from a port of the loopback (0: any free one, see `link.port`) to a target, until the end of the block."""
    listener = socket.create_server(("127.0.0.1", listen_port))
    listener.settimeout(0.2)
    link = Link(listener.getsockname()[1], target, kbit_s, delay_ms, loss)
    thread = threading.Thread(target=link.serve, args=(listener,), daemon=True)
    thread.start()
    try:
        yield link
    finally:
        link.close()
        listener.close()
        thread.join(5)


def _close(*ends: socket.socket) -> None:
    for end in ends:
        with suppress(OSError):
            end.shutdown(socket.SHUT_RDWR)
        with suppress(OSError):
            end.close()
