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

from django.conf import settings

from models.contract import topic
from server.fleet.models import Vehicle
from server.settings import secret

UP, DOWN = ("sighting", "coverage", "health", "status"), ("ack", "desired")
INTAKE = "intake"
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


def write_files(host: str, port: int) -> Path:
    """Write every file of both brokers (0600) and return their folder. A running Mosquitto takes them on SIGHUP."""
    FOLDER.mkdir(parents=True, exist_ok=True, mode=0o700)
    (FOLDER / "store").mkdir(exist_ok=True)
    intake = secret("broker-intake")
    vehicles = list(Vehicle.objects.filter(revoked_at=None).order_by("name"))
    _write("passwd", [f"{INTAKE}:{mosquitto_hash(intake)}", *(f"{v.name}:{v.broker_hash}" for v in vehicles)])
    _write(
        "embedded-passwd",
        [f"{INTAKE}:{embedded_hash(intake)}", *(f"{v.name}:{v.embedded_hash}" for v in vehicles if v.embedded_hash)],
    )
    acl = []
    for name, (writes, reads) in rights().items():
        acl += [
            f"user {name}",
            *(f"topic write {each}" for each in writes),
            *(f"topic read {each}" for each in reads),
            "",
        ]
    _write("acl", acl)
    _write("mosquitto.conf", [
        f"listener {port} {host}", "allow_anonymous false", f"password_file {FOLDER / 'passwd'}", f"acl_file {FOLDER / 'acl'}",
        "persistence true", f"persistence_location {FOLDER / 'store'}/", "autosave_interval 30",
        "max_queued_messages 100000", "max_queued_bytes 2000000000", "max_inflight_messages 40", "message_size_limit 0",
        "log_dest stderr", "log_type error", "log_type warning", *(["user root"] if os.geteuid() == 0 else []),
    ])  # fmt: skip
    _write("amqtt.yaml", _amqtt_lines(host, port))
    return FOLDER


def command(kind: str) -> list[str]:
    """The command line that runs a broker of a kind ("mosquitto" or "amqtt") on the written files."""
    if kind == "mosquitto":
        return [found_mosquitto() or "mosquitto", "-c", str(FOLDER / "mosquitto.conf")]
    return [sys.executable, "-W", "ignore", "-c", "import sys; from amqtt.scripts.broker_script import main; sys.argv=['amqtt','-c',sys.argv[1]]; main()",
            str(FOLDER / "amqtt.yaml")]  # fmt: skip


def found_mosquitto() -> str | None:
    """Mosquitto's path, also where Debian puts it outside of a user's PATH."""
    return shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")


def _amqtt_lines(host: str, port: int) -> list[str]:
    lines = ["---", "listeners:", "  default:", "    type: tcp", f"    bind: {host}:{port}", "plugins:",
             "  amqtt.plugins.authentication.FileAuthPlugin:", f"    password_file: {FOLDER / 'embedded-passwd'}",
             "  amqtt.plugins.topic_checking.TopicAccessControlListPlugin:"]  # fmt: skip
    for key, index in (("publish_acl", 0), ("acl", 1)):
        lines.append(f"    {key}:")
        for name, table in rights().items():
            lines += [f"      {name}:", *(f"        - {each}" for each in table[index])]
    return lines


def _write(name: str, lines: list[str]) -> None:
    path = FOLDER / name
    aside = path.with_suffix(".part")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    aside.replace(path)
