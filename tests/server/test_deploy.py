"""What a city runs: Django's own list of what a deployment needs is clean, cookies and headers are as they must be, and no page lets inline script in."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from server import roles
from server.accounts.models import User

OFFICE = {"TRIKEYE_URL": "https://review.example", "TRIKEYE_HOSTS": "review.example"}
ASK = """
from server.start import start
start()
from django.test import Client
web = Client(headers={"host": "review.example"})
plain = web.get("/login/")
print(plain.status_code, plain.headers["Location"])
answer = web.get("/login/", headers={"x-forwarded-proto": "https"})
print(answer.status_code, answer.headers["Strict-Transport-Security"])
from server.accounts.people import add_person
_, password = add_person("wang", "reviewer")
answer = web.post("/login/", {"username": "wang", "password": password}, headers={"x-forwarded-proto": "https"})
print(answer.headers["Location"])
print(answer.cookies["__Host-sessionid"].OutputString())
print(web.get("/health/").status_code)
"""


def run(data: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *argv], env={**{name: value for name, value in os.environ.items() if name != "DJANGO_ALLOW_ASYNC_UNSAFE"}, **OFFICE, "TRIKEYE_DATA": str(data), "DJANGO_SETTINGS_MODULE": "server.settings"}, capture_output=True, text=True, timeout=280)  # fmt: skip


@pytest.mark.process
def test_djangos_list_for_deployments_is_clean(tmp_path: Path) -> None:
    """With the secret that the first start makes."""
    program = "from django.core.management import call_command\nfrom server.start import start\nstart()\ncall_command('check', deploy=True, fail_level='INFO')"
    done = run(tmp_path, "-c", program)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    assert (tmp_path / "secrets" / "django").stat().st_mode & 0o77 == 0


@pytest.mark.process
def test_under_https_cookies_stay_with_the_host_and_plain_http_is_sent_on(tmp_path: Path) -> None:
    assert run(tmp_path, "-m", "trikeye", "server", "migrate", "--quiet").returncode == 0
    said = run(tmp_path, "-c", ASK).stdout.splitlines()
    assert said[0] == "301 https://review.example/login/"
    assert said[1].startswith("200 max-age=31536000")
    assert said[2] == "/login/enrol/"
    assert said[3].startswith("__Host-sessionid=")
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(said[3].split("; "))
    assert "Domain" not in said[3]
    assert said[-1] == "200"


@pytest.mark.django_db
def test_no_address_of_the_library_is_reachable() -> None:
    for address in ("/accounts/login/", "/accounts/signup/", "/accounts/password/reset/", "/accounts/email/", "/accounts/2fa/", "/signup/", "/login/signup/"):  # fmt: skip
        assert Client().get(address).status_code == 404


@pytest.mark.django_db
def test_the_sign_in_is_kept_by_nobody_in_between(reviewer: Any) -> None:
    for name in ("login", "login_code", "login_enrol", "login_recovery", "login_password"):
        assert "no-store" in Client().get(reverse(name)).headers["Cache-Control"]
    assert roles.MAY["audit"] == {User.Role.AUDITOR, User.Role.SUPERVISOR}
    assert roles.MAY["users"] == {User.Role.ADMIN}
