"""The last heartbeat as text for Prometheus, on the loopback alone."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from models.contract import Health
from models.troubles import TROUBLES

TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text_of(health: Health | None) -> str:
    """The exposition format, version 0.0.4: one family after the other, each with its type."""
    lines: list[str] = []
    for name, kind, rows in _families(health):
        lines.append(f"# TYPE trikeye_{name} {kind}")
        lines += [f"trikeye_{name}{_labels(labels)} {value!r}" for labels, value in rows]
    return "\n".join(lines) + "\n"


Rows = list[tuple[dict[str, str], float]]


def _families(health: Health | None) -> Iterator[tuple[str, str, Rows]]:
    yield "up", "gauge", [({}, int(health is not None))]
    if health is None:
        return
    yield "info", "gauge", [({"vehicle": health.vehicle, "software": health.software, "pack": health.pack.name if health.pack else ""}, 1)]  # fmt: skip
    yield "settings_revision", "gauge", [({}, health.settings_revision)]
    known = {*TROUBLES, *health.troubles} - {"well", "off"}
    yield "trouble", "gauge", [({"trouble": key}, int(key in health.troubles)) for key in sorted(known)]
    yield "faults_total", "counter", [({"fault": name}, count) for name, count in sorted(health.faults.items())]
    yield "gate_closed_total", "counter", [({"reason": name}, count) for name, count in sorted(health.gate.items())]
    yield "uplink_total", "counter", [({"event": name}, count) for name, count in sorted(health.sent.items())]
    yield "rate_per_second", "gauge", [({"of": name}, rate) for name, rate in sorted(health.rates_per_s.items())]
    yield "temperature_celsius", "gauge", [({"zone": name}, c) for name, c in sorted(health.temperatures_c.items())]
    yield "clock_sigma_seconds", "gauge", [({"source": health.at.source}, health.at.sigma_s)]
    singles: list[tuple[str, float | None]] = [
        ("watch_age_seconds", health.watch_age_s), ("disk_free_bytes", health.disk_free_bytes), ("disk_bytes", health.disk_bytes),
        ("battery_share", health.battery_share), ("look_stretch", health.look_stretch),
        ("fix_age_seconds", health.fix.age_s if health.fix else None), ("fix_sigma_metres", health.fix.sigma_m if health.fix else None),
    ]  # fmt: skip
    if health.outbox is not None:
        box = health.outbox
        singles += [("outbox_waiting", box.waiting), ("outbox_aside", box.aside), ("outbox_oldest_seconds", box.oldest_s or 0.0)]  # fmt: skip
        yield "outbox_committed_total", "counter", [({}, box.committed)]
        yield "outbox_evicted_total", "counter", [({}, box.evicted_count)]
    for name, value in singles:
        if value is not None:
            yield name, "gauge", [({}, value)]


def _labels(labels: dict[str, str]) -> str:
    shown = (f'{name}="{re.sub(chr(10), "", value).translate(_ESCAPED)}"' for name, value in labels.items())
    return "{" + ",".join(shown) + "}" if labels else ""


_ESCAPED = str.maketrans({"\\": "\\\\", '"': '\\"'})


def serve(port: int, newest: Callable[[], Health | None]) -> ThreadingHTTPServer:
    """Answer /metrics on 127.0.0.1 in a thread until `shutdown`. Raises OSError if the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_known = self.path == "/metrics"
            body = text_of(newest()).encode() if is_known else b"see /metrics\n"
            self.send_response(200 if is_known else 404)
            self.send_header("Content-Type", TYPE if is_known else "text/plain; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, name="prometheus", daemon=True).start()
    return server
