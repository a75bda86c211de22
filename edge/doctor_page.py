"""The doctor on one page, for commissioning by phone: the checks, and what the camera sees, redacted. Whoever opens the address first is its one reader."""

from __future__ import annotations

import html
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from edge.doctor import Bench, Check, examine, is_well
from edge.doctor_facts import in_chinese
from models.packs import PackError
from models.redaction import RedactionUnavailable
from models.troubles import trouble_of

AGAIN_S, PATIENCE_S = 4.0, 3.0
POLICY = "default-src 'none'; img-src 'self' data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
WORDS = {
    "title": ("Vehicle", "车辆检查"), "well": ("All is well.", "一切正常。"), "unwell": ("Not well yet.", "还有问题。"),
    "still": ("What the camera sees, faces and plates made unreadable", "相机画面（人脸和车牌已遮盖）"), "other": ("中文", "EN"),
    "spent": ("This address was used or is wrong. Start the doctor again for a new one.", "此地址已被使用或有误。请重新启动 doctor 获取新地址。"),
    "no_still": ("no picture", "没有画面"),
}  # fmt: skip
NAMES = {
    "settings": "设置", "camera": "相机", "camera file": "相机标定", "focus": "对焦", "exposure": "曝光", "position": "定位", "watch": "采集", "clock": "时钟", "heat": "温度", "memory": "内存",
    "disk": "磁盘", "outbox": "发件箱", "zones": "区域", "pack": "模型包", "redaction": "脱敏", "broker": "消息服务器", "certificate": "证书", "server key": "服务器公钥",
}  # fmt: skip
STYLE = (
    "body{font:17px/1.5 system-ui,'PingFang SC','Noto Sans CJK SC',sans-serif;margin:0 auto;max-width:46rem;padding:1rem;color:#1b1f24;background:#fff}"
    "h1{font-size:1.3rem;margin:.2rem 0}img{width:100%;border-radius:8px;background:#d9dde2;min-height:8rem}ul{list-style:none;padding:0}"
    "li{border-left:5px solid #00704f;padding:.35rem .7rem;margin:.4rem 0;background:#f3f5f7}li.stopped,li.worse{border-color:#b34700}li.note{border-color:#5b6470}"
    "small{color:#5b6470;overflow-wrap:anywhere}p{margin:.2rem 0}a{color:#0072b2;float:right;padding:.4rem}"
)


@dataclass
class Doctor:
    """The checks, made anew when they are old, and the still; one at a time, since camera and networks are not for two threads."""

    bench: Bench
    _checks: list[Check] = field(default_factory=list)
    _made_s: float = -1e9
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def checks(self) -> list[Check]:
        with self._lock:
            if time.monotonic() - self._made_s > AGAIN_S:
                self._checks, self._made_s = examine(self.bench, PATIENCE_S), time.monotonic()
            return self._checks

    def still(self) -> bytes | None:
        """A redacted JPEG; None if there is no picture or no redaction: then nothing is shown."""
        with self._lock:
            try:
                return self.bench.still()
            except (RedactionUnavailable, PackError, OSError):
                return None


@dataclass
class Door:
    """Lets one reader in: the code is good once and turns into a cookie."""

    code: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    _key: str = ""
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def enter(self, code: str) -> str | None:
        """The reader's key for the right code, the first time; None else."""
        with self._lock:
            if self._key or not secrets.compare_digest(code.encode(), self.code.encode()):
                return None
            self._key = secrets.token_urlsafe(24)
            return self._key

    def knows(self, key: str) -> bool:
        """Whether this is the reader's key."""
        return bool(self._key) and secrets.compare_digest(key.encode(), self._key.encode())


def page(checks: list[Check], language: str) -> str:
    """The page in Chinese or English."""
    zh = language == "zh"
    rows = "".join(_row(check, zh) for check in checks)
    verdict = _word("well" if is_well(checks) else "unwell", zh)
    return (
        f'<!doctype html><html lang="{"zh-Hans" if zh else "en"}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<link rel="icon" href="data:,"><meta http-equiv="refresh" content="6"><title>{_word("title", zh)}</title><style>{STYLE}</style></head><body>'
        f'<a href="/?lang={"en" if zh else "zh"}">{_word("other", zh)}</a><h1>{_word("title", zh)}: {verdict}</h1>'
        f'<img src="/still.jpg" alt="{_word("still", zh)}"><p><small>{_word("still", zh)}</small></p><ul>{rows}</ul></body></html>'
    )


def _row(check: Check, zh: bool) -> str:
    trouble = trouble_of(check.key)
    name = NAMES.get(check.name, check.name) if zh else check.name
    word, remedy = (trouble.zh, trouble.do_zh) if zh else (trouble.en, trouble.do_en)
    do = "" if check.key == "well" else f"<p>{html.escape(remedy)}</p>"
    facts = in_chinese(check.facts) if zh else check.facts
    return f'<li class="{check.severity}"><b>{html.escape(name)}</b> {html.escape(word)} <small>{html.escape(facts)}</small>{do}</li>'


def _word(key: str, zh: bool) -> str:
    return WORDS[key][zh]


def serve(bench: Bench, bind: str, port: int, tell: Callable[[str], None]) -> None:
    """Serve until interrupted; `tell` gets the address with its code. Raises OSError if the port is taken."""
    server = server_for(Doctor(bench), Door(), bind, port)
    tell(address_of(server, bind))
    try:
        server.serve_forever()
    finally:
        server.server_close()


def address_of(server: DoctorServer, bind: str) -> str:
    """The address to open, with the code."""
    host = bind if bind not in ("0.0.0.0", "::") else _own_address()
    return f"http://{host}:{server.server_address[1]}/?code={server.door.code}"


def _own_address() -> str:
    """This machine's address in the local network, by the route that a packet to elsewhere would take; none is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return str(probe.getsockname()[0])
        except OSError:
            return socket.gethostname()


class DoctorServer(ThreadingHTTPServer):
    """One doctor behind one door."""

    daemon_threads = True

    def __init__(self, address: tuple[str, int], doctor: Doctor, door: Door) -> None:
        self.doctor, self.door = doctor, door
        super().__init__(address, _Handler)


def server_for(doctor: Doctor, door: Door, bind: str, port: int) -> DoctorServer:
    """The server, bound and not yet serving. Raises OSError."""
    return DoctorServer((bind, port), doctor, door)


class _Handler(BaseHTTPRequestHandler):
    server: DoctorServer
    timeout = 30

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        zh = self._language(query) == "zh"
        if "code" in query and (key := self.server.door.enter(query["code"])):
            self._answer(303, b"", {"Location": "/", "Set-Cookie": f"doctor={key}; HttpOnly; SameSite=Strict; Path=/"})
        elif not self.server.door.knows(self._cookie("doctor")):
            self._answer(403, _word("spent", zh).encode())
        elif asked.path == "/still.jpg":
            still = self.server.doctor.still()
            if still is None:
                self._answer(503, _word("no_still", zh).encode())
            else:
                self._answer(200, still, {"Content-Type": "image/jpeg"})
        elif asked.path == "/":
            language = (
                {"Set-Cookie": f"lang={'zh' if zh else 'en'}; SameSite=Strict; Path=/"} if "lang" in query else {}
            )
            body = page(self.server.doctor.checks(), "zh" if zh else "en").encode()
            self._answer(200, body, {"Content-Type": "text/html; charset=utf-8", **language})
        else:
            self._answer(404, b"")

    def _language(self, query: dict[str, str]) -> str:
        told = query.get("lang") or self._cookie("lang")
        if told in ("zh", "en"):
            return told
        return "en" if self.headers.get("Accept-Language", "zh").lower().startswith("en") else "zh"

    def _cookie(self, name: str) -> str:
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(name)
        except CookieError:
            return ""
        return found.value if found else ""

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        kept = {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store", "Content-Security-Policy": POLICY,
                "Referrer-Policy": "no-referrer", "X-Content-Type-Options": "nosniff", "Content-Length": str(len(body))}  # fmt: skip
        for name, value in {**kept, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass
