"""What the server wants of this vehicle: signed by it, newer than what is kept, within bounds; kept in one file and laid over edge.toml.

RefusedDesired   a message that is not taken; nothing changes
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from pydantic import ValidationError

from calibration.words import of_file
from edge.part import write_aside
from edge.settings import Settings
from edge.zones import LARGEST_BYTES, BadZones, Zones
from models.contract import Desired, PackLink, RefusedMessage, ZonesLink, decode, signed_text, why_not_adjustable
from models.packs import PackError, load_pack

log = logging.getLogger("trikeye.uplink")
KEPT, ZONES = "desired.cbor", "zones.geojson"
FETCH_S, AGAIN_S = 20.0, 600.0


class RefusedDesired(Exception):
    """A message that is not taken. `reason` is a short code, the text says what was wrong."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(text)
        self.reason = reason


class SendsAgain(Protocol):
    """An outbox, as far as it is needed here."""

    def send_again(self, since: datetime) -> int: ...


def checked(data: bytes, settings: Settings) -> Desired:
    """A message that this vehicle's server signed for it, with settings that may be set from afar. Raises RefusedDesired."""
    # Large: a watch of which nothing was ever wished starts without it.
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    key = settings.uplink.server_key
    if not key:
        raise RefusedDesired("no_key", "[uplink] server_key is not set, so nothing can be taken from afar")
    try:
        text, signature = signed_text(data)
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(signature, text)
        desired = decode(Desired, data)
    except RefusedMessage as wrong:
        raise RefusedDesired(wrong.reason, str(wrong)) from None
    except (InvalidSignature, ValueError):
        raise RefusedDesired("bad_signature", "the signature is not that of [uplink] server_key") from None
    if desired.vehicle != settings.vehicle.name:
        raise RefusedDesired("wrong_vehicle", f"this was meant for {desired.vehicle}")
    for name, value in desired.settings.items():
        if wrong_with := why_not_adjustable(name, value):
            raise RefusedDesired("bad_setting", wrong_with)
    return desired


def applied(settings: Settings, desired: Desired) -> Settings:
    """edge.toml's settings with what the server wants over them. Raises RefusedDesired."""
    values: dict[str, Any] = settings.model_dump()
    for name, value in desired.settings.items():
        section, key = name.split(".")
        values[section][key] = value
    pack = desired.pack
    if pack is not None and is_here(pack):
        values["detect"]["pack"] = pack.name
    try:
        return Settings.model_validate(values | {"revision": max(settings.revision, desired.revision)})
    except ValidationError as wrong:
        raise RefusedDesired("bad_setting", str(wrong.errors(include_url=False)[0]["loc"])) from None


def with_desired(settings: Settings, folder: Path | None = None) -> Settings:
    """edge.toml's settings with what was kept of the server's last wish; what cannot be read or trusted is passed over, and logged."""
    path = (folder or settings.vehicle.data) / KEPT
    try:
        return applied(settings, checked(path.read_bytes(), settings))
    except FileNotFoundError:
        return settings
    except OSError as wrong:
        log.warning("%s, so it is passed over", of_file(path, wrong))
    except RefusedDesired as wrong:
        log.warning("%s is passed over: %s", path, wrong)
    return settings


def is_here(pack: PackLink) -> bool:
    """Whether a pack of this name and digest lies on this vehicle."""
    try:
        return load_pack(pack.name).digest == pack.digest
    except (PackError, OSError):
        return False


@dataclass
class Orders:
    """Takes what the server wants. `base` is edge.toml; `refused` says what was not done of the last, for the heartbeat."""

    base: Settings
    folder: Path
    outbox: SendsAgain
    counts: Counter[str] = field(default_factory=Counter)
    refused: str = ""
    current: Desired | None = None
    _tried_s: float = -1e9

    def __post_init__(self) -> None:
        try:
            self.current = checked((self.folder / KEPT).read_bytes(), self.base)
        except (OSError, RefusedDesired):
            self.current = None

    def take(self, data: bytes) -> Settings | None:
        """The settings from now on if this was newer; None if it was not, or was refused: then everything stays. Raises OutboxError."""
        try:
            desired = checked(data, self.base)
            known = max(self.current.revision if self.current else 0, self.base.revision)
            if desired.revision <= known:
                self.counts["desired_ignored"] += desired.revision < known
                return None
            settings = applied(self.base, desired)
        except RefusedDesired as wrong:
            self.counts["desired_refused"] += 1
            self.refused = f"{wrong.reason}: {wrong}"[:200]
            self._log(event="desired_refused", reason=wrong.reason, text=str(wrong))
            return None
        if desired.send_again_since is not None:
            # Before the file is kept: done twice it does no harm, done never it would.
            self.counts["sent_again"] += self.outbox.send_again(desired.send_again_since)
        try:
            write_aside(self.folder / KEPT, data, durable=True)
        except OSError as wrong:
            self.refused = f"not_kept: {wrong}"[:200]
            return None
        self.current, self.refused, self._tried_s = desired, "", -1e9
        if desired.pack is not None and not is_here(desired.pack):
            self.refused = f"pack: {desired.pack.name} with this digest is not on this vehicle; copy it there"
        self._log(event="desired_applied", revision=str(desired.revision))
        return settings

    def zones_due(self, now_s: float) -> ZonesLink | None:
        """The zones that are still to be fetched, if it is time to try."""
        zones = self.current.zones if self.current else None
        if zones is None or now_s - self._tried_s < AGAIN_S:
            return None
        self._tried_s = now_s
        return zones if zones_digest(self.folder) != zones.digest else None

    def fetch_zones(self, zones: ZonesLink) -> None:
        """Fetch and keep them; with a wrong digest, or none that can be had, the old ones stay and `refused` says why."""
        try:
            data = fetched(zones.url, self.base)
            if (digest := hashlib.sha256(data).hexdigest()) != zones.digest:
                raise RefusedDesired("zones", f"their digest is {digest[:8]}…, not {zones.digest[:8]}…")
            Zones.of(data, ZONES)
            write_aside(self.folder / ZONES, data, durable=True)
        except (OSError, ValueError, BadZones, RefusedDesired) as wrong:
            self.counts["desired_refused"] += 1
            self.refused = f"zones: {wrong}"[:200]
            return
        if self.refused.startswith("zones"):
            self.refused = ""

    def _log(self, **fields: str) -> None:
        log.info("%s", json.dumps({"vehicle": self.base.vehicle.name, **fields}, ensure_ascii=False))


def zones_digest(folder: Path) -> str | None:
    """SHA-256 of the zones on this vehicle; None without any."""
    path = folder / ZONES
    try:
        about = path.stat()
        return _digest_of(path, about.st_mtime_ns, about.st_ino)
    except OSError:
        return None


@lru_cache(1)
def _digest_of(path: Path, changed_ns: int, inode: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def fetched(url: str, settings: Settings) -> bytes:
    """What lies at an address: HTTPS, a file of this machine, or plain HTTP on the loopback alone. Raises OSError, RefusedDesired."""
    # The uplink alone fetches; the watch, which reads what was fetched, does without them.
    import ssl
    import urllib.request

    parts = urlsplit(url)
    if parts.scheme == "http" and parts.hostname not in ("127.0.0.1", "localhost"):
        raise RefusedDesired("zones", f"{parts.hostname} would send them in the open; the address must be https")
    uplink, request = settings.uplink, urllib.request.Request(url)
    # A vehicle's password goes to its own server alone, and a redirect must not carry it on.
    if parts.scheme != "file" and uplink.user:
        login = base64.b64encode(f"{uplink.user}:{uplink.password}".encode()).decode()
        request.add_unredirected_header("Authorization", f"Basic {login}")
    context = ssl.create_default_context(cafile=str(uplink.ca_file) if uplink.ca_file else None)
    with urllib.request.urlopen(request, timeout=FETCH_S, context=context) as answer:
        data: bytes = answer.read(LARGEST_BYTES + 1)
    if len(data) > LARGEST_BYTES:
        raise RefusedDesired("zones", f"they are larger than {LARGEST_BYTES} bytes")
    return data
