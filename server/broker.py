"""The broker's files: who may log in and which topics each may write and read; and starting a broker on this machine.

Two brokers are served: Mosquitto, and amqtt (embedded, for trials: it forgets everything when it stops).
"""

from __future__ import annotations

import base64
import hashlib
import os
import secrets
import shutil
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile

from django.conf import settings

from models.contract import topic
from server.fleet.models import Vehicle
from server.settings import secret

UP, DOWN = ("sighting", "coverage", "health", "status"), ("ack", "desired")
INTAKE = "intake"
LARGEST_PACKET_BYTES = (
    1_000_000  # a vehicle's message has under 256 KiB: who sends more is cut off before it is taken in
)
ITERATIONS = 20_000
FOLDER: Path = settings.DATA / "broker"


def new_password() -> str:
    """A password nobody has to remember."""
    return secrets.token_urlsafe(24)


def mosquitto_hash(password: str) -> str:
    """A line's second half in Mosquitto's password file: PBKDF2 with SHA-512."""
    salt = os.urandom(12)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ITERATIONS, 64)
    return f"$7${ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(key).decode()}"


def embedded_hash(password: str) -> str:
    """The same for amqtt (Argon2); empty where the demo extra is not installed."""
    try:
        from pwdlib.hashers.argon2 import Argon2Hasher
    except ImportError:
        return ""
    return str(Argon2Hasher().hash(password))


def rights() -> dict[str, tuple[list[str], list[str]]]:
    """For each login: the topics it may write and those it may read."""
    names = Vehicle.objects.filter(revoked_at=None).order_by("name").values_list("name", flat=True)
    table = {name: ([topic(name, kind) for kind in UP], [topic(name, kind) for kind in DOWN]) for name in names}
    table[INTAKE] = ([topic("+", kind) for kind in DOWN], [topic("+", kind) for kind in UP])
    return table


def address() -> tuple[str, int]:
    """Where vehicles find the broker."""
    host, _, port = settings.BROKER.partition(":")
    return host, int(port or (8883 if settings.BROKER_CERT else 1883))


def own_address() -> tuple[str, int]:
    """Where this machine's own processes find it: beside TLS for the vehicles, plain on the loopback."""
    host, port = address()
    return ("127.0.0.1", 1884 if port == 1883 else 1883) if settings.BROKER_CERT else (host, port)


def why_not_open() -> str:
    """Why the broker may not be opened to vehicles as it is set, and what to set; empty if it may."""
    if bool(settings.BROKER_CERT) != bool(settings.BROKER_KEY):
        return "set both TRIKEYE_BROKER_CERT and TRIKEYE_BROKER_KEY (PEM files), or neither"
    if settings.BROKER_CERT or _is_loopback(address()[0]):
        return ""
    return (
        f"{settings.BROKER} would carry passwords and pictures in the open; set TRIKEYE_BROKER_CERT and TRIKEYE_BROKER_KEY to the PEM files of its certificate"
        " (and TRIKEYE_BROKER_CA if your own authority signed it)"
    )


def write_files(folder: Path | None = None) -> Path:
    """Write every file of both brokers (0600) into a folder (default: FOLDER) and return it. A running Mosquitto takes them on SIGHUP."""
    folder = (folder or FOLDER).resolve()
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    (folder / "store").mkdir(exist_ok=True)
    intake = secret("broker-intake")
    vehicles = list(Vehicle.objects.filter(revoked_at=None).order_by("name"))
    acl = []
    for name, (writes, reads) in rights().items():
        acl += [
            f"user {name}",
            *(f"topic write {each}" for each in writes),
            *(f"topic read {each}" for each in reads),
            "",
        ]
    files = {
        "passwd": [f"{INTAKE}:{mosquitto_hash(intake)}", *(f"{v.name}:{v.broker_hash}" for v in vehicles)],
        "embedded-passwd": [f"{INTAKE}:{embedded_hash(intake)}", *(f"{v.name}:{v.embedded_hash}" for v in vehicles if v.embedded_hash)],
        "acl": acl,
        "mosquitto.conf": _mosquitto_lines(folder),
        "amqtt.yaml": _amqtt_lines(folder),
    }  # fmt: skip
    for file_name, lines in files.items():
        write_own(folder / file_name, lines)
    return folder


def command(kind: str) -> list[str]:
    """The command line that runs a broker of a kind ("mosquitto" or "amqtt") on the written files."""
    if kind == "mosquitto":
        return [found_mosquitto() or "mosquitto", "-c", str(FOLDER / "mosquitto.conf")]
    return [sys.executable, "-W", "ignore", "-c", "import sys; from amqtt.scripts.broker_script import main; sys.argv=['amqtt','-c',sys.argv[1]]; main()",
            str(FOLDER / "amqtt.yaml")]  # fmt: skip


def found_mosquitto() -> str | None:
    """Mosquitto's path, also where Debian puts it outside of a user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def _is_loopback(host: str) -> bool:
    return host == "localhost" or host.startswith("127.")


def _mosquitto_lines(folder: Path) -> list[str]:
    host, port = address()
    # A client id is its user's name: nobody takes another's session over.
    listeners = [f"listener {port} {host}", "use_username_as_clientid true"]
    if settings.BROKER_CERT:
        # The name vehicles dial need not be an address of this machine: TLS listens on all of them.
        own_host, own_port = own_address()
        cert, key = Path(settings.BROKER_CERT).resolve(), Path(settings.BROKER_KEY).resolve()
        listeners = [
            f"listener {port}{f' {host}' if _is_loopback(host) else ''}", f"certfile {cert}", f"keyfile {key}", "use_username_as_clientid true",
            f"listener {own_port} {own_host}", "use_username_as_clientid true",
        ]  # fmt: skip
    return [
        *listeners, "allow_anonymous false", f"password_file {folder / 'passwd'}", f"acl_file {folder / 'acl'}",
        "persistence true", f"persistence_location {folder / 'store'}/", "autosave_interval 30",
        "max_queued_messages 100000", "max_queued_bytes 2000000000", "max_inflight_messages 100", f"max_packet_size {LARGEST_PACKET_BYTES}",
        "log_dest stderr", "log_type error", "log_type warning", *(["user root"] if os.geteuid() == 0 else []),
    ]  # fmt: skip


def _amqtt_lines(folder: Path) -> list[str]:
    host, port = own_address()
    lines = ["---", "listeners:", "  default:", "    type: tcp", f"    bind: {host}:{port}", "plugins:",
             "  amqtt.plugins.authentication.FileAuthPlugin:", f"    password_file: {folder / 'embedded-passwd'}",
             "  amqtt.plugins.topic_checking.TopicAccessControlListPlugin:"]  # fmt: skip
    for key, index in (("publish_acl", 0), ("acl", 1)):
        lines.append(f"    {key}:")
        for name, table in rights().items():
            lines += [f"      {name}:", *(f"        - {each}" for each in table[index])]
    return lines


def write_own(path: Path, lines: list[str]) -> None:
    """Write a file anew, whole or not at all, for its owner alone."""
    with NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
        file.write("\n".join(lines) + "\n")
    Path(file.name).replace(path)
