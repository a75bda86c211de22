"""A link between an MQTT client and its broker that knows packets: it doubles, reorders, delays and cuts them, swallows them, or is not there at all."""

from __future__ import annotations

import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field

PUBLISH, PUBACK = 3, 4
HELD_S, LONGEST_DELAY_S = 0.3, 1.5


def frames(buffer: bytearray) -> Iterator[bytes]:
    """Whole MQTT packets from the front of a buffer, which keeps the rest."""
    while True:
        length, at = 0, 1
        while at < len(buffer) and at <= 4:
            length |= (buffer[at] & 0x7F) << (7 * (at - 1))
            at += 1
            if not buffer[at - 1] & 0x80:
                break
        else:
            return
        if len(buffer) < at + length:
            return
        yield bytes(buffer[: at + length])
        del buffer[: at + length]


def packet_id(frame: bytes) -> bytes | None:
    """The two bytes that a PUBLISH of QoS 1 is acknowledged by; None for other packets."""
    if frame[0] >> 4 != PUBLISH or not frame[0] & 0x06:
        return None
    at = 1
    while frame[at] & 0x80:
        at += 1
    start = at + 3 + int.from_bytes(frame[at + 1 : at + 3], "big")
    return frame[start : start + 2]


@dataclass
class Proxy:
    """One link. `chance` of each trouble per packet (`doubled`, `reordered`, `delayed`, `cut`, `forgotten`), and `is_down`; all may change meanwhile.

    `forgotten` answers a client's PUBLISH with a PUBACK of its own and drops it. `counts` says what really happened.
    """

    target: tuple[str, int]
    seed: int = 1
    chance: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    is_down: bool = False
    _open: list[socket.socket] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def go_down(self) -> None:
        """Out of coverage: what is open breaks, what is new is refused."""
        self.is_down = True
        self._close_all()

    def close(self) -> None:
        """End for good."""
        self.is_down = True
        self._listener.close()
        self._close_all()

    def _close_all(self) -> None:
        for end in list(self._open):
            _close(end)
        self._open.clear()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            try:
                if self.is_down:
                    raise ConnectionRefusedError
                far = socket.create_connection(self.target, timeout=5)
                far.settimeout(None)
            except OSError:
                self.counts["down"] += 1
                _close(near)
                continue
            self._open += [near, far]
            threading.Thread(target=self._carry, args=(near, far, True), daemon=True).start()
            threading.Thread(target=self._carry, args=(far, near, False), daemon=True).start()

    def _carry(self, source: socket.socket, sink: socket.socket, is_up: bool) -> None:
        buffer, held = bytearray(), list[bytes]()
        with suppress(OSError):
            while (data := _receive(source, HELD_S if held else None)) is not None:
                buffer += data
                if not data:  # nothing came to overtake what is held
                    held = self._send_all(sink, held)
                for frame in frames(buffer):
                    if is_up and self._happens("forgotten", frame):
                        source.sendall(bytes((PUBACK << 4, 2)) + (packet_id(frame) or b""))
                    elif self._happens("reordered", frame):
                        held.append(frame)
                    else:
                        held = self._send_all(sink, [frame] * (2 if self._happens("doubled", frame) else 1) + held)
        for end in (source, sink):
            _close(end)

    def _send_all(self, sink: socket.socket, ready: list[bytes]) -> list[bytes]:
        for frame in ready:
            self._send(sink, frame)
        return []

    def _send(self, sink: socket.socket, frame: bytes) -> None:
        if self._happens("delayed", frame):
            time.sleep(self._random.uniform(0.1, LONGEST_DELAY_S))
        if self._happens("cut", frame):
            sink.sendall(frame[: len(frame) // 2])
            raise ConnectionAbortedError
        sink.sendall(frame)

    def _happens(self, what: str, frame: bytes) -> bool:
        """Whether a trouble befalls this packet: messages alone, as the handshake would only fail."""
        if packet_id(frame) is None or self._random.random() >= self.chance.get(what, 0.0):
            return False
        self.counts[what] += 1
        return True


def _receive(source: socket.socket, wait_s: float | None) -> bytes | None:
    """What came; nothing if nothing came in time; None at the end."""
    source.settimeout(wait_s)
    try:
        return source.recv(65536) or None
    except TimeoutError:
        return b""


def _close(end: socket.socket) -> None:
    with suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
