"""What was changed on the pages, or by a command, since the demo signed its people in: its own file does not know of it, so its passwords and codes no longer let in."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import shlex
import sqlite3
from contextlib import closing
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from demo.login import Login
from demo.typed import typed

PERSON = "SELECT id, password, is_active FROM accounts_user WHERE username = ?"
APP = "SELECT data FROM mfa_authenticator WHERE user_id = ? AND type = 'totp'"


def what_changed(login: Login, server_data: Path) -> dict[str, str]:
    """What is no longer as the login says ("account", "password", "second factor"), each with a sentence that says how to go on; nothing where there is no database yet."""
    database = server_data / "db.sqlite3"
    if not database.exists():
        return {}
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=20)) as db:
        person = db.execute(PERSON, (login.name,)).fetchone()
        app = db.execute(APP, person[:1]).fetchone() if person else None
    if person is None:
        return {}
    told = {}
    if not person[2]:
        told["account"] = f"{login.name} was shut out; let them in: {_verb(server_data, 'let-in', login.name)}"
    if not _is_password(login.password, person[1]):
        told["password"] = f"the password of {login.name} was changed and is not known here; a new one for one sign-in: {_verb(server_data, 'password', login.name)}"  # fmt: skip
    if login.secret and not (app and _is_secret(login.secret, app[0], server_data)):
        told["second factor"] = f"the second factor of {login.name} was changed, so the codes of this demo no longer hold; set up a new one at the next sign-in: {_verb(server_data, 'second-factor', login.name, '--reset')}"  # fmt: skip
    return told


def _is_password(password: str, kept: str) -> bool:
    """As Django keeps passwords: PBKDF2 with SHA-256, how often, salt and hash. What is kept otherwise cannot be told, and passes."""
    kind, _, rest = kept.partition("$")
    if kind != "pbkdf2_sha256":
        return True
    often, salt, digest = rest.split("$")
    made = hashlib.pbkdf2_hmac("sha256", password.encode(), salt.encode(), int(often))
    return hmac.compare_digest(base64.b64encode(made).decode(), digest)


def _is_secret(secret: str, data: str, server_data: Path) -> bool:
    """As server/accounts/factors.py encrypts what an app holds."""
    key = base64.urlsafe_b64decode((server_data / "secrets" / "second-factors").read_text().strip())[:32]
    try:
        kept = Fernet(base64.urlsafe_b64encode(key)).decrypt(json.loads(data)["secret"].encode())
    except InvalidToken:
        return False
    return hmac.compare_digest(kept, secret.encode())


def _verb(server_data: Path, *words: str) -> str:
    return f"TRIKEYE_DATA={shlex.quote(str(server_data))} {typed('server', 'user', *words)}"
