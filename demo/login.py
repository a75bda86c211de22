"""How the demo's people sign in: over HTTP like anybody, with a password and the code that an authenticator app would show. Their file is for its owner alone."""

from __future__ import annotations

import base64
import hmac
import os
import re
import secrets
import struct
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import httpx

from demo.typed import typed

PERIOD_S = 30


class Refused(RuntimeError):
    """The sign-in did not go through; the text says at which step."""


@dataclass(frozen=True)
class Login:
    """A person of the demo; `secret` is what their authenticator app would hold, empty before their first sign-in."""

    name: str
    password: str
    secret: str = ""

    def code(self, now_s: float) -> str:
        """The code of this half minute (RFC 6238)."""
        key = base64.b32decode(self.secret + "=" * (-len(self.secret) % 8))
        digest = hmac.digest(key, struct.pack(">Q", int(now_s) // PERIOD_S), "sha1")
        number = struct.unpack_from(">I", digest, digest[-1] & 15)[0] & 0x7FFFFFFF
        return f"{number % 1_000_000:06d}"


def read_logins(path: Path) -> dict[str, Login]:
    """Everybody by name; nobody before the first start. Older files hold no secrets."""
    lines = path.read_text().splitlines() if path.exists() else []
    return {line.split()[0]: Login(*line.split()[:3]) for line in lines if line.strip() and not line.startswith("#")}


def write_logins(path: Path, logins: dict[str, Login]) -> None:
    """Replace the file as a whole: half of one would lock everybody out."""
    code = typed("demo", "code", next(iter(logins), "NAME"), "--data", str(path.parent.absolute()), whole=True)
    lines = [f"# name, password, secret of the authenticator app; the code of this moment, of this or another name: {code}"]  # fmt: skip
    lines += [f"{each.name} {each.password} {each.secret}".rstrip() for each in logins.values()]
    aside = path.with_suffix(".part")
    with os.fdopen(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write("\n".join(lines) + "\n")
    aside.replace(path)


class SignIn:
    """One person's way in, step by step; a code is shown once only, as the server takes none twice."""

    def __init__(self, http: httpx.Client) -> None:
        self._http, self._shown = http, ""

    def enter(self, login: Login) -> None:
        """Password and code. Raises Refused."""
        if login.secret and login.code(time.time()) == self._shown:
            raise Refused("this half minute's code is used up")
        self._expect(self._send("/login/", username=login.name, password=login.password), "/login/code/", "the password")  # fmt: skip
        self._shown = login.code(time.time())
        self._expect(self._send("/login/code/", code=self._shown), "/", "the code")

    def enter_first(self, login: Login, keep: Callable[[Login], None]) -> Login:
        """The first sign-in: sets up the second factor and chooses a password. What will be true is kept before it is sent. Raises Refused."""
        at = self._send("/login/", username=login.name, password=login.password)
        self._expect(at, "/login/enrol/", "the password")
        found = re.search(r'id="secret">([A-Z2-7 ]+)<', self._http.get(at).text)
        if not found:
            raise Refused("the page of the second factor shows no key")
        login = replace(login, secret=found[1].replace(" ", ""))
        keep(login)
        self._expect(self._send(at, code=login.code(time.time())), "/login/recovery/", "the code")
        at = self._send("/login/recovery/")
        if at == "/login/password/":
            login = replace(login, password=secrets.token_urlsafe(24))
            keep(login)
            at = self._send(at, password=login.password)
        self._expect(at, "/", "the new password")
        return login

    def _send(self, address: str, **fields: str) -> str:
        """Fill in the form at an address; where its answer leads, empty if it stays."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self._http.get(address).text)
        if not found:
            raise Refused(f"{address} has no form")
        answer = self._http.post(address, data=fields | {"csrfmiddlewaretoken": found[1]}, follow_redirects=False)
        return str(answer.headers.get("Location", ""))

    @staticmethod
    def _expect(at: str, meant: str, what: str) -> None:
        if at != meant:
            raise Refused(f"the sign-in refused {what}" if not at else f"the sign-in leads to {at} and not to {meant}")
