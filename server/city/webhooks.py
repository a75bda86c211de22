"""Sending and checking Standard Webhooks. The address is resolved once and checked, so that no destination leads into the own network."""

from __future__ import annotations

import ipaddress
import json
import socket
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any
from urllib.parse import urlsplit

import httpx
from standardwebhooks.webhooks import Webhook

TIMEOUT_S = 20.0
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
        address = _address_of(url, allow_private)
    except (OSError, ValueError) as wrong:
        return Answer(False, error=f"address refused: {wrong}")
    parts = urlsplit(url)
    stamp = now.astimezone(UTC)
    headers = {
        "webhook-id": message_id, "webhook-timestamp": str(int(stamp.timestamp())), "webhook-signature": Webhook(secret).sign(message_id, stamp, payload),
        "content-type": "application/json", "host": parts.netloc,
    }  # fmt: skip
    # The connection goes to the address that was checked, not to whatever the name says a moment later; TLS still checks the name.
    target = httpx.URL(url).copy_with(host=address)
    try:
        with httpx.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
            answer = client.post(
                target, content=payload.encode(), headers=headers, extensions={"sni_hostname": parts.hostname}
            )
    except httpx.HTTPError as wrong:
        return Answer(False, error=f"{type(wrong).__name__}: {wrong}"[:300])
    if 200 <= answer.status_code < 300:
        return Answer(True, _external_id(answer))
    wait = answer.headers.get("retry-after", "")
    return Answer(
        False,
        gone=answer.status_code == 410,
        error=f"HTTP {answer.status_code}",
        retry_after_s=float(wait) if wait.isdigit() else None,
    )


def verified(secret: str, headers: dict[str, str], body: bytes) -> dict[str, Any] | None:
    """The message of a signed request, None if the signature does not hold."""
    try:
        message = Webhook(secret).verify(body, headers)
    except Exception:  # the library raises ValueError and others for a malformed header, besides its own error
        return None
    return message if isinstance(message, dict) else None


def _external_id(answer: httpx.Response) -> str:
    try:
        said = answer.json()
    except ValueError:
        return ""
    return str(said.get("id", ""))[:100] if isinstance(said, dict) else ""


def _address_of(url: str, allow_private: bool) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("an address begins with http:// or https://")
    if parts.scheme == "http" and not allow_private:
        raise ValueError("a city's address must be https")
    found = {info[4][0] for info in socket.getaddrinfo(parts.hostname, parts.port or 443, type=socket.SOCK_STREAM)}
    for each in sorted(map(str, found)):
        if allow_private or ipaddress.ip_address(each).is_global:
            return each
    raise ValueError(f"{parts.hostname} lies in a private network; allow it for this destination if that is meant")
