"""The sandbox city: a stranger to the back office. Takes signed cases, keeps its own copy with the picture, and reports status back, signed."""

from __future__ import annotations

import html
import json
import secrets
import sqlite3
import threading
import urllib.error
import urllib.request
from datetime import datetime, timezone
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs
from uuid import uuid4

from standardwebhooks.webhooks import Webhook

UTC = timezone.utc  # noqa: UP017
SCHEMA = """
CREATE TABLE IF NOT EXISTS matter (number INTEGER PRIMARY KEY, webhook_id TEXT UNIQUE, body TEXT NOT NULL, picture BLOB, status TEXT NOT NULL, taken_at TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS report (id TEXT PRIMARY KEY, number INTEGER NOT NULL, status TEXT NOT NULL, at TEXT NOT NULL, delivered INTEGER NOT NULL DEFAULT 0);
"""
STATUSES = {"accepted": "受理 accept", "returned": "退回 return", "fixed": "已处置 fixed"}
STANDS = {
    "received": "已收到 received",
    "accepted": "已受理 accepted",
    "returned": "已退回 returned",
    "fixed": "已处置 fixed",
    "retracted": "已撤回 retracted",
}
MAY_SAY = {"received": ("accepted", "returned", "fixed"), "accepted": ("returned", "fixed")}
"""What an officer can still say of a case as it stands: nothing of one that is returned, dealt with or taken back."""
LARGEST_BODY, LARGEST_PICTURE = 20_000, 2_000_000
STYLE = """body{font:16px/1.5 system-ui,"Noto Sans CJK SC",sans-serif;margin:0;color:#1b1f24;background:#f3f5f7}header{background:#00704f;color:#fff;padding:.8rem 1.2rem}
main{display:grid;gap:1rem;grid-template-columns:repeat(auto-fill,minmax(300px,1fr));padding:1.2rem}article{background:#fff;border-radius:10px;overflow:hidden;border:1px solid #d9dde2}
img{width:100%;aspect-ratio:16/9;object-fit:cover;background:#2a2d31;display:block}div{padding:.8rem 1rem}.view{position:relative;padding:0}.view img{aspect-ratio:auto;height:auto}i{position:absolute;border:2px solid #fff;outline:1px solid #000}h2{font-size:1.1rem;margin:0}p{margin:.2rem 0;color:#5b6470;font-size:.875rem}
b{color:#00704f}button{font:inherit;border:1px solid #d9dde2;border-radius:8px;background:#fff;padding:.35rem .7rem;cursor:pointer}form{display:flex;gap:.5rem;margin-top:.5rem}"""


class City:
    """Its own database and its own tongue; safe for several threads."""

    def __init__(self, data: Path, secret: str, status_url: str) -> None:
        data.mkdir(parents=True, exist_ok=True)
        self._path, self._webhook, self._status_url = data / "city.sqlite3", Webhook(secret), status_url
        self.token = secrets.token_urlsafe(16)
        self._due = threading.Event()
        with self._db() as db:
            db.execute("PRAGMA journal_mode=WAL")
            db.executescript(SCHEMA)

    def take(self, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        """A webhook: status code and answer. A repeat of the same id changes nothing; a case that comes again (confirmed anew, or seen again) is open again."""
        try:
            message = self._webhook.verify(body, headers)
        except Exception:  # a malformed header raises more than the library's own error
            return 401, {"error": "the signature does not hold"}
        data = message["data"]
        with self._db() as db:
            if message["type"] == "case.retracted":
                db.execute("UPDATE matter SET status='retracted' WHERE webhook_id=?", (data["retracts"],))
            else:
                row = (
                    data["case_number"],
                    headers["webhook-id"],
                    json.dumps(data, ensure_ascii=False),
                    "received",
                    datetime.now(UTC).isoformat(),
                )
                db.execute(
                    "INSERT INTO matter (number, webhook_id, body, status, taken_at) VALUES (?,?,?,?,?) ON CONFLICT (number) DO UPDATE SET webhook_id=excluded.webhook_id,"
                    " body=excluded.body, status=excluded.status, taken_at=excluded.taken_at, picture=NULL WHERE webhook_id<>excluded.webhook_id",
                    row,
                )
        self._due.set()
        return 200, {"id": f"CG-{data['case_number']:06d}"}

    def matters(self) -> list[dict[str, Any]]:
        """Every case of the city, newest first."""
        with self._db() as db:
            rows = db.execute(
                "SELECT number, body, status, picture IS NOT NULL FROM matter ORDER BY number DESC"
            ).fetchall()
        return [{**json.loads(body), "status": status, "has_picture": bool(has)} for number, body, status, has in rows]

    def picture(self, number: int) -> bytes | None:
        """The city's own copy."""
        with self._db() as db:
            row = db.execute("SELECT picture FROM matter WHERE number=?", (number,)).fetchone()
        return row[0] if row else None

    def say(self, number: int, status: str) -> bool:
        """An officer's click: kept first, then reported until the back office has it. False of what cannot be said of the case any more."""
        with self._db() as db:
            row = db.execute("SELECT status FROM matter WHERE number=?", (number,)).fetchone()
            if row is None or status not in MAY_SAY.get(row[0], ()):
                return False
            if not db.execute(
                "UPDATE matter SET status=? WHERE number=? AND status=?", (status, number, row[0])
            ).rowcount:
                return False
            db.execute(
                "INSERT INTO report (id, number, status, at) VALUES (?,?,?,?)",
                (f"msg_{uuid4().hex}", number, status, datetime.now(UTC).isoformat()),
            )
        self._due.set()
        return True

    def work(self, stopped: threading.Event) -> None:
        """Fetch pictures and deliver reports until stopped; what fails is tried again."""
        while not stopped.is_set():
            self._due.wait(2.0)
            self._due.clear()
            with self._db() as db:
                wanted = db.execute("SELECT number, body FROM matter WHERE picture IS NULL").fetchall()
                reports = db.execute(
                    "SELECT id, number, status, at FROM report WHERE delivered=0 ORDER BY at"
                ).fetchall()
            for number, body in wanted:
                self._fetch_picture(number, json.loads(body).get("picture_url", ""))
            for report in reports:
                if not self._deliver(*report):
                    break

    def _fetch_picture(self, number: int, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            return
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                data = answer.read(LARGEST_PICTURE)
        except (OSError, ValueError):
            return
        with self._db() as db:
            db.execute("UPDATE matter SET picture=? WHERE number=?", (data, number))

    def _deliver(self, report_id: str, number: int, status: str, at: str) -> bool:
        payload = json.dumps(
            {
                "type": "case.status",
                "timestamp": at,
                "data": {"case_number": number, "status": status, "at": at, "text": STATUSES[status]},
            },
            ensure_ascii=False,
        )
        now = datetime.now(UTC)
        headers = {
            "webhook-id": report_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._webhook.sign(report_id, now, payload),
            "content-type": "application/json",
        }
        try:
            with urllib.request.urlopen(
                urllib.request.Request(self._status_url, payload.encode(), headers), timeout=10
            ):
                pass
        except urllib.error.HTTPError as wrong:
            if wrong.code != 422:
                return False
        except (OSError, ValueError):
            return False
        with self._db() as db:
            db.execute("UPDATE report SET delivered=1 WHERE id=?", (report_id,))
        return True

    def _db(self) -> sqlite3.Connection:
        return sqlite3.connect(self._path, timeout=20)


def page(city: City) -> str:
    """The city's one page."""
    cards = []
    for m in city.matters():
        image = (
            f'<div class="view"><img src="/picture/{m["case_number"]}" alt="">{_box(m)}</div>'
            if m["has_picture"]
            else '<img alt="">'
        )
        codes = " · ".join(f"{c['scheme']} {c['code']}" for c in m["codes"])
        buttons = "".join(
            f'<button name="status" value="{s}">{w}</button>'
            for s, w in STATUSES.items()
            if s in MAY_SAY.get(m["status"], ())
        )
        form = (
            f'<form method="post" action="/matter/{m["case_number"]}"><input type="hidden" name="token" value="{city.token}">{buttons}</form>'
            if buttons
            else ""
        )
        cards.append(f'<article>{image}<div><h2>{html.escape(m["name_zh"])} · {m["case_number"]}</h2><p>{html.escape(m["name_en"])} · {html.escape(codes)}</p>'
                     f'<p>{m["place"]["lat"]:.6f}, {m["place"]["lon"]:.6f} {_surely(m["place"])} ({html.escape(m["place"]["crs"])})</p><p><b>{html.escape(STANDS.get(m["status"], m["status"]))}</b></p>'
                     f"{form}</div></article>")  # fmt: skip
    return (f'<!doctype html><html lang="zh-Hans"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta http-equiv="refresh" content="5"><title>沙盒城管 · sandbox city</title><style>{STYLE}</style>'
            f'<header><b style="color:#fff">沙盒城管</b> sandbox city · {len(cards)} 件 cases</header><main>{"".join(cards) or "<p>尚无案件 · no case yet</p>"}</main></html>')  # fmt: skip


def _surely(place: dict[str, Any]) -> str:
    return "人工定位 put by hand" if place.get("placed_by") == "person" else f"±{place['error_m']} m"


def _box(matter: dict[str, Any]) -> str:
    """The problem marked in its picture."""
    if not matter.get("picture_box"):
        return ""
    x1, y1, x2, y2 = (100 * float(share) for share in matter["picture_box"])
    return f'<i style="left:{x1:.1f}%;top:{y1:.1f}%;width:{x2 - x1:.1f}%;height:{y2 - y1:.1f}%"></i>'


def serve(city: City, port: int) -> ThreadingHTTPServer:
    """The city's server on loopback, ready to `serve_forever`."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path == "/":
                self._answer(200, page(city).encode(), "text/html; charset=utf-8")
            elif (
                self.path.startswith("/picture/")
                and self.path[9:].isdigit()
                and (data := city.picture(int(self.path[9:])))
            ):
                self._answer(200, data, "image/jpeg")
            else:
                self._answer(404, b"not found", "text/plain")

        def do_POST(self) -> None:
            length = int(self.headers.get("content-length") or 0)
            if length > LARGEST_BODY:
                self._answer(413, b"too large", "text/plain")
                return
            body = self.rfile.read(length)
            if self.path == "/webhook":
                code, said = city.take({k.lower(): v for k, v in self.headers.items()}, body)
                self._answer(code, json.dumps(said).encode(), "application/json")
                return
            form = parse_qs(body.decode("utf-8", "replace"))
            number = self.path.removeprefix("/matter/")
            if (
                form.get("token") != [city.token]
                or not number.isdigit()
                or not city.say(int(number), form.get("status", [""])[0])
            ):
                self._answer(400, b"not understood", "text/plain")
                return
            self.send_response(303)
            self.send_header("Location", "/")
            self.end_headers()

        def _answer(self, code: int, body: bytes, kind: str) -> None:
            self.send_response(code)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            return

    return ThreadingHTTPServer(("127.0.0.1", port), Handler)
