"""Sending and checking Standard Webhooks. The address is resolved once and checked, so that no destination leads into the own network."""

from __future__ import annotations

import ipaddress
import json
import socket
import threading
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

TIMEOUT_S, DEADLINE_S = 20.0, 30.0
LARGEST_ANSWER = 65_536
UTC = timezone.utc  # noqa: UP017


@dataclass(frozen=True)
class Answer:
    """What a destination said: delivered or not, its own number for the case, whether it asked never to be called again, and when to come back."""

    delivered: bool
    external_id: str = ""
    gone: bool = False
    error: str = ""
    retry_after_s: float | None = None


def send(url: str, secret: str, message_id: str, body: dict[str, Any], allow_private: bool, now: datetime) -> Answer:
    """One try. Redirects are failures; nothing is followed."""
    payload = json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    try:
        there = checked(url, allow_private)
        address = _address_of(there, allow_private)
    except (OSError, ValueError) as wrong:
        return Answer(False, error=f"address refused: {wrong}"[:300])
    stamp = now.astimezone(UTC)
    headers = {
        "webhook-id": message_id, "webhook-timestamp": str(int(stamp.timestamp())), "webhook-signature": Webhook(secret).sign(message_id, stamp, payload),
        "content-type": "application/json", "host": there.netloc.decode(),
    }  # fmt: skip
    # The connection goes to the address that was checked, not to whatever the name says a moment later; TLS still checks the name.
    request = httpx.Request(
        "POST", there.copy_with(host=address), content=payload.encode(), headers=headers,
        extensions={"sni_hostname": there.raw_host.decode()},
    )  # fmt: skip
    try:
        status, said, text = _exchange(request)
    except (httpx.HTTPError, OSError) as wrong:
        return Answer(False, error=f"{type(wrong).__name__}: {wrong}"[:300])
    if 200 <= status < 300:
        return Answer(True, _external_id(text))
    wait = said.get("retry-after", "")
    return Answer(
        False,
        gone=status == 410,
        error=f"HTTP {status}",
        retry_after_s=float(wait) if wait.isascii() and wait.isdigit() else None,
    )


def checked(url: str, allow_private: bool) -> httpx.URL:
    """The address in parts. Raises ValueError, with a sentence, if a city cannot be reached by it."""
    try:
        there = httpx.URL(url)
    except httpx.InvalidURL as wrong:
        raise ValueError(f"{url!r} is no address: {wrong}") from None
    if there.scheme not in ("http", "https") or not there.host:
        raise ValueError("an address begins with http:// or https:// and a name")
    if there.scheme == "http" and not allow_private:
        raise ValueError("a city's address must be https")
    if there.userinfo:
        raise ValueError("an address holds no name or password; messages are signed")
    return there


def _exchange(request: httpx.Request) -> tuple[int, httpx.Headers, bytes]:
    """Send, and read at most LARGEST_ANSWER; a city that drips its answer is cut off at DEADLINE_S."""
    began = time.monotonic()
    with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
        alarm = threading.Timer(DEADLINE_S, client.close)
        alarm.daemon = True
        alarm.start()
        try:
            answer, text = client.send(request, stream=True), b""
            for piece in answer.iter_raw(4096):
                text += piece
                if len(text) > LARGEST_ANSWER or time.monotonic() - began > DEADLINE_S:
                    break
            answer.close()
        finally:
            alarm.cancel()
    return answer.status_code, answer.headers, text[:LARGEST_ANSWER]


def verified(secret: str, headers: dict[str, str], body: bytes) -> dict[str, Any] | None:
    """The message of a signed request, None if the signature does not hold."""
    try:
        message = Webhook(secret).verify(body, headers)
    except Exception:  # the library raises ValueError and others for a malformed header, besides its own error
        return None
    return message if isinstance(message, dict) else None


def _external_id(text: bytes) -> str:
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return ""
    return str(said.get("id", ""))[:100] if isinstance(said, dict) else ""


def _address_of(there: httpx.URL, allow_private: bool) -> str:
    name = there.raw_host.decode()
    found = {info[4][0] for info in socket.getaddrinfo(name, there.port or 443, type=socket.SOCK_STREAM)}
    for each in sorted(map(str, found)):
        if allow_private or ipaddress.ip_address(each).is_global:
            return each
    raise ValueError(f"{name} lies in a private network; allow it for this destination if that is meant")
